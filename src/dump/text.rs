//! The text form: one block a goroutine, as `debug=2`, `runtime.Stack` and crashes print it.
//!
//! Bytes are pushed in as they arrive. Whole blocks are read where they lie; only the block that
//! a chunk cuts in two is copied and read again with the next one.

use memchr::memchr;

use super::{Block, Event, Goroutines, RawFrame, frame, header};
use crate::model::{Complaint, Elision};

/// A block longer than this is not a goroutine: 100 frames of 4 KiB and a header of 600 KiB fit.
const MAX_BLOCK: usize = 1 << 20;

/// Bytes that must have come since the last try before a cut block is read again, so that a
/// target that drips bytes cannot make the work quadratic.
const RETRY_AFTER: usize = 64 << 10;

/// Lines inside a block that are no frames (registers, log lines) before the block counts as over.
const MAX_NOISE: usize = 4;

/// Reads a text dump that arrives in chunks.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The beginning of a block whose end has not come.
    carry: Vec<u8>,
    /// `carry` had this length at the last try.
    tried: usize,
    /// Lines before `carry`.
    lines: u64,
    end: End,
}

/// What the whole text told.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct End {
    /// Goroutines and complaints handed on.
    pub(super) goroutines: u64,
    /// High half of a heap pointer, where Go draws it anew at each start (1.26 and later).
    pub(super) heap_high: Option<u32>,
}

impl Text {
    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) {
        if self.carry.is_empty() {
            let used = self.read(bytes, false, on);
            self.carry
                .extend_from_slice(bytes.get(used..).unwrap_or_default());
            self.tried = self.carry.len();
            return;
        }
        self.carry.extend_from_slice(bytes);
        if self.carry.len() >= self.tried + RETRY_AFTER {
            self.read_carry(false, on);
        }
    }

    /// Takes the end of the dump.
    pub(super) fn finish(mut self, on: &mut impl FnMut(Event<'_>)) -> End {
        self.read_carry(true, on);
        self.end
    }

    fn read_carry(&mut self, end: bool, on: &mut impl FnMut(Event<'_>)) {
        let mut carry = std::mem::take(&mut self.carry);
        let used = self.read(&carry, end, on);
        carry.drain(..used);
        self.tried = carry.len();
        self.carry = carry;
    }

    /// Reads the whole blocks in `buffer`; returns the bytes that are done with.
    fn read(&mut self, buffer: &[u8], end: bool, on: &mut impl FnMut(Event<'_>)) -> usize {
        let mut frames = Vec::with_capacity(128);
        let mut at = 0;
        let mut counted = 0;
        while let Some(start) = next_header(buffer, at, end) {
            at = start;
            let rest = buffer.get(at..).unwrap_or_default();
            let block = match read_block(rest, end, &mut frames) {
                Step::More if rest.len() <= MAX_BLOCK => break,
                Step::More => Read {
                    used: b"goroutine ".len(),
                    result: Err((0, TOO_LONG)),
                },
                Step::Done(read) => read,
            };
            if self.end.goroutines == 0 {
                self.end.heap_high = heap_high(rest);
            }
            self.end.goroutines += 1;
            match block.result {
                Ok(found) => on(Event::Goroutines(Goroutines {
                    frames: &frames,
                    ..found
                })),
                Err((offset, what)) => {
                    self.lines += newlines(buffer, counted, at + offset);
                    counted = at + offset;
                    on(Event::Complaint(Complaint {
                        line: self.lines + 1,
                        what: what.to_owned(),
                        goroutines: 1,
                    }));
                }
            }
            at += block.used;
        }
        let used = match next_header(buffer, at, end) {
            Some(start) => start,
            None if end => buffer.len(),
            None => line_start(buffer, at),
        };
        self.lines += newlines(buffer, counted, used);
        used
    }
}

/// The high half of the response writer's address in the frame that prints the dump, always the
/// first block of `debug=2`. Up to Go 1.25 it is 0xc0 in every process and tells nothing.
fn heap_high(block: &[u8]) -> Option<u32> {
    const WRITER: &[u8] = b"\nruntime/pprof.writeGoroutineStacks({0x";
    const GO_1_25_HEAP: u32 = 0xc0;
    let head = block.get(..block.len().min(512))?;
    let at = memchr::memmem::find(head, WRITER)? + WRITER.len();
    let arguments = head.get(at..)?;
    let pointer = arguments.get(memchr::memmem::find(arguments, b", 0x")? + 4..)?;
    let digits = pointer
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let pointer = std::str::from_utf8(pointer.get(..digits)?).ok()?;
    let high = u32::try_from(u64::from_str_radix(pointer, 16).ok()? >> 32).ok()?;
    (high > GO_1_25_HEAP).then_some(high)
}

const TOO_LONG: &str = "goroutine block longer than 1 MiB";

fn newlines(buffer: &[u8], from: usize, to: usize) -> u64 {
    memchr::memchr_iter(b'\n', buffer.get(from..to).unwrap_or_default()).count() as u64
}

/// Where the last line, which may not be whole yet, begins; not before `from`.
fn line_start(buffer: &[u8], from: usize) -> usize {
    let tail = buffer.get(from..).unwrap_or_default();
    let start = memchr::memrchr(b'\n', tail).map_or(0, |newline| newline + 1);
    // A line that never ends is noise, and must not be kept.
    if tail.len() - start > MAX_BLOCK {
        buffer.len()
    } else {
        from + start
    }
}

/// The next offset at or behind `from`, a line's start, where a goroutine header stands.
fn next_header(buffer: &[u8], from: usize, end: bool) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = buffer.get(at..)?;
        match memchr(b'\n', rest) {
            Some(newline) => {
                if header::begins(rest.get(..newline)?) {
                    return Some(at);
                }
                at += newline + 1;
            }
            // A header that is cut off is a goroutine all the same.
            None => return (end && header::begins(rest)).then_some(at),
        }
    }
}

