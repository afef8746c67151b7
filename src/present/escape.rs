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

/// A field of CSV: text that a spreadsheet would take for a formula begins with an apostrophe.
pub fn escape_csv(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if is_formula { "'" } else { "" };
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) {
        return format!("\"{apostrophe}{}\"", text.replace('"', "\"\""));
    }
    format!("{apostrophe}{text}")
}

/// Text within a line of Markdown of which nothing is markup: no emphasis, link, cell or tag, and nobody is called.
pub fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for char in text.chars() {
        if "\\`*_[]<|&~$".contains(char) {
            out.push('\\');
        }
        out.push(char);
        if char == '@' && !before.is_alphanumeric() {
            // GitHub would call whoever has that name.
            out += "<!-- -->";
        }
        before = char;
    }
    out
}

/// A whole line of Markdown, which begins no heading and no list either.
pub fn escape_markdown_line(text: &str) -> String {
    let behind_digits = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let (digits, rest) = text.split_at(text.len() - behind_digits.len());
    let begins = match digits {
        "" => rest.starts_with(['#', '+', '-', '=', ':', '>']),
        _ => rest.starts_with(['.', ')']),
    };
    let backslash = if begins { "\\" } else { "" };
    format!("{digits}{backslash}{}", escape_markdown(rest))
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
    fn no_text_is_markup() {
        for (text, escaped) in [
            ("pay.(*Client)|x", "pay.(\\*Client)\\|x"),
            ("# a_b `c` <i>&amp;", "\\# a\\_b \\`c\\` \\<i>\\&amp;"),
            ("12. a", "12\\. a"),
            ("12 - 5.", "12 - 5."),
            ("+1 - 2", "\\+1 - 2"),
            ("@all nats@v2.10", "@<!-- -->all nats@v2.10"),
        ] {
            assert_eq!(escape_markdown_line(text), escaped);
        }
        assert_eq!(escape_markdown("-5"), "-5");
    }

    #[test]
    fn no_text_is_a_formula() {
        for (text, escaped) in [
            ("", "\"\""),
            ("a", "a"),
            ("=1+1", "'=1+1"),
            ("@a,b", "\"'@a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
        ] {
            assert_eq!(escape_csv(text), escaped);
        }
    }

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
