//! `query show`: for people all of it, for programs the instances.

use serde::Serialize;

use super::draft::rule;
use super::head;
use crate::present::column::{numbers, service, words};
use crate::present::words::{
    build_id, grouped, label_set, place, plural, rate, signed, span, sparkline, states, wait,
};
use crate::present::wrap::wrapped;
use crate::present::{Answer, Cell, Draw, Page, Sheet, escape};
use crate::query::{ServiceVerdict, Show};

impl Answer for Show {
    const COLUMNS: &'static [&'static str] = &[
        "service",
        "instance",
        "first",
        "last",
        "growth",
        "per_hour",
        "per_hour_low",
        "per_hour_median",
        "per_hour_high",
        "verdict",
        "evidence",
        "states",
        "oldest_wait_seconds",
        "leaked",
        "trend",
    ];

    fn page(&self, draw: Draw) -> Page {
        let mut page = Page::default();
        page.lines(&head::window(&self.window, draw));
        page.lines(&known(self, draw));
        page.lines(&labels(self));
        page.lines("\n");
        page.sheet(sheet(self));
        page.lines(&evidence(self));
        page.verbatim(&wrapped(&beginning(self, draw), draw.width));
        page.verbatim(&wrapped(&said(self, draw), draw.width));
        page.verbatim(&stack(self));
        let draft = rule(&self.rule, self.window.until);
        if let Some(rule) = draft.filter(|_| self.verdict.says_growth()) {
            page.lines("\nwhere this is fine, for goroscope.toml\n");
            page.verbatim(&rule);
        }
        page
    }

    fn rows(&self) -> impl Iterator<Item = impl Serialize> {
        self.rows.iter()
    }

    fn remarks(&self, draw: Draw) -> String {
        head::of_rows((self.rows.len(), self.rows.len()), &self.window, draw)
    }
}

/// What is known of the signature in all.
fn known(answer: &Show, draw: Draw) -> String {
    let mut text = format!("signature   {}\n", answer.signature);
    text += &format!("where       {}\n", place(&answer.site, draw));
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
            build_id(seen.build.as_deref(), draw),
        );
    }
    text
}

/// Why each instance has its verdict.
fn evidence(answer: &Show) -> String {
    let mut text = String::new();
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
    text
}

fn stack(answer: &Show) -> String {
    let mut text = "\nstack, leaf first\n".to_owned();
    for frame in &answer.frames {
        text += &format!("  {}\n", escape(&frame.function));
        if !frame.file.is_empty() {
            text += &format!("      {}:{}\n", escape(&frame.file), frame.line);
        }
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
            build_id(proof.build.as_deref(), draw),
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

/// How it began.
fn beginning(answer: &Show, draw: Draw) -> String {
    let Some(beginning) = &answer.beginning else {
        return String::new();
    };
    let counts = beginning.counts.iter();
    let counts: Vec<String> = counts
        .map(|count| count.map_or_else(|| "-".to_owned(), grouped))
        .collect();
    format!(
        "\naround its first sighting at {}, {}: {} -> {}\n  {}\n  {}\n",
        escape(&beginning.instance),
        span(beginning.until.since(beginning.since)),
        draw.zone.second(beginning.since),
        draw.zone.second(beginning.until),
        sparkline(&beginning.counts),
        counts.join(" "),
    )
}

/// What the daemon said of it.
fn said(answer: &Show, draw: Draw) -> String {
    let mut text = String::new();
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
        let set = label_set(&label.set);
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

fn sheet(answer: &Show) -> Sheet {
    // What is marked is proved; nothing marked says little.
    let marked = if answer.rows.iter().any(|row| row.leaked > 0) {
        3
    } else {
        9
    };
    let columns = vec![
        service(answer.services.len(), 6),
        words("INSTANCE").elastic(),
        numbers("FIRST").rank(7),
        numbers("LAST").rank(3),
        numbers("GROWTH"),
        numbers("/HOUR").rank(4),
        words("TREND").rank(5),
        numbers("OLDEST").rank(8),
        numbers("MARKED").rank(marked),
        words("VERDICT").rank(1),
    ];
    let rows = answer.rows.iter().map(|row| {
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
