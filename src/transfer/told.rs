//! What the store tells beside the looks, as facts of lines.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::fact::{
    Alias, At, Day, Event, Fact, First, HOUR_MS, Hour, Last, Process, Proof, Sighting,
    SignatureFact, StackFact, WatchFact,
};
use super::frame::FrameText;
use super::part::{Wanted, millis};
use super::write::seconds;
use crate::model::{Known, Record, Signature, Timestamp};
use crate::store::{LifeRow, ProvedStack, StackRow};

/// What a process is called.
pub(super) fn name(life: &LifeRow) -> Arc<str> {
    let begins = || life.incarnation.since.to_rfc3339().into();
    life.name.clone().unwrap_or_else(begins)
}

/// A process that lived.
pub(super) fn process(life: &LifeRow) -> Fact {
    let facts = &life.incarnation.facts;
    Fact::Process(Process {
        at: At::from(&*life.instance),
        incarnation: name(life),
        since: life.incarnation.since,
        reason: life.incarnation.reason,
        build: facts.build_id.clone(),
        vdso: facts.vdso.map(|vdso| format!("{vdso:#x}")),
        heap_high: facts.heap_high,
    })
}

/// A watch.
pub(super) fn watched(record: &Record) -> Option<Fact> {
    let Record::Watched { watch, to } = record else {
        return None;
    };
    Some(Fact::Watch(WatchFact {
        at: At::from(&*watch.instance),
        from: watch.from,
        to: *to,
        interval_seconds: serde_json::from_str(&seconds(millis(watch))).ok()?,
        labels: (*watch.labels).clone(),
    }))
}

/// A stack.
pub(super) fn stack_fact(stack: &StackRow) -> StackFact {
    StackFact {
        signature: stack.signature,
        service: stack.service.clone(),
        frames: stack.frames.iter().map(FrameText::from).collect(),
        elided_after: stack.elision.map(|elision| elision.after as u64),
        elided_frames: stack.elision.and_then(|elision| elision.frames),
        cut: stack.cut,
    }
}

/// What was proved of a stack.
pub(super) fn proof_fact(proved: &ProvedStack) -> Fact {
    Fact::Proof(Box::new(Proof {
        stack: stack_fact(&proved.stack),
        build: proved.build.clone(),
        first: First::from(&proved.first),
        first_at: proved.first_at,
        last_at: proved.last_at,
        count: proved.count,
        last: proved.last,
    }))
}

/// A signature, an old name of one, or a first sighting.
pub(super) fn known_fact(known: Known) -> Option<Fact> {
    Some(match known {
        Known::Signature {
            signature,
            rules,
            site,
            frames,
            first_at,
            first,
        } => Fact::Signature(SignatureFact {
            signature,
            rules,
            r#where: FrameText::from(&site),
            frames: frames.split('\n').map(str::to_owned).collect(),
            first_at,
            first: First::from(&first),
        }),
        Known::Alias { old, new } => Fact::Alias(Alias {
            signature: old,
            now: new,
        }),
        Known::Sighting {
            signature,
            build,
            first_at,
            first,
        } => Fact::Sighting(Sighting {
            signature,
            build,
            first_at,
            first: First::from(&first),
        }),
        _ => return None,
    })
}

/// What retention has left.
pub(super) fn day_fact(known: Known) -> Option<Fact> {
    Some(match known {
        Known::Day {
            life,
            day,
            slot,
            counts,
        } => Fact::Day(Day {
            at: Timestamp::from_millis(day * 24 * HOUR_MS),
            of: First::from(&life),
            first_at: slot.first_at,
            last_at: slot.last_at,
            pulses: slot.pulses,
            goroutines: slot.goroutines,
            counts,
        }),
        Known::Hour {
            service,
            hour,
            counts,
        } => Fact::Hour(Hour {
            at: Timestamp::from_millis(hour * HOUR_MS),
            service,
            counts,
        }),
        _ => return None,
    })
}

/// When a signature was seen last, where no series says so: in a detail.
pub(super) fn last_fact(known: &Known, series: &FxHashMap<Signature, Timestamp>) -> Option<Fact> {
    let Known::Last { signature, at } = *known else {
        return None;
    };
    let is_told = series.get(&signature).is_some_and(|last| *last >= at);
    (!is_told).then_some(Fact::Last(Last { signature, at }))
}

/// An event, where it is wanted.
pub(super) fn event_fact(known: Known, wanted: &Wanted) -> Option<Fact> {
    match known {
        Known::Event { note, signature } if wanted.has_event(&note) => Some(Fact::Event(Event {
            at: note.at,
            kind: note.kind,
            target: note.instance.as_deref().map(At::from),
            signature,
            text: note.text,
        })),
        _ => None,
    }
}
