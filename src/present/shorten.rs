//! Text that must fit: the beginning and the end of a name tell the most.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text in at most `width` columns: where it is longer, its beginning and its end with `dots` between. An escape
/// stays whole or goes.
pub(super) fn shortened(text: &str, width: usize, dots: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(dots.width());
    let units = units(text);
    let end = fitting(units.iter().rev().copied(), room / 2);
    let begin = fitting(units.iter().copied(), room - room / 2);
    let dots = taken(dots.chars(), width);
    let begin = begin.into_iter().collect::<String>();
    begin + &dots + &end.into_iter().rev().collect::<String>()
}

/// The first columns of a text. An escape stays whole or goes.
pub(super) fn beginning(text: &str, width: usize) -> String {
    fitting(units(text).into_iter(), width)
        .into_iter()
        .collect()
}

/// As many characters as fit into `width` columns.
pub(super) fn taken(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut fits = room(width);
    chars
        .take_while(|char| fits(char.width().unwrap_or(0)))
        .collect()
}

/// As many units as fit into `width` columns.
fn fitting<'t>(units: impl Iterator<Item = &'t str>, width: usize) -> Vec<&'t str> {
    let mut fits = room(width);
    units.take_while(|unit| fits(unit.width())).collect()
}

/// Whether one thing more fits, of so many columns; what fits takes its room.
fn room(width: usize) -> impl FnMut(usize) -> bool {
    let mut left = width;
    move |wide| {
        let rest = left.checked_sub(wide);
        left = rest.unwrap_or(0);
        rest.is_some()
    }
}

/// What may not be cut in two: a character, or what `escape` writes for one.
fn units(text: &str) -> Vec<&str> {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (unit, behind) = rest.split_at(escaped(rest).unwrap_or(first.len_utf8()));
        units.push(unit);
        rest = behind;
    }
    units
}

/// The length of the escape that a text begins with: `\n`, `\u{1b}`.
fn escaped(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\\')?;
    if rest.starts_with(['n', 'r', 't']) {
        return Some(2);
    }
    let digits = rest.strip_prefix("u{")?.split_once('}')?.0;
    let is_code =
        (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_code.then_some(digits.len() + r"\u{}".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shortened_in_its_middle() {
        for (width, short) in [
            (9, "abcdefghi"),
            (8, "abcd…ghi"),
            (2, "a…"),
            (1, "…"),
            (0, ""),
        ] {
            assert_eq!(shortened("abcdefghi", width, "…"), short);
        }
        // A character of two columns is never cut in half.
        assert_eq!(shortened("支払再試行", 6, "…"), "支…行");
    }

    #[test]
    fn an_escape_is_never_cut() {
        let text = r"ab\u{1b}[2J main\n\u{202e}";
        let mut shorts: Vec<String> = (4..22).map(|width| shortened(text, width, "…")).collect();
        shorts.dedup();
        insta::assert_snapshot!(shorts.join("\n"), @r"
        ab…
        ab\u{1b}…
        ab\u{1b}…\u{202e}
        ab\u{1b}[…\u{202e}
        ab\u{1b}[2…\u{202e}
        ab\u{1b}[2…\n\u{202e}
        ");
        assert_eq!(beginning(r"abcde\u{1b}", 9), "abcde");
        assert_eq!(beginning(r"abcde\u{1b}", 12), r"abcde\u{1b}");
        // What only looks like one is text.
        assert_eq!(shortened(r"\u{xyz}\u{}\", 8, "…"), r"\u{x…{}\");
    }
}
