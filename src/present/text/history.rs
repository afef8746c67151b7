//! `query history`: for people polls drawn together, gaps and restarts as such; each poll for programs.

use serde::Serialize;

use super::head;
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{History, Step};

impl Answer for History {
    const COLUMNS: &'static [&'static str] = &[
        "at",
        "service",
        "instance",
        "incarnation",
        "count",
        "unknown",
        "states",
        "oldest_wait_seconds",
        "drawn.since",
        "drawn.polls",
        "drawn.low",
        "drawn.high",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        let place = place(&self.site, draw);
        page.lines(&format!("{}  {place}\n", self.signature));
        let same = |a: &Step, b: &Step| a.service == b.service && a.instance == b.instance;
        for steps in self.steps.chunk_by(same) {
            for first in steps.iter().take(1) {
                let (service, instance) = (escape(&first.service), escape(&first.instance));
                page.lines(&format!("\n{service} {instance}\n"));
            }
            page.sheet(sheet(steps, draw));
        }
        page.lines(&match self.rows.len() {
            0 => "no instance had it in this window.\n".to_owned(),
            polls => format!(
                "\n{} polls drawn together; -o json has each one.\n",
                grouped(polls as u64)
            ),
        });
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.rows.len(), self.rows.len()), &self.window, draw)
    }
}

fn sheet(steps: &[Step], draw: Draw) -> Sheet {
    let columns = vec![
        words("FROM"),
        numbers("POLLS").rank(5),
        numbers("COUNT"),
        numbers("LOWEST").rank(4),
        numbers("HIGHEST").rank(4),
        words("NOTE").elastic(),
    ];
    let rows = steps.iter().zip(0..).map(|(step, nth)| {
        let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), grouped);
        vec![
            draw.zone.second(step.from).into(),
            grouped(step.known as u64).into(),
            count(step.last).into(),
            count(step.range.map(|(low, _)| low)).into(),
            count(step.range.map(|(_, high)| high)).into(),
            note(step, nth > 0, draw),
        ]
    });
    Sheet {
        columns,
        rows: rows.collect(),
    }
}

fn note(step: &Step, later: bool, draw: Draw) -> Cell {
    let mut notes = Vec::new();
    if let Some(since) = step.starts.filter(|_| later) {
        notes.push(format!("restarted, first seen {}", draw.zone.second(since)));
    }
    let unknown = step.unknown.iter();
    notes.extend(
        unknown.map(|(reason, polls)| {
            format!("{} unknown ({})", grouped(*polls as u64), escape(reason))
        }),
    );
    notes.join("; ").into()
}
