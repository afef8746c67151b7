//! One file a question: a request goes in, an answer struct comes out, ready for JSON and for
//! tables alike.
//!
//! Answers keep the contract of design section 7: fields are added, never renamed.

mod board;
mod bundle;
mod database;
mod days;
mod diff;
mod distinct;
mod draft;
mod findings;
mod first_seen;
mod head;
mod hinted;
mod history;
mod ignored;
mod instances;
mod judged;
mod judging;
mod labels;
mod ladder;
mod now;
mod origin;
mod parallel;
mod proved;
mod scope;
mod shared;
mod show;
mod side;
pub mod snapshot;
mod survival;
mod top_growers;

/// The verdicts and hints that answers carry.
pub use crate::analyse::{Hint, Verdict};
pub use crate::store::{DeployRow, Holding, Info, LimitRow};
pub use board::{Board, BoardInstance, BoardRow, Stacks, board};
pub use bundle::{Bundle, GroupBy, bundles};
pub use database::{DamageAnswer, DatabaseCheck, DatabaseInfo, check_database, describe_database};
pub use diff::{
    Basis, Diff, DiffCount, DiffRow, DiffSide, DiffSideAsked, Uncompared, UnknownInstance, diff,
};
pub use distinct::{Counted, DistinctRow};
pub use draft::{RuleDraft, draft_rule};
pub use findings::{FindingRow, Findings, Standing, findings};
pub use first_seen::{FirstSeen, FirstSeenRow, first_seen};
pub use head::{Resolution, WindowHead};
pub use history::{Drawn, History, HistoryRow, Step, history};
pub use ignored::{Ignored, Ignoring};
pub use instances::{InstanceAnswer, Instances, LastPoll, Restart, instances};
pub use judging::{Judging, judge};
pub use labels::LabelGrowth;
pub use proved::Proof;
pub use scope::{FirstSighting, Pause, QueryError, Scope, Where, resolve_signature};
pub use shared::{Across, Shared, SharedInstance, SharedRow, shared};
pub use show::{Beginning, BuildSighting, InstanceEvidence, Said, ServiceVerdict, Show, show};
pub use side::Compared;
pub use top_growers::{GrowerRow, Sort, TopGrowers, TopGrowersRequest, top_growers};
