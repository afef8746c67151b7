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
    let name = |row: &BoardInstance| called(&row.service, &row.instance, several);
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

/// An instance by its name; where there are several services, behind that of its own.
pub(super) fn called(service: &str, instance: &str, several: bool) -> String {
    if several {
        format!("{} {}", escape(service), escape(instance))
    } else {
        escape(instance).into_owned()
    }
}

fn line(row: &BoardInstance, name: &str, live: &Live, look: Look) -> Line<'static> {
    let plain = Style::new();
    let (word, why, loud, rest) = match (row.lost(), &row.last_poll) {
        (Some(poll), _) => ("LOST", Some(poll.why()), look.suspect(), FAINT),
        (None, None) => ("waits", Some("for its first poll"), FAINT, plain),
        (None, Some(_)) if row.is_silent => {
            ("silent", Some("no poll in this window"), FAINT, plain)
        }
        (None, Some(poll)) => (poll.outcome, poll.message.as_deref(), plain, plain),
    };
    let count = row.goroutines.map_or_else(|| "-".to_owned(), grouped);
    let at = row.last_poll.as_ref();
    let at = at.map_or_else(|| "-".to_owned(), |poll| live.zone.second(poll.at));
    let why = why.map(|why| format!("  {}", escape(why)));
    let labels = (!row.labels.is_empty()).then(|| format!("  {}", label_set(&row.labels)));
    Line::from(vec![
        Span::styled(format!("  {name} {count:>9}  "), rest),
        Span::styled(format!("{word:<9}"), loud),
        Span::styled(
            format!(
                "  {at}{}{}",
                why.unwrap_or_default(),
                labels.unwrap_or_default()
            ),
            rest,
        ),
    ])
}
