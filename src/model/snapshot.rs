//! What one successful look at a process found.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ProcessFacts, Signature, Stack};

/// The form a dump was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Text of `debug=2` or of `runtime.Stack`, and nothing else: one block a goroutine.
    Debug2,
    /// Text of `debug=1`: counts and addresses.
    Debug1,
    /// Goroutine blocks in other text: what a crash or SIGQUIT prints, or any log.
    Log,
    /// Protobuf of `debug=0`: one sample per stack and label set.
    Proto,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Debug2, Self::Debug1, Self::Log, Self::Proto];

    /// The name in answers and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug2 => "debug2",
            Self::Debug1 => "debug1",
            Self::Log => "log",
            Self::Proto => "proto",
        }
    }

    /// The form with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == name)
    }
}

/// Something in a dump that could not be read, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Line in the dump, from 1; in a protobuf the number of the sample, from 1.
    pub line: u64,
    /// What was wrong, fit for a person.
    pub what: String,
    /// How many goroutines are in no group because of it.
    pub goroutines: u64,
}

/// One pprof label set; empty for goroutines without (kept) labels.
pub type Labels = BTreeMap<String, String>;

/// A share of a group: the goroutines in one state with one label set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Wait state as Go prints it, without `(leaked)`; from a profile the wait kind.
    pub state: Arc<str>,
    /// Wait kind: the state in words that are the same in every form and Go version.
    pub kind: Arc<str>,
    /// Kept pprof labels.
    pub labels: Arc<Labels>,
    /// Goroutines, at least 1.
    pub count: u64,
}

/// How many goroutines of the previous detail are still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Survival {
    /// Goroutine ids remembered from the previous detail, at most 32 a signature.
    pub sampled: u32,
    /// How many of those ids this detail still has.
    pub alive: u32,
}

/// Lower edges, in minutes, of the wait buckets after the first ("no minutes shown").
pub const WAIT_BUCKET_EDGES: [u64; 4] = [1, 10, 60, 1440];

/// The goroutines of one snapshot that share one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their frames.
    pub stack: Arc<Stack>,
    /// What they count as: `stack.signature`, or, for a cut stack, that of the known full one.
    pub signature: Signature,
    /// Goroutines, at least 1: the sum over `splits`.
    pub count: u64,
    /// The same goroutines by state and label set.
    pub splits: Vec<Split>,
    /// Goroutines per wait bucket ([`WAIT_BUCKET_EDGES`]); `None` where the form knows no waits.
    pub waits: Option<[u64; 5]>,
    /// Longest wait printed, minutes; `None` when none was printed or known.
    pub oldest_minutes: Option<u64>,
    /// Creating function and count; `None` for goroutines without one. Empty where unknown.
    pub creators: Vec<(Option<Arc<str>>, u64)>,
    /// Goroutines that the garbage collector has marked as leaked.
    pub leaked: u64,
    /// Against the previous detail of this process; `None` on the first, and in a pulse.
    pub survival: Option<Survival>,
}

/// The goroutines of one process at one moment, grouped.
///
/// `goroutines` = counts of `groups` + `own` + `complained`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What was read.
    pub form: Form,
    /// Every goroutine in the dump.
    pub goroutines: u64,
    /// Goroutines that served this very request and are in no group: 0 or 1.
    pub own: u64,
    /// The dump was cut off by the target; it is biased to the oldest goroutines.
    pub truncated: bool,
    /// The first complaints, in order; `complained` counts those beyond the list too.
    pub complaints: Vec<Complaint>,
    /// Goroutines that complaints cost.
    pub complained: u64,
    /// What a reader of the numbers should know.
    pub notes: Vec<String>,
    /// One entry a distinct stack, in order of appearance.
    pub groups: Vec<Group>,
    /// What the dump tells of the process itself.
    pub process: ProcessFacts,
}
