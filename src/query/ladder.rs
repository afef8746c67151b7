//! What became of every signature in the window: the working that several questions share.

use std::collections::{BTreeMap, HashSet};

use super::QueryError;
use super::head::HeadCount;
use super::head::WindowHead;
use super::scope::{Life, Observed, Scope, chosen, observe};
use crate::analyse::{Evidence, Growth, Segment, Verdict, growth, judge, theil_sen};
use crate::model::Timestamp;
use crate::store::{InstanceRow, Reader, SignatureKey};

/// Points of a trend line.
pub(super) const TREND_POINTS: usize = 24;

/// One signature on one instance in the window.
#[derive(Debug, Clone)]
pub(super) struct Rung {
    pub(super) service: String,
    pub(super) address: String,
    pub(super) signature: SignatureKey,
    pub(super) growth: Growth,
    pub(super) verdict: Verdict,
    pub(super) evidence: Evidence,
    /// Lower end of the rate's interval, goroutines per hour; `None` with too few pulses.
    pub(super) low: Option<f64>,
    /// By state, at the last pulse that it was present at.
    pub(super) states: BTreeMap<String, u64>,
    /// Longest wait that the newest detail printed, seconds.
    pub(super) oldest_wait_seconds: Option<u64>,
    /// The commonest creator in the newest detail.
    pub(super) created_by: Option<String>,
    /// Goroutines marked as leaked in the newest detail.
    pub(super) leaked: u64,
    /// Last known count in each slice of the polled time; `None` where nothing was known.
    pub(super) trend: Vec<Option<u64>>,
}

/// Every signature on every chosen instance, and the head of the answer.
#[derive(Debug)]
pub(super) struct Ladder {
    pub(super) head: WindowHead,
    pub(super) rungs: Vec<Rung>,
}

/// Climbs through the window, one instance at a time.
pub(super) fn climb(
    reader: &Reader,
    scope: &Scope,
    wanted: Option<&HashSet<SignatureKey>>,
) -> Result<Ladder, QueryError> {
    let mut head = HeadCount::new(scope);
    let mut rungs = Vec::new();
    let chosen = chosen(reader, scope)?;
    let polled = polled(reader, scope, &chosen)?;
    for instance in chosen {
        let observed = observe(reader, scope, instance, wanted)?;
        head.add(scope, &observed);
        add_rungs(reader, scope, polled, &observed, &mut rungs)?;
    }
    Ok(Ladder {
        head: head.finish(reader)?,
        rungs,
    })
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

fn add_rungs(
    reader: &Reader,
    scope: &Scope,
    polled: (Timestamp, Timestamp),
    observed: &Observed,
    rungs: &mut Vec<Rung>,
) -> Result<(), QueryError> {
    let signatures: HashSet<SignatureKey> = observed
        .lives
        .iter()
        .flat_map(|life| life.window.counts.keys().copied())
        .collect();
    // Facts of a process that has died say nothing of its successor.
    let detail = match observed.lives.last() {
        Some(life) => reader.last_detail(life.row.id, scope.since, scope.until)?,
        None => None,
    };
    let zeros: Vec<Vec<u32>> = observed
        .lives
        .iter()
        .map(|life| vec![0; life.window.ticks.len()])
        .collect();
    for signature in signatures {
        let segments: Vec<Segment<'_>> = observed
            .lives
            .iter()
            .zip(&zeros)
            .map(|(life, zeros)| segment(life, signature, zeros))
            .collect();
        let (verdict, evidence) = judge(&segments);
        let detail = detail
            .as_ref()
            .and_then(|detail| detail.groups.get(&signature));
        let created_by = detail.and_then(|group| group.creator());
        let low = segments
            .iter()
            .filter_map(theil_sen)
            .map(|rate| rate.low.max(0.0));
        rungs.push(Rung {
            service: observed.instance.service.clone(),
            address: observed.instance.name.clone(),
            signature,
            growth: growth(&segments),
            verdict,
            evidence,
            low: low.reduce(f64::max),
            states: states(&observed.lives, signature),
            oldest_wait_seconds: detail
                .and_then(|group| group.oldest_minutes)
                .map(|m| m * 60),
            created_by: created_by.map(str::to_owned),
            leaked: detail.map_or(0, |group| group.leaked),
            trend: trend(polled, &segments),
        });
    }
    Ok(())
}

/// The column of a signature in one process; all zeros where it never was.
pub(super) fn segment<'a>(
    life: &'a Life,
    signature: SignatureKey,
    zeros: &'a [u32],
) -> Segment<'a> {
    let counts = life
        .window
        .counts
        .get(&signature)
        .map_or(zeros, Vec::as_slice);
    Segment {
        ticks: &life.window.ticks,
        counts,
    }
}

/// The states at the last pulse of the process that lives now; none when it is absent there.
fn states(lives: &[Life], signature: SignatureKey) -> BTreeMap<String, u64> {
    let present = |life: &&Life| {
        let counts = life.window.counts.get(&signature);
        counts.and_then(|counts| counts.last()) > Some(&0)
    };
    let newest = lives.last().filter(present);
    newest
        .and_then(|life| life.window.states.get(&signature))
        .map(|(_, states)| states)
        .into_iter()
        .flatten()
        .map(|(state, count)| (state.to_string(), *count))
        .collect()
}

/// The last known count in each slice. A gap carries the count before it on: unknown is not zero.
fn trend(polled: (Timestamp, Timestamp), segments: &[Segment<'_>]) -> Vec<Option<u64>> {
    let points = i64::try_from(TREND_POINTS).unwrap_or(1);
    let (since, until) = (polled.0.as_millis(), polled.1.as_millis());
    let width = ((until - since) / points).max(1);
    let mut slices: Vec<Option<u64>> = vec![None; TREND_POINTS];
    let slice_of = |tick: &Timestamp| {
        usize::try_from((tick.as_millis() - since) / width)
            .unwrap_or(0)
            .min(TREND_POINTS - 1)
    };
    for segment in segments {
        for (tick, count) in segment.ticks.iter().zip(segment.counts) {
            if let Some(slot) = slices.get_mut(slice_of(tick)) {
                *slot = Some(u64::from(*count));
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

/// Adds trend lines of several instances; a slice is known once one of them is.
pub(super) fn add_trends<'a>(
    trends: impl Iterator<Item = &'a Vec<Option<u64>>>,
) -> Vec<Option<u64>> {
    let mut sum: Vec<Option<u64>> = vec![None; TREND_POINTS];
    for trend in trends {
        for (total, point) in sum.iter_mut().zip(trend) {
            if let Some(count) = point {
                *total = Some(total.unwrap_or(0) + count);
            }
        }
    }
    sum
}

/// Rungs by service and signature, in a fixed order.
pub(super) fn by_service(rungs: &[Rung]) -> BTreeMap<(&str, SignatureKey), Vec<&Rung>> {
    let mut rows: BTreeMap<(&str, SignatureKey), Vec<&Rung>> = BTreeMap::new();
    for rung in rungs {
        rows.entry((&rung.service, rung.signature))
            .or_default()
            .push(rung);
    }
    rows
}
