//! `query instances`.

use serde::Serialize;

use super::head;
use crate::present::column::{numbers, service, words};
use crate::present::words::{build_id, grouped};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{InstanceAnswer, Instances};

impl Answer for Instances {
    const COLUMNS: &'static [&'static str] = &[
        "service",
        "instance",
        "url",
        "labels",
        "last_poll.at",
        "last_poll.outcome",
        "last_poll.reason",
        "last_poll.message",
        "polls_ok",
        "polls_due",
        "failures",
        "failed_details",
        "goroutines",
        "build",
        "incarnations",
    ];

    fn page(&self, draw: Draw) -> Page {
        let columns = vec![
            service(self.window.services, 7),
            words("INSTANCE").elastic(),
            words("LAST POLL").rank(6),
            words("OUTCOME"),
            numbers("GOROUTINES").rank(4),
            numbers("POLLS").rank(5),
            numbers("PROCESSES").rank(8),
            words("BUILD").rank(9),
            words("REASON").elastic().rank(2),
        ];
        let rows = self.rows.iter().map(|row| cells(row, draw)).collect();
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        page.sheet(Sheet { columns, rows });
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.rows.len(), self.rows.len()), &self.window, draw)
    }
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
        .map(|(reason, count)| format!("{} {}", grouped(*count), escape(reason)));
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
        grouped(row.incarnations.len() as u64).into(),
        build_id(row.build.as_deref(), draw).into(),
        reason.into(),
    ]
}
