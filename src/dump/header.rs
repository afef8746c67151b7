//! The header line of a goroutine block.
//!
//! Mirrors `goroutineheader` in Go's `runtime/traceback.go`, 1.2 to 1.27:
//! `goroutine ID[ gp=… m=…] [STATUS[, …]][ {labels}]:`

use super::{RawLabels, labels};

/// A header line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) id: u64,
    pub(super) state: &'a [u8],
    pub(super) minutes: Option<u64>,
    pub(super) leaked: bool,
    pub(super) labels: Option<RawLabels<'a>>,
}

/// Whether a line begins a goroutine block: `goroutine DIGITS [` or `goroutine DIGITS gp=`.
///
/// `goroutine profile: total 5` and a sentence about goroutine 5 do not.
pub(super) fn begins(line: &[u8]) -> bool {
    split_id(line).is_some_and(|(_, rest)| rest.starts_with(b"[") || rest.starts_with(b"gp="))
}

/// The length of the header that `text` begins with, its colon included; `None` when it begins with
/// none, or with one that is not whole.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    if !begins(text) {
        return None;
    }
    let behind = take(text).ok()?.1;
    Some(text.len() - behind.len())
}

/// The id and what follows the blank behind it.
fn split_id(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(b"goroutine ")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (id, rest) = rest.split_at_checked(digits)?;
    if id.is_empty() {
        None
    } else {
        Some((id, rest.strip_prefix(b" ")?))
    }
}

/// Takes a header line apart; the error says what is wrong with it.
pub(super) fn parse(line: &[u8]) -> Result<Header<'_>, &'static str> {
    let (header, behind) = take(line)?;
    if behind.trim_ascii().is_empty() {
        Ok(header)
    } else {
        Err("goroutine header with something behind its colon")
    }
}

/// The header line at the start of `text`, and its length, if it is nothing else: the common case.
pub(super) fn plain(text: &[u8]) -> Option<(Header<'_>, usize)> {
    if let Some(found) = bare(text) {
        return Some(found);
    }
    let newline = memchr::memchr(b'\n', text)?;
    let (id, rest) = split_id(text.get(..newline)?)?;
    let is_header = rest.starts_with(b"[") || rest.starts_with(b"gp=");
    let (header, behind) = take_state(id, rest).ok().filter(|_| is_header)?;
    behind.is_empty().then_some((header, newline + 1))
}

/// `goroutine ID [STATE]:` and `goroutine ID [STATE, N minutes]:`, with a newline.
fn bare(text: &[u8]) -> Option<(Header<'_>, usize)> {
    let (id, rest) = leading_number(text.strip_prefix(b"goroutine ")?)?;
    let inside = rest.strip_prefix(b" [")?;
    let end = inside
        .iter()
        .position(|byte| matches!(byte, b',' | b']' | b'"' | b'[' | b'\n'))?;
    let (state, mut rest) = inside.split_at(end);
    let mut minutes = None;
    if let Some(waited) = rest.strip_prefix(b", ") {
        let (number, behind) = leading_number(waited)?;
        rest = behind.strip_prefix(b" minutes")?;
        minutes = Some(number);
    }
    let behind = rest.strip_prefix(b"]:\n")?;
    let header = Header {
        id,
        state,
        minutes,
        leaked: false,
        labels: None,
    };
    // What stands in parentheses may be no part of the state.
    (state.last() != Some(&b')')).then_some((header, text.len() - behind.len()))
}

/// The decimal number that `text` begins with, of at most 18 digits, and what follows.
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    let mut digits = 0;
    for byte in text.iter().take_while(|byte| byte.is_ascii_digit()) {
        number = number * 10 + u64::from(byte - b'0');
        digits += 1;
        if digits > 18 {
            return None;
        }
    }
    (digits > 0).then_some((number, text.get(digits..)?))
}

