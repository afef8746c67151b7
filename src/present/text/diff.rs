//! `query diff`.

use std::time::Duration;

use serde::Serialize;

use crate::present::column::{numbers, service, words};
use crate::present::words::{build_id, digits, grouped, place, plural, rate, span};
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{Basis, Diff, DiffCount, DiffRow, DiffSide, Uncompared};

/// Unknown instances told one by one.
const UNKNOWN: usize = 5;

impl Answer for Diff {
    const COLUMNS: &'static [&'static str] = &[
        "signature",
        "service",
        "a.count",
        "b.count",
        "delta",
        "a.per_instance",
        "b.per_instance",
        "delta_per_instance",
        "a.per_hour",
        "b.per_hour",
        "new_in_b",
        "gone_in_b",
        "where.function",
        "where.file",
        "where.line",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        page.lines(&side("A", &self.a, draw));
        page.lines(&side("B", &self.b, draw));
        page.lines(&basis(self));
        page.lines(&uncompared(self));
        page.sheet(sheet(self, draw));
        page.lines(&last(self, draw));
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        let mut text = basis(self) + &uncompared(self);
        for (name, one) in [("A", &self.a), ("B", &self.b)] {
            if one.known < one.wanted || one.wanted == 0 {
                text += &side(name, one, draw);
            }
        }
        if self.shown < self.differ {
            text += &format!(
                "{} of {} rows; -n 0 writes all\n",
                grouped(self.shown as u64),
                grouped(self.differ as u64)
            );
        }
        text
    }
}

/// Services that only one side knows.
fn uncompared(answer: &Diff) -> String {
    let line = |only: &Uncompared| {
        format!(
            "service {} is known in {} only: not compared\n",
            escape(&only.service),
            only.known_in.to_uppercase()
        )
    };
    answer.uncompared.iter().map(line).collect()
}

/// How much of it is shown, and what to ask next.
fn last(answer: &Diff, draw: Draw) -> String {
    let text = format!(
        "showing {} of {} that differ per instance, among {}.",
        grouped(answer.shown as u64),
        grouped(answer.differ as u64),
        plural(answer.total as u64, "signature"),
    );
    let first = answer.rows.first();
    let here = ![&answer.a, &answer.b]
        .iter()
        .any(|side| side.asked.starts_with("db:"));
    match first.filter(|_| here) {
        Some(row) => {
            let digits = digits(row.signature, answer.digits, draw);
            text + &format!("  next: goroscope query history {digits}\n")
        }
        None => text + "\n" + &where_to_look(answer),
    }
}

/// Where nothing is known on either side: two times as far apart of which something may be, else what holds the
/// times that there are.
fn where_to_look(answer: &Diff) -> String {
    let (a, b) = (&answer.a, &answer.b);
    if a.known > 0 || b.known > 0 {
        return String::new();
    }
    let polled = a.last_due.max(b.last_due);
    match (polled, a.at, b.at) {
        (Some(polled), Some(from), Some(to)) => {
            let earlier = polled.minus(to.since(from));
            let [from, to] = [earlier, polled].map(|at| at.to_utc().format("%Y-%m-%dT%H:%M:%SZ"));
            format!("nothing is known on either side.  next: goroscope query diff {from} {to}\n")
        }
        _ => "nothing is known on either side.  next: goroscope db info\n".to_owned(),
    }
}

