//! The list: columns that fit, the selected row, and colours that words back up.

use ratatui::layout::Constraint;
use ratatui::style::Style;
use ratatui::text::Text;
use ratatui::widgets::{Cell, Row, Table};

use super::chart::spark;
use super::entry::Entry;
use super::entry::Key;
use super::style::{FAINT, REVERSED, STRONG};
use super::view::short;
use super::{Live, Look};
use crate::present::words::{grouped, main_state, rate, signed, wait};
use crate::present::{escape, short_file};
use crate::query::{Board, Verdict};

/// A column: its heading, its width, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Count,
    Growth,
    Verdict,
    Trend,
    State,
    Service,
    Rate,
    Instances,
    Oldest,
    Signature,
    FirstSeen,
    Where,
}

/// Which come in while there is room for WHERE, the most useful first; these four always do.
const ALWAYS: [Column; 4] = [
    Column::Count,
    Column::Growth,
    Column::Verdict,
    Column::Where,
];
const MORE: [Column; 8] = [
    Column::Service,
    Column::Trend,
    Column::State,
    Column::Rate,
    Column::Instances,
    Column::Oldest,
    Column::Signature,
    Column::FirstSeen,
];
/// As the columns stand.
const STANDING: [Column; 12] = [
    Column::Count,
    Column::Growth,
    Column::Rate,
    Column::Trend,
    Column::State,
    Column::Oldest,
    Column::Verdict,
    Column::Service,
    Column::Instances,
    Column::FirstSeen,
    Column::Signature,
    Column::Where,
];
/// Below this WHERE tells too little, so other columns go.
const LEAST_WHERE: usize = 26;

impl Column {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Growth => "GROWTH",
            Self::Verdict => "VERDICT",
            Self::Trend => "TREND",
            Self::State => "STATE",
            Self::Service => "SERVICE",
            Self::Rate => "/HOUR",
            Self::Instances => "ON",
            Self::Oldest => "OLDEST",
            Self::Signature => "SIGNATURE",
            Self::FirstSeen => "FIRST SEEN",
            Self::Where => "WHERE",
        }
    }

    const fn width(self) -> usize {
        match self {
            Self::Count => 7,
            Self::Growth | Self::Trend => 8,
            Self::Verdict | Self::Rate | Self::Signature => 9,
            Self::State | Self::Service => 14,
            Self::Instances | Self::Oldest => 7,
            Self::FirstSeen => 16,
            Self::Where => 0,
        }
    }

    const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Count | Self::Growth | Self::Rate | Self::Instances | Self::Oldest
        )
    }
}

/// The columns that fit, as they stand, and those that do not.
pub(super) fn columns(board: &Board, width: usize) -> (Vec<Column>, Vec<Column>) {
    let applies = |column: &Column| match column {
        Column::Service => board.has_several_services(),
        Column::Instances => board.instances.len() > 1,
        _ => true,
    };
    let mut chosen = ALWAYS.to_vec();
    // The marker, and a space before each column.
    let mut left = width.saturating_sub(
        1 + ALWAYS
            .iter()
            .map(|column| column.width() + 1)
            .sum::<usize>(),
    );
    let mut missing = Vec::new();
    for column in MORE.into_iter().filter(applies) {
        if missing.is_empty() && left > column.width() + LEAST_WHERE {
            left -= column.width() + 1;
            chosen.push(column);
        } else {
            missing.push(column);
        }
    }
    (
        STANDING
            .into_iter()
            .filter(|column| chosen.contains(column))
            .collect(),
        missing,
    )
}

