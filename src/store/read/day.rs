//! Days of processes: all that is told of the time before the oldest snapshots.

use std::collections::HashSet;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::course::Source;
use super::instance::unsigned;
use super::{Reader, SignatureKey, StoreError};
use crate::model::{Slot, Timestamp};
use crate::store::counts::{Counts, SeriesCourse};
use crate::store::part::{DAY_MS, Grain, Part};

/// Where days are told, in whole days of UTC since 1970.
pub(super) type Days = Range<i64>;

/// What retention has left of snapshots and of days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    /// Snapshots before this moment may have gone, milliseconds; `None` when none have.
    pub(super) raw_since: Option<i64>,
    /// The first day that may be told of.
    days_since: Option<i64>,
}

/// The days that lie in a window with both ends, both inclusive.
pub(super) fn whole_days(since: Timestamp, until: Timestamp) -> Days {
    let first = -(-since.as_millis()).div_euclid(DAY_MS);
    first
        ..until
            .as_millis()
            .saturating_add(1)
            .div_euclid(DAY_MS)
            .max(first)
}

/// The moments at which days begin and end, milliseconds, the end exclusive.
pub(super) fn bounds(days: &Days) -> [i64; 2] {
    [days.start, days.end].map(|day| day.saturating_mul(DAY_MS))
}

/// The days of a process, one part each, in order.
pub(in crate::store) fn parts(
    on: &Connection,
    incarnation: i64,
    days: Days,
) -> rusqlite::Result<Vec<Part>> {
    let bounds = params![incarnation, days.start, days.end];
    let mut parts: Vec<(i64, Part)> = on
        .prepare_cached(
            "SELECT day, first_at, last_at, pulses, goroutines FROM rollup_life
             WHERE incarnation_id = ?1 AND day >= ?2 AND day < ?3 ORDER BY day",
        )?
        .query_map(bounds, life)?
        .collect::<rusqlite::Result<_>>()?;
    let mut select = on.prepare_cached(
        "SELECT day, signature_id, first, low, high, last FROM rollup_day
         WHERE incarnation_id = ?1 AND day >= ?2 AND day < ?3 ORDER BY day, signature_id",
    )?;
    let mut rows = select.query(bounds)?;
    let mut ahead = parts.iter_mut();
    let mut here = ahead.next();
    while let Some(row) = rows.next()? {
        let day: i64 = row.get(0)?;
        while here.as_ref().is_some_and(|(known, _)| *known < day) {
            here = ahead.next();
        }
        if let Some((known, part)) = &mut here
            && *known == day
        {
            let series = SeriesCourse {
                first: row.get(2)?,
                low: &[row.get(3)?],
                high: row.get(4)?,
                last: &[row.get(5)?],
            };
            part.series.push(SignatureKey(row.get(1)?), series);
        }
    }
    Ok(parts.into_iter().map(|(_, part)| part).collect())
}

fn life(row: &Row<'_>) -> rusqlite::Result<(i64, Part)> {
    let day: i64 = row.get(0)?;
    let slot = Slot {
        first_at: Timestamp::from_millis(row.get(1)?),
        last_at: Timestamp::from_millis(row.get(2)?),
        pulses: row.get(3)?,
        goroutines: unsigned(row.get(4)?),
    };
    let part = Part {
        slots: vec![(day * DAY_MS, slot)],
        series: Counts::over(1),
    };
    Ok((day, part))
}

/// One signature in one process in one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRow {
    /// The first good pulse of the day.
    pub first_at: Timestamp,
    /// The last one.
    pub last_at: Timestamp,
    /// How many there are, at least 1.
    pub pulses: u64,
    /// The lowest count; 0 is absent.
    pub low: u64,
    /// The highest count.
    pub high: u64,
    /// The count at the last pulse.
    pub last: u64,
}

