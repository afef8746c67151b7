//! What is too old, or too much, goes: in small steps between the commits of polls.
//!
//! Snapshots and failures go, and much later days; signatures, series, sightings and events stay.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::quarantine::remove;
use super::rollup;
use super::{Result, details};
use crate::model::Timestamp;
use crate::store::part::DAY_MS;

/// What is kept of the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Snapshots and failures that are older go.
    pub raw: Duration,
    /// Days and hours that are older go.
    pub rollup: Duration,
    /// The oldest snapshots go while the file holds more bytes than this.
    pub max_size: u64,
}

/// Rows that one step deletes at most: a step takes a few milliseconds.
const STEP: i64 = 500;
/// The same while the file is too large.
const SHRINK: i64 = 100;

/// Free pages are given back to the file system when they are more than one in this many.
const FREE_SHARE: i64 = 5;
/// The fewest pages that are worth it (8 MiB).
const FREE_LEAST: i64 = 2_000;
/// Pages given back in one step: about 10 ms.
const FREE_STEP: i64 = 500;

/// Tables that retention takes from, with the column of their age.
pub(super) const AGED: [(&str, &str); 6] = [
    ("block", "to_at"),
    ("pulse", "at"),
    ("failure", "at"),
    ("detail", "at"),
    ("detail_block", "to_at"),
    ("quarantine", "to_at"),
];

/// Steps for at most `time`, in one transaction; whether there is more to do. All pulses before `in_blocks`
/// are in blocks.
pub(super) fn round(
    on: &mut Connection,
    keep: Retention,
    (now, in_blocks): (Timestamp, i64),
    time: Duration,
) -> Result<bool> {
    let _span = tracing::debug_span!("retain").entered();
    let began = Instant::now();
    let tx = on.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut more = true;
    while more && began.elapsed() < time {
        more = step(&tx, keep, (now, in_blocks))?;
    }
    tx.commit()?;
    more |= give_back(on)?;
    Ok(more)
}

/// One step of everything; whether there is more to do.
pub(super) fn step(
    tx: &Transaction<'_>,
    keep: Retention,
    (now, in_blocks): (Timestamp, i64),
) -> Result<bool> {
    let before = |age: Duration| {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        now.as_millis().saturating_sub(age)
    };
    // What goes is in its days first.
    if rollup::step(tx, before(keep.raw).div_euclid(DAY_MS) + 1)? {
        return Ok(true);
    }
    let mut removed = expire(tx, before(keep.raw), in_blocks)?;
    removed += rollup::forget(tx, before(keep.rollup).div_euclid(DAY_MS))?;
    if removed == 0 && used_bytes(tx)? > keep.max_size {
        removed = shrink(tx)?;
        if removed == 0 {
            removed = rollup::forget(tx, now.as_millis().div_euclid(DAY_MS))?;
        }
    }
    Ok(removed > 0 || details::thin(tx, now.as_millis())?)
}

/// Deletes what ended before `cutoff`; pulses only after they had the chance to get into a day.
fn expire(tx: &Transaction<'_>, cutoff: i64, in_blocks: i64) -> Result<usize> {
    let mut removed = 0;
    for (table, age) in AGED {
        // Thinned details may be older: they are few, and tell what a build was like.
        if table.starts_with("detail") {
            continue;
        }
        let sql = format!("SELECT id FROM {table} WHERE {age} < ?1 ORDER BY {age} LIMIT ?2");
        let before = if table == "pulse" {
            cutoff.min(in_blocks)
        } else {
            cutoff
        };
        removed += remove(tx, table, &sql, params![before, STEP])?;
    }
    if removed > 0 {
        kept_since(tx, cutoff)?;
    }
    Ok(removed)
}

/// Deletes some of the oldest rows of the table that has the oldest, and half of the rows at most:
/// what is polled now must be there.
fn shrink(tx: &Transaction<'_>) -> Result<usize> {
    let mut oldest: Option<(i64, i64, &str, &str)> = None;
    for (table, age) in AGED {
        let sql = format!(
            "SELECT (SELECT min({age}) FROM {table}),
                    (SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT ?1))"
        );
        let (at, rows): (Option<i64>, i64) = tx
            .prepare_cached(&sql)?
            .query_row([2 * SHRINK], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Where pulses are younger than the only block, it is not what is polled now.
        let go = match rows {
            1 if table == "block" && has_pulses(tx)? => 1,
            rows => rows / 2,
        };
        if let Some(at) = at
            && go > 0
            && oldest.is_none_or(|(before, ..)| at < before)
        {
            oldest = Some((at, go, table, age));
        }
    }
    let Some((at, rows, table, age)) = oldest else {
        return Ok(0);
    };
    let sql = format!("SELECT {age} FROM {table} ORDER BY {age} LIMIT 1 OFFSET ?1");
    let next: Option<i64> = tx
        .prepare_cached(&sql)?
        .query_row([rows], |row| row.get(0))
        .optional()?;
    let last = next.unwrap_or(at + 1);
    if rollup::step(tx, last.div_euclid(DAY_MS) + 1)? {
        return Ok(1);
    }
    let sql = format!("SELECT id FROM {table} WHERE {age} < ?1");
    let removed = remove(tx, table, &sql, &[&last])?;
    if !table.starts_with("detail") {
        kept_since(tx, last)?;
    }
    Ok(removed)
}

fn has_pulses(tx: &Transaction<'_>) -> Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM pulse)")?
        .query_row([], |row| row.get(0))
}

/// Notes that snapshots before `at` may have gone.
pub(super) fn kept_since(tx: &Transaction<'_>, at: i64) -> Result<()> {
    if known_since(tx)?.is_none_or(|known| known < at) {
        set(tx, "raw_since", at)?;
    }
    Ok(())
}

/// Before this moment, snapshots may have gone.
pub(super) fn known_since(on: &Connection) -> Result<Option<i64>> {
    let known: Option<String> = on
        .prepare_cached("SELECT value FROM meta WHERE key = 'raw_since'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(known.and_then(|value| value.parse().ok()))
}

pub(super) fn set(tx: &Transaction<'_>, key: &str, value: i64) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value.to_string()])
        .map(drop)
}

pub(super) fn pragma(on: &Connection, name: &str) -> Result<i64> {
    on.pragma_query_value(None, name, |row| row.get(0))
}

/// Bytes of the file that hold something.
pub(super) fn used_bytes(on: &Connection) -> Result<u64> {
    let pages = pragma(on, "page_count")? - pragma(on, "freelist_count")?;
    Ok((pages * pragma(on, "page_size")?).cast_unsigned())
}

/// Gives a step of pages back if there are many; whether there were.
fn give_back(on: &Connection) -> Result<bool> {
    let free = pragma(on, "freelist_count")?;
    if free < FREE_LEAST || free < pragma(on, "page_count")? / FREE_SHARE {
        return Ok(false);
    }
    let _span = tracing::debug_span!("give_back").entered();
    free_pages(on)?;
    Ok(true)
}

/// Gives one step of pages back.
pub(super) fn free_pages(on: &Connection) -> Result<()> {
    let mut statement = on.prepare_cached(&format!("PRAGMA incremental_vacuum({FREE_STEP})"))?;
    // A row for each page: whoever takes only the first gives back only one page.
    let mut pages = statement.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}
