//! What groups are like now: states at the last pulse, waits and creators of the newest detail.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{QueryError, Scope};
use crate::model::Labels;
use crate::store::{InstanceRow, Reader, SignatureKey};

/// One signature on one instance, or on several.
#[derive(Debug, Clone, Default)]
pub(super) struct Now {
    /// By wait kind, at the last pulse.
    pub(super) states: BTreeMap<String, u64>,
    /// Its label sets at the last pulse; the empty one is left out.
    pub(super) labels: BTreeSet<Labels>,
    /// Longest wait that the newest detail printed, seconds.
    pub(super) oldest_wait_seconds: Option<u64>,
    /// The commonest creator in the newest detail.
    pub(super) created_by: Option<String>,
    /// Goroutines marked as leaked in the newest detail.
    pub(super) leaked: u64,
}

impl Now {
    /// Adds another instance.
    pub(super) fn add(&mut self, other: &Self) {
        for (state, count) in &other.states {
            *self.states.entry(state.clone()).or_default() += count;
        }
        self.labels.extend(other.labels.iter().cloned());
        self.oldest_wait_seconds = self.oldest_wait_seconds.max(other.oldest_wait_seconds);
        if self.created_by.is_none() {
            self.created_by.clone_from(&other.created_by);
        }
        self.leaked += other.leaked;
    }
}

/// What some signatures are like on an instance. Facts of a process that has died say nothing of its
/// successor: only the newest counts.
pub(super) fn now_on(
    reader: &Reader,
    scope: &Scope,
    instance: &InstanceRow,
    wanted: &HashSet<SignatureKey>,
) -> Result<HashMap<SignatureKey, Now>, QueryError> {
    let mut found: HashMap<SignatureKey, Now> = HashMap::new();
    let lives = reader.incarnations(instance.key)?;
    let newest = lives.iter().rev().find(|life| life.since <= scope.until);
    let Some(life) = newest.filter(|life| life.until.is_none_or(|until| until > scope.since))
    else {
        return Ok(found);
    };
    for (key, group) in reader.last_groups(life.id, scope.since, scope.until, wanted)? {
        let states = group.states.iter();
        let states = states.map(|(state, count)| (state.to_string(), *count));
        let now = found.entry(key).or_default();
        now.states = states.collect();
        now.labels = group.labels;
    }
    let Some(detail) = reader.last_detail(life.id, (scope.since, scope.until), Some(wanted))?
    else {
        return Ok(found);
    };
    for (key, group) in &detail.groups {
        let now = found.entry(*key).or_default();
        now.oldest_wait_seconds = group.oldest_minutes.map(|minutes| minutes * 60);
        now.created_by = group.creator().map(str::to_owned);
        now.leaked = group.leaked;
    }
    Ok(found)
}
