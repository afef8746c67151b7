//! What a whole history tells beside its polls, so that an import of it is the same history: the
//! tables that polling builds up, including what retention has left of polls that are gone.

use std::sync::Arc;

use super::{Frame, Incarnation, InstanceId, Note, Signature, Slot, Stack, Timestamp};

/// The process that something was seen in first: an incarnation by its instance and beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it answered.
    pub instance: Arc<InstanceId>,
    /// When the first snapshot of it was taken.
    pub since: Timestamp,
}

/// A fact of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// A process lived at an instance.
    Incarnation {
        /// Where.
        instance: Arc<InstanceId>,
        /// All that is known of it.
        incarnation: Arc<Incarnation>,
        /// What the history calls it; `None` where that is its beginning.
        name: Option<Arc<str>>,
    },
    /// A signature was seen.
    Signature {
        /// Which.
        signature: Signature,
        /// The version of the rules that made it.
        rules: u32,
        /// The line to look at.
        site: Frame,
        /// Its functions, leaf first, one a line.
        frames: String,
        /// When it was seen first.
        first_at: Timestamp,
        /// In which process.
        first: Life,
    },
    /// A stack counts as a signature.
    Stack {
        /// Which.
        stack: Arc<Stack>,
        /// What it counts as.
        signature: Signature,
        /// Only in this service, where it was cut.
        service: Option<Arc<str>>,
    },
    /// What was once a signature counts as another one.
    Alias {
        /// Its name then.
        old: Signature,
        /// Its name now.
        new: Signature,
    },
    /// When a signature was seen first in a service and build.
    Sighting {
        /// Which.
        signature: Signature,
        /// GNU build id, where known.
        build: Option<Arc<str>>,
        /// When.
        first_at: Timestamp,
        /// In which process.
        first: Life,
    },
    /// Goroutines of a stack can never wake.
    Proof {
        /// Which stack.
        stack: Arc<Stack>,
        /// What it counts as.
        signature: Signature,
        /// Only in this service, where it was cut.
        service: Option<Arc<str>>,
        /// GNU build id, where known.
        build: Option<Arc<str>>,
        /// The process of the first proof.
        first: Life,
        /// The first proof.
        first_at: Timestamp,
        /// The newest proof that found some.
        last_at: Timestamp,
        /// The largest number that one proof found.
        count: u64,
        /// The number that the newest found.
        last: u64,
    },
    /// What one signature on one instance has come to.
    Series {
        /// Which.
        signature: Signature,
        /// When it was seen there first.
        first_at: Timestamp,
        /// In which process.
        first: Life,
        /// When it was seen there last.
        last_at: Timestamp,
        /// Its count then.
        last: u64,
        /// Its largest count.
        peak: u64,
        /// When it had that first.
        peak_at: Timestamp,
    },
    /// When a signature was seen last, in whatever way.
    Last {
        /// Which.
        signature: Signature,
        /// When.
        at: Timestamp,
    },
    /// Something happened.
    Event {
        /// What, when and where.
        note: Note,
        /// To which signature, where it was one.
        signature: Option<Signature>,
    },
    /// Retention has removed what is older.
    KeptSince {
        /// Than this.
        at: Timestamp,
        /// From here on days are told all the same; `None` where none are.
        days: Option<Timestamp>,
    },
    /// What is left of a day of a process.
    Day {
        /// Which process.
        life: Life,
        /// Days of UTC since 1970.
        day: i64,
        /// Its good pulses.
        slot: Slot,
        /// Counts of each signature: at the first pulse, lowest, highest, at the last one.
        counts: Vec<(Signature, [u64; 4])>,
    },
    /// What is left of an hour of a service.
    Hour {
        /// Which service.
        service: Arc<str>,
        /// Hours of UTC since 1970.
        hour: i64,
        /// Of each signature: instances that had it, the sums of their lowest and of their last counts.
        counts: Vec<(Signature, [u64; 3])>,
    },
}
