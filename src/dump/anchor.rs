//! Where in a line a header stands, and what it stands in.

use memchr::memmem;

use super::{counted, header};

/// Headers that are begun in one line and looked at: each costs a look at the rest of the line.
const MAX_TRIES: usize = 16;

/// Where in a line that is not its own beginning a whole header ends the line: what was cut off before
/// it and what was written behind that.
pub(super) fn header_behind(line: &[u8]) -> Option<usize> {
    let line = line.trim_ascii_end();
    let found = memmem::rfind(line, b"goroutine ").filter(|at| *at > 0)?;
    let text = line.get(found..)?;
    (header::length(text) == Some(text.len())).then_some(found)
}

/// Where in a line a goroutine header, or the head of a profile, stands that something follows or
/// precedes.
pub(super) fn anchor(line: &[u8]) -> Option<usize> {
    let mut tries = 0;
    memmem::find_iter(line, b"goroutine").find(|at| {
        let text = line.get(*at..).unwrap_or_default();
        tries += usize::from(header::begins(text));
        if tries > MAX_TRIES {
            return false;
        }
        if counted::total(text).is_some() {
            return true;
        }
        if !header::begins(text) {
            return false;
        }
        match header::length(text) {
            Some(len) => {
                let behind = text.get(len..).unwrap_or_default().trim_ascii();
                behind.is_empty() || matches!(behind.first(), Some(b'\\' | 0x1b))
            }
            // Its labels may hold escaped quotes.
            None => is_in_string(line, *at),
        }
    })
}

/// Whether the header at `found` stands in a quoted string: its end of line is an escape.
pub(super) fn is_in_string(line: &[u8], found: usize) -> bool {
    let text = line.get(found..).unwrap_or_default();
    match header::length(text) {
        Some(len) => text.get(len) == Some(&b'\\'),
        None => {
            header::begins(text)
                && memmem::find(text, b"\\n").is_some()
                && line
                    .get(..found)
                    .is_some_and(|before| before.contains(&b'"'))
        }
    }
}

/// Whether the string that holds the header ends with the line: docker's and `go test -json`'s do.
pub(super) fn is_line_of_json(line: &[u8], found: usize) -> bool {
    let text = line.get(found..).unwrap_or_default();
    let end = memmem::find(text, b"\\n").map(|at| at + 2);
    end.and_then(|end| text.get(end)) == Some(&b'"')
}

/// Whether a line that begins with a header is one: nothing but blanks follows its colon. One that
/// breaks off is one too.
pub(super) fn is_header_line(line: &[u8]) -> bool {
    match line.last() {
        Some(b':' | b' ' | b'\t' | b'\r') => true,
        _ => !is_in_string(line, 0) && header::length(line).is_none(),
    }
}
