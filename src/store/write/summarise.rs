//! Summaries of blocks: made with the block, and anew where they went because signatures changed.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::{Result, not_packed};
use crate::store::block::{Block, Tick};
use crate::store::damage::unless_damaged;
use crate::store::part::{Grain, Part, PartBuilder, part_of};
use crate::store::read::SignatureKey;
use crate::store::summary;

/// Blocks that are looked at in one step for whether they have a summary.
const LOOK: i64 = 500;

/// The slots of a block; `None` when a column of it is damaged.
pub(super) fn part(tx: &Transaction<'_>, block: &Block) -> Result<Option<Part>> {
    let mut select = tx.prepare_cached("SELECT signature_id FROM stack WHERE id = ?1")?;
    let mut signatures = std::collections::HashMap::new();
    for key in block.keys() {
        if let Some(signature) = select.query([key.stack])?.next()? {
            signatures.insert(key.stack, SignatureKey(signature.get(0)?));
        }
    }
    let ticks = block.ticks().iter();
    let pulses = ticks.map(|tick: &Tick| (tick.at, tick.goroutines, !tick.truncated));
    let builder = PartBuilder::new(pulses, |_| Grain::Slot);
    Ok(part_of(block, builder, |stack| {
        signatures.get(&stack).copied()
    }))
}

/// Makes the summary of a block, unless a column of it is damaged.
pub(super) fn summarise(tx: &Transaction<'_>, id: i64, block: &Block) -> Result<()> {
    let _span = tracing::debug_span!("summarise").entered();
    match part(tx, block)? {
        Some(part) => store(tx, id, &part),
        None => Ok(()),
    }
}

/// Stores the summary of a block.
fn store(tx: &Transaction<'_>, block: i64, part: &Part) -> Result<()> {
    let data = summary::pack(part).map_err(not_packed)?;
    tx.prepare_cached("INSERT INTO summary (block_id, crc, data) VALUES (?1, ?2, ?3)")?
        .execute(params![block, crc32c::crc32c(&data), data])
        .map(drop)
}

/// The slots of a stored block; `None` when it is damaged, or there no more.
pub(super) fn slots(tx: &Transaction<'_>, block: i64) -> Result<Option<Part>> {
    let read = |sql: &str| -> Result<Option<Vec<u8>>> {
        let row = |row: &Row<'_>| -> Result<(u32, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
        let found = tx.prepare_cached(sql)?.query_row([block], row).optional();
        let found = unless_damaged(found)?.flatten();
        Ok(found
            .filter(|(crc, data)| crc32c::crc32c(data) == *crc)
            .map(|(_, data)| data))
    };
    let known = read("SELECT crc, data FROM summary WHERE block_id = ?1")?;
    if let Some(known) = known.and_then(|data| summary::unpack(&data, |_| true)) {
        return Ok(Some(known));
    }
    match read("SELECT crc, data FROM block WHERE id = ?1")?.and_then(|data| Block::unpack(&data)) {
        Some(block) => part(tx, &block),
        None => Ok(None),
    }
}

/// How far blocks have been looked through for missing summaries.
#[derive(Debug, Default)]
pub(super) struct Sought {
    /// All blocks up to this one have theirs, or are damaged.
    block: i64,
    done: bool,
}

/// Makes missing summaries for at most `time`; whether there may be more to do.
pub(super) fn round(
    connection: &mut Connection,
    sought: &mut Sought,
    time: Duration,
) -> Result<bool> {
    if sought.done {
        return Ok(false);
    }
    let began = Instant::now();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    while !sought.done && began.elapsed() < time {
        step(&tx, sought)?;
    }
    tx.commit()?;
    Ok(!sought.done)
}

fn step(tx: &Transaction<'_>, sought: &mut Sought) -> Result<()> {
    let newest: i64 = tx
        .prepare_cached("SELECT ifnull(max(id), 0) FROM block")?
        .query_row([], |row| row.get(0))?;
    let end = sought.block.saturating_add(LOOK);
    let mut select = tx.prepare_cached(
        "SELECT id, crc, data FROM block
         WHERE id > ?1 AND id <= ?2 AND NOT EXISTS (SELECT 1 FROM summary WHERE block_id = block.id)
         ORDER BY id LIMIT 1",
    )?;
    let mut rows = select.query([sought.block, end])?;
    let Some(row) = rows.next()? else {
        sought.block = end;
        sought.done = end >= newest;
        return Ok(());
    };
    let id: i64 = row.get(0)?;
    sought.block = id;
    let data = row.get_ref(2)?.as_blob()?;
    if crc32c::crc32c(data) == row.get::<_, u32>(1)?
        && let Some(block) = Block::unpack(data)
    {
        summarise(tx, id, &block)?;
    }
    Ok(())
}
