//! `query shared` as text.

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place, plural, signed};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{Shared, SharedRow};

/// The whole answer.
pub fn shared(answer: &Shared, draw: Draw) -> String {
    let mut text = head::window(&answer.window, draw);
    for row in &answer.rows {
        text += &format!(
            "\n{}  {} on {} of {}  {}\n",
            head::short(row.signature, &answer.window),
            signed(row.growth),
            plural(row.instances.len() as u64, "instance"),
            plural(row.services.len() as u64, "service"),
            place(&row.site),
        );
        text += &table::draw(&sheet(row, draw), draw);
    }
    text += &format!(
        "\nshowing {} of {} signatures that grow on two or more {}, {} ignored by rule.",
        answer.shown,
        answer.total,
        across(&answer.across),
        answer.ignored,
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
        words("SERVICE"),
        words("INSTANCE"),
        numbers("COUNT"),
        numbers("GROWTH"),
        words("FIRST SEEN"),
        words("BUILD"),
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
            head::build(seen.and_then(|seen| seen.build.as_deref())).into(),
        ]
    });
    Sheet {
        columns,
        rows: rows.collect(),
    }
}
