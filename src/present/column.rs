//! An answer as columns and rows: named once, drawn by every view.

use std::borrow::Cow;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: Cow<'static, str>,
    /// Numbers stand to the right.
    pub numeric: bool,
    /// Long cells may be shortened in their middle.
    pub elastic: bool,
    /// Where there is no room, the highest rank is cut first, and columns of one rank together; 1 and 2 only when
    /// nothing can be shortened any more, 0 never. What says nothing in any row goes before all of them.
    pub rank: u8,
    /// Shown only where nothing is cut.
    pub only_wide: bool,
}

impl Column {
    const fn named(name: &'static str, numeric: bool) -> Self {
        Self {
            name: Cow::Borrowed(name),
            numeric,
            elastic: false,
            rank: 0,
            only_wide: false,
        }
    }

    /// It may be cut, the sooner the higher.
    pub(super) fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// Its cells may be shortened.
    pub(super) fn elastic(self) -> Self {
        Self {
            elastic: true,
            ..self
        }
    }

    /// It is for `-o wide` alone.
    pub(super) fn only_wide(self) -> Self {
        Self {
            only_wide: true,
            ..self
        }
    }
}

/// A column of words.
pub(super) const fn words(name: &'static str) -> Column {
    Column::named(name, false)
}

/// A column of numbers.
pub(super) const fn numbers(name: &'static str) -> Column {
    Column::named(name, true)
}

/// The column of the service: what rows are known by where there are several, else the same in each.
pub(super) fn service(services: usize, rank: u8) -> Column {
    let rank = if services > 1 { 0 } else { rank };
    words("SERVICE").elastic().rank(rank)
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

/// A column, and its cell of each thing that has a row.
pub(super) type Field<'a, T> = (Column, Box<dyn Fn(&T) -> Cell + 'a>);

/// One of the fields of a sheet.
pub(super) fn field<'a, T>(column: Column, cell: impl Fn(&T) -> Cell + 'a) -> Field<'a, T> {
    (column, Box::new(cell))
}

impl Sheet {
    /// A row for each thing.
    pub(super) fn of<T>(things: &[T], fields: Vec<Field<'_, T>>) -> Self {
        let cells = |thing| fields.iter().map(|(_, cell)| cell(thing)).collect();
        Self {
            rows: things.iter().map(cells).collect(),
            columns: fields.into_iter().map(|(column, _)| column).collect(),
        }
    }
}

/// How an answer is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Columns that a table may take; `None`: as many as it needs.
    pub width: Option<u16>,
    /// Whether colour may be used.
    pub colour: bool,
    /// The zone of times.
    pub zone: super::Zone,
    /// Names, signatures and builds are written whole, and columns shown that are left out otherwise.
    pub wide: bool,
}

impl Draw {
    /// As wide as it needs.
    pub const fn unbounded(self) -> Self {
        Self {
            width: None,
            ..self
        }
    }

    /// Nothing is cut.
    pub const fn wide(self) -> Self {
        Self {
            width: None,
            wide: true,
            ..self
        }
    }
}
