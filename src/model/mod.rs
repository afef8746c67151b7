//! The words of the field as types; no logic beyond their invariants.
//!
//! Reading order: [`time`], [`stack`], [`signature`], [`snapshot`], [`instance`], [`poll`],
//! [`known`], [`judgement`], [`record`], [`slot`], [`suspects`], [`thresholds`], [`ignore`].
//! Nothing here reads a clock, a socket or a file.

pub mod ignore;
pub mod instance;
pub mod judgement;
pub mod known;
pub mod poll;
pub mod record;
pub mod signature;
pub mod slot;
pub mod snapshot;
pub mod stack;
pub mod suspects;
pub mod thresholds;
pub mod time;

pub use ignore::IgnoreRule;
pub use instance::{Incarnation, InstanceId, ProcessFacts, StartReason};
pub use judgement::Judgement;
pub use known::{Known, Life};
pub use poll::{Failure, FailureReason, Kind, Look, Outcome, Poll};
pub use record::{Analysis, EventKind, Note, Record, Watch};
pub use signature::Signature;
pub use slot::Slot;
pub use snapshot::{Complaint, Form, Group, Labels, Snapshot, Split, Survival};
pub use stack::{Elision, Frame, Stack};
pub use suspects::Suspects;
pub use thresholds::Thresholds;
pub use time::Timestamp;
