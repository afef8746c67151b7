//! The whole screen: head, list or pane, and the line at the bottom.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::detail::detail;
use super::entry::Key;
use super::head::head;
use super::help::help;
use super::instances::instances;
use super::list::{Columns, table};
use super::style::REVERSED;
use super::{Live, Look, Pane, View};
use crate::model::Timestamp;
use crate::present::escape;
use crate::present::shorten::taken;
use crate::present::words::plural;

/// Draws what is known as the person has chosen to see it. `now` is only for ages.
pub fn draw(frame: &mut Frame<'_>, live: &Live, view: &mut View, look: Look, now: Timestamp) {
    let area = frame.area();
    // A quarter of a small screen, and the list keeps the most of it.
    let most = match view.pane {
        Pane::List => usize::from(area.height / 4).clamp(3, 8),
        Pane::Detail | Pane::Instances | Pane::Help => 2,
    };
    let width = usize::from(area.width);
    let head = look.lines(head((live, view), look, now, (width, most)));
    let rows = Layout::vertical([
        Constraint::Length(u16::try_from(head.len()).unwrap_or(u16::MAX)),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]);
    let [above, middle, below] = rows.areas(area);
    let head: Vec<Line<'_>> = head
        .into_iter()
        .map(|line| cut(line, width, look))
        .collect();
    frame.render_widget(Paragraph::new(head), above);
    let hidden = match view.pane {
        Pane::List => list(frame, (live, view), middle, look),
        Pane::Detail => {
            let lines = match &view.detail {
                Some(of) => detail(of, (view.board(live), live), (look, width)),
                None => Vec::new(),
            };
            pane(frame, look.lines(lines), view, middle);
            0
        }
        Pane::Instances => {
            let lines = instances(view.board(live), live, look);
            pane(frame, look.lines(lines), view, middle);
            0
        }
        Pane::Help => {
            pane(frame, look.lines(help(live, width)), view, middle);
            0
        }
    };
    let bottom = bottom(view, hidden, (now, width));
    let bottom = cut(Line::raw(bottom), width, look);
    frame.render_widget(Paragraph::new(bottom).style(REVERSED), below);
}

/// Draws the list; gives the number of columns that there was no room for.
fn list(frame: &mut Frame<'_>, (live, view): (&Live, &mut View), area: Rect, look: Look) -> usize {
    let room = usize::from(area.height.saturating_sub(1));
    view.page = room;
    let (rows, selected) = view.rows(live);
    let Some(board) = view.board(live) else {
        return 0;
    };
    if rows.is_empty() {
        let all = view.choice.filter.text().is_empty() && view.choice.within.is_none();
        let empty = if all {
            let since = board.window.since;
            let since = format!("{} ({})", live.zone.second(since), live.zone.offset(since));
            format!("no goroutine was seen since {since}; t tells how the instances are")
        } else {
            "no row has all these words; Esc shows all".to_owned()
        };
        let lines = wrapped(Line::raw(empty), usize::from(area.width));
        frame.render_widget(Paragraph::new(lines), area);
        return 0;
    }
    // The selected row stays in sight, in the middle of a list that is longer than the screen.
    let from = selected
        .saturating_sub(room / 2)
        .min(rows.len().saturating_sub(room));
    let width = usize::from(area.width);
    let columns = Columns::of(board, width);
    let drawn = table(
        (board, live),
        (&rows, selected),
        (from, room),
        (look, &columns),
    );
    frame.render_widget(drawn, area);
    columns.missing.len()
}

/// Draws lines that may be more than there is room for.
fn pane(frame: &mut Frame<'_>, lines: Vec<Line<'static>>, view: &mut View, area: Rect) {
    view.page = usize::from(area.height);
    let width = usize::from(area.width);
    let lines: Vec<Line<'static>> = lines
        .into_iter()
        .flat_map(|line| wrapped(line, width))
        .collect();
    view.scroll = view.scroll.min(lines.len().saturating_sub(view.page));
    let shown = lines.into_iter().skip(view.scroll).take(view.page);
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), area);
}

/// A line that is too wide, as several.
fn wrapped(line: Line<'static>, width: usize) -> Vec<Line<'static>> {
    let empty = Line::default().style(line.style);
    let mut lines = vec![empty.clone()];
    let mut left = width;
    for span in line.spans {
        let mut rest = &*span.content;
        while !rest.is_empty() {
            let mut fits = taken(rest.chars(), left);
            // Not within a word, unless that is a long one.
            if fits.len() < rest.len()
                && let Some(space) = fits.rfind(' ').filter(|at| *at > fits.len() / 2)
            {
                fits.truncate(space + 1);
            }
            // A terminal narrower than one character shows none.
            if fits.is_empty() && left == width {
                break;
            }
            rest = rest.split_at(fits.len()).1;
            left -= fits.width();
            if let Some(last) = lines.last_mut().filter(|_| !fits.is_empty()) {
                last.spans.push(Span::styled(fits, span.style));
            }
            if !rest.is_empty() {
                lines.push(empty.clone());
                left = width;
            }
        }
    }
    lines
}

/// What is typed, what the last key did, or which keys there are and what was chosen with them.
fn bottom(view: &View, hidden: usize, (now, width): (Timestamp, usize)) -> String {
    let choice = &view.choice;
    if view.typing.is_some() {
        return format!("/{}_  Enter keeps it, Esc drops it", choice.filter.text());
    }
    if let Some(message) = view.message(now) {
        return message.to_owned();
    }
    let list = || {
        let mut parts = vec!["? help  q quit".to_owned()];
        if view.frozen_since().is_some() {
            parts.push("Space goes on".to_owned());
        }
        if !choice.filter.text().is_empty() {
            parts.push(format!("/{}", choice.filter.text()));
        }
        if let Some(Key::Common(grouping, name)) = &choice.within {
            parts.push(format!("in {} {}", grouping.as_str(), escape(name)));
        }
        let reversed = if choice.reversed { " reversed" } else { "" };
        parts.push(format!("s order: {}{reversed}", choice.order.as_str()));
        if hidden > 0 {
            parts.push(format!("{} hidden", plural(hidden as u64, "column")));
        }
        parts.push(format!("g row: {}", choice.grouping.as_str()));
        parts.push("Enter detail".to_owned());
        parts.push("t instances".to_owned());
        parts
    };
    let parts = match view.pane {
        Pane::List => list(),
        Pane::Detail => [
            "Esc back",
            "j k scroll",
            "q quit",
            "y copy the signature",
            "i ignore",
        ]
        .map(str::to_owned)
        .into(),
        Pane::Instances | Pane::Help => ["Esc back", "j k scroll", "q quit"]
            .map(str::to_owned)
            .into(),
    };
    as_many(parts, width)
}

/// The parts that fit beside each other, the first of them in any case.
fn as_many(parts: Vec<String>, width: usize) -> String {
    let mut told = String::new();
    for part in parts {
        if told.is_empty() {
            told = part;
        } else if told.width() + part.width() + 2 <= width {
            told = format!("{told}  {part}");
        }
    }
    told
}

fn cut(line: Line<'static>, width: usize, look: Look) -> Line<'static> {
    if line.width() <= width {
        return line;
    }
    let mut left = width;
    let mut cut = Line::default().style(line.style);
    for mut span in line.spans {
        let wide = span.width();
        if wide > left {
            let keep = taken(span.content.chars(), left.saturating_sub(1));
            span.content = format!("{keep}{}", if look.ascii { "~" } else { "…" }).into();
            cut.spans.push(span);
            break;
        }
        left -= wide;
        cut.spans.push(span);
    }
    cut
}
