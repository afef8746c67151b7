//! One goroutine block: a header line and the lines below it, as Go prints them.
//!
//! Mirrors `traceback` and `printAncestorTraceback` in Go's `runtime/traceback.go`. Lines that are
//! none of Go's (registers, lines of a log written in between) are passed over.

use memchr::memchr;

use super::anchor;
use super::header::Header;
use super::{Block, Goroutines, RawFrame, frame, header};
use crate::model::Elision;

/// Lines inside a block that are no frames (registers, log lines) before the block counts as over.
const MAX_NOISE: usize = 4;

const BREAKS_OFF: &str = "dump breaks off in this goroutine";

/// What came of one try to read a block.
pub(super) enum Step<'a> {
    /// The end of the block has not come yet.
    More,
    Done(Read<'a>),
}

pub(super) struct Read<'a> {
    /// Bytes of the block.
    pub(super) used: usize,
    /// The goroutine without its frames, or what is wrong.
    pub(super) result: Result<Goroutines<'a>, Wrong>,
}

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Where, from the start of the block.
    pub(super) at: usize,
    pub(super) what: &'static str,
    /// The dump breaks off here.
    pub(super) torn: bool,
    /// Goroutines that it costs: none where not even the header is whole.
    pub(super) goroutines: u64,
}

impl Wrong {
    pub(super) const fn new(at: usize, what: &'static str) -> Self {
        Self {
            at,
            what,
            torn: false,
            goroutines: 1,
        }
    }

    const fn torn(at: usize, what: &'static str) -> Self {
        Self {
            torn: true,
            ..Self::new(at, what)
        }
    }
}

/// A line of a block, by what it says.
#[derive(Clone, Copy)]
enum Line<'a> {
    End,
    Header,
    Location(&'a [u8]),
    Unavailable,
    Elided(&'a [u8]),
    Creator(&'a [u8]),
    Ancestors,
    Foreign,
    Other,
}

fn classify(line: &[u8]) -> Line<'_> {
    match line.first() {
        None => Line::End,
        Some(b'\t') => {
            let text = line.get(1..).unwrap_or_default();
            if text.ends_with(b"; stack unavailable") && text.starts_with(b"goroutine ") {
                Line::Unavailable
            } else {
                Line::Location(text)
            }
        }
        Some(b'g') if header::begins(line) => Line::Header,
        Some(b'.') if line.ends_with(b" frames elided...") => Line::Elided(line),
        Some(b'c') => frame::creator(line).map_or(Line::Other, Line::Creator),
        Some(b'[') if line.starts_with(b"[originating from goroutine ") => Line::Ancestors,
        Some(b'n') if line.starts_with(b"non-Go function at pc=") => Line::Foreign,
        Some(_) => Line::Other,
    }
}

/// Where in a line that is not Go's the header of another goroutine begins: a dump that was cut off
/// and another one right behind, or a line with something before it.
fn cut_by_header(kind: Line<'_>, line: &[u8]) -> Option<usize> {
    let is_odd = match kind {
        Line::Location(text) => frame::location(text).is_none(),
        Line::Creator(_) => trim_end(line).last() == Some(&b':'),
        Line::Other => true,
        _ => false,
    };
    is_odd.then(|| anchor::header_behind(line))?
}

/// Where in a block the reader stands.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each was seen or not, by itself"
)]
struct Place<'a> {
    /// The line before, if it may be the function of a location to come.
    pending: Option<(usize, &'a [u8])>,
    elision: Option<Elision>,
    creator: Option<&'a [u8]>,
    /// The location to come belongs to `created by`.
    in_creator: bool,
    /// What follows are the stacks of ancestors, not of this goroutine.
    in_ancestors: bool,
    unavailable: bool,
    /// What is there already can be all.
    whole: bool,
    noise: usize,
    wrong: Option<Wrong>,
}

