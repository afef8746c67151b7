//! One test binary, a module a room.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod blocks;
mod broken;
mod care;
mod config;
mod corpus;
mod crash;
mod damage;
mod days;
mod demo;
mod diff;
mod end_to_end;
mod first;
mod formats;
mod forms;
#[cfg(target_os = "linux")]
mod full;
mod fuzzed;
mod hints;
mod hostile;
mod ignore;
mod import;
mod layers;
mod leaks;
mod live;
mod live_view;
mod long;
mod next_step;
mod other_leaks;
mod proof;
mod questions;
mod released;
mod retention;
mod rote;
mod simulate;
mod snapshot;
mod sql;
mod steps;
mod stops;
mod store;
mod support;
mod top;
mod transfer;
mod verdicts;
mod versions;
mod ways;
