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

/// JSON in which every such character is written as JSON's own escape: no value changes.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if json.chars().all(is_plain) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if is_plain(char) {
            out.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Cow::Owned(out)
}

/// The text for a string in double quotes of a config: TOML's own escapes, and dollar signs that expand
/// to themselves.
pub fn escape_toml(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '$' => out.push_str("$$"),
            _ if is_plain(char) => out.push(char),
            _ => out.push_str(&format!("\\U{:08X}", u32::from(char))),
        }
    }
    out
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
        let json = serde_json::to_string("a\u{1b}\u{9b}\u{e0041}b").unwrap();
        let escaped = escape_json(&json);
        assert_eq!(escaped, r#""a\u001b\u009b\udb40\udc41b""#);
        let back: String = serde_json::from_str(&escaped).unwrap();
        assert_eq!(back, "a\u{1b}\u{9b}\u{e0041}b");
    }
}
