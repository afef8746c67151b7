//! Text with goroutines in it: `debug=2`, `debug=1`, what crashes print, and logs of all that.
//!
//! Bytes are pushed in as they arrive. Whole blocks are read where they lie; only the block that
//! a chunk cuts in two is copied and read again with the next one. A line with a goroutine header
//! that does not begin it teaches what the dump wears ([`Dress`]); lines that wear it are read, with
//! it taken off, by a reader of their own.

use memchr::{memchr, memmem};

use super::block::{self, Step, Wrong};
use super::dress::{Dress, Json, Loose, unescape_string};
use super::layer::Layer;
use super::rote::Rote;
use super::{Event, Goroutines, RawFrame, counted, frame, header};
use crate::model::{Complaint, Form};

/// A block longer than this is not a goroutine: 100 frames of 4 KiB and a header of 600 KiB fit.
const MAX_BLOCK: usize = 1 << 20;

/// Bytes that are put to a cut block before it is read again; as many as it has already, if that is
/// more, so that a target that drips bytes cannot make the work quadratic.
const RETRY_AFTER: usize = 4 << 10;

/// Bytes of a dump behind which its stacks are remembered: in a small dump few come again.
const LEARN_AFTER: usize = if cfg!(fuzzing) { 0 } else { 256 << 10 };

/// Dress below dress: a JSON string in a CRI log, coloured, is three.
const MAX_DEPTH: u8 = 6;

/// Different prefixes taken off in one log; further ones stay on.
const MAX_LAYERS: usize = 64;

/// A line longer than this is read before its end comes, if it is a dump in one string.
const LONG_LINE: usize = 256 << 10;

/// Lines below a header that are looked at for its prefix.
const NEAR: usize = 16;

/// Dumps told apart in one input; those that follow count to the last of them.
const MAX_DUMPS: usize = 4_096;

/// Bytes below a header that tell how its lines were changed.
const LOOK: usize = 4 << 10;

const TOO_LONG: &str = "goroutine block longer than 1 MiB";

/// What one dump in the text told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dump {
    pub(super) form: Form,
    /// It breaks off.
    pub(super) torn: bool,
    /// High half of a heap pointer, where Go draws it anew at each start (1.26 and later).
    pub(super) heap_high: Option<u32>,
}

/// Where goroutines go, and the dumps that they belong to.
pub(super) struct Outlet<'o> {
    pub(super) on: &'o mut dyn FnMut(Event<'_>),
    pub(super) dumps: &'o mut Dumps,
}

/// The dumps found, in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Dumps {
    pub(super) found: Vec<Dump>,
    /// The one that the last event belonged to.
    current: usize,
    /// Stacks that have a number.
    stacks: usize,
    /// There were more than are told apart, and that was said.
    full: bool,
}

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
    depth: u8,
    place: Place,
    /// Stacks of the dump that blocks belong to.
    rote: Rote,
    /// Bytes of that dump that were read, and not known by rote.
    passed: usize,
    layers: Vec<Layer>,
    /// All lines from here on are loose.
    loose: Option<Box<Layer>>,
    /// Inside a quoted string.
    string: Option<Box<Layer>>,
}

/// Where in the text the reader stands, between blocks.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each was seen or not, by itself"
)]
struct Place {
    /// The dump that blocks belong to.
    dump: Option<usize>,
    /// Id of the first goroutine of the dump.
    first_id: Option<u64>,
    /// Something that begins a dump was seen since the last block.
    sign: bool,
    /// The process prints a dump once a thread (`GOTRACEBACK=crash`).
    threads: bool,
    /// There was text that is no goroutine.
    log: bool,
    /// Inside the header lines of an HTTP answer.
    http: bool,
    /// Inside the text of a panic: its lines are indented deeper than this.
    panic: Option<usize>,
    /// The panic's line has more than blanks before it, so that only a header can end its text.
    prefixed: bool,
    profile: Option<Profile>,
}

