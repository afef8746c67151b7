//! Goroutines to groups: what counts as the same stack, streamed.
//!
//! [`Tally`] takes the events of a dump as they are read and gives a [`crate::model::Snapshot`].
//! Stacks are interned in a [`StackBook`] that outlives the poll, so that a group seen before costs
//! one hash. The rules of identity are in `signature` and `normalise` and written down in
//! `docs/SIGNATURE.md`.
//!
//! Absent on purpose: I/O, time, counts of more than one snapshot (but for goroutine survival).

mod book;
mod cut;
mod dumps;
mod merge;
mod normalise;
mod plumbing;
mod signature;
mod survival;
mod tally;
mod told;
mod wait;

pub use book::StackBook;
pub use cut::FullStacks;
pub use dumps::Tallies;
pub use merge::{SignatureGroup, by_signature};
pub use signature::{RULES, derived};
pub use survival::Survivors;
pub use tally::{KeepLabels, Tally};
pub use told::{kind_of_stack, kind_of_state};
