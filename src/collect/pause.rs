//! How long a target is left alone after trouble: an hour, then twice as long each time. Pure.

use std::time::Duration;

use crate::model::Timestamp;

const FIRST: Duration = Duration::from_hours(1);
const LONGEST: Duration = Duration::from_hours(168);

/// A pause, its length and its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pause {
    span: Option<Duration>,
    until: Option<Timestamp>,
}

impl Pause {
    /// There was trouble: nothing for an hour, or for twice as long as the last time.
    pub(super) fn begin(&mut self, at: Timestamp) {
        let span = self.span.map_or(FIRST, |span| (span * 2).min(LONGEST));
        self.span = Some(span);
        self.until = Some(at.plus(span));
    }

    /// All went well: the next pause is an hour again.
    pub(super) const fn reset(&mut self) {
        self.span = None;
    }

    /// When the last one ends or has ended; the beginning of time where there was none.
    pub(super) fn end(&self) -> Timestamp {
        self.until.unwrap_or_default()
    }
}
