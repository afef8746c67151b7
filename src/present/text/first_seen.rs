//! `query first-seen`.

use serde::Serialize;

use super::head;
use crate::present::column::{numbers, service, words};
use crate::present::words::{build_id, grouped, place, signed};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{FirstSeen, FirstSeenRow, WindowHead};

/// Terminals narrower than this show no seconds.
const NARROW: u16 = 60;

impl Answer for FirstSeen {
    const COLUMNS: &'static [&'static str] = &[
        "signature",
        "service",
        "first_seen.at",
        "first_seen.instance",
        "first_seen.build",
        "at_first_look",
        "last",
        "growth",
        "verdict",
        "where.function",
        "where.file",
        "where.line",
    ];

    fn page(&self, draw: Draw) -> Page {
        let columns = vec![
            words("FIRST SEEN"),
            words("SIGNATURE"),
            service(self.window.services, 6),
            words("INSTANCE").rank(4).elastic(),
            words("BUILD").rank(5),
            numbers("LAST").rank(7),
            numbers("GROWTH").rank(8),
            words("VERDICT").rank(2),
            words("WHERE").elastic().rank(1),
        ];
        let rows = self.rows.iter();
        let rows = rows.map(|row| cells(row, &self.window, draw)).collect();
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        page.sheet(Sheet { columns, rows });
        page.lines(&last(self));
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.shown, self.total), &self.window, draw)
    }
}

/// How much of it is shown, and what to ask next.
fn last(answer: &FirstSeen) -> String {
    let mut text = format!(
        "showing {} of {} signatures first seen in this window.",
        grouped(answer.shown as u64),
        grouped(answer.total as u64),
    );
    if answer.ignored > 0 {
        text += &format!("  {} ignored by rule.", grouped(answer.ignored as u64));
    }
    if answer.rows.iter().any(|row| row.at_first_look) {
        text += "  *: there when its process was looked at first.";
    }
    let first = answer.rows.first().map(|row| row.signature);
    text + &head::next("history", first, &answer.window)
}

fn cells(row: &FirstSeenRow, window: &WindowHead, draw: Draw) -> Vec<Cell> {
    // A narrow terminal has room for the minute or for where it is.
    let is_narrow = draw.width.is_some_and(|width| width < NARROW);
    let at = if is_narrow {
        draw.zone.minute(row.first_seen.at)
    } else {
        draw.zone.second(row.first_seen.at)
    };
    let mark = if row.at_first_look { "*" } else { "" };
    vec![
        format!("{at}{mark}").into(),
        head::signature(row.signature, window, draw).into(),
        escape(&row.service).into_owned().into(),
        escape(&row.first_seen.instance).into_owned().into(),
        build_id(row.first_seen.build.as_deref(), draw).into(),
        grouped(row.last).into(),
        signed(row.growth).into(),
        Cell {
            text: row.verdict.as_str().to_owned(),
            loud: row.verdict.says_growth(),
        },
        place(&row.site, draw).into(),
    ]
}
