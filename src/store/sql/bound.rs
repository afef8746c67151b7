//! What a `WHERE` says about a table of ours, as far as it narrows what is read.
//!
//! SQLite tests every row again, so a bound may let too much through, never too little. What is not
//! tested again is exact here: the process, as that would cost more than all else, and the
//! parameters of the function form, which have no column.

use std::ops::RangeInclusive;

use rusqlite::types::Value;
use rusqlite::vtab::{Filters, IndexConstraintOp as Op, IndexFlags, IndexInfo};
use rusqlite::{Connection, Error, Result};

/// One comparison of a column.
#[derive(Debug)]
pub(super) struct Bound {
    /// As `EXPLAIN QUERY PLAN` shows it, and as the plan is handed from choice to reading.
    pub(super) word: &'static str,
    pub(super) column: usize,
    pub(super) op: Op,
    /// What part of the cost and of the rows it leaves.
    pub(super) cost: f64,
    pub(super) rows: f64,
}

/// A comparison that saves the reading of blocks.
pub(super) const fn narrows(word: &'static str, column: usize, op: Op, part: f64) -> Bound {
    Bound {
        word,
        column,
        op,
        cost: part,
        rows: part,
    }
}

/// A comparison that saves rows, but blocks must be unpacked all the same.
pub(super) const fn sifts(word: &'static str, column: usize, op: Op) -> Bound {
    Bound {
        word,
        column,
        op,
        cost: 0.5,
        rows: 0.01,
    }
}

/// The bounds of what both tables begin with: process, instance, time; and of the parameters. A process is
/// taken for one of more than the million rows that SQLite guesses a table to have: else it would read all
/// to save the search for each.
pub(super) const fn common(since: usize, until: usize) -> [Bound; 9] {
    [
        narrows(INCARNATION, 0, Op::SQLITE_INDEX_CONSTRAINT_EQ, 1e-7),
        narrows("instance_id=", 1, Op::SQLITE_INDEX_CONSTRAINT_EQ, 3e-7),
        narrows("at=", 2, Op::SQLITE_INDEX_CONSTRAINT_EQ, 1e-2),
        narrows("at>=", 2, Op::SQLITE_INDEX_CONSTRAINT_GE, 0.3),
        narrows("at>", 2, Op::SQLITE_INDEX_CONSTRAINT_GT, 0.3),
        narrows("at<=", 2, Op::SQLITE_INDEX_CONSTRAINT_LE, 0.3),
        narrows("at<", 2, Op::SQLITE_INDEX_CONSTRAINT_LT, 0.3),
        narrows(SINCE, since, Op::SQLITE_INDEX_CONSTRAINT_EQ, 0.3),
        narrows(UNTIL, until, Op::SQLITE_INDEX_CONSTRAINT_EQ, 0.3),
    ]
}

const INCARNATION: &str = "incarnation_id=";
const SINCE: &str = "since";
const UNTIL: &str = "until";

/// Chooses the bounds that can be used; false when a parameter is not known in time.
pub(super) fn choose(info: &mut IndexInfo, bounds: &[Bound], rows: f64) -> bool {
    let (mut cost, mut left, mut plan) = (rows, rows, Vec::new());
    for (constraint, mut usage) in info.constraints_and_usages() {
        let column = usize::try_from(constraint.column()).ok();
        let op = constraint.operator();
        let fits = |bound: &&Bound| Some(bound.column) == column && bound.op == op;
        let Some(bound) = bounds.iter().find(fits) else {
            continue;
        };
        let is_parameter = [SINCE, UNTIL].contains(&bound.word);
        if !constraint.is_usable() {
            if is_parameter {
                return false;
            }
            continue;
        }
        plan.push(bound.word);
        usage.set_argv_index(i32::try_from(plan.len()).unwrap_or(i32::MAX));
        usage.set_omit(is_parameter || bound.word == INCARNATION);
        cost *= bound.cost;
        left *= bound.rows;
    }
    info.set_estimated_cost(cost.max(1.0));
    #[expect(clippy::cast_possible_truncation, reason = "an estimate")]
    info.set_estimated_rows(left.max(1.0) as i64);
    info.set_idx_str(&plan.join(" "));
    // Neither table has more than 32 columns.
    let columns = u32::try_from(info.col_used() & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    info.set_idx_num(columns.cast_signed());
    info.set_idx_flags(IndexFlags::NONE);
    true
}

/// What one reading of a table is to give.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) at: RangeInclusive<i64>,
    pub(super) incarnation: Option<i64>,
    pub(super) instance: Option<i64>,
    /// Comparisons that are the table's own.
    pub(super) own: Vec<(String, Value)>,
    /// Compared with NULL, which nothing equals.
    pub(super) nothing: bool,
}

