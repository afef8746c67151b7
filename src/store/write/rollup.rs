//! Days of processes, drawn out of blocks: what stays when the snapshots have gone.
//!
//! A block is drawn into its day once, and noted in `rollup_due` until then: readers take what is still
//! noted from the block itself. So it does not matter when that is done, and what comes late only adds.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Result, hours, retain, summarise};
use crate::model::{Slot, Timestamp};
use crate::store::block::Block;
use crate::store::counts::{Counts, SeriesCourse};
use crate::store::course::Course;
use crate::store::part::{DAY_MS, Part};
use crate::store::read::{SignatureKey, day};

/// Days are drawn together when they are over, and the last window of them has become a block.
const GRACE_MS: i64 = 600_000;

/// Notes a new block of a process.
pub(super) fn note(tx: &Transaction<'_>, id: i64, incarnation: i64, block: &Block) -> Result<()> {
    let from = block.ticks().first().map_or(0, |tick| tick.at);
    tx.prepare_cached("INSERT OR IGNORE INTO rollup_due VALUES (?1, ?2, ?3)")?
        .execute(params![from.div_euclid(DAY_MS), incarnation, id])
        .map(drop)
}

/// Draws days together that are over by `now`, for at most `time`; whether there is more to do.
pub(super) fn round(connection: &mut Connection, now: Timestamp, time: Duration) -> Result<bool> {
    let today = (now.as_millis() - GRACE_MS).div_euclid(DAY_MS);
    if next(connection, today)?.is_none() {
        return Ok(false);
    }
    let _span = tracing::debug_span!("roll_up").entered();
    let began = Instant::now();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut more = true;
    while more && began.elapsed() < time {
        more = step(&tx, today)?;
    }
    tx.commit()?;
    Ok(more)
}