/// Reads the block at the start of `buffer`, which begins with a header line.
pub(super) fn read<'a>(buffer: &'a [u8], end: bool, frames: &mut Vec<RawFrame<'a>>) -> Step<'a> {
    frames.clear();
    let mut at = match memchr(b'\n', buffer) {
        Some(newline) => newline + 1,
        None if end => buffer.len(),
        None => return Step::More,
    };
    let head = trim_end(buffer.get(..at).unwrap_or_default());
    let mut place = Place::default();
    loop {
        let rest = buffer.get(at..).unwrap_or_default();
        if place.is_between_frames()
            && let Some((frame, len)) = frame::plain(rest)
        {
            place.whole = frame.function == b"main.main";
            place.noise = 0;
            frames.push(frame);
            at += len;
            continue;
        }
        let (line, next) = match memchr(b'\n', rest) {
            Some(newline) => (rest.get(..newline).unwrap_or_default(), at + newline + 1),
            None if end => (rest, buffer.len()),
            None => return Step::More,
        };
        let kind = classify(trim_end(line));
        if let Some(behind) = cut_by_header(kind, line) {
            place.wrong.get_or_insert(Wrong::torn(at, BREAKS_OFF));
            return Step::Done(Read {
                used: at + behind,
                result: close(head, place, frames, false),
            });
        }
        // Without its newline a line may be torn; one behind `created by` harms nothing.
        if next == at + line.len() && !line.is_empty() && !place.in_creator {
            place.wrong.get_or_insert(Wrong::torn(at, BREAKS_OFF));
        }
        match kind {
            Line::End => at = next,
            Line::Header => {}
            _ if place.take(kind, at, line, frames) => {
                at = next;
                continue;
            }
            _ => {}
        }
        // A blank line may be one whose text was cut off behind a logger's prefix.
        let behind = buffer.get(at..).unwrap_or_default();
        let nothing_behind = behind.trim_ascii().is_empty();
        if nothing_behind && !end && !place.is_whole() {
            return Step::More;
        }
        let last = end && nothing_behind;
        return Step::Done(Read {
            used: at,
            result: close(head, place, frames, last),
        });
    }
}

impl<'a> Place<'a> {
    /// Whether what has been read is a goroutine whatever follows.
    const fn is_whole(&self) -> bool {
        self.creator.is_some() && !self.in_creator && self.pending.is_none() && self.wrong.is_none()
    }

    /// Whether the two lines of a frame mean just that.
    const fn is_between_frames(&self) -> bool {
        self.pending.is_none()
            && !self.in_creator
            && !self.in_ancestors
            && self.noise <= MAX_NOISE
            && self.wrong.is_none()
    }

    /// Takes a line that is neither blank nor a header; false when the block is over before it.
    fn take(
        &mut self,
        kind: Line<'a>,
        at: usize,
        line: &'a [u8],
        frames: &mut Vec<RawFrame<'a>>,
    ) -> bool {
        match kind {
            Line::Location(text) => self.locate(text, at, frames),
            Line::Unavailable => self.unavailable = true,
            Line::Elided(_) if self.in_ancestors => {}
            Line::Elided(text) => {
                self.settle();
                self.elision = self.elision.or(frame::elided(text, frames.len()));
            }
            Line::Creator(name) => {
                self.settle();
                // Further creators are those of ancestors.
                self.creator.get_or_insert(name);
                self.in_creator = true;
            }
            Line::Ancestors => {
                self.settle();
                self.in_ancestors = true;
            }
            Line::Foreign if self.in_ancestors => {}
            Line::Foreign => {
                self.settle();
                frames.push(RawFrame {
                    function: trim_end(line),
                    file: &[],
                    line: 0,
                });
            }
            Line::Other | Line::End | Line::Header => {
                let text = trim_end(line);
                if self.noise > MAX_NOISE || (self.whole && !frame::is_call(text)) {
                    return false;
                }
                let between =
                    self.in_creator || self.pending.is_some_and(|(_, call)| frame::is_call(call));
                if between && !frame::is_call(text) {
                    // A log line between the two lines of a frame.
                    self.noise += 1;
                    return true;
                }
                self.settle();
                self.in_creator = false;
                self.pending = Some((at, text));
            }
        }
        true
    }

