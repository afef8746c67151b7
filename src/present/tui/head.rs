//! The lines above the list: what is looked at, how much of it there is, and what is wrong with it.

use std::time::Duration;

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::entry::Choice;
use super::style::{FAINT, REVERSED, STRONG};
use super::{Live, Look, View};
use crate::model::Timestamp;
use crate::present::chart::spark;
use crate::present::escape;
use crate::present::words::{grouped, plural, span, states};
use crate::query::{Board, BoardInstance, LastPoll};

/// What stands before all else.
const PROGRAM: &str = "goroscope top";
const BRIEFLY: &str = "top";
const GAP: &str = "  ";
/// Polls may be minutes apart; what is older than this is told as old.
const OLD: Duration = Duration::from_secs(90);
/// Points of the line of all goroutines.
const POINTS: usize = 24;
/// Points of it on a screen that has little room.
const FEW_POINTS: usize = 8;
/// Lost instances that are told one by one.
const LOST: usize = 3;

/// The lines, the most useful first, no more than `most`, for a screen of this width.
pub(super) fn head(
    (live, view): (&Live, &View),
    look: Look,
    now: Timestamp,
    (width, most): (usize, usize),
) -> Vec<Line<'static>> {
    let points = if width < 60 { FEW_POINTS } else { POINTS };
    let mut lines = vec![title(live, view, now, (look, width))];
    if let Some(trouble) = &live.trouble {
        lines.push(Line::styled(
            format!("no answer: {}", escape(trouble)),
            look.suspect(),
        ));
    }
    match view.board(live) {
        Some(board) => {
            lines.push(totals(board, &view.choice, look, points));
            if view.frozen_since().is_none() {
                lines.extend(old(board, live, now).map(|told| Line::styled(told, look.grown())));
            }
            lines.extend(lost(board, live, look));
            let told = states(&board.states);
            if !told.is_empty() {
                lines.push(Line::raw(format!("states {told}")));
            }
            lines.push(polls(board, live));
            lines.extend(board_notes(board).into_iter().map(Line::raw));
        }
        None => lines.push(Line::raw("waiting for the first answer")),
    }
    let notes = live.notes.iter();
    lines.extend(notes.map(|note| Line::styled(escape(note).into_owned(), FAINT)));
    lines.truncate(most);
    lines
}

/// What is looked at, and when: where there is no room for all of it, it is told in brief, and then the middle of
/// the name goes.
fn title(live: &Live, view: &View, now: Timestamp, (look, width): (Look, usize)) -> Line<'static> {
    let name = look.plain(escape(&live.title).into_owned());
    let (whole, brief) = moment(live, view, now);
    let all = PROGRAM.len() + name.width() + whole.content.width() + 2 * GAP.len();
    let (program, moment) = if all <= width {
        (PROGRAM, whole)
    } else {
        (BRIEFLY, brief)
    };
    let taken = program.len() + moment.content.width() + 2 * GAP.len();
    let name = look.cut(&name, width.saturating_sub(taken));
    Line::from(vec![
        Span::styled(program, STRONG),
        Span::raw(format!("{GAP}{name}{GAP}")),
        moment,
    ])
}

/// Of which moment everything is, whole and in brief.
fn moment(live: &Live, view: &View, now: Timestamp) -> (Span<'static>, Span<'static>) {
    if let Some(since) = view.frozen_since() {
        let (at, offset) = (live.zone.clock(since), live.zone.offset(since));
        let whole = format!(" FROZEN at {at} ({offset}) ");
        let brief = format!(" FROZEN at {at} ");
        return (Span::styled(whole, REVERSED), Span::styled(brief, REVERSED));
    }
    if live.board.is_none() {
        return (Span::raw(""), Span::raw(""));
    }
    let at = live.zone.second(live.asked_at);
    let offset = live.zone.offset(live.asked_at);
    let age = now.since(live.asked_at);
    let pace = live.pace.max(Duration::from_secs(1));
    let old = if age > pace.saturating_mul(2) + Duration::from_secs(2) {
        format!(", {} old", span(age))
    } else {
        String::new()
    };
    let whole = format!("{at} ({offset}), every {}{old}", span(pace));
    (
        Span::styled(whole, FAINT),
        Span::styled(format!("{}{old}", live.zone.clock(live.asked_at)), FAINT),
    )
}

fn totals(board: &Board, choice: &Choice, look: Look, points: usize) -> Line<'static> {
    let suspects = choice.growing(board);
    let mut spans = vec![
        Span::raw("goroutines "),
        Span::styled(grouped(board.goroutines), STRONG),
        Span::raw(format!(
            "  {}  stacks {}  ",
            spark(&board.trend, points, look.ascii),
            grouped(board.stacks as u64)
        )),
    ];
    let told = format!("growing {}", grouped(suspects as u64));
    spans.push(if suspects > 0 {
        Span::styled(told, look.suspect())
    } else {
        Span::raw(told)
    });
    Line::from(spans)
}

/// Whether what is known is not of now: no daemon polls, or none of the instances has answered for long.
pub(super) fn old(board: &Board, live: &Live, now: Timestamp) -> Option<String> {
    let newest = board.newest()?;
    let age = now.since(newest);
    (age > OLD).then(|| {
        let (at, offset) = (live.zone.second(newest), live.zone.offset(newest));
        format!(
            "NOT OF NOW: the newest good poll is {} old, of {at} ({offset})",
            span(age)
        )
    })
}

/// Instances that do not answer, and why.
fn lost(board: &Board, live: &Live, look: Look) -> Option<Line<'static>> {
    let lost: Vec<(&BoardInstance, &LastPoll)> = board.lost().collect();
    if lost.is_empty() {
        return None;
    }
    let told = lost.iter().take(LOST).map(|(row, poll)| {
        let (name, why) = (escape(&row.instance), escape(poll.why()));
        format!("{name}: {why} ({})", live.zone.second(poll.at))
    });
    let told = told.collect::<Vec<_>>().join("; ");
    let more = lost.len().saturating_sub(LOST);
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Some(Line::styled(
        format!(
            "LOST {} of {}: {told}{more}",
            lost.len(),
            plural(board.instances.len() as u64, "instance")
        ),
        look.suspect(),
    ))
}

fn polls(board: &Board, live: &Live) -> Line<'static> {
    let window = &board.window;
    let failed = window.polls_due.saturating_sub(window.polls_ok);
    Line::raw(format!(
        "polls {} of {}, {} failed or missed  {}  {}  since {} ({})",
        grouped(window.polls_ok),
        grouped(window.polls_due),
        grouped(failed),
        plural(window.restarts, "restart"),
        plural(board.instances.len() as u64, "instance"),
        live.zone.second(window.since),
        span(window.until.since(window.since)),
    ))
}

/// What stands in the head of every answer, as far as it changes what numbers mean.
fn board_notes(board: &Board) -> Vec<String> {
    let window = &board.window;
    let mut notes = Vec::new();
    if window.daemon_silent_since.is_some() {
        notes.push("the daemon runs, and stores nothing: its log says why".to_owned());
    }
    for row in &board.signatures {
        notes.push(format!(
            "distinct stacks of {} go from {} to {}",
            escape(&row.service),
            grouped(row.first),
            grouped(row.last)
        ));
    }
    for limit in &window.signature_limits {
        notes.push(format!(
            "{}: {}",
            escape(&limit.service),
            escape(&limit.text)
        ));
    }
    notes
}
