//! The groups of a snapshot as a person reads them: one a signature.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{Labels, Signature, Snapshot, Stack};

/// All goroutines of one snapshot with one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureGroup {
    /// Their identity.
    pub signature: Signature,
    /// The stack that most of them have.
    pub stack: Arc<Stack>,
    /// Goroutines.
    pub count: u64,
    /// By state.
    pub states: BTreeMap<Arc<str>, u64>,
    /// By wait kind.
    pub wait_kinds: BTreeMap<Arc<str>, u64>,
    /// By label set; the empty set is left out.
    pub labels: BTreeMap<Arc<Labels>, u64>,
    /// Longest wait printed, minutes.
    pub oldest_minutes: Option<u64>,
    /// The commonest creating function.
    pub created_by: Option<Arc<str>>,
    /// Goroutines that the garbage collector has marked as leaked.
    pub leaked: u64,
}

/// Merges stacks that differ in lines and hidden frames only. Largest first, then by signature.
pub fn by_signature(snapshot: &Snapshot) -> Vec<SignatureGroup> {
    let mut index: FxHashMap<Signature, usize> = FxHashMap::default();
    let mut merged: Vec<(SignatureGroup, u64, BTreeMap<Arc<str>, u64>)> = Vec::new();
    for group in &snapshot.groups {
        let at = *index.entry(group.signature).or_insert_with(|| {
            merged.push((empty(group.signature, &group.stack), 0, BTreeMap::new()));
            merged.len() - 1
        });
        let Some((whole, largest, creators)) = merged.get_mut(at) else {
            continue;
        };
        whole.count += group.count;
        whole.leaked += group.leaked;
        whole.oldest_minutes = whole.oldest_minutes.max(group.oldest_minutes);
        for split in &group.splits {
            *whole.states.entry(Arc::clone(&split.state)).or_default() += split.count;
            *whole.wait_kinds.entry(Arc::clone(&split.kind)).or_default() += split.count;
            if !split.labels.is_empty() {
                *whole.labels.entry(Arc::clone(&split.labels)).or_default() += split.count;
            }
        }
        for (creator, count) in &group.creators {
            if let Some(creator) = creator {
                *creators.entry(Arc::clone(creator)).or_default() += count;
            }
        }
        if group.count > *largest {
            *largest = group.count;
            whole.stack = Arc::clone(&group.stack);
        }
    }
    let mut groups: Vec<SignatureGroup> = merged
        .into_iter()
        .map(|(mut group, _, creators)| {
            group.created_by = creators
                .into_iter()
                .max_by_key(|(_, count)| *count)
                .map(|(name, _)| name);
            group
        })
        .collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then(a.signature.cmp(&b.signature)));
    groups
}

fn empty(signature: Signature, stack: &Arc<Stack>) -> SignatureGroup {
    SignatureGroup {
        signature,
        stack: Arc::clone(stack),
        count: 0,
        states: BTreeMap::new(),
        wait_kinds: BTreeMap::new(),
        labels: BTreeMap::new(),
        oldest_minutes: None,
        created_by: None,
        leaked: 0,
    }
}
