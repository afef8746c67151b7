//! Lines that are no look: what a history tells beside its looks, each an object under its kind.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Mistake;
use super::cursor::Cursor;
use super::frame::FrameText;
use crate::model::{EventKind, InstanceId, Labels, Life, Signature, StartReason, Timestamp};

/// Milliseconds of an hour.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// What a whole export begins with.
pub(super) const FORMAT: &str = "goroscope.history/v1";

/// A fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fact {
    History(History),
    Process(Process),
    Watch(WatchFact),
    Signature(SignatureFact),
    Alias(Alias),
    Stack(StackFact),
    Sighting(Sighting),
    Proof(Box<Proof>),
    Series(Series),
    Last(Last),
    Day(Day),
    Hour(Hour),
    Event(Event),
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct At {
    pub(super) service: Arc<str>,
    pub(super) instance: Arc<str>,
    #[serde(default = "http", skip_serializing_if = "is_http")]
    pub(super) scheme: Arc<str>,
    #[serde(default = "pprof", skip_serializing_if = "is_pprof")]
    pub(super) path: Arc<str>,
}

/// The scheme that is not written.
pub(super) const SCHEME: &str = "http";
/// The path that is not written.
pub(super) const PATH: &str = "/debug/pprof";

fn http() -> Arc<str> {
    SCHEME.into()
}

pub(super) fn is_http(scheme: &Arc<str>) -> bool {
    **scheme == *SCHEME
}

fn pprof() -> Arc<str> {
    PATH.into()
}

pub(super) fn is_pprof(path: &Arc<str>) -> bool {
    **path == *PATH
}

impl At {
    pub(super) fn id(&self) -> Arc<InstanceId> {
        Arc::new(InstanceId {
            service: Arc::clone(&self.service),
            scheme: Arc::clone(&self.scheme),
            address: Arc::clone(&self.instance),
            path: Arc::clone(&self.path),
        })
    }
}

impl From<&InstanceId> for At {
    fn from(id: &InstanceId) -> Self {
        Self {
            service: Arc::clone(&id.service),
            instance: Arc::clone(&id.address),
            scheme: Arc::clone(&id.scheme),
            path: Arc::clone(&id.path),
        }
    }
}

/// The process that something was seen in first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct First {
    #[serde(flatten)]
    pub(super) at: At,
    pub(super) since: Timestamp,
}

impl First {
    pub(super) fn life(&self) -> Life {
        Life {
            instance: self.at.id(),
            since: self.since,
        }
    }
}

impl From<&Life> for First {
    fn from(life: &Life) -> Self {
        Self {
            at: At::from(&*life.instance),
            since: life.since,
        }
    }
}

/// What the whole is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kept_since: Option<Timestamp>,
    /// Before that, days are told from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) days_since: Option<Timestamp>,
}

/// A process lived at an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    #[serde(flatten)]
    pub(super) at: At,
    pub(super) incarnation: Arc<str>,
    pub(super) since: Timestamp,
    pub(super) reason: StartReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) build: Option<String>,
    /// Hexadecimal: it has 64 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) vdso: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) heap_high: Option<u32>,
}

/// Polls were due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct WatchFact {
    #[serde(flatten)]
    pub(super) at: At,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) interval_seconds: serde_json::Number,
    #[serde(default)]
    pub(super) labels: Labels,
}

/// A signature was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignatureFact {
    pub(super) signature: Signature,
    pub(super) rules: u32,
    pub(super) r#where: FrameText,
    pub(super) frames: Vec<String>,
    pub(super) first_at: Timestamp,
    #[serde(flatten)]
    pub(super) first: First,
}

/// A signature is called otherwise now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) signature: Signature,
    pub(super) now: Signature,
}

/// A stack counts as a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StackFact {
    pub(super) signature: Signature,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<Arc<str>>,
    pub(super) frames: Vec<FrameText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) elided_after: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) elided_frames: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) cut: bool,
}

/// A signature was seen in a service and build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sighting {
    pub(super) signature: Signature,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) build: Option<Arc<str>>,
    pub(super) first_at: Timestamp,
    #[serde(flatten)]
    pub(super) first: First,
}

/// Goroutines of a stack can never wake, in a service and build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub(super) stack: StackFact,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) build: Option<Arc<str>>,
    #[serde(flatten)]
    pub(super) first: First,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) count: u64,
    pub(super) last: u64,
}

/// What a signature on an instance has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Series {
    pub(super) signature: Signature,
    #[serde(flatten)]
    pub(super) first: First,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) last: u64,
    pub(super) peak: u64,
    pub(super) peak_at: Timestamp,
}

/// A signature was seen last, where no series says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) signature: Signature,
    pub(super) at: Timestamp,
}

/// What is left of a day of UTC of a process whose snapshots have gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Day {
    /// Its beginning.
    pub(super) at: Timestamp,
    #[serde(flatten)]
    pub(super) of: First,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) pulses: u32,
    pub(super) goroutines: u64,
    /// Of each signature the counts at the first pulse, lowest, highest, at the last one.
    pub(super) counts: Vec<(Signature, [u64; 4])>,
}

/// What is left of an hour of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hour {
    /// Its beginning.
    pub(super) at: Timestamp,
    pub(super) service: Arc<str>,
    /// Of each signature instances, sum of lowest counts, sum of last counts.
    pub(super) counts: Vec<(Signature, [u64; 3])>,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) kind: EventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<At>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<Signature>,
    pub(super) text: String,
}

impl Fact {
    /// Reads a fact of this kind; `None` when there is no such kind.
    pub(super) fn read(kind: &str, cursor: &mut Cursor<'_>) -> Result<Option<Self>, Mistake> {
        Ok(Some(match kind {
            "history" => Self::History(cursor.parsed()?),
            "process" => Self::Process(cursor.parsed()?),
            "watch" => Self::Watch(cursor.parsed()?),
            "signature" => Self::Signature(cursor.parsed()?),
            "alias" => Self::Alias(cursor.parsed()?),
            "stack" => Self::Stack(cursor.parsed()?),
            "sighting" => Self::Sighting(cursor.parsed()?),
            "proof" => Self::Proof(Box::new(cursor.parsed()?)),
            "series" => Self::Series(cursor.parsed()?),
            "last" => Self::Last(cursor.parsed()?),
            "day" => Self::Day(cursor.parsed()?),
            "hour" => Self::Hour(cursor.parsed()?),
            "event" => Self::Event(cursor.parsed()?),
            _ => return Ok(None),
        }))
    }
}
