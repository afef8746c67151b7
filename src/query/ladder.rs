//! What became of every signature in the window: the working that several questions share.

use std::collections::HashSet;

use super::QueryError;
use super::distinct::{Distinct, distinct};
use super::head::{HeadCount, WindowHead};
use super::parallel::in_parallel;
use super::scope::{Fetched, Life, Observed, Scope, chosen, fetch};
use crate::analyse::{Growth, Rate, Reading, Segment, Track, growth, read, theil_sen};
use crate::model::{Thresholds, Timestamp};
use crate::store::{Counts, Course, DueSpan, InstanceRow, Reader, SeriesCourse, SignatureKey};

/// Points of a trend line.
pub(super) const TREND_POINTS: usize = 24;

/// One signature on one instance in the window.
#[derive(Debug, Clone)]
pub(super) struct Rung {
    /// Which of the chosen instances.
    pub(super) instance: usize,
    pub(super) signature: SignatureKey,
    pub(super) growth: Growth,
    pub(super) reading: Reading,
    /// The rate over the time that was seen, with its interval, goroutines per hour; `None` with too few pulses,
    /// and where it was not asked for.
    pub(super) rate: Option<Rate>,
    /// All goroutines of the newest process at its last pulse.
    pub(super) total: u64,
    /// Last known count in each slice of the polled time; `None` where nothing was known.
    pub(super) trend: Trend,
    /// The processes in which a floor rises, as the reading has them, and the newest one; empty where none does.
    pub(super) risen: Vec<Process>,
    /// Those in which a floor rose and slows down.
    pub(super) slowed: Vec<Process>,
}

/// A process, as verdicts ask for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// More than one where it is not known whether another process followed.
    pub(super) incarnations: Vec<i64>,
    pub(super) build: Option<String>,
}

impl Process {
    fn of(life: &Life) -> Self {
        Self {
            incarnations: life.rows.iter().map(|row| row.id).collect(),
            build: life.rows.first().and_then(|row| row.build.clone()),
        }
    }
}

/// An instance, read.
#[derive(Debug)]
pub(super) struct Climbed {
    pub(super) rungs: Vec<Rung>,
    /// Of how many signatures it had at once; `None` where only some were asked for.
    pub(super) distinct: Option<Distinct>,
}

/// Counts over the polled time, in slices of equal length.
pub(super) type Trend = [Option<u64>; TREND_POINTS];

/// The signatures whose rates are worked out, which takes longer than the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rates {
    All,
    /// Those that grow by verdict.
    Growing,
}

/// What is asked of the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Climb<'a> {
    pub(super) reader: &'a Reader,
    pub(super) scope: &'a Scope,
    /// Only these signatures.
    pub(super) wanted: Option<&'a HashSet<SignatureKey>>,
    pub(super) rates: Rates,
    pub(super) thresholds: &'a Thresholds,
}

impl Climb<'_> {
    /// Goes through the window, and hands over the signatures of every chosen instance, in the order of
    /// the instances. Memory is bounded: a few instances are unpacked at a time.
    pub(super) fn each(
        &self,
        mut on: impl FnMut(&InstanceRow, Climbed),
    ) -> Result<(WindowHead, Vec<InstanceRow>), QueryError> {
        let Self {
            reader,
            scope,
            wanted,
            rates,
            thresholds,
        } = *self;
        let instances = chosen(reader, scope)?;
        let due = due(reader, scope, &instances)?;
        let polled = polled(scope, &due);
        let dictionary = reader.dictionary()?;
        let mut head = HeadCount::new(scope);
        reader.steps().begin(instances.len());
        let fetched = instances
            .iter()
            .zip(due)
            .map(|(instance, due)| fetch(reader, scope, instance.clone(), due));
        let work = |nth: usize, fetched: Fetched| {
            let mut observed = fetched.unpack(scope, &dictionary, wanted);
            let tracks = tracks(scope, &observed);
            let climbed = Climbed {
                rungs: rungs(nth, (&tracks, polled), (rates, thresholds), &observed),
                distinct: wanted
                    .is_none()
                    .then(|| distinct(nth, (&observed, &tracks), thresholds)),
            };
            drop(tracks);
            // The head needs none of them.
            for life in &mut observed.lives {
                life.course.series = Counts::default();
            }
            (observed, climbed)
        };
        in_parallel(fetched, work, |_, (observed, climbed)| {
            head.add(scope, &observed);
            on(&observed.instance, climbed);
            reader.steps().one();
        })?;
        Ok((head.finish(reader, thresholds)?, instances))
    }
}

/// When each of the instances was to be polled.
fn due(
    reader: &Reader,
    scope: &Scope,
    instances: &[InstanceRow],
) -> Result<Vec<Vec<DueSpan>>, QueryError> {
    let due = |instance: &InstanceRow| reader.due(instance.key, scope.since, scope.until);
    Ok(instances.iter().map(due).collect::<Result<_, _>>()?)
}

/// The part of the window in which anything was polled: trend lines are drawn over that.
fn polled(scope: &Scope, due: &[Vec<DueSpan>]) -> (Timestamp, Timestamp) {
    let spans = || due.iter().flatten();
    let since = spans().map(|span| span.from).min();
    let until = spans().map(|span| span.to).max();
    (
        since.map_or(scope.since, |since| since.max(scope.since)),
        until.map_or(scope.until, |until| until.min(scope.until)),
    )
}

