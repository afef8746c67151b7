//! Every instance: whether it answers, with how many goroutines, and if not, why not.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::style::{FAINT, STRONG};
use super::{Live, Look};
use crate::present::escape;
use crate::present::words::{grouped, label_set};
use crate::query::{Board, BoardInstance};

/// A name has no more columns than this before what follows it stands aside.
const WIDEST_NAME: usize = 40;

/// The lines of the pane, those that do not answer first.
pub(super) fn instances(board: Option<&Board>, live: &Live, look: Look) -> Vec<Line<'static>> {
    let Some(board) = board else {
        return vec![Line::raw("waiting for the first answer")];
    };
    let several = board.has_several_services();
    let name = |row: &BoardInstance| {
        if several {
            format!("{} {}", escape(&row.service), escape(&row.instance))
        } else {
            escape(&row.instance).into_owned()
        }
    };
    let names = board.instances.iter().map(|row| name(row).width());
    let wide = names.max().unwrap_or(0).min(WIDEST_NAME);
    let lost = board.lost().count();
    let mut lines = vec![Line::styled(
        format!(
            "instances {}, of them lost {}",
            grouped(board.instances.len() as u64),
            grouped(lost as u64)
        ),
        STRONG,
    )];
    let (gone, there): (Vec<_>, Vec<_>) =
        board.instances.iter().partition(|row| row.lost().is_some());
    for row in gone.into_iter().chain(there) {
        lines.push(line(row, &format!("{:wide$}", name(row)), live, look));
    }
    lines
}

fn line(row: &BoardInstance, name: &str, live: &Live, look: Look) -> Line<'static> {
    let count = row.goroutines.map_or_else(|| "-".to_owned(), grouped);
    let at = row.last_poll.as_ref();
    let at = at.map_or_else(|| "-".to_owned(), |poll| live.zone.second(poll.at));
    let (word, told, style) = match (row.lost(), &row.last_poll) {
        (Some(poll), _) => ("LOST", escape(poll.why()).into_owned(), look.suspect()),
        (None, None) => ("waits", "for its first poll".to_owned(), FAINT),
        (None, Some(_)) if row.is_silent => ("silent", "no poll in this window".to_owned(), FAINT),
        (None, Some(poll)) => {
            let told = poll
                .message
                .as_deref()
                .map_or_else(String::new, |told| escape(told).into());
            (poll.outcome, told, Style::new())
        }
    };
    let rest = if row.lost().is_some() {
        FAINT
    } else {
        Style::new()
    };
    let labels = if row.labels.is_empty() {
        String::new()
    } else {
        label_set(&row.labels)
    };
    let told = [told, labels];
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|told| !told.is_empty())
        .collect();
    Line::from(vec![
        Span::styled(format!("  {name} {count:>9}  "), rest),
        Span::styled(format!("{word:<9}"), style),
        Span::styled(format!("  {at}  {}", told.join("  ")), rest),
    ])
}
