//! The pulses of the processes that are wanted, one block or one hot row after the other.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row, params};

use super::bound::Wanted;
use crate::model::Timestamp;
use crate::store::block::{Block, Tick};
use crate::store::hot::{PulseEntry, unpack_pulse};
use crate::store::read::cold::BlockRow;
use crate::store::write::FORMS;

/// One process.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life {
    pub(super) incarnation: i64,
    pub(super) instance: i64,
}

/// What lies together in the file.
pub(super) enum Piece {
    /// A block.
    Cold(Block),
    /// A block that is damaged: about when its pulses were taken.
    Torn(Vec<i64>),
    /// A pulse that is a row; without groups when they are damaged.
    Hot(Tick, Option<Vec<PulseEntry>>),
}

/// Where it goes on.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the blocks of a process, behind this one.
    Blocks { from: i64, id: i64 },
    /// In its rows, behind this one.
    Rows { at: i64, id: i64 },
}

/// Goes over the file, in order of instance, process, and time within blocks and within rows.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) at: RangeInclusive<i64>,
    /// In reverse.
    lives: Vec<Life>,
    here: Option<(Life, Place)>,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            at: RangeInclusive::new(1, 0),
            lives: Vec::new(),
            here: None,
        }
    }
}

impl Scan {
    /// Begins before the first piece that is wanted.
    pub(super) fn begin(on: &Connection, wanted: &Wanted) -> Result<Self> {
        if wanted.nothing {
            return Ok(Self::default());
        }
        // In reverse: they are taken from the end.
        let lives = match (wanted.incarnation, wanted.instance) {
            (Some(id), Some(of)) => lives(on, "WHERE id = ?1 AND instance_id = ?2", [id, of]),
            (Some(id), None) => lives(on, "WHERE id = ?1", [id]),
            (None, Some(id)) => lives(on, "WHERE instance_id = ?1 ORDER BY since DESC", [id]),
            (None, None) => lives(on, "ORDER BY instance_id DESC, since DESC", []),
        }?;
        Ok(Self {
            at: wanted.at.clone(),
            lives,
            here: None,
        })
    }

    /// The next piece, and whose it is.
    pub(super) fn next(&mut self, on: &Connection) -> Result<Option<(Life, Piece)>> {
        loop {
            let (life, place) = match self.here {
                Some(here) => here,
                None => match self.lives.pop() {
                    None => return Ok(None),
                    Some(life) => {
                        let (from, id) = (i64::MIN, i64::MIN);
                        (life, Place::Blocks { from, id })
                    }
                },
            };
            let found = match place {
                Place::Blocks { from, id } => self.block(on, life, from, id)?,
                Place::Rows { at, id } => self.row(on, life, at, id)?,
            };
            let end_of_blocks = Place::Rows {
                at: *self.at.start(),
                id: i64::MIN,
            };
            self.here = match (&found, place) {
                (Some((_, next)), _) => Some((life, *next)),
                (None, Place::Blocks { .. }) => Some((life, end_of_blocks)),
                (None, Place::Rows { .. }) => None,
            };
            if let Some((piece, _)) = found {
                return Ok(Some((life, piece)));
            }
        }
    }

    fn block(
        &self,
        on: &Connection,
        life: Life,
        from: i64,
        id: i64,
    ) -> Result<Option<(Piece, Place)>> {
        let mut select = on.prepare_cached(
            "SELECT from_at, to_at, ticks, crc, data, id FROM block
             WHERE incarnation_id = ?1 AND from_at >= ?2 AND (from_at > ?2 OR id > ?3)
               AND from_at <= ?5 AND to_at >= ?4
             ORDER BY from_at, id LIMIT 1",
        )?;
        let (since, until) = (self.at.start(), self.at.end());
        let behind = params![life.incarnation, from, id, since, until];
        select
            .query_row(behind, |row| {
                let block = BlockRow {
                    from: row.get(0)?,
                    to: row.get(1)?,
                    ticks: row.get(2)?,
                    crc: row.get(3)?,
                    data: Some(row.get(4)?),
                };
                let piece = match block.unpack() {
                    Some(whole) => Piece::Cold(whole),
                    None => Piece::Torn(block.ticks().map(Timestamp::as_millis).collect()),
                };
                let (from, id) = (block.from, row.get(5)?);
                Ok((piece, Place::Blocks { from, id }))
            })
            .optional()
    }

    fn row(&self, on: &Connection, life: Life, at: i64, id: i64) -> Result<Option<(Piece, Place)>> {
        let mut select = on.prepare_cached(
            "SELECT at, took_ms, form, goroutines, own, complained, truncated, groups, id
             FROM pulse
             WHERE incarnation_id = ?1 AND at >= ?2 AND (at > ?2 OR id > ?3) AND at <= ?4
             ORDER BY at, id LIMIT 1",
        )?;
        let behind = params![life.incarnation, at, id, self.at.end()];
        select
            .query_row(behind, |row| {
                let unsigned = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
                let form = row.get_ref(2)?.as_str()?;
                let form = FORMS.iter().position(|known| *known == form);
                let tick = Tick {
                    at: row.get(0)?,
                    took_ms: unsigned(1)?,
                    form: form.unwrap_or(FORMS.len()) as u64,
                    goroutines: unsigned(3)?,
                    own: unsigned(4)?,
                    complained: unsigned(5)?,
                    truncated: row.get(6)?,
                    complaints: None,
                };
                let (at, id) = (tick.at, row.get(8)?);
                let groups = entries(row.get_ref(7)?.as_blob()?);
                Ok((Piece::Hot(tick, groups), Place::Rows { at, id }))
            })
            .optional()
    }
}

fn lives(on: &Connection, which: &str, ids: impl Params) -> Result<Vec<Life>> {
    let life = |row: &Row<'_>| {
        Ok(Life {
            incarnation: row.get(0)?,
            instance: row.get(1)?,
        })
    };
    on.prepare_cached(&format!("SELECT id, instance_id FROM incarnation {which}"))?
        .query_map(ids, life)?
        .collect()
}

/// The groups of a hot row, each stack, state and label set once.
fn entries(groups: &[u8]) -> Option<Vec<PulseEntry>> {
    let mut entries: Vec<PulseEntry> = Vec::new();
    unpack_pulse(groups, |entry| match entries.last_mut() {
        Some(last)
            if (last.stack, last.state, last.labels)
                == (entry.stack, entry.state, entry.labels) =>
        {
            last.count = last.count.saturating_add(entry.count);
        }
        _ => entries.push(entry),
    })?;
    Some(entries)
}
