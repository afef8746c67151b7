//! The counts of one process between two moments, as columns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::params;

use super::cold::BlockRow;
use super::instance::unsigned;
use super::{Dictionary, Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::block::{Block, Tick};
use crate::store::damage::unless_damaged;
use crate::store::hot::unpack_pulse;

/// Goroutines by wait kind.
pub type States = BTreeMap<Arc<str>, u64>;

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
    /// The wait kinds at the last tick that a signature was present at, and when that was.
    pub states: HashMap<SignatureKey, (Timestamp, States)>,
    /// Pulses that are not compared, and why: `truncated` by the target, or `damaged` in the file.
    pub set_aside: Vec<(Timestamp, &'static str)>,
}

/// One row of `pulse`.
pub(super) struct PulseRow<'a> {
    pub(super) at: Timestamp,
    pub(super) goroutines: u64,
    pub(super) truncated: bool,
    /// Empty where the file cannot be read, which never unpacks.
    pub(super) groups: &'a [u8],
}

/// Which part of the history is read.
struct Wanted<'a> {
    since: Timestamp,
    until: Timestamp,
    dictionary: &'a Dictionary,
    signatures: Option<&'a HashSet<SignatureKey>>,
}

impl Wanted<'_> {
    fn covers(&self, at: Timestamp) -> bool {
        self.since <= at && at <= self.until
    }

    /// The signature of a stack, if it is wanted.
    fn signature(&self, stack: i64) -> Option<SignatureKey> {
        self.dictionary.signature(stack, self.signatures)
    }
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
        let wanted = Wanted {
            since,
            until,
            dictionary: &dictionary,
            signatures: wanted,
        };
        let mut window = IncarnationWindow::default();
        self.each_block(incarnation, since, until, |row| {
            window.take_block(&row, &wanted);
        })
        .map_err(|source| self.failed(source))?;
        self.each_pulse(incarnation, since, until, |row| window.take(&row, &wanted))
            .map_err(|source| self.failed(source))?;
        let quarantined = self.quarantined(incarnation, since, until);
        let quarantined = quarantined.map_err(|source| self.failed(source))?;
        let damaged = quarantined.into_iter().map(|at| (at, "damaged"));
        window.set_aside.extend(damaged);
        window.close();
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
        let mut add = |at: Timestamp, stack: i64, state: i64, count: u64| {
            let name = dictionary.kinds.get(&state);
            let wanted = dictionary.stacks.get(&stack) == Some(&signature);
            if let (Some(name), true, true) = (name, wanted, count > 0) {
                *states
                    .entry(at)
                    .or_default()
                    .entry(Arc::clone(name))
                    .or_default() += count;
            }
        };
        let wanted = since..=until;
        self.each_block(incarnation, since, until, |row| {
            // Damage was told when the window was read.
            let Some(block) = row.unpack() else { return };
            let mut counts = Vec::new();
            for (nth, key) in block.keys().enumerate() {
                let is_wanted = dictionary.stacks.get(&key.stack) == Some(&signature);
                if is_wanted && block.column(nth, &mut counts).is_some() {
                    for (tick, count) in block.ticks().iter().zip(&counts) {
                        let at = Timestamp::from_millis(tick.at);
                        if wanted.contains(&at) && !tick.truncated {
                            add(at, key.stack, key.state, *count);
                        }
                    }
                }
            }
        })
        .map_err(|source| self.failed(source))?;
        self.each_pulse(incarnation, since, until, |row| {
            let mut entries = Vec::new();
            if !row.truncated && unpack_pulse(row.groups, |entry| entries.push(entry)).is_some() {
                for entry in entries {
                    add(row.at, entry.stack, entry.state, entry.count);
                }
            }
        })
        .map_err(|source| self.failed(source))?;
        Ok(states)
    }

    /// Goes through the hot pulses of a process between two moments, inclusive, in order.
    pub(super) fn each_pulse(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        mut on: impl FnMut(PulseRow<'_>),
    ) -> rusqlite::Result<()> {
        // Row by row: a page that cannot be read costs the rows on it, and no others.
        let bounds = params![incarnation, since.as_millis(), until.as_millis()];
        let ids: Vec<(i64, i64)> = self
            .connection
            .prepare_cached(
                "SELECT id, at FROM pulse
                 WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at",
            )?
            .query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (id, at) in ids {
            let at = Timestamp::from_millis(at);
            if unless_damaged(self.whole_pulse(id, at, &mut on))?.is_none() {
                on(PulseRow {
                    at,
                    goroutines: 0,
                    truncated: false,
                    groups: &[],
                });
            }
        }
        Ok(())
    }

    fn whole_pulse(
        &self,
        id: i64,
        at: Timestamp,
        on: &mut impl FnMut(PulseRow<'_>),
    ) -> rusqlite::Result<()> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT goroutines, truncated, groups FROM pulse WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        if let Some(row) = rows.next()? {
            on(PulseRow {
                at,
                goroutines: unsigned(row.get(0)?),
                truncated: row.get(1)?,
                groups: row.get_ref(2)?.as_blob()?,
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
        self.states.extend(later.states);
        self.set_aside.extend(later.set_aside);
        self.close();
    }

    /// Every column gets a count for every tick, and all are in order of time.
    fn close(&mut self) {
        for column in self.counts.values_mut() {
            column.resize(self.ticks.len(), 0);
        }
        self.set_aside.sort_unstable();
        if self.ticks.is_sorted() {
            return;
        }
        // Late pulses: a clock that was set back, or imported history.
        let mut order: Vec<usize> = (0..self.ticks.len()).collect();
        order.sort_by_key(|nth| self.ticks.get(*nth));
        reorder(&mut self.ticks, &order);
        reorder(&mut self.goroutines, &order);
        for column in self.counts.values_mut() {
            reorder(column, &order);
        }
    }

    fn take(&mut self, row: &PulseRow<'_>, wanted: &Wanted<'_>) {
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
        for entry in entries {
            if let Some(signature) = wanted.signature(entry.stack) {
                self.add(signature, tick, entry.count);
                let kind = wanted.dictionary.kinds.get(&entry.state);
                self.see(signature, row.at, kind, entry.count);
            }
        }
    }

    fn take_block(&mut self, row: &BlockRow, wanted: &Wanted<'_>) {
        let (base, aside) = (self.ticks.len(), self.set_aside.len());
        let taken = row.unpack().and_then(|block| {
            let places = self.take_ticks(block.ticks(), base, wanted);
            self.take_columns(&block, &places, wanted)
        });
        if taken.is_none() {
            // Nothing of a block that breaks off half way may count.
            self.ticks.truncate(base);
            self.goroutines.truncate(base);
            for column in self.counts.values_mut() {
                column.truncate(base);
            }
            self.set_aside.truncate(aside);
            let here = row.ticks().filter(|at| wanted.covers(*at));
            self.set_aside.extend(here.map(|at| (at, "damaged")));
        }
    }

    /// Takes the wanted ticks of a block: for each of its ticks, the place that it has got.
    fn take_ticks(
        &mut self,
        ticks: &[Tick],
        base: usize,
        wanted: &Wanted<'_>,
    ) -> Vec<Option<usize>> {
        let mut places = Vec::with_capacity(ticks.len());
        for tick in ticks {
            let at = Timestamp::from_millis(tick.at);
            let is_wanted = wanted.covers(at);
            if is_wanted && tick.truncated {
                self.set_aside.push((at, "truncated"));
            }
            let place = (is_wanted && !tick.truncated).then_some(self.ticks.len() - base);
            if place.is_some() {
                self.ticks.push(at);
                self.goroutines.push(tick.goroutines);
            }
            places.push(place);
        }
        places
    }

    fn take_columns(
        &mut self,
        block: &Block,
        places: &[Option<usize>],
        wanted: &Wanted<'_>,
    ) -> Option<()> {
        let len = self.ticks.len();
        let base = len - places.iter().flatten().count();
        let mut counts = Vec::new();
        for (nth, key) in block.keys().enumerate() {
            let Some(signature) = wanted.signature(key.stack) else {
                continue;
            };
            block.column(nth, &mut counts)?;
            let here = |(count, place): (&u64, &Option<usize>)| *count > 0 && place.is_some();
            if !counts.iter().zip(places).any(here) {
                continue;
            }
            let column = self.counts.entry(signature).or_default();
            column.resize(len, 0);
            let column = column.get_mut(base..)?;
            let mut last = None;
            for (count, place) in counts.iter().zip(places) {
                if let Some(place) = place
                    && *count > 0
                {
                    let slot = column.get_mut(*place)?;
                    *slot = slot.saturating_add(u32::try_from(*count).unwrap_or(u32::MAX));
                    last = Some((*place, *count));
                }
            }
            if let Some((place, count)) = last {
                let at = *self.ticks.get(base + place)?;
                self.see(
                    signature,
                    at,
                    wanted.dictionary.kinds.get(&key.state),
                    count,
                );
            }
        }
        Some(())
    }

    /// Notes goroutines of a signature at a tick: what counts in the end is its newest one.
    fn see(&mut self, signature: SignatureKey, at: Timestamp, kind: Option<&Arc<str>>, count: u64) {
        let Some(kind) = kind else { return };
        let (newest, states) = self.states.entry(signature).or_default();
        if at < *newest {
            return;
        }
        if at > *newest {
            *newest = at;
            states.clear();
        }
        *states.entry(Arc::clone(kind)).or_default() += count;
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

fn reorder<T: Copy>(values: &mut Vec<T>, order: &[usize]) {
    let ordered = order.iter().filter_map(|nth| values.get(*nth).copied());
    *values = ordered.collect();
}
