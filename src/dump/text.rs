//! Text with goroutines in it: `debug=2`, `debug=1`, what crashes print, and logs of all that.
//!
//! Bytes are pushed in as they arrive. Whole blocks are read where they lie; only the block that
//! a chunk cuts in two is copied and read again with the next one. A line with a goroutine header
//! that does not begin it teaches what the dump wears ([`dress`](super::dress)); lines that wear it
//! are read, with it taken off, by a reader of their own.

use memchr::{memchr, memmem};

use super::anchor::{anchor, header_behind, is_header_line, is_in_string};
use super::block::{self, Step, Wrong};
use super::header;
use super::layer::Layer;
use super::place::{Dump, Dumps, Outlet, Place, Profile};
use super::rote::Rote;
use super::{Event, Goroutines, RawFrame, counted};
use crate::model::{Complaint, Form};

/// A block longer than this is not a goroutine: 100 frames of 4 KiB and a header of 600 KiB fit.
pub(super) const MAX_BLOCK: usize = 1 << 20;

/// Bytes that are put to a cut block before it is read again; as many as it has already, if that is
/// more, so that a target that drips bytes cannot make the work quadratic.
const RETRY_AFTER: usize = 4 << 10;

/// A line longer than this is read before its end comes, if it is a dump in one string.
const LONG_LINE: usize = 256 << 10;

/// Dumps told apart in one input; those that follow count to the last of them.
const MAX_DUMPS: usize = 4_096;

/// Bytes below a header that tell how its lines were changed.
pub(super) const LOOK: usize = 4 << 10;

/// More goroutines than this in one record are a lie: their stacks would take 8 TiB.
pub(super) const MAX_COUNT: u64 = u32::MAX as u64;

const TOO_LONG: &str = "goroutine block longer than 1 MiB";

/// Reads text that arrives in chunks.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The beginning of a block whose end has not come.
    carry: Vec<u8>,
    /// `carry` had this length at the last try.
    tried: usize,
    /// Lines before `counted` bytes of the buffer that is being read.
    lines: u64,
    counted: usize,
    /// Dresses that were taken off above this text.
    pub(super) depth: u8,
    pub(super) place: Place,
    /// Stacks of the dump that blocks belong to.
    rote: Rote,
    pub(super) layers: Vec<Layer>,
    /// All lines from here on are loose.
    pub(super) loose: Option<Box<Layer>>,
    /// Inside a quoted string.
    pub(super) string: Option<Box<Layer>>,
}

/// Where in the bytes at hand a step begins.
#[derive(Clone, Copy, Default)]
pub(super) struct Here<'b> {
    pub(super) buffer: &'b [u8],
    pub(super) at: usize,
    /// The text ends with the buffer.
    pub(super) end: bool,
}

impl<'b> Here<'b> {
    pub(super) fn rest(self) -> &'b [u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// The place `len` bytes further on.
    pub(super) const fn plus(self, len: usize) -> Self {
        Self {
            at: self.at + len,
            ..self
        }
    }
}

impl Text {
    /// A reader of what is below a dress.
    pub(super) fn below(&self) -> Self {
        let mut text = Self {
            depth: self.depth + 1,
            ..Self::default()
        };
        text.place.log = true;
        text
    }

