//! What `config.example.toml` says of each key: its default, and one line of why.

/// Every key with its default and its reason.
const EXAMPLE: &str = include_str!("../../config.example.toml");

/// One key as the example shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What it is for: lines without the sign of a comment.
    pub why: Vec<&'static str>,
    /// The key with its default, such as `timeout = "10s"`.
    pub line: &'static str,
}

/// What the example says of `key` in `section`, both as in [`super::KEYS`]; `None` where it has no such key.
pub fn explain(section: &str, key: &str) -> Option<Explained> {
    let mut inside = "";
    let mut why = Vec::new();
    for line in EXAMPLE.lines() {
        // Keys without a default are shown as comments.
        let bare = line.strip_prefix("# ").unwrap_or(line);
        if let Some(header) = line.strip_prefix('[') {
            inside = header.trim_matches(['[', ']']);
            why.clear();
        } else if inside == section && is_setting_of(key, bare) {
            return Some(Explained { why, line: bare });
        } else if line.starts_with("# ") {
            why.push(bare);
        } else {
            why.clear();
        }
    }
    None
}

fn is_setting_of(key: &str, line: &str) -> bool {
    line.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(" = "))
}
