//! `snapshot`: what the original's report says, and what it leaves out; several dumps side by side.

use std::collections::BTreeMap;

use serde::Serialize;

use super::bundle::sheet;
use crate::model::Timestamp;
use crate::present::column::{field, numbers, words};
use crate::present::words::{grouped, plural, states, wait};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::snapshot::{GroupAnswer, SnapshotAnswer, SnapshotsAnswer};
use crate::query::{Bundle, GroupBy, bundles};

/// Complaints printed in full.
const COMPLAINTS: usize = 5;

/// One row of NDJSON, and whose it is.
#[derive(Serialize)]
struct Row<'a> {
    source: &'a str,
    taken_at: Timestamp,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    Group(&'a GroupAnswer),
    Bundle(Box<Bundle>),
}

/// One line of CSV: a bundle of one dump.
#[derive(Serialize)]
struct Record<'a> {
    source: &'a str,
    taken_at: Timestamp,
    group_by: &'a str,
    #[serde(flatten)]
    bundle: Bundle,
}

impl Answer for SnapshotsAnswer {
    const COLUMNS: &'static [&'static str] = &[
        "source",
        "taken_at",
        "group_by",
        "key",
        "count",
        "stacks",
        "states",
        "oldest_wait_seconds",
        "leaked",
        "signature",
        "where.function",
        "where.file",
        "where.line",
        "created_by",
        "labels",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        if self.snapshots.len() < 2 || self.apart {
            for (nth, snapshot) in self.snapshots.iter().enumerate() {
                if nth > 0 {
                    page.lines("\n");
                }
                self.one(snapshot, draw, &mut page);
            }
        } else {
            self.all(draw, &mut page);
        }
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.snapshots.iter().flat_map(|snapshot| {
            let whats: Vec<What<'_>> = match self.by {
                GroupBy::Signature => snapshot.groups.iter().map(What::Group).collect(),
                _ => self
                    .of(snapshot)
                    .into_iter()
                    .map(Box::new)
                    .map(What::Bundle)
                    .collect(),
            };
            let row = |what| Row {
                source: &snapshot.source,
                taken_at: snapshot.taken_at,
                what,
            };
            whats.into_iter().map(row)
        })
    }

    fn records(&self) -> impl Iterator<Item = impl Serialize> {
        self.snapshots.iter().flat_map(|snapshot| {
            let record = |bundle| Record {
                source: &snapshot.source,
                taken_at: snapshot.taken_at,
                group_by: &self.group_by,
                bundle,
            };
            self.of(snapshot).into_iter().map(record)
        })
    }

    fn remarks(&self, _: Draw) -> String {
        let remarks = self.snapshots.iter();
        remarks
            .map(|snapshot| remarks_of(&escape(&snapshot.source), snapshot))
            .collect()
    }
}

impl SnapshotsAnswer {
    /// The bundles of one dump.
    fn of(&self, snapshot: &SnapshotAnswer) -> Vec<Bundle> {
        bundles(std::slice::from_ref(snapshot), &self.by)
    }

    /// One dump on its own.
    fn one(&self, snapshot: &SnapshotAnswer, draw: Draw, page: &mut Page) {
        page.lines(&head(snapshot, draw));
        let bundles = self.of(snapshot);
        page.sheet(sheet(self.shown(&bundles), &[], &self.by, draw));
        page.lines(&self.more(&bundles));
        page.lines(&complaints(snapshot));
    }

    /// All dumps side by side.
    fn all(&self, draw: Draw, page: &mut Page) {
        let names: Vec<String> = (0..self.snapshots.len()).map(letters).collect();
        let at = self
            .snapshots
            .iter()
            .map(|snapshot| snapshot.taken_at)
            .max();
        page.lines(&format!(
            "{} side by side, times in {}\n",
            plural(self.snapshots.len() as u64, "dump"),
            draw.zone.offset(at.unwrap_or_default()),
        ));
        page.sheet(legend(&self.snapshots, &names, draw));
        let mut sum: BTreeMap<String, u64> = BTreeMap::new();
        for (state, count) in self.snapshots.iter().flat_map(|snapshot| &snapshot.states) {
            *sum.entry(state.clone()).or_default() += count;
        }
        if !sum.is_empty() {
            page.lines(&format!("states: {}\n", states(&sum)));
        }
        for (snapshot, name) in self.snapshots.iter().zip(&names) {
            page.lines(&remarks_of(name, snapshot));
        }
        page.lines("\n");
        page.sheet(sheet(self.shown(&self.bundles), &names, &self.by, draw));
        page.lines(&self.more(&self.bundles));
    }

    fn shown<'b>(&self, bundles: &'b [Bundle]) -> &'b [Bundle] {
        match self.top {
            0 => bundles,
            top => bundles.get(..top).unwrap_or(bundles),
        }
    }

    /// How many are not shown.
    fn more(&self, bundles: &[Bundle]) -> String {
        let what = match self.by {
            GroupBy::Signature => "more stack",
            _ => "more row",
        };
        match bundles.len() - self.shown(bundles).len() {
            0 => String::new(),
            more => format!("... {} (--top 0 shows all)\n", plural(more as u64, what)),
        }
    }
}

