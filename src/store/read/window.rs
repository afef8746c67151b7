//! The counts of one process between two moments, as columns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use rusqlite::params;

use super::instance::unsigned;
use super::{Dictionary, Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::hot::unpack_pulse;

/// Goroutines by wait kind.
pub type States = BTreeMap<Rc<str>, u64>;

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
    /// The wait kinds at the last tick that a signature was present at.
    pub states: HashMap<SignatureKey, States>,
    /// Pulses that are not compared, and why: `truncated` by the target, or `damaged` in the file.
    pub set_aside: Vec<(Timestamp, &'static str)>,
}

/// One row of `pulse`.
struct PulseRow<'a> {
    at: Timestamp,
    goroutines: u64,
    truncated: bool,
    groups: &'a [u8],
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
        let mut window = IncarnationWindow::default();
        self.each_pulse(incarnation, since, until, |row| {
            window.take(&row, &dictionary, wanted);
        })
        .map_err(|source| self.failed(source))?;
        let ticks = window.ticks.len();
        for column in window.counts.values_mut() {
            column.resize(ticks, 0);
        }
        Ok(window)
    }

    /// The wait kinds of one signature at every good pulse of a process that it was present at.
    pub fn states_over_time(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        signature: SignatureKey,
    ) -> Result<HashMap<Timestamp, States>, StoreError> {
        let dictionary = self.dictionary()?;
        let mut states: HashMap<Timestamp, States> = HashMap::new();
        self.each_pulse(incarnation, since, until, |row| {
            // A damaged row was set aside when the window was read.
            let _damaged = unpack_pulse(row.groups, |entry| {
                let name = dictionary.kinds.get(&entry.state);
                let wanted = dictionary.stacks.get(&entry.stack) == Some(&signature);
                if let (Some(name), true) = (name, wanted) {
                    let at = states.entry(row.at).or_default();
                    *at.entry(Rc::clone(name)).or_default() += entry.count;
                }
            });
        })
        .map_err(|source| self.failed(source))?;
        Ok(states)
    }

    fn each_pulse(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        mut on: impl FnMut(PulseRow<'_>),
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, goroutines, truncated, groups FROM pulse
             WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at",
        )?;
        let bounds = params![incarnation, since.as_millis(), until.as_millis()];
        let mut rows = statement.query(bounds)?;
        while let Some(row) = rows.next()? {
            on(PulseRow {
                at: Timestamp::from_millis(row.get(0)?),
                goroutines: unsigned(row.get(1)?),
                truncated: row.get(2)?,
                groups: row.get_ref(3)?.as_blob()?,
            });
        }
        Ok(())
    }
}

impl IncarnationWindow {
    /// Adds the pulses that came behind these.
    pub fn append(&mut self, later: Self) {
        let ticks = self.ticks.len();
        self.ticks.extend(later.ticks);
        self.goroutines.extend(later.goroutines);
        for (signature, counts) in later.counts {
            let column = self.counts.entry(signature).or_default();
            column.resize(ticks, 0);
            column.extend(counts);
        }
        for column in self.counts.values_mut() {
            column.resize(self.ticks.len(), 0);
        }
        self.states.extend(later.states);
        self.set_aside.extend(later.set_aside);
    }

    fn take(
        &mut self,
        row: &PulseRow<'_>,
        dictionary: &Dictionary,
        wanted: Option<&HashSet<SignatureKey>>,
    ) {
        if row.truncated {
            self.set_aside.push((row.at, "truncated"));
            return;
        }
        // Nothing of a row that breaks off half way may count.
        let mut entries = Vec::new();
        if unpack_pulse(row.groups, |entry| entries.push(entry)).is_none() {
            self.set_aside.push((row.at, "damaged"));
            return;
        }
        let tick = self.ticks.len();
        self.ticks.push(row.at);
        self.goroutines.push(row.goroutines);
        let mut seen: HashSet<SignatureKey> = HashSet::new();
        for entry in entries {
            let Some(signature) = dictionary.stacks.get(&entry.stack) else {
                continue;
            };
            if wanted.is_some_and(|wanted| !wanted.contains(signature)) {
                continue;
            }
            self.add(*signature, tick, entry.count);
            let states = self.states.entry(*signature).or_default();
            if seen.insert(*signature) {
                states.clear();
            }
            if let Some(name) = dictionary.kinds.get(&entry.state) {
                *states.entry(Rc::clone(name)).or_default() += entry.count;
            }
        }
    }

    fn add(&mut self, signature: SignatureKey, tick: usize, count: u64) {
        let column = self.counts.entry(signature).or_default();
        // Absent up to here.
        column.resize(tick + 1, 0);
        if let Some(slot) = column.get_mut(tick) {
            *slot = slot.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }
}
