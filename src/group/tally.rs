//! Groups built up as goroutines are read.
//!
//! A goroutine whose stack is known costs one hash and no allocation; memory grows with the number
//! of groups, not with the dump.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::told::write_identity;
use super::{StackBook, Survivors, wait};
use crate::dump::{Event, Facts, Goroutines, RawFrame, RawLabels};
use crate::model::{
    Complaint, Group, Labels, Signature, Snapshot, Split, snapshot::WAIT_BUCKET_EDGES,
};

/// Label sets kept per signature; further goroutines count under [`OTHER`].
const MAX_LABEL_SETS: usize = 64;
/// States and creators kept per group.
const MAX_NAMES: usize = 64;
/// Complaints kept word for word; all are counted.
const MAX_COMPLAINTS: usize = 100;
/// Bytes of names that the stacks of one dump may take; goroutines of further stacks are a complaint.
const MAX_STACK_BYTES: usize = 256 << 20;
/// Where states, creators and label sets beyond the limits are counted.
const OTHER: &str = "(other)";

/// Which pprof labels a tally keeps.
#[derive(Debug, Clone, Copy)]
pub enum KeepLabels<'a> {
    /// Every key: one dump, looked at by a person.
    All,
    /// Only these keys: labels can hold user data and explode.
    Keys(&'a [String]),
}

/// Builds one snapshot.
#[derive(Debug)]
pub struct Tally<'a> {
    book: &'a StackBook,
    keep: KeepLabels<'a>,
    survivors: Option<&'a mut Survivors>,
    index: FxHashMap<u128, usize>,
    /// The groups of the stacks that the reader has numbered; `None` where there were too many.
    numbered: FxHashMap<usize, Option<usize>>,
    groups: Vec<Group>,
    label_sets: FxHashMap<Signature, Vec<Arc<Labels>>>,
    no_labels: Arc<Labels>,
    other_labels: Arc<Labels>,
    scratch: Vec<u8>,
    stack_bytes: usize,
    goroutines: u64,
    own: u64,
    complaints: Vec<Complaint>,
    complained: u64,
    merged_labels: u64,
}

impl<'a> Tally<'a> {
    /// An empty tally. With `survivors`, goroutine ids are held against the previous detail.
    pub fn new(
        book: &'a StackBook,
        keep: KeepLabels<'a>,
        survivors: Option<&'a mut Survivors>,
    ) -> Self {
        Self {
            book,
            keep,
            survivors,
            index: FxHashMap::default(),
            numbered: FxHashMap::default(),
            groups: Vec::new(),
            label_sets: FxHashMap::default(),
            no_labels: Arc::default(),
            other_labels: Arc::new([(OTHER.to_owned(), OTHER.to_owned())].into()),
            scratch: Vec::new(),
            stack_bytes: 0,
            goroutines: 0,
            own: 0,
            complaints: Vec::new(),
            complained: 0,
            merged_labels: 0,
        }
    }

