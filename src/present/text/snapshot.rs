//! `snapshot`: what the original's report says, and what it leaves out.

use serde::Serialize;

use crate::model::Timestamp;
use crate::present::column::{numbers, words};
use crate::present::words::{digits, function, grouped, main_state, place, plural, states, wait};
use crate::present::{Answer, Draw, Page, Sheet, escape};
use crate::query::snapshot::{GroupAnswer, SnapshotAnswer, SnapshotsAnswer};

/// Digits of a signature in a table.
const DIGITS: usize = 8;

/// A group and whose it is.
#[derive(Serialize)]
struct Row<'a> {
    source: &'a str,
    taken_at: Timestamp,
    #[serde(flatten)]
    group: &'a GroupAnswer,
}

impl Answer for SnapshotsAnswer {
    const COLUMNS: &'static [&'static str] = &[
        "source",
        "taken_at",
        "signature",
        "count",
        "states",
        "wait_kinds",
        "oldest_wait_seconds",
        "leaked",
        "where.function",
        "where.file",
        "where.line",
        "created_by",
        "labels",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        for (nth, snapshot) in self.snapshots.iter().enumerate() {
            if nth > 0 {
                page.lines("\n");
            }
            page.lines(&head(snapshot, draw));
            page.sheet(sheet(snapshot, self.top, draw));
            page.lines(&more(snapshot, self.top));
            page.lines(&complaints(snapshot));
        }
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.snapshots.iter().flat_map(|snapshot| {
            let row = |group| Row {
                source: &snapshot.source,
                taken_at: snapshot.taken_at,
                group,
            };
            snapshot.groups.iter().map(row)
        })
    }

    fn remarks(&self, _: Draw) -> String {
        let remarks = self.snapshots.iter().map(|snapshot| {
            let lines = notes(snapshot) + &complaints(snapshot);
            let lines = lines.lines();
            let told = lines.map(|line| format!("{}: {line}\n", escape(&snapshot.source)));
            told.collect::<String>()
        });
        remarks.collect()
    }
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
    if answer.own > 0 {
        text += &format!("   left out: {} (it wrote this dump)", answer.own);
    }
    let unread: u64 = answer
        .complaints
        .iter()
        .map(|complaint| complaint.goroutines)
        .sum();
    if unread > 0 {
        text += &format!("   not read: {}", grouped(unread));
    }
    text += "\n";
    text += &notes(answer);
    if !answer.states.is_empty() {
        text += &format!("states: {}\n", states(&answer.states));
    }
    text + "\n"
}

fn notes(answer: &SnapshotAnswer) -> String {
    let line = |note: &String| format!("note: {}\n", escape(note));
    answer.notes.iter().map(line).collect()
}

/// How many groups are not shown.
fn more(answer: &SnapshotAnswer, top: usize) -> String {
    match answer.groups.len().saturating_sub(top) {
        more if top > 0 && more > 0 => format!(
            "... {} (--top 0 shows all)\n",
            plural(more as u64, "more stack")
        ),
        _ => String::new(),
    }
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
    if let Some(more) = answer
        .complaints
        .len()
        .checked_sub(COMPLAINTS)
        .filter(|more| *more > 0)
    {
        text += &format!(
            "... {}; -o json has them\n",
            plural(more as u64, "more complaint")
        );
    }
    text
}

/// Complaints printed in full.
const COMPLAINTS: usize = 5;

fn sheet(answer: &SnapshotAnswer, top: usize, draw: Draw) -> Sheet {
    let columns = vec![
        numbers("COUNT"),
        words("STATE").rank(2),
        numbers("OLDEST").rank(3),
        words("SIGNATURE").rank(1),
        words("WHERE").elastic(),
    ];
    let limit = if top == 0 { usize::MAX } else { top };
    let rows = answer.groups.iter().take(limit).map(|group| {
        let mut place = place(&group.site, draw);
        if let Some(creator) = &group.created_by {
            let creator = function(creator, draw);
            place += &format!("  (by {creator})");
        }
        if group.leaked > 0 {
            place += &format!("  [leaked: {}]", grouped(group.leaked));
        }
        vec![
            grouped(group.count).into(),
            main_state(&group.states).into(),
            wait(group.oldest_wait_seconds).into(),
            digits(group.signature, DIGITS, draw).into(),
            place.into(),
        ]
    });
    Sheet {
        columns,
        rows: rows.collect(),
    }
}