/// A `debug=1` profile that is being read.
#[derive(Debug, Default)]
struct Profile {
    total: u64,
    seen: u64,
    root: counted::Root,
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
        self.end_profile(&[], 0, outlet);
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
            match self.step(buffer, at, end, &mut frames, outlet) {
                Some(next) => at = next,
                None => break,
            }
        }
        self.line_of(buffer, at);
        at
    }

    /// The line, from 0, of an offset that is not before the last one asked for.
    fn line_of(&mut self, buffer: &[u8], at: usize) -> u64 {
        let passed = buffer.get(self.counted..at).unwrap_or_default();
        self.lines += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.counted = self.counted.max(at);
        self.lines
    }

    /// Reads one line, block or piece of a string at `at`; gives the offset behind it, or `None` when
    /// more bytes are needed.
    fn step<'b>(
        &mut self,
        buffer: &'b [u8],
        at: usize,
        end: bool,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = buffer.get(at..)?;
        if self.string.is_some() {
            return self.read_string(buffer, at, end, outlet);
        }
        let (line, next) = match memchr(b'\n', rest) {
            Some(newline) => (rest.get(..newline)?, at + newline + 1),
            None if end => (rest, buffer.len()),
            None => return self.unfinished(buffer, at, outlet),
        };
        if let Some(mut loose) = self.loose.take() {
            let number = self.line_of(buffer, at);
            loose.take(line, number, outlet);
            self.loose = Some(loose);
            return Some(next);
        }
        if header::begins(line) && is_header_line(line) {
            return match self.by_rote(buffer, at, (line, next), outlet) {
                Some(behind) => Some(behind),
                None => self.block(buffer, at, end, frames, outlet),
            };
        }
        if self.place.profile.is_some() && counted::begins(line) {
            return self.record(buffer, at, end, frames, outlet);
        }
        if !self.layers.is_empty() && self.take_layer(buffer, at, line, outlet) {
            return Some(next);
        }
        if let Some(total) = counted::total(line) {
            self.begin_profile(total, buffer, at, outlet);
            return Some(next);
        }
        if let Some(found) = anchor(line)
            && !self
                .place
                .is_panic_text(line.get(..found).unwrap_or_default())
        {
            return self.dressed(buffer, at, found, (line, next), end, frames, outlet);
        }
        self.place.note(line, outlet.dumps);
        Some(next)
    }

    /// A line whose end has not come. One that goes on for very long may be a dump in one string.
    fn unfinished(&mut self, buffer: &[u8], at: usize, outlet: &mut Outlet<'_>) -> Option<usize> {
        let line = buffer.get(at..)?;
        if line.len() > LONG_LINE
            && self.loose.is_none()
            && let Some(found) = anchor(line)
            && is_in_string(line, found)
            && !header::begins(line)
        {
            return self.begin_string(buffer, at, found, outlet);
        }
        // A line that never ends is noise, and must not be kept.
        (line.len() > MAX_BLOCK).then_some(buffer.len())
    }

    /// Reads a goroutine block whose stack came before; gives the offset behind it.
    fn by_rote(
        &mut self,
        buffer: &[u8],
        at: usize,
        (line, next): (&[u8], usize),
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        if self.place.sign || self.rote.is_empty() {
            return None;
        }
        let header = header::parse(block::trim_end(line)).ok()?;
        // The first goroutine again begins another dump; the one that writes it is told by frames.
        let first = self.place.first_id?;
        if header.id == first || header.state == b"running" {
            return None;
        }
        let known = self.rote.recall(buffer.get(next..)?)?;
        self.open(None, buffer, at, outlet);
        self.line_of(buffer, at);
        self.lines += 1 + known.lines;
        self.counted = next + known.used;
        (outlet.on)(Event::Goroutines(Goroutines {
            stack: Some(known.stack),
            ..block::goroutine(header, known.creator)
        }));
        Some(self.counted)
    }

    /// Remembers the stack of a block that was read; its number, if it is a new one.
    fn learn(&mut self, found: &Goroutines<'_>, whole: &[u8], dumps: &mut Dumps) -> Option<usize> {
        self.passed = self.passed.saturating_add(whole.len());
        if self.passed < LEARN_AFTER || found.block.is_some_and(|block| block.state == b"running") {
            return None;
        }
        let body = whole.get(memchr(b'\n', whole)? + 1..)?;
        let number = self.rote.learn(body, dumps.stacks)?;
        dumps.stacks += 1;
        Some(number)
    }

    /// Reads a goroutine block whose header begins at `at`.
    fn block<'b>(
        &mut self,
        buffer: &'b [u8],
        at: usize,
        end: bool,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = buffer.get(at..)?;
        let read = match block::read(rest, end, frames) {
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
                self.enter(&found, frames, whole, outlet, (buffer, at));
                let stack = self.learn(&found, whole, outlet.dumps);
                (outlet.on)(Event::Goroutines(Goroutines {
                    frames,
                    stack,
                    ..found
                }));
            }
            Err(wrong) => {
                // Chunks must not decide what is seen.
                if !end && rest.len() < LOOK {
                    return None;
                }
                if self.loosen(rest) {
                    return Some(at);
                }
                self.complain(wrong, buffer, at, outlet);
            }
        }
        Some(at + read.used)
    }

    /// Whether the lines below a header that could not be read look like Go's, but changed.
    fn loosen(&mut self, rest: &[u8]) -> bool {
        let (header, below) = match memchr(b'\n', rest) {
            Some(newline) => rest.split_at(newline),
            None => return false,
        };
        let below = below.get(1..below.len().min(LOOK)).unwrap_or_default();
        if self.depth >= MAX_DEPTH {
            return false;
        }
        let Some(loose) = Loose::learn(header, below) else {
            return false;
        };
        self.wear_loose(loose);
        true
    }

    /// Hands all lines from here on, and the place in the text, to a reader below.
    fn wear_loose(&mut self, loose: Loose) {
        let mut below = self.below();
        below.place = std::mem::take(&mut self.place);
        self.loose = Some(Box::new(Layer::new(Dress::Loose(loose), below)));
    }

    fn complain(&mut self, wrong: Wrong, buffer: &[u8], at: usize, outlet: &mut Outlet<'_>) {
        if wrong.goroutines > 0 || self.place.dump.is_some() {
            self.open(None, buffer, at, outlet);
        }
        if let Some(dump) = self
            .place
            .dump
            .and_then(|dump| outlet.dumps.found.get_mut(dump))
        {
            dump.torn |= wrong.torn;
        }
        (outlet.on)(Event::Complaint(Complaint {
            line: self.line_of(buffer, at + wrong.at) + 1,
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
        outlet: &mut Outlet<'_>,
        (buffer, at): (&[u8], usize),
    ) {
        let Some(block) = found.block else { return };
        if let Some(first) = self.place.first_id {
            let writer = || {
                block.state == b"running"
                    && frames
                        .first()
                        .is_some_and(|leaf| leaf.function.starts_with(b"runtime/pprof.write"))
            };
            let again = block.id == first && first != 0 && !self.place.threads;
            self.place.sign |= again || writer();
        } else {
            self.place.first_id = Some(block.id);
        }
        let id = block.id;
        let is_new = self.open(Some(id), buffer, at, outlet);
        if is_new && let Some(dump) = outlet.dumps.found.last_mut() {
            dump.heap_high = heap_high(whole);
        }
    }

    /// Opens the dump that a block belongs to; whether it is a new one.
    fn open(&mut self, id: Option<u64>, buffer: &[u8], at: usize, outlet: &mut Outlet<'_>) -> bool {
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
            self.passed = 0;
        }
        if is_new || outlet.dumps.current != number {
            outlet.dumps.current = number;
            let line = self.line_of(buffer, at) + 1;
            (outlet.on)(Event::Dump { number, line });
        }
        if too_many {
            outlet.dumps.full = true;
            (outlet.on)(Event::Complaint(Complaint {
                line: self.line_of(buffer, at) + 1,
                what: format!(
                    "more than {MAX_DUMPS} dumps in one input: those from here on are counted as one"
                ),
                goroutines: 0,
            }));
        }
        is_new
    }

    fn begin_profile(&mut self, total: u64, buffer: &[u8], at: usize, outlet: &mut Outlet<'_>) {
        self.end_profile(buffer, at, outlet);
        self.place.sign = true;
        self.place.profile = Some(Profile {
            total,
            ..Profile::default()
        });
    }

    /// Ends a `debug=1` profile: goroutines that its head promised and that did not come are told.
    fn end_profile(&mut self, buffer: &[u8], at: usize, outlet: &mut Outlet<'_>) {
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
            self.complain(wrong, buffer, at, outlet);
        }
        self.place.sign |= sign;
        self.place.profile = None;
    }

    /// Reads a record of a `debug=1` profile.
    fn record<'b>(
        &mut self,
        buffer: &'b [u8],
        at: usize,
        end: bool,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = buffer.get(at..)?;
        let mut profile = self.place.profile.take()?;
        let read = counted::read(rest, end, frames, &mut profile.root);
        let Some(record) = read else {
            self.place.profile = Some(profile);
            return (rest.len() > MAX_BLOCK).then_some(at + 1);
        };
        profile.seen = profile.seen.saturating_add(record.goroutines.count);
        self.place.profile = Some(profile);
        self.open(None, buffer, at, outlet);
        if record.whole {
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
            self.complain(wrong, buffer, at, outlet);
        }
        Some(at + record.used)
    }

    /// Hands a line to the layer that wears its dress.
    fn take_layer(
        &mut self,
        buffer: &[u8],
        at: usize,
        line: &[u8],
        outlet: &mut Outlet<'_>,
    ) -> bool {
        let number = self.line_of(buffer, at);
        let taken = self
            .layers
            .iter_mut()
            .position(|layer| layer.take(line, number, outlet));
        // Lines of one source come in runs: the layer of the last one is asked first.
        if let Some(found @ 1..) = taken {
            self.layers.swap(0, found);
        }
        taken.is_some()
    }

    /// A line with a goroutine header, or the head of a profile, at `found`: learns what it wears.
    #[expect(
        clippy::too_many_arguments,
        reason = "a step of the reader, split off for its length"
    )]
    fn dressed<'b>(
        &mut self,
        buffer: &'b [u8],
        at: usize,
        found: usize,
        (line, next): (&[u8], usize),
        end: bool,
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        if self.depth >= MAX_DEPTH {
            self.place.note(line, outlet.dumps);
            return Some(next);
        }
        if is_in_string(line, found) {
            if is_line_of_json(line, found)
                && self.layers.len() < MAX_LAYERS
                && let Some(json) = Json::learn(line, found)
            {
                self.layers
                    .insert(0, Layer::new(Dress::Json(json), self.below()));
                return Some(at);
            }
            return self.begin_string(buffer, at, found, outlet);
        }
        if line.contains(&0x1b) {
            self.place.log = true;
            self.wear_loose(Loose::default());
            return Some(at);
        }
        let prefix = line.get(..found)?;
        let below = buffer.get(next..).unwrap_or_default();
        let enough = end || memchr::memchr_iter(b'\n', below).nth(NEAR).is_some();
        if !enough && below.len() <= MAX_BLOCK {
            return None;
        }
        let mut dress = Dress::of_prefix(prefix);
        if wears(&mut dress, below) && self.layers.len() < MAX_LAYERS {
            self.place.panic = None;
            self.layers.insert(0, Layer::new(dress, self.below()));
            return Some(at);
        }
        // Only the header has something before it: a stack that was logged as one message.
        let stack = buffer.get(at + found..)?;
        let cut =
            !end && stack.len() < LOOK || matches!(block::read(stack, end, frames), Step::More);
        if cut && stack.len() <= MAX_BLOCK {
            return None;
        }
        self.place.panic = None;
        if !prefix.trim_ascii().is_empty() {
            self.place.note(prefix, outlet.dumps);
            self.place.sign = true;
        }
        if header::begins(line.get(found..)?) {
            self.block(buffer, at + found, end, frames, outlet)
        } else {
            Some(at + found)
        }
    }

    /// Enters the quoted string that holds the header at `found`.
    fn begin_string(
        &mut self,
        buffer: &[u8],
        at: usize,
        found: usize,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let line = buffer.get(at..)?;
        let before = line.get(..found)?;
        self.place.note(before, outlet.dumps);
        let opening = memchr::memrchr_iter(b'"', before)
            .find(|quote| *quote == 0 || before.get(quote - 1) != Some(&b'\\'));
        // The whole message: the panic that it may begin with tells false headers from true ones.
        let start = opening.map_or(found, |quote| quote + 1);
        self.string = Some(Box::new(Layer::new(
            Dress::Loose(Loose::default()),
            self.below(),
        )));
        Some(at + start)
    }

    /// Reads on in a quoted string.
    fn read_string(
        &mut self,
        buffer: &[u8],
        at: usize,
        end: bool,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let rest = buffer.get(at..)?;
        let mut string = self.string.take()?;
        let number = self.line_of(buffer, at);
        let mut plain = Vec::new();
        let (used, over) = unescape_string(rest, &mut plain);
        string.write(&plain, number, outlet);
        if over || (end && used < rest.len()) {
            string.write(b"\n", number, outlet);
            string.finish(outlet);
            return Some(at + used + usize::from(rest.get(used) == Some(&b'"')));
        }
        self.string = Some(string);
        (used > 0).then_some(at + used)
    }
}