fn side(name: &str, side: &DiffSide, draw: Draw) -> String {
    let zone = draw.zone;
    let mut text = format!("{name}  {}", escape(&side.asked));
    if let Some(id) = &side.build {
        text += &format!("  build {}", build_id(Some(id), draw));
    }
    if let Some(at) = side.at {
        text += &format!("  {} ({})", zone.second(at), zone.offset(at));
    }
    let what = match (&side.build, side.wanted) {
        (Some(_), 1) => "process",
        (Some(_), _) => "processes",
        (None, 1) => "instance",
        (None, _) => "instances",
    };
    text += &format!(
        "   {}, {}/{} {what}, {}",
        plural(side.services as u64, "service"),
        grouped(side.known as u64),
        grouped(side.wanted as u64),
        plural(side.goroutines, "goroutine"),
    );
    // The moment of a side has told its zone; a build has none.
    let told = |at| match side.at {
        Some(_) => zone.second(at),
        None => format!("{} ({})", zone.second(at), zone.offset(at)),
    };
    text += &match (side.polled_since, side.polled_until) {
        (Some(since), Some(until)) if since == until => {
            format!(", polled {}\n", told(since))
        }
        (Some(since), Some(until)) => {
            format!(", polled {} to {}\n", zone.second(since), told(until))
        }
        _ => "\n".to_owned(),
    };
    if side.by_day {
        text += "   snapshots of then have gone: told by the last polls of days of UTC\n";
    }
    if side.left_out > 0 {
        text += &format!(
            "   {} left out: younger than that, or not seen starting\n",
            grouped(side.left_out as u64)
        );
    }
    if side.known == 0 {
        text += &side.last_due.map_or_else(
            || "   nothing was polled up to then\n".to_owned(),
            |at| {
                format!(
                    "   no good poll near then; the last one was due {}\n",
                    told(at)
                )
            },
        );
    }
    text + &unknown(side)
}

/// Of whom nothing is known.
fn unknown(side: &DiffSide) -> String {
    if side.unknown.is_empty() {
        return String::new();
    }
    let shown = side.unknown.iter().take(UNKNOWN);
    let names = shown.map(|one| format!("{} {}", escape(&one.service), escape(&one.instance)));
    let names = names.collect::<Vec<_>>().join(", ");
    match side.unknown.len().saturating_sub(UNKNOWN) {
        0 => format!("   unknown: {names}\n"),
        more => format!("   unknown: {names} and {} more\n", grouped(more as u64)),
    }
}

fn basis(answer: &Diff) -> String {
    match (answer.basis, answer.age_seconds) {
        (Basis::SameAge, Some(age)) => format!(
            "counts when each process was {} old, as half of those of both builds became; /H is growth an hour \
             and process over their whole lives\n",
            span(Duration::from_secs(age))
        ),
        (Basis::LastCounts, _) => {
            "last counts of each process, whose ages differ: no process was seen starting on \
             both sides; compare /H, growth an hour and process\n"
                .to_owned()
        }
        _ => String::new(),
    }
}

fn sheet(answer: &Diff, draw: Draw) -> Sheet {
    let by_service = answer.rows.iter().any(|row| row.service.is_some());
    let has_rates = answer.basis != Basis::Moment;
    let mut columns = vec![words("SIGNATURE")];
    if by_service {
        columns.push(service(answer.a.services.max(answer.b.services), 8));
    }
    columns.extend([
        numbers("A").rank(9),
        numbers("B").rank(9),
        numbers("A/INST").rank(5),
        numbers("B/INST").rank(5),
        numbers("DELTA/INST"),
    ]);
    if has_rates {
        columns.extend([numbers("A/H").rank(4), numbers("B/H").rank(4)]);
    }
    columns.extend([words("CHANGE").rank(7), words("WHERE").elastic().rank(1)]);
    let cells = |row: &DiffRow| {
        let mut cells: Vec<Cell> = vec![digits(row.signature, answer.digits, draw).into()];
        if by_service {
            cells.push(
                escape(row.service.as_deref().unwrap_or("-"))
                    .into_owned()
                    .into(),
            );
        }
        cells.extend(counts(row));
        if has_rates {
            cells.extend([&row.a, &row.b].map(|count| per_hour(count).into()));
        }
        let change = match (row.new_in_b, row.gone_in_b) {
            (true, _) => "new in B",
            (_, true) => "gone in B",
            _ => "",
        };
        cells.extend([change.into(), place(&row.site, draw).into()]);
        cells
    };
    Sheet {
        rows: answer.rows.iter().map(cells).collect(),
        columns,
    }
}

fn counts(row: &DiffRow) -> [Cell; 5] {
    [
        grouped(row.a.count).into(),
        grouped(row.b.count).into(),
        average(row.a.per_instance).into(),
        average(row.b.per_instance).into(),
        Cell {
            text: rate(row.delta_per_instance),
            loud: row.delta_per_instance > 0.0,
        },
    ]
}

fn per_hour(count: &DiffCount) -> String {
    count.per_hour.map_or_else(|| "-".to_owned(), rate)
}

/// `12.5`, without the sign that a rate has.
fn average(per_instance: f64) -> String {
    rate(per_instance).trim_start_matches('+').to_owned()
}
