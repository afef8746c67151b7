//! The answer of `snapshot`: one dump, or several, that were never stored.
//!
//! The caller reads the dump; here it becomes the shape of the JSON contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{Bundle, GroupBy, Where, bundles};
use crate::group::{SignatureGroup, by_signature};
use crate::model::{Complaint, Form, Labels, Signature, Snapshot, Timestamp};

/// One dump.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SnapshotAnswer {
    /// Always `goroscope.snapshot/v1`.
    pub schema: &'static str,
    /// Target or file.
    pub source: String,
    /// When it was read.
    pub taken_at: Timestamp,
    /// The form found.
    pub form: Form,
    /// Goroutines in the dump: groups, own and complaints add up to it.
    pub goroutines: u64,
    /// The goroutine that wrote the dump, left out of the groups.
    pub own: u64,
    /// Cut off by the target.
    pub truncated: bool,
    /// What could not be read.
    pub complaints: Vec<Complaint>,
    /// What a reader of the numbers should know.
    pub notes: Vec<String>,
    /// Goroutines by state.
    pub states: BTreeMap<String, u64>,
    /// The largest first.
    pub groups: Vec<GroupAnswer>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupAnswer {
    /// Its identity.
    pub signature: Signature,
    /// Goroutines.
    pub count: u64,
    /// By state, as Go printed it.
    pub states: BTreeMap<String, u64>,
    /// By wait kind: the same words in every form and Go version.
    pub wait_kinds: BTreeMap<String, u64>,
    /// Longest wait printed.
    pub oldest_wait_seconds: Option<u64>,
    /// Marked as leaked by the garbage collector.
    pub leaked: u64,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// The commonest creator.
    pub created_by: Option<String>,
    /// Goroutines by label set.
    pub labels: Vec<LabelCount>,
    /// Leaf first.
    pub frames: Vec<Where>,
}

/// Goroutines with one label set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelCount {
    /// The labels.
    pub set: Labels,
    /// Goroutines.
    pub count: u64,
}

/// Several dumps, and what could not be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SnapshotsAnswer {
    /// Always `goroscope.snapshots/v1`.
    pub schema: &'static str,
    /// Those that were read.
    pub snapshots: Vec<SnapshotAnswer>,
    /// Those that were not.
    pub failed: Vec<FailedSource>,
    /// What the groups are bundled by: `signature`, `where`, `creator`, `package`, `state` or `label=NAME`.
    pub group_by: String,
    /// The groups of all dumps side by side.
    pub bundles: Vec<Bundle>,
    /// The same as `group_by`, to bundle the groups of one dump.
    #[serde(skip)]
    pub by: GroupBy,
    /// Rows that a table shows; 0 for all.
    #[serde(skip)]
    pub top: usize,
    /// For people each dump has a table of its own.
    #[serde(skip)]
    pub apart: bool,
}

/// One dump whose groups are bundled by something else than their signature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BundledAnswer<'a> {
    /// The dump, as it is told without.
    #[serde(flatten)]
    pub snapshot: &'a SnapshotAnswer,
    /// As in [`SnapshotsAnswer`].
    pub group_by: &'a str,
    /// As in [`SnapshotsAnswer`].
    pub bundles: &'a [Bundle],
}

/// Puts dumps side by side.
pub fn side_by_side(
    snapshots: Vec<SnapshotAnswer>,
    failed: Vec<FailedSource>,
    by: GroupBy,
) -> SnapshotsAnswer {
    SnapshotsAnswer {
        schema: "goroscope.snapshots/v1",
        group_by: by.to_string(),
        bundles: bundles(&snapshots, &by),
        snapshots,
        failed,
        by,
        top: 0,
        apart: false,
    }
}

/// A target or file that gave no dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedSource {
    /// Which.
    pub source: String,
    /// Why, and what to do.
    pub error: String,
}

/// Shapes one dump.
pub fn answer(source: String, taken_at: Timestamp, snapshot: &Snapshot) -> SnapshotAnswer {
    let groups: Vec<GroupAnswer> = by_signature(snapshot).into_iter().map(group).collect();
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for (state, count) in groups.iter().flat_map(|group| &group.states) {
        *states.entry(state.clone()).or_default() += count;
    }
    SnapshotAnswer {
        schema: "goroscope.snapshot/v1",
        source,
        taken_at,
        form: snapshot.form,
        goroutines: snapshot.goroutines,
        own: snapshot.own,
        truncated: snapshot.truncated,
        complaints: complaints(snapshot),
        notes: snapshot.notes.clone(),
        states,
        groups,
    }
}

/// The complaints; those beyond the list of the snapshot are drawn together in a last one.
fn complaints(snapshot: &Snapshot) -> Vec<Complaint> {
    let mut complaints = snapshot.complaints.clone();
    let listed: u64 = complaints
        .iter()
        .map(|complaint| complaint.goroutines)
        .sum();
    if listed < snapshot.complained {
        let line = complaints.last().map_or(0, |last| last.line);
        let what = "further goroutines behind this line that cannot be read".to_owned();
        complaints.push(Complaint {
            line,
            what,
            goroutines: snapshot.complained - listed,
        });
    }
    complaints
}

fn named(counts: &BTreeMap<Arc<str>, u64>) -> BTreeMap<String, u64> {
    let named = counts
        .iter()
        .map(|(name, count)| (name.to_string(), *count));
    named.collect()
}

fn group(group: SignatureGroup) -> GroupAnswer {
    let frames: Vec<Where> = group.stack.frames.iter().map(Where::from).collect();
    let nowhere = || Where {
        function: String::new(),
        file: String::new(),
        line: 0,
    };
    GroupAnswer {
        signature: group.signature,
        count: group.count,
        states: named(&group.states),
        wait_kinds: named(&group.wait_kinds),
        oldest_wait_seconds: group
            .oldest_minutes
            .map(|minutes| minutes.saturating_mul(60)),
        leaked: group.leaked,
        site: group.stack.site().map_or_else(nowhere, Where::from),
        created_by: group.created_by.map(|name| name.to_string()),
        labels: group
            .labels
            .into_iter()
            .map(|(set, count)| LabelCount {
                set: Labels::clone(&set),
                count,
            })
            .collect(),
        frames,
    }
}
