//! The `debug=1` form: counts and addresses, with functions below.
//!
//! Mirrors `printCountProfile` and `printStackRecord` in Go's `runtime/pprof/pprof.go`. Functions of
//! the runtime at the leaf are hidden there; what a goroutine waits for shows where other frames
//! tell it.

use memchr::memchr;

use super::block::trim_end;
use super::{Goroutines, RawFrame, RawLabels, frame, header, labels};

/// Frames that a profile keeps of a stack: up to Go 1.22, and since 1.23 (`maxProfStackDepth`).
pub(super) const DEPTH_LIMITS: [usize; 2] = [32, 128];

/// The number in `goroutine profile: total N`, which begins such a dump.
pub(super) fn total(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"goroutine")?;
    let rest = rest.strip_prefix(b"leak").unwrap_or(rest);
    header::number(trim_end(rest.strip_prefix(b" profile: total ")?))
}

/// Count and addresses of `COUNT @ 0xPC 0xPC …`; gccgo can print no address at all.
fn record(line: &[u8]) -> Option<(u64, &[u8])> {
    let line = trim_end(line);
    let at = memchr(b'@', line)?;
    let count = header::number(line.get(..at)?.strip_suffix(b" ")?)?;
    let addresses = line.get(at + 1..)?;
    let fine = addresses.is_empty() || addresses.starts_with(b" 0x");
    fine.then_some((count, addresses))
}

/// Whether a line begins a record.
pub(super) fn begins(line: &[u8]) -> bool {
    line.first().is_some_and(u8::is_ascii_digit) && record(line).is_some()
}

/// A record that was read.
pub(super) struct Record<'a> {
    pub(super) used: usize,
    /// Its goroutines, without their frames.
    pub(super) goroutines: Goroutines<'a>,
    /// Its end was there, and not only that of the dump.
    pub(super) whole: bool,
}

/// What all stacks of the profile end in: the address in `runtime.goexit`.
#[derive(Debug, Default)]
pub(super) struct Root(Vec<u8>);

/// Reads the record at the start of `buffer`; `None` when its end has not come.
pub(super) fn read<'a>(
    buffer: &'a [u8],
    end: bool,
    frames: &mut Vec<RawFrame<'a>>,
    root: &mut Root,
) -> Option<Record<'a>> {
    frames.clear();
    let mut at = 0;
    let mut head = None;
    let mut found = None;
    let whole = loop {
        let rest = buffer.get(at..).unwrap_or_default();
        if end && rest.is_empty() {
            break false;
        }
        let (line, next) = match memchr(b'\n', rest) {
            Some(newline) => (rest.get(..newline)?, at + newline + 1),
            None if end => (rest, buffer.len()),
            None => return None,
        };
        let text = trim_end(line);
        if head.is_none() {
            head = record(text);
        } else if let Some(list) = text.strip_prefix(b"# labels: {") {
            found = labels::end(list).and_then(|end| list.get(..end));
        } else if let Some(located) = text.strip_prefix(b"#") {
            frames.push(located_frame(located.trim_ascii_start()));
        } else {
            at = if text.is_empty() { next } else { at };
            break true;
        }
        at = next;
    };
    let (count, addresses) = head?;
    Some(Record {
        used: at,
        goroutines: Goroutines {
            count,
            frames: &[],
            elision: None,
            cut: is_cut(addresses, root),
            leaf_hidden: true,
            labels: found.map(RawLabels::Text),
            block: None,
            stack: None,
        },
        whole,
    })
}

/// `0xPC func+0xOFF file:line`, parted by tabs and blanks; `0xPC` alone for what no table knows.
fn located_frame(text: &[u8]) -> RawFrame<'_> {
    let mut words = text.splitn(2, |byte| matches!(byte, b'\t' | b' '));
    let behind = words.nth(1).unwrap_or_default().trim_ascii_start();
    let (call, location) = match memchr(b'\t', behind) {
        Some(tab) => behind.split_at(tab),
        None => (behind, &[][..]),
    };
    let call = call.trim_ascii_end();
    let function =
        memchr::memmem::rfind(call, b"+0x").map_or(call, |plus| call.get(..plus).unwrap_or(call));
    let (file, line) = frame::location(location.trim_ascii()).unwrap_or((&[], 0));
    RawFrame {
        function: if function.is_empty() {
            b"non-Go function"
        } else {
            function
        },
        file,
        line,
    }
}

/// Whether the depth limit cut the stack off: it is as long as one, and does not end where stacks
/// of this profile end.
fn is_cut(addresses: &[u8], root: &mut Root) -> bool {
    let depth = memchr::memmem::find_iter(addresses, b"0x").count();
    let last = memchr::memrchr(b' ', addresses)
        .and_then(|at| addresses.get(at..))
        .unwrap_or_default();
    if depth < DEPTH_LIMITS[0] && root.0.is_empty() {
        root.0 = last.to_vec();
    }
    DEPTH_LIMITS.contains(&depth) && last != root.0
}
