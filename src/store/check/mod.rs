//! Everything in the file, read once: what is damaged, and where.
//!
//! Looks only; [`super::take_out`] acts on what was found.

mod decode;

use std::collections::HashSet;
use std::path::Path;

use rusqlite::Connection;

use self::decode::{BLOCK, DETAIL, DETAIL_BLOCK, PULSE, Rows, STACK, SUMMARY};
use super::damage::unless_damaged;
use super::{Steps, StoreError, open};
use crate::model::Timestamp;

/// More is counted, but not kept one by one.
const MOST: usize = 100_000;

/// How the structure of the file is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// `PRAGMA quick_check`: every page, but not that indexes hold what their tables hold.
    Quick,
    /// `PRAGMA integrity_check`.
    Full,
}

/// One row that is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// `block`, `summary`, `pulse`, `detail_block`, `detail` or `stack`.
    pub table: &'static str,
    /// Its row there.
    pub id: i64,
    /// Whose it is; 0 where that cannot be read, or for a stack.
    pub incarnation: i64,
    /// Its first tick.
    pub from: Timestamp,
    /// Its last tick.
    pub to: Timestamp,
    /// Pulses in it.
    pub ticks: i64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// SQLite cannot read it.
    Unreadable,
    /// CRC-32C over the data of a block is another one.
    Checksum,
    /// The bytes are not what they should be.
    Layout,
    /// A block says another number of pulses or series than it has.
    Numbers,
    /// Stacks that are not there are counted; all else is sound, so that it is told as a reference.
    Stacks,
}

impl Wrong {
    /// A sentence about the row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "its pages cannot be read",
            Self::Checksum => "its checksum is wrong",
            Self::Layout => "it cannot be unpacked",
            Self::Numbers => "it holds another number of pulses or series than it says",
            Self::Stacks => "it counts stacks that are not there",
        }
    }
}

impl Damage {
    /// Whether it goes into quarantine: samples refer to stacks, which must stay.
    pub fn is_movable(&self) -> bool {
        self.table != STACK.table
    }

    /// Whether it is made again from its block, so that nothing is lost with it.
    pub fn is_derived(&self) -> bool {
        self.table == SUMMARY.table
    }

    /// The column that holds what could not be decoded.
    pub(super) fn data_column(&self) -> &'static str {
        [BLOCK, PULSE, DETAIL, DETAIL_BLOCK]
            .into_iter()
            .find(|rows| rows.table == self.table)
            .map_or("NULL", |rows| rows.data)
    }
}

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What SQLite says of the file, a sentence each.
    pub file: Vec<String>,
    /// References to rows that are not there, a sentence each.
    pub references: Vec<String>,
    /// Rows that are damaged; the first hundred thousand.
    pub rows: Vec<Damage>,
    /// Rows that are damaged, in all.
    pub damaged: u64,
    /// Rows in quarantine since earlier checks, and the pulses in them.
    pub quarantined: (u64, u64),
    /// Rows decoded, by table.
    pub decoded: Vec<(&'static str, u64)>,
}

impl Checked {
    /// Whether nothing is wrong now.
    pub fn is_sound(&self) -> bool {
        self.file.is_empty() && self.references.is_empty() && self.damaged == 0
    }

    fn note(&mut self, damage: Damage) {
        self.damaged += 1;
        if self.rows.len() < MOST {
            self.rows.push(damage);
        }
    }
}

/// The tables whose rows are decoded.
const DECODED: [Rows; 6] = [BLOCK, SUMMARY, PULSE, DETAIL_BLOCK, DETAIL, STACK];

