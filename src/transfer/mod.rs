//! Histories as text, one JSON object a line: in from anywhere, and out again exactly.
//!
//! The format is written down in `docs/NDJSON.md`. [`Import`] turns lines into what polling hands to
//! the store; [`feed()`] reads files of them; [`export()`] writes what a reader finds.
//!
//! Absent on purpose: threads, terminals, SQL.

mod cursor;
mod export;
mod fact;
mod feed;
mod frame;
mod groups;
mod import;
mod line;
mod lives;
mod looks;
mod mistake;
mod part;
mod rote;
mod source;
mod told;
mod unknown;
mod watches;
mod write;

pub use export::{ExportError, Exported, export};
pub use feed::{Batch, FeedError, Place, Refusal, feed};
pub use import::Import;
pub use mistake::Mistake;
pub use part::Wanted;
pub use source::Source;
pub use unknown::Unknown;
