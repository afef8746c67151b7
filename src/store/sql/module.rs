//! A table of ours as SQLite wants it: the only unsafe lines of the program.
//!
//! What a table does is said by a [`Source`], in safe code.

#![expect(
    unsafe_code,
    reason = "rusqlite's traits of virtual tables are unsafe to implement, and reading the database \
              that the table is in needs the handle of its connection"
)]

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;

use rusqlite::vtab::{
    Context, Filters, IndexInfo, Module, VTab, VTabConfig, VTabConnection, VTabCursor,
    sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Result, ffi};

use super::bound::{self, Bound, Wanted};

/// The rows of a table whose contents lie packed in others.
pub(super) trait Source: Default {
    /// Its columns.
    const SCHEMA: &'static str;
    /// What a `WHERE` can push down.
    const BOUNDS: &'static [Bound];
    /// About how many rows a large history has.
    const ROWS: f64;

    /// Goes before the first of the rows that are wanted; `columns` has a bit for each that is read.
    fn begin(&mut self, on: &Connection, wanted: Wanted, columns: u32) -> Result<()>;

    /// Goes to the next row; whether there is one.
    fn advance(&mut self, on: &Connection) -> Result<bool>;

    /// Tells a column of the row.
    fn tell(&self, column: usize, cell: &mut Context) -> Result<()>;
}

/// Adds the table of a source to a connection.
pub(super) fn add<S: Source + 'static>(connection: &Connection, name: &str) -> Result<()> {
    connection.create_module(
        name,
        const { &Module::<Table<S>>::eponymous_only_module() },
        None,
    )
}

/// A table of one connection. Its layout is SQLite's: what is SQLite's comes first.
#[repr(C)]
struct Table<S> {
    base: sqlite3_vtab,
    connection: *mut ffi::sqlite3,
    source: PhantomData<S>,
}

/// One reading of a table, likewise.
#[repr(C)]
struct Cursor<S> {
    base: sqlite3_vtab_cursor,
    /// The connection that the statement runs on, so that all it reads is of one moment. Not owned.
    connection: Connection,
    source: S,
    row: i64,
    ended: bool,
}

// SAFETY: the first field is `sqlite3_vtab`, and the layout is C's.
unsafe impl<S: Source + 'static> VTab<'_> for Table<S> {
    type Aux = ();
    type Cursor = Cursor<S>;

    fn connect(
        on: &mut VTabConnection,
        _aux: Option<&()>,
        _module: &[u8],
        _database: &[u8],
        _table: &[u8],
        _arguments: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        // Reads what any SELECT may read: views may use it though schemas are not trusted.
        on.config(VTabConfig::Innocuous)?;
        let table = Self {
            base: sqlite3_vtab::default(),
            // SAFETY: only handed to `from_handle` below.
            connection: unsafe { on.handle() },
            source: PhantomData,
        };
        Ok((Cow::Owned(CString::new(S::SCHEMA)?), table))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        Ok(bound::choose(info, S::BOUNDS, S::ROWS))
    }

    fn open(&mut self) -> Result<Cursor<S>> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            // SAFETY: SQLite closes every cursor of a connection, on its thread, before the
            // connection itself; what this one has prepared is finalised with it.
            connection: unsafe { Connection::from_handle(self.connection) }?,
            source: S::default(),
            row: 0,
            ended: true,
        })
    }
}

// SAFETY: the first field is `sqlite3_vtab_cursor`, and the layout is C's.
unsafe impl<S: Source> VTabCursor for Cursor<S> {
    fn filter(&mut self, columns: c_int, plan: Option<&str>, args: &Filters<'_>) -> Result<()> {
        let wanted = Wanted::read(&self.connection, plan.unwrap_or_default(), args)?;
        self.source
            .begin(&self.connection, wanted, columns.cast_unsigned())?;
        self.next()
    }

    fn next(&mut self) -> Result<()> {
        self.row += 1;
        self.ended = !self.source.advance(&self.connection)?;
        Ok(())
    }

    fn eof(&self) -> bool {
        self.ended
    }

    fn column(&self, cell: &mut Context, column: c_int) -> Result<()> {
        self.source
            .tell(usize::try_from(column).unwrap_or(usize::MAX), cell)
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.row)
    }
}
