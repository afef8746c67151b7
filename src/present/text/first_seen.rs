//! `query first-seen` as text.

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place, signed};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{FirstSeen, FirstSeenRow, WindowHead};

/// The whole answer.
pub fn first_seen(answer: &FirstSeen, draw: Draw) -> String {
    let columns = vec![
        words("FIRST SEEN"),
        words("SIGNATURE"),
        words("SERVICE"),
        words("INSTANCE"),
        words("BUILD"),
        numbers("LAST"),
        numbers("GROWTH"),
        words("VERDICT"),
        words("WHERE"),
    ];
    let rows = answer
        .rows
        .iter()
        .map(|row| cells(row, &answer.window, draw))
        .collect();
    let mut text = head::window(&answer.window, draw);
    text += &table::draw(&Sheet { columns, rows }, draw);
    text += &format!(
        "showing {} of {} signatures first seen in this window.",
        answer.shown, answer.total
    );
    if answer.ignored > 0 {
        text += &format!("  {} ignored by rule.", answer.ignored);
    }
    if answer.rows.iter().any(|row| row.at_first_look) {
        text += "  *: there when its process was looked at first.";
    }
    let first = answer.rows.first().map(|row| row.signature);
    text + &head::next("history", first, &answer.window)
}

fn cells(row: &FirstSeenRow, window: &WindowHead, draw: Draw) -> Vec<Cell> {
    let mark = if row.at_first_look { "*" } else { "" };
    vec![
        format!("{}{mark}", draw.zone.second(row.first_seen.at)).into(),
        head::short(row.signature, window).into(),
        escape(&row.service).into_owned().into(),
        escape(&row.first_seen.instance).into_owned().into(),
        head::build(row.first_seen.build.as_deref()).into(),
        grouped(row.last).into(),
        signed(row.growth).into(),
        Cell {
            text: row.verdict.as_str().to_owned(),
            loud: row.verdict.says_growth(),
        },
        place(&row.site).into(),
    ]
}
