//! `query show` as text.

use super::draft::rule;
use super::{head, table};
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, place, plural, rate, signed, sparkline, states, wait};
use crate::present::{Cell, Draw, Sheet, escape};
use crate::query::{InstanceEvidence, ServiceVerdict, Show};

/// The whole answer.
pub fn show(answer: &Show, draw: Draw) -> String {
    let mut text = head::window(&answer.window, draw);
    text += &format!("signature   {}\n", answer.signature);
    text += &format!("where       {}\n", place(&answer.site));
    for service in &answer.services {
        text += &verdict(service, draw);
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
        if let (Some(low), Some(median), Some(high)) =
            (row.per_hour_low, row.per_hour_median, row.per_hour_high)
        {
            let (low, high) = (rate(low), rate(high));
            text += &format!("; {}/h (90 %: {low} to {high})", rate(median));
        }
        let told = states(&row.states);
        text += &if told.is_empty() {
            "\n".to_owned()
        } else {
            format!("; {told}\n")
        };
    }
    text += &history(answer, draw);
    text += "\nstack, leaf first\n";
    for frame in &answer.frames {
        text += &format!("  {}\n", escape(&frame.function));
        if !frame.file.is_empty() {
            text += &format!("      {}:{}\n", escape(&frame.file), frame.line);
        }
    }
    if let Some(rule) =
        rule(&answer.rule, answer.window.until).filter(|_| answer.verdict.says_growth())
    {
        text += &format!("\nwhere this is fine, for goroscope.toml\n{rule}");
    }
    text
}

/// What follows for one service, what is proved, and what such a stack usually means.
fn verdict(service: &ServiceVerdict, draw: Draw) -> String {
    let mut text = format!(
        "verdict     {} in {}",
        service.verdict,
        escape(&service.service)
    );
    let reasons = service.reasons.join("; ");
    text += if reasons.is_empty() { "" } else { ": " };
    text += &reasons;
    if let Some(proof) = &service.proof {
        text += &format!(
            "\nproved      {} at least can never wake, by the garbage collector; {} -> {}, first at {}, build {}",
            grouped(proof.at_least),
            draw.zone.minute(proof.first_at),
            draw.zone.minute(proof.last_at),
            escape(&proof.instance),
            head::build(proof.build.as_deref()),
        );
    }
    if let Some(hint) = &service.hint {
        text += &format!("\nhint        {}", escape(&hint.sentence()));
    }
    if let Some(rule) = &service.ignored {
        text += &format!("\nignored     by rule: {}", escape(&rule.reason));
    }
    text += "\n";
    text
}

/// How it began, and what was said of it.
fn history(answer: &Show, draw: Draw) -> String {
    let mut text = String::new();
    if let Some(beginning) = &answer.beginning {
        let counts = beginning.counts.iter();
        let counts: Vec<String> = counts
            .map(|count| count.map_or_else(|| "-".to_owned(), grouped))
            .collect();
        text += &format!(
            "\nfirst hours at {}, {} -> {}\n  {}\n  {}\n",
            escape(&beginning.instance),
            draw.zone.second(beginning.since),
            draw.zone.second(beginning.until),
            sparkline(&beginning.counts),
            counts.join(" "),
        );
    }
    for (nth, said) in answer.said.iter().enumerate() {
        let until = said
            .until
            .map_or_else(|| "now".to_owned(), |until| draw.zone.minute(until));
        let begin = if nth == 0 { "\nsaid" } else { "    " };
        text += &format!(
            "{begin}  {} -> {until}  {} in {}\n",
            draw.zone.minute(said.since),
            said.verdict,
            escape(&said.service),
        );
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
