//! The groups of a look.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::Mistake;
use super::cursor::Cursor;
use super::frame::{Creators, FrameText};
use super::rote::{Frames, Known, Rote};
use super::unknown::Unknown;
use crate::group::{FullStacks, StackBook, kind_of_stack};
use crate::model::{Elision, Group, Labels, Signature, Split, Stack, Survival};

/// Stacks of fewer frames have no cut ones.
const DEEP: usize = 20;
/// Label sets that are known by rote.
const MAX_LABELS: usize = 100_000;

type Result<T> = std::result::Result<T, Mistake>;

/// Reads groups; remembers what came before.
#[derive(Debug, Default)]
pub(super) struct Groups {
    rote: Rote,
    labels: FxHashMap<Box<str>, Arc<Labels>>,
    no_labels: Arc<Labels>,
    /// Counts the lines.
    nth: u64,
    /// Groups of the line before.
    usual: usize,
}

/// One group, as written.
#[derive(Default)]
struct GroupLine<'a> {
    frames: Option<Frames<'a>>,
    elided_after: Option<u64>,
    elided_frames: Option<u64>,
    cut: bool,
    signature: Option<Signature>,
    count: Option<u64>,
    has_states: bool,
    kinds: Option<FxHashMap<String, String>>,
    labels: Option<Cursor<'a>>,
    oldest_seconds: Option<u64>,
    waits: Option<[u64; 5]>,
    created_by: Option<Creators>,
    leaked: u64,
    survival: Option<Survival>,
}

impl GroupLine<'_> {
    /// Adds what only a detail can know; whether there was any.
    fn add_detail(self, book: &StackBook, group: &mut Group) -> bool {
        let tells = self.oldest_seconds.is_some()
            || self.waits.is_some()
            || self.created_by.as_ref().is_some_and(Creators::tells)
            || self.leaked > 0
            || self.survival.is_some();
        let minutes = self.oldest_seconds.map(|seconds| seconds / 60);
        group.oldest_minutes = group.oldest_minutes.max(minutes);
        group.leaked = group.leaked.saturating_add(self.leaked);
        group.survival = group.survival.or(self.survival);
        if let Some(waits) = self.waits {
            let sums = group.waits.get_or_insert([0; 5]);
            for (sum, bucket) in sums.iter_mut().zip(waits) {
                *sum = sum.saturating_add(bucket);
            }
        }
        if let Some(creators) = self.created_by {
            let count = self.count.unwrap_or_default();
            group.creators.extend(shared(creators, book, count));
        }
        tells
    }
}

/// The most goroutines of a group: answers hold counts in 32 bits.
const MOST: u64 = u32::MAX as u64;

/// A state and its count.
type State<'a> = (Cow<'a, str>, u64);

/// What is read of the groups of a line.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) groups: Vec<Group>,
    /// Some group tells what only a detail can know.
    pub(super) is_detailed: bool,
    /// Places of groups whose stacks are the tops of full ones, which ones is not told.
    unresolved: Vec<usize>,
    /// Some stack is so deep that others may be cut off from it.
    is_deep: bool,
}

impl Read {
    /// Whether the full stacks of the service matter.
    pub(super) const fn is_deep(&self) -> bool {
        self.is_deep
    }

    /// Learns the full stacks of the service, and finds what cut ones count as.
    pub(super) fn resolve(&mut self, full: &mut FullStacks) {
        for group in &self.groups {
            full.learn(&group.stack);
        }
        for at in std::mem::take(&mut self.unresolved) {
            if let Some(group) = self.groups.get_mut(at) {
                group.signature = full.resolve(&group.stack);
            }
        }
    }
}

