//! The label list of a goroutine header, `{k: v, "k 2": "v \"2\""}`.
//!
//! Mirrors `printquoted` and the label loop of `goroutineheader` in Go's
//! `runtime/traceback.go` (1.26, 1.27): words of `[A-Za-z0-9./_]` stand bare, empty ones too; all
//! else is quoted with Go's escapes.

use crate::model::Labels;

/// The length of the list up to its closing brace; `text` begins behind the opening one.
/// `None` when no closing brace comes.
pub(super) fn end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let stop = at + memchr::memchr2(b'}', b'"', text.get(at..)?)?;
        if text.get(stop) == Some(&b'}') {
            return Some(stop);
        }
        at = stop + 1 + quoted_end(text.get(stop + 1..)?)?;
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
        let Some(behind) = behind.strip_prefix(b": ") else {
            break;
        };
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
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&escape, behind)) = rest.split_first() else {
            break;
        };
        rest = behind;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'a' => out.push(0x07),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'v' => out.push(0x0b),
            b'x' => rest = hex(rest, 2, |code| out.push(u8::try_from(code).unwrap_or(b'?'))),
            b'u' => rest = hex(rest, 4, |code| push_char(&mut out, code)),
            b'U' => rest = hex(rest, 8, |code| push_char(&mut out, code)),
            other => out.push(other),
        }
    }
    super::lossy(&out)
}

fn hex(text: &[u8], digits: usize, mut give: impl FnMut(u32)) -> &[u8] {
    let Some((code, rest)) = text.split_at_checked(digits) else {
        return &[];
    };
    let parsed = std::str::from_utf8(code)
        .ok()
        .and_then(|hex| u32::from_str_radix(hex, 16).ok());
    give(parsed.unwrap_or(0xfffd));
    rest
}

fn push_char(out: &mut Vec<u8>, code: u32) {
    let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}
