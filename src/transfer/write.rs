//! Looks as they are written.

use std::cmp::Ordering;
use std::collections::HashMap;

use rustc_hash::FxHashMap;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::fact::{At, is_http, is_pprof};
use super::frame::{Creators, FrameText};
use crate::group::kind_of_state;
use crate::model::{Signature, Timestamp};
use crate::store::{GroupRow, LookRow, Looked, SnapshotRow, StackRow, Words};

/// What groups refer to, as it is written.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    words: Words,
    stacks: HashMap<i64, StackText>,
    /// States whose wait kind does not follow from the stack, with that kind's text.
    kinds: FxHashMap<(i64, i64), Option<String>>,
}

/// A stack, as it is written.
#[derive(Debug)]
struct StackText {
    row: StackRow,
    /// The fields of a group that it makes.
    text: String,
    /// Groups are written in an order that is the same in every database.
    order: u128,
}

/// Where and when a look was made, and what was told of the instance then.
pub(super) struct Setting<'a> {
    pub(super) at: &'a At,
    pub(super) incarnation: Option<&'a str>,
    pub(super) build: Option<&'a str>,
    pub(super) interval_ms: Option<u64>,
    /// JSON.
    pub(super) labels: Option<&'a str>,
}

impl Dictionary {
    pub(super) fn new(words: Words) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, row: StackRow) {
        let frames: Vec<FrameText> = row.frames.iter().map(FrameText::from).collect();
        let mut text = format!("\"frames\":{}", json(&frames));
        if let Some(elision) = row.elision {
            text += &format!(",\"elided_after\":{}", elision.after);
            if let Some(frames) = elision.frames {
                text += &format!(",\"elided_frames\":{frames}");
            }
        }
        if row.cut {
            text += &format!(",\"cut\":true,\"signature\":\"{}\"", row.signature);
        }
        let stack = StackText {
            order: xxh3_128(text.as_bytes()),
            text,
            row,
        };
        self.stacks.insert(stack.row.id, stack);
    }

    /// What a stack counts as.
    pub(super) fn signature(&self, stack: i64) -> Option<Signature> {
        self.stacks.get(&stack).map(|stack| stack.row.signature)
    }

    /// Writes a look as a line; `kind` is what it is a look of.
    pub(super) fn look(
        &mut self,
        out: &mut String,
        look: &mut LookRow,
        kind: &str,
        setting: &Setting<'_>,
    ) {
        let form = match &look.outcome {
            Looked::Snapshot(snapshot) => Some(&*snapshot.form),
            Looked::Failed(..) => None,
        };
        head(out, (look.at, kind, form, look.took_ms), setting);
        match &mut look.outcome {
            Looked::Failed(reason, message) => {
                text_field(out, "failed", reason);
                if !message.is_empty() {
                    text_field(out, "message", message);
                }
            }
            Looked::Snapshot(snapshot) => self.snapshot(out, snapshot),
        }
        out.push_str("}\n");
    }

    fn snapshot(&mut self, out: &mut String, snapshot: &mut SnapshotRow) {
        let counts = snapshot.groups.iter().map(|group| group.count);
        let besides = snapshot.own.saturating_add(snapshot.complained);
        if snapshot.goroutines != counts.fold(besides, u64::saturating_add) {
            number_field(out, "goroutines", snapshot.goroutines);
        }
        for (name, number) in [("own", snapshot.own), ("complained", snapshot.complained)] {
            if number > 0 {
                number_field(out, name, number);
            }
        }
        if snapshot.truncated {
            out.push_str(",\"truncated\":true");
        }
        if let Some(complaints) = &snapshot.complaints {
            out.push_str(",\"complaints\":");
            out.push_str(complaints);
        }
        out.push_str(",\"groups\":[");
        snapshot
            .groups
            .sort_by_cached_key(|group| self.stacks.get(&group.stack).map(|stack| stack.order));
        let before = out.len();
        for group in &mut snapshot.groups {
            self.group(out, group);
        }
        // Each group ends with a comma.
        if out.len() > before {
            out.pop();
        }
        out.push(']');
    }

    /// Writes a group: once for each of its label sets, the first time with all that only a detail
    /// can know.
    fn group(&mut self, out: &mut String, group: &mut GroupRow) {
        let Self {
            words,
            stacks,
            kinds,
        } = self;
        let Some(stack) = stacks.get(&group.stack) else {
            return;
        };
        group.splits.sort_by(|a, b| in_order(words, a, b));
        let first = |(a_state, a_labels, _): &(i64, i64, u64), (state, labels, _): &(_, _, _)| {
            a_labels == labels && name_of(words, *a_state) != name_of(words, *state)
        };
        let mut details = Some(&*group);
        for splits in group.splits.chunk_by(first) {
            let count = splits
                .iter()
                .fold(0u64, |sum, (.., n)| sum.saturating_add(*n));
            out.push('{');
            out.push_str(&stack.text);
            number_field(out, "count", count);
            out.push_str(",\"states\":{");
            for (state, _, count) in splits {
                text(out, name_of(words, *state));
                out.push(':');
                number(out, *count);
                out.push(',');
            }
            out.pop();
            out.push('}');
            put_kinds(out, splits, |state| {
                let key = (stack.row.id, state);
                let kind = kinds
                    .entry(key)
                    .or_insert_with(|| kind(words, &stack.row, state));
                Some((name_of(words, state), kind.clone()?))
            });
            put_details(out, details.take(), count, words);
            if let Some((_, labels, _)) = splits.first()
                && let Some(labels) = words.label_sets.get(labels)
            {
                out.push_str(",\"labels\":");
                out.push_str(labels);
            }
            out.push_str("},");
        }
    }
}

