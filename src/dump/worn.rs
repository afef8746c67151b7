//! Lines that wear something: what a header teaches of it, and who reads what is below.

use memchr::memchr;

use super::anchor::{is_in_string, is_line_of_json};
use super::block::{self, Step};
use super::dress::{Dress, Json, Loose, unescape_string};
use super::layer::Layer;
use super::place::Outlet;
use super::text::{Here, LOOK, MAX_BLOCK, Text};
use super::{RawFrame, frame, header};

/// Dress below dress: a JSON string in a CRI log, coloured, is three.
const MAX_DEPTH: u8 = 6;

/// Different prefixes taken off in one log at a time; of more, the one not met for longest ends.
const MAX_LAYERS: usize = 128;

/// Lines below a header that are looked at for its prefix.
const NEAR: usize = 16;

impl Text {
    /// Whether the lines below a header that could not be read look like Go's, but changed.
    pub(super) fn loosen(&mut self, rest: &[u8]) -> bool {
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

    /// Lines in this dress go to a reader of their own from now on, `line` the first of them; false
    /// when it does not wear what it taught.
    fn wear(&mut self, dress: Dress, here: Here<'_>, line: &[u8], outlet: &mut Outlet<'_>) -> bool {
        if self.layers.len() >= MAX_LAYERS
            && let Some(idle) = self.layers.pop()
        {
            idle.finish(outlet);
        }
        self.layers.insert(0, Layer::new(dress, self.below()));
        let taken = self.take_layer(here, line, outlet);
        if !taken {
            self.layers.remove(0);
        }
        taken
    }

    /// Hands a line to the layer that wears its dress.
    pub(super) fn take_layer(
        &mut self,
        here: Here<'_>,
        line: &[u8],
        outlet: &mut Outlet<'_>,
    ) -> bool {
        let number = self.line_of(here);
        let taken = self
            .layers
            .iter_mut()
            .position(|layer| layer.take(line, number, outlet));
        // Lines of one source come in runs: the layer of the last one is asked first.
        if let Some(found @ 1..) = taken
            && let Some(run) = self.layers.get_mut(..=found)
        {
            run.rotate_right(1);
        }
        taken.is_some()
    }

    /// A line with a goroutine header, or the head of a profile, at `found`: learns what it wears.
    pub(super) fn dressed<'b>(
        &mut self,
        here: Here<'b>,
        found: usize,
        (line, next): (&[u8], usize),
        frames: &mut Vec<RawFrame<'b>>,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        if self.depth >= MAX_DEPTH {
            self.place.note(line, outlet.dumps);
            return Some(next);
        }
        if is_in_string(line, found) {
            if is_line_of_json(line, found)
                && let Some(json) = Json::learn(line, found)
                && self.wear(Dress::Json(json), here, line, outlet)
            {
                return Some(next);
            }
            return self.begin_string(here, found, outlet);
        }
        if line.contains(&0x1b) {
            self.place.log = true;
            self.wear_loose(Loose::default());
            return Some(here.at);
        }
        let prefix = line.get(..found)?;
        let below = here.buffer.get(next..).unwrap_or_default();
        let enough = here.end || memchr::memchr_iter(b'\n', below).nth(NEAR).is_some();
        if !enough && below.len() <= MAX_BLOCK {
            return None;
        }
        let mut dress = Dress::of_prefix(prefix);
        if wears(&mut dress, below) && self.wear(dress, here, line, outlet) {
            self.place.panic = None;
            return Some(next);
        }
        // Only the header has something before it: a stack that was logged as one message.
        let there = here.plus(found);
        let stack = there.rest();
        let cut = !here.end && stack.len() < LOOK
            || matches!(block::read(stack, here.end, frames), Step::More);
        if cut && stack.len() <= MAX_BLOCK {
            return None;
        }
        self.place.panic = None;
        if !prefix.trim_ascii().is_empty() {
            self.place.note(prefix, outlet.dumps);
            self.place.sign = true;
        }
        if header::begins(line.get(found..)?) {
            self.block(there, frames, outlet)
        } else {
            Some(there.at)
        }
    }

    /// Enters the quoted string that holds the header at `found`.
    pub(super) fn begin_string(
        &mut self,
        here: Here<'_>,
        found: usize,
        outlet: &mut Outlet<'_>,
    ) -> Option<usize> {
        let before = here.rest().get(..found)?;
        self.place.note(before, outlet.dumps);
        let opening = memchr::memrchr_iter(b'"', before)
            .find(|quote| *quote == 0 || before.get(quote - 1) != Some(&b'\\'));
        // The whole message: the panic that it may begin with tells false headers from true ones.
        let start = opening.map_or(found, |quote| quote + 1);
        self.string = Some(Box::new(Layer::new(
            Dress::Loose(Loose::default()),
            self.below(),
        )));
        Some(here.at + start)
    }

    /// Reads on in a quoted string.
    pub(super) fn read_string(&mut self, here: Here<'_>, outlet: &mut Outlet<'_>) -> Option<usize> {
        let rest = here.rest();
        let mut string = self.string.take()?;
        let number = self.line_of(here);
        let mut plain = Vec::new();
        let (used, over) = unescape_string(rest, &mut plain);
        string.write(&plain, number, outlet);
        if over || (here.end && used < rest.len()) {
            string.write(b"\n", number, outlet);
            string.finish(outlet);
            return Some(here.at + used + usize::from(rest.get(used) == Some(&b'"')));
        }
        self.string = Some(string);
        (used > 0).then_some(here.at + used)
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
