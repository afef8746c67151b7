//! Answers as text for people: a head, a table, and the next useful command.

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
mod table;
mod top_growers;

pub use database::{database_check, database_info};
pub use diff::diff;
pub use draft::rule_draft;
pub use findings::findings;
pub use first_seen::first_seen;
pub use history::history;
pub use instances::instances;
pub use shared::shared;
pub use show::show;
pub use snapshot::snapshot;
pub use table::draw;
pub use top_growers::top_growers;