    /// Counts what was read.
    pub fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Goroutines(found) => self.count(&found),
            Event::Complaint(complaint) => self.complain(complaint),
            Event::Dump { .. } => {}
        }
    }

    fn complain(&mut self, complaint: Complaint) {
        self.goroutines = self.goroutines.saturating_add(complaint.goroutines);
        self.complained = self.complained.saturating_add(complaint.goroutines);
        self.note_complaint(complaint);
    }

    fn note_complaint(&mut self, complaint: Complaint) {
        if self.complaints.len() < MAX_COMPLAINTS {
            self.complaints.push(complaint);
        }
    }

    fn count(&mut self, found: &Goroutines<'_>) {
        if found.count == 0 {
            return;
        }
        self.goroutines = self.goroutines.saturating_add(found.count);
        let mut count = found.count;
        if self.own == 0 && is_own(found) {
            self.own = 1;
            count -= 1;
            if count == 0 {
                return;
            }
        }
        let Some(at) = self.group_by_number(found) else {
            self.complained = self.complained.saturating_add(count);
            self.note_complaint(Complaint {
                line: 0,
                what: "more distinct stacks than are kept of one dump".to_owned(),
                goroutines: count,
            });
            return;
        };
        let signature = match self.groups.get(at) {
            Some(group) => group.signature,
            None => return,
        };
        let labels = self.labels_of(signature, found.labels);
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        group.count = group.count.saturating_add(count);
        count_split(group, self.book, found, labels, count);
        if let Some(block) = found.block {
            if let Some(waits) = &mut group.waits {
                let bucket = block.minutes.map_or(0, bucket_of);
                if let Some(slot) = waits.get_mut(bucket) {
                    *slot += 1;
                }
            }
            group.oldest_minutes = group.oldest_minutes.max(block.minutes);
            group.leaked += u64::from(block.leaked);
            count_creator(group, self.book, block.creator);
            if let Some(survivors) = &mut self.survivors {
                survivors.see(block.id, signature);
            }
        }
    }

    /// The index of the group with this stack, by its number where that came before.
    fn group_by_number(&mut self, found: &Goroutines<'_>) -> Option<usize> {
        let Some(number) = found.stack else {
            return self.group_of(found);
        };
        if let Some(known) = self.numbered.get(&number) {
            return *known;
        }
        let group = self.group_of(found);
        self.numbered.insert(number, group);
        group
    }

    /// The index of the group with this stack, which is made when it is new; `None` when there are
    /// too many.
    fn group_of(&mut self, found: &Goroutines<'_>) -> Option<usize> {
        let hash = self.hash(found);
        if let Some(at) = self.index.get(&hash) {
            return Some(*at);
        }
        if self.stack_bytes + self.scratch.len() > MAX_STACK_BYTES {
            return None;
        }
        self.stack_bytes += self.scratch.len();
        let stack = self
            .book
            .stack(hash, found.frames, found.elision, found.cut);
        self.groups.push(Group {
            signature: stack.signature,
            stack,
            count: 0,
            splits: Vec::new(),
            waits: found.block.map(|_| [0; 5]),
            oldest_minutes: None,
            creators: Vec::new(),
            leaked: 0,
            survival: None,
        });
        let at = self.groups.len() - 1;
        self.index.insert(hash, at);
        Some(at)
    }

    /// XXH3-128 over the frames as read; the identity of a stack in the database.
    fn hash(&mut self, found: &Goroutines<'_>) -> u128 {
        write_identity(&mut self.scratch, found.frames, found.elision, found.cut);
        xxh3_128(&self.scratch)
    }

    fn labels_of(&mut self, signature: Signature, raw: Option<RawLabels<'_>>) -> Arc<Labels> {
        let Some(raw) = raw else {
            return Arc::clone(&self.no_labels);
        };
        let labels = match self.keep {
            KeepLabels::Keys([]) => return Arc::clone(&self.no_labels),
            KeepLabels::All => raw.to_map(),
            KeepLabels::Keys(keys) => {
                let mut labels = raw.to_map();
                labels.retain(|key, _| keys.contains(key));
                labels
            }
        };
        if labels.is_empty() {
            return Arc::clone(&self.no_labels);
        }
        let sets = self.label_sets.entry(signature).or_default();
        if let Some(known) = sets.iter().find(|known| ***known == labels) {
            return Arc::clone(known);
        }
        if sets.len() >= MAX_LABEL_SETS {
            self.merged_labels += 1;
            return Arc::clone(&self.other_labels);
        }
        let labels = Arc::new(labels);
        sets.push(Arc::clone(&labels));
        labels
    }

    /// Ends the dump.
    pub fn finish(mut self, facts: Facts) -> Snapshot {
        if let Some(survivors) = self.survivors {
            let first = !survivors.has_previous();
            let by_signature = survivors.turn();
            for group in self.groups.iter_mut().filter(|_| !first) {
                group.survival = by_signature.get(&group.signature).copied();
            }
        }
        let mut notes = Vec::new();
        if facts.truncated {
            notes.push("the dump breaks off: goroutines behind its end are missing".to_owned());
        }
        if self.merged_labels > 0 {
            notes.push(format!(
                "label sets beyond {MAX_LABEL_SETS} of a signature count as {OTHER} ({} merged)",
                self.merged_labels
            ));
        }
        Snapshot {
            form: facts.form,
            goroutines: self.goroutines,
            own: self.own,
            truncated: facts.truncated,
            complaints: self.complaints,
            complained: self.complained,
            notes,
            groups: self.groups,
            process: facts.process,
        }
    }
}

