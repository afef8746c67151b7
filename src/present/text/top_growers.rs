//! `query top-growers` as text.

use std::time::Duration;

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{
    grouped, main_state, place, plural, rate, signed, span, sparkline, wait,
};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{GrowerRow, TopGrowers, WindowHead};

/// The whole answer.
pub fn top_growers(answer: &TopGrowers, draw: Draw) -> String {
    let columns = vec![
        numbers("#"),
        words("SIGNATURE"),
        words("SERVICE"),
        numbers("INST"),
        numbers("FIRST"),
        numbers("LAST"),
        numbers("GROWTH"),
        numbers("/HOUR"),
        words("TREND"),
        words("STATE"),
        numbers("OLDEST"),
        words("FIRST SEEN"),
        words("VERDICT"),
        words("WHERE"),
    ];
    let rows = answer.rows.iter().zip(1..);
    let rows = rows
        .map(|(row, nth)| cells(row, nth, &answer.window, draw))
        .collect();
    let mut text = head::window(&answer.window, draw);
    text += &head::distinct(&answer.signatures);
    text += &table::draw(&Sheet { columns, rows }, draw);
    for row in &answer.rows {
        text += &ignored(row, &answer.window, draw);
    }
    text += &format!(
        "showing {} of {} (growth >= {}) among {}, {} ignored by rule.",
        answer.shown,
        answer.matched,
        answer.min_growth,
        plural(answer.total as u64, "signature"),
        answer.ignored,
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

fn cells(row: &GrowerRow, nth: usize, window: &WindowHead, draw: Draw) -> Vec<Cell> {
    let loud = row.verdict.says_growth();
    vec![
        nth.to_string().into(),
        head::short(row.signature, window).into(),
        escape(&row.service).into_owned().into(),
        format!("{}/{}", row.instances_growing, row.instances).into(),
        grouped(row.first).into(),
        grouped(row.last).into(),
        Cell {
            text: signed(row.growth),
            loud,
        },
        rate(row.per_hour).into(),
        sparkline(&row.trend).into(),
        main_state(&row.states).into(),
        wait(row.oldest_wait_seconds).into(),
        head::seen_at(row.first_seen.as_ref(), draw).into(),
        Cell {
            text: row.verdict.as_str().to_owned(),
            loud,
        },
        place(&row.site).into(),
    ]
}