fn name_of(words: &Words, state: i64) -> &str {
    words.states.get(&state).map_or("", |(name, _)| name)
}

/// The wait kind of a state, where it does not follow from the stack.
fn kind(words: &Words, stack: &StackRow, state: i64) -> Option<String> {
    let (name, kind) = words.states.get(&state)?;
    (kind_of_state(name, &stack.frames) != kind).then(|| kind.clone())
}

/// By label set, state and wait kind: whatever rows they are in.
fn in_order(words: &Words, a: &(i64, i64, u64), b: &(i64, i64, u64)) -> Ordering {
    let labels = |set: i64| words.label_sets.get(&set);
    let by_labels = if a.1 == b.1 {
        Ordering::Equal
    } else {
        labels(a.1).cmp(&labels(b.1))
    };
    by_labels.then_with(|| words.states.get(&a.0).cmp(&words.states.get(&b.0)))
}

fn put_kinds<'a>(
    out: &mut String,
    splits: &[(i64, i64, u64)],
    mut kind: impl FnMut(i64) -> Option<(&'a str, String)>,
) {
    let mut begun = false;
    for (name, kind) in splits.iter().filter_map(|(state, ..)| kind(*state)) {
        out.push_str(if begun { "," } else { ",\"kinds\":{" });
        text(out, name);
        out.push(':');
        text(out, &kind);
        begun = true;
    }
    if begun {
        out.push('}');
    }
}

/// What only a detail can know, of the whole group; `count` goroutines are written here.
fn put_details(out: &mut String, group: Option<&GroupRow>, count: u64, words: &Words) {
    let oldest = group.and_then(|group| group.oldest_minutes);
    out.push_str(",\"oldest_wait_seconds\":");
    match oldest {
        Some(minutes) => number(out, minutes.saturating_mul(60)),
        None => out.push_str("null"),
    }
    let Some(group) = group else { return };
    if let Some(waits) = group.waits {
        out.push_str(",\"waits\":");
        out.push_str(&json(&waits));
    }
    if let Some(creators) = creators(group, count, words) {
        out.push_str(",\"created_by\":");
        out.push_str(&json(&creators));
    }
    if group.leaked > 0 {
        number_field(out, "leaked", group.leaked);
    }
    if let Some(survival) = group.survival {
        let (sampled, alive) = (survival.sampled, survival.alive);
        out.push_str(&format!(
            ",\"survival\":{{\"sampled\":{sampled},\"alive\":{alive}}}"
        ));
    }
}

fn creators(group: &GroupRow, count: u64, words: &Words) -> Option<Creators> {
    let name = |row: &i64| words.creators.get(row).cloned();
    match group.creators.as_slice() {
        [] => None,
        [(creator, of_one)] if *of_one == count => Some(Creators::One(name(creator))),
        several => {
            let named = several.iter();
            let named = named.map(|(creator, count)| (name(creator).unwrap_or_default(), *count));
            let mut named: Vec<_> = named.collect();
            named.sort_unstable();
            Some(Creators::Several(named))
        }
    }
}

/// The beginning of a line: when, what, where.
fn head(
    out: &mut String,
    (at, kind, form, took_ms): (Timestamp, &str, Option<&str>, u64),
    setting: &Setting<'_>,
) {
    out.push_str("{\"at\":\"");
    out.push_str(&at.to_rfc3339());
    out.push('"');
    text_field(out, "kind", kind);
    if let Some(form) = form {
        text_field(out, "form", form);
    }
    text_field(out, "service", &setting.at.service);
    text_field(out, "instance", &setting.at.instance);
    if !is_http(&setting.at.scheme) {
        text_field(out, "scheme", &setting.at.scheme);
    }
    if !is_pprof(&setting.at.path) {
        text_field(out, "path", &setting.at.path);
    }
    for (name, value) in [
        ("incarnation", setting.incarnation),
        ("build", setting.build),
    ] {
        if let Some(value) = value {
            text_field(out, name, value);
        }
    }
    number_field(out, "took_ms", took_ms);
    if let Some(interval) = setting.interval_ms {
        out.push_str(",\"interval_seconds\":");
        out.push_str(&seconds(interval));
    }
    if let Some(labels) = setting.labels {
        out.push_str(",\"labels\":");
        out.push_str(labels);
    }
}

/// Milliseconds as seconds, with as many digits as it takes.
pub(super) fn seconds(millis: u64) -> String {
    let (whole, rest) = (millis / 1_000, millis % 1_000);
    if rest == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{rest:03}");
    text.trim_end_matches('0').to_owned()
}

/// A value as JSON: every type that is written here can be.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn text_field(out: &mut String, name: &str, value: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    text(out, value);
}

fn number_field(out: &mut String, name: &str, value: u64) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    number(out, value);
}

fn text(out: &mut String, value: &str) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if value.bytes().all(plain) {
        out.push('"');
        out.push_str(value);
        out.push('"');
    } else {
        out.push_str(&json(&value));
    }
}

fn number(out: &mut String, value: u64) {
    out.push_str(&value.to_string());
}
