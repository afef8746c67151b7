//! How the goroutines of growing signatures fared, from one detail to the next.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::judged::Subject;
use super::{QueryError, Scope};
use crate::analyse::{DetailLook, Survival};
use crate::model::Thresholds;
use crate::store::{Detail, Reader, SignatureKey};

/// Processes whose details are read for one signature; those where it grows most.
const MOST_PROCESSES: usize = 16;

/// Of the signatures of one service whose floors rise: how their goroutines fared in the processes where they do.
pub(super) fn survivals(
    reader: &Reader,
    scope: &Scope,
    subjects: &BTreeMap<SignatureKey, Subject>,
    thresholds: &Thresholds,
) -> Result<HashMap<SignatureKey, Survival>, QueryError> {
    let mut processes: BTreeMap<i64, HashSet<SignatureKey>> = BTreeMap::new();
    for (key, subject) in subjects {
        let mut risen: Vec<_> = subject.risen(thresholds).collect();
        risen.sort_by(|(a, _), (b, _)| b.rise.floor.growth().total_cmp(&a.rise.floor.growth()));
        for (_, process) in risen.into_iter().take(MOST_PROCESSES) {
            // Where it is not known whether a process ended, ids tell nothing across that moment.
            if let [incarnation] = process.incarnations.as_slice() {
                let wanted = processes.entry(*incarnation).or_default();
                wanted.insert(*key);
            }
        }
    }
    let mut found: HashMap<SignatureKey, Survival> = HashMap::new();
    for (incarnation, wanted) in processes {
        let window = (scope.since, scope.until);
        let mut details = reader.details(incarnation, window, Some(&wanted))?;
        details.reverse();
        for key in wanted {
            found
                .entry(key)
                .or_default()
                .add(Survival::of(&looks(&details, key)));
        }
    }
    Ok(found)
}

/// What details in order of time say of one signature.
fn looks(details: &[Detail], key: SignatureKey) -> Vec<DetailLook> {
    /// Ids that are sampled of each group.
    const SAMPLE: u64 = 32;
    let Some(first) = details.first().map(|detail| detail.at) else {
        return Vec::new();
    };
    let mut before = 0;
    let look = |detail: &Detail| {
        let group = detail.groups.get(&key);
        let count = group.map_or(0, |group| group.count);
        let survival = match group {
            Some(group) => group.survival,
            // All that there were have ended.
            None => u32::try_from(before.min(SAMPLE))
                .ok()
                .map(|sampled| (sampled, 0)),
        };
        before = count;
        DetailLook {
            hour: detail.at.since(first).as_secs_f64() / 3600.0,
            count,
            survival,
        }
    };
    details.iter().map(look).collect()
}
