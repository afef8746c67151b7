//! Steps of the wall clock, told as they come.

use std::time::{Duration, Instant};

use super::Polling;
use crate::clock;
use crate::model::{EventKind, Note, Record, Timestamp};

/// A larger difference is a step, not a slew.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Wall and monotonic time, read together.
pub(super) struct Clocks {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clocks {
    pub(super) fn now() -> Self {
        Self {
            wall: clock::wall(),
            monotonic: Instant::now(),
        }
    }

    /// Notes a step of the wall clock since the last check.
    pub(super) fn check(&mut self, polling: &Polling) {
        let now = Self::now();
        let expected = self.wall.plus(now.monotonic.duration_since(self.monotonic));
        let (ahead, behind) = (now.wall.since(expected), expected.since(now.wall));
        if ahead.max(behind) > CLOCK_STEP {
            let step = humantime::format_duration(ahead.max(behind));
            let text = if ahead > behind {
                format!("the clock stepped forward by {step}")
            } else {
                format!(
                    "the clock stepped back by {step}: times go on from where they were until it has caught up"
                )
            };
            tracing::warn!(event = EventKind::ClockStep.as_str(), "{text}");
            let note = Note {
                at: clock::now(),
                kind: EventKind::ClockStep,
                instance: None,
                text,
            };
            polling.send(Record::Note(note));
        }
        *self = now;
    }
}