/// Names of columns, for a sentence.
pub(super) fn names(columns: &[Column]) -> String {
    columns
        .iter()
        .map(|column| column.name())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Rows `from` on, as many as there is room for.
pub(super) fn table<'a>(
    (board, live): (&Board, &Live),
    (rows, selected): (&[Entry], usize),
    (from, room): (usize, usize),
    (look, width): (Look, usize),
) -> Table<'a> {
    let (columns, _) = columns(board, width);
    let fixed: usize = columns.iter().map(|column| column.width() + 1).sum();
    let room_of_where = width.saturating_sub(fixed + 1);
    let cell = |column: Column, text: String, style: Style| {
        let text = if column.is_numeric() {
            Text::raw(text).right_aligned()
        } else {
            Text::raw(text)
        };
        Cell::from(text).style(style)
    };
    let drawn = rows
        .iter()
        .enumerate()
        .skip(from)
        .take(room)
        .map(|(nth, entry)| {
            let marker = if nth == selected { look.marker() } else { "" };
            let styles = styles(entry, look);
            let cells = columns.iter().map(|column| {
                let text = entry.text(*column, (board, live), look, room_of_where);
                cell(*column, text, styles(*column))
            });
            let row = Row::new([Cell::from(marker)].into_iter().chain(cells));
            if nth == selected {
                row.style(REVERSED)
            } else {
                row
            }
        });
    let head = [Cell::from("")].into_iter().chain(
        columns
            .iter()
            .map(|column| cell(*column, column.name().to_owned(), Style::new())),
    );
    let widths = [Constraint::Length(1)]
        .into_iter()
        .chain(columns.iter().map(|column| match column {
            Column::Where => Constraint::Fill(1),
            _ => Constraint::Length(u16::try_from(column.width()).unwrap_or(u16::MAX)),
        }));
    Table::new(drawn, widths)
        .header(Row::new(head).style(STRONG))
        .column_spacing(1)
}

/// The style of each column of a row.
fn styles(entry: &Entry, look: Look) -> impl Fn(Column) -> Style {
    let quiet = entry.ignored || entry.lost;
    let suspect = entry.verdict.says_growth();
    let grown = entry.growth > 0;
    move |column| match column {
        _ if quiet => FAINT,
        Column::Count | Column::Growth | Column::Verdict | Column::Where if suspect => {
            look.suspect()
        }
        Column::Count | Column::Growth if grown => look.grown(),
        _ => Style::new(),
    }
}

/// The verdict in a word that fits.
pub(super) const fn word(entry: &Entry) -> &'static str {
    match entry.verdict {
        _ if entry.lost => "lost",
        _ if entry.ignored => "ignored",
        Verdict::Insufficient => "too early",
        verdict => verdict.as_str(),
    }
}

impl Entry {
    fn text(
        &self,
        column: Column,
        (board, live): (&Board, &Live),
        look: Look,
        room: usize,
    ) -> String {
        let text = match column {
            Column::Count => grouped(self.count),
            Column::Growth if self.growth == 0 => "0".to_owned(),
            Column::Growth => signed(self.growth),
            Column::Verdict => word(self).to_owned(),
            Column::Trend => return spark(&self.trend, column.width(), look.ascii),
            Column::State => main_state(&self.states),
            Column::Service => {
                let first = self.services.first().map_or("", String::as_str);
                match self.services.len() {
                    0 | 1 => escape(first).into_owned(),
                    more => format!("{} +{}", escape(first), more - 1),
                }
            }
            Column::Rate => rate(self.per_hour),
            Column::Instances => format!("{}/{}", self.growing, self.instances),
            Column::Oldest => wait(self.oldest),
            Column::Signature => match &self.key {
                Key::Signature(_, signature) => short(*signature),
                Key::Common(_) => format!("{} of them", self.members.len()),
            },
            Column::FirstSeen => {
                let members = self.members.iter().filter_map(|nth| board.rows.get(*nth));
                let seen = members.filter_map(|row| row.grower.first_seen.as_ref());
                let first = seen.map(|seen| seen.at).min();
                first.map_or_else(|| "-".to_owned(), |at| live.zone.minute(at))
            }
            Column::Where => return look.cut(&look.plain(self.place(board, room)), room),
        };
        look.cut(&look.plain(text), column.width())
    }

    /// The function, and the file and line behind it where there is room for them.
    fn place(&self, board: &Board, room: usize) -> String {
        let title = escape(&self.title(board)).into_owned();
        let site = self.site(board).filter(|site| !site.file.is_empty());
        let (Key::Signature(..), Some(site)) = (&self.key, site) else {
            return title;
        };
        let whole = format!("{title}  {}:{}", escape(short_file(&site.file)), site.line);
        if whole.chars().count() <= room {
            whole
        } else {
            title
        }
    }
}
