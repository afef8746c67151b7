//! The two lines of a frame: a function and where it stands.
//!
//! Mirrors `traceback2` and `printAncestorTracebackFuncInfo` in Go's `runtime/traceback.go`.

use crate::model::Elision;

/// The function name of a call line: everything before the last `(`. Arguments never hold
/// parentheses, names may: `main.(*T).(pkg/path.M)-fm(0x1)`.
pub(super) fn function(line: &[u8]) -> &[u8] {
    if line.last() != Some(&b')') {
        return line; // gccgo and C symbols come without an argument list.
    }
    match memchr::memrchr(b'(', line) {
        Some(open) if open > 0 => line.get(..open).unwrap_or(line),
        _ => line,
    }
}

/// Whether a line is a call with its arguments; gccgo and C print names without any.
pub(super) fn is_call(line: &[u8]) -> bool {
    let name = function(line);
    name.len() < line.len() && memchr::memchr(b' ', name).is_none()
}

/// File and line of a location such as `/path/x.go:12 +0x1f fp=0x1 sp=0x2 pc=0x3`, without its
/// tab. Paths may hold blanks, colons and whole headers: the split is at the last `:digits`.
/// A C frame without a file (`pc=0x…`) gives an empty one. `None` when it is no location.
pub(super) fn location(text: &[u8]) -> Option<(&[u8], u32)> {
    if text.starts_with(b"pc=0x") {
        return Some((&[], 0));
    }
    let colon = memchr::memrchr(b':', text)?;
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
        || suffix.starts_with(b" +0x")
        || suffix.starts_with(b" fp=0x")
        || suffix.starts_with(b" pc=0x");
    (digits > 0 && known && !file.is_empty()).then_some((file, line))
}

/// The creator in `created by F[ in goroutine N]`, without that tail.
pub(super) fn creator(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"created by ")?;
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
