//! Groups of dumps that were never stored, bundled by something that they share, and the dumps side by side.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Where;
use super::snapshot::{GroupAnswer, LabelCount, SnapshotAnswer};
use crate::model::{Labels, Signature};

/// What groups of one bundle share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum GroupBy {
    /// All of it: a bundle is a group.
    #[default]
    Signature,
    /// The function to look at.
    Where,
    /// The commonest creator.
    Creator,
    /// The package of the function to look at.
    Package,
    /// The state; a group in two is in two bundles.
    State,
    /// The value of this label; likewise.
    Label(String),
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("signature"),
            Self::Where => f.write_str("where"),
            Self::Creator => f.write_str("creator"),
            Self::Package => f.write_str("package"),
            Self::State => f.write_str("state"),
            Self::Label(name) => write!(f, "label={name}"),
        }
    }
}

/// Groups that share something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bundle {
    /// What they share: digits, a name or a value; empty where there is none.
    pub key: String,
    /// Goroutines in all dumps.
    pub count: u64,
    /// Goroutines in each, in the order of the dumps.
    pub counts: Vec<u64>,
    /// Dumps that have any.
    pub snapshots: usize,
    /// Distinct signatures.
    pub stacks: usize,
    /// By state.
    pub states: BTreeMap<String, u64>,
    /// Longest wait printed. Of a group that is in several bundles it is not known whose it is.
    pub oldest_wait_seconds: Option<u64>,
    /// Marked as leaked by the garbage collector; likewise.
    pub leaked: u64,
    /// The signature that most of them have.
    pub signature: Signature,
    /// Its line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// Its commonest creator.
    pub created_by: Option<String>,
    /// Goroutines by label set.
    pub labels: Vec<LabelCount>,
}

/// A bundle while it grows.
struct Growing<'a> {
    counts: Vec<u64>,
    by_signature: BTreeMap<Signature, (u64, &'a GroupAnswer)>,
    states: BTreeMap<String, u64>,
    oldest_wait_seconds: Option<u64>,
    leaked: u64,
    labels: BTreeMap<&'a Labels, u64>,
}

/// What of a group goes into one bundle.
enum Share<'a> {
    Whole,
    /// So many goroutines in this state.
    State(&'a str, u64),
    /// So many goroutines with these labels, where they have any.
    Labels(Option<&'a Labels>, u64),
}

/// Bundles the groups of these dumps. Those that most dumps have come first, then the largest.
pub fn bundles(snapshots: &[SnapshotAnswer], by: &GroupBy) -> Vec<Bundle> {
    let mut growing: BTreeMap<Cow<'_, str>, Growing<'_>> = BTreeMap::new();
    for (at, snapshot) in snapshots.iter().enumerate() {
        for group in &snapshot.groups {
            for (key, share) in shares(group, by) {
                let bundle = growing.entry(key).or_insert_with(|| Growing {
                    counts: vec![0; snapshots.len()],
                    by_signature: BTreeMap::new(),
                    states: BTreeMap::new(),
                    oldest_wait_seconds: None,
                    leaked: 0,
                    labels: BTreeMap::new(),
                });
                bundle.add(at, group, &share);
            }
        }
    }
    let bundles = growing.into_iter();
    let mut bundles: Vec<Bundle> = bundles
        .filter_map(|(key, bundle)| bundle.done(key))
        .collect();
    // The order of keys stays where these are the same.
    bundles.sort_by_key(|bundle| std::cmp::Reverse((bundle.snapshots, bundle.count)));
    bundles
}

/// In which bundles a group is, and with what of it.
fn shares<'a>(group: &'a GroupAnswer, by: &GroupBy) -> Vec<(Cow<'a, str>, Share<'a>)> {
    let whole = |key: Cow<'a, str>| vec![(key, Share::Whole)];
    match by {
        GroupBy::Signature => whole(group.signature.to_string().into()),
        GroupBy::Where => whole((&group.site.function).into()),
        GroupBy::Creator => whole(group.created_by.as_deref().unwrap_or_default().into()),
        GroupBy::Package => whole(group.site.package().into()),
        GroupBy::State => match group.states.len() {
            0 | 1 => whole(group.states.keys().next().map_or("", String::as_str).into()),
            _ => {
                let states = group.states.iter();
                let share = |(state, count): (&'a String, &u64)| {
                    (Cow::from(state), Share::State(state, *count))
                };
                states.map(share).collect()
            }
        },
        GroupBy::Label(name) => {
            let value = |set: &'a Labels| set.get(name).map_or("", String::as_str).into();
            let labelled: u64 = group.labels.iter().map(|labels| labels.count).sum();
            match (
                group.labels.as_slice(),
                group.count.saturating_sub(labelled),
            ) {
                ([], _) => whole("".into()),
                ([only], 0) => whole(value(&only.set)),
                (several, rest) => {
                    let shares = several.iter();
                    let shares = shares.map(|labels| {
                        let share = Share::Labels(Some(&labels.set), labels.count);
                        (value(&labels.set), share)
                    });
                    let rest = (rest > 0).then(|| (Cow::from(""), Share::Labels(None, rest)));
                    shares.chain(rest).collect()
                }
            }
        }
    }
}

impl<'a> Growing<'a> {
    fn add(&mut self, at: usize, group: &'a GroupAnswer, share: &Share<'a>) {
        let count = match *share {
            Share::Whole => {
                for (state, count) in &group.states {
                    *self.states.entry(state.clone()).or_default() += count;
                }
                for labels in &group.labels {
                    *self.labels.entry(&labels.set).or_default() += labels.count;
                }
                self.oldest_wait_seconds = self.oldest_wait_seconds.max(group.oldest_wait_seconds);
                self.leaked += group.leaked;
                group.count
            }
            Share::State(state, count) => {
                *self.states.entry(state.to_owned()).or_default() += count;
                count
            }
            Share::Labels(set, count) => {
                if let Some(set) = set {
                    *self.labels.entry(set).or_default() += count;
                }
                count
            }
        };
        if let Some(of_snapshot) = self.counts.get_mut(at) {
            *of_snapshot += count;
        }
        let known = self
            .by_signature
            .entry(group.signature)
            .or_insert((0, group));
        known.0 += count;
        // Only full text tells creators, and another dump may be one.
        if known.1.created_by.is_none() {
            known.1 = group;
        }
    }

    fn done(self, key: Cow<'_, str>) -> Option<Bundle> {
        let (_, largest) = self.by_signature.values().max_by_key(|(count, _)| *count)?;
        let labels = self.labels.into_iter();
        let mut labels: Vec<LabelCount> = labels
            .map(|(set, count)| LabelCount {
                set: set.clone(),
                count,
            })
            .collect();
        labels.sort_by_key(|labels| std::cmp::Reverse(labels.count));
        Some(Bundle {
            key: key.into_owned(),
            count: self.counts.iter().sum(),
            snapshots: self.counts.iter().filter(|count| **count > 0).count(),
            counts: self.counts,
            stacks: self.by_signature.len(),
            states: self.states,
            oldest_wait_seconds: self.oldest_wait_seconds,
            leaked: self.leaked,
            signature: largest.signature,
            site: largest.site.clone(),
            created_by: largest.created_by.clone(),
            labels,
        })
    }
}