impl Reader {
    /// One signature in one process, day by day, over the days that [`Reader::days`] gives.
    pub fn day_rows(
        &self,
        incarnation: i64,
        (from, to): (Timestamp, Timestamp),
        signature: SignatureKey,
    ) -> Result<Vec<DayRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<DayRow>> {
            let day = |at: Timestamp| at.as_millis().div_euclid(DAY_MS);
            self.connection
                .prepare_cached(
                    "SELECT first_at, last_at, pulses,
                            coalesce(low, 0), coalesce(high, 0), coalesce(last, 0)
                     FROM rollup_life
                     LEFT JOIN rollup_day ON rollup_day.incarnation_id = rollup_life.incarnation_id
                         AND rollup_day.day = rollup_life.day AND signature_id = ?4
                     WHERE rollup_life.incarnation_id = ?1
                         AND rollup_life.day >= ?2 AND rollup_life.day < ?3
                     ORDER BY rollup_life.day",
                )?
                .query_map(
                    params![incarnation, day(from), day(to), signature.0],
                    |row| {
                        let count = |column| row.get(column).map(unsigned);
                        Ok(DayRow {
                            first_at: Timestamp::from_millis(row.get(0)?),
                            last_at: Timestamp::from_millis(row.get(1)?),
                            pulses: count(2)?,
                            low: count(3)?,
                            high: count(4)?,
                            last: count(5)?,
                        })
                    },
                )?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Which days of a window are told as such: those whose snapshots may have gone, and all whole ones
    /// where days are asked for.
    pub(super) fn told_days(
        &self,
        since: Timestamp,
        until: Timestamp,
        grain: Grain,
    ) -> Result<Days, StoreError> {
        let mut whole = whole_days(since, until);
        let known = self.days_since()?.unwrap_or(whole.start);
        whole.start = whole.start.max(known.min(whole.end));
        let end = match grain {
            Grain::Day => whole.end,
            Grain::Poll | Grain::Slot => whole.end.min(self.complete()?),
        };
        Ok(whole.start..end.max(whole.start))
    }

    /// The part of a window that is told by days alone, since its snapshots may have gone: whole days of
    /// UTC, the end exclusive.
    pub fn days(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let days = self.told_days(since, until, Grain::Slot)?;
        let [from, to] = bounds(&days).map(Timestamp::from_millis);
        Ok((from < to).then_some((from, to)))
    }

    /// Those of them that are read as days. From samples they are drawn together anew, where all of them
    /// are there.
    pub(super) fn drawn(&self, days: &Days) -> Result<Days, StoreError> {
        let end = match self.source {
            Source::Summaries => days.end,
            Source::Samples => days.end.min(self.complete()?),
        };
        Ok(days.start..end.max(days.start))
    }

    /// The first day that is there with all its snapshots.
    fn complete(&self) -> Result<i64, StoreError> {
        let kept = self.kept_since()?;
        Ok(kept.map_or(i64::MIN, |kept| whole_days(kept, kept).start))
    }

    /// The first day that may be told of; days before it have gone, or never were.
    pub(super) fn days_since(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.left()?.days_since)
    }

    /// What retention has left: the same as long as this view of the file is open.
    pub(super) fn left(&self) -> Result<Left, StoreError> {
        if let Some(known) = self.left.get() {
            return Ok(*known);
        }
        let number = |key: &str| -> rusqlite::Result<Option<i64>> {
            let value: Option<String> = self
                .connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(value.and_then(|value| value.parse().ok()))
        };
        let read = || -> rusqlite::Result<Left> {
            Ok(Left {
                raw_since: number("raw_since")?,
                days_since: number("days_since")?,
            })
        };
        let left = read().map_err(|source| self.failed(source))?;
        Ok(*self.left.get_or_init(|| left))
    }

    /// The blocks of a process that are not in its days yet.
    pub(super) fn not_in_days(
        &self,
        incarnation: i64,
        days: &Days,
    ) -> rusqlite::Result<HashSet<i64>> {
        let mut next = self
            .connection
            .prepare_cached("SELECT min(day) FROM rollup_due WHERE day >= ?1 AND day < ?2")?;
        let mut select = self.connection.prepare_cached(
            "SELECT block_id FROM rollup_due WHERE day = ?1 AND incarnation_id = ?2",
        )?;
        let mut blocks = HashSet::new();
        let mut from = days.start;
        // Day by day: there are one or two that have any.
        while let Some(day) =
            next.query_row([from, days.end], |row| row.get::<_, Option<i64>>(0))?
        {
            for block in select.query_map([day, incarnation], |row| row.get(0))? {
                blocks.insert(block?);
            }
            from = day + 1;
        }
        Ok(blocks)
    }
}