/// A header and what follows its colon.
fn take(line: &[u8]) -> Result<(Header<'_>, &[u8]), &'static str> {
    let (id, rest) = split_id(line).ok_or("goroutine header without an id")?;
    take_state(id, rest)
}

fn take_state<'a>(id: &[u8], rest: &'a [u8]) -> Result<(Header<'a>, &'a [u8]), &'static str> {
    let id = number(id).ok_or("goroutine id out of range")?;
    let open = match rest.first() {
        Some(b'[') => 0,
        _ => memchr::memchr(b'[', rest).ok_or("goroutine header without a state")?,
    };
    let inside = rest.get(open + 1..).unwrap_or_default();
    let close =
        memchr::memchr2(b']', b'"', inside).ok_or("goroutine header breaks off in its state")?;
    let (status, mut found, behind) = if inside.get(close) == Some(&b'"') {
        labelled_status(inside)?
    } else {
        let behind = inside.get(close + 1..).unwrap_or_default();
        (inside.get(..close).unwrap_or_default(), None, behind)
    };
    let mut behind = behind;
    if let Some(list) = behind.strip_prefix(b" {") {
        let end = labels::end(list).ok_or("goroutine header breaks off in its labels")?;
        found = list.get(..end).map(RawLabels::Text);
        behind = list.get(end + 1..).unwrap_or_default();
    }
    let behind = behind
        .strip_prefix(b":")
        .ok_or("goroutine header without a colon at its end")?;
    if memchr::memchr(b'[', status).is_some() {
        return Err("goroutine header breaks off in its state");
    }
    let (state, minutes, leaked) = annotations(status);
    let header = Header {
        id,
        state,
        minutes,
        leaked,
        labels: found,
    };
    Ok((header, behind))
}

type Status<'a> = (&'a [u8], Option<RawLabels<'a>>, &'a [u8]);

/// Go 1.26 with `GODEBUG=tracebacklabels=1`: the labels stand inside the bracket, all quoted.
fn labelled_status(inside: &[u8]) -> Result<Status<'_>, &'static str> {
    const MARK: &[u8] = b" labels:{";
    let mark = memchr::memmem::find(inside, MARK).ok_or("goroutine header with a stray quote")?;
    let list = inside.get(mark + MARK.len()..).unwrap_or_default();
    let end = labels::end(list).ok_or("goroutine header breaks off in its labels")?;
    let behind = list.get(end + 1..).unwrap_or_default();
    let behind = behind
        .strip_prefix(b"]")
        .ok_or("goroutine header without a closing bracket")?;
    Ok((
        inside.get(..mark).unwrap_or_default(),
        list.get(..end).map(RawLabels::Text),
        behind,
    ))
}

/// Splits `STATUS (leaked) (scan), 5 minutes, locked to thread, synctest bubble 1`.
/// Annotations that are not known are passed over: the set is open.
fn annotations(status: &[u8]) -> (&[u8], Option<u64>, bool) {
    let (mut state, mut rest) = split_comma(status);
    let mut minutes = None;
    while !rest.is_empty() {
        let (word, behind) = split_comma(rest);
        if let Some(digits) = word.strip_suffix(b" minutes") {
            minutes = number(digits);
        }
        rest = behind;
    }
    let mut leaked = false;
    loop {
        if let Some(bare) = state.strip_suffix(b" (leaked)") {
            (state, leaked) = (bare, true);
        } else if let Some(bare) = state.strip_suffix(b" (scan)") {
            state = bare;
        } else {
            return (state, minutes, leaked);
        }
    }
}

fn split_comma(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b',', text) {
        Some(comma) => (
            text.get(..comma).unwrap_or_default(),
            text.get(comma + 1..).unwrap_or_default().trim_ascii_start(),
        ),
        None => (text, &[]),
    }
}

/// Decimal digits as a number; `None` when empty, not digits or out of range.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, byte| {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            None
        } else {
            sum.checked_mul(10)?.checked_add(digit)
        }
    })
}
