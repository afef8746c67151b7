//! One value, as each format writes it.

use crate::present::{escape, escape_csv, escape_json};
use crate::store::Value;

/// For tables: nothing in it touches the terminal.
pub(super) fn word(value: &Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Text(text) => escape(text).into_owned(),
        other => plain(other),
    }
}

/// For JSON.
pub(super) fn json(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => quoted(text),
        // JSON has no infinite numbers, and no bytes.
        Value::Real(number) if !number.is_finite() => quoted(&plain(value)),
        Value::Blob(_) => quoted(&plain(value)),
        Value::Integer(_) | Value::Real(_) => plain(value),
    }
}

/// A string of JSON in which no character touches the terminal.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    escape_json(&json).into_owned()
}

/// For CSV: text that a spreadsheet would take for a formula begins with an apostrophe.
pub(super) fn csv(value: &Value<'_>, to_terminal: bool) -> String {
    let Value::Text(text) = value else {
        return match value {
            Value::Null => String::new(),
            other => plain(other),
        };
    };
    csv_text(text, to_terminal)
}

/// Text for CSV, as it is but where it would touch a terminal.
pub(super) fn csv_text(text: &str, to_terminal: bool) -> String {
    if to_terminal {
        escape_csv(&escape(text))
    } else {
        escape_csv(text)
    }
}

/// Numbers, and bytes as SQL writes them.
fn plain(value: &Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        // The shortest that reads back as the same number.
        Value::Real(number) => format!("{number:?}"),
        Value::Text(text) => text.to_string(),
        Value::Blob(bytes) => {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
            format!("x'{}'", digits.collect::<Vec<_>>().concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_taken_for_anything_else() {
        for (value, table, in_json, in_csv) in [
            (Value::Null, "NULL", "null", ""),
            (Value::Integer(-5), "-5", "-5", "-5"),
            (Value::Real(0.1), "0.1", "0.1", "0.1"),
            (Value::Real(f64::INFINITY), "inf", "\"inf\"", "inf"),
            (Value::Blob(&[0, 255]), "x'00ff'", "\"x'00ff'\"", "x'00ff'"),
            (Value::Text("".into()), "", "\"\"", "\"\""),
            (Value::Text("=1+1".into()), "=1+1", "\"=1+1\"", "'=1+1"),
            (
                Value::Text("a\"b,\n\u{1b}c".into()),
                "a\"b,\\n\\u{1b}c",
                r#""a\"b,\n\u001bc""#,
                "\"a\"\"b,\n\u{1b}c\"",
            ),
        ] {
            assert_eq!(word(&value), table);
            assert_eq!(json(&value), in_json);
            assert_eq!(csv(&value, false), in_csv);
        }
        assert_eq!(csv_text("a\u{1b}b", true), "a\\u{1b}b");
    }
}
