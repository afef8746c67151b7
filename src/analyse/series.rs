//! What one series says by itself, before the rest of the fleet is asked.
//!
//! The floor test where a process was seen for long enough; else the plain rule, which is the original's (grew,
//! by 3 at least) with two conditions more, so that a busy pool is no suspect: it stays grown through the whole
//! last third of the time, and at least half of its movement is net growth.

use std::time::Duration;

use super::floor::{MIN_FLOOR_PULSES, MIN_FLOOR_SPAN, Movement, is_enough, words};
use super::growth::as_f64;
use super::rate::{floors, moves};
use super::{Floor, Segment, Verdict, theil_sen};
use crate::model::Thresholds;

/// At least this much of the movement of the block floors must be net growth for the plain rule.
const MIN_NET_TO_GROSS: f64 = 0.5;
/// A rise that began within a segment must last more slots than this, and twice as long as any
/// before it.
const MIN_RISE: usize = 3;
/// Slots of which two thirds must be behind the last rise for one that has come to rest.
const MIN_REST: usize = 8;
/// Fewer good pulses than this do not show that a signature is gone.
const MIN_ABSENT_PULSES: usize = 12;

/// The numbers behind what is said of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// The segment whose floor rises most.
    Rises(Floor),
    /// The segment whose floor rose most, and does so no more.
    Stopped(Floor),
    /// The part of a segment that grew most.
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
    /// Not enough pulses in any one process.
    TooFew {
        /// How many there are behind the warm-up of the longest-seen one.
        pulses: usize,
        /// The time from the first of them to the last.
        span: Duration,
    },
    /// Counts go both ways.
    Wanders {
        /// The lowest count.
        lowest: u64,
        /// The highest one.
        highest: u64,
        /// Good pulses.
        pulses: usize,
    },
    /// No movement that is worth a word.
    Stands {
        /// The lowest of its lowest counts.
        lowest: u64,
        /// The highest of them.
        highest: u64,
        /// Good pulses.
        pulses: usize,
    },
}

impl Evidence {
    /// The growth that stayed; `None` where there is none.
    pub fn grown(&self) -> Option<i64> {
        match self {
            Self::Rises(floor) | Self::Stopped(floor) => Some(floor.rise().cast_signed()),
            Self::Grew { from, to, .. } => Some(to.cast_signed() - from.cast_signed()),
            Self::TooFew { .. } | Self::Wanders { .. } | Self::Stands { .. } => None,
        }
    }

    const fn verdict(&self) -> Verdict {
        match self {
            Self::Rises(_) => Verdict::Growing,
            Self::Stopped(_) => Verdict::Plateau,
            Self::Grew { .. } => Verdict::Suspect,
            Self::TooFew { .. } => Verdict::Insufficient,
            Self::Wanders { .. } => Verdict::Noisy,
            Self::Stands { .. } => Verdict::Steady,
        }
    }

    /// A sentence with the numbers, to be followed by the place.
    pub fn sentence(&self) -> String {
        match self {
            Self::Rises(floor) => floor.sentence(),
            Self::Stopped(floor) => format!("{}: it slows down, or was one step", floor.sentence()),
            Self::Grew {
                from,
                to,
                late_floor,
                span,
                pulses,
            } => format!(
                "grew from {from} to {to} in {} ({pulses} pulses) and was never below \
                 {late_floor} in the last third of that time",
                words(*span)
            ),
            Self::TooFew { pulses, span } => too_few(*pulses, *span),
            Self::Wanders {
                lowest,
                highest,
                pulses,
            } => format!("goes up and down between {lowest} and {highest}, in {pulses} pulses"),
            Self::Stands {
                lowest,
                highest,
                pulses,
            } => format!(
                "its lowest counts lie between {lowest} and {highest} and do not go on rising, in {pulses} pulses"
            ),
        }
    }
}

