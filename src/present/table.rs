//! A sheet as aligned columns that fit the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::shorten::shortened;
use super::{Cell, Draw, Sheet};

/// Between two columns.
const GAP: usize = 2;
/// Before another column is cut, those that may be are shortened to this.
const SHORTENED: usize = 24;
/// When none is left that may be cut, to this.
const TIGHT: usize = 8;

/// Draws a sheet, its heading first; without rows nothing. Lines end in a newline.
///
/// What does not fit is shortened and then cut; the names of columns that were cut go into `cut`.
pub fn table(sheet: &Sheet, draw: Draw, cut: &mut Vec<String>) -> String {
    if sheet.rows.is_empty() {
        return String::new();
    }
    let widths = fit(sheet, draw);
    for (column, width) in sheet.columns.iter().zip(&widths) {
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
    rows.map(|row| line(sheet, row, &widths, draw)).collect()
}

/// The line that stands below tables of which something was cut.
pub fn not_shown(cut: &[String]) -> String {
    match cut {
        [] => String::new(),
        names => format!(
            "not shown for want of room: {} (-o wide has them)\n",
            names.join(", ")
        ),
    }
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

/// The width of every column that is shown; `None` for one that is not.
fn fit(sheet: &Sheet, draw: Draw) -> Vec<Option<usize>> {
    let room = draw.width.map_or(usize::MAX, usize::from);
    let mut widths: Vec<Option<usize>> = (0..sheet.columns.len())
        .map(|at| natural(sheet, at, draw))
        .collect();
    for (column, width) in sheet.columns.iter().zip(&mut widths) {
        if column.elastic {
            *width = width.map(|width| width.min(room));
        }
    }
    loop {
        let squeezed = squeeze(sheet, &widths, room, SHORTENED);
        if total(&squeezed) <= room {
            return squeezed;
        }
        let shown = sheet.columns.iter().zip(&mut widths);
        let shown = shown.filter(|(column, width)| width.is_some() && column.rank > 0);
        match shown.max_by_key(|(column, _)| column.rank) {
            Some((_, width)) => *width = None,
            None => return squeeze(sheet, &widths, room, TIGHT),
        }
    }
}

fn natural(sheet: &Sheet, at: usize, draw: Draw) -> Option<usize> {
    let column = sheet
        .columns
        .get(at)
        .filter(|column| draw.wide || !column.only_wide)?;
    let cells = sheet.rows.iter().filter_map(|row| row.get(at));
    let widest = cells.map(|cell| cell.text.width()).max().unwrap_or(0);
    Some(widest.max(column.name.width()))
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
    sheet: &Sheet,
    widths: &[Option<usize>],
    room: usize,
    least: usize,
) -> Vec<Option<usize>> {
    let mut squeezed = widths.to_vec();
    for _ in room..total(widths) {
        let elastic = sheet.columns.iter().zip(&mut squeezed);
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
                words("STATE").rank(1),
                words("OLDEST").rank(2),
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
        table(&sheet, draw, &mut cut) + &not_shown(&cut)
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
        not shown for want of room: STATE, OLDEST (-o wide has them)
        ");
        insta::assert_snapshot!(drawn(Some(16)), @"
        COUNT  WHERE
           12  pay.…:118
        1,234  支払…go:1
        not shown for want of room: STATE, OLDEST (-o wide has them)
        ");
        insta::assert_snapshot!(drawn(Some(1)), @"
        COUNT  …
           12  …
        1,234  …
        not shown for want of room: STATE, OLDEST (-o wide has them)
        ");
    }
}
