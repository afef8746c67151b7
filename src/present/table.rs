//! Sheets as aligned columns that fit the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::shorten::shortened;
use super::wrap::wrapped;
use super::{Cell, Column, Draw, Sheet};

/// Between two columns.
const GAP: usize = 2;
/// Before another column is cut, those that may be are shortened to this.
const SHORTENED: usize = 24;
/// Columns up to this rank are cut only where all that may be shortened have come down to [`TIGHT`].
const LAST_RANK: u8 = 2;
const TIGHT: usize = 10;
/// Where none is left that may be cut, they come down to this.
const SHORTEST: usize = 4;

/// Draws a sheet, its heading first; without rows nothing. Lines end in a newline.
///
/// What does not fit is shortened and then cut; the names of columns that were cut go into `cut`.
pub fn table(sheet: &Sheet, draw: Draw, cut: &mut Vec<String>) -> String {
    drawn(sheet, &fit(&[sheet], draw), draw, cut)
}

/// The same, in widths that are known.
pub(super) fn drawn(
    sheet: &Sheet,
    widths: &[Option<usize>],
    draw: Draw,
    cut: &mut Vec<String>,
) -> String {
    if sheet.rows.is_empty() {
        return String::new();
    }
    for (column, width) in sheet.columns.iter().zip(widths) {
        let name = &column.name;
        if width.is_none() && !column.only_wide && !cut.iter().any(|known| known == name) {
            cut.push(name.clone().into_owned());
        }
    }
    let heading: Vec<Cell> = sheet
        .columns
        .iter()
        .map(|column| (*column.name).into())
        .collect();
    let rows = std::iter::once(&heading).chain(&sheet.rows);
    rows.map(|row| line(sheet, row, widths, draw)).collect()
}

/// The line that stands below tables of which something was cut.
pub fn not_shown(cut: &[String], draw: Draw) -> String {
    if cut.is_empty() {
        return String::new();
    }
    let names = cut.join(", ");
    let line = format!("not shown for want of room: {names} (-o wide has them)\n");
    wrapped(&line, draw.width)
}

fn line(sheet: &Sheet, row: &[Cell], widths: &[Option<usize>], draw: Draw) -> String {
    let mut line = String::new();
    // Blanks are written when something follows.
    let mut blanks = 0;
    for ((column, cell), width) in sheet.columns.iter().zip(row).zip(widths) {
        let Some(width) = *width else { continue };
        let text = shortened(&cell.text, width, "…");
        let room = width.saturating_sub(text.width());
        let (before, behind) = if column.numeric { (room, 0) } else { (0, room) };
        blanks += before;
        if !text.is_empty() {
            line.extend(std::iter::repeat_n(' ', blanks));
            blanks = 0;
            line += &if cell.loud && draw.colour {
                format!("\u{1b}[1;31m{text}\u{1b}[0m")
            } else {
                text
            };
        }
        blanks += behind + GAP;
    }
    line + "\n"
}

/// When a column is cut: the greatest goes first, and all that have the same go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// It has nothing to say in any row.
    says_nothing: bool,
    rank: u8,
}

impl Turn {
    const NEVER: Self = Self {
        says_nothing: false,
        rank: 0,
    };

    fn of(sheets: &[&Sheet], at: usize, column: &Column) -> Self {
        Self {
            says_nothing: cells(sheets, at).all(|cell| matches!(&*cell.text, "" | "-")),
            rank: column.rank,
        }
    }

    /// How short others become before it is.
    const fn least(self) -> usize {
        match self {
            Self {
                says_nothing: true, ..
            } => usize::MAX,
            Self { rank, .. } if rank > LAST_RANK => SHORTENED,
            _ => TIGHT,
        }
    }
}

