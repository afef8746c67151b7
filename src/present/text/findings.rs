//! `query findings` as text.

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place, rate, signed};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{FindingRow, Findings, Standing, WindowHead};

/// The whole answer.
pub fn findings(answer: &Findings, draw: Draw) -> String {
    let mut text = head::window(&answer.window, draw);
    text += &head::distinct(&answer.signatures);
    let columns = vec![
        words("FINDING"),
        words("VERDICT"),
        words("SINCE"),
        words("SIGNATURE"),
        words("SERVICE"),
        numbers("ON"),
        numbers("LAST"),
        numbers("GROWTH"),
        numbers(">= /HOUR"),
        words("FIRST SEEN"),
        words("WHERE"),
    ];
    let rows = answer.rows.iter();
    let rows = rows.map(|row| cells(row, &answer.window, draw)).collect();
    text += &table::draw(&Sheet { columns, rows }, draw);
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
    for deploy in &answer.deploys {
        text += &format!(
            "{} {} deployed {}, first met at {}{}\n",
            draw.zone.minute(deploy.at),
            escape(&deploy.service),
            escape(&deploy.change),
            escape(&deploy.instance),
            compared(&deploy.change),
        );
    }
    text += &format!(
        "{} new, {} active, {} gone, {} ignored by rule ({} or above).",
        answer.new, answer.active, answer.gone, answer.ignored, answer.least
    );
    if answer.rows.is_empty() && answer.window.polls_ok == 0 {
        text += "  nothing is known: no poll succeeded.";
    }
    let first = answer.rows.first().map(|row| row.signature);
    text += &head::next("show", first, &answer.window);
    if first.is_none() {
        text += &head::detectable(&answer.window);
    }
    text
}

/// How two builds are compared, signature by signature.
fn compared(change: &str) -> String {
    let builds = change
        .strip_prefix("build ")
        .and_then(|builds| builds.split_once(" -> "));
    let short = |build: &str| escape(build).chars().take(12).collect::<String>();
    builds.map_or_else(String::new, |(old, new)| {
        format!(
            ": goroscope query diff build:{} build:{}",
            short(old),
            short(new)
        )
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
        head::short(row.signature, window).into(),
        escape(&row.service).into_owned().into(),
        grouped(row.instances_growing as u64).into(),
        grouped(row.last).into(),
        signed(row.growth).into(),
        row.per_hour_low.map_or_else(|| "-".to_owned(), rate).into(),
        head::seen_at(row.first_seen.as_ref(), draw).into(),
        place(&row.site).into(),
    ]
}
