//! `query show` as text.

use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place, plural, rate, signed, sparkline, states, wait};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{InstanceEvidence, Show};

/// The whole answer.
pub fn show(answer: &Show, draw: Draw) -> String {
    let mut text = head::window(&answer.window, draw);
    text += &format!("signature   {}\n", answer.signature);
    text += &format!("where       {}\n", place(&answer.site));
    for service in &answer.services {
        text += &format!(
            "verdict     {} in {}",
            service.verdict,
            escape(&service.service)
        );
        let reasons = service.reasons.join("; ");
        text += if reasons.is_empty() { "" } else { ": " };
        text += &reasons;
        text += "\n";
    }
    if answer.services.is_empty() {
        text += &format!("verdict     {}: not seen in this window\n", answer.verdict);
    }
    if let Some(creator) = &answer.created_by {
        text += &format!("created by  {}\n", escape(creator));
    }
    for seen in &answer.builds {
        text += &format!(
            "first seen  {} in {} at {}, build {}\n",
            draw.zone.second(seen.at),
            escape(&seen.service),
            escape(&seen.instance),
            head::build(seen.build.as_deref()),
        );
    }
    text += &labels(answer);
    text += "\n";
    text += &table::draw(&sheet(&answer.rows), draw);
    for row in &answer.rows {
        text += &format!(
            "{} {}: {}",
            escape(&row.service),
            escape(&row.instance),
            row.evidence
        );
        let told = states(&row.states);
        text += &if told.is_empty() {
            "\n".to_owned()
        } else {
            format!("; {told}\n")
        };
    }
    text += "\nstack, leaf first\n";
    for frame in &answer.frames {
        text += &format!("  {}\n", escape(&frame.function));
        if !frame.file.is_empty() {
            text += &format!("      {}:{}\n", escape(&frame.file), frame.line);
        }
    }
    text
}

/// Its label sets, and how much of the growth is theirs.
fn labels(answer: &Show) -> String {
    let mut text = String::new();
    for label in &answer.labels {
        let pairs: Vec<String> = label
            .set
            .iter()
            .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
            .collect();
        let set = match pairs.as_slice() {
            [] => "no labels".to_owned(),
            pairs => pairs.join(", "),
        };
        text += &format!(
            "labels      {set}: {} -> {} ({})",
            grouped(label.first),
            grouped(label.last),
            signed(label.growth),
        );
        if label.growth > 0 {
            text += &format!(", {:.0} % of the growth", label.share * 100.0);
        }
        text += "\n";
    }
    if answer.labels_more > 0 {
        text += &format!(
            "labels      and {}\n",
            plural(answer.labels_more as u64, "more set")
        );
    }
    text
}

fn sheet(rows: &[InstanceEvidence]) -> Sheet {
    let columns = vec![
        words("SERVICE"),
        words("INSTANCE"),
        numbers("FIRST"),
        numbers("LAST"),
        numbers("GROWTH"),
        numbers("/HOUR"),
        words("TREND"),
        numbers("OLDEST"),
        numbers("MARKED"),
        words("VERDICT"),
    ];
    let rows = rows.iter().map(|row| {
        let loud = row.verdict.says_growth();
        vec![
            escape(&row.service).into_owned().into(),
            escape(&row.instance).into_owned().into(),
            grouped(row.first).into(),
            grouped(row.last).into(),
            Cell {
                text: signed(row.growth),
                loud,
            },
            rate(row.per_hour).into(),
            sparkline(&row.trend).into(),
            wait(row.oldest_wait_seconds).into(),
            grouped(row.leaked).into(),
            Cell {
                text: row.verdict.as_str().to_owned(),
                loud,
            },
        ]
    });
    Sheet {
        columns,
        rows: rows.collect(),
    }
}
