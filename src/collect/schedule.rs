//! When an instance is looked at: a fixed grid of ticks, thinned while it fails. Pure.

use std::time::Duration;

use crate::model::{InstanceId, Timestamp};

/// However long an instance fails, it is looked at this often, and at every tenth tick.
const MAX_BACK_OFF: Duration = Duration::from_mins(5);
const MAX_TICKS: u32 = 10;

/// A clock that is slewed strays less than this during one wait.
const MAX_SLEW: Duration = Duration::from_secs(1);

/// First polls of a fleet come this far apart, so that 10,000 do not fire together and one does
/// not wait.
const SPREAD_PER_INSTANCE: Duration = Duration::from_millis(50);

/// A place in [0, 1) that is the same for an instance at every start.
pub(super) fn phase(instance: &InstanceId) -> f64 {
    let name = format!("{instance}{}", instance.path);
    let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
    // 32 bits are exact in an f64.
    f64::from(u32::try_from(hash >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}

/// The first poll of an instance: at once for few, spread over the interval for many.
pub(super) fn first(
    instance: &InstanceId,
    now: Timestamp,
    interval: Duration,
    instances: usize,
) -> Timestamp {
    let instances = u32::try_from(instances).unwrap_or(u32::MAX);
    let spread = SPREAD_PER_INSTANCE.saturating_mul(instances).min(interval);
    now.plus(spread.mul_f64(phase(instance)))
}

/// The ticks of one instance: `from`, and one each `interval`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    next: Timestamp,
    interval: Duration,
    failures: u32,
}

impl Schedule {
    pub(super) const fn new(from: Timestamp, interval: Duration) -> Self {
        Self {
            next: from,
            interval,
            failures: 0,
        }
    }

    /// The next tick that is to be used.
    pub(super) const fn next(&self) -> Timestamp {
        self.next
    }

    /// Notes how the look at `next` ended and moves on: to the first tick behind `now`, further
    /// when the instance keeps failing. `jitter` in [0, 1) keeps a dead fleet from coming back in
    /// step.
    pub(super) fn note(&mut self, ok: bool, now: Timestamp, jitter: f64) {
        self.failures = if ok {
            0
        } else {
            self.failures.saturating_add(1)
        };
        let wait = self.back_off(jitter);
        let interval = self.interval.as_millis().max(1);
        let behind = now.since(self.next).as_millis() / interval;
        let ticks = (behind + 1).max(wait.as_millis() / interval);
        let step = u64::try_from(ticks.saturating_mul(interval)).unwrap_or(u64::MAX);
        self.next = self.next.plus(Duration::from_millis(step));
    }

    fn back_off(&self, jitter: f64) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let wait = self
            .interval
            .saturating_mul(1 << doublings)
            .min(self.interval.saturating_mul(MAX_TICKS))
            .min(MAX_BACK_OFF);
        if doublings == 0 {
            wait
        } else {
            wait.mul_f64(1.0 - jitter / 4.0)
        }
    }

    /// Whether the clock was set back, told when the wait for the next tick is over: it lies ahead
    /// by more than a clock slews.
    pub(super) fn is_beyond(&self, now: Timestamp) -> bool {
        self.next.since(now) > MAX_SLEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn ticks_stay_on_their_grid() {
        let mut schedule = Schedule::new(at(1_000), Duration::from_secs(10));
        schedule.note(true, at(1_200), 0.0);
        assert_eq!(schedule.next(), at(11_000));
        // A look that outlived its interval costs the ticks it slept through, not the grid.
        schedule.note(true, at(35_000), 0.0);
        assert_eq!(schedule.next(), at(41_000));
    }

    #[test]
    fn failures_thin_the_ticks_up_to_five_minutes() {
        let mut schedule = Schedule::new(at(0), Duration::from_secs(30));
        let mut waits = Vec::new();
        for _ in 0..7 {
            let before = schedule.next();
            schedule.note(false, before.plus(Duration::from_millis(5)), 0.0);
            waits.push(schedule.next().since(before).as_secs());
        }
        assert_eq!(waits, [30, 60, 120, 240, 300, 300, 300]);
        let before = schedule.next();
        schedule.note(true, before, 0.0);
        assert_eq!(schedule.next().since(before).as_secs(), 30);
    }

    #[test]
    fn a_clock_set_back_is_noticed() {
        let schedule = Schedule::new(at(3_600_000), Duration::from_secs(30));
        assert!(schedule.is_beyond(at(0)));
        assert!(!schedule.is_beyond(at(3_599_900)));
    }
}