/// The width of every column of sheets that have the same ones; `None` for one that is not shown.
pub(super) fn fit(sheets: &[&Sheet], draw: Draw) -> Vec<Option<usize>> {
    let columns = sheets.first().map_or(&[][..], |sheet| &sheet.columns);
    let room = draw.width.map_or(usize::MAX, usize::from);
    let turns = columns.iter().enumerate();
    let turns: Vec<Turn> = turns
        .map(|(at, column)| Turn::of(sheets, at, column))
        .collect();
    let natural = columns.iter().enumerate();
    let mut widths: Vec<Option<usize>> = natural
        .map(|(at, column)| natural_width(sheets, at, column, draw))
        .collect();
    for (column, width) in columns.iter().zip(&mut widths) {
        if column.elastic {
            *width = width.map(|width| width.min(room));
        }
    }
    loop {
        let next = next(&turns, &widths);
        let squeezed = squeeze(columns, &widths, room, next.least());
        if total(&squeezed) <= room {
            return squeezed;
        }
        if next == Turn::NEVER {
            return forced(columns, widths, room);
        }
        for (width, turn) in widths.iter_mut().zip(&turns) {
            *width = width.filter(|_| *turn != next);
        }
    }
}

/// Whose turn it is; nobody's where nothing would be left.
fn next(turns: &[Turn], widths: &[Option<usize>]) -> Turn {
    let shown = || {
        turns
            .iter()
            .zip(widths)
            .filter(|(_, width)| width.is_some())
    };
    let next = shown().map(|(turn, _)| *turn).max().unwrap_or(Turn::NEVER);
    if shown().all(|(turn, _)| *turn == next) {
        return Turn::NEVER;
    }
    next
}

/// Where nothing may be cut any more: the last columns go all the same, and at the end the only one is shortened.
fn forced(columns: &[Column], mut widths: Vec<Option<usize>>, room: usize) -> Vec<Option<usize>> {
    loop {
        let squeezed = squeeze(columns, &widths, room, SHORTEST);
        if total(&squeezed) <= room {
            return squeezed;
        }
        let mut shown = widths.iter_mut().filter(|width| width.is_some());
        match (shown.next(), shown.last()) {
            (_, Some(last)) => *last = None,
            (Some(only), None) => {
                *only = Some(room);
                return widths;
            }
            (None, None) => return widths,
        }
    }
}

fn natural_width(sheets: &[&Sheet], at: usize, column: &Column, draw: Draw) -> Option<usize> {
    if column.only_wide && !draw.wide {
        return None;
    }
    let widest = cells(sheets, at).map(|cell| cell.text.width()).max();
    Some(widest.unwrap_or(0).max(column.name.width()))
}

fn cells<'s>(sheets: &'s [&Sheet], at: usize) -> impl Iterator<Item = &'s Cell> {
    let rows = sheets.iter().flat_map(|sheet| &sheet.rows);
    rows.filter_map(move |row| row.get(at))
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown
        .map(|width| width + GAP)
        .sum::<usize>()
        .saturating_sub(GAP)
}

