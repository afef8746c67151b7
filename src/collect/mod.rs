//! Looks at instances, without harm: schedule, request, grouping, and what process answered.
//!
//! [`Supervisor`] makes the running tasks equal to the wanted services; each task polls the
//! instances of one service and hands [`crate::model::Record`]s to a bounded queue. Who reads the
//! queue is not known here.

mod failure;
mod fetch;
mod identity;
mod pause;
mod policy;
mod proof;
mod prove;
mod queue;
mod request;
mod safety;
mod schedule;
mod service;
mod supervisor;

pub use fetch::{Fetcher, Limits};
pub use identity::Lives;
pub use policy::predicted_stop;
pub use proof::Turns;
pub use queue::Queue;
pub use service::{Deps, Known, poll_service};
pub use supervisor::Supervisor;

/// Looks at one dump that is not polled: what `snapshot` does with a URL.
pub use request::look_once;
