//! The only place that asks the time.

use std::sync::Mutex;
use std::time::Instant;

use crate::model::Timestamp;

/// What time it was told to be.
struct Told {
    last: Timestamp,
    /// From when on, by the steady clock, the wall clock has been behind what was told, and what that was.
    ahead: Option<(Timestamp, Instant)>,
}

static TOLD: Mutex<Told> = Mutex::new(Told {
    last: Timestamp::from_millis(i64::MIN),
    ahead: None,
});

/// The wall clock, to the millisecond; in one process it never goes back. Where it is set back, time goes
/// on from where it was, a tenth slower, until the wall clock has caught up: what is polled meanwhile keeps
/// its order and, nearly, its distances.
pub fn now() -> Timestamp {
    // A thread that panicked while it asked has left a whole value.
    let mut told = TOLD
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    told.now(wall(), Instant::now())
}

/// The wall clock as it is, which may go back: to tell that it was set.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn wall() -> Timestamp {
    Timestamp::from_millis(chrono::Utc::now().timestamp_millis())
}

impl Told {
    fn now(&mut self, wall: Timestamp, steady: Instant) -> Timestamp {
        if self.ahead.is_none() && wall < self.last {
            self.ahead = Some((self.last, steady));
        }
        if let Some((from, since)) = self.ahead {
            let gone = steady.saturating_duration_since(since);
            let slow = from.plus(gone / 10 * 9);
            if wall < slow {
                self.last = slow;
                return slow;
            }
            self.ahead = None;
        }
        self.last = wall;
        wall
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_caught_up_with() {
        let mut told = Told {
            last: Timestamp::from_millis(i64::MIN),
            ahead: None,
        };
        let begin = Instant::now();
        // Milliseconds of the wall clock, of the steady one, and what is told.
        for (wall, steady, now) in [
            (50_000, 0, 50_000),
            (51_000, 1_000, 51_000),
            (48_000, 2_000, 51_000),
            (49_000, 3_000, 51_900),
            (58_000, 12_000, 60_000),
            (77_990, 32_000, 78_000),
            (78_910, 33_000, 78_910),
            (79_000, 34_000, 79_000),
        ] {
            let steady = begin + Duration::from_millis(steady);
            let told = told.now(Timestamp::from_millis(wall), steady);
            assert_eq!(told.as_millis(), now, "{wall}");
        }
    }
}
