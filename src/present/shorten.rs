//! Text that must fit: the beginning and the end of a name tell the most.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text in at most `width` columns: where it is longer, its beginning and its end with `dots` between.
pub(super) fn shortened(text: &str, width: usize, dots: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(dots.width());
    let end = taken(text.chars().rev(), room / 2);
    let begin = taken(text.chars(), room - room / 2);
    let dots = taken(dots.chars(), width);
    begin
        .chars()
        .chain(dots.chars())
        .chain(end.chars().rev())
        .collect()
}

/// As many characters as fit into `width` columns.
pub(super) fn taken(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut left = width;
    let fits = |char: &char| {
        let rest = left.checked_sub(char.width().unwrap_or(0));
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    chars.take_while(fits).collect()
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
}
