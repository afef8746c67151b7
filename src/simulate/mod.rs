//! A small fleet of Go processes that are none: it serves real pprof forms on loopback, for a demonstration
//! without Go and for loads that can be had again.
//!
//! What a process does is a pure function of the seed and the time ([`fleet`], [`course`]); [`story`] and
//! [`load`] say which processes there are; [`profile`] and [`text`] write one moment in the forms of
//! `net/http/pprof`; [`serve`] answers requests. Nothing is remembered from one request to the next, so
//! memory does not grow with time.

pub mod course;
mod draw;
pub mod fleet;
pub mod load;
pub mod profile;
pub mod serve;
pub mod stack;
pub mod story;
pub mod text;