/// Checks a database that a daemon may be writing. What SQLite checks itself is no step, and every row that is decoded
/// is one.
pub fn check(path: &Path, depth: Depth, steps: &Steps) -> Result<Checked, StoreError> {
    let on = open::open_reading(path)?;
    let mut checked = Checked::default();
    let failed = |source| StoreError::sqlite("check", path, source);
    checked.file = structure(&on, depth).map_err(failed)?;
    checked.references = references(&on).map_err(failed)?;
    let stacks = unless_damaged(stacks(&on)).map_err(failed)?;
    let tables = DECODED.map(|rows| ids(&on, rows).map(|ids| (rows, ids)));
    let tables: Vec<(Rows, Option<Vec<i64>>)> = tables
        .into_iter()
        .collect::<rusqlite::Result<_>>()
        .map_err(failed)?;
    steps.begin(
        tables
            .iter()
            .filter_map(|(_, ids)| Some(ids.as_ref()?.len()))
            .sum(),
    );
    for (rows, ids) in tables {
        let Some(ids) = ids else {
            let sentence = format!("the rows of `{}` cannot be listed", rows.table);
            checked.file.push(sentence);
            continue;
        };
        decode_all(&on, (rows, ids), stacks.as_ref(), (&mut checked, steps)).map_err(failed)?;
    }
    let sql = "SELECT count(*), ifnull(sum(ticks), 0) FROM quarantine";
    let count = on.query_row(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    let (rows, ticks) = unless_damaged(count).map_err(failed)?.unwrap_or_default();
    checked.quarantined = (rows.cast_unsigned(), ticks.cast_unsigned());
    Ok(checked)
}

/// What SQLite itself finds.
fn structure(on: &Connection, depth: Depth) -> rusqlite::Result<Vec<String>> {
    let sql = match depth {
        Depth::Quick => "PRAGMA quick_check",
        Depth::Full => "PRAGMA integrity_check",
    };
    let mut told = Vec::new();
    let told_all = on.prepare(sql).and_then(|mut statement| {
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let line: String = row.get(0)?;
            // Several sentences come in one row, behind a heading.
            let lines = line.lines().filter(|line| !line.starts_with("***"));
            told.extend(lines.filter(|line| *line != "ok").map(str::to_owned));
        }
        Ok(())
    });
    if unless_damaged(told_all)?.is_none() && told.is_empty() {
        told.push("SQLite cannot check the file to its end".to_owned());
    }
    Ok(told)
}

/// References that lead nowhere, declared ones and those of the many rows, which are not declared.
fn references(on: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut told = Vec::new();
    for (table, column, to) in [
        ("block", "incarnation_id", "incarnation"),
        ("pulse", "incarnation_id", "incarnation"),
        ("detail", "incarnation_id", "incarnation"),
        ("detail_block", "incarnation_id", "incarnation"),
        ("rollup_life", "incarnation_id", "incarnation"),
        ("rollup_day", "signature_id", "signature"),
        ("rollup_hour", "signature_id", "signature"),
        ("failure", "instance_id", "instance"),
        ("stack", "signature_id", "signature"),
        ("series", "signature_id", "signature"),
        ("series", "instance_id", "instance"),
        ("sighting", "signature_id", "signature"),
        ("proof", "stack_id", "stack"),
        ("proof", "service_id", "service"),
        ("proof", "incarnation_id", "incarnation"),
        ("incarnation", "instance_id", "instance"),
        ("instance", "service_id", "service"),
        ("watch", "run_id", "daemon_run"),
    ] {
        let sql =
            format!("SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM {to})");
        let lost = on.query_row(&sql, [], |row| row.get::<_, i64>(0));
        match unless_damaged(lost)? {
            Some(0) => {}
            Some(rows) => told.push(format!(
                "{rows} rows of `{table}` refer to rows of `{to}` that are not there"
            )),
            None => told.push(format!("`{table}.{column}` cannot be read whole")),
        }
    }
    Ok(told)
}

fn stacks(on: &Connection) -> rusqlite::Result<HashSet<i64>> {
    on.prepare("SELECT id FROM stack")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Decodes every row of a table, one by one: what cannot be read costs no other row.
fn decode_all(
    on: &Connection,
    (rows, ids): (Rows, Vec<i64>),
    stacks: Option<&HashSet<i64>>,
    (checked, steps): (&mut Checked, &Steps),
) -> rusqlite::Result<()> {
    let (mut decoded, mut without_stacks) = (0, 0u64);
    for id in ids {
        decoded += 1;
        steps.one();
        match rows.decode(on, id, stacks)? {
            None => {}
            Some(Wrong::Stacks) => without_stacks += 1,
            Some(wrong) => {
                let damage = rows.place(on, id, wrong)?;
                checked.note(damage);
            }
        }
    }
    if without_stacks > 0 {
        checked.references.push(format!(
            "{without_stacks} rows of `{}` count stacks that are not there",
            rows.table
        ));
    }
    checked.decoded.push((rows.table, decoded));
    Ok(())
}

/// The rows of a table: by its index, which lists them even where their own pages cannot be read.
fn ids(on: &Connection, rows: Rows) -> rusqlite::Result<Option<Vec<i64>>> {
    for how in [rows.listed, "NOT INDEXED"] {
        let sql = format!("SELECT {} FROM {} {how}", rows.id, rows.table);
        let listed = on.prepare(&sql).and_then(|mut statement| {
            statement
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()
        });
        if let Some(mut ids) = unless_damaged(listed)? {
            ids.sort_unstable();
            return Ok(Some(ids));
        }
    }
    Ok(None)
}
