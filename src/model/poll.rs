//! One look at an instance: it ends in a snapshot or in a failure, and both are stored.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Incarnation, InstanceId, Snapshot, Timestamp};

/// The kinds of request, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// `goroutine?debug=0`: counts per stack.
    Pulse,
    /// `goroutine?debug=2`: states, waits, creators. Stops the target's world.
    Detail,
    /// `goroutineleak`: what the garbage collector has proved can never wake. A collection of the target.
    Proof,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Pulse, Self::Detail, Self::Proof];

    /// The name in answers and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pulse => "pulse",
            Self::Detail => "detail",
            Self::Proof => "proof",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Why a look failed. Closed on purpose: readers count by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// No TCP or TLS connection: refused, unreachable, name not found.
    Connect,
    /// No complete answer within the time-out.
    Timeout,
    /// 404: nothing serves pprof under this path.
    NotFound,
    /// 401 or 403.
    Unauthorized,
    /// Any other status than 200.
    HttpStatus,
    /// A redirect to another origin, or too many of them.
    Redirect,
    /// More decompressed bytes than `body_size_limit`.
    TooLarge,
    /// The answer is not a goroutine dump: HTML, empty, unknown.
    NotADump,
    /// The answer began as a dump and could not be decoded.
    Malformed,
    /// The connection broke in the middle of the answer.
    Interrupted,
    /// Several processes answer behind this one address.
    SeveralProcesses,
    /// A bug in goroscope while it looked; the poll is lost, the service goes on.
    Internal,
}

impl FailureReason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Connect,
        Self::Timeout,
        Self::NotFound,
        Self::Unauthorized,
        Self::HttpStatus,
        Self::Redirect,
        Self::TooLarge,
        Self::NotADump,
        Self::Malformed,
        Self::Interrupted,
        Self::SeveralProcesses,
        Self::Internal,
    ];

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// The name in answers and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::NotFound => "not_found",
            Self::Unauthorized => "unauthorized",
            Self::HttpStatus => "http_status",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::NotADump => "not_a_dump",
            Self::Malformed => "malformed",
            Self::Interrupted => "interrupted",
            Self::SeveralProcesses => "several_processes",
            Self::Internal => "internal",
        }
    }
}

/// A look that gave no snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What readers count by.
    pub reason: FailureReason,
    /// The whole chain of causes in one line, with what to do where that is known.
    pub message: String,
}

/// How a look ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The groups, and the process that they belong to.
    Snapshot(Arc<Incarnation>, Box<Snapshot>),
    /// Nothing known.
    Failed(Failure),
}

/// One request and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which request.
    pub kind: Kind,
    /// From the start of the request to its end.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// One look at one instance, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Whom it looked at.
    pub instance: Arc<InstanceId>,
    /// Start of the request, by the daemon's wall clock.
    pub at: Timestamp,
    /// The request and its end.
    pub look: Look,
}
