//! The table `sample`: a row for every group of goroutines in every good pulse.
//!
//! A pulse that was cut off by its target is not compared anywhere, and neither are its samples
//! here; what is damaged has none either. Table `tick` tells of both.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::rc::Rc;

use rusqlite::vtab::{Context, IndexConstraintOp as Op};
use rusqlite::{Connection, Result};

use super::book::{Book, Signature, State};
use super::bound::{Bound, Wanted, common, sifts};
use super::module::Source;
use super::scan::{Life, Piece, Scan};
use crate::store::block::{Block, SeriesKey};
use crate::store::hot::PulseEntry;

/// What it looks like to SQLite, and to users.
pub(super) const DEFINITION: &str = "CREATE TABLE sample (
    incarnation_id INTEGER, instance_id INTEGER, at INTEGER,
    stack_id INTEGER, signature_id INTEGER, signature TEXT COLLATE NOCASE,
    function TEXT, file TEXT, line INTEGER,
    state_id INTEGER, state TEXT, kind TEXT, labels_id INTEGER, labels TEXT,
    count INTEGER, since HIDDEN, until HIDDEN)";

/// Columns of `signature`, a bit each.
const OF_SIGNATURE: u32 = 0b1_1111 << 4;
/// Columns of `state`.
const OF_STATE: u32 = 0b11 << 10;
/// The column of `label_set`.
const OF_LABELS: u32 = 1 << 13;

/// Reads samples. Of a block, only the columns of the stacks that are wanted are decoded.
#[derive(Default)]
pub(super) struct Sample {
    scan: Scan,
    /// Stacks that are wanted; `None`: all.
    stacks: Option<HashSet<i64>>,
    /// The columns that the statement reads, a bit each.
    columns: u32,
    book: Book,
    piece: Open,
    row: Row,
}

/// What is being read.
#[derive(Default)]
enum Open {
    #[default]
    Nothing,
    Cold(Cold),
    Hot(std::vec::IntoIter<PulseEntry>),
}

/// A block of which columns are left.
struct Cold {
    block: Block,
    /// When its ticks were; `None` for those that are not wanted.
    ticks: Vec<Option<i64>>,
    /// Columns that are wanted and not read yet, in reverse.
    columns: Vec<(usize, SeriesKey)>,
    counts: Vec<u64>,
    /// The next tick in `counts`.
    tick: usize,
}

#[derive(Default)]
struct Row {
    life: Life,
    at: i64,
    key: Option<SeriesKey>,
    count: u64,
    signature: Option<Rc<Signature>>,
    state: Option<Rc<State>>,
    labels: Option<Rc<String>>,
}

impl Source for Sample {
    const SCHEMA: &'static str = DEFINITION;

    const BOUNDS: &'static [Bound] = &{
        let [a, b, c, d, e, f, g, h, i] = common(15, 16);
        let stack = sifts("stack_id=", 3, Op::SQLITE_INDEX_CONSTRAINT_EQ);
        let id = sifts("signature_id=", 4, Op::SQLITE_INDEX_CONSTRAINT_EQ);
        let name = sifts("signature=", 5, Op::SQLITE_INDEX_CONSTRAINT_EQ);
        let prefix = sifts("signature-LIKE", 5, Op::SQLITE_INDEX_CONSTRAINT_LIKE);
        [a, b, c, d, e, f, g, h, i, stack, id, name, prefix]
    };

    const ROWS: f64 = 1e10;

    fn begin(&mut self, on: &Connection, wanted: Wanted, columns: u32) -> Result<()> {
        self.scan = Scan::begin(on, &wanted)?;
        self.stacks = self.book.stacks(on, &wanted.own)?;
        self.columns = columns;
        self.piece = Open::Nothing;
        Ok(())
    }

    fn advance(&mut self, on: &Connection) -> Result<bool> {
        if self.stacks.as_ref().is_some_and(HashSet::is_empty) {
            return Ok(false);
        }
        loop {
            let next = match &mut self.piece {
                Open::Cold(cold) => match cold.next() {
                    Some((at, count)) => {
                        self.row.at = at;
                        self.row.count = count;
                        return Ok(true);
                    }
                    None => cold.next_column(),
                },
                Open::Hot(entries) => {
                    if let Some(entry) = entries.next() {
                        self.row.count = entry.count;
                        self.turn_to(on, key(&entry))?;
                        return Ok(true);
                    }
                    None
                }
                Open::Nothing => None,
            };
            if let Some(key) = next {
                self.turn_to(on, key)?;
                continue;
            }
            let Some((life, piece)) = self.scan.next(on)? else {
                return Ok(false);
            };
            self.row.life = life;
            self.open(piece);
        }
    }

    fn tell(&self, column: usize, cell: &mut Context) -> Result<()> {
        let row = &self.row;
        let (signature, state) = (row.signature.as_ref(), row.state.as_ref());
        match column {
            0 => cell.set_result(row.life.incarnation),
            1 => cell.set_result(row.life.instance),
            2 => cell.set_result(row.at),
            3 => cell.set_result(row.key.map(|key| key.stack)),
            4 => cell.set_result(signature.map(|signature| signature.id)),
            5 => cell.set_result(signature.map(|signature| &*signature.hex)),
            6 => cell.set_result(signature.map(|signature| &*signature.function)),
            7 => cell.set_result(signature.map(|signature| &*signature.file)),
            8 => cell.set_result(signature.map(|signature| signature.line)),
            9 => cell.set_result(row.key.map(|key| key.state)),
            10 => cell.set_result(state.map(|state| &*state.name)),
            11 => cell.set_result(state.map(|state| &*state.kind)),
            12 => cell.set_result(row.key.map(|key| key.labels)),
            13 => cell.set_result(row.labels.as_ref().map(|labels| &***labels)),
            14 => cell.set_result(i64::try_from(row.count).unwrap_or(i64::MAX)),
            _ => Ok(()),
        }
    }
}

