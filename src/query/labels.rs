//! Which labels the goroutines of one signature have, and which of them grow.

use std::collections::HashMap;

use serde::Serialize;

use super::scope::SUDDEN_FALL;
use super::{QueryError, Scope};
use crate::model::Labels;
use crate::store::{IncarnationRow, InstanceRow, Reader, SignatureKey};

/// Label sets that are told one by one.
const TOLD: usize = 10;

/// One label set of a signature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelGrowth {
    /// The labels; empty where goroutines have none that are kept.
    pub set: Labels,
    /// Count at the first good pulse of each instance, summed.
    pub first: u64,
    /// Last known count of each instance, summed.
    pub last: u64,
    /// Growth, summed over instances and processes.
    pub growth: i64,
    /// Its part of the growth of all sets that grow, 0 to 1.
    pub share: f64,
}

/// The label sets of a signature that grow most.
#[derive(Debug, Default)]
pub(super) struct LabelSets {
    pub(super) told: Vec<LabelGrowth>,
    /// How many others there are.
    pub(super) more: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    first: u64,
    last: u64,
    growth: i64,
}

/// Reads the label sets of a signature on some instances; none where no labels are kept.
pub(super) fn label_sets<'a>(
    reader: &Reader,
    scope: &Scope,
    instances: impl Iterator<Item = &'a InstanceRow>,
    signature: SignatureKey,
) -> Result<LabelSets, QueryError> {
    let mut sets: HashMap<Labels, Counts> = HashMap::new();
    for instance in instances {
        add_instance(&mut sets, reader, (scope, instance), signature)?;
    }
    if sets.keys().all(Labels::is_empty) {
        return Ok(LabelSets::default());
    }
    let all: i64 = sets.values().map(|counts| counts.growth.max(0)).sum();
    let mut told: Vec<LabelGrowth> = sets
        .into_iter()
        .map(|(set, counts)| LabelGrowth {
            set,
            first: counts.first,
            last: counts.last,
            growth: counts.growth,
            share: share(counts.growth.max(0), all),
        })
        .collect();
    told.sort_by(|a, b| {
        let largest = (b.growth, b.last).cmp(&(a.growth, a.last));
        largest.then_with(|| a.set.cmp(&b.set))
    });
    let more = told.len().saturating_sub(TOLD);
    told.truncate(TOLD);
    Ok(LabelSets { told, more })
}

fn add_instance(
    sets: &mut HashMap<Labels, Counts>,
    reader: &Reader,
    (scope, instance): (&Scope, &InstanceRow),
    signature: SignatureKey,
) -> Result<(), QueryError> {
    let mut lives = reader.incarnations(instance.key)?;
    lives.retain(|life| {
        life.since <= scope.until && life.until.is_none_or(|until| until > scope.since)
    });
    // Where it is not known whether another process followed, that is one.
    let same = |_: &IncarnationRow, next: &IncarnationRow| next.reason == SUDDEN_FALL;
    let (mut begins, mut ends) = (HashMap::new(), HashMap::new());
    for (nth, life) in lives.chunk_by(same).enumerate() {
        let (Some(begin), Some(end)) = (life.first(), life.last()) else {
            continue;
        };
        let window = (scope.since, scope.until);
        let [first, mut last] = reader.label_counts(begin.id, window, signature)?;
        if end.id != begin.id {
            [_, last] = reader.label_counts(end.id, window, signature)?;
        }
        for (set, count) in &first {
            sets.entry(set.clone()).or_default().growth -= count.cast_signed();
        }
        for (set, count) in &last {
            sets.entry(set.clone()).or_default().growth += count.cast_signed();
        }
        if nth == 0 {
            begins = first;
        }
        ends = last;
    }
    for (set, count) in begins {
        sets.entry(set).or_default().first += count;
    }
    for (set, count) in ends {
        sets.entry(set).or_default().last += count;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn share(part: i64, all: i64) -> f64 {
    if all > 0 {
        part as f64 / all as f64
    } else {
        0.0
    }
}