/// Takes from the widest column that may be shortened until all fit, or all such have `least`.
fn squeeze(
    columns: &[Column],
    widths: &[Option<usize>],
    room: usize,
    least: usize,
) -> Vec<Option<usize>> {
    let mut squeezed = widths.to_vec();
    for _ in room..total(widths) {
        let elastic = columns.iter().zip(&mut squeezed);
        let elastic = elastic.filter(|(column, _)| column.elastic);
        let widest = elastic.filter_map(|(_, width)| width.as_mut()).max();
        match widest.filter(|width| **width > least) {
            Some(width) => *width -= 1,
            None => break,
        }
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::Zone;
    use crate::present::column::{numbers, words};

    fn drawn(width: Option<u16>) -> String {
        let sheet = Sheet {
            columns: vec![
                numbers("COUNT"),
                words("STATE").rank(3),
                words("OLDEST").rank(4),
                words("WHERE").elastic(),
            ],
            rows: vec![
                vec![
                    "12".into(),
                    "chan send".into(),
                    "7m".into(),
                    "pay.(*Client).retry.func1  pay/client.go:118".into(),
                ],
                vec![
                    "1,234".into(),
                    "IO".into(),
                    "24h08m".into(),
                    "支払.再試行  支払/client.go:1".into(),
                ],
            ],
        };
        let draw = Draw {
            width,
            colour: false,
            zone: Zone::Utc,
            wide: false,
        };
        let mut cut = Vec::new();
        table(&sheet, draw, &mut cut) + &not_shown(&cut, draw)
    }

    #[test]
    fn what_says_nothing_goes_first_and_a_pair_goes_together() {
        let sheet = |rows: Vec<Vec<Cell>>| Sheet {
            columns: vec![
                words("WHERE").elastic(),
                numbers("A").rank(4),
                numbers("B").rank(4),
                words("NOTE"),
                words("BUILD").rank(3),
            ],
            rows,
        };
        let row = |note: &str, build: &str| -> Vec<Cell> {
            [("pay.(*Client).retry"), "12", "1,234", note, build]
                .map(Cell::from)
                .to_vec()
        };
        let of = |sheet: &Sheet, width| {
            let mut cut = Vec::new();
            let draw = Draw {
                width: Some(width),
                colour: false,
                zone: Zone::Utc,
                wide: false,
            };
            table(sheet, draw, &mut cut) + &not_shown(&cut, draw)
        };
        let silent = sheet(vec![row("", "-"), row("", "-")]);
        insta::assert_snapshot!(of(&silent, 42), @"
        WHERE                 A      B  NOTE
        pay.(*Client).retry  12  1,234
        pay.(*Client).retry  12  1,234
        not shown for want of room: BUILD (-o wide
          has them)
        ");
        insta::assert_snapshot!(of(&silent, 35), @"
        WHERE                 A      B
        pay.(*Client).retry  12  1,234
        pay.(*Client).retry  12  1,234
        not shown for want of room: NOTE,
          BUILD (-o wide has them)
        ");
        let told = sheet(vec![row("", "-"), row("restarted", "b0b0")]);
        insta::assert_snapshot!(of(&told, 46), @"
        WHERE                NOTE       BUILD
        pay.(*Client).retry             -
        pay.(*Client).retry  restarted  b0b0
        not shown for want of room: A, B (-o wide has
          them)
        ");
    }

    #[test]
    fn no_width_is_too_little() {
        for width in 1..40 {
            let drawn = drawn(Some(width));
            let widest = drawn.lines().take(3).map(str::width).max().unwrap();
            assert!(widest <= usize::from(width), "{width}: {drawn}");
        }
    }

    #[test]
    fn a_table_fits() {
        insta::assert_snapshot!(drawn(None), @"
        COUNT  STATE      OLDEST  WHERE
           12  chan send  7m      pay.(*Client).retry.func1  pay/client.go:118
        1,234  IO         24h08m  支払.再試行  支払/client.go:1
        ");
        insta::assert_snapshot!(drawn(Some(60)), @"
        COUNT  STATE      OLDEST  WHERE
           12  chan send  7m      pay.(*Client).ret…ay/client.go:118
        1,234  IO         24h08m  支払.再試行  支払/client.go:1
        ");
        insta::assert_snapshot!(drawn(Some(50)), @"
        COUNT  STATE      OLDEST  WHERE
           12  chan send  7m      pay.(*Client…ient.go:118
        1,234  IO         24h08m  支払.再試行 …client.go:1
        ");
        insta::assert_snapshot!(drawn(Some(33)), @"
        COUNT  WHERE
           12  pay.(*Client)…lient.go:118
        1,234  支払.再試行  …/client.go:1
        not shown for want of room:
          STATE, OLDEST (-o wide has
          them)
        ");
        insta::assert_snapshot!(drawn(Some(16)), @"
        COUNT  WHERE
           12  pay.…:118
        1,234  支払…go:1
        not shown for
          want of room:
          STATE, OLDEST
          (-o wide has
          them)
        ");
        insta::assert_snapshot!(drawn(Some(1)), @"
        …
        …
        …
        not
        shown
        for
        want
        of
        room:
        STATE,
        OLDEST,
        WHERE
        (-o
        wide
        has
        them)
        ");
    }
}
