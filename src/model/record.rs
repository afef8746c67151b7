//! What collecting hands to the store: polls, what was due, and notes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{IgnoreRule, InstanceId, Judgement, Known, Poll, Thresholds, Timestamp};

/// From when and how often an instance is polled, so that what was due is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Whom.
    pub instance: Arc<InstanceId>,
    /// The first poll is due here, and one each `interval` after it.
    pub from: Timestamp,
    /// Between polls.
    pub interval: Duration,
    /// The labels that the instance has from now on.
    pub labels: Arc<BTreeMap<String, String>>,
}

/// Kinds of events worth a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A signature was seen for the first time in a service.
    NewSignature,
    /// Another process answers at an instance.
    Restart,
    /// The wall clock stepped.
    ClockStep,
    /// Polls were made and could not be stored.
    PollsLost,
    /// A service's polling task panicked and was started again.
    TaskPanic,
    /// A service runs another build, or an instance another version, than before.
    Deploy,
    /// Something else is said of a signature than before, to or from GROWING and above.
    Verdict,
    /// A process is not asked for a proof, or not for a while.
    ProofRefused,
    /// A service has brought as many signatures as it may: new ones count as one.
    SignatureLimit,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::NewSignature,
        Self::Restart,
        Self::ClockStep,
        Self::PollsLost,
        Self::TaskPanic,
        Self::Deploy,
        Self::Verdict,
        Self::ProofRefused,
        Self::SignatureLimit,
    ];

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name in answers and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewSignature => "new_signature",
            Self::Restart => "restart",
            Self::ClockStep => "clock_step",
            Self::PollsLost => "polls_lost",
            Self::TaskPanic => "task_panic",
            Self::Deploy => "deploy",
            Self::Verdict => "verdict",
            Self::ProofRefused => "proof_refused",
            Self::SignatureLimit => "signature_limit",
        }
    }
}

/// Something that happened while collecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When it was noticed.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// At which instance, where it was one.
    pub instance: Option<Arc<InstanceId>>,
    /// In a sentence.
    pub text: String,
}

/// What answers go by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Analysis {
    /// What verdicts rest on.
    pub thresholds: Thresholds,
    /// Which growth is known and fine, the first rule that holds before the others.
    pub ignore: Vec<IgnoreRule>,
}

/// One thing to store.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A look and how it ended.
    Poll(Box<Poll>),
    /// An instance is polled from now on; ends an earlier watch of it.
    Watch(Watch),
    /// The watch of an instance that began at `from` ended at `to`; before `from` when no poll of it
    /// was due any more.
    Unwatch {
        /// Whom.
        instance: Arc<InstanceId>,
        /// The watch's beginning.
        from: Timestamp,
        /// Its end, inclusive.
        to: Timestamp,
    },
    /// The watch of an instance from its beginning up to `to`, told by an import. Told again with a
    /// later end, it is that one watch.
    Watched {
        /// The watch.
        watch: Watch,
        /// Its end, inclusive.
        to: Timestamp,
    },
    /// An event.
    Note(Note),
    /// What a history tells beside its polls.
    Known(Box<Known>),
    /// What is said of signatures from this moment on.
    Judged(Timestamp, Vec<Judgement>),
    /// What answers go by from now on.
    Analysis(Box<Analysis>),
    /// How many signatures each service may bring from now on.
    MaxSignatures(u64),
}
