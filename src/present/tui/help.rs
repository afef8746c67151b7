//! The keys, and what the list tells.

use ratatui::text::Line;

use super::Live;
use super::list::{Columns, names};
use super::style::STRONG;

/// Keys and what they do.
const KEYS: [(&str, &str); 20] = [
    ("arrows j k", "move; so do PgUp PgDn Home End G"),
    ("Enter", "all about the selected row; Esc goes back"),
    (
        "/",
        "show the rows in which all words are found, be it in a",
    ),
    ("", "function, file, state, label, service or verdict;"),
    (
        "",
        "in one of them: state:select file:http2 label:env=prod;",
    ),
    ("", "!word must not be there; Esc shows all rows again"),
    (
        "s  S",
        "order by verdict, growth, count, rate, oldest wait,",
    ),
    ("", "first seen or where; S turns it round"),
    ("g", "one row a signature, where, creator or package"),
    ("Space", "freeze the screen; polling goes on"),
    ("b", "set the baseline anew: growth is counted from now on"),
    (
        "i",
        "ignore the row here: it stands last; again takes it back",
    ),
    (
        "y",
        "copy the signature (the terminal does it, over ssh too)",
    ),
    ("t", "how each instance is; those that are lost, and why"),
    ("?  q", "this; quit (Ctrl-C too; Ctrl-Z stops it until fg)"),
    ("", ""),
    (
        "red, bold",
        "SUSPECT or louder: it grew and did not come back",
    ),
    ("yellow, +", "it grew, and no more can be said of it"),
    ("dim", "ignored, or no instance that has it answers (lost)"),
    ("too early", "how much more is needed is in the detail"),
];

/// The lines of the pane.
pub(super) fn help(live: &Live, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled("keys", STRONG)];
    lines.extend(
        KEYS.iter()
            .map(|(key, does)| Line::raw(format!("  {key:<11} {does}"))),
    );
    if let Some(board) = &live.board {
        let missing = Columns::of(board, width).missing;
        if !missing.is_empty() {
            lines.push(Line::raw(format!("  wider shows {}", names(&missing))));
        }
    }
    lines
}
