//! One row of each kind, decoded to its last count.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{Damage, Wrong};
use crate::model::Timestamp;
use crate::store::block::Block;
use crate::store::damage::unless_damaged;
use crate::store::detail_block::DetailBlock;
use crate::store::frames;
use crate::store::hot::{unpack_detail, unpack_pulse};
use crate::store::summary;

/// Tells what is wrong with a row, given the stacks that there are, where those can be read.
type Verdict = fn(&Row<'_>, Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>>;

/// A table whose rows are decoded.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) table: &'static str,
    /// The column that is the row id.
    pub(super) id: &'static str,
    /// The column that is decoded.
    pub(super) data: &'static str,
    /// What a row must have beside `data` to be decoded.
    beside: &'static str,
    /// How to list every row where pages of the table cannot be read.
    pub(super) listed: &'static str,
    /// Incarnation, first and last tick, and ticks.
    extent: &'static str,
    /// What is wrong with a row; `None` when it is sound.
    verdict: Verdict,
}

pub(super) const BLOCK: Rows = Rows {
    table: "block",
    id: "id",
    data: "data",
    beside: "crc, ticks, series",
    listed: "INDEXED BY block_at",
    extent: "incarnation_id, from_at, to_at, ticks",
    verdict: block,
};

pub(super) const PULSE: Rows = Rows {
    table: "pulse",
    id: "id",
    data: "groups",
    beside: "0, 0, 0",
    listed: "INDEXED BY pulse_at",
    extent: "incarnation_id, at, at, 1",
    verdict: pulse,
};

pub(super) const DETAIL: Rows = Rows {
    table: "detail",
    id: "id",
    data: "body",
    beside: "0, 0, 0",
    listed: "INDEXED BY detail_at",
    extent: "incarnation_id, at, at, 0",
    verdict: detail,
};

pub(super) const SUMMARY: Rows = Rows {
    table: "summary",
    id: "block_id",
    data: "data",
    beside: "crc, 0, 0",
    listed: "",
    extent: "(SELECT incarnation_id FROM block WHERE id = block_id),
             (SELECT from_at FROM block WHERE id = block_id),
             (SELECT to_at FROM block WHERE id = block_id), 0",
    verdict: summary,
};

pub(super) const DETAIL_BLOCK: Rows = Rows {
    table: "detail_block",
    id: "id",
    data: "data",
    beside: "crc, ticks, stacks",
    listed: "INDEXED BY detail_block_at",
    extent: "incarnation_id, from_at, to_at, 0",
    verdict: detail_block,
};

pub(super) const STACK: Rows = Rows {
    table: "stack",
    id: "id",
    data: "frames",
    beside: "0, 0, 0",
    listed: "INDEXED BY stack_signature",
    extent: "0, 0, 0, 0",
    verdict: stack,
};

impl Rows {
    /// What is wrong with a row; `None` when it is sound, or has gone meanwhile.
    pub(super) fn decode(
        self,
        on: &Connection,
        id: i64,
        stacks: Option<&HashSet<i64>>,
    ) -> rusqlite::Result<Option<Wrong>> {
        let (table, key, data, beside) = (self.table, self.id, self.data, self.beside);
        let sql = format!("SELECT {data}, {beside} FROM {table} WHERE {key} = ?1");
        let found = on
            .prepare_cached(&sql)?
            .query_row([id], |row| (self.verdict)(row, stacks))
            .optional();
        Ok(unless_damaged(found)?.map_or(Some(Wrong::Unreadable), Option::flatten))
    }

