//! Who was watched, from when, what answered, and what failed.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, named_params, params};

use super::{InstanceKey, Reader, StoreError};
use crate::model::Timestamp;

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRow {
    /// Its row.
    pub key: InstanceKey,
    /// Name of its service.
    pub service: String,
    /// `http` or `https`.
    pub scheme: String,
    /// `host:port`.
    pub address: String,
    /// The address, and the path where it is not the usual one: what answers call it.
    pub name: String,
    /// Path of the pprof index.
    pub path: String,
    /// Its labels as of now.
    pub labels: BTreeMap<String, String>,
}

/// Polls were due at `from` and each interval after it, up to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSpan {
    /// The first due poll.
    pub from: Timestamp,
    /// When polling ended, or was last known to go on.
    pub to: Timestamp,
    /// Milliseconds between polls, at least 1.
    pub interval_ms: i64,
}

impl DueSpan {
    /// The polls of it that were due from one moment to another, inclusive.
    fn within(self, from: Timestamp, to: Timestamp) -> Self {
        Self {
            to: self.to.min(to),
            ..self.without_before(from)
        }
    }

    /// The span without the polls that were due before `at`.
    pub(super) fn without_before(self, at: Timestamp) -> Self {
        let before = at.as_millis().saturating_sub(self.from.as_millis()).max(0);
        let skipped = before.div_euclid(self.interval_ms)
            + i64::from(before.rem_euclid(self.interval_ms) > 0);
        let from = self.from.as_millis() + skipped * self.interval_ms;
        Self {
            from: Timestamp::from_millis(from),
            ..self
        }
    }
}

/// One process at an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncarnationRow {
    /// Its row.
    pub id: i64,
    /// The first look at it.
    pub since: Timestamp,
    /// The first look at its successor.
    pub until: Option<Timestamp>,
    /// How its start was recognised.
    pub reason: String,
    /// GNU build id, where known.
    pub build: Option<String>,
}

/// A look that gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRow {
    /// Start of the request.
    pub at: Timestamp,
    /// `pulse` or `detail`.
    pub kind: String,
    /// A [`crate::model::FailureReason`] by name.
    pub reason: String,
    /// The sentence to it.
    pub message: String,
}

/// The newest look at an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastLook {
    /// Start of the request.
    pub at: Timestamp,
    /// How it ended: goroutines and whether cut off, or a failure.
    pub outcome: Result<Seen, FailureRow>,
}

/// What the newest look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// All goroutines of the process.
    pub goroutines: u64,
    /// Goroutines that could not be read.
    pub complained: u64,
    /// The target cut the dump off.
    pub truncated: bool,
}

impl Reader {
    /// All instances, by service and address.
    pub fn instances(&self) -> Result<Vec<InstanceRow>, StoreError> {
        self.read_instances().map_err(|source| self.failed(source))
    }

    fn read_instances(&self) -> rusqlite::Result<Vec<InstanceRow>> {
        self.connection
            .prepare(
                "SELECT instance.id, service.name, scheme, address, path,
                        address || iif(path = '/debug/pprof', '', path) AS called,
                        (SELECT labels FROM instance_label WHERE instance_id = instance.id
                         ORDER BY from_at DESC LIMIT 1)
                 FROM instance JOIN service ON service.id = instance.service_id
                 ORDER BY service.name, address, path",
            )?
            .query_map([], |row| {
                let labels: Option<String> = row.get(6)?;
                Ok(InstanceRow {
                    key: InstanceKey(row.get(0)?),
                    service: row.get(1)?,
                    scheme: row.get(2)?,
                    address: row.get(3)?,
                    path: row.get(4)?,
                    name: row.get(5)?,
                    labels: labels
                        .and_then(|json| serde_json::from_str(&json).ok())
                        .unwrap_or_default(),
                })
            })?
            .collect()
    }

    /// When polls of an instance were due, between two moments, in order.
    pub fn due(
        &self,
        instance: InstanceKey,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DueSpan>, StoreError> {
        let due = self.read_due(instance, since, until);
        let due = due.map_err(|source| self.failed(source))?;
        // What retention has removed is neither missing nor zero: nothing is asked of it any more.
        let asked = self.asked(since, until)?;
        let within = |span: &DueSpan| {
            let clip = |(from, to)| span.within(from, to);
            asked.iter().copied().map(clip).collect::<Vec<_>>()
        };
        let clipped = due.iter().flat_map(within);
        Ok(clipped.filter(|span| span.from <= span.to).collect())
    }

    /// The parts of a window that something is known of: days, and the time of snapshots.
    fn asked(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, Timestamp)>, StoreError> {
        let end = Timestamp::from_millis(i64::MAX);
        let Some(kept) = self.kept_since()?.filter(|kept| since < *kept) else {
            return Ok(vec![(Timestamp::from_millis(i64::MIN), end)]);
        };
        Ok(match self.days(since, until)? {
            None => vec![(kept, end)],
            Some((from, to)) if kept <= to => vec![(from, end)],
            Some((from, to)) => vec![(from, to.minus(Duration::from_millis(1))), (kept, end)],
        })
    }

    /// Snapshots before this moment may have been removed by retention; `None` when none were.
    pub fn kept_since(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.left()?.raw_since.map(Timestamp::from_millis))
    }

