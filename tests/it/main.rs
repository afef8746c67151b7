//! One test binary, a module a room.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod config;
mod end_to_end;
mod forms;
mod layers;
mod live;
mod support;
