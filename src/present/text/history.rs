//! `query history` as text: polls drawn together, gaps and restarts as such.

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{History, Step};

/// The whole answer.
pub fn history(answer: &History, draw: Draw) -> String {
    let mut text = head::window(&answer.window, draw);
    text += &format!("{}  {}\n", answer.signature, place(&answer.site));
    let mut rest = answer.steps.as_slice();
    while let Some(first) = rest.first() {
        let same = |step: &&Step| step.service == first.service && step.instance == first.instance;
        let (steps, others) = rest.split_at(rest.iter().take_while(same).count());
        rest = others;
        text += &format!("\n{} {}\n", escape(&first.service), escape(&first.instance));
        text += &table::draw(&sheet(steps, draw), draw);
    }
    if answer.rows.is_empty() {
        text += "no instance had it in this window.\n";
    } else {
        let polls = answer.rows.len();
        text += &format!(
            "\n{} polls drawn together; -o json has each one.\n",
            grouped(polls as u64)
        );
    }
    text
}

fn sheet(steps: &[Step], draw: Draw) -> Sheet {
    let columns = vec![
        words("FROM"),
        numbers("POLLS"),
        numbers("COUNT"),
        numbers("LOWEST"),
        numbers("HIGHEST"),
        words("NOTE"),
    ];
    let rows = steps.iter().zip(0..).map(|(step, nth)| {
        let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), grouped);
        vec![
            draw.zone.second(step.from).into(),
            step.known.to_string().into(),
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
    notes.extend(unknown.map(|(reason, polls)| format!("{polls} unknown ({})", escape(reason))));
    notes.join("; ").into()
}