impl Place {
    /// Whether a header behind `prefix` belongs to the text of a panic: since Go 1.23 the lines of
    /// its message are indented (`printindented` in `runtime/error.go`).
    fn is_panic_text(&self, prefix: &[u8]) -> bool {
        self.panic.is_some_and(|depth| indent(prefix) > depth)
    }

    /// Takes a line between blocks that is none of a goroutine's.
    fn note(&mut self, line: &[u8], dumps: &mut Dumps) {
        let text = line.trim_ascii();
        if text.is_empty() {
            self.http = false;
            return;
        }
        self.http |= text.starts_with(b"HTTP/");
        if !self.http {
            self.log = true;
            if let Some(dump) = self.dump.and_then(|dump| dumps.found.get_mut(dump))
                && dump.form == Form::Debug2
            {
                dump.form = Form::Log;
            }
        }
        self.threads |= text == b"-----";
        let panics = [&b"panic: "[..], b"fatal error: "]
            .into_iter()
            .find_map(|word| memmem::find(line, word));
        if let Some(at) = panics {
            let prefix = line.get(..at).unwrap_or_default();
            let depth = indent(prefix);
            self.prefixed = depth < prefix.len();
            self.panic = Some(self.panic.map_or(depth, |known| known.min(depth)));
        } else if indent_of(line) == 0 && !self.prefixed {
            self.panic = None;
        }
        let begins = panics.is_some()
            || text.starts_with(b"HTTP/")
            || text.starts_with(b"SIGQUIT: quit")
            || text.starts_with(b"SIGABRT: abort")
            || memmem::find(text, b"panic serving ").is_some();
        self.sign |= begins && !self.threads;
    }
}

