//! An answer as columns and rows: named once, drawn by every view.

use std::borrow::Cow;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: Cow<'static, str>,
    /// Numbers stand to the right.
    pub numeric: bool,
}

/// A column of words.
pub(super) const fn words(name: &'static str) -> Column {
    Column {
        name: Cow::Borrowed(name),
        numeric: false,
    }
}

/// A column of numbers.
pub(super) const fn numbers(name: &'static str) -> Column {
    Column {
        name: Cow::Borrowed(name),
        numeric: true,
    }
}

/// One field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Safe to print.
    pub text: String,
    /// Worth the reader's eye first; says so in words as well.
    pub loud: bool,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, loud: false }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

/// Columns, and rows with a cell for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Headings.
    pub columns: Vec<Column>,
    /// Fields.
    pub rows: Vec<Vec<Cell>>,
}

/// How a sheet is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Columns of the terminal; `None` where there is none: nothing is wrapped then.
    pub width: Option<u16>,
    /// Whether colour may be used.
    pub colour: bool,
    /// The zone of times.
    pub zone: super::Zone,
}
