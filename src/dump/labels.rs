//! The label list of a goroutine header, `{k: v, "k 2": "v \"2\""}`.
//!
//! Mirrors `printquoted` and the label loop of `goroutineheader` in Go's
//! `runtime/traceback.go` (1.26, 1.27): words of `[A-Za-z0-9./_]` stand bare, empty ones too; all
//! else is quoted with Go's escapes.

use crate::model::Labels;

/// The length of the list up to its closing brace; `text` begins behind the opening one.
/// `None` when no closing brace comes, or an `&` that Go would quote: the text is HTML.
pub(super) fn end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let stop = at + memchr::memchr3(b'}', b'"', b'&', text.get(at..)?)?;
        match text.get(stop) {
            Some(b'}') => return Some(stop),
            Some(b'"') => at = stop + 1 + quoted_end(text.get(stop + 1..)?)?,
            _ => return None,
        }
    }
}

/// The length of a quoted string up to and with its closing quote.
fn quoted_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let stop = at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(stop) == Some(&b'"') {
            return Some(stop + 1);
        }
        at = stop + 2;
    }
}

/// The labels in `text`, which stands between the braces. A list that breaks off keeps its whole
/// pairs.
pub(super) fn parse(text: &[u8]) -> Labels {
    let mut labels = Labels::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((key, behind)) = word(rest) else {
            break;
        };
        // `debug=1` has no blank behind the colon (`labelMap.String` in `runtime/pprof/label.go`).
        let Some(behind) = behind.strip_prefix(b":") else {
            break;
        };
        let behind = behind.strip_prefix(b" ").unwrap_or(behind);
        let Some((value, behind)) = word(behind) else {
            break;
        };
        labels.insert(key, value);
        rest = behind.strip_prefix(b", ").unwrap_or_default();
    }
    labels
}

/// One key or value, bare or quoted, and what follows it.
fn word(text: &[u8]) -> Option<(String, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let bare = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_');
        let len = text.iter().take_while(|b| bare(b)).count();
        let (word, rest) = text.split_at_checked(len)?;
        return Some((super::lossy(word), rest));
    };
    let (body, rest) = quoted.split_at_checked(quoted_end(quoted)?)?;
    Some((unescape(body.strip_suffix(b"\"")?), rest))
}

fn unescape(body: &[u8]) -> String {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(used) = super::escape::next(rest, &mut out) {
        rest = rest.get(used..).unwrap_or_default();
    }
    super::lossy(&out)
}
