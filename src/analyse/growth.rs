//! How much a series grew: summed over the processes that it lived in.

use std::time::Duration;

use super::floor::is_enough;
use crate::model::{Slot, Timestamp};

/// Parts of equal length in which the floor of a segment is looked for.
pub(super) const BLOCKS: u32 = 12;

/// The shortest warm-up of a process.
const LEAST_WARM_UP: Duration = Duration::from_mins(10);
/// The longest.
const MOST_WARM_UP: Duration = Duration::from_hours(1);

/// The good pulses of one process in a window, drawn together in slots, and what follows from them: worked
/// out once, for all its signatures.
#[derive(Debug)]
pub struct Track<'a> {
    slots: &'a [Slot],
    pulses: usize,
    /// The first slot that begins in the last third.
    late: usize,
    /// For each slot the block that it begins in, and the hour.
    pub(super) blocks: Vec<(u32, f64)>,
    /// What is behind the warm-up of the process, and where that begins.
    settled: Option<(usize, Box<Self>)>,
}

impl<'a> Track<'a> {
    /// Of slots in order of time.
    pub fn of(slots: &'a [Slot]) -> Self {
        let pulses: u64 = slots.iter().map(|slot| u64::from(slot.pulses)).sum();
        let mut track = Self {
            slots,
            pulses: usize::try_from(pulses).unwrap_or(usize::MAX),
            late: 0,
            blocks: Vec::with_capacity(slots.len()),
            settled: None,
        };
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else {
            return track;
        };
        let late_from = last.last_at.minus(track.span() / 3);
        track.late = slots.partition_point(|slot| slot.first_at < late_from);
        let width = track.span().as_secs_f64() / f64::from(BLOCKS);
        track.blocks.extend(slots.iter().map(|slot| {
            let seconds = slot.first_at.since(first.first_at).as_secs_f64();
            (block_of(seconds, width), seconds / 3600.0)
        }));
        track
    }

    /// Of slots of a process that began then: a tenth of its life is its warm-up, between ten minutes and an
    /// hour.
    pub fn of_life(slots: &'a [Slot], began: Timestamp) -> Self {
        let mut track = Self::of(slots);
        if let Some(last) = slots.last() {
            let life = last.last_at.since(began);
            let settled_at = began.plus((life / 10).clamp(LEAST_WARM_UP, MOST_WARM_UP));
            let from = slots.partition_point(|slot| slot.first_at < settled_at);
            if from > 0 {
                track.settled = Some((from, Box::new(track.since(from))));
            }
        }
        track
    }

    /// For how long the process was seen behind its warm-up; `None` where that is too little for a floor.
    pub fn judged_for(&self) -> Option<Duration> {
        let settled = self.settled.as_ref().map_or(self, |(_, settled)| settled);
        is_enough(settled.pulses, settled.span()).then(|| settled.span())
    }

    /// When the pulses were, in order of time.
    pub fn slots(&self) -> &'a [Slot] {
        self.slots
    }

    /// From the first pulse to the last.
    fn span(&self) -> Duration {
        match (self.slots.first(), self.slots.last()) {
            (Some(first), Some(last)) => last.last_at.since(first.first_at),
            _ => Duration::ZERO,
        }
    }

    /// What is behind slot `from`, which is included.
    pub(super) fn since(&self, from: usize) -> Self {
        Self::of(self.slots.get(from..).unwrap_or_default())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a quotient of two durations, at most the number of blocks"
)]
fn block_of(seconds: f64, width: f64) -> u32 {
    if width > 0.0 {
        ((seconds / width) as u32).min(BLOCKS - 1)
    } else {
        0
    }
}

/// One signature on the track of a process.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// When.
    pub track: &'a Track<'a>,
    /// The count at the very first pulse; 0 is absent.
    pub first: u32,
    /// The lowest count in each slot.
    pub low: &'a [u32],
    /// The count at the last pulse of each slot.
    pub last: &'a [u32],
}

impl Segment<'_> {
    /// What is behind the warm-up of its process.
    pub fn settled(&self) -> Self {
        match &self.track.settled {
            None => *self,
            Some((from, track)) => Self {
                track,
                first: self.low.get(*from).copied().unwrap_or(0),
                low: self.low.get(*from..).unwrap_or_default(),
                last: self.last.get(*from..).unwrap_or_default(),
            },
        }
    }

    /// The count at the first good pulse.
    pub fn first(&self) -> u64 {
        u64::from(self.first)
    }

    /// The last known count.
    pub fn last(&self) -> u64 {
        self.last.last().copied().map_or(0, u64::from)
    }

    /// Lowest and highest of the lowest counts of its slots; `None` where nothing was seen.
    pub(super) fn range(&self) -> Option<(u64, u64)> {
        let (lowest, highest) = (self.low.iter().min()?, self.low.iter().max()?);
        Some((u64::from(*lowest), u64::from(*highest)))
    }

    /// Good pulses.
    pub fn pulses(&self) -> usize {
        self.track.pulses
    }

    /// From the first pulse to the last.
    pub fn span(&self) -> Duration {
        self.track.span()
    }

    /// Last known count less the first one.
    pub fn growth(&self) -> i64 {
        self.last().cast_signed() - self.first().cast_signed()
    }

    /// The lowest count in the slots of the last third of the segment's time: what does not come
    /// back even when it is quiet.
    pub fn late_floor(&self) -> u64 {
        let late = self.low.get(self.track.late..).unwrap_or_default();
        // One slot that is longer than the third.
        let floor = late.iter().copied().min().or(self.low.last().copied());
        floor.map_or(0, u64::from)
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
}

impl Growth {
    /// Adds what happened on another instance at the same time.
    pub fn add(&mut self, other: Self) {
        self.first += other.first;
        self.last += other.last;
        self.growth += other.growth;
        self.per_hour += other.per_hour;
    }
}

/// The growth of one series; its segments in order of time.
pub fn growth(segments: &[Segment<'_>]) -> Growth {
    let seen = || segments.iter().filter(|segment| segment.pulses() > 0);
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
        /// A count at each poll of a track.
        pub(in crate::analyse) fn of_polls(track: &'a Track<'a>, counts: &'a [u32]) -> Self {
            Self {
                track,
                first: counts.first().copied().unwrap_or(0),
                low: counts,
                last: counts,
            }
        }
    }

    #[test]
    fn a_restart_is_never_a_recovery() {
        let (before, after) = (polls(&[0, 1800, 3600]), polls(&[3700, 7300]));
        let (before, after) = (Track::of(&before), Track::of(&after));
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
        let only = Track::of(&only);
        assert_eq!(growth(&[Segment::of_polls(&only, &[500])]).growth, 0);
    }
}