/// What came of one try to read a block.
enum Step<'a> {
    /// The end of the block has not come yet.
    More,
    Done(Read<'a>),
}

struct Read<'a> {
    used: usize,
    /// The goroutine without its frames, or the offset of what is wrong and what it is.
    result: Result<Goroutines<'a>, (usize, &'static str)>,
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

/// Where in a block the reader stands.
#[derive(Default)]
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
    noise: usize,
    wrong: Option<(usize, &'static str)>,
}

/// Reads the block at the start of `buffer`, which begins with a header line.
fn read_block<'a>(buffer: &'a [u8], end: bool, frames: &mut Vec<RawFrame<'a>>) -> Step<'a> {
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
        let (line, next) = match memchr(b'\n', rest) {
            Some(newline) => (rest.get(..newline).unwrap_or_default(), at + newline + 1),
            None if end => (rest, buffer.len()),
            None => return Step::More,
        };
        let kind = classify(trim_end(line));
        // Without its newline a line may be torn; one behind `created by` harms nothing.
        if next == at + line.len() && !line.is_empty() && !place.in_creator {
            place
                .wrong
                .get_or_insert((at, "dump breaks off in this goroutine"));
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
        return Step::Done(Read {
            used: at,
            result: close(head, place, frames),
        });
    }
}

impl<'a> Place<'a> {
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
                self.settle();
                if self.noise > MAX_NOISE {
                    return false;
                }
                self.in_creator = false;
                self.pending = Some((at, trim_end(line)));
            }
        }
        true
    }

    /// A line that turned out to have no location behind it: noise, unless it was a call.
    fn settle(&mut self) {
        if let Some((at, line)) = self.pending.take() {
            if frame::looks_like_call(line) && !self.in_ancestors {
                self.wrong
                    .get_or_insert((at, "function without a file line"));
            }
            self.noise += 1;
        }
    }

    fn locate(&mut self, text: &'a [u8], at: usize, frames: &mut Vec<RawFrame<'a>>) {
        if self.in_creator {
            self.in_creator = false;
            return;
        }
        let Some((_, function)) = self.pending.take() else {
            self.wrong
                .get_or_insert((at, "file line without a function"));
            return;
        };
        if self.in_ancestors {
            return;
        }
        match frame::location(text) {
            Some((file, line)) => {
                frames.push(RawFrame {
                    function: frame::function(function),
                    file,
                    line,
                });
                self.noise = 0;
            }
            None => {
                self.wrong
                    .get_or_insert((at, "file line without a line number"));
            }
        }
    }
}

/// The goroutine of a block that is over, or what is wrong with it.
fn close<'a>(
    head: &'a [u8],
    mut place: Place<'a>,
    frames: &[RawFrame<'a>],
) -> Result<Goroutines<'a>, (usize, &'static str)> {
    place.settle();
    let header = header::parse(head).map_err(|what| (0, what))?;
    if let Some(wrong) = place.wrong {
        return Err(wrong);
    }
    if frames.is_empty() && !place.unavailable {
        return Err((0, "goroutine without frames"));
    }
    let block = Block {
        id: header.id,
        state: header.state,
        minutes: header.minutes,
        leaked: header.leaked,
        creator: place.creator,
    };
    Ok(Goroutines {
        count: 1,
        frames: &[],
        elision: place.elision,
        cut: false,
        labels: header.labels,
        block: Some(block),
    })
}

/// The line without the blanks, `\r` and `\n` at its end.
fn trim_end(line: &[u8]) -> &[u8] {
    match line.last() {
        Some(b' ' | b'\r' | b'\n' | b'\t') => line.trim_ascii_end(),
        _ => line,
    }
}