impl Sample {
    fn wants(&self, stack: i64) -> bool {
        let stacks = self.stacks.as_ref();
        stacks.is_none_or(|wanted| wanted.contains(&stack))
    }

    fn open(&mut self, piece: Piece) {
        self.piece = match piece {
            Piece::Torn(_) | Piece::Hot(_, None) => Open::Nothing,
            Piece::Hot(tick, _) if tick.truncated => Open::Nothing,
            Piece::Hot(tick, Some(mut entries)) => {
                self.row.at = tick.at;
                entries.retain(|entry| entry.count > 0 && self.wants(entry.stack));
                Open::Hot(entries.into_iter())
            }
            Piece::Cold(block) => {
                let wanted = block.keys().enumerate();
                let wanted = wanted.filter(|(_, key)| self.wants(key.stack)).collect();
                let cold = Cold::open(block, &self.scan.at, wanted);
                cold.map_or(Open::Nothing, Open::Cold)
            }
        };
    }

    /// From here on rows are of this stack, state and label set.
    fn turn_to(&mut self, on: &Connection, key: SeriesKey) -> Result<()> {
        let row = &mut self.row;
        let before = row.key.replace(key);
        if self.columns & OF_SIGNATURE != 0 && before.map(|key| key.stack) != Some(key.stack) {
            row.signature = self.book.signature(on, key.stack)?;
        }
        if self.columns & OF_STATE != 0 && before.map(|key| key.state) != Some(key.state) {
            row.state = self.book.state(on, key.state)?;
        }
        if self.columns & OF_LABELS != 0 && before.map(|key| key.labels) != Some(key.labels) {
            row.labels = self.book.labels(on, key.labels)?;
        }
        Ok(())
    }
}

const fn key(entry: &PulseEntry) -> SeriesKey {
    SeriesKey {
        stack: entry.stack,
        state: entry.state,
        labels: entry.labels,
    }
}

impl Cold {
    /// `None` when one of the wanted columns is damaged: then nothing of the block counts.
    fn open(
        block: Block,
        at: &RangeInclusive<i64>,
        mut columns: Vec<(usize, SeriesKey)>,
    ) -> Option<Self> {
        let mut counts = Vec::new();
        for (nth, _) in &columns {
            block.column(*nth, &mut counts)?;
        }
        counts.clear();
        columns.reverse();
        let ticks = block.ticks().iter();
        let ticks = ticks.map(|tick| (!tick.truncated && at.contains(&tick.at)).then_some(tick.at));
        Some(Self {
            ticks: ticks.collect(),
            block,
            columns,
            counts,
            tick: 0,
        })
    }

    /// The next sample of the column: when, and how many.
    fn next(&mut self) -> Option<(i64, u64)> {
        let counts = self.counts.get(self.tick..)?;
        let ticks = self.ticks.get(self.tick..)?;
        for (count, at) in counts.iter().zip(ticks) {
            self.tick += 1;
            if let Some(at) = at
                && *count > 0
            {
                return Some((*at, *count));
            }
        }
        None
    }

    /// Decodes the next column.
    fn next_column(&mut self) -> Option<SeriesKey> {
        let (nth, key) = self.columns.pop()?;
        self.tick = 0;
        self.block.column(nth, &mut self.counts)?;
        Some(key)
    }
}
