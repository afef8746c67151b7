//! The two lines of a frame: a function and where it stands.
//!
//! Mirrors `traceback2` and `printAncestorTracebackFuncInfo` in Go's `runtime/traceback.go`.

use memchr::{memchr, memrchr};

use super::RawFrame;
use crate::model::Elision;

/// The frame at the start of `text`, and its length, where its two lines are as Go prints them and
/// can be nothing else: the common case.
pub(super) fn plain(text: &[u8]) -> Option<(RawFrame<'_>, usize)> {
    let newline = memchr(b'\n', text)?;
    let call = text.get(..newline)?;
    let open = memrchr(b'(', call.strip_suffix(b")")?)?;
    let function = call.get(..open)?;
    let other = match function.first()? {
        b'\t' | b'[' => true,
        b'c' => function.starts_with(b"created by "),
        b'g' => function.starts_with(b"goroutine "),
        b'n' => function.starts_with(b"non-Go function"),
        _ => false,
    };
    if other || memchr(b' ', function).is_some() {
        return None;
    }
    let behind = text.get(newline + 1..)?.strip_prefix(b"\t")?;
    let end = memchr(b'\n', behind)?;
    let (file, line) = location(super::block::trim_end(behind.get(..end)?))?;
    let frame = RawFrame {
        function,
        file,
        line,
    };
    Some((frame, newline + end + 3))
}

/// The function name of a call line: everything before the last `(`. Arguments never hold
/// parentheses, names may: `main.(*T).(pkg/path.M)-fm(0x1)`.
pub(super) fn function(line: &[u8]) -> &[u8] {
    if line.last() != Some(&b')') {
        return line; // gccgo and C symbols come without an argument list.
    }
    match memrchr(b'(', line) {
        Some(open) if open > 0 => line.get(..open).unwrap_or(line),
        _ => line,
    }
}

/// Whether a line is a call with its arguments; gccgo and C print names without any.
pub(super) fn is_call(line: &[u8]) -> bool {
    let name = function(line);
    name.len() < line.len() && memchr(b' ', name).is_none()
}

/// File and line of a location such as `/path/x.go:12 +0x1f fp=0x1 sp=0x2 pc=0x3`, without its
/// tab. Paths may hold blanks, colons and whole headers: the split is at the last `:digits`.
/// A C frame without a file (`pc=0x…`) gives an empty one. `None` when it is no location.
pub(super) fn location(text: &[u8]) -> Option<(&[u8], u32)> {
    if text.starts_with(b"pc=0x") {
        return Some((&[], 0));
    }
    let colon = memrchr(b':', text)?;
    let (file, tail) = text.split_at_checked(colon)?;
    let tail = tail.get(1..)?;
    let mut line = 0u32;
    let mut digits = 0;
    for byte in tail.iter().take_while(|b| b.is_ascii_digit()) {
        line = line
            .saturating_mul(10)
            .saturating_add(u32::from(byte - b'0'));
        digits += 1;
    }
    let suffix = tail.get(digits..)?;
    let known = suffix.is_empty()
        || suffix.strip_prefix(b" +0x").is_some_and(ends_in_hex)
        || suffix.starts_with(b" fp=0x")
        || suffix.starts_with(b" pc=0x");
    (digits > 0 && known && !file.is_empty()).then_some((file, line))
}

/// Whether hexadecimal digits are all there is, or a blank follows them.
fn ends_in_hex(text: &[u8]) -> bool {
    let digits = text
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    matches!(text.get(digits), None | Some(b' '))
}

/// The creator in `created by F[ in goroutine N]`, without that tail.
pub(super) fn creator(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"created by ")?;
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let behind = rest.len() - digits.count();
    if let Some(name) = rest.get(..behind)?.strip_suffix(b" in goroutine ") {
        return Some(name);
    }
    match memchr::memmem::rfind(rest, b" in goroutine ") {
        Some(at) => rest.get(..at),
        None => Some(rest),
    }
}

/// The gap in `...N frames elided...` and in `...additional frames elided...`, behind `after`
/// frames.
pub(super) fn elided(line: &[u8], after: usize) -> Option<Elision> {
    let middle = line
        .strip_prefix(b"...")?
        .strip_suffix(b" frames elided...")?;
    if middle == b"additional" {
        return Some(Elision {
            after,
            frames: None,
        });
    }
    let count = super::header::number(middle)?;
    Some(Elision {
        after,
        frames: Some(u32::try_from(count).unwrap_or(u32::MAX)),
    })
}
