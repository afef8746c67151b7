//! Closed windows of hot pulses become blocks, one process at a time, between the commits of polls.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::hot::{self, Hot, Window};
use super::{Result, details, not_packed, rollup, summarise};
use crate::model::Timestamp;
use crate::store::block::{Block, Builder, Tick};
use crate::store::damage::unless_damaged;
use crate::store::hot::{Kept, PulseEntry, unpack_pulse};

/// Makes blocks of windows that have closed by `now`, in one transaction of at most `time`; whether
/// more is to do.
pub(super) fn round(
    connection: &mut Connection,
    hot: &mut Hot,
    now: Timestamp,
    time: Duration,
) -> Result<bool> {
    if hot.closed(now.as_millis()).is_none() {
        return Ok(false);
    }
    let _span = tracing::debug_span!("compact").entered();
    let before = hot.clone();
    let more = round_of(connection, hot, now, time);
    if more.is_err() {
        // Nothing of it is in the file.
        *hot = before;
    }
    more
}

fn round_of(
    connection: &mut Connection,
    hot: &mut Hot,
    now: Timestamp,
    time: Duration,
) -> Result<bool> {
    let began = Instant::now();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut more = true;
    while more && began.elapsed() < time {
        more = step(&tx, hot, now)?;
    }
    tx.commit()?;
    Ok(more)
}

/// Makes a block of one window that has closed; false when there is none.
pub(super) fn step(tx: &Transaction<'_>, hot: &mut Hot, now: Timestamp) -> Result<bool> {
    let Some((kept, incarnation, window)) = hot.closed(now.as_millis()) else {
        return Ok(false);
    };
    match kept {
        Kept::Pulses => compact(tx, incarnation, window)?,
        Kept::Details => details::compact(tx, incarnation, window)?,
    }
    hot.pass(tx, (kept, incarnation, window))?;
    Ok(true)
}

/// The pulses of one process in one window become a block. A row that cannot be unpacked stays as it
/// is, to be told as damaged.
fn compact(tx: &Transaction<'_>, incarnation: i64, window: Window) -> Result<()> {
    let mut builder = Builder::default();
    let mut taken = Vec::new();
    let mut entries = Vec::new();
    for id in hot::rows(tx, Kept::Pulses, incarnation, window)? {
        entries.clear();
        // Row by row, so that a page that cannot be read does not keep the whole window.
        let tick = unless_damaged(read(tx, id, &mut entries))?;
        if let Some(tick) = tick.flatten() {
            taken.push(id);
            builder.push(tick, &entries);
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let data = builder.pack().map_err(not_packed)?;
    // The rows go only when their block can be read.
    let Some(block) = Block::unpack(&data) else {
        return Ok(());
    };
    let id = insert(tx, incarnation, &block, &data)?;
    summarise::summarise(tx, id, &block)?;
    rollup::note(tx, id, incarnation, &block)?;
    hot::delete(tx, Kept::Pulses, taken)
}

fn insert(tx: &Transaction<'_>, incarnation: i64, block: &Block, data: &[u8]) -> Result<i64> {
    let at = |tick: Option<&Tick>| tick.map_or(0, |tick| tick.at);
    let stored = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT INTO block (incarnation_id, from_at, to_at, ticks, series, crc, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .insert(params![
        incarnation,
        at(block.ticks().first()),
        at(block.ticks().last()),
        stored(block.ticks().len()),
        stored(block.keys().count()),
        crc32c::crc32c(data),
        data,
    ])
}

/// Reads one pulse; `None` when it cannot be unpacked.
fn read(tx: &Transaction<'_>, id: i64, entries: &mut Vec<PulseEntry>) -> Result<Option<Tick>> {
    tx.prepare_cached(
        "SELECT at, took_ms, form, goroutines, own, complained, truncated, complaints, groups
         FROM pulse WHERE id = ?1",
    )?
    .query_row([id], |row| {
        let groups = row.get_ref(8)?.as_blob()?;
        if unpack_pulse(groups, |entry| entries.push(entry)).is_none() {
            return Ok(None);
        }
        tick(row).map(Some)
    })
}

/// A row that begins with what is told of a look beside its groups.
pub(super) fn tick(row: &Row<'_>) -> Result<Tick> {
    let unsigned = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    Ok(Tick {
        at: row.get(0)?,
        took_ms: unsigned(1)?,
        form: form_number(row.get_ref(2)?.as_str()?),
        goroutines: unsigned(3)?,
        own: unsigned(4)?,
        complained: unsigned(5)?,
        truncated: row.get(6)?,
        complaints: row.get(7)?,
    })
}

/// Names of forms, by the number that stands for them in blocks. Only to be added to.
pub(in crate::store) const FORMS: [&str; 4] = ["debug2", "debug1", "log", "proto"];

fn form_number(name: &str) -> u64 {
    let found = FORMS.iter().position(|known| *known == name);
    found.unwrap_or(FORMS.len()) as u64
}
