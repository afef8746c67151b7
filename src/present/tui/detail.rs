//! Everything about one signature: its course, why it has its verdict, where it is, and its stack.

use ratatui::text::{Line, Span};

use super::instances::called;
use super::style::{FAINT, STRONG};
use super::{Live, Look};
use crate::model::Signature;
use crate::present::chart::{chart, spark};
use crate::present::escape;
use crate::present::words::{build, grouped, label_set, rate, signed, states, wait};
use crate::query::{Board, BoardRow, Show, Verdict, Where};

/// Rows of the course.
const HEIGHT: usize = 6;
/// First sightings in other builds and services that are told one by one.
const BUILDS: usize = 5;
/// Instances that are told one by one.
const INSTANCES: usize = 50;

/// The lines of the pane; what only an answer of its own tells is missing until that has come.
pub(super) fn detail(
    of: &(String, Signature),
    (board, live): (Option<&Board>, &Live),
    (look, width): (Look, usize),
) -> Vec<Line<'static>> {
    let (service, signature) = of;
    let row = board.and_then(|board| {
        let mut rows = board.rows.iter();
        rows.find(|row| row.grower.signature == *signature && row.grower.service == *service)
    });
    let shown = live.shown.as_ref().filter(|(of, _)| of == signature);
    let shown = shown.map(|(_, show)| &**show);
    let several = board.is_some_and(Board::has_several_services);
    let of = if several { escape(service) } else { "".into() };
    let mut lines = vec![Line::styled(format!("{signature}  {of}"), STRONG)];
    match row {
        Some(row) => lines.extend(summary(row, (live, look), width)),
        None => lines.push(Line::raw("not seen in this window any more")),
    }
    match shown {
        Some(show) => lines.extend(evidence(show, several, live, look)),
        None => lines.push(Line::styled("reading the rest...", FAINT)),
    }
    let frames = row.map_or(&[][..], |row| &row.frames);
    lines.extend(stack(frames));
    lines
}

fn summary(row: &BoardRow, (live, look): (&Live, Look), width: usize) -> Vec<Line<'static>> {
    let grower = &row.grower;
    let mut lines = Vec::new();
    let loud = if grower.verdict.says_growth() {
        look.suspect()
    } else {
        STRONG
    };
    let hourly = grower
        .per_hour_low
        .map_or_else(String::new, |low| format!(" (at least {})", rate(low)));
    lines.push(Line::from(vec![
        Span::styled(grower.verdict.as_str().to_owned(), loud),
        Span::raw(match grower.verdict {
            // So the list calls it, where there is room for two words.
            Verdict::Insufficient => " (too early)",
            _ => "",
        }),
        Span::raw(format!(
            "  {} -> {} ({})  {}/h{hourly}  grows on {} of {}",
            grouped(grower.first),
            grouped(grower.last),
            signed(grower.growth),
            rate(grower.per_hour),
            grower.instances_growing,
            row.on.len(),
        )),
    ]));
    for why in &grower.evidence {
        lines.push(Line::raw(format!("  {}", escape(why))));
    }
    if let Some(hint) = &grower.hint {
        lines.push(Line::raw(format!(
            "hint        {}",
            escape(&hint.sentence())
        )));
    }
    if let Some(ignored) = &grower.ignored {
        lines.push(Line::raw(format!(
            "ignored     by rule: {}",
            escape(&ignored.reason)
        )));
    }
    if let Some(proof) = &grower.proof {
        lines.push(Line::raw(format!(
            "proved      {} at least can never wake, by the garbage collector; first at {}",
            grouped(proof.at_least),
            live.zone.second(proof.first_at)
        )));
    }
    lines.push(Line::raw(format!("states      {}", states(&grower.states))));
    lines.push(Line::raw(format!(
        "oldest      {}",
        wait(grower.oldest_wait_seconds)
    )));
    let creator = grower
        .created_by
        .as_deref()
        .unwrap_or("not known: the newest full text does not have it");
    lines.push(Line::raw(format!("created by  {}", escape(creator))));
    if let Some(seen) = &grower.first_seen {
        lines.push(Line::raw(format!(
            "first seen  {} ({}) at {}, build {}",
            live.zone.second(seen.at),
            live.zone.offset(seen.at),
            escape(&seen.instance),
            build(seen.build.as_deref()),
        )));
    }
    lines.push(Line::raw(String::new()));
    lines.extend(course(row, (live, look), width));
    lines
}

