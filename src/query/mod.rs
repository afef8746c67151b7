//! One file a question: a request goes in, an answer struct comes out, ready for JSON and for
//! tables alike.
//!
//! Answers keep the contract of design section 7: fields are added, never renamed.

mod database;
mod days;
mod diff;
mod first_seen;
mod head;
mod history;
mod instances;
mod ladder;
mod now;
mod parallel;
mod scope;
mod shared;
mod show;
mod side;
pub mod snapshot;
mod top_growers;

/// The verdicts that answers carry.
pub use crate::analyse::Verdict;
pub use crate::store::{Holding, Info};
pub use database::{DamageAnswer, DatabaseCheck, DatabaseInfo, check_database, describe_database};
pub use diff::{
    Basis, Diff, DiffCount, DiffRow, DiffSide, DiffSideAsked, Uncompared, UnknownInstance, diff,
};
pub use first_seen::{FirstSeen, FirstSeenRow, first_seen};
pub use head::{Resolution, WindowHead};
pub use history::{Drawn, History, HistoryRow, Step, history};
pub use instances::{InstanceAnswer, Instances, LastPoll, Restart, instances};
pub use scope::{FirstSighting, Pause, QueryError, Scope, Where, resolve_signature};
pub use shared::{Shared, SharedInstance, SharedRow, shared};
pub use show::{BuildSighting, InstanceEvidence, Show, show};
pub use side::Compared;
pub use top_growers::{GrowerRow, Sort, TopGrowers, TopGrowersRequest, top_growers};
