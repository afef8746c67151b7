//! The list: columns that fit, the selected row, and colours that words back up.

use ratatui::layout::Constraint;
use ratatui::style::Style;
use ratatui::text::Text;
use ratatui::widgets::{Cell, Row, Table};
use unicode_width::UnicodeWidthStr as _;

use super::entry::Entry;
use super::entry::Key;
use super::style::{FAINT, REVERSED, STRONG};
use super::view::short;
use super::{Live, Look};
use crate::present::chart::spark;
use crate::present::escape;
use crate::present::words::{grouped, main_state, rate, short_place, signed, wait};
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

    /// Wide enough for what is in it, as far as that is any use.
    fn width(self, board: &Board) -> usize {
        let longest = |names: &mut dyn Iterator<Item = usize>| {
            names.max().unwrap_or(0).clamp(self.name().len(), 16)
        };
        let rows = board.rows.iter();
        match self {
            Self::Count => 7,
            Self::Growth | Self::Trend => 8,
            Self::Verdict | Self::Rate | Self::Signature => 9,
            Self::State => longest(&mut rows.map(|row| main_state(&row.grower.states).width())),
            Self::Service => longest(&mut rows.map(|row| escape(&row.grower.service).width())),
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

/// The columns that fit.
#[derive(Debug)]
pub(super) struct Columns {
    /// With their widths, as they stand.
    fitting: Vec<(Column, usize)>,
    /// Those that there is no room for.
    pub(super) missing: Vec<Column>,
}

impl Columns {
    /// The columns for a screen of this width.
    pub(super) fn of(board: &Board, width: usize) -> Self {
        let applies = |column: &Column| match column {
            Column::Service => board.has_several_services(),
            Column::Instances => board.instances.len() > 1,
            _ => true,
        };
        let sized = |column: Column| (column, column.width(board));
        let mut chosen: Vec<(Column, usize)> = ALWAYS.into_iter().map(sized).collect();
        // The marker, and a space before each column.
        let taken: usize = chosen.iter().map(|(_, wide)| wide + 1).sum();
        let mut left = width.saturating_sub(taken + 1);
        let mut missing = Vec::new();
        for (column, wide) in MORE.into_iter().filter(applies).map(sized) {
            if missing.is_empty() && left > wide + LEAST_WHERE {
                left -= wide + 1;
                chosen.push((column, wide));
            } else {
                missing.push(column);
            }
        }
        for (_, wide) in chosen
            .iter_mut()
            .filter(|(column, _)| *column == Column::Where)
        {
            *wide = left;
        }
        chosen.sort_by_key(|(column, _)| STANDING.iter().position(|standing| standing == column));
        Self {
            fitting: chosen,
            missing,
        }
    }
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
    (look, columns): (Look, &Columns),
) -> Table<'a> {
    let columns = &columns.fitting;
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
            let cells = columns.iter().map(|(column, wide)| {
                let text = entry.text((*column, *wide), (board, live), look);
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
            .map(|(column, _)| cell(*column, column.name().to_owned(), Style::new())),
    );
    let wide =
        |(_, wide): &(Column, usize)| Constraint::Length(u16::try_from(*wide).unwrap_or(u16::MAX));
    let widths = [Constraint::Length(1)]
        .into_iter()
        .chain(columns.iter().map(wide));
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
        (column, wide): (Column, usize),
        (board, live): (&Board, &Live),
        look: Look,
    ) -> String {
        let text = match column {
            Column::Count => grouped(self.count),
            Column::Growth if self.growth == 0 => "0".to_owned(),
            Column::Growth => signed(self.growth),
            Column::Verdict => word(self).to_owned(),
            Column::Trend => return spark(&self.trend, wide, look.ascii),
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
                Key::Common(..) => format!("{} of them", self.members.len()),
            },
            Column::FirstSeen => {
                let members = self.members.iter().filter_map(|nth| board.rows.get(*nth));
                let seen = members.filter_map(|row| row.grower.first_seen.as_ref());
                let first = seen.map(|seen| seen.at).min();
                first.map_or_else(|| "-".to_owned(), |at| live.zone.minute(at))
            }
            Column::Where => return look.cut(&look.plain(self.place(board, wide)), wide),
        };
        look.cut(&look.plain(text), wide)
    }

    /// The function, and the file and line behind it where there is room for them.
    fn place(&self, board: &Board, room: usize) -> String {
        let whole = match (&self.key, self.site(board)) {
            (Key::Signature(..), Some(site)) => Some(short_place(site)),
            _ => None,
        };
        whole
            .filter(|whole| whole.width() <= room)
            .unwrap_or_else(|| escape(&self.title(board)).into_owned())
    }
}