    /// Lines that have been read.
    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8], outlet: &mut Outlet<'_>) {
        let mut rest = bytes;
        while !self.carry.is_empty() {
            let wanted = self.tried + self.tried.max(RETRY_AFTER);
            let missing = wanted.saturating_sub(self.carry.len());
            let (more, behind) = rest.split_at(missing.min(rest.len()));
            self.carry.extend_from_slice(more);
            rest = behind;
            if self.carry.len() < wanted {
                return;
            }
            self.read_carry(false, outlet);
            // What is carried now, and was not before, is there in place as well.
            if let Some(again) = bytes.len().checked_sub(rest.len() + self.carry.len()) {
                rest = bytes.get(again..).unwrap_or_default();
                self.carry.clear();
            }
        }
        let used = self.read(rest, false, outlet);
        self.carry
            .extend_from_slice(rest.get(used..).unwrap_or_default());
        self.tried = self.carry.len();
    }

    /// Takes the end of the text.
    pub(super) fn finish(mut self, outlet: &mut Outlet<'_>) {
        self.read_carry(true, outlet);
        self.end_profile(Here::default(), outlet);
        let below = self
            .layers
            .into_iter()
            .chain(self.loose.map(|layer| *layer));
        for layer in below.chain(self.string.map(|layer| *layer)) {
            layer.finish(outlet);
        }
    }

    fn read_carry(&mut self, end: bool, outlet: &mut Outlet<'_>) {
        let mut carry = std::mem::take(&mut self.carry);
        let used = self.read(&carry, end, outlet);
        carry.drain(..used);
        self.tried = carry.len();
        self.carry = carry;
    }

    /// Reads what is whole in `buffer`; returns the bytes that are done with.
    fn read(&mut self, buffer: &[u8], end: bool, outlet: &mut Outlet<'_>) -> usize {
        let mut frames = Vec::with_capacity(128);
        let mut at = 0;
        self.counted = 0;
        while at < buffer.len() {
            let here = Here { buffer, at, end };
            match self.step(here, &mut frames, outlet) {
                Some(next) => at = next,
                None => break,
            }
        }
        self.line_of(Here { buffer, at, end });
        at
    }

    /// The line, from 0, of an offset that is not before the last one asked for.
    pub(super) fn line_of(&mut self, here: Here<'_>) -> u64 {
        let passed = here.buffer.get(self.counted..here.at).unwrap_or_default();
        self.lines += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.counted = self.counted.max(here.at);
        self.lines
    }

    /// Reads one line, block or piece of a string at `at`; gives the offset behind it, or `None` when
    /// more bytes are needed.
    fn step<'b>(
        &mut self,
        here: Here<'b>,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = here.rest();
        if self.string.is_some() {
            return self.read_string(here, outlet);
        }
        if let Some(behind) = self.by_rote(here, outlet) {
            return Some(behind);
        }
        let (line, next) = match memchr(b'\n', rest) {
            Some(newline) => (rest.get(..newline)?, here.at + newline + 1),
            None if here.end => (rest, here.buffer.len()),
            None => return self.unfinished(here, outlet),
        };
        if let Some(mut loose) = self.loose.take() {
            let number = self.line_of(here);
            loose.take(line, number, outlet);
            self.loose = Some(loose);
            return Some(next);
        }
        if header::begins(line) && is_header_line(line) {
            return self.block(here, frames, outlet);
        }
        if self.place.profile.is_some() && counted::begins(line) {
            return self.record(here, frames, outlet);
        }
        if !self.layers.is_empty() && self.take_layer(here, line, outlet) {
            return Some(next);
        }
        if let Some(total) = counted::total(line) {
            self.begin_profile(total, here, outlet);
            return Some(next);
        }
        if let Some(found) = anchor(line)
            && !self
                .place
                .is_panic_text(line.get(..found).unwrap_or_default())
        {
            return self.dressed(here, found, (line, next), frames, outlet);
        }
        self.place.note(line, outlet.dumps);
        Some(next)
    }

    /// A line whose end has not come. One that goes on for very long may be a dump in one string.
    fn unfinished(&mut self, here: Here<'_>, outlet: &mut Outlet<'_>) -> Option<usize> {
        let line = here.rest();
        if line.len() > LONG_LINE
            && self.loose.is_none()
            && let Some(found) = anchor(line)
            && is_in_string(line, found)
            && !header::begins(line)
        {
            return self.begin_string(here, found, outlet);
        }
        // A line that never ends is noise, and must not be kept.
        if line.len() <= MAX_BLOCK {
            return None;
        }
        if header::begins(line) && self.loose.is_none() {
            self.complain(Wrong::new(0, TOO_LONG), here, outlet);
        }
        Some(here.buffer.len())
    }

    /// Reads a goroutine block whose stack came before; gives the offset behind it.
    fn by_rote(&mut self, here: Here<'_>, outlet: &mut Outlet<'_>) -> Option<usize> {
        if self.place.sign || self.rote.is_empty() || self.loose.is_some() {
            return None;
        }
        let (header, len) = header::plain(here.rest())?;
        // The first goroutine again begins another dump; the one that writes it is told by frames.
        let first = self.place.first_id?;
        if header.id == first || header.state == b"running" {
            return None;
        }
        let body = here.plus(len);
        let known = self.rote.recall(body.rest())?;
        self.open(None, here, outlet);
        self.line_of(here);
        self.lines += 1 + known.lines;
        self.counted = body.at + known.used;
        (outlet.on)(Event::Goroutines(Goroutines {
            stack: Some(known.stack),
            ..block::goroutine(header, known.creator)
        }));
        Some(self.counted)
    }

    /// Remembers the stack of a block that was read, if its like comes often; its number, if it is a
    /// new one.
    fn learn(
        &mut self,
        found: &Goroutines<'_>,
        frames: &[RawFrame<'_>],
        whole: &[u8],
        dumps: &mut Dumps,
    ) -> Option<usize> {
        let is_running = found.block.is_some_and(|block| block.state == b"running");
        if is_running || found.elision.is_some() || !self.rote.comes_often(frames) {
            return None;
        }
        let body = whole.get(memchr(b'\n', whole)? + 1..)?;
        let number = self.rote.learn(body, dumps.stacks)?;
        dumps.stacks += 1;
        Some(number)
    }

    /// Reads a goroutine block whose header begins at `at`.
    pub(super) fn block<'b>(
        &mut self,
        here: Here<'b>,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = here.rest();
        let read = match block::read(rest, here.end, frames) {
            Step::More if rest.len() <= MAX_BLOCK => return None,
            Step::More => block::Read {
                used: b"goroutine ".len(),
                result: Err(Wrong::new(0, TOO_LONG)),
            },
            Step::Done(read) => read,
        };
        match read.result {
            Ok(found) => {
                let whole = rest.get(..read.used).unwrap_or_default();
                self.enter(&found, frames, whole, here, outlet);
                let stack = self.learn(&found, frames, whole, outlet.dumps);
                (outlet.on)(Event::Goroutines(Goroutines {
                    frames,
                    stack,
                    ..found
                }));
            }
            Err(wrong) => {
                // Chunks must not decide what is seen.
                if !here.end && rest.len() < LOOK {
                    return None;
                }
                let header = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
                if let Some(behind) = header_behind(header) {
                    // Of a header that was cut off nobody knows whether it was one.
                    let wrong = Wrong {
                        torn: true,
                        goroutines: 0,
                        // The reader goes on in this line, so a later one must not be counted yet.
                        ..Wrong::new(0, wrong.what)
                    };
                    self.complain(wrong, here, outlet);
                    return Some(here.at + behind);
                }
                if self.loosen(rest) {
                    return Some(here.at);
                }
                self.complain(wrong, here, outlet);
            }
        }
        Some(here.at + read.used)
    }

    fn complain(&mut self, wrong: Wrong, here: Here<'_>, outlet: &mut Outlet<'_>) {
        if wrong.goroutines > 0 || self.place.dump.is_some() {
            self.open(None, here, outlet);
        }
        if let Some(dump) = self
            .place
            .dump
            .and_then(|dump| outlet.dumps.found.get_mut(dump))
        {
            dump.torn |= wrong.torn;
        }
        (outlet.on)(Event::Complaint(Complaint {
            line: self.line_of(here.plus(wrong.at)) + 1,
            what: wrong.what.to_owned(),
            goroutines: wrong.goroutines,
        }));
    }

    /// Makes sure that the events to come go to the right dump, a new one where one begins.
    fn enter(
        &mut self,
        found: &Goroutines<'_>,
        frames: &[RawFrame<'_>],
        whole: &[u8],
        here: Here<'_>,
        outlet: &mut Outlet<'_>,
    ) {
        let Some(block) = found.block else { return };
        if let Some(first) = self.place.first_id {
            // Only the goroutine that writes a dump runs while it does; in a crash others may.
            let is_bare = self
                .place
                .dump
                .and_then(|dump| outlet.dumps.found.get(dump));
            let is_bare = is_bare.is_some_and(|dump| dump.form == Form::Debug2);
            let writer = || {
                block.state == b"running"
                    && frames.first().is_some_and(|leaf| {
                        is_bare || leaf.function.starts_with(b"runtime/pprof.write")
                    })
            };
            let again = block.id == first && first != 0 && !self.place.threads;
            self.place.sign |= again || writer();
        } else {
            self.place.first_id = Some(block.id);
        }
        let id = block.id;
        let is_new = self.open(Some(id), here, outlet);
        if is_new && let Some(dump) = outlet.dumps.found.last_mut() {
            dump.heap_high = heap_high(whole);
        }
    }

    /// Opens the dump that a block belongs to; whether it is a new one.
    fn open(&mut self, id: Option<u64>, here: Here<'_>, outlet: &mut Outlet<'_>) -> bool {
        let place = &mut self.place;
        let sign = std::mem::take(&mut place.sign);
        let (number, is_new) = match place.dump {
            Some(number) if !sign => (number, false),
            _ if outlet.dumps.found.len() >= MAX_DUMPS => (MAX_DUMPS - 1, false),
            _ => {
                let form = match (&place.profile, place.log) {
                    (Some(_), _) => Form::Debug1,
                    (None, true) => Form::Log,
                    (None, false) => Form::Debug2,
                };
                outlet.dumps.found.push(Dump {
                    form,
                    torn: false,
                    heap_high: None,
                });
                place.first_id = id;
                place.threads = false;
                (outlet.dumps.found.len() - 1, true)
            }
        };
        let too_many = sign && !is_new && !outlet.dumps.full;
        if place.dump.replace(number) != Some(number) {
            self.rote = Rote::default();
        }
        if is_new || outlet.dumps.current != number {
            outlet.dumps.current = number;
            let line = self.line_of(here) + 1;
            (outlet.on)(Event::Dump { number, line });
        }
        if too_many {
            outlet.dumps.full = true;
            (outlet.on)(Event::Complaint(Complaint {
                line: self.line_of(here) + 1,
                what: format!(
                    "more than {MAX_DUMPS} dumps in one input: those from here on are counted as one"
                ),
                goroutines: 0,
            }));
        }
        is_new
    }

    fn begin_profile(&mut self, total: u64, here: Here<'_>, outlet: &mut Outlet<'_>) {
        self.end_profile(here, outlet);
        self.place.sign = true;
        self.place.profile = Some(Profile {
            // A head that lies does not make goroutines.
            total: if total > MAX_COUNT { 0 } else { total },
            ..Profile::default()
        });
    }

    /// Ends a `debug=1` profile: goroutines that its head promised and that did not come are told.
    fn end_profile(&mut self, here: Here<'_>, outlet: &mut Outlet<'_>) {
        let Some(profile) = &self.place.profile else {
            return;
        };
        let missing = profile.total.saturating_sub(profile.seen);
        // What came since the last record begins the next dump, not this one.
        let sign = profile.seen > 0 && std::mem::take(&mut self.place.sign);
        if missing > 0 {
            let what = "the profile breaks off: its head counts more goroutines than follow";
            let wrong = Wrong {
                torn: true,
                goroutines: missing,
                ..Wrong::new(0, what)
            };
            self.complain(wrong, here, outlet);
        }
        self.place.sign |= sign;
        self.place.profile = None;
    }

    /// Reads a record of a `debug=1` profile.
    fn record<'b>(
        &mut self,
        here: Here<'b>,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = here.rest();
        let mut profile = self.place.profile.take()?;
        let read = counted::read(rest, here.end, frames, &mut profile.root);
        let Some(record) = read else {
            self.place.profile = Some(profile);
            return (rest.len() > MAX_BLOCK).then_some(here.at + 1);
        };
        if record.goroutines.count > MAX_COUNT {
            self.place.profile = Some(profile);
            let wrong = Wrong {
                goroutines: 0,
                ..Wrong::new(0, "record with an impossible count")
            };
            self.complain(wrong, here, outlet);
            return Some(here.at + record.used);
        }
        profile.seen = profile.seen.saturating_add(record.goroutines.count);
        // The last one without its end, as an editor or a shell leaves it: nothing that was promised is missing.
        let ends =
            profile.seen == profile.total && frames.last().is_some_and(|frame| frame.line > 0);
        self.place.profile = Some(profile);
        self.open(None, here, outlet);
        if record.whole || ends {
            (outlet.on)(Event::Goroutines(Goroutines {
                frames,
                ..record.goroutines
            }));
        } else {
            let wrong = Wrong {
                torn: true,
                goroutines: record.goroutines.count,
                ..Wrong::new(0, "the profile breaks off in this record")
            };
            self.complain(wrong, here, outlet);
        }
        Some(here.at + record.used)
    }
}

/// The high half of the response writer's address in the frame that prints the dump, always the
/// first block of `debug=2`. Up to Go 1.25 it is 0xc0 in every process and tells nothing.
fn heap_high(block: &[u8]) -> Option<u32> {
    const WRITER: &[u8] = b"\nruntime/pprof.writeGoroutineStacks({0x";
    const GO_1_25_HEAP: u32 = 0xc0;
    let head = block.get(..block.len().min(512))?;
    let at = memmem::find(head, WRITER)? + WRITER.len();
    let arguments = head.get(at..)?;
    let pointer = arguments.get(memmem::find(arguments, b", 0x")? + 4..)?;
    let digits = pointer
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let pointer = std::str::from_utf8(pointer.get(..digits)?).ok()?;
    let high = u32::try_from(u64::from_str_radix(pointer, 16).ok()? >> 32).ok()?;
    (high > GO_1_25_HEAP).then_some(high)
}
