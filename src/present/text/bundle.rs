//! Bundles of goroutines as a sheet: one dump, or several side by side.

use crate::present::column::{Column, Field, field, numbers, words};
use crate::present::words::{
    digits, function, grouped, main_state, place, short_function, states, wait,
};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{Bundle, GroupBy};

/// Digits of a signature in a table.
const DIGITS: usize = 8;

/// Dumps whose counts are kept as long as there is room.
const FEW: usize = 4;

/// The bundles of one dump, or those of several with these names.
pub(super) fn sheet(bundles: &[Bundle], names: &[String], by: &GroupBy, draw: Draw) -> Sheet {
    let mut fields = counts(names);
    fields.extend(facts(bundles, by, draw));
    fields.extend(identity(bundles, by, draw));
    Sheet::of(bundles, fields)
}

/// How many there are, in all and in each dump.
fn counts(names: &[String]) -> Vec<Field<'_, Bundle>> {
    let all = if names.is_empty() { "COUNT" } else { "TOTAL" };
    let mut fields = vec![field(numbers(all), |bundle: &Bundle| {
        grouped(bundle.count).into()
    })];
    // A few dumps are what was asked for; of many the number says more.
    let rank = if names.len() > FEW { 4 } else { 2 };
    for (at, name) in names.iter().enumerate() {
        let column = Column {
            name: name.clone().into(),
            ..numbers("").rank(rank)
        };
        fields.push(field(column, move |bundle: &Bundle| {
            grouped(bundle.counts.get(at).copied().unwrap_or(0)).into()
        }));
    }
    if !names.is_empty() {
        fields.push(field(numbers("IN").rank(1), move |bundle: &Bundle| {
            format!("{}/{}", bundle.snapshots, names.len()).into()
        }));
    }
    fields
}

/// What they do, and for how long.
fn facts<'a>(bundles: &[Bundle], by: &GroupBy, draw: Draw) -> Vec<Field<'a, Bundle>> {
    let mut fields = Vec::new();
    if *by != GroupBy::State {
        fields.push(field(words("STATE").rank(5), move |bundle: &Bundle| {
            let told = if draw.wide {
                states(&bundle.states)
            } else {
                main_state(&bundle.states)
            };
            told.into()
        }));
    }
    if bundles
        .iter()
        .any(|bundle| bundle.oldest_wait_seconds.is_some())
    {
        fields.push(field(numbers("OLDEST").rank(6), |bundle: &Bundle| {
            wait(bundle.oldest_wait_seconds).into()
        }));
    }
    if bundles.iter().any(|bundle| bundle.leaked > 0) {
        fields.push(field(numbers("LEAKED").rank(3), |bundle: &Bundle| Cell {
            text: grouped(bundle.leaked),
            loud: bundle.leaked > 0,
        }));
    }
    fields
}

/// What they share, and where to look.
fn identity<'a>(bundles: &[Bundle], by: &'a GroupBy, draw: Draw) -> Vec<Field<'a, Bundle>> {
    let mut fields = Vec::new();
    if *by == GroupBy::Signature {
        fields.push(field(words("SIGNATURE").rank(7), move |bundle: &Bundle| {
            digits(bundle.signature, DIGITS, draw).into()
        }));
    } else {
        fields.push(field(numbers("STACKS").rank(8), |bundle: &Bundle| {
            grouped(bundle.stacks as u64).into()
        }));
        fields.push(field(
            words(heading(by)).elastic(),
            move |bundle: &Bundle| shared(bundle, by, draw).into(),
        ));
    }
    let column = match by {
        GroupBy::Signature => words("WHERE").elastic(),
        GroupBy::Where => words("MOST AT").elastic().rank(9),
        _ => words("MOST AT").elastic().rank(7),
    };
    fields.push(field(column, move |bundle: &Bundle| {
        place(&bundle.site, draw).into()
    }));
    let created = bundles.iter().any(|bundle| bundle.created_by.is_some());
    if created && *by != GroupBy::Creator {
        fields.push(field(
            words("CREATED BY").elastic().rank(10),
            move |bundle: &Bundle| {
                let creator = bundle.created_by.as_deref();
                creator
                    .map_or_else(|| "-".to_owned(), |name| function(name, draw))
                    .into()
            },
        ));
    }
    if bundles.iter().any(|bundle| !bundle.labels.is_empty()) {
        fields.push(field(
            words("LABELS").elastic().rank(11),
            move |bundle: &Bundle| labels(bundle, draw).into(),
        ));
    }
    fields
}

const fn heading(by: &GroupBy) -> &'static str {
    match by {
        GroupBy::Signature => "SIGNATURE",
        GroupBy::Where => "WHERE",
        GroupBy::Creator => "CREATED BY",
        GroupBy::Package => "PACKAGE",
        GroupBy::State => "STATE",
        GroupBy::Label(_) => "LABEL",
    }
}

/// What the groups of a bundle share.
fn shared(bundle: &Bundle, by: &GroupBy, draw: Draw) -> String {
    let key = bundle.key.as_str();
    match by {
        GroupBy::Where | GroupBy::Package if key.is_empty() => "(has not run yet)".to_owned(),
        GroupBy::Label(name) if key.is_empty() => format!("(no {})", escape(name)),
        GroupBy::Label(name) => format!("{}={}", escape(name), escape(key)),
        _ if key.is_empty() => "(not told)".to_owned(),
        GroupBy::Where | GroupBy::Creator if !draw.wide => escape(short_function(key)).into_owned(),
        _ => escape(key).into_owned(),
    }
}

/// The commonest label set, and how many others there are; wide all of them.
fn labels(bundle: &Bundle, draw: Draw) -> String {
    let told = |set: &crate::model::Labels| {
        let pairs = set.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        pairs.collect::<Vec<_>>().join(",")
    };
    match bundle.labels.as_slice() {
        [] => "-".to_owned(),
        [only] => told(&only.set),
        all if draw.wide => {
            let sets = all.iter();
            let sets =
                sets.map(|labels| format!("{} {}", told(&labels.set), grouped(labels.count)));
            sets.collect::<Vec<_>>().join("; ")
        }
        [first, others @ ..] => format!("{} +{}", told(&first.set), others.len()),
    }
}
