//! `query findings`.

use serde::Serialize;

use super::head;
use crate::present::column::{numbers, service, words};
use crate::present::words::{build, build_id, grouped, place, rate, signed};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{FindingRow, Findings, Standing, WindowHead};

impl Answer for Findings {
    const COLUMNS: &'static [&'static str] = &[
        "signature",
        "service",
        "standing",
        "verdict",
        "worst",
        "since",
        "until",
        "first_seen.at",
        "first_seen.instance",
        "first_seen.build",
        "growth",
        "last",
        "per_hour_low",
        "instances_growing",
        "proof.at_least",
        "where.function",
        "where.file",
        "where.line",
        "hint.pattern",
        "ignored.reason",
        "evidence",
    ];

    fn page(&self, draw: Draw) -> Page {
        let columns = vec![
            words("FINDING").rank(1),
            words("VERDICT"),
            words("SINCE").rank(4),
            words("SIGNATURE"),
            service(self.window.services, 6),
            numbers("ON").rank(8),
            numbers("LAST").rank(5),
            numbers("GROWTH").rank(3),
            numbers(">= /HOUR").rank(7),
            words("FIRST SEEN").rank(9),
            words("WHERE").elastic().rank(2),
        ];
        let rows = self.rows.iter();
        let rows = rows.map(|row| cells(row, &self.window, draw)).collect();
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        page.lines(&head::distinct(&self.signatures));
        page.sheet(Sheet { columns, rows });
        page.lines(&sentences(self));
        page.lines(&deploys(self, draw));
        page.lines(&last(self));
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.rows.len(), self.rows.len()), &self.window, draw)
    }
}

/// Why each row is one.
fn sentences(answer: &Findings) -> String {
    let mut text = String::new();
    for row in &answer.rows {
        let ignored = row
            .ignored
            .iter()
            .map(|rule| format!("ignored: {}", rule.reason));
        let hint = row
            .hint
            .iter()
            .map(|hint| format!("hint: {}", hint.sentence()));
        let evidence = row.evidence.iter().cloned();
        for sentence in ignored.chain(hint).chain(evidence) {
            let signature = head::short(row.signature, &answer.window);
            text += &format!(
                "{signature} {}: {}\n",
                escape(&row.service),
                escape(&sentence)
            );
        }
    }
    text
}

fn deploys(answer: &Findings, draw: Draw) -> String {
    let mut text = String::new();
    for deploy in &answer.deploys {
        text += &format!(
            "{} {} deployed {}, first met at {}{}\n",
            draw.zone.minute(deploy.at),
            escape(&deploy.service),
            change(&deploy.change, draw),
            escape(&deploy.instance),
            compared(&deploy.change),
        );
    }
    text
}

/// How many of each there are, and what to ask next.
fn last(answer: &Findings) -> String {
    let mut text = format!(
        "{} new, {} active, {} gone, {} ignored by rule ({} or above).",
        grouped(answer.new as u64),
        grouped(answer.active as u64),
        grouped(answer.gone as u64),
        grouped(answer.ignored as u64),
        answer.least
    );
    if answer.rows.is_empty() && answer.window.polls_ok == 0 {
        text += "  nothing is known: no poll succeeded.";
    }
    let first = answer.rows.first().map(|row| row.signature);
    if answer.new + answer.active == 0 && answer.suspect > 0 {
        text += &format!(
            "  {} SUSPECT below that.  next: goroscope query findings --verdict suspect\n",
            grouped(answer.suspect as u64)
        );
    } else {
        text += &head::next("show", first, &answer.window);
    }
    if first.is_none() {
        text += &head::detectable(&answer.window);
    }
    text
}

/// The builds that were changed, where it was builds.
fn builds(change: &str) -> Option<(&str, &str)> {
    change.strip_prefix("build ")?.split_once(" -> ")
}

/// What was changed, with the ids of builds as elsewhere.
fn change(change: &str, draw: Draw) -> String {
    builds(change).map_or_else(
        || escape(change).into_owned(),
        |(old, new)| {
            let [old, new] = [old, new].map(|id| build_id(Some(id), draw));
            format!("build {old} -> {new}")
        },
    )
}

/// How two builds are compared, signature by signature.
fn compared(change: &str) -> String {
    builds(change).map_or_else(String::new, |(old, new)| {
        let [old, new] = [old, new].map(|id| build(Some(id)));
        format!(": goroscope query diff build:{old} build:{new}")
    })
}

fn cells(row: &FindingRow, window: &WindowHead, draw: Draw) -> Vec<Cell> {
    let loud = row.standing <= Standing::Active;
    let since = row.since.map_or_else(
        || "-".to_owned(),
        |since| match row.until {
            Some(until) if row.standing == Standing::Gone => {
                format!("{} -> {}", draw.zone.minute(since), draw.zone.minute(until))
            }
            _ => draw.zone.minute(since),
        },
    );
    vec![
        Cell {
            text: row.standing.as_str().to_owned(),
            loud,
        },
        Cell {
            text: row.verdict.as_str().to_owned(),
            loud,
        },
        since.into(),
        head::signature(row.signature, window, draw).into(),
        escape(&row.service).into_owned().into(),
        grouped(row.instances_growing as u64).into(),
        grouped(row.last).into(),
        signed(row.growth).into(),
        row.per_hour_low.map_or_else(|| "-".to_owned(), rate).into(),
        head::seen_at(row.first_seen.as_ref(), draw).into(),
        place(&row.site, draw).into(),
    ]
}
