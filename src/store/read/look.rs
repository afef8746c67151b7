//! Every look at an instance as it was stored: hot and cold alike, in order of time, one at a time.

use rusqlite::{Row, Rows, params};

use super::columns::{Cold, Details, Pulses};
use super::instance::unsigned;
use super::{InstanceKey, Reader, StoreError};
use crate::model::{Survival, Timestamp};
use crate::store::hot::{DetailEntry, PulseEntry, unpack_detail, unpack_pulse};

/// One look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookRow {
    /// Start of the request.
    pub at: Timestamp,
    /// A [`crate::model::Kind`] by name.
    pub kind: String,
    /// Milliseconds from the start of the request to its end.
    pub took_ms: u64,
    /// How it ended.
    pub outcome: Looked,
}

/// How a look ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// With a snapshot.
    Snapshot(SnapshotRow),
    /// A [`crate::model::FailureReason`] by name, and the sentence to it.
    Failed(String, String),
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Row of the process.
    pub incarnation: i64,
    /// A [`crate::model::Form`] by name.
    pub form: String,
    /// Every goroutine.
    pub goroutines: u64,
    /// Goroutines that served the request.
    pub own: u64,
    /// Goroutines that complaints cost.
    pub complained: u64,
    /// Cut off by the target.
    pub truncated: bool,
    /// The complaints, as JSON.
    pub complaints: Option<String>,
    /// One a stack.
    pub groups: Vec<GroupRow>,
}

/// The goroutines of one stack; rows of [`super::Words`] and [`super::StackRow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Row of the stack.
    pub stack: i64,
    /// Goroutines.
    pub count: u64,
    /// State, label set (0: none), count.
    pub splits: Vec<(i64, i64, u64)>,
    /// Goroutines per wait bucket, where the form knows waits.
    pub waits: Option<[u64; 5]>,
    /// Longest wait printed, minutes.
    pub oldest_minutes: Option<u64>,
    /// Marked as leaked.
    pub leaked: u64,
    /// Creator (0: none) and count; empty where unknown.
    pub creators: Vec<(i64, u64)>,
    /// Against the previous detail.
    pub survival: Option<Survival>,
}

impl Reader {
    /// Reads every look at an instance between two moments, inclusive, its processes in this order;
    /// the number of looks that are damaged in the file, and left out.
    pub fn each_look<E: From<StoreError>>(
        &self,
        instance: InstanceKey,
        lives: &[i64],
        (since, until): (Timestamp, Timestamp),
        mut on: impl FnMut(LookRow) -> Result<(), E>,
    ) -> Result<u64, E> {
        let failed = |source| E::from(self.failed(source));
        let bounds = params![instance.0, since.as_millis(), until.as_millis()];
        let mut failures = self
            .connection
            .prepare_cached(
                "SELECT at, kind, took_ms, reason, message FROM failure
                 WHERE instance_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at, id",
            )
            .map_err(failed)?;
        let rows = failures.query(bounds).map_err(failed)?;
        let mut failures = Ahead::new(rows, failure);
        let mut damaged = 0;
        for life in lives {
            damaged += self.each_snapshot(*life, (since, until), |look| {
                while let Some(earlier) = failures.next_before(look.at).map_err(failed)? {
                    on(earlier)?;
                }
                on(look)
            })?;
        }
        while let Some(rest) = failures.next().map_err(failed)? {
            on(rest)?;
        }
        Ok(damaged)
    }

    fn each_snapshot<E: From<StoreError>>(
        &self,
        life: i64,
        (since, until): (Timestamp, Timestamp),
        mut on: impl FnMut(LookRow) -> Result<(), E>,
    ) -> Result<u64, E> {
        let failed = |source| E::from(self.failed(source));
        let bounds = params![life, since.as_millis(), until.as_millis()];
        let mut pulses = self
            .connection
            .prepare_cached(
                "SELECT at, took_ms, incarnation_id, form, goroutines, own, complained, truncated,
                        complaints, groups
                 FROM pulse WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at, id",
            )
            .map_err(failed)?;
        let mut details = self
            .connection
            .prepare_cached(
                "SELECT at, took_ms, incarnation_id, form, goroutines, own, complained, truncated,
                        complaints, body, kind
                 FROM detail WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at, id",
            )
            .map_err(failed)?;
        let mut pulses = Ahead::new(pulses.query(bounds).map_err(failed)?, pulse);
        let mut details = Ahead::new(details.query(bounds).map_err(failed)?, detail);
        let window = (since, until);
        let mut cold = Cold::<Pulses>::load(self, life, window).map_err(failed)?;
        let mut cold_details = Cold::<Details>::load(self, life, window).map_err(failed)?;
        loop {
            let times = [
                cold.peek(self).map_err(failed)?,
                pulses.peek().map_err(failed)?,
                cold_details.peek(self).map_err(failed)?,
                details.peek().map_err(failed)?,
            ];
            let next = (0..times.len())
                .zip(times)
                .filter_map(|(source, at)| Some((at?, source)))
                .min();
            let look = match next {
                None => break,
                Some((_, 0)) => cold.next(),
                Some((_, 1)) => pulses.next().map_err(failed)?,
                Some((_, 2)) => cold_details.next(),
                Some(_) => details.next().map_err(failed)?,
            };
            if let Some(look) = look {
                on(look)?;
            }
        }
        Ok(cold.damaged + pulses.damaged + cold_details.damaged + details.damaged)
    }
}

