//! The keys, and what the list tells.

use ratatui::text::Line;

use super::list::{columns, names};
use super::style::STRONG;
use super::{Live, Look};

/// Keys and what they do.
const KEYS: [(&str, &str); 17] = [
    ("arrows j k", "move; PgUp PgDn Home End G too"),
    ("Enter", "all about the selected row; Esc goes back"),
    (
        "/",
        "show only rows in which all words are found: in functions, files, states,",
    ),
    (
        "",
        "labels, services and verdicts; state:select function:retry file:http2",
    ),
    (
        "",
        "label:env=prod service: verdict: signature: look in one; !word must not be there",
    ),
    ("Esc", "show all rows again"),
    (
        "s  S",
        "order by verdict, growth, count, rate, oldest, first seen, where; turned round",
    ),
    ("g", "one row a signature, where, creator or package"),
    ("Space", "freeze the screen; polling goes on"),
    ("b", "set the baseline anew: growth is counted from now on"),
    (
        "i",
        "ignore the row here: it stands last; again takes that back",
    ),
    ("y", "copy the signature (by the terminal, also over ssh)"),
    ("?  h", "this"),
    ("q", "quit; Ctrl-C too; Ctrl-Z stops until fg"),
    ("", ""),
    (
        "red bold",
        "SUSPECT or louder: grew and did not come back; docs/VERDICTS.md has the words",
    ),
    (
        "yellow",
        "only grew (+); dim: ignored, or its instances do not answer (lost)",
    ),
];

/// The lines of the pane.
pub(super) fn help(live: &Live, (_look, width): (Look, usize)) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled("keys", STRONG)];
    lines.extend(
        KEYS.iter()
            .map(|(key, does)| Line::raw(format!("  {key:<11} {does}"))),
    );
    if let Some(board) = &live.board {
        let (_, missing) = columns(board, width);
        if !missing.is_empty() {
            lines.push(Line::raw(format!("  wider shows {}", names(&missing))));
        }
    }
    lines
}
