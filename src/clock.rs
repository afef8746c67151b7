//! The only place that asks the time.

use crate::model::Timestamp;

/// The wall clock, to the millisecond.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(chrono::Utc::now().timestamp_millis())
}
