//! The table `tick`: a row for every pulse that was answered, whether it can be compared or not.

use rusqlite::vtab::Context;
use rusqlite::{Connection, Result};

use super::bound::{Bound, Wanted, common};
use super::module::Source;
use super::scan::{Life, Piece, Scan};
use crate::store::block::{Block, Tick as Stored};
use crate::store::write::FORMS;

/// What it looks like to SQLite, and to users.
pub(super) const DEFINITION: &str = "CREATE TABLE tick (
    incarnation_id INTEGER, instance_id INTEGER, at INTEGER,
    took_ms INTEGER, form TEXT, goroutines INTEGER, own INTEGER, complained INTEGER, truncated INTEGER,
    unknown TEXT, since HIDDEN, until HIDDEN)";

/// Reads ticks.
#[derive(Default)]
pub(super) struct Tick {
    scan: Scan,
    life: Life,
    /// Read and not told yet, in reverse; the last one is the row.
    rows: Vec<Row>,
}

/// A tick, and whether its groups can be read.
struct Row {
    at: i64,
    /// `None` where not even this can be read.
    stored: Option<Stored>,
    damaged: bool,
}

impl Source for Tick {
    const SCHEMA: &'static str = DEFINITION;

    const BOUNDS: &'static [Bound] = &common(10, 11);

    const ROWS: f64 = 1e8;

    fn begin(&mut self, on: &Connection, wanted: Wanted, _columns: u32) -> Result<()> {
        self.scan = Scan::begin(on, &wanted)?;
        self.rows.clear();
        Ok(())
    }

    fn advance(&mut self, on: &Connection) -> Result<bool> {
        self.rows.pop();
        while self.rows.is_empty() {
            let Some((life, piece)) = self.scan.next(on)? else {
                return Ok(false);
            };
            self.life = life;
            self.rows = rows(piece);
            let at = &self.scan.at;
            self.rows.retain(|row| at.contains(&row.at));
            self.rows.reverse();
        }
        Ok(true)
    }

    fn tell(&self, column: usize, cell: &mut Context) -> Result<()> {
        let Some(row) = self.rows.last() else {
            return Ok(());
        };
        let number = |number: fn(&Stored) -> u64| {
            let number = number(row.stored.as_ref()?);
            Some(i64::try_from(number).unwrap_or(i64::MAX))
        };
        match column {
            0 => cell.set_result(self.life.incarnation),
            1 => cell.set_result(self.life.instance),
            2 => cell.set_result(row.at),
            3 => cell.set_result(number(|tick| tick.took_ms)),
            4 => cell.set_result(row.form()),
            5 => cell.set_result(number(|tick| tick.goroutines)),
            6 => cell.set_result(number(|tick| tick.own)),
            7 => cell.set_result(number(|tick| tick.complained)),
            8 => cell.set_result(number(|tick| u64::from(tick.truncated))),
            9 => cell.set_result(row.unknown()),
            _ => Ok(()),
        }
    }
}

impl Row {
    fn form(&self) -> Option<&'static str> {
        let number = usize::try_from(self.stored.as_ref()?.form).ok()?;
        FORMS.get(number).copied()
    }

    /// Why its groups are not compared.
    fn unknown(&self) -> Option<&'static str> {
        let truncated = self.stored.as_ref().is_some_and(|tick| tick.truncated);
        match (self.damaged, truncated) {
            (true, _) => Some("damaged"),
            (false, true) => Some("truncated"),
            (false, false) => None,
        }
    }
}

fn rows(piece: Piece) -> Vec<Row> {
    let row = |stored: Stored, damaged| Row {
        at: stored.at,
        stored: Some(stored),
        damaged,
    };
    match piece {
        Piece::Hot(tick, groups) => vec![row(tick, groups.is_none())],
        Piece::Cold(block) => {
            let damaged = !decodes(&block);
            let ticks = block.ticks().iter();
            ticks.map(|tick| row(tick.clone(), damaged)).collect()
        }
        Piece::Torn(ticks) => {
            let torn = |at| Row {
                at,
                stored: None,
                damaged: true,
            };
            ticks.into_iter().map(torn).collect()
        }
    }
}

/// Whether every column of a block can be read.
fn decodes(block: &Block) -> bool {
    let mut counts = Vec::new();
    (0..block.keys().count()).all(|nth| block.column(nth, &mut counts).is_some())
}
