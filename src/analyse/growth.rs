//! How much a series grew: summed over the processes that it lived in.

use std::time::Duration;

use crate::model::Slot;

/// The good pulses of one process in a window, drawn together in slots, and one signature at them.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// When, in order of time.
    pub slots: &'a [Slot],
    /// The count at the very first pulse; 0 is absent.
    pub first: u32,
    /// The lowest count in each slot. As long as `slots`.
    pub low: &'a [u32],
    /// The count at the last pulse of each slot. As long as `slots`.
    pub last: &'a [u32],
}

impl Segment<'_> {
    /// The count at the first good pulse.
    pub fn first(&self) -> u64 {
        u64::from(self.first)
    }

    /// The last known count.
    pub fn last(&self) -> u64 {
        self.last.last().copied().map_or(0, u64::from)
    }

    /// Good pulses.
    pub fn pulses(&self) -> usize {
        let pulses: u64 = self.slots.iter().map(|slot| u64::from(slot.pulses)).sum();
        usize::try_from(pulses).unwrap_or(usize::MAX)
    }

    /// From the first pulse to the last.
    pub fn span(&self) -> Duration {
        match (self.slots.first(), self.slots.last()) {
            (Some(first), Some(last)) => last.last_at.since(first.first_at),
            _ => Duration::ZERO,
        }
    }

    /// Last known count less the first one.
    pub fn growth(&self) -> i64 {
        self.last().cast_signed() - self.first().cast_signed()
    }

    /// The lowest count in the slots of the last third of the segment's time: what does not come
    /// back even when it is quiet.
    pub fn late_floor(&self) -> u64 {
        let Some(last) = self.slots.last() else {
            return 0;
        };
        let from = last.last_at.minus(self.span() / 3);
        let late = self.slots.iter().zip(self.low);
        let floor = late
            .filter(|(slot, _)| slot.first_at >= from)
            .map(|(_, low)| u64::from(*low))
            .min();
        // One slot that is longer than the third.
        floor.unwrap_or_else(|| self.low.last().copied().map_or(0, u64::from))
    }
}

/// What became of one signature on one instance, or on many, in a window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Growth {
    /// Count in the first good pulse of the window.
    pub first: u64,
    /// Last known count.
    pub last: u64,
    /// Sum over incarnations of last known less first: a restart takes nothing away.
    pub growth: i64,
    /// Growth over the time that was seen, goroutines per hour.
    pub per_hour: f64,
    /// Good pulses.
    pub pulses: usize,
}

impl Growth {
    /// Adds what happened on another instance at the same time.
    pub fn add(&mut self, other: Self) {
        self.first += other.first;
        self.last += other.last;
        self.growth += other.growth;
        self.per_hour += other.per_hour;
        self.pulses += other.pulses;
    }
}

/// The growth of one series; its segments in order of time.
pub fn growth(segments: &[Segment<'_>]) -> Growth {
    let seen = || segments.iter().filter(|segment| !segment.slots.is_empty());
    let growth: i64 = seen().map(Segment::growth).sum();
    let span: Duration = seen().map(Segment::span).sum();
    let hours = span.as_secs_f64() / 3600.0;
    Growth {
        first: seen().next().map_or(0, Segment::first),
        last: seen().next_back().map_or(0, Segment::last),
        growth,
        per_hour: if hours > 0.0 {
            as_f64(growth) / hours
        } else {
            0.0
        },
        pulses: seen().map(Segment::pulses).sum(),
    }
}

/// Counts of goroutines are far below 2^53, where an `f64` is exact.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(super) const fn as_f64(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Timestamp;

    /// Polls that stand alone, at these seconds.
    pub(in crate::analyse) fn polls(seconds: &[i64]) -> Vec<Slot> {
        let slot = |second: &i64| Slot {
            first_at: Timestamp::from_millis(second * 1000),
            last_at: Timestamp::from_millis(second * 1000),
            pulses: 1,
            goroutines: 0,
        };
        seconds.iter().map(slot).collect()
    }

    impl<'a> Segment<'a> {
        /// A count at each of these polls.
        pub(in crate::analyse) fn of_polls(slots: &'a [Slot], counts: &'a [u32]) -> Self {
            Self {
                slots,
                first: counts.first().copied().unwrap_or(0),
                low: counts,
                last: counts,
            }
        }
    }

    #[test]
    fn a_restart_is_never_a_recovery() {
        let (before, after) = (polls(&[0, 1800, 3600]), polls(&[3700, 7300]));
        let grown = growth(&[
            Segment::of_polls(&before, &[10, 60, 110]),
            Segment::of_polls(&after, &[0, 50]),
        ]);
        assert_eq!((grown.first, grown.last, grown.growth), (10, 50, 150));
        assert!((grown.per_hour - 75.0).abs() < 1e-9);
    }

    #[test]
    fn what_a_process_had_before_its_first_pulse_is_not_counted() {
        let only = polls(&[0]);
        assert_eq!(growth(&[Segment::of_polls(&only, &[500])]).growth, 0);
    }
}
