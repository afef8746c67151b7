//! Answers drawn: text here, the other views beside it. Knows no SQL and computes no rate.
//!
//! Everything that came from a target is escaped before it is drawn ([`escape()`]).

mod column;
mod escape;
pub mod text;
pub mod tui;
mod words;

pub use column::{Cell, Column, Draw, Sheet};
pub use escape::{escape, escape_json, escape_toml};
pub use words::{Zone, bytes, grouped, plural, rule_ended, short_file, short_function};
