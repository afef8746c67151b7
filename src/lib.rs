//! goroscope watches a fleet of Go processes and says which stacks leak.
//!
//! Data flows one way, in this reading order (`docs/ARCHITECTURE.md` draws it):
//!
//! 1. [`model`]: the words, as types.
//! 2. [`config`]: what the user wrote, and what it means.

pub mod config;
pub mod model;
