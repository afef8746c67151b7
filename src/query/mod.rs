//! One file a question: a request goes in, an answer struct comes out, ready for JSON and for
//! tables alike.
//!
//! Answers keep the contract of design section 7: fields are added, never renamed.

mod database;
mod days;
mod distinct;
mod findings;
mod first_seen;
mod head;
mod history;
mod instances;
mod judged;
mod judging;
mod labels;
mod ladder;
mod now;
mod parallel;
mod scope;
mod shared;
mod show;
pub mod snapshot;
mod survival;
mod top_growers;

/// The verdicts that answers carry.
pub use crate::analyse::Verdict;
pub use crate::store::{Holding, Info, LimitRow};
pub use database::{DamageAnswer, DatabaseCheck, DatabaseInfo, check_database, describe_database};
pub use distinct::{Counted, DistinctRow};
pub use findings::{FindingRow, Findings, Standing, findings};
pub use first_seen::{FirstSeen, FirstSeenRow, first_seen};
pub use head::{Resolution, WindowHead};
pub use history::{Drawn, History, HistoryRow, Step, history};
pub use instances::{InstanceAnswer, Instances, LastPoll, Restart, instances};
pub use judging::{Judging, judge};
pub use labels::LabelGrowth;
pub use scope::{FirstSighting, Pause, QueryError, Scope, Where, resolve_signature};
pub use shared::{Shared, SharedInstance, SharedRow, shared};
pub use show::{BuildSighting, InstanceEvidence, ServiceVerdict, Show, show};
pub use top_growers::{GrowerRow, Sort, TopGrowers, TopGrowersRequest, top_growers};

/// The thresholds that the daemon judges with.
fn thresholds(_reader: &crate::store::Reader) -> Result<crate::model::Thresholds, QueryError> {
    Ok(crate::model::Thresholds::default())
}
