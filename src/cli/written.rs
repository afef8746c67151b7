//! How answers are written: one way from each to every format.

use clap::ValueEnum;

use super::Context;
use super::failure::Failure;
use crate::present::{Answer, csv, ndjson};

/// What every command takes that answers.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Written {
    /// How the answer is written: `table` (fits the terminal), `wide` (a table that shortens nothing, with whole
    /// names), `json`, `ndjson` (an object a row), `csv` or `md` (Markdown).
    #[arg(short, long, value_enum, default_value_t = Format::Table, hide_possible_values = true, value_name = "FORMAT")]
    pub(super) output: Format,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people; fits the terminal.
    Table,
    /// For people; nothing is cut, names are whole.
    Wide,
    /// One object, by the JSON contract.
    Json,
    /// An object a row.
    Ndjson,
    /// RFC 4180.
    Csv,
    /// Markdown, to be pasted.
    Md,
}

/// Writes an answer in the format asked for; what rows alone do not tell goes to stderr.
pub(super) fn print<A: Answer>(
    answer: &A,
    written: Written,
    context: &mut Context,
) -> Result<(), Failure> {
    let output = &mut context.output;
    let draw = output.draw();
    let rows = match written.output {
        Format::Table => return output.page(answer.page(draw), draw),
        Format::Wide => return output.page(answer.page(draw.wide()), draw.wide()),
        Format::Md => return output.markdown(answer.page(draw.unbounded())),
        Format::Json => return output.json(answer),
        Format::Ndjson => ndjson(answer),
        Format::Csv => csv(answer),
    };
    for line in answer.remarks(draw).lines() {
        output.remark(line);
    }
    let rows = rows.map_err(|error| Failure::system(&error, "failed to write rows"))?;
    output.data(&rows)
}