impl Groups {
    /// Reads the array of groups that the cursor is at.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>, unknown: &mut Unknown) -> Result<Read> {
        self.nth += 1;
        self.rote.begin_line();
        // Each line has its own: a count that two threads changed for every group would slow both.
        self.no_labels = Arc::default();
        let mut read = Read::default();
        read.groups.reserve(self.usual);
        let mut states = Vec::new();
        cursor.array(|cursor| {
            let begin = cursor.at();
            let mut line = GroupLine::default();
            states.clear();
            cursor.object(|cursor, key, _| match &**key {
                "states" => {
                    line.has_states = true;
                    take_states(cursor, &mut states)
                }
                _ => self.field(&mut line, key, cursor, unknown),
            })?;
            self.add(line, &states, begin, &mut read)
        })?;
        self.usual = read.groups.len();
        Ok(read)
    }

    /// The stack of these frames.
    pub(super) fn stack(
        &self,
        frames: &[FrameText],
        elision: Option<Elision>,
        cut: bool,
    ) -> Arc<Stack> {
        self.rote.stack(frames, elision, cut)
    }

    /// One shared copy of the label set that the cursor is at.
    pub(super) fn labels(&mut self, mut cursor: Cursor<'_>) -> Result<Arc<Labels>> {
        let mut value = cursor;
        let text = cursor.value()?;
        if let Some(known) = self.labels.get(text) {
            return Ok(Arc::clone(known));
        }
        let labels: Labels = value.parsed()?;
        if labels.is_empty() {
            return Ok(Arc::clone(&self.no_labels));
        }
        if self.labels.len() >= MAX_LABELS {
            self.labels.clear();
        }
        let labels = Arc::new(labels);
        self.labels.insert(text.into(), Arc::clone(&labels));
        Ok(labels)
    }

    fn field<'a>(
        &mut self,
        line: &mut GroupLine<'a>,
        key: &str,
        cursor: &mut Cursor<'a>,
        unknown: &mut Unknown,
    ) -> Result<()> {
        match key {
            "frames" => line.frames = Some(self.rote.pass(cursor)?),
            "count" => line.count = Some(cursor.whole()?),
            "oldest_wait_seconds" if cursor.null() => {}
            "oldest_wait_seconds" => line.oldest_seconds = Some(cursor.whole()?),
            "labels" if cursor.null() => {}
            "labels" => {
                line.labels = Some(*cursor);
                cursor.value()?;
            }
            "waits" if cursor.null() => {}
            "waits" => line.waits = Some(cursor.parsed()?),
            "created_by" => line.created_by = Some(cursor.parsed()?),
            "leaked" => line.leaked = cursor.whole()?,
            "survival" if cursor.null() => {}
            "survival" => line.survival = Some(survival(cursor)?),
            "kinds" => line.kinds = Some(cursor.parsed()?),
            "elided_after" => line.elided_after = Some(cursor.whole()?),
            "elided_frames" => line.elided_frames = Some(cursor.whole()?),
            "cut" => line.cut = cursor.parsed()?,
            "signature" => line.signature = Some(signature(cursor)?),
            _ => {
                unknown.note_field(&format!("groups.{key}"));
                cursor.value()?;
            }
        }
        Ok(())
    }

    /// Adds what a line says to the groups; one stack has one group.
    fn add(
        &mut self,
        line: GroupLine<'_>,
        states: &[State<'_>],
        begin: usize,
        read: &mut Read,
    ) -> Result<()> {
        let missing = |what: &str| Mistake::new(begin, format!("`{what}` of a group is missing"));
        let frames = line.frames.ok_or_else(|| missing("frames"))?;
        let count = line.count.ok_or_else(|| missing("count"))?;
        if count > MOST {
            let what = format!("`count` of a group is {count}, and no more than {MOST} are told");
            return Err(Mistake::new(begin, what));
        }
        let elision = line.elided_after.map(|after| Elision {
            after: usize::try_from(after).unwrap_or(usize::MAX),
            frames: line
                .elided_frames
                .and_then(|frames| u32::try_from(frames).ok()),
        });
        let at = self.rote.find(frames, elision, line.cut)?;
        if count == 0 {
            return Ok(());
        }
        let labels = match line.labels {
            Some(labels) => self.labels(labels)?,
            None => Arc::clone(&self.no_labels),
        };
        let (nth, groups) = (self.nth, &mut read.groups);
        let (book, known) = self.rote.stack_at(at);
        let Some(known) = known else {
            return Ok(());
        };
        if known.seen.0 != nth {
            known.seen = (nth, groups.len());
            if known.stack.cut && line.signature.is_none() {
                read.unresolved.push(groups.len());
            }
            read.is_deep |= known.stack.cut || known.stack.frames.len() >= DEEP;
            let signature = line.signature.unwrap_or(known.stack.signature);
            groups.push(empty(&known.stack, signature));
        }
        let Some(group) = groups.get_mut(known.seen.1) else {
            return Ok(());
        };
        group.count = group.count.saturating_add(count);
        let sum = if line.has_states {
            splits(known, book, (states, line.kinds.as_ref()), &labels, group)
        } else {
            let kind = kind_of_stack(&known.stack);
            let (state, kind) = known.state(book, kind, None);
            add_split(group, state, kind, &labels, count);
            count
        };
        if sum != count {
            let what = format!("the states of a group add up to {sum}, and its count is {count}");
            return Err(Mistake::new(begin, what));
        }
        read.is_detailed |= line.add_detail(book, group);
        Ok(())
    }
}

