//! Makes strings of others safe to print.

use std::borrow::Cow;

/// The text with every character that could move a cursor, set a colour, reorder or hide other
/// text written as an escape (`\u{1b}`).
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if is_plain(char) {
            out.push(char);
        } else {
            out.extend(char.escape_default());
        }
    }
    Cow::Owned(out)
}

/// Whether a character prints as itself and touches no other.
fn is_plain(char: char) -> bool {
    let moves_others = matches!(
        char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !char.is_control() && !moves_others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_cannot_reach_the_terminal() {
        assert_eq!(escape("main.größeπ"), "main.größeπ");
        assert_eq!(
            escape("a\u{1b}[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\n\\u{202e}c"
        );
        assert_eq!(escape("\u{9b}31m"), "\\u{9b}31m");
    }
}