    /// A line that turned out to have no location behind it: noise, unless it was a call.
    fn settle(&mut self) {
        if let Some((at, line)) = self.pending.take() {
            if frame::is_call(line) && !self.in_ancestors {
                self.wrong
                    .get_or_insert(Wrong::new(at, "function without a file line"));
            }
            self.noise += 1;
        }
    }

    fn locate(&mut self, text: &'a [u8], at: usize, frames: &mut Vec<RawFrame<'a>>) {
        if self.in_creator {
            self.in_creator = false;
            self.whole = true;
            return;
        }
        let Some((_, function)) = self.pending.take() else {
            self.wrong
                .get_or_insert(Wrong::new(at, "file line without a function"));
            return;
        };
        if self.in_ancestors {
            return;
        }
        match frame::location(text) {
            Some((file, line)) => {
                let function = frame::function(function);
                self.whole = function == b"main.main";
                frames.push(RawFrame {
                    function,
                    file,
                    line,
                });
                self.noise = 0;
            }
            None => {
                self.wrong
                    .get_or_insert(Wrong::new(at, "file line without a line number"));
            }
        }
    }
}

/// The goroutine of a block that is over, or what is wrong with it; `last` says that the dump ends
/// with it.
fn close<'a>(
    head: &'a [u8],
    mut place: Place<'a>,
    frames: &[RawFrame<'a>],
    last: bool,
) -> Result<Goroutines<'a>, Wrong> {
    place.settle();
    let header = header::parse(head).map_err(|what| {
        let torn = last && frames.is_empty();
        Wrong {
            // Of a header that is cut off nobody knows whether it is one.
            goroutines: u64::from(!torn),
            torn,
            ..Wrong::new(0, what)
        }
    })?;
    if let Some(wrong) = place.wrong {
        return Err(Wrong {
            torn: wrong.torn || last,
            ..wrong
        });
    }
    if frames.is_empty() && !place.unavailable {
        return Err(Wrong {
            torn: last,
            ..Wrong::new(0, "goroutine without frames")
        });
    }
    if last && place.in_creator {
        return Err(Wrong::torn(0, "dump breaks off in this goroutine"));
    }
    if last && place.creator.is_none() && !place.unavailable && !ends_a_stack(frames) {
        let what = "dump seems to break off in this goroutine: its creator is missing";
        return Err(Wrong::torn(0, what));
    }
    Ok(Goroutines {
        elision: place.elision,
        ..goroutine(header, place.creator)
    })
}

/// The goroutine of a header, without its frames.
pub(super) fn goroutine<'a>(header: Header<'a>, creator: Option<&'a [u8]>) -> Goroutines<'a> {
    let block = Block {
        id: header.id,
        state: header.state,
        minutes: header.minutes,
        leaked: header.leaked,
        creator,
    };
    Goroutines {
        count: 1,
        frames: &[],
        elision: None,
        cut: false,
        leaf_hidden: false,
        labels: header.labels,
        block: Some(block),
        stack: None,
    }
}

/// Whether a stack without a creator ends where such stacks do: in `main.main`, an `init`, the
/// runtime, or C code.
fn ends_a_stack(frames: &[RawFrame<'_>]) -> bool {
    let Some(root) = frames.last() else {
        return false;
    };
    let name = root.function;
    let of_the_runtime = name
        .strip_prefix(b"runtime.")
        .is_some_and(|name| name.first().is_some_and(u8::is_ascii_lowercase));
    name == b"main.main"
        || of_the_runtime
        || name.ends_with(b".init")
        || memchr::memmem::find(name, b".init.").is_some()
        || memchr::memmem::find(name, b"_cgoexp_").is_some()
        || memchr(b'.', name).is_none()
        || name.starts_with(b"non-Go function")
}

/// The line without the blanks, `\r` and `\n` at its end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    match line.last() {
        Some(b' ' | b'\r' | b'\n' | b'\t') => line.trim_ascii_end(),
        _ => line,
    }
}
