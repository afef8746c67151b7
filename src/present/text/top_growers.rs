//! `query top-growers`.

use std::time::Duration;

use serde::Serialize;

use super::head;
use crate::present::column::{numbers, service, words};
use crate::present::words::{
    function, grouped, main_state, place, plural, rate, signed, span, sparkline, wait,
};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{GrowerRow, TopGrowers, WindowHead};

impl Answer for TopGrowers {
    const COLUMNS: &'static [&'static str] = &[
        "signature",
        "service",
        "verdict",
        "instances_growing",
        "instances",
        "first",
        "last",
        "growth",
        "per_hour",
        "per_hour_low",
        "rms",
        "hours_to_limit",
        "states",
        "oldest_wait_seconds",
        "first_seen.at",
        "first_seen.instance",
        "first_seen.build",
        "proof.at_least",
        "where.function",
        "where.file",
        "where.line",
        "created_by",
        "hint.pattern",
        "ignored.reason",
        "evidence",
        "trend",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        page.lines(&head::distinct(&self.signatures));
        page.sheet(sheet(self, draw));
        for row in &self.rows {
            page.lines(&ignored(row, &self.window, draw));
        }
        page.lines(&last(self));
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.shown, self.matched), &self.window, draw)
    }
}

fn sheet(answer: &TopGrowers, draw: Draw) -> Sheet {
    let columns = vec![
        numbers("#").rank(13),
        words("SIGNATURE"),
        service(answer.window.services, 7),
        numbers("INST").rank(5),
        numbers("FIRST").rank(11),
        numbers("LAST").rank(4),
        numbers("GROWTH"),
        numbers("/HOUR").rank(3),
        numbers(">= /HOUR").only_wide(),
        words("TREND").rank(8),
        words("STATE").rank(10),
        numbers("OLDEST").rank(12),
        words("FIRST SEEN").rank(9),
        words("VERDICT").rank(1),
        words("WHERE").elastic().rank(2),
        words("CREATED BY").only_wide(),
    ];
    let rows = answer.rows.iter().zip(1..);
    let rows = rows.map(|(row, nth)| cells(row, nth, &answer.window, draw));
    Sheet {
        columns,
        rows: rows.collect(),
    }
}

/// How much of it is shown, and what to ask next.
fn last(answer: &TopGrowers) -> String {
    let mut text = format!(
        "showing {} of {} (growth >= {}) among {}, {} ignored by rule.",
        grouped(answer.shown as u64),
        grouped(answer.matched as u64),
        signed(answer.min_growth).trim_start_matches('+'),
        plural(answer.total as u64, "signature"),
        grouped(answer.ignored as u64),
    );
    if let Some((hours, row)) = soonest(answer) {
        text += &format!(
            "  {} reaches analysis.max_goroutines in {}.",
            head::short(row.signature, &answer.window),
            span(Duration::from_secs_f64(hours * 3600.0))
        );
    }
    let first = answer.rows.first().map(|row| row.signature);
    if first.is_none() {
        text += match answer.window.polls_ok {
            0 => "  nothing is known: no poll succeeded.",
            _ if answer.ignored > 0 => "  nothing else grew and stayed.",
            _ => "  nothing grew and stayed.",
        };
    }
    text += &head::next("show", first, &answer.window);
    if first.is_none() {
        text += &head::detectable(&answer.window);
    }
    text
}

/// Why a row would be left out, where it would.
fn ignored(row: &GrowerRow, window: &WindowHead, draw: Draw) -> String {
    let Some(ignored) = &row.ignored else {
        return String::new();
    };
    let until = ignored.until.map_or_else(String::new, |until| {
        format!(", until {}", draw.zone.minute(until))
    });
    format!(
        "{} in {} is ignored{until}: {}\n",
        head::short(row.signature, window),
        escape(&row.service),
        escape(&ignored.reason),
    )
}

/// The row that reaches the limit first, and in how many hours.
fn soonest(answer: &TopGrowers) -> Option<(f64, &GrowerRow)> {
    /// What is longer away may never come.
    const MONTH: f64 = 720.0;
    let known = answer
        .rows
        .iter()
        .filter_map(|row| Some((row.hours_to_limit?, row)));
    let near = known.filter(|(hours, _)| *hours <= MONTH);
    near.min_by(|(a, _), (b, _)| a.total_cmp(b))
}

fn cells(row: &GrowerRow, nth: u64, window: &WindowHead, draw: Draw) -> Vec<Cell> {
    let loud = row.verdict.says_growth();
    vec![
        grouped(nth).into(),
        head::signature(row.signature, window, draw).into(),
        escape(&row.service).into_owned().into(),
        format!(
            "{}/{}",
            grouped(row.instances_growing as u64),
            grouped(row.instances as u64)
        )
        .into(),
        grouped(row.first).into(),
        grouped(row.last).into(),
        Cell {
            text: signed(row.growth),
            loud,
        },
        rate(row.per_hour).into(),
        row.per_hour_low.map_or_else(|| "-".to_owned(), rate).into(),
        sparkline(&row.trend).into(),
        main_state(&row.states).into(),
        wait(row.oldest_wait_seconds).into(),
        head::seen_at(row.first_seen.as_ref(), draw).into(),
        Cell {
            text: row.verdict.as_str().to_owned(),
            loud,
        },
        place(&row.site, draw).into(),
        row.created_by
            .as_deref()
            .map_or_else(|| "-".to_owned(), |name| function(name, draw))
            .into(),
    ]
}
