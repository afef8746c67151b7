//! `query shared`.

use serde::Serialize;

use super::head;
use crate::model::Signature;
use crate::present::column::{numbers, words};
use crate::present::words::{build_id, grouped, place, plural, signed};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{Shared, SharedInstance, SharedRow, Verdict, Where};

/// A line of CSV: one instance that shares a leak.
#[derive(Serialize)]
struct Record<'a> {
    signature: Signature,
    verdict: Verdict,
    #[serde(flatten)]
    instance: &'a SharedInstance,
    #[serde(rename = "where")]
    site: &'a Where,
}

impl Answer for Shared {
    const COLUMNS: &'static [&'static str] = &[
        "signature",
        "service",
        "instance",
        "verdict",
        "count",
        "growth",
        "first_seen.at",
        "first_seen.build",
        "where.function",
        "where.file",
        "where.line",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        for row in &self.rows {
            page.lines(&format!(
                "\n{}  {} on {} of {}  {}\n",
                head::signature(row.signature, &self.window, draw),
                signed(row.growth),
                plural(row.instances.len() as u64, "instance"),
                plural(row.services.len() as u64, "service"),
                place(&row.site, draw),
            ));
            page.sheet(sheet(row, draw));
        }
        page.lines(&last(self));
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn records(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter().flat_map(|row| {
            let record = |instance| Record {
                signature: row.signature,
                verdict: row.verdict,
                instance,
                site: &row.site,
            };
            row.instances.iter().map(record)
        })
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.shown, self.total), &self.window, draw)
    }
}

/// How much of it is shown, and what to ask next.
fn last(answer: &Shared) -> String {
    let text = format!(
        "\nshowing {} of {} signatures that grow on two or more {}, {} ignored by rule.",
        grouped(answer.shown as u64),
        grouped(answer.total as u64),
        across(&answer.across),
        grouped(answer.ignored as u64),
    );
    let first = answer.rows.first().map(|row| row.signature);
    text + &head::next("show", first, &answer.window)
}

/// What a leak is shared across, in the plural.
fn across(word: &str) -> String {
    word.strip_prefix("label=").map_or_else(
        || format!("{word}s"),
        |name| format!("values of the label {}", escape(name)),
    )
}

fn sheet(row: &SharedRow, draw: Draw) -> Sheet {
    let columns = vec![
        words("SERVICE").elastic(),
        words("INSTANCE").elastic(),
        numbers("COUNT").rank(3),
        numbers("GROWTH"),
        words("FIRST SEEN").rank(4),
        words("BUILD").rank(5),
    ];
    let rows = row.instances.iter().map(|instance| {
        let seen = instance.first_seen.as_ref();
        vec![
            escape(&instance.service).into_owned().into(),
            escape(&instance.instance).into_owned().into(),
            grouped(instance.count).into(),
            Cell {
                text: signed(instance.growth),
                loud: true,
            },
            head::seen_at(seen, draw).into(),
            build_id(seen.and_then(|seen| seen.build.as_deref()), draw).into(),
        ]
    });
    Sheet {
        columns,
        rows: rows.collect(),
    }
}
