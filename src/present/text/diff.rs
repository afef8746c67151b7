//! `query diff` as text.

use std::time::Duration;

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place, plural, rate, span};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{Basis, Diff, DiffCount, DiffRow, DiffSide};

/// Unknown instances told one by one.
const UNKNOWN: usize = 5;

/// The whole answer.
pub fn diff(answer: &Diff, draw: Draw) -> String {
    let mut text = side("A", &answer.a, draw) + &side("B", &answer.b, draw);
    text += &basis(answer);
    for only in &answer.uncompared {
        text += &format!(
            "service {} is known in {} only: not compared\n",
            escape(&only.service),
            only.known_in.to_uppercase()
        );
    }
    text += &table::draw(&sheet(answer), draw);
    text += &format!(
        "showing {} of {} that differ per instance, among {}.",
        answer.shown,
        answer.differ,
        plural(answer.total as u64, "signature"),
    );
    let first = answer.rows.first();
    let here = ![&answer.a, &answer.b]
        .iter()
        .any(|side| side.asked.starts_with("db:"));
    match first.filter(|_| here) {
        Some(row) => {
            let digits: String = row
                .signature
                .to_string()
                .chars()
                .take(answer.digits)
                .collect();
            text + &format!("  next: goroscope query history {digits}\n")
        }
        None => text + "\n",
    }
}

fn side(name: &str, side: &DiffSide, draw: Draw) -> String {
    let zone = draw.zone;
    let mut text = format!("{name}  {}", escape(&side.asked));
    if let Some(build) = &side.build {
        text += &format!("  build {}", head::build(Some(build)));
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
    text += &match (side.polled_since, side.polled_until) {
        (Some(since), Some(until)) if since == until => {
            format!(", polled {}\n", zone.second(since))
        }
        (Some(since), Some(until)) => {
            format!(
                ", polled {} to {}\n",
                zone.second(since),
                zone.second(until)
            )
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
                    zone.second(at)
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

fn sheet(answer: &Diff) -> Sheet {
    let by_service = answer.rows.iter().any(|row| row.service.is_some());
    let has_rates = answer.basis != Basis::Moment;
    let mut columns = vec![words("SIGNATURE")];
    if by_service {
        columns.push(words("SERVICE"));
    }
    columns.extend([
        numbers("A"),
        numbers("B"),
        numbers("A/INST"),
        numbers("B/INST"),
        numbers("DELTA/INST"),
    ]);
    if has_rates {
        columns.extend([numbers("A/H"), numbers("B/H")]);
    }
    columns.extend([words("CHANGE"), words("WHERE")]);
    let cells = |row: &DiffRow| {
        let digits = row.signature.to_string();
        let mut cells: Vec<Cell> = vec![
            digits
                .chars()
                .take(answer.digits)
                .collect::<String>()
                .into(),
        ];
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
        cells.extend([change.into(), place(&row.site).into()]);
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