/// What one instance shows of each signature.
fn rungs(
    instance: usize,
    (tracks, polled): (&[Track<'_>], (Timestamp, Timestamp)),
    (rates, thresholds): (Rates, &Thresholds),
    observed: &Observed,
) -> Vec<Rung> {
    let lives: Vec<&Course> = observed.lives.iter().map(|life| &life.course).collect();
    let counts: Vec<&Counts> = lives.iter().map(|course| &course.series).collect();
    let signatures = Counts::signatures_of(&counts);
    let longest = lives.iter().map(|course| course.slots.len()).max();
    let zeros = vec![0; longest.unwrap_or(0)];
    let points = points(polled, &lives);
    let newest = lives.last().and_then(|course| course.slots.last());
    let total = newest.map_or(0, |slot| slot.goroutines);
    let mut rungs = Vec::with_capacity(signatures.len());
    let mut segments = Vec::with_capacity(lives.len());
    for signature in signatures {
        segments.clear();
        let in_lives = counts.iter().zip(tracks);
        segments
            .extend(in_lives.map(|(counts, track)| segment(counts.get(signature), track, &zeros)));
        let reading = read(&segments, thresholds);
        let has_rate = rates == Rates::All || reading.verdict().says_growth();
        let growth = growth(&segments);
        let mut rate = has_rate.then(|| rate(&segments)).flatten();
        if let Some(rate) = &mut rate {
            // Both are over the same time; what a process had gained by its first pulse is in the one alone.
            rate.low = rate.low.clamp(0.0, growth.per_hour.max(0.0));
        }
        let slowed = reading.slowed.iter();
        let slowed = slowed.filter_map(|life| observed.lives.get(*life).map(Process::of));
        let rises = reading.rises.iter().map(|rise| rise.life);
        let newest = rises.len().min(1) * observed.lives.len();
        let asked = rises.chain(newest.checked_sub(1));
        rungs.push(Rung {
            instance,
            signature,
            growth,
            risen: asked
                .filter_map(|life| observed.lives.get(life).map(Process::of))
                .collect(),
            slowed: slowed.collect(),
            reading,
            rate,
            total,
            trend: points.map(|point| count_at(point?, &segments)),
        });
    }
    rungs
}

fn tracks<'a>(scope: &Scope, observed: &'a Observed) -> Vec<Track<'a>> {
    let track = |life: &'a Life| {
        let began = life.rows.first().map_or(scope.since, |row| row.since);
        Track::of_life(&life.course.slots, began)
    };
    observed.lives.iter().map(track).collect()
}

/// The rate over all the time that was seen, as growth per hour is over all of it; what is too short for a rate
/// adds nothing.
fn rate(segments: &[Segment<'_>]) -> Option<Rate> {
    let hours = |segment: &Segment<'_>| segment.span().as_secs_f64() / 3600.0;
    let seen: f64 = segments.iter().map(hours).sum();
    let parts = segments.iter().filter_map(|segment| {
        let rate = theil_sen(segment)?;
        let share = if seen > 0.0 {
            hours(segment) / seen
        } else {
            0.0
        };
        Some(Rate {
            median: rate.median * share,
            low: rate.low.max(0.0) * share,
            high: rate.high * share,
        })
    });
    parts.reduce(|sum, more| Rate {
        median: sum.median + more.median,
        low: sum.low + more.low,
        high: sum.high + more.high,
    })
}

/// One signature in one process; all zeros where it never was.
fn segment<'a>(
    series: Option<SeriesCourse<'a>>,
    track: &'a Track<'a>,
    zeros: &'a [u32],
) -> Segment<'a> {
    let absent = zeros.get(..track.slots().len()).unwrap_or_default();
    Segment {
        track,
        first: series.map_or(0, |series| series.first),
        low: series.map_or(absent, |series| series.low),
        last: series.map_or(absent, |series| series.last),
    }
}

/// Where a point of a trend line lies: which process, and which of its slots.
type Point = (usize, usize);

/// The last slot in each slice. A gap carries the slot before it on: unknown is not zero.
fn points(
    (since, until): (Timestamp, Timestamp),
    lives: &[&Course],
) -> [Option<Point>; TREND_POINTS] {
    let slices = i64::try_from(TREND_POINTS).unwrap_or(1);
    let width = ((until.as_millis() - since.as_millis()) / slices).max(1);
    let mut points = [None; TREND_POINTS];
    let slice_of = |at: Timestamp| {
        usize::try_from((at.as_millis() - since.as_millis()) / width)
            .unwrap_or(0)
            .min(TREND_POINTS - 1)
    };
    for (life, course) in lives.iter().enumerate() {
        for (nth, slot) in course.slots.iter().enumerate() {
            if let Some(point) = points.get_mut(slice_of(slot.last_at)) {
                *point = Some((life, nth));
            }
        }
    }
    let mut known = None;
    for point in &mut points {
        known = point.or(known);
        *point = known;
    }
    points
}

/// The last known count of a signature at a point of its trend line.
fn count_at((life, slot): Point, segments: &[Segment<'_>]) -> Option<u64> {
    let last = segments.get(life)?.last;
    last.get(slot).copied().map(u64::from)
}

/// Adds the trend line of another instance; a slice is known once one of them is.
pub(super) fn add_trend(sum: &mut Trend, trend: &Trend) {
    for (total, point) in sum.iter_mut().zip(trend) {
        if let Some(count) = point {
            *total = Some(total.unwrap_or(0) + count);
        }
    }
}