/// Adds the states of a group to its splits: how many goroutines they are.
fn splits(
    known: &mut Known,
    book: &StackBook,
    (states, kinds): (&[State<'_>], Option<&FxHashMap<String, String>>),
    labels: &Arc<Labels>,
    group: &mut Group,
) -> u64 {
    let mut sum = 0u64;
    for (name, count) in states.iter().filter(|(_, count)| *count > 0) {
        sum = sum.saturating_add(*count);
        let told = kinds.and_then(|kinds| kinds.get(&**name));
        let (state, kind) = known.state(book, name, told.map(String::as_str));
        add_split(group, state, kind, labels, *count);
    }
    sum
}

fn take_states<'a>(cursor: &mut Cursor<'a>, states: &mut Vec<State<'a>>) -> Result<()> {
    cursor.object(|cursor, name, _| {
        states.push((name.clone(), cursor.whole()?));
        Ok(())
    })
}

fn add_split(group: &mut Group, state: Arc<str>, kind: Arc<str>, labels: &Arc<Labels>, count: u64) {
    let same =
        |split: &&mut Split| split.state == state && split.kind == kind && split.labels == *labels;
    if let Some(split) = group.splits.iter_mut().find(same) {
        split.count = split.count.saturating_add(count);
        return;
    }
    if group.splits.is_empty() {
        group.splits.reserve_exact(1);
    }
    group.splits.push(Split {
        state,
        kind,
        labels: Arc::clone(labels),
        count,
    });
}

fn empty(stack: &Arc<Stack>, signature: Signature) -> Group {
    Group {
        stack: Arc::clone(stack),
        signature,
        count: 0,
        splits: Vec::new(),
        waits: None,
        oldest_minutes: None,
        creators: Vec::new(),
        leaked: 0,
        survival: None,
    }
}

pub(super) fn signature(cursor: &mut Cursor<'_>) -> Result<Signature> {
    let begin = cursor.at();
    let text = cursor.string()?;
    text.parse()
        .map_err(|error| Mistake::new(begin, format!("`signature`: {error}")))
}

fn survival(cursor: &mut Cursor<'_>) -> Result<Survival> {
    #[derive(Deserialize)]
    struct Written {
        sampled: u32,
        alive: u32,
    }
    let Written { sampled, alive } = cursor.parsed()?;
    Ok(Survival { sampled, alive })
}

/// Who created the goroutines of a group of `count`.
fn shared(creators: Creators, book: &StackBook, count: u64) -> Vec<(Option<Arc<str>>, u64)> {
    match creators {
        Creators::One(name) => vec![(name.map(|name| book.word(&name)), count)],
        Creators::Several(names) => names
            .into_iter()
            .map(|(name, count)| ((!name.is_empty()).then(|| book.word(&name)), count))
            .collect(),
    }
}
