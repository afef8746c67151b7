//! Blocks as they lie in the file.

use rusqlite::{OptionalExtension as _, params};

use super::Reader;
use crate::model::Timestamp;
use crate::store::block::{Block, Tick};

/// One row of `block`.
pub(super) struct BlockRow<'a> {
    from: i64,
    to: i64,
    ticks: i64,
    crc: u32,
    data: &'a [u8],
}

impl BlockRow<'_> {
    /// The block; `None` when it is damaged.
    pub(super) fn unpack(&self) -> Option<Block> {
        if crc32c::crc32c(self.data) != self.crc {
            return None;
        }
        Block::unpack(self.data)
    }

    /// About when its pulses were taken, for one that is damaged.
    pub(super) fn ticks(&self) -> impl Iterator<Item = Timestamp> {
        let steps = (self.ticks - 1).max(1);
        let (from, span) = (self.from, self.to - self.from);
        (0..self.ticks).map(move |nth| Timestamp::from_millis(from + span * nth / steps))
    }
}

impl Reader {
    /// The blocks of a process that have ticks between two moments, inclusive, in order.
    pub(super) fn each_block(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        mut on: impl FnMut(BlockRow<'_>),
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT from_at, to_at, ticks, crc, data FROM block
             WHERE incarnation_id = ?1 AND from_at <= ?3 AND to_at >= ?2 ORDER BY from_at",
        )?;
        let bounds = params![incarnation, since.as_millis(), until.as_millis()];
        let mut rows = statement.query(bounds)?;
        while let Some(row) = rows.next()? {
            on(BlockRow {
                from: row.get(0)?,
                to: row.get(1)?,
                ticks: row.get(2)?,
                crc: row.get(3)?,
                data: row.get_ref(4)?.as_blob()?,
            });
        }
        Ok(())
    }

    /// The newest tick of a process not after `until` that is in a block.
    pub(super) fn last_cold_tick(
        &self,
        incarnation: i64,
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
        let Some(newest) = newest else {
            return Ok(None);
        };
        let mut last: Option<Tick> = None;
        let since = Timestamp::from_millis(newest.min(until.as_millis()));
        self.each_block(incarnation, since, until, |row| {
            let block = row.unpack();
            let ticks = block.iter().flat_map(Block::ticks);
            for tick in ticks.filter(|tick| tick.at <= until.as_millis()) {
                if last.as_ref().is_none_or(|last| last.at <= tick.at) {
                    last = Some(tick.clone());
                }
            }
        })?;
        Ok(last)
    }
}
