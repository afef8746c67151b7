//! The lines that stand before and behind every table.

use std::time::Duration;

use crate::model::Signature;
use crate::present::words::{digits, grouped, plural, rate, span};
use crate::present::{Draw, escape, rule_ended};
use crate::query::{Counted, DistinctRow, FirstSighting, LimitRow, WindowHead};

/// Pauses told one by one.
const PAUSES: usize = 3;

/// Windows shorter than this are told to the second.
const SHORT: Duration = Duration::from_hours(1);

/// The window and how much of it was seen.
pub(super) fn window(head: &WindowHead, draw: Draw) -> String {
    measured(head, draw) + &remarks(head, draw)
}

/// The line that every answer begins with.
fn measured(head: &WindowHead, draw: Draw) -> String {
    let zone = draw.zone;
    let short = head.until.since(head.since) < SHORT;
    let moment = |at| {
        if short {
            zone.second(at)
        } else {
            zone.minute(at)
        }
    };
    format!(
        "window {} -> {} ({})   {}, {}, {}/{} polls, {}{}\n",
        moment(head.since),
        moment(head.until),
        zone.offset(head.until),
        plural(head.services as u64, "service"),
        plural(head.instances as u64, "instance"),
        grouped(head.polls_ok),
        grouped(head.polls_due),
        plural(head.restarts, "restart"),
        head.min_detectable_per_hour
            .map_or_else(String::new, |slowest| format!(
                ", leaks from {}/h on can be GROWING",
                rate(slowest)
            )),
    )
}

/// What else a reader of the rows must know: when nothing was polled, and what stands in for what is not kept.
pub(super) fn remarks(head: &WindowHead, draw: Draw) -> String {
    let zone = draw.zone;
    let mut line = told_by(head, draw);
    if let (Some(since), Some(until)) = (head.polled_since, head.polled_until)
        && since.since(head.since) + head.until.since(until) > head.until.since(head.since) / 20
    {
        line += &format!(
            "polled {} -> {} only\n",
            zone.second(since),
            zone.second(until)
        );
    }
    line += &pauses(head, draw);
    line += &limits(&head.signature_limits, draw);
    if let Some(since) = head.daemon_silent_since {
        line += &format!(
            "the daemon runs, and has stored nothing since {}: its log says why\n",
            zone.second(since)
        );
    }
    for rule in &head.rules_ended {
        line += &format!("{}\n", rule_ended(rule, zone));
    }
    for unread in &head.analysis_unread {
        line += &format!(
            "what the daemon keeps as {} cannot be read, so defaults stand in for it\n",
            escape(unread)
        );
    }
    if head.polls_due == 0 {
        line.push_str("nothing was polled in this window; a longer --since may have more\n");
    }
    line
}

/// How finely the window is told, where not by every poll.
fn told_by(head: &WindowHead, draw: Draw) -> String {
    let zone = draw.zone;
    let mut line = String::new();
    if let Some(kept) = head.kept_since {
        let older = head.days_since.map_or_else(
            || "retention has removed older ones".to_owned(),
            |since| {
                format!(
                    "the time from {} to then is told by days of UTC",
                    zone.second(since)
                )
            },
        );
        line += &format!("snapshots are kept since {}: {older}\n", zone.second(kept));
    }
    if head.resolution.by_day > 0 {
        line += &format!(
            "{} of {} processes were seen for more than 7d: told by the lowest and last count of each \
             day of UTC\n",
            grouped(head.resolution.by_day),
            grouped(head.resolution.processes()),
        );
    }
    line
}

/// When something was not polled.
fn pauses(head: &WindowHead, draw: Draw) -> String {
    let zone = draw.zone;
    let mut line = String::new();
    for pause in head.pauses.iter().take(PAUSES) {
        line += &format!(
            "not polled {} -> {} (no daemon ran, or not wanted)\n",
            zone.second(pause.from),
            zone.second(pause.to)
        );
    }
    if let Some(more) = head
        .pauses
        .len()
        .checked_sub(PAUSES)
        .filter(|more| *more > 0)
    {
        line += &format!(
            "and {} in which something was not polled\n",
            plural(more as u64, "more time")
        );
    }
    line
}

/// Services in which the number of distinct signatures grows.
pub(super) fn distinct(rows: &[DistinctRow]) -> String {
    let line = |row: &DistinctRow| {
        let numbers = match row.counted {
            Counted::Ever => format!(
                "signatures ever seen went from {} to {}",
                grouped(row.first),
                grouped(row.last),
            ),
            Counted::AtOnce => format!(
                "distinct signatures in one process went from {} to {}",
                grouped(row.first),
                grouped(row.last),
            ),
        };
        let evidence = row.evidence.join("; ");
        format!(
            "{}: {numbers} ({}/h): {}: {}\n",
            escape(&row.service),
            rate(row.per_hour),
            row.verdict,
            escape(&evidence),
        )
    };
    rows.iter().map(line).collect()
}

/// Services that are at their limit of signatures.
pub(super) fn limits(limits: &[LimitRow], draw: Draw) -> String {
    let line = |limit: &LimitRow| {
        format!(
            "{}, since {}: {}\n",
            escape(&limit.service),
            draw.zone.second(limit.since),
            limit.text
        )
    };
    limits.iter().map(line).collect()
}

/// Ends the last line with the next useful command.
pub(super) fn next(question: &str, first: Option<Signature>, head: &WindowHead) -> String {
    first.map_or_else(
        || "\n".to_owned(),
        |signature| {
            format!(
                "  next: goroscope query {question} {}\n",
                short(signature, head)
            )
        },
    )
}

/// The slowest leak that shows in what was polled.
pub(super) fn detectable(head: &WindowHead) -> String {
    let polled = head.polled_until.zip(head.polled_since);
    match (head.min_detectable_per_hour, polled) {
        (Some(slowest), Some((until, since))) => format!(
            "polled for {}: slower leaks than {}/h an instance do not show in that time\n",
            span(until.since(since)),
            rate(slowest),
        ),
        (None, Some(_)) => "too early: nothing can be GROWING before 60 polls and five minutes behind the warm-up of a process (a tenth of its \
         life, ten minutes at least and an hour at most)\n".to_owned(),
        (_, None) => String::new(),
    }
}

/// What a reader of rows alone must know: how many there are beside these, and all that the head remarks.
pub(super) fn of_rows((shown, all): (usize, usize), head: &WindowHead, draw: Draw) -> String {
    let mut text = remarks(head, draw);
    if head.polls_due > 0 && head.polls_ok == 0 {
        text += "nothing is known: no poll succeeded\n";
    }
    if !text.is_empty() {
        text = measured(head, draw) + &text;
    }
    if shown < all {
        text += &format!(
            "{} of {} rows; -n 0 writes all\n",
            grouped(shown as u64),
            grouped(all as u64)
        );
    }
    text
}

/// The first digits of a signature that no other one begins with.
pub(super) fn short(signature: Signature, head: &WindowHead) -> String {
    signature.to_string().chars().take(head.digits).collect()
}

/// The same as a cell of a table; wide all digits.
pub(super) fn signature(signature: Signature, head: &WindowHead, draw: Draw) -> String {
    digits(signature, head.digits, draw)
}

/// `2026-11-22 07:52`, or `-`.
pub(super) fn seen_at(seen: Option<&FirstSighting>, draw: Draw) -> String {
    seen.map_or_else(|| "-".to_owned(), |seen| draw.zone.minute(seen.at))
}