    fn read_due(
        &self,
        instance: InstanceKey,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Vec<DueSpan>> {
        self.connection
            .prepare_cached(
                "SELECT from_at, coalesce(to_at, last_commit_at) AS ended, interval_ms
                 FROM watch JOIN daemon_run ON daemon_run.id = watch.run_id
                 WHERE instance_id = :instance AND from_at <= :until AND ended >= :since
                 ORDER BY from_at",
            )?
            .query_map(
                named_params! {
                    ":instance": instance.0,
                    ":since": since.as_millis(),
                    ":until": until.as_millis(),
                },
                |row| {
                    Ok(DueSpan {
                        from: Timestamp::from_millis(row.get(0)?),
                        to: Timestamp::from_millis(row.get(1)?),
                        interval_ms: row.get(2)?,
                    })
                },
            )?
            .collect()
    }

    /// The processes that lived at an instance, oldest first.
    pub fn incarnations(&self, instance: InstanceKey) -> Result<Vec<IncarnationRow>, StoreError> {
        self.read_incarnations(instance)
            .map_err(|source| self.failed(source))
    }

    fn read_incarnations(&self, instance: InstanceKey) -> rusqlite::Result<Vec<IncarnationRow>> {
        let mut lives: Vec<IncarnationRow> = self
            .connection
            .prepare_cached(
                "SELECT incarnation.id, since, reason, build.build_id
                 FROM incarnation LEFT JOIN build ON build.id = incarnation.build_id
                 WHERE instance_id = ?1 ORDER BY since",
            )?
            .query_map([instance.0], |row| {
                Ok(IncarnationRow {
                    id: row.get(0)?,
                    since: Timestamp::from_millis(row.get(1)?),
                    until: None,
                    reason: row.get(2)?,
                    build: row.get(3)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut until = None;
        for life in lives.iter_mut().rev() {
            life.until = until.replace(life.since);
        }
        Ok(lives)
    }

    /// Failed looks at an instance, in order.
    pub fn failures(
        &self,
        instance: InstanceKey,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<FailureRow>, StoreError> {
        self.read_failures(instance, since, until)
            .map_err(|source| self.failed(source))
    }

    fn read_failures(
        &self,
        instance: InstanceKey,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Vec<FailureRow>> {
        self.connection
            .prepare_cached(
                "SELECT at, kind, reason, message FROM failure
                 WHERE instance_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at",
            )?
            .query_map(
                params![instance.0, since.as_millis(), until.as_millis()],
                failure_row,
            )?
            .collect()
    }

    /// The newest look at an instance not after `until`; `None` before the first.
    pub fn last_look(
        &self,
        instance: InstanceKey,
        until: Timestamp,
    ) -> Result<Option<LastLook>, StoreError> {
        self.read_last_look(instance, until)
            .map_err(|source| self.failed(source))
    }

    fn read_last_look(
        &self,
        instance: InstanceKey,
        until: Timestamp,
    ) -> rusqlite::Result<Option<LastLook>> {
        let failure = self
            .connection
            .prepare_cached(
                "SELECT at, kind, reason, message FROM failure
                 WHERE instance_id = ?1 AND at <= ?2 AND kind = 'pulse'
                 ORDER BY at DESC LIMIT 1",
            )?
            .query_row(params![instance.0, until.as_millis()], failure_row)
            .optional()?;
        let seen = match self.last_incarnation(instance, until)? {
            Some(incarnation) => self.last_seen(incarnation, until)?,
            None => None,
        };
        Ok(match (seen, failure) {
            (Some((at, _)), Some(failure)) if failure.at > at => Some(LastLook {
                at: failure.at,
                outcome: Err(failure),
            }),
            (Some((at, seen)), _) => Some(LastLook {
                at,
                outcome: Ok(seen),
            }),
            (None, Some(failure)) => Some(LastLook {
                at: failure.at,
                outcome: Err(failure),
            }),
            (None, None) => None,
        })
    }

    fn last_incarnation(
        &self,
        instance: InstanceKey,
        until: Timestamp,
    ) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached(
                "SELECT id FROM incarnation WHERE instance_id = ?1 AND since <= ?2
                 ORDER BY since DESC LIMIT 1",
            )?
            .query_row(params![instance.0, until.as_millis()], |row| row.get(0))
            .optional()
    }

    /// The newest pulse of a process: a hot one, or the last tick of a block.
    fn last_seen(
        &self,
        incarnation: i64,
        until: Timestamp,
    ) -> rusqlite::Result<Option<(Timestamp, Seen)>> {
        let hot = self
            .connection
            .prepare_cached(
                "SELECT at, goroutines, complained, truncated FROM pulse
                 WHERE incarnation_id = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1",
            )?
            .query_row(params![incarnation, until.as_millis()], |row| {
                let seen = Seen {
                    goroutines: unsigned(row.get(1)?),
                    complained: unsigned(row.get(2)?),
                    truncated: row.get(3)?,
                };
                Ok((Timestamp::from_millis(row.get(0)?), seen))
            })
            .optional()?;
        // Hot rows that came late are older than blocks.
        let behind = hot.as_ref().map(|(at, _)| *at);
        let cold = self.last_cold_tick(incarnation, behind, until)?;
        let cold = cold.map(|tick| {
            let seen = Seen {
                goroutines: tick.goroutines,
                complained: tick.complained,
                truncated: tick.truncated,
            };
            (Timestamp::from_millis(tick.at), seen)
        });
        Ok(cold.or(hot))
    }
}

fn failure_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<FailureRow> {
    Ok(FailureRow {
        at: Timestamp::from_millis(row.get(0)?),
        kind: row.get(1)?,
        reason: row.get(2)?,
        message: row.get(3)?,
    })
}

/// Counts are stored as what SQLite has, and are never negative.
pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
