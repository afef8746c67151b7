//! GROWING by the floor test; else the plain rule: grown and not come back, steady, or too early to say.
//!
//! The plain rule is the original's (grew, by 3 at least) with two conditions more, so that a busy pool is
//! no suspect: it stays grown through the whole last third of the time, and at least half of its
//! movement is net growth.

use std::time::Duration;

use serde::Serialize;

use super::rate::{floors, moves};
use super::{Floor, Segment};

/// Growth below this is not worth a word.
pub const MIN_GROWTH: u64 = 3;
/// At least this much of the movement of the block floors must be net growth.
pub const MIN_NET_TO_GROSS: f64 = 0.5;
/// A rise that began within a segment must last more slots than this, and twice as long as any
/// before it.
pub const MIN_RISE: usize = 3;
/// Fewer good pulses than this cannot show that something stands still.
pub const MIN_PULSES: usize = 12;

/// What is said of a signature. Ordered from the quietest to the loudest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Does not grow.
    Steady,
    /// Too little was seen, and what was seen did not grow.
    Insufficient,
    /// Grew by [`MIN_GROWTH`] or more, and its floor with it.
    Suspect,
    /// Its floor keeps rising.
    Growing,
}

impl Verdict {
    /// Whether it says that something grows, however surely.
    pub const fn says_growth(self) -> bool {
        matches!(self, Self::Suspect | Self::Growing)
    }

    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "STEADY",
            Self::Insufficient => "INSUFFICIENT",
            Self::Suspect => "SUSPECT",
            Self::Growing => "GROWING",
        }
    }
}

/// The numbers behind a verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// The segment whose floor rises most.
    Rises(Floor),
    /// The segment that grew most.
    Grew {
        /// Count at its first pulse.
        from: u64,
        /// Count at its last pulse.
        to: u64,
        /// Lowest count in the last third of its time.
        late_floor: u64,
        /// Its length.
        span: Duration,
        /// Its good pulses.
        pulses: usize,
    },
    /// Not enough pulses.
    TooFew {
        /// How many there are.
        pulses: usize,
    },
    /// Enough pulses, and no growth that stayed.
    Stood {
        /// How many there are.
        pulses: usize,
    },
}

impl Evidence {
    /// The growth that stayed; `None` where there is none.
    pub fn grown(&self) -> Option<i64> {
        match self {
            Self::Rises(floor) => Some(floor.rise().cast_signed()),
            Self::Grew { from, to, .. } => Some(to.cast_signed() - from.cast_signed()),
            Self::TooFew { .. } | Self::Stood { .. } => None,
        }
    }

    /// A sentence with the numbers, to be followed by the place.
    pub fn sentence(&self) -> String {
        match self {
            Self::Rises(floor) => floor.sentence(),
            Self::Grew {
                from,
                to,
                late_floor,
                span,
                pulses,
            } => format!(
                "grew from {from} to {to} in {} ({pulses} pulses) and was never below \
                 {late_floor} in the last third of that time",
                humantime::format_duration(Duration::from_secs(span.as_secs()))
            ),
            Self::TooFew { pulses } => format!(
                "only {pulses} good pulses: {} more are needed to call it steady",
                MIN_PULSES.saturating_sub(*pulses)
            ),
            Self::Stood { pulses } => {
                format!("no growth of {MIN_GROWTH} or more that stayed, in {pulses} pulses")
            }
        }
    }
}