/// Whether lines near wear the dress of the header above them. Lines of other sources may come
/// between; a call right below the header is the stack itself, without any.
fn wears(dress: &mut Dress, below: &[u8]) -> bool {
    let mut near = below.split(|byte| *byte == b'\n').take(NEAR + 1);
    let mut fits = |line: &[u8]| !line.is_empty() && dress.take_off(line, &mut Vec::new());
    match near.next() {
        Some(line) if fits(line) => true,
        Some(line) if frame::is_call(line.trim_ascii_end()) => false,
        _ => near.any(fits),
    }
}

/// How far the end of a prefix is indented, in blanks, tabs or escaped tabs.
fn indent(prefix: &[u8]) -> usize {
    let mut depth = 0;
    let mut rest = prefix;
    loop {
        rest = match rest {
            [head @ .., b' ' | b'\t'] | [head @ .., b'\\', b't'] => head,
            [head @ .., b'#', b'0', b'1', b'1'] => head,
            _ => return depth,
        };
        depth += 1;
    }
}

/// Blanks that a line begins with.
fn indent_of(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

/// Where in a line a goroutine header, or the head of a profile, stands that something follows or
/// precedes.
fn anchor(line: &[u8]) -> Option<usize> {
    memmem::find_iter(line, b"goroutine").find(|at| {
        let text = line.get(*at..).unwrap_or_default();
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
fn is_in_string(line: &[u8], found: usize) -> bool {
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
fn is_line_of_json(line: &[u8], found: usize) -> bool {
    let text = line.get(found..).unwrap_or_default();
    let end = memmem::find(text, b"\\n").map(|at| at + 2);
    end.and_then(|end| text.get(end)) == Some(&b'"')
}

/// Whether a line that begins with a header is one: nothing but blanks follows its colon. One that
/// breaks off is one too.
fn is_header_line(line: &[u8]) -> bool {
    match line.last() {
        Some(b':' | b' ' | b'\t' | b'\r') => true,
        _ => !is_in_string(line, 0) && header::length(line).is_none(),
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
