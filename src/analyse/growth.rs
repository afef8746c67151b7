//! How much a series grew: summed over the processes that it lived in.

use std::time::Duration;

use crate::model::Timestamp;

/// The good pulses of one process in a window, and the counts of one signature at them.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// When, ascending.
    pub ticks: &'a [Timestamp],
    /// How many at each tick; 0 is absent. As long as `ticks`.
    pub counts: &'a [u32],
}

impl Segment<'_> {
    /// The count at the first good pulse.
    pub fn first(&self) -> u64 {
        self.counts.first().copied().map_or(0, u64::from)
    }

    /// The last known count.
    pub fn last(&self) -> u64 {
        self.counts.last().copied().map_or(0, u64::from)
    }

    /// From the first pulse to the last.
    pub fn span(&self) -> Duration {
        match (self.ticks.first(), self.ticks.last()) {
            (Some(first), Some(last)) => last.since(*first),
            _ => Duration::ZERO,
        }
    }

    /// Last known count less the first one.
    pub fn growth(&self) -> i64 {
        self.last().cast_signed() - self.first().cast_signed()
    }

    /// The lowest count in the last third of the segment's time: what does not come back even when
    /// it is quiet.
    pub fn late_floor(&self) -> u64 {
        let Some(last) = self.ticks.last() else {
            return 0;
        };
        let from = last.minus(self.span() / 3);
        let late = self.ticks.iter().zip(self.counts);
        late.filter(|(tick, _)| **tick >= from)
            .map(|(_, count)| u64::from(*count))
            .min()
            .unwrap_or(0)
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
    let seen = || segments.iter().filter(|segment| !segment.ticks.is_empty());
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
        pulses: seen().map(|segment| segment.ticks.len()).sum(),
    }
}

/// Counts of goroutines are far below 2^53, where an `f64` is exact.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(super) const fn as_f64(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(seconds: &[i64]) -> Vec<Timestamp> {
        seconds
            .iter()
            .map(|s| Timestamp::from_millis(s * 1000))
            .collect()
    }

    #[test]
    fn a_restart_is_never_a_recovery() {
        let (before, after) = (ticks(&[0, 1800, 3600]), ticks(&[3700, 7300]));
        let grown = growth(&[
            Segment {
                ticks: &before,
                counts: &[10, 60, 110],
            },
            Segment {
                ticks: &after,
                counts: &[0, 50],
            },
        ]);
        assert_eq!((grown.first, grown.last, grown.growth), (10, 50, 150));
        assert!((grown.per_hour - 75.0).abs() < 1e-9);
    }

    #[test]
    fn what_a_process_had_before_its_first_pulse_is_not_counted() {
        let only = ticks(&[0]);
        assert_eq!(
            growth(&[Segment {
                ticks: &only,
                counts: &[500]
            }])
            .growth,
            0
        );
    }
}