fn too_few(pulses: usize, span: Duration) -> String {
    let told = format!(
        "too early to say: {pulses} good pulses behind the warm-up of its process, and {MIN_FLOOR_PULSES} in {} are \
         needed",
        words(MIN_FLOOR_SPAN)
    );
    let gaps = u32::try_from(pulses.saturating_sub(1)).unwrap_or(u32::MAX);
    let Some(interval) = span.checked_div(gaps) else {
        return told;
    };
    let missing = u32::try_from(MIN_FLOOR_PULSES.saturating_sub(pulses)).unwrap_or(u32::MAX);
    let wait = interval
        .saturating_mul(missing)
        .max(MIN_FLOOR_SPAN.saturating_sub(span));
    format!("{told}: about {} more", words(wait))
}

/// A segment whose floor rises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// Which of the segments.
    pub life: usize,
    /// How.
    pub floor: Floor,
    /// Lower end of the 90 % interval of its rate, goroutines per hour; not negative.
    pub low: f64,
}

/// What one series says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The loudest that can be said of it.
    pub evidence: Evidence,
    /// Its segments whose floors rise, in order of time.
    pub rises: Vec<Rise>,
    /// Those of its segments whose floors rose as a leak's do and slow down.
    pub slowed: Vec<usize>,
    /// The length of each segment whose floor came down, and by how much.
    pub falls: Vec<(Duration, f64)>,
    /// Whether the newest process was seen without it, each time.
    pub absent: bool,
    /// For how long the newest process was seen without a rising floor; `None` where it rises, or was seen for too
    /// short a time.
    pub rests: Option<Duration>,
}

impl Reading {
    /// What follows from the series alone.
    pub const fn verdict(&self) -> Verdict {
        self.evidence.verdict()
    }
}

