//! Blocks as they lie in the file.

use rusqlite::{Row, params};

use super::Reader;
use super::day::{self, Days};
use crate::model::Timestamp;
use crate::store::block::{Block, Tick};
use crate::store::damage::unless_damaged;
use crate::store::detail_block::DetailBlock;
use crate::store::hot::{Kept, PulseEntry};

/// No block is of a longer window.
const LONGEST_MS: i64 = 86_400_000;

/// A row of `block` or `detail_block` without its data.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockKey {
    kept: Kept,
    pub(super) id: i64,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) ticks: i64,
    crc: u32,
}

/// One row of `block` or `detail_block`.
#[derive(Debug)]
pub(in crate::store) struct BlockRow {
    pub(in crate::store) from: i64,
    pub(in crate::store) to: i64,
    pub(in crate::store) ticks: i64,
    pub(in crate::store) crc: u32,
    /// `None` where the file cannot be read.
    pub(in crate::store) data: Option<Vec<u8>>,
}

impl BlockRow {
    /// The block; `None` when it is damaged.
    pub(in crate::store) fn unpack(&self) -> Option<Block> {
        Block::unpack(self.sound()?)
    }

    /// The block of details; `None` when it is damaged.
    pub(super) fn unpack_details(&self) -> Option<DetailBlock> {
        DetailBlock::unpack(self.sound()?)
    }

    fn sound(&self) -> Option<&[u8]> {
        let data = self.data.as_deref()?;
        (crc32c::crc32c(data) == self.crc).then_some(data)
    }

    /// About when its pulses were taken, for one that is damaged.
    pub(in crate::store) fn ticks(&self) -> impl Iterator<Item = Timestamp> {
        spread(self.from, self.to, self.ticks)
    }
}

/// An end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

impl End {
    /// The larger, the nearer to this end; of what lies between two moments.
    const fn rank(self, from: i64, to: i64) -> i64 {
        match self {
            Self::First => -from,
            Self::Last => to,
        }
    }
}

fn key(kept: Kept, row: &Row<'_>) -> rusqlite::Result<BlockKey> {
    Ok(BlockKey {
        kept,
        id: row.get(0)?,
        from: row.get(1)?,
        to: row.get(2)?,
        ticks: row.get(3)?,
        crc: row.get(4)?,
    })
}

/// Checksum and data of a summary; `None` where there is none.
pub(super) type Summed = Option<(u32, Vec<u8>)>;

/// More ticks than a day of ten a second can only be damage.
const MOST_TICKS: i64 = 864_000;

/// `ticks` moments, evenly from `from` to `to`.
pub(super) fn spread(from: i64, to: i64, ticks: i64) -> impl Iterator<Item = Timestamp> {
    let ticks = ticks.min(MOST_TICKS);
    let (steps, span) = ((ticks - 1).max(1), to.saturating_sub(from));
    (0..ticks).map(move |nth| {
        let share = i128::from(span) * i128::from(nth) / i128::from(steps);
        Timestamp::from_millis(from.saturating_add(i64::try_from(share).unwrap_or(span)))
    })
}