/// The oldest day with blocks that are not in it yet, and the process.
fn next(on: &Connection, before: i64) -> Result<Option<(i64, i64)>> {
    on.prepare_cached(
        "SELECT day, incarnation_id FROM rollup_due WHERE day < ?1 ORDER BY day LIMIT 1",
    )?
    .query_row([before], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// Brings one day of one process up to its blocks; false when all days before `before` are.
pub(super) fn step(tx: &Transaction<'_>, before: i64) -> Result<bool> {
    let Some((day, incarnation)) = next(tx, before)? else {
        return Ok(false);
    };
    let due: Vec<i64> = tx
        .prepare_cached("SELECT block_id FROM rollup_due WHERE day = ?1 AND incarnation_id = ?2")?
        .query_map([day, incarnation], |row| row.get(0))?
        .collect::<Result<_>>()?;
    let mut parts = Vec::with_capacity(due.len());
    for block in &due {
        // Where it is damaged, or has been taken out for that, its pulses are a gap.
        parts.extend(summarise::slots(tx, *block)?);
    }
    if let Some(part) = of_day(day, &Course::of(parts.clone())) {
        let known = day::parts(tx, incarnation, day..day + 1)?.pop();
        // Before this moment, blocks that are in the day may have gone.
        let kept = retain::known_since(tx)?.filter(|_| known.is_some());
        hours::add(tx, (incarnation, day), (&due, parts), kept)?;
        let gone = kept.is_some_and(|kept| day * DAY_MS < kept);
        let whole = known.map(|known| joined(&known, &part, gone));
        put(tx, (incarnation, day), &whole.unwrap_or(part))?;
    }
    tx.prepare_cached("DELETE FROM rollup_due WHERE day = ?1 AND incarnation_id = ?2")?
        .execute([day, incarnation])?;
    Ok(true)
}

/// One slot that is the whole course; `None` without a pulse.
fn of_day(day: i64, course: &Course) -> Option<Part> {
    let (first, last) = (course.slots.first()?, course.slots.last()?);
    let slot = Slot {
        first_at: first.first_at,
        pulses: course.slots.iter().map(|slot| slot.pulses).sum(),
        ..*last
    };
    let mut drawn = Counts::over(1);
    for (signature, series) in course.series.iter() {
        let series = SeriesCourse {
            low: &[series.low.iter().min().copied().unwrap_or(0)],
            last: &[series.last.last().copied().unwrap_or(0)],
            ..series
        };
        drawn.push(signature, series);
    }
    Some(Part {
        slots: vec![(day * DAY_MS, slot)],
        series: drawn,
    })
}

/// A day as known, and what has come to it. Where its snapshots have gone already, what comes may have
/// been there before, as when a history is imported once more: its pulses are not counted twice.
fn joined(known: &Part, new: &Part, gone: bool) -> Part {
    let mut whole = known.merge(new);
    if let ([(_, whole)], [(_, known)], [(_, new)]) =
        (&mut whole.slots[..], &known.slots[..], &new.slots[..])
        && gone
        && new.first_at <= known.last_at
    {
        whole.pulses = known.pulses.max(new.pulses);
    }
    whole
}

/// Stores a day of a process.
fn put(tx: &Transaction<'_>, (incarnation, day): (i64, i64), part: &Part) -> Result<()> {
    let mut life =
        tx.prepare_cached("INSERT OR REPLACE INTO rollup_life VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (_, slot) in &part.slots {
        life.execute(params![
            incarnation,
            day,
            slot.first_at.as_millis(),
            slot.last_at.as_millis(),
            slot.pulses,
            i64::try_from(slot.goroutines).unwrap_or(i64::MAX),
        ])?;
    }
    let mut series =
        tx.prepare_cached("INSERT OR REPLACE INTO rollup_day VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (key, counts) in part.series.iter() {
        if let ([low], [last]) = (counts.low, counts.last) {
            series.execute(params![
                incarnation,
                day,
                key.0,
                counts.first,
                low,
                counts.high,
                last
            ])?;
        }
    }
    Ok(())
}

/// Notes that before the first whole day since `at` none are told, unless some are.
pub(super) fn days_since(tx: &Transaction<'_>, at: Timestamp) -> Result<()> {
    let whole = (at.as_millis() + DAY_MS - 1).div_euclid(DAY_MS);
    let has_older: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM rollup_life WHERE day < ?1)")?
        .query_row([whole], |row| row.get(0))?;
    let known: Option<i64> = tx
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'days_since'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if has_older || known.is_some_and(|known| known >= whole) {
        return Ok(());
    }
    retain::set(tx, "days_since", whole)
}

/// Stores a day that a history tells; what is known of it already holds.
pub(super) fn known(
    tx: &Transaction<'_>,
    (incarnation, day): (i64, i64),
    slot: Slot,
    counts: &[(i64, [u64; 4])],
) -> Result<()> {
    if day::parts(tx, incarnation, day..day + 1)?.pop().is_some() {
        return Ok(());
    }
    let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let mut series = Counts::over(1);
    for (signature, [first, low, high, last]) in counts {
        let counts = SeriesCourse {
            first: narrow(*first),
            low: &[narrow(*low)],
            high: narrow(*high),
            last: &[narrow(*last)],
        };
        series.push(SignatureKey(*signature), counts);
    }
    let part = Part {
        slots: vec![(day * DAY_MS, slot)],
        series,
    };
    put(tx, (incarnation, day), &part)
}

/// Removes the oldest day of one process, if it is before `before`, and the oldest hour of each service;
/// how many there were.
pub(super) fn forget(tx: &Transaction<'_>, before: i64) -> Result<usize> {
    let oldest: Option<(i64, i64)> = tx
        .prepare_cached(
            "SELECT day, incarnation_id FROM rollup_life WHERE day < ?1 ORDER BY day LIMIT 1",
        )?
        .query_row([before], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let mut removed = hours::forget(tx, before)?;
    if let Some((day, incarnation)) = oldest {
        for table in ["rollup_day", "rollup_life"] {
            let sql = format!("DELETE FROM {table} WHERE incarnation_id = ?1 AND day = ?2");
            removed += tx.prepare_cached(&sql)?.execute([incarnation, day])?;
        }
        retain::set(tx, "days_since", day + 1)?;
    }
    Ok(removed)
}
