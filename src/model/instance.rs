//! What is watched: instances, and the lives of the processes behind them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One pprof endpoint of a service. Labels are dated attributes of it, not part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    /// Name of the service, as configured.
    pub service: Arc<str>,
    /// `http` or `https`.
    pub scheme: Arc<str>,
    /// `host:port`.
    pub address: Arc<str>,
    /// Path of the pprof index, `/debug/pprof` by default, without a trailing slash.
    pub path: Arc<str>,
}

impl InstanceId {
    /// The address of one profile, `query` such as `debug=0`.
    pub fn profile_url(&self, profile: &str, query: &str) -> String {
        format!(
            "{}://{}{}/{profile}?{query}",
            self.scheme, self.address, self.path
        )
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.address)
    }
}

/// What a dump tells of the process that made it; a part that a form cannot know is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessFacts {
    /// GNU build id of the binary (empty on Go 1.21, then `None`).
    pub build_id: Option<String>,
    /// Start of the `[vdso]` mapping: drawn anew at every exec (Linux with ASLR).
    pub vdso: Option<u64>,
    /// High 32 bits of heap pointers: drawn anew at every start from Go 1.26 on.
    pub heap_high: Option<u32>,
}

/// How the start of an incarnation was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartReason {
    /// The first process ever seen at this instance.
    FirstContact,
    /// Another `[vdso]` mapping base.
    Vdso,
    /// Another build id: a deploy.
    Build,
    /// Other high bits in heap pointers.
    HeapBits,
    /// Nothing to tell processes apart, and the count fell suddenly: restart unknown.
    SuddenFall,
    /// An imported history says that another process followed, and not how that was recognised.
    Imported,
}

impl StartReason {
    /// The name in answers and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstContact => "first_contact",
            Self::Vdso => "vdso",
            Self::Build => "build",
            Self::HeapBits => "heap_bits",
            Self::SuddenFall => "sudden_fall",
            Self::Imported => "imported",
        }
    }

    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::FirstContact,
        Self::Vdso,
        Self::Build,
        Self::HeapBits,
        Self::SuddenFall,
        Self::Imported,
    ];

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// The life of one process at an instance. Its identity is the instance and `since`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incarnation {
    /// When the first snapshot of it was taken.
    pub since: Timestamp,
    /// How its start was recognised.
    pub reason: StartReason,
    /// All that is known of the process so far.
    pub facts: ProcessFacts,
}