impl Reader {
    /// The blocks of a process that have ticks between two moments, inclusive, in order. A page that cannot
    /// be read costs the rows on it, and no others.
    pub(super) fn blocks(
        &self,
        kept: Kept,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
    ) -> rusqlite::Result<Vec<BlockKey>> {
        let (since, until) = (since.as_millis(), until.as_millis());
        let bounds = [incarnation, since.saturating_sub(LONGEST_MS), until, since];
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT id, from_at, to_at, ticks, crc FROM {}
             WHERE incarnation_id = ?1 AND from_at BETWEEN ?2 AND ?3 AND to_at >= ?4
             ORDER BY from_at",
            kept.blocks()
        ))?;
        let at_once: rusqlite::Result<_> =
            select.query_map(bounds, |row| key(kept, row))?.collect();
        match unless_damaged(at_once)? {
            Some(keys) => Ok(keys),
            None => self.blocks_one_by_one(kept, bounds),
        }
    }

    fn blocks_one_by_one(
        &self,
        kept: Kept,
        [incarnation, begin, until, since]: [i64; 4],
    ) -> rusqlite::Result<Vec<BlockKey>> {
        let mut ids = self.connection.prepare_cached(&format!(
            "SELECT id, from_at FROM {} WHERE incarnation_id = ?1 AND from_at BETWEEN ?2 AND ?3
             ORDER BY from_at",
            kept.blocks()
        ))?;
        let mut rows = ids.query([incarnation, begin, until])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, from) = (row.get(0)?, row.get(1)?);
            // Where not even its end can be read, it is a gap of one.
            let key = unless_damaged(self.block_key(kept, id))?.unwrap_or(BlockKey {
                kept,
                id,
                from,
                to: from,
                ticks: 1,
                crc: 0,
            });
            if key.to >= since {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// The blocks of a process as [`Self::blocks`] gives them, but for those of some days, each with its
    /// summary. `None` where a page of them cannot be read.
    pub(super) fn summed_blocks(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        without: &Days,
    ) -> rusqlite::Result<Option<Vec<(BlockKey, Summed)>>> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, from_at, to_at, ticks, block.crc, summary.crc, summary.data
             FROM block LEFT JOIN summary ON block_id = id
             WHERE incarnation_id = ?1 AND from_at BETWEEN ?2 AND ?3 AND to_at >= ?4
                 AND NOT (from_at >= ?5 AND from_at < ?6)
             ORDER BY from_at",
        )?;
        let (since, until) = (since.as_millis(), until.as_millis());
        let [from, to] = day::bounds(without);
        let begin = since.saturating_sub(LONGEST_MS);
        let bounds = params![incarnation, begin, until, since, from, to];
        let summed = select.query_map(bounds, |row| {
            let summary = match row.get(5)? {
                Some(crc) => Some((crc, row.get(6)?)),
                None => None,
            };
            Ok((key(Kept::Pulses, row)?, summary))
        })?;
        unless_damaged(summed.collect())
    }

    fn block_key(&self, kept: Kept, id: i64) -> rusqlite::Result<BlockKey> {
        let table = kept.blocks();
        self.connection
            .prepare_cached(&format!(
                "SELECT id, from_at, to_at, ticks, crc FROM {table} WHERE id = ?1"
            ))?
            .query_row([id], |row| key(kept, row))
    }

    /// The row of a block. Where a page of its data cannot be read, that block alone is damaged.
    pub(super) fn block(&self, key: BlockKey) -> rusqlite::Result<BlockRow> {
        let table = key.kept.blocks();
        let mut select = self
            .connection
            .prepare_cached(&format!("SELECT data FROM {table} WHERE id = ?1"))?;
        Ok(BlockRow {
            from: key.from,
            to: key.to,
            ticks: key.ticks,
            crc: key.crc,
            data: unless_damaged(select.query_row([key.id], |row| row.get(0)))?,
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
        for key in self.blocks(Kept::Pulses, incarnation, (since, until))? {
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
        // It is not before the beginning of the last block.
        let Some(begin) = self.last_block(incarnation, until)? else {
            return Ok(None);
        };
        let since = behind.map_or(begin, |behind| begin.max(behind.as_millis() + 1));
        let window = (Timestamp::from_millis(since), until);
        let found = self.newest_cold(incarnation, window, |_| true)?;
        Ok(found.and_then(|(block, place)| block.ticks().get(place).cloned()))
    }

    /// When the last block of a process that begins not after `until` does.
    fn last_block(&self, incarnation: i64, until: Timestamp) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached(
                "SELECT max(from_at) FROM block WHERE incarnation_id = ?1 AND from_at <= ?2",
            )?
            .query_row(params![incarnation, until.as_millis()], |row| row.get(0))
    }

    /// The counts at the first or the last good tick of a process between two moments that is in a block.
    pub(super) fn cold_counts(
        &self,
        end: End,
        incarnation: i64,
        window: (Timestamp, Timestamp),
        is_wanted: impl Fn(i64) -> bool,
    ) -> rusqlite::Result<Option<Vec<PulseEntry>>> {
        let is_good = |tick: &Tick| !tick.truncated;
        let found = match end {
            End::First => self.outermost(end, incarnation, window, is_good)?,
            End::Last => self.newest_cold(incarnation, window, is_good)?,
        };
        let Some((block, place)) = found else {
            return Ok(None);
        };
        let (mut entries, mut counts) = (Vec::new(), Vec::new());
        for (nth, key) in block.keys().enumerate() {
            if is_wanted(key.stack) && block.column(nth, &mut counts).is_some() {
                let count = counts.get(place).copied().unwrap_or(0);
                entries.push(key.with(count));
            }
        }
        Ok(Some(entries))
    }

    /// The block with the newest tick between two moments that is as wanted, and its place there.
    fn newest_cold(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        is_wanted: impl Fn(&Tick) -> bool,
    ) -> rusqlite::Result<Option<(Block, usize)>> {
        // Mostly it is in the last block, or in one that overlaps it.
        let begin = self.last_block(incarnation, until)?;
        let begin = begin.map_or(since, |begin| since.max(Timestamp::from_millis(begin)));
        match self.outermost(End::Last, incarnation, (begin, until), &is_wanted)? {
            None if since < begin => {
                self.outermost(End::Last, incarnation, (since, begin), &is_wanted)
            }
            found => Ok(found),
        }
    }

    /// The block with the first or the last tick between two moments that is as wanted, and its place there.
    fn outermost(
        &self,
        end: End,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        is_wanted: impl Fn(&Tick) -> bool,
    ) -> rusqlite::Result<Option<(Block, usize)>> {
        let window = since.as_millis()..=until.as_millis();
        let fits = |tick: &Tick| window.contains(&tick.at) && is_wanted(tick);
        let mut found: Option<(i64, Block, usize)> = None;
        // Blocks of late pulses overlap others.
        let mut keys = self.blocks(Kept::Pulses, incarnation, (since, until))?;
        keys.sort_by_key(|key| std::cmp::Reverse(end.rank(key.from, key.to)));
        for key in keys {
            let best = end.rank(key.from, key.to);
            if found.as_ref().is_some_and(|(rank, ..)| *rank >= best) {
                break;
            }
            let Some(block) = self.block(key)?.unpack() else {
                continue;
            };
            let ticks = block.ticks().iter().enumerate();
            let fitting = ticks.filter(|(_, tick)| fits(tick));
            let outermost = fitting.max_by_key(|(_, tick)| end.rank(tick.at, tick.at));
            if let Some((place, tick)) = outermost {
                let rank = end.rank(tick.at, tick.at);
                if found.as_ref().is_none_or(|(known, ..)| *known < rank) {
                    found = Some((rank, block, place));
                }
            }
        }
        Ok(found.map(|(_, block, place)| (block, place)))
    }
}
