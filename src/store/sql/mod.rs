//! SQL over a database: plain tables and views, and the packed samples as tables.
//!
//! Described for users in `docs/STORAGE.md`, "SQL". Reads only ([`guard`]), and holds no
//! transaction between statements, so that the log of the database can be cut back.

mod book;
mod bound;
mod guard;
mod module;
mod sample;
mod scan;
mod tick;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, ErrorCode, Statement};

use super::{StoreError, open};

/// A statement looks this often, in steps of SQLite's, whether it is to stop: well under 1 ms.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;
/// The longest text or BLOB, and row, bytes: what a statement makes is bounded, and so is the time in which
/// it cannot be stopped.
const MAX_VALUE: i32 = 32 << 20;

/// Views over the tables that only this program has.
const VIEWS: &str = include_str!("views.sql");

/// One field of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Not known, or none.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text; what is not UTF-8 in it has been replaced.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(&'a [u8]),
}

/// Where answers go, row by row.
pub trait Sheet {
    /// What may go wrong there.
    type Error: From<SqlError>;

    /// An answer begins.
    fn begin(&mut self, columns: &[&str]) -> Result<(), Self::Error>;
    /// A row of it.
    fn row(&mut self, values: &[Value<'_>]) -> Result<(), Self::Error>;
    /// It is whole.
    fn end(&mut self) -> Result<(), Self::Error>;
}

/// Why a statement gave no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It does more than read.
    #[error("{0}")]
    Refused(String),
    /// It is no statement that this database understands, or cannot be reckoned.
    #[error("{0}")]
    Wrong(String),
    /// It was told to stop.
    #[error("interrupted: the answer is not whole")]
    Interrupted,
    /// Anything else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A connection for SQL of users.
#[derive(Debug)]
pub struct Shell {
    connection: Connection,
    path: PathBuf,
    refused: Arc<Mutex<Option<String>>>,
}

impl Shell {
    /// Opens a database; a statement stops soon after `stop` is set.
    pub fn open(path: &Path, stop: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let connection = open::open_reading(path)?;
        let failed = |source| StoreError::sqlite("open", path, source);
        let refused = Arc::default();
        let mut shell = Self {
            connection,
            path: path.to_owned(),
            refused,
        };
        shell.prepare(stop).map_err(failed)?;
        Ok(shell)
    }

    fn prepare(&mut self, stop: Arc<AtomicBool>) -> rusqlite::Result<()> {
        let connection = &mut self.connection;
        module::add::<sample::Sample>(connection, "sample")?;
        module::add::<tick::Tick>(connection, "tick")?;
        connection.pragma_update(None, "query_only", "OFF")?;
        connection.execute_batch(VIEWS)?;
        connection.pragma_update(None, "query_only", "ON")?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
        let stops = move || stop.load(Ordering::Relaxed);
        connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(stops))?;
        self.guard()
    }

    /// All that is run from here on sees the same moment.
    pub fn at_one_moment(mut self) -> Result<Self, StoreError> {
        let no_guard: Option<fn(AuthContext<'_>) -> Authorization> = None;
        let begun = self.connection.authorizer(no_guard);
        let begun = begun.and_then(|()| self.connection.execute_batch("BEGIN"));
        match begun.and_then(|()| self.guard()) {
            Ok(()) => Ok(self),
            Err(source) => Err(StoreError::sqlite("read", &self.path, source)),
        }
    }

    /// From here on only what reads is let through.
    fn guard(&mut self) -> rusqlite::Result<()> {
        let refused = Arc::clone(&self.refused);
        let check = move |context: AuthContext<'_>| match guard::refusal(context.action) {
            None => Authorization::Allow,
            Some(why) => {
                let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                // The first thing that a statement may not do is what it is about.
                refused.get_or_insert(why);
                Authorization::Deny
            }
        };
        self.connection.authorizer(Some(check))
    }

    /// Runs statements; `sheet` gets the answer of each.
    pub fn run<S: Sheet>(&self, sql: &str, sheet: &mut S) -> Result<(), S::Error> {
        let mut statements = Batch::new(&self.connection, sql);
        while let Some(mut statement) = self.check(statements.next())? {
            self.answer(&mut statement, sheet)?;
        }
        Ok(())
    }

    fn answer<S: Sheet>(
        &self,
        statement: &mut Statement<'_>,
        sheet: &mut S,
    ) -> Result<(), S::Error> {
        if !statement.readonly() {
            let why = "goroscope sql only reads: nothing is made, changed or copied";
            return Err(SqlError::Refused(why.to_owned()).into());
        }
        let columns = statement.column_names().map(str::to_owned);
        let columns: Vec<String> = columns.collect();
        let width = columns.len();
        let mut rows = self.check(statement.query([]))?;
        // Nothing is told of a statement that is about to fail at its first row.
        let mut next = self.check(rows.next())?;
        if width > 0 {
            sheet.begin(&columns.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        while let Some(row) = next {
            let values = (0..width).map(|nth| row.get_ref(nth).map(value));
            let values: rusqlite::Result<Vec<Value<'_>>> = values.collect();
            sheet.row(&self.check(values)?)?;
            next = self.check(rows.next())?;
        }
        if width > 0 {
            sheet.end()?;
        }
        Ok(())
    }

    /// Tells all tables and views that can be read.
    pub fn tables<S: Sheet>(&self, sheet: &mut S) -> Result<(), S::Error> {
        self.run(
            "SELECT name, kind, reader AS \"read by\" FROM (
                 SELECT value AS name, 'function' AS kind, 'goroscope sql' AS reader, 1 AS nth
                 FROM json_each('[\"sample\", \"tick\"]')
                 UNION ALL SELECT name, type, 'goroscope sql', 2 FROM sqlite_temp_schema
                 UNION ALL SELECT name, type, 'any SQLite', iif(type = 'view', 3, 4)
                 FROM sqlite_schema
                 WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%')
             ORDER BY nth, name",
            sheet,
        )
    }

    /// The statements that made a table or view, or all of them.
    pub fn definitions(&self, name: Option<&str>) -> Result<Vec<String>, SqlError> {
        let ours = [("sample", sample::DEFINITION), ("tick", tick::DEFINITION)];
        let ours = ours.into_iter();
        let ours = ours.filter(|(own, _)| name.is_none_or(|name| name.eq_ignore_ascii_case(own)));
        let mut found: Vec<String> = ours.map(|(_, sql)| format!("{sql};")).collect();
        let read = || -> rusqlite::Result<Vec<String>> {
            self.connection
                .prepare(
                    "SELECT sql || ';' FROM (SELECT * FROM sqlite_schema
                                             UNION ALL SELECT * FROM sqlite_temp_schema)
                     WHERE sql IS NOT NULL AND (?1 IS NULL OR lower(tbl_name) = lower(?1))",
                )?
                .query_map([name], |row| row.get(0))?
                .collect()
        };
        found.extend(self.check(read())?);
        Ok(found)
    }

    /// Whether a line ends what stands before it: a `;` that is in no text, name or comment.
    pub fn is_whole(sql: &str) -> bool {
        let mut ends = false;
        let mut rest = sql;
        while let Some(char) = rest.chars().next() {
            let behind = rest.get(char.len_utf8()..).unwrap_or_default();
            let close = match char {
                '\'' => "'",
                '"' => "\"",
                '`' => "`",
                '[' => "]",
                '-' if behind.starts_with('-') => "\n",
                '/' if behind.starts_with('*') => "*/",
                _ => {
                    ends = char == ';' || ends && char.is_whitespace();
                    rest = behind;
                    continue;
                }
            };
            ends &= ["\n", "*/"].contains(&close);
            rest = match behind.split_once(close) {
                Some((_, rest)) => rest,
                // A comment may end with the text.
                None => return ends && close == "\n",
            };
        }
        ends
    }

    fn check<T>(&self, result: rusqlite::Result<T>) -> Result<T, SqlError> {
        let refused = || {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.take()
        };
        result.map_err(|error| match (refused(), error) {
            (Some(why), _) => SqlError::Refused(why),
            (None, error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                SqlError::Interrupted
            }
            (None, error) => match mistake(&error) {
                Some(mistake) => SqlError::Wrong(mistake),
                None => SqlError::Store(StoreError::sqlite("read", &self.path, error)),
            },
        })
    }
}

/// What is wrong with a statement, and where; `None` when it is something else that failed.
fn mistake(error: &rusqlite::Error) -> Option<String> {
    match error {
        rusqlite::Error::SqlInputError {
            msg, sql, offset, ..
        } => {
            let rest = sql.get(usize::try_from(*offset).ok()?..)?;
            let line = rest.lines().next().unwrap_or_default();
            let some: String = line.chars().take(40).collect();
            let more = if some.len() < line.len() { "…" } else { "" };
            Some(format!(
                "{msg}, at byte {offset} of the statement: `{some}{more}`"
            ))
        }
        rusqlite::Error::SqliteFailure(failure, Some(message))
            if failure.code == ErrorCode::Unknown =>
        {
            Some(message.clone())
        }
        rusqlite::Error::InvalidParameterCount(_, needed) => Some(format!(
            "{needed} parameters without a value: write the values into the statement"
        )),
        _ => None,
    }
}

fn value(field: ValueRef<'_>) -> Value<'_> {
    match field {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}