/// Judges one series; its segments in order of time.
pub fn judge(segments: &[Segment<'_>]) -> (Verdict, Evidence) {
    let pulses = segments.iter().map(Segment::pulses).sum();
    let floors = segments
        .iter()
        .filter_map(|segment| Floor::of(&segment.settled()));
    let growing = floors.filter(Floor::grows);
    if let Some(floor) = growing.max_by(|a, b| a.growth().total_cmp(&b.growth())) {
        return (Verdict::Growing, Evidence::Rises(floor));
    }
    let grown = segments.iter().filter_map(grown_part);
    match grown.max_by_key(Evidence::grown) {
        Some(evidence) => (Verdict::Suspect, evidence),
        None if pulses < MIN_PULSES => (Verdict::Insufficient, Evidence::TooFew { pulses }),
        None => (Verdict::Steady, Evidence::Stood { pulses }),
    }
}

/// The part of a segment that shows growth which stayed: all of it, or what came since it was at
/// its lowest for the last time, so that a leak which began an hour ago shows in a window of a day.
fn grown_part(segment: &Segment<'_>) -> Option<Evidence> {
    let lowest = segment.low.iter().copied().reduce(u32::min)?;
    let highest = segment.low.iter().copied().reduce(u32::max)?;
    // Floors lie between them: most series end here.
    if u64::from(highest - lowest) < MIN_GROWTH {
        return None;
    }
    if has_grown(segment) {
        return Some(grew(segment));
    }
    let last = segment.low.iter().rposition(|count| *count == lowest)?;
    // A pool comes back to its lowest now and then: the rise must outlast every earlier one.
    let before = segment.low.get(..last)?;
    let longest = before
        .split(|count| *count == lowest)
        .map(<[u32]>::len)
        .max();
    if segment.low.len() - last <= MIN_RISE + 2 * longest.unwrap_or(0) {
        return None;
    }
    let since = Segment {
        track: &segment.track.since(last),
        first: lowest,
        low: segment.low.get(last..)?,
        last: segment.last.get(last..)?,
    };
    has_grown(&since).then(|| grew(&since))
}

fn grew(segment: &Segment<'_>) -> Evidence {
    Evidence::Grew {
        from: segment.first(),
        to: segment.last(),
        late_floor: segment.late_floor(),
        span: segment.span(),
        pulses: segment.pulses(),
    }
}

fn has_grown(segment: &Segment<'_>) -> bool {
    // The quicker question first.
    if segment.late_floor() <= segment.first() {
        return false;
    }
    let (net, gross) = moves(&floors(segment));
    net >= f64::from(u32::try_from(MIN_GROWTH).unwrap_or(u32::MAX))
        && net >= gross * MIN_NET_TO_GROSS
}

/// The slowest leak that a window of this length can show, goroutines per hour; `None` for an
/// empty window.
pub fn smallest_detectable_per_hour(observed: Duration) -> Option<f64> {
    let hours = observed.as_secs_f64() / 3600.0;
    let growth = f64::from(u32::try_from(MIN_GROWTH).unwrap_or(u32::MAX));
    (hours > 0.0).then(|| growth / hours)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyse::Track;
    use crate::analyse::growth::tests::polls;

    fn verdict(counts: &[u32]) -> Verdict {
        let seconds: Vec<i64> = (0..).take(counts.len()).collect();
        judge(&[Segment::of_polls(&Track::of(&polls(&seconds)), counts)]).0
    }

    #[test]
    fn the_plain_rule() {
        for (counts, expected) in [
            (&[0, 1, 2, 3][..], Verdict::Suspect),
            (&[0, 5], Verdict::Suspect),
            // A leak that has stopped is still there.
            (&[0, 4, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], Verdict::Suspect),
            // A pool that a slow poll meets at odd moments.
            (
                &[2, 0, 5, 1, 8, 3, 0, 7, 4, 6, 8, 3, 5, 7, 6, 8, 5],
                Verdict::Steady,
            ),
            (&[5, 5, 5], Verdict::Insufficient),
            (&[0, 9, 0, 8, 1, 9, 0, 7, 2, 8, 0, 9, 9], Verdict::Steady),
            (&[9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], Verdict::Steady),
            (&[0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 7], Verdict::Suspect),
            // A leak that began late, in a long quiet window.
            (
                &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 5, 7, 9, 11],
                Verdict::Suspect,
            ),
            // A pool whose last rise is no longer than the ones before.
            (
                &[0, 4, 6, 8, 5, 0, 3, 7, 8, 4, 0, 5, 6, 7, 8],
                Verdict::Steady,
            ),
            // A burst that has come back is none.
            (
                &[0, 50, 80, 90, 40, 20, 5, 1, 0, 0, 1, 0, 0],
                Verdict::Steady,
            ),
        ] {
            assert_eq!(verdict(counts), expected, "{counts:?}");
        }
    }

    /// The rule without its short cuts.
    fn grown_in_full(segment: &Segment<'_>) -> Option<Evidence> {
        let grown = |segment: &Segment<'_>| {
            let (net, gross) = moves(&floors(segment));
            segment.late_floor() > segment.first() && net >= 3.0 && net >= gross * MIN_NET_TO_GROSS
        };
        if grown(segment) {
            return Some(grew(segment));
        }
        let lowest = segment.low.iter().min()?;
        let last = segment.low.iter().rposition(|count| count == lowest)?;
        let since = Segment {
            track: &segment.track.since(last),
            first: *lowest,
            low: &segment.low[last..],
            last: &segment.last[last..],
        };
        let before = segment.low[..last].split(|count| count == lowest);
        let longest = before.map(<[u32]>::len).max().unwrap_or(0);
        let outlasts = since.low.len() > MIN_RISE + 2 * longest;
        (outlasts && grown(&since)).then(|| grew(&since))
    }

    /// Series that stand still, that are noisy, that rise late, and that never grow by enough.
    fn series() -> impl Strategy<Value = Vec<u32>> {
        prop_oneof![
            proptest::collection::vec(5..8u32, 1..60),
            proptest::collection::vec(5..9u32, 1..60),
            proptest::collection::vec(0..30u32, 1..60),
            (0..30u32, 0..30u32, 1..4u32).prop_map(|(quiet, rising, step)| {
                let rise = (1..=rising).map(|nth| 4 + nth * step / 2);
                (0..=quiet).map(|_| 4).chain(rise).collect()
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_passed_over_has_not_grown(low in series(), first in 0..9u32, above in 0..3u32) {
            let polls = polls(&(0..60).map(|nth| nth * 600).collect::<Vec<_>>()[..low.len()]);
            let last: Vec<u32> = low.iter().map(|low| low + above).collect();
            let segment = Segment { track: &Track::of(&polls), first, low: &low, last: &last };
            prop_assert_eq!(grown_part(&segment), grown_in_full(&segment));
        }
    }

    #[test]
    fn a_leak_that_a_restart_ended_is_still_told() {
        let polls = polls(&[0, 1, 2, 3, 4, 5]);
        let (before, after) = polls.split_at(4);
        let (before, after) = (Track::of(before), Track::of(after));
        let (verdict, _) = judge(&[
            Segment::of_polls(&before, &[0, 10, 20, 30]),
            Segment::of_polls(&after, &[0, 0]),
        ]);
        assert_eq!(verdict, Verdict::Suspect);
    }
}
