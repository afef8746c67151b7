//! One test binary, a module a room.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod blocks;
mod broken;
mod config;
mod corpus;
mod end_to_end;
mod forms;
mod fuzzed;
mod hostile;
mod import;
mod layers;
mod live;
mod long;
mod questions;
mod retention;
mod rote;
mod sql;
mod stops;
mod store;
mod support;
mod transfer;
mod versions;
mod ways;
