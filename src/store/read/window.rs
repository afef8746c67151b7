//! The counts of one process between two moments, as columns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use rusqlite::params;

use super::instance::unsigned;
use super::{Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::hot::unpack_pulse;

/// Every good pulse of one process in a window: a column of ticks, and for each signature a column
/// of counts beside it. A count of 0 means absent; what is unknown has no tick.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncarnationWindow {
    /// When the pulses were taken, ascending.
    pub ticks: Vec<Timestamp>,
    /// All goroutines of the process at each tick.
    pub goroutines: Vec<u64>,
    /// Counts at each tick; counts beyond `u32::MAX` are held there.
    pub counts: HashMap<SignatureKey, Vec<u32>>,
    /// The states at the last tick that a signature was present at.
    pub states: HashMap<SignatureKey, BTreeMap<Rc<str>, u64>>,
    /// Pulses that the target had cut off: they are not compared.
    pub truncated: Vec<Timestamp>,
}

impl Reader {
    /// Reads the pulses of a process between two moments, inclusive; `wanted` limits the
    /// signatures.
    pub fn window(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Result<IncarnationWindow, StoreError> {
        let dictionary = self.dictionary()?;
        let failed = |source| self.failed(source);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, at, goroutines, truncated, groups FROM pulse
                 WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at",
            )
            .map_err(failed)?;
        let mut rows = statement
            .query(params![incarnation, since.as_millis(), until.as_millis()])
            .map_err(failed)?;
        let mut window = IncarnationWindow::default();
        let mut seen: HashSet<SignatureKey> = HashSet::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let at = Timestamp::from_millis(row.get(1).map_err(failed)?);
            if row.get(3).map_err(failed)? {
                window.truncated.push(at);
                continue;
            }
            let tick = window.ticks.len();
            window.ticks.push(at);
            window
                .goroutines
                .push(unsigned(row.get(2).map_err(failed)?));
            let groups = row
                .get_ref(4)
                .and_then(|groups| Ok(groups.as_blob()?))
                .map_err(failed)?;
            seen.clear();
            let whole = unpack_pulse(groups, |entry| {
                let Some(signature) = dictionary.stacks.get(&entry.stack) else {
                    return;
                };
                if wanted.is_some_and(|wanted| !wanted.contains(signature)) {
                    return;
                }
                window.add(*signature, tick, entry.count);
                let states = window.states.entry(*signature).or_default();
                if seen.insert(*signature) {
                    states.clear();
                }
                if let Some(name) = dictionary.states.get(&entry.state) {
                    *states.entry(Rc::clone(name)).or_default() += entry.count;
                }
            });
            if whole.is_none() {
                let id = row.get(0).map_err(failed)?;
                return Err(self.damaged("pulse", id));
            }
        }
        let ticks = window.ticks.len();
        for column in window.counts.values_mut() {
            column.resize(ticks, 0);
        }
        Ok(window)
    }
}

impl IncarnationWindow {
    fn add(&mut self, signature: SignatureKey, tick: usize, count: u64) {
        let column = self.counts.entry(signature).or_default();
        // Absent up to here.
        column.resize(tick + 1, 0);
        if let Some(slot) = column.get_mut(tick) {
            *slot = slot.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }
}