impl Wanted {
    /// Reads the values for a plan.
    pub(super) fn read(on: &Connection, plan: &str, args: &Filters<'_>) -> Result<Self> {
        let mut wanted = Self {
            at: i64::MIN..=i64::MAX,
            incarnation: None,
            instance: None,
            own: Vec::new(),
            nothing: false,
        };
        for (nth, word) in plan.split_whitespace().enumerate() {
            wanted.take(on, word, args.get(nth)?)?;
        }
        Ok(wanted)
    }

    fn take(&mut self, on: &Connection, word: &str, value: Value) -> Result<()> {
        let (since, until) = (*self.at.start(), *self.at.end());
        match word {
            SINCE | UNTIL if value == Value::Null => {}
            SINCE => self.at = since.max(moment(on, word, value)?)..=until,
            UNTIL => self.at = since..=until.min(moment(on, word, value)?),
            _ if value == Value::Null => self.nothing = true,
            INCARNATION => {
                self.incarnation = id(&value);
                self.nothing |= self.incarnation.is_none();
            }
            "instance_id=" => self.instance = id(&value),
            "at>" | "at>=" => self.at = since.max(floor(&value).unwrap_or(i64::MIN))..=until,
            "at<" | "at<=" => self.at = since..=until.min(ceiling(&value)),
            "at=" => {
                let low = floor(&value).unwrap_or(i64::MIN);
                self.at = since.max(low)..=until.min(ceiling(&value));
            }
            _ => self.own.push((word.to_owned(), value)),
        }
        Ok(())
    }
}

/// The row id that a value equals, as a column of integers compares it.
fn id(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no row id is beyond what it holds"
    )]
    let exact = |number: f64| (number.fract() == 0.0).then_some(number as i64);
    match value {
        Value::Integer(id) => Some(*id),
        Value::Real(number) => exact(*number),
        Value::Text(text) => exact(text.trim().parse().ok()?),
        Value::Null | Value::Blob(_) => None,
    }
}

/// A number not above the value; what is no number is compared by SQLite alone.
fn floor(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(at) => Some(*at),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, which lets more through"
        )]
        Value::Real(at) => Some((at.floor() as i64).saturating_sub(1)),
        _ => None,
    }
}

/// A number not below the value.
fn ceiling(value: &Value) -> i64 {
    floor(value).map_or(i64::MAX, |at| match value {
        Value::Real(_) => at.saturating_add(3),
        _ => at,
    })
}

/// A parameter as a time: milliseconds, or text as SQLite's own date functions take it, in UTC.
fn moment(on: &Connection, word: &str, value: Value) -> Result<i64> {
    match value {
        Value::Integer(at) => return Ok(at),
        #[expect(clippy::cast_possible_truncation, reason = "parts of a millisecond")]
        Value::Real(at) => return Ok(at as i64),
        _ => {}
    }
    let millis: Option<i64> = on
        .prepare_cached("SELECT CAST(round(1000 * unixepoch(?1, 'subsec')) AS INTEGER)")?
        .query_row([&value], |row| row.get(0))?;
    millis.ok_or_else(|| {
        let text = match value {
            Value::Text(text) => text,
            _ => "this BLOB".to_owned(),
        };
        Error::ModuleError(format!(
            "{word}: `{text}` is no time; milliseconds since 1970, or text like `2026-11-24 08:00` \
             (UTC), are"
        ))
    })
}