/// Whether this is the goroutine that wrote the dump: it runs in `runtime/pprof`, parked nowhere.
fn is_own(found: &Goroutines<'_>) -> bool {
    if found.block.is_some_and(|block| block.state != b"running") {
        return false;
    }
    let program = |frame: &&RawFrame<'_>| !frame.function.starts_with(b"runtime.");
    found
        .frames
        .first()
        .is_some_and(|leaf| leaf.function != b"runtime.gopark")
        && found.frames.iter().find(program).is_some_and(|leaf| {
            leaf.function.starts_with(b"runtime/pprof.writeGoroutine")
                || leaf
                    .function
                    .starts_with(b"runtime/pprof.writeRuntimeProfile")
                || leaf
                    .function
                    .starts_with(b"runtime/pprof.runtime_goroutine")
                || leaf.function.starts_with(b"runtime/pprof.pprof_goroutine")
        })
}

fn bucket_of(minutes: u64) -> usize {
    WAIT_BUCKET_EDGES
        .iter()
        .take_while(|edge| minutes >= **edge)
        .count()
}

fn count_split(
    group: &mut Group,
    book: &StackBook,
    found: &Goroutines<'_>,
    labels: Arc<Labels>,
    count: u64,
) {
    let state = match found.block {
        Some(block) => block.state,
        None => wait::kind(found.frames, found.leaf_hidden).as_bytes(),
    };
    let matches = |split: &&mut Split| {
        split.state.as_bytes() == state
            && (Arc::ptr_eq(&split.labels, &labels) || split.labels == labels)
    };
    if let Some(split) = group.splits.iter_mut().find(matches) {
        split.count = split.count.saturating_add(count);
        return;
    }
    let full = group.splits.len() >= MAX_NAMES * 2;
    let state = book.name(if full { OTHER.as_bytes() } else { state });
    if full && let Some(split) = group.splits.iter_mut().find(|split| split.state == state) {
        split.count = split.count.saturating_add(count);
        return;
    }
    // The frames of a stack that came before are with its group only.
    let functions = group
        .stack
        .frames
        .iter()
        .map(|frame| frame.function.as_bytes());
    let kind = wait::kind_of_state(&state, functions);
    let kind = book.name(kind.as_bytes());
    group.splits.push(Split {
        state,
        kind,
        labels,
        count,
    });
}

fn count_creator(group: &mut Group, book: &StackBook, creator: Option<&[u8]>) {
    let matches =
        |(known, _): &&mut (Option<Arc<str>>, u64)| known.as_deref().map(str::as_bytes) == creator;
    if let Some((_, count)) = group.creators.iter_mut().find(matches) {
        *count += 1;
        return;
    }
    if group.creators.len() < MAX_NAMES {
        group
            .creators
            .push((creator.map(|name| book.name(name)), 1));
        return;
    }
    let other = book.name(OTHER.as_bytes());
    let known = group
        .creators
        .iter_mut()
        .find(|(name, _)| name.as_ref() == Some(&other));
    match known {
        Some((_, count)) => *count += 1,
        None => group.creators.push((Some(other), 1)),
    }
}