/// Reads one series; its segments in order of time.
pub fn read(segments: &[Segment<'_>], thresholds: &Thresholds) -> Reading {
    let mut reading = Reading {
        evidence: Evidence::Stands {
            lowest: 0,
            highest: 0,
            pulses: 0,
        },
        rises: Vec::new(),
        slowed: Vec::new(),
        falls: Vec::new(),
        absent: segments.last().is_some_and(is_absent),
        rests: None,
    };
    let mut found: Option<Evidence> = None;
    for (life, segment) in segments.iter().enumerate() {
        let told = reading.note(life, segment, thresholds);
        let loudness = |evidence: &Evidence| (evidence.verdict(), evidence.grown());
        if let Some(told) = told
            && found.is_none_or(|found| loudness(&found) < loudness(&told))
        {
            found = Some(told);
        }
    }
    reading.evidence = found.unwrap_or_else(|| too_few_of(segments));
    reading
}

impl Reading {
    /// Notes what a segment does; `None` where it is too short for any word.
    fn note(
        &mut self,
        life: usize,
        segment: &Segment<'_>,
        thresholds: &Thresholds,
    ) -> Option<Evidence> {
        // The newest process is noted last.
        self.rests = None;
        let (lowest, highest) = segment.range()?;
        let settled = segment.settled();
        // Floors lie between them: most series end here.
        if highest - lowest < thresholds.min_growth {
            let pulses = segment.pulses();
            let seen = is_enough(settled.pulses(), settled.span());
            self.rests = seen.then(|| settled.span());
            return seen.then_some(Evidence::Stands {
                lowest,
                highest,
                pulses,
            });
        }
        self.rests = rest(&settled, thresholds);
        let Some(floor) = Floor::of(&settled) else {
            return grown_part(segment, thresholds).map(|grown| grown.evidence);
        };
        if floor.fall > 0.0 {
            self.falls.push((floor.span, floor.fall));
        }
        let movement = floor.movement(thresholds);
        if movement == Movement::Stands {
            self.rests = Some(floor.span);
        }
        if movement == Movement::Stopped && floor.jump <= thresholds.max_jump {
            self.slowed.push(life);
        }
        Some(match movement {
            Movement::Grows => {
                let low = theil_sen(&settled).map_or(0.0, |rate| rate.low.max(0.0));
                self.rises.push(Rise { life, floor, low });
                Evidence::Rises(floor)
            }
            // What began of late looks like a jump from here.
            whole => grown_part(&settled, thresholds)
                .and_then(|grown| grown.within(thresholds))
                .unwrap_or_else(|| quiet(whole, floor, (lowest, highest))),
        })
    }
}

/// What is said of a floor that does not grow.
const fn quiet(movement: Movement, floor: Floor, (lowest, highest): (u64, u64)) -> Evidence {
    let pulses = floor.pulses;
    match movement {
        Movement::Stopped => Evidence::Stopped(floor),
        Movement::Wanders => Evidence::Wanders {
            lowest,
            highest,
            pulses,
        },
        Movement::Grows | Movement::Stands => Evidence::Stands {
            lowest,
            highest,
            pulses,
        },
    }
}

fn too_few_of(segments: &[Segment<'_>]) -> Evidence {
    let settled = segments.iter().map(Segment::settled);
    let longest = settled.max_by_key(Segment::pulses);
    let pulses = longest.map_or(0, |segment| segment.pulses());
    let span = longest.map_or(Duration::ZERO, |segment| segment.span());
    Evidence::TooFew { pulses, span }
}

/// For how long what is behind a warm-up was seen, where its lowest counts lie too close together for any growth.
fn rest(settled: &Segment<'_>, thresholds: &Thresholds) -> Option<Duration> {
    let (lowest, highest) = settled.range()?;
    let stands = highest - lowest < thresholds.min_growth;
    (stands && is_enough(settled.pulses(), settled.span())).then(|| settled.span())
}

/// Whether it was seen for a while, and was never there.
fn is_absent(segment: &Segment<'_>) -> bool {
    segment.pulses() >= MIN_ABSENT_PULSES
        && segment.last() == 0
        && segment.range().is_some_and(|(_, highest)| highest == 0)
}

/// A part of a segment that grew by the plain rule.
struct Grown {
    evidence: Evidence,
    /// What its floor does, where it is long enough for one.
    floor: Option<Floor>,
}

impl Grown {
    fn of(segment: &Segment<'_>) -> Self {
        Self {
            evidence: Evidence::Grew {
                from: segment.first(),
                to: segment.last(),
                late_floor: segment.late_floor(),
                span: segment.span(),
                pulses: segment.pulses(),
            },
            floor: Floor::of(segment),
        }
    }

    /// What it says of a whole that does not grow; `None` where nothing more.
    fn within(self, thresholds: &Thresholds) -> Option<Evidence> {
        let Some(floor) = self.floor else {
            return Some(self.evidence);
        };
        match floor.movement(thresholds) {
            Movement::Grows => Some(self.evidence),
            Movement::Stopped => Some(Evidence::Stopped(floor)),
            Movement::Wanders | Movement::Stands => None,
        }
    }
}

/// The part of a segment that shows growth which stayed: all of it, or what came since it was at
/// its lowest for the last time, so that a leak which began an hour ago shows in a window of a day.
fn grown_part(segment: &Segment<'_>, thresholds: &Thresholds) -> Option<Grown> {
    let lowest = segment.low.iter().copied().reduce(u32::min)?;
    if has_grown(segment, thresholds) {
        return Some(Grown::of(segment));
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
    has_grown(&since, thresholds).then(|| Grown::of(&since))
}

fn has_grown(segment: &Segment<'_>, thresholds: &Thresholds) -> bool {
    // The quicker questions first.
    if segment.late_floor() <= segment.first() || rests(segment.low) {
        return false;
    }
    let (net, gross) = moves(&floors(segment));
    net >= as_f64(thresholds.min_growth.cast_signed()) && net >= gross * MIN_NET_TO_GROSS
}

/// Whether counts have been no higher than before for most of the time, as those of a pool that was filled up.
fn rests(low: &[u32]) -> bool {
    let mut highest = None;
    let mut rose = 0;
    for (nth, count) in low.iter().enumerate() {
        if highest.is_none_or(|highest| *count > highest) {
            (highest, rose) = (Some(*count), nth);
        }
    }
    low.len() >= MIN_REST && (low.len() - rose) * 3 > low.len() * 2
}

/// The slowest leak that a process can show as GROWING which was seen for so long behind its warm-up,
/// goroutines per hour. A fifth of the time goes to the blocks at both ends.
pub fn smallest_detectable_per_hour(seen: Duration, thresholds: &Thresholds) -> f64 {
    let hours = 0.8 * seen.as_secs_f64() / 3600.0;
    as_f64(thresholds.min_floor_growth.cast_signed()) / hours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::Track;
    use crate::analyse::growth::tests::polls;

    /// What is said of a count each ten seconds.
    fn told(counts: &[u32]) -> Reading {
        let seconds: Vec<i64> = (0..).map(|nth| nth * 10).take(counts.len()).collect();
        let slots = polls(&seconds);
        let track = Track::of(&slots);
        read(&[Segment::of_polls(&track, counts)], &Thresholds::default())
    }

    #[test]
    fn the_plain_rule_where_there_is_little() {
        for (counts, expected) in [
            (&[0, 1, 2, 3][..], Verdict::Suspect),
            (&[0, 5], Verdict::Suspect),
            (&[0, 4, 9, 9, 9, 9, 9], Verdict::Suspect),
            // Pools are filled when a process begins.
            (
                &[0, 4, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
                Verdict::Insufficient,
            ),
            // A pool that a slow poll meets at odd moments.
            (
                &[2, 0, 5, 1, 8, 3, 0, 7, 4, 6, 8, 3, 5, 7, 6, 8, 5],
                Verdict::Insufficient,
            ),
            (&[5, 5, 5], Verdict::Insufficient),
            (&[0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 7, 7], Verdict::Suspect),
            // A leak that began late, in a long quiet window.
            (
                &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 5, 7, 9, 11],
                Verdict::Suspect,
            ),
            // A pool whose last rise is no longer than the ones before.
            (
                &[0, 4, 6, 8, 5, 0, 3, 7, 8, 4, 0, 5, 6, 7, 8],
                Verdict::Insufficient,
            ),
            // A burst that has come back is none.
            (
                &[0, 50, 80, 90, 40, 20, 5, 1, 0, 0, 1, 0, 0],
                Verdict::Insufficient,
            ),
        ] {
            assert_eq!(told(counts).verdict(), expected, "{counts:?}");
        }
    }

    #[test]
    fn the_floor_test_where_there_is_enough() {
        let told = |count: fn(u32) -> u32| told(&(0..240).map(count).collect::<Vec<_>>());
        for (count, expected) in [
            ((|at| at / 3) as fn(u32) -> u32, Verdict::Growing),
            (|_| 9, Verdict::Steady),
            (|at| 3 + at * 7919 % 13, Verdict::Steady),
            (|at| 120 - at.abs_diff(120), Verdict::Noisy),
            (|at| if at < 100 { 10 } else { 90 }, Verdict::Plateau),
            (|at| at.min(60), Verdict::Plateau),
            // Too late for more than a suspicion.
            (|at| 10 + at.saturating_sub(220), Verdict::Suspect),
        ] {
            assert_eq!(told(count).verdict(), expected, "{:?}", told(count));
        }
        let grown = told(|at| at / 3);
        assert!(grown.rises.len() == 1 && grown.falls.is_empty() && !grown.absent);
        assert!(grown.rises[0].low > 100.0, "{grown:?}");
        assert!(told(|_| 0).absent);
    }

    #[test]
    fn too_few_says_how_many_more() {
        let told = told(&[5; 30]);
        assert_eq!(
            told.evidence.sentence(),
            "too early to say: 30 good pulses behind the warm-up of its process, and 60 in 5m are needed: about 5m more"
        );
    }

    #[test]
    fn a_leak_that_a_restart_ended_is_still_told() {
        let polls = polls(&[0, 1, 2, 3, 4, 5]);
        let (before, after) = polls.split_at(4);
        let (before, after) = (Track::of(before), Track::of(after));
        let segments = [
            Segment::of_polls(&before, &[0, 10, 20, 30]),
            Segment::of_polls(&after, &[0, 0]),
        ];
        let reading = read(&segments, &Thresholds::default());
        assert_eq!(reading.verdict(), Verdict::Suspect);
    }
}