/// Rows of one table, one of them read ahead.
struct Ahead<'a> {
    rows: Rows<'a>,
    /// `None` of a row that is damaged.
    read: fn(&Row<'_>) -> rusqlite::Result<Option<LookRow>>,
    next: Option<LookRow>,
    damaged: u64,
}

impl<'a> Ahead<'a> {
    const fn new(rows: Rows<'a>, read: fn(&Row<'_>) -> rusqlite::Result<Option<LookRow>>) -> Self {
        Self {
            rows,
            read,
            next: None,
            damaged: 0,
        }
    }

    fn peek(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        while self.next.is_none() {
            let Some(row) = self.rows.next()? else { break };
            self.next = (self.read)(row)?;
            self.damaged += u64::from(self.next.is_none());
        }
        Ok(self.next.as_ref().map(|look| look.at))
    }

    fn next(&mut self) -> rusqlite::Result<Option<LookRow>> {
        self.peek()?;
        Ok(self.next.take())
    }

    fn next_before(&mut self, at: Timestamp) -> rusqlite::Result<Option<LookRow>> {
        match self.peek()? {
            Some(next) if next < at => self.next(),
            _ => Ok(None),
        }
    }
}

fn failure(row: &Row<'_>) -> rusqlite::Result<Option<LookRow>> {
    Ok(Some(LookRow {
        at: Timestamp::from_millis(row.get(0)?),
        kind: row.get(1)?,
        took_ms: unsigned(row.get(2)?),
        outcome: Looked::Failed(row.get(3)?, row.get(4)?),
    }))
}

fn pulse(row: &Row<'_>) -> rusqlite::Result<Option<LookRow>> {
    let mut entries = Vec::new();
    if unpack_pulse(row.get_ref(9)?.as_blob()?, |entry| entries.push(entry)).is_none() {
        return Ok(None);
    }
    snapshot(row, "pulse".to_owned(), grouped(&entries)).map(Some)
}

fn detail(row: &Row<'_>) -> rusqlite::Result<Option<LookRow>> {
    let Some(entries) = unpack_detail(row.get_ref(9)?.as_blob()?, |_| true) else {
        return Ok(None);
    };
    let groups = entries.into_iter().map(GroupRow::from).collect();
    snapshot(row, row.get(10)?, groups).map(Some)
}

fn snapshot(row: &Row<'_>, kind: String, groups: Vec<GroupRow>) -> rusqlite::Result<LookRow> {
    Ok(LookRow {
        at: Timestamp::from_millis(row.get(0)?),
        kind,
        took_ms: unsigned(row.get(1)?),
        outcome: Looked::Snapshot(SnapshotRow {
            incarnation: row.get(2)?,
            form: row.get(3)?,
            goroutines: unsigned(row.get(4)?),
            own: unsigned(row.get(5)?),
            complained: unsigned(row.get(6)?),
            truncated: row.get(7)?,
            complaints: row.get(8)?,
            groups,
        }),
    })
}

/// Entries, which are sorted by stack, as groups.
pub(super) fn grouped(entries: &[PulseEntry]) -> Vec<GroupRow> {
    let stacks = entries.chunk_by(|a, b| a.stack == b.stack);
    let group = |splits: &[PulseEntry]| GroupRow {
        stack: splits.first().map_or(0, |entry| entry.stack),
        count: splits
            .iter()
            .fold(0, |sum, entry| sum.saturating_add(entry.count)),
        splits: splits
            .iter()
            .map(|entry| (entry.state, entry.labels, entry.count))
            .collect(),
        waits: None,
        oldest_minutes: None,
        leaked: 0,
        creators: Vec::new(),
        survival: None,
    };
    stacks.map(group).collect()
}

impl From<DetailEntry> for GroupRow {
    fn from(entry: DetailEntry) -> Self {
        Self {
            stack: entry.stack,
            count: entry.count,
            splits: entry.splits,
            waits: entry.waits,
            oldest_minutes: entry.oldest_minutes,
            leaked: entry.leaked,
            creators: entry.creators,
            survival: entry
                .survival
                .map(|(sampled, alive)| Survival { sampled, alive }),
        }
    }
}
