//! The answers, a file each: for people a head, a table, and the next useful command; for programs rows.

mod bundle;
mod database;
mod diff;
mod draft;
mod findings;
mod first_seen;
mod head;
mod history;
mod instances;
mod shared;
mod show;
mod snapshot;
mod top_growers;

pub use draft::rule_draft;
