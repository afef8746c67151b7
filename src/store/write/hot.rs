//! Which windows of which processes have rows that are to become blocks.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::Result;
use crate::store::hot::Kept;
use crate::store::part::{DAY_MS, HOUR_MS};

/// A window is closed this long after its end: what was polled in it has been stored by then.
const GRACE_MS: i64 = 60_000;

/// Windows are the shortest of these that hold as many polls as [`POLLS`].
const WINDOWS_MS: [i64; 4] = [HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, DAY_MS];

/// Fewer polls in a block cost more bytes for each.
const POLLS: i64 = 240;

/// A window of UTC, milliseconds; the end is exclusive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) begin: i64,
    pub(super) end: i64,
}

impl Window {
    /// The one that `at` lies in.
    fn of(at: i64, interval_ms: i64) -> Self {
        let wanted = interval_ms.saturating_mul(POLLS);
        let fits = WINDOWS_MS.iter().find(|window| **window >= wanted);
        let len = fits.copied().unwrap_or(DAY_MS);
        let begin = at.div_euclid(len) * len;
        Self {
            begin,
            end: begin + len,
        }
    }
}

/// The hot rows of a process in a window, in order of time.
pub(super) fn rows(
    tx: &Transaction<'_>,
    kept: Kept,
    incarnation: i64,
    window: Window,
) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT id FROM {} WHERE incarnation_id = ?1 AND at >= ?2 AND at < ?3 ORDER BY at, id",
        kept.rows()
    );
    tx.prepare_cached(&sql)?
        .query_map([incarnation, window.begin, window.end], |row| row.get(0))?
        .collect()
}

/// Deletes rows that are in a block now.
pub(super) fn delete(
    tx: &Transaction<'_>,
    kept: Kept,
    ids: impl IntoIterator<Item = i64>,
) -> Result<()> {
    let mut delete = tx.prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", kept.rows()))?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(())
}

/// The window of the oldest hot row of each process and kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Hot {
    oldest: BTreeMap<(Kept, i64), Window>,
}

impl Hot {
    /// What a daemon that died has left.
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let mut hot = Self::default();
        for kept in [Kept::Pulses, Kept::Details] {
            let table = kept.rows();
            let mut statement = connection.prepare(&format!(
                "SELECT id, at FROM (
                     SELECT id, (SELECT min(at) FROM {table} WHERE incarnation_id = incarnation.id) AS at
                     FROM incarnation)
                 WHERE at IS NOT NULL"
            ))?;
            let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for pair in found {
                let (incarnation, at) = pair?;
                hot.note(connection, kept, incarnation, at)?;
            }
        }
        Ok(hot)
    }

    /// Notes a row that was stored.
    pub(super) fn note(
        &mut self,
        on: &Connection,
        kept: Kept,
        incarnation: i64,
        at: i64,
    ) -> Result<()> {
        let known = self.oldest.get(&(kept, incarnation));
        if known.is_some_and(|window| window.begin <= at) {
            return Ok(());
        }
        let interval: Option<i64> = on
            .prepare_cached(
                "SELECT interval_ms FROM watch
                 JOIN incarnation ON incarnation.instance_id = watch.instance_id
                 WHERE incarnation.id = ?1 ORDER BY from_at DESC LIMIT 1",
            )?
            .query_row([incarnation], |row| row.get(0))
            .optional()?;
        let window = Window::of(at, interval.unwrap_or(30_000));
        self.oldest.insert((kept, incarnation), window);
        Ok(())
    }

    /// Before this moment all pulses are in blocks, but for damaged ones; milliseconds.
    pub(super) fn in_blocks(&self) -> i64 {
        let pulses = self
            .oldest
            .iter()
            .filter(|((kept, _), _)| *kept == Kept::Pulses);
        let begin = pulses.map(|(_, window)| window.begin).min();
        begin.unwrap_or(i64::MAX)
    }

    /// A process with a window that has closed by `now`, the one that did so first.
    pub(super) fn closed(&self, now: i64) -> Option<(Kept, i64, Window)> {
        let due = |(_, window): &(&(Kept, i64), &Window)| window.end + GRACE_MS <= now;
        let closed = self.oldest.iter().filter(due);
        let first = closed.min_by_key(|(_, window)| window.end);
        first.map(|((kept, incarnation), window)| (*kept, *incarnation, *window))
    }

    /// Goes on to the next window of a process; rows of this one that are left stay as they are.
    pub(super) fn pass(
        &mut self,
        on: &Connection,
        (kept, incarnation, window): (Kept, i64, Window),
    ) -> Result<()> {
        let table = kept.rows();
        let sql = format!("SELECT min(at) FROM {table} WHERE incarnation_id = ?1 AND at >= ?2");
        let next: Option<i64> = on
            .prepare_cached(&sql)?
            .query_row(params![incarnation, window.end], |row| row.get(0))?;
        self.oldest.remove(&(kept, incarnation));
        match next {
            Some(at) => self.note(on, kept, incarnation, at),
            None => Ok(()),
        }
    }
}
