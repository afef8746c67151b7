//! What became of every signature in the window: the working that several questions share.

use std::collections::HashSet;

use super::QueryError;
use super::head::{HeadCount, WindowHead};
use super::parallel::in_parallel;
use super::scope::{Fetched, Observed, Scope, chosen, fetch};
use crate::analyse::{Evidence, Growth, Segment, Verdict, growth, judge, theil_sen};
use crate::model::Timestamp;
use crate::store::{Course, InstanceRow, Reader, SignatureKey};

/// Points of a trend line.
pub(super) const TREND_POINTS: usize = 24;

/// One signature on one instance in the window.
#[derive(Debug, Clone)]
pub(super) struct Rung {
    /// Which of the chosen instances.
    pub(super) instance: usize,
    pub(super) signature: SignatureKey,
    pub(super) growth: Growth,
    pub(super) verdict: Verdict,
    pub(super) evidence: Evidence,
    /// Lower end of the rate's interval, goroutines per hour; `None` with too few pulses.
    pub(super) low: Option<f64>,
    /// Last known count in each slice of the polled time; `None` where nothing was known.
    pub(super) trend: Trend,
}

/// Counts over the polled time, in slices of equal length.
pub(super) type Trend = [Option<u64>; TREND_POINTS];

/// What is asked of the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Climb<'a> {
    pub(super) reader: &'a Reader,
    pub(super) scope: &'a Scope,
    /// Only these signatures.
    pub(super) wanted: Option<&'a HashSet<SignatureKey>>,
}

impl Climb<'_> {
    /// Goes through the window, and hands over every signature on every chosen instance, in the order
    /// of the instances. Memory is bounded: a few instances are unpacked at a time.
    pub(super) fn each(
        &self,
        mut on: impl FnMut(&[InstanceRow], Rung),
    ) -> Result<(WindowHead, Vec<InstanceRow>), QueryError> {
        let Self {
            reader,
            scope,
            wanted,
        } = *self;
        let instances = chosen(reader, scope)?;
        let polled = polled(reader, scope, &instances)?;
        let dictionary = reader.dictionary()?;
        let mut head = HeadCount::new(scope);
        let fetched = instances
            .iter()
            .map(|instance| fetch(reader, scope, instance.clone()));
        let work = |nth: usize, fetched: Fetched| {
            let observed = fetched.unpack(scope, &dictionary, wanted);
            let rungs = rungs(nth, polled, &observed);
            (observed, rungs)
        };
        in_parallel(fetched, work, |_, (observed, rungs)| {
            head.add(scope, &observed);
            for rung in rungs {
                on(&instances, rung);
            }
        })?;
        Ok((head.finish(reader)?, instances))
    }
}

/// The part of the window in which anything was polled: trend lines are drawn over that.
fn polled(
    reader: &Reader,
    scope: &Scope,
    instances: &[InstanceRow],
) -> Result<(Timestamp, Timestamp), QueryError> {
    let mut polled: Option<(Timestamp, Timestamp)> = None;
    for instance in instances {
        for span in reader.due(instance.key, scope.since, scope.until)? {
            let (since, until) = polled.unwrap_or((span.from, span.to));
            polled = Some((since.min(span.from), until.max(span.to)));
        }
    }
    let (since, until) = polled.unwrap_or((scope.since, scope.until));
    Ok((since.max(scope.since), until.min(scope.until)))
}

fn rungs(nth: usize, polled: (Timestamp, Timestamp), observed: &Observed) -> Vec<Rung> {
    let lives = || observed.lives.iter().map(|life| &life.course);
    let mut signatures: Vec<SignatureKey> = lives()
        .flat_map(|course| course.series.keys().copied())
        .collect();
    signatures.sort_unstable();
    signatures.dedup();
    let longest = lives().map(|course| course.slots.len()).max();
    let zeros = vec![0; longest.unwrap_or(0)];
    let mut rungs = Vec::with_capacity(signatures.len());
    for signature in signatures {
        let segments: Vec<Segment<'_>> = lives()
            .map(|course| segment(course, signature, &zeros))
            .collect();
        let (verdict, evidence) = judge(&segments);
        let low = segments
            .iter()
            .filter_map(theil_sen)
            .map(|rate| rate.low.max(0.0));
        rungs.push(Rung {
            instance: nth,
            signature,
            growth: growth(&segments),
            verdict,
            evidence,
            low: low.reduce(f64::max),
            trend: trend(polled, &segments),
        });
    }
    rungs
}

/// One signature in one process; all zeros where it never was.
fn segment<'a>(course: &'a Course, signature: SignatureKey, zeros: &'a [u32]) -> Segment<'a> {
    let absent = zeros.get(..course.slots.len()).unwrap_or_default();
    let series = course.series.get(&signature);
    Segment {
        slots: &course.slots,
        first: series.map_or(0, |series| series.first),
        low: series.map_or(absent, |series| &series.low),
        last: series.map_or(absent, |series| &series.last),
    }
}

/// The last known count in each slice. A gap carries the count before it on: unknown is not zero.
fn trend(polled: (Timestamp, Timestamp), segments: &[Segment<'_>]) -> Trend {
    let points = i64::try_from(TREND_POINTS).unwrap_or(1);
    let (since, until) = (polled.0.as_millis(), polled.1.as_millis());
    let width = ((until - since) / points).max(1);
    let mut slices: Trend = [None; TREND_POINTS];
    let slice_of = |at: Timestamp| {
        usize::try_from((at.as_millis() - since) / width)
            .unwrap_or(0)
            .min(TREND_POINTS - 1)
    };
    for segment in segments {
        for (slot, count) in segment.slots.iter().zip(segment.last) {
            if let Some(slice) = slices.get_mut(slice_of(slot.last_at)) {
                *slice = Some(u64::from(*count));
            }
        }
    }
    let mut known = None;
    for slice in &mut slices {
        known = slice.or(known);
        *slice = known;
    }
    slices
}

/// Adds the trend line of another instance; a slice is known once one of them is.
pub(super) fn add_trend(sum: &mut Trend, trend: &Trend) {
    for (total, point) in sum.iter_mut().zip(trend) {
        if let Some(count) = point {
            *total = Some(total.unwrap_or(0) + count);
        }
    }
}