    /// Where a damaged row is.
    pub(super) fn place(self, on: &Connection, id: i64, wrong: Wrong) -> rusqlite::Result<Damage> {
        let (extent, table, key) = (self.extent, self.table, self.id);
        let sql = format!("SELECT {extent} FROM {table} WHERE {key} = ?1");
        let extent = on
            .prepare_cached(&sql)?
            .query_row([id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional();
        let extent: Option<(i64, i64, i64, i64)> = unless_damaged(extent)?.flatten();
        let (incarnation, from, to, ticks) = extent.unwrap_or_default();
        Ok(Damage {
            table: self.table,
            id,
            incarnation,
            from: Timestamp::from_millis(from),
            to: Timestamp::from_millis(to),
            ticks,
            wrong,
        })
    }
}

/// The first column, where CRC-32C over it is the second one.
fn sound<'a>(row: &'a Row<'_>) -> rusqlite::Result<Option<&'a [u8]>> {
    let data = row.get_ref(0)?.as_blob()?;
    Ok((i64::from(crc32c::crc32c(data)) == row.get::<_, i64>(1)?).then_some(data))
}

/// Whether a row says in its third and fourth column how many ticks, and series or stacks, it holds.
fn says(row: &Row<'_>, ticks: usize, of: usize) -> rusqlite::Result<bool> {
    let (said, said_of): (i64, i64) = (row.get(2)?, row.get(3)?);
    Ok(i64::try_from(ticks) == Ok(said) && i64::try_from(of) == Ok(said_of))
}

fn block(row: &Row<'_>, stacks: Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>> {
    let Some(data) = sound(row)? else {
        return Ok(Some(Wrong::Checksum));
    };
    let Some(block) = Block::unpack(data) else {
        return Ok(Some(Wrong::Layout));
    };
    if !says(row, block.ticks().len(), block.keys().count())? {
        return Ok(Some(Wrong::Numbers));
    }
    let mut counts = Vec::new();
    for (nth, key) in block.keys().enumerate() {
        if block.column(nth, &mut counts).is_none() {
            return Ok(Some(Wrong::Layout));
        }
        if stacks.is_some_and(|stacks| !stacks.contains(&key.stack)) {
            return Ok(Some(Wrong::Stacks));
        }
    }
    Ok(None)
}

fn pulse(row: &Row<'_>, stacks: Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>> {
    let mut known = true;
    let unpacked = unpack_pulse(row.get_ref(0)?.as_blob()?, |entry| {
        known &= stacks.is_none_or(|stacks| stacks.contains(&entry.stack));
    });
    Ok(told(unpacked.is_some(), known))
}

fn detail(row: &Row<'_>, stacks: Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>> {
    let entries = unpack_detail(row.get_ref(0)?.as_blob()?, |_| true);
    let known = entries
        .iter()
        .flatten()
        .all(|entry| stacks.is_none_or(|stacks| stacks.contains(&entry.stack)));
    Ok(told(entries.is_some(), known))
}

fn summary(row: &Row<'_>, _: Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>> {
    let Some(data) = sound(row)? else {
        return Ok(Some(Wrong::Checksum));
    };
    Ok(told(summary::unpack(data, |_| true).is_some(), true))
}

fn detail_block(row: &Row<'_>, stacks: Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>> {
    let Some(data) = sound(row)? else {
        return Ok(Some(Wrong::Checksum));
    };
    let Some(block) = DetailBlock::unpack(data) else {
        return Ok(Some(Wrong::Layout));
    };
    if !says(row, block.ticks().len(), block.stacks().count())? {
        return Ok(Some(Wrong::Numbers));
    }
    let known = block
        .stacks()
        .all(|stack| stacks.is_none_or(|stacks| stacks.contains(&stack)));
    Ok(told(block.columns(|_| true).is_some(), known))
}

fn stack(row: &Row<'_>, _: Option<&HashSet<i64>>) -> rusqlite::Result<Option<Wrong>> {
    let frames = frames::unpack(row.get_ref(0)?.as_str()?);
    Ok(told(frames.is_some(), true))
}

const fn told(unpacked: bool, known: bool) -> Option<Wrong> {
    match (unpacked, known) {
        (false, _) => Some(Wrong::Layout),
        (true, false) => Some(Wrong::Stacks),
        (true, true) => None,
    }
}
