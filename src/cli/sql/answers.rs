//! Answers in the format that was asked for, row by row as they come.

use super::super::failure::Failure;
use super::super::output::Output;
use super::super::written::Format;
use super::field;
use crate::present::{
    Column, Draw, Sheet as Drawing, escape, escape_markdown, grouped, not_shown, table,
};
use crate::store::{Sheet, Value};

/// Text is handed on in pieces of about this many bytes.
const PIECE: usize = 64 << 10;

/// Writes one answer after the other.
pub(super) struct Answers<'a> {
    format: Format,
    limit: usize,
    pub(super) output: &'a mut Output,
    /// Answers that have begun.
    begun: usize,
    /// Headings of this one.
    names: Vec<String>,
    /// Its rows, as far as they have come.
    rows: u64,
    /// Those that a table shows, and which of its columns are numbers.
    table: Drawing,
    /// Written and not handed on.
    text: String,
}

impl<'a> Answers<'a> {
    /// `limit`: rows that a table shows; 0 for all.
    pub(super) fn new(format: Format, limit: usize, output: &'a mut Output) -> Self {
        Self {
            format,
            limit: if limit == 0 { usize::MAX } else { limit },
            output,
            begun: 0,
            names: Vec::new(),
            rows: 0,
            table: Drawing::default(),
            text: String::new(),
        }
    }

    /// Hands on what was written, be the answer whole or not.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let text = std::mem::take(&mut self.text);
        self.output.data(&text)
    }

    fn json_row(&self, values: &[Value<'_>]) -> String {
        let fields = self.names.iter().zip(values);
        let fields =
            fields.map(|(name, value)| format!("{}:{}", field::quoted(name), field::json(value)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    fn table_row(&mut self, values: &[Value<'_>]) {
        if self.table.rows.len() >= self.limit {
            return;
        }
        for (column, value) in self.table.columns.iter_mut().zip(values) {
            let is_word = matches!(value, Value::Text(_) | Value::Blob(_));
            column.numeric &= !is_word;
            column.elastic |= is_word;
        }
        let cells = values.iter().map(|value| field::word(value).into());
        self.table.rows.push(cells.collect());
    }

    fn draw_as(&self) -> Draw {
        match self.format {
            Format::Wide => self.output.draw().wide(),
            _ => self.output.draw(),
        }
    }

    /// Draws the table, and says what it leaves out.
    fn draw(&mut self) {
        let shown = self.table.rows.len() as u64;
        if shown == 0 {
            self.text += "no rows\n";
        }
        let mut cut = Vec::new();
        self.text += &table(&self.table, self.draw_as(), &mut cut);
        self.text += &not_shown(&cut, self.draw_as());
        if shown < self.rows {
            self.text += &format!(
                "... {} more rows (-n 0 shows all; -o csv and -o ndjson write them as they come)\n",
                grouped(self.rows - shown)
            );
        }
        self.table = Drawing::default();
    }
}

impl Sheet for Answers<'_> {
    type Error = Failure;

    fn begin(&mut self, columns: &[&str]) -> Result<(), Failure> {
        self.begun += 1;
        self.rows = 0;
        self.names = match self.format {
            Format::Json | Format::Ndjson => told_apart(columns),
            _ => columns.iter().map(|name| (*name).to_owned()).collect(),
        };
        if self.begun > 1 && !matches!(self.format, Format::Json | Format::Ndjson) {
            self.text += if self.format == Format::Csv {
                "\r\n"
            } else {
                "\n"
            };
        }
        match self.format {
            Format::Table | Format::Wide => {
                self.table.columns = columns.iter().enumerate().map(heading).collect();
            }
            Format::Json => {
                let names: Vec<_> = self.names.iter().map(|name| field::quoted(name)).collect();
                let names = names.join(",");
                self.text +=
                    &format!("{{\"schema\":\"goroscope.sql/v1\",\"columns\":[{names}],\"rows\":[");
            }
            Format::Ndjson => {}
            Format::Csv => {
                let terminal = self.output.is_terminal();
                let names = columns.iter().map(|name| field::csv_text(name, terminal));
                self.text += &(names.collect::<Vec<_>>().join(",") + "\r\n");
            }
            Format::Md => {
                let names = columns.iter();
                let names = names.map(|name| escape_markdown(&escape(name)));
                let names = names.collect::<Vec<_>>().join(" | ");
                let rule = vec!["---"; columns.len()].join("|");
                self.text += &format!("| {names} |\n|{rule}|\n");
            }
        }
        Ok(())
    }

    fn row(&mut self, values: &[Value<'_>]) -> Result<(), Failure> {
        self.rows += 1;
        match self.format {
            Format::Table | Format::Wide => self.table_row(values),
            Format::Json => {
                if self.rows > 1 {
                    self.text.push(',');
                }
                self.text += &self.json_row(values);
            }
            Format::Ndjson => self.text += &(self.json_row(values) + "\n"),
            Format::Csv => {
                let terminal = self.output.is_terminal();
                let fields = values.iter().map(|value| field::csv(value, terminal));
                self.text += &(fields.collect::<Vec<_>>().join(",") + "\r\n");
            }
            Format::Md => {
                let fields = values
                    .iter()
                    .map(|value| escape_markdown(&field::word(value)));
                self.text += &format!("| {} |\n", fields.collect::<Vec<_>>().join(" | "));
            }
        }
        if self.text.len() >= PIECE {
            self.flush()?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide => self.draw(),
            Format::Json => self.text += "]}\n",
            Format::Ndjson | Format::Csv | Format::Md => {}
        }
        self.flush()
    }
}

/// A column of numbers, until a value says otherwise. Where there is no room, the last ones go first.
fn heading((nth, name): (usize, &&str)) -> Column {
    Column {
        name: escape(name).into_owned().into(),
        numeric: true,
        elastic: false,
        rank: u8::try_from(nth).unwrap_or(u8::MAX),
        only_wide: false,
    }
}

/// Names that come twice get a number, so that no field of an object hides another.
fn told_apart(columns: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in columns {
        let mut name = (*column).to_owned();
        let mut nth = 2;
        while names.contains(&name) {
            name = format!("{column}_{nth}");
            nth += 1;
        }
        names.push(name);
    }
    names
}