/// `A` to `Z`, then `AA`.
fn letters(nth: usize) -> String {
    let (before, last) = (nth / 26, nth % 26);
    let mut name = match before {
        0 => String::new(),
        _ => letters(before - 1),
    };
    name.extend(('A'..='Z').nth(last));
    name
}

/// What was read, and how much of it is known.
fn head(answer: &SnapshotAnswer, draw: Draw) -> String {
    let mut text = format!(
        "{}  {} ({})  {}\n",
        escape(&answer.source),
        draw.zone.second(answer.taken_at),
        draw.zone.offset(answer.taken_at),
        answer.form.as_str(),
    );
    text += &format!(
        "goroutines: {}   distinct stacks: {}",
        grouped(answer.goroutines),
        grouped(answer.groups.len() as u64)
    );
    if let Some(oldest) = oldest(answer) {
        text += &format!("   oldest wait: {}", wait(Some(oldest)));
    }
    if leaked(answer) > 0 {
        text += &format!("   leaked: {}", grouped(leaked(answer)));
    }
    if answer.own > 0 {
        text += &format!("   left out: {} (it wrote this dump)", grouped(answer.own));
    }
    if unread(answer) > 0 {
        text += &format!("   not read: {}", grouped(unread(answer)));
    }
    text += "\n";
    text += &notes(answer);
    if !answer.states.is_empty() {
        text += &format!("states: {}\n", states(&answer.states));
    }
    text + "\n"
}

fn oldest(answer: &SnapshotAnswer) -> Option<u64> {
    let waits = answer.groups.iter();
    waits.filter_map(|group| group.oldest_wait_seconds).max()
}

fn leaked(answer: &SnapshotAnswer) -> u64 {
    answer.groups.iter().map(|group| group.leaked).sum()
}

fn unread(answer: &SnapshotAnswer) -> u64 {
    let complaints = answer.complaints.iter();
    complaints.map(|complaint| complaint.goroutines).sum()
}

/// Which letter stands for what, and how much there is of it.
fn legend(snapshots: &[SnapshotAnswer], names: &[String], draw: Draw) -> Sheet {
    type Named<'a> = (&'a SnapshotAnswer, &'a str);
    let named: Vec<Named<'_>> = snapshots
        .iter()
        .zip(names.iter().map(String::as_str))
        .collect();
    let mut fields = vec![
        field(words("AS"), |(_, name): &Named<'_>| (*name).into()),
        field(words("DUMP").elastic(), |(dump, _): &Named<'_>| {
            escape(&dump.source).into_owned().into()
        }),
        field(words("TAKEN").rank(7), |(dump, _): &Named<'_>| {
            draw.zone.second(dump.taken_at).into()
        }),
        field(words("FORM").rank(8), |(dump, _): &Named<'_>| {
            dump.form.as_str().into()
        }),
        field(numbers("GOROUTINES"), |(dump, _): &Named<'_>| {
            grouped(dump.goroutines).into()
        }),
        field(numbers("STACKS").rank(5), |(dump, _): &Named<'_>| {
            grouped(dump.groups.len() as u64).into()
        }),
    ];
    if snapshots.iter().any(|dump| oldest(dump).is_some()) {
        fields.push(field(numbers("OLDEST").rank(6), |(dump, _): &Named<'_>| {
            wait(oldest(dump)).into()
        }));
    }
    if snapshots.iter().any(|dump| leaked(dump) > 0) {
        fields.push(field(numbers("LEAKED").rank(3), |(dump, _): &Named<'_>| {
            Cell {
                text: grouped(leaked(dump)),
                loud: leaked(dump) > 0,
            }
        }));
    }
    if snapshots.iter().any(|dump| dump.own > 0) {
        fields.push(field(
            numbers("LEFT OUT").rank(9),
            |(dump, _): &Named<'_>| grouped(dump.own).into(),
        ));
    }
    if snapshots.iter().any(|dump| unread(dump) > 0) {
        fields.push(field(
            numbers("NOT READ").rank(4),
            |(dump, _): &Named<'_>| grouped(unread(dump)).into(),
        ));
    }
    Sheet::of(&named, fields)
}

/// Notes and complaints of one dump among several.
fn remarks_of(name: &str, answer: &SnapshotAnswer) -> String {
    let told = notes(answer) + &complaints(answer);
    let line = |line: &str| format!("{name}: {line}\n");
    told.lines().map(line).collect()
}

fn notes(answer: &SnapshotAnswer) -> String {
    let line = |note: &String| format!("note: {}\n", escape(note));
    answer.notes.iter().map(line).collect()
}

fn complaints(answer: &SnapshotAnswer) -> String {
    let mut text = String::new();
    for complaint in answer.complaints.iter().take(COMPLAINTS) {
        text += &format!("line {}: {}", complaint.line, escape(&complaint.what));
        if complaint.goroutines > 0 {
            text += &format!(" ({})", plural(complaint.goroutines, "goroutine"));
        }
        text += "\n";
    }
    match answer.complaints.len().saturating_sub(COMPLAINTS) {
        0 => text,
        more => {
            text + &format!(
                "... {}; -o json has them\n",
                plural(more as u64, "more complaint")
            )
        }
    }
}
