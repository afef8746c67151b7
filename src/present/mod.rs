//! Answers drawn: each makes one page, and every format is drawn from it or from the rows that JSON has.
//! Knows no SQL and computes no rate.
//!
//! Everything that came from a target is escaped before it is drawn ([`escape()`]).

mod answer;
mod chart;
mod column;
mod escape;
mod page;
mod shorten;
mod table;
pub mod text;
pub mod tui;
mod words;
mod wrap;

pub use answer::{Answer, csv, ndjson};
pub use column::{Cell, Column, Draw, Sheet};
pub use escape::{
    escape, escape_csv, escape_json, escape_markdown, escape_markdown_line, escape_toml,
};
pub use page::Page;
pub use table::{not_shown, table};
pub use words::{Zone, bytes, grouped, plural, rule_ended, short_file, short_function};