/// The chart of its counts, from zero.
fn course(row: &BoardRow, (live, look): (&Live, Look), width: usize) -> Vec<Line<'static>> {
    let trend = &row.grower.trend;
    let highest = trend.iter().flatten().copied().max().unwrap_or(0);
    let label = grouped(highest);
    let wide = label.len();
    let room = width.saturating_sub(wide + 2).min(96);
    let drawn = chart(trend, (room, HEIGHT), look.ascii);
    let axis = if look.ascii { '|' } else { '│' };
    let last = drawn.len().saturating_sub(1);
    let mut lines: Vec<Line<'static>> = drawn
        .into_iter()
        .enumerate()
        .map(|(nth, cells)| {
            let label = match nth {
                0 => label.as_str(),
                _ if nth == last => "0",
                _ => "",
            };
            Line::raw(format!("{label:>wide$} {axis}{cells}"))
        })
        .collect();
    if let Some(board) = &live.board {
        let window = &board.window;
        let (from, to) = (
            window.polled_since.unwrap_or(window.since),
            window.polled_until.unwrap_or(window.until),
        );
        lines.push(Line::styled(
            format!(
                "{} {} -> {}",
                " ".repeat(wide),
                live.zone.second(from),
                live.zone.second(to)
            ),
            FAINT,
        ));
    }
    lines
}

/// What an answer about this signature alone tells.
fn evidence(show: &Show, several: bool, live: &Live, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let place = |service: &str, instance: &str| called(service, instance, several);
    for label in &show.labels {
        let set = label_set(&label.set);
        lines.push(Line::raw(format!(
            "labels      {set}: {} -> {} ({})",
            grouped(label.first),
            grouped(label.last),
            signed(label.growth)
        )));
    }
    if show.labels_more > 0 {
        lines.push(Line::raw(format!(
            "labels      and {} more sets",
            show.labels_more
        )));
    }
    // The first of them is told above.
    for seen in show.builds.iter().skip(1).take(BUILDS) {
        lines.push(Line::raw(format!(
            "then        {} at {}, build {}",
            live.zone.second(seen.at),
            place(&seen.service, &seen.instance),
            build(seen.build.as_deref()),
        )));
    }
    lines.push(Line::raw(String::new()));
    lines.push(Line::styled("instances that share it", STRONG));
    for row in show.rows.iter().take(INSTANCES) {
        let loud = if row.verdict.says_growth() {
            look.suspect()
        } else {
            ratatui::style::Style::new()
        };
        lines.push(Line::from(vec![
            Span::raw(format!("  {}  ", place(&row.service, &row.instance))),
            Span::styled(
                format!(
                    "{} ({})  {}",
                    grouped(row.last),
                    signed(row.growth),
                    row.verdict
                ),
                loud,
            ),
            Span::raw(format!("  {}", spark(&row.trend, 24, look.ascii))),
        ]));
    }
    let more = show.rows.len().saturating_sub(INSTANCES);
    if more > 0 {
        lines.push(Line::raw(format!(
            "  and {more} more: goroscope query show has them all"
        )));
    }
    lines
}

/// The stack, leaf first: the program's own frames stand out, those of libraries step back.
fn stack(frames: &[Where]) -> Vec<Line<'static>> {
    let mut lines = vec![
        Line::raw(String::new()),
        Line::styled("stack, leaf first", STRONG),
    ];
    for frame in frames {
        let library = frame.is_library();
        // Without bold and dim, the mark tells them apart.
        let (style, mark) = if library { (FAINT, ' ') } else { (STRONG, '*') };
        lines.push(Line::styled(
            format!("{mark} {}", escape(&frame.function)),
            style,
        ));
        if !frame.file.is_empty() {
            let style = if library {
                FAINT
            } else {
                ratatui::style::Style::new()
            };
            lines.push(Line::styled(
                format!(
                    "      {}:{}",
                    escape(short_or_whole(&frame.file)),
                    frame.line
                ),
                style,
            ));
        }
    }
    if frames.is_empty() {
        lines.push(Line::raw("  no stack is kept"));
    }
    lines
}

/// Paths as Go has them, but for the long way to a module cache.
fn short_or_whole(file: &str) -> &str {
    file.split_once("/pkg/mod/").map_or(file, |(_, rest)| rest)
}
