//! Blocks as they lie in the file.

use rusqlite::{ErrorCode, OptionalExtension as _, params};

use super::Reader;
use crate::model::Timestamp;
use crate::store::block::{Block, Tick};
use crate::store::hot::PulseEntry;

/// A row of `block` without its data.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockKey {
    pub(super) id: i64,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// One row of `block`.
#[derive(Debug)]
pub(in crate::store) struct BlockRow {
    pub(in crate::store) from: i64,
    pub(in crate::store) to: i64,
    pub(in crate::store) ticks: i64,
    pub(in crate::store) crc: u32,
    /// Empty where the file cannot be read.
    pub(in crate::store) data: Vec<u8>,
}

impl BlockRow {
    /// The block; `None` when it is damaged.
    pub(in crate::store) fn unpack(&self) -> Option<Block> {
        if crc32c::crc32c(&self.data) != self.crc {
            return None;
        }
        Block::unpack(&self.data)
    }

    /// About when its pulses were taken, for one that is damaged.
    pub(in crate::store) fn ticks(&self) -> impl Iterator<Item = Timestamp> {
        let steps = (self.ticks - 1).max(1);
        let (from, span) = (self.from, self.to - self.from);
        (0..self.ticks).map(move |nth| Timestamp::from_millis(from + span * nth / steps))
    }
}

impl Reader {
    /// The blocks of a process that have ticks between two moments, inclusive, in order.
    pub(super) fn blocks(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Vec<BlockKey>> {
        self.connection
            .prepare_cached(
                "SELECT id, from_at, to_at FROM block
                 WHERE incarnation_id = ?1 AND from_at <= ?3 AND to_at >= ?2 ORDER BY from_at",
            )?
            .query_map(
                params![incarnation, since.as_millis(), until.as_millis()],
                |row| {
                    Ok(BlockKey {
                        id: row.get(0)?,
                        from: row.get(1)?,
                        to: row.get(2)?,
                    })
                },
            )?
            .collect()
    }

    /// The row of a block. Where a page of its data cannot be read, that block alone is damaged.
    pub(super) fn block(&self, key: BlockKey) -> rusqlite::Result<BlockRow> {
        let (ticks, crc) = self
            .connection
            .prepare_cached("SELECT ticks, crc FROM block WHERE id = ?1")?
            .query_row([key.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let data = self
            .connection
            .prepare_cached("SELECT data FROM block WHERE id = ?1")?
            .query_row([key.id], |row| row.get(0));
        let data = match data {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                Vec::new()
            }
            data => data?,
        };
        Ok(BlockRow {
            from: key.from,
            to: key.to,
            ticks,
            crc,
            data,
        })
    }

    /// Goes through the blocks of a process that have ticks between two moments, inclusive, in order.
    pub(super) fn each_block(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        mut on: impl FnMut(BlockRow),
    ) -> rusqlite::Result<()> {
        for key in self.blocks(incarnation, since, until)? {
            on(self.block(key)?);
        }
        Ok(())
    }

    /// The newest tick of a process not after `until` that is in a block, if it is behind `behind`.
    pub(super) fn last_cold_tick(
        &self,
        incarnation: i64,
        behind: Option<Timestamp>,
        until: Timestamp,
    ) -> rusqlite::Result<Option<Tick>> {
        let newest: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT to_at FROM block WHERE incarnation_id = ?1 AND from_at <= ?2
                 ORDER BY from_at DESC LIMIT 1",
            )?
            .query_row(params![incarnation, until.as_millis()], |row| row.get(0))
            .optional()?;
        let is_behind = |at: &i64| behind.is_none_or(|behind| behind.as_millis() < *at);
        let Some(newest) = newest.filter(is_behind) else {
            return Ok(None);
        };
        let mut last: Option<Tick> = None;
        let since = Timestamp::from_millis(newest.min(until.as_millis()));
        self.each_block(incarnation, since, until, |row| {
            let block = row.unpack();
            let ticks = block.iter().flat_map(Block::ticks);
            for tick in ticks.filter(|tick| tick.at <= until.as_millis() && is_behind(&tick.at)) {
                if last.as_ref().is_none_or(|last| last.at <= tick.at) {
                    last = Some(tick.clone());
                }
            }
        })?;
        Ok(last)
    }

    /// The newest good tick of a process between two moments that is in a block, and the counts there.
    pub(super) fn last_cold_counts(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        mut is_wanted: impl FnMut(i64) -> bool,
    ) -> rusqlite::Result<Option<(i64, Vec<PulseEntry>)>> {
        for key in self.blocks(incarnation, since, until)?.into_iter().rev() {
            let Some(block) = self.block(key)?.unpack() else {
                continue;
            };
            let window = since.as_millis()..=until.as_millis();
            let ticks = block.ticks();
            let good = |tick: &Tick| window.contains(&tick.at) && !tick.truncated;
            let Some((place, tick)) = ticks.iter().enumerate().rfind(|(_, tick)| good(tick)) else {
                continue;
            };
            let mut entries = Vec::new();
            let mut counts = Vec::new();
            for (nth, key) in block.keys().enumerate() {
                if is_wanted(key.stack) && block.column(nth, &mut counts).is_some() {
                    let count = counts.get(place).copied().unwrap_or(0);
                    entries.push(key.with(count));
                }
            }
            return Ok(Some((tick.at, entries)));
        }
        Ok(None)
    }
}
