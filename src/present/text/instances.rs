//! `query instances` as text.

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::grouped;
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{InstanceAnswer, Instances};

/// The whole answer.
pub fn instances(answer: &Instances, draw: Draw) -> String {
    let columns = vec![
        words("SERVICE"),
        words("INSTANCE"),
        words("LAST POLL"),
        words("OUTCOME"),
        numbers("GOROUTINES"),
        numbers("POLLS"),
        numbers("PROCESSES"),
        words("BUILD"),
        words("REASON"),
    ];
    let rows = answer.rows.iter().map(|row| cells(row, draw)).collect();
    let mut text = head::window(&answer.window, draw);
    text += &table::draw(&Sheet { columns, rows }, draw);
    text
}

fn cells(row: &InstanceAnswer, draw: Draw) -> Vec<Cell> {
    let last = row.last_poll.as_ref();
    let outcome = match last {
        None => "never polled".to_owned(),
        Some(poll) => match &poll.reason {
            Some(reason) if poll.outcome == "failed" => format!("failed: {}", escape(reason)),
            _ => poll.outcome.to_owned(),
        },
    };
    let loud = last.is_none_or(|poll| poll.outcome != "ok");
    let failed = row
        .failures
        .iter()
        .map(|(reason, count)| format!("{count} {}", escape(reason)));
    let earlier = failed.collect::<Vec<_>>().join(", ");
    let reason = last
        .and_then(|poll| poll.message.as_deref())
        .map_or(earlier, |message| escape(message).into_owned());
    vec![
        escape(&row.service).into_owned().into(),
        escape(&row.instance).into_owned().into(),
        last.map_or_else(|| "-".to_owned(), |poll| draw.zone.second(poll.at))
            .into(),
        Cell {
            text: outcome,
            loud,
        },
        row.goroutines
            .map_or_else(|| "?".to_owned(), grouped)
            .into(),
        format!("{}/{}", grouped(row.polls_ok), grouped(row.polls_due)).into(),
        row.incarnations.len().to_string().into(),
        head::build(row.build.as_deref()).into(),
        reason.into(),
    ]
}
