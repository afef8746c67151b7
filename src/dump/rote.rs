//! Stacks known by rote: goroutines of one group have the same lines but for arguments and ids.
//!
//! A big dump is a few hundred stacks, each printed thousands of times. The frames of a stack that was
//! read are remembered as a tree of lines; one that comes again is followed down the tree by comparing
//! bytes, and is not taken apart. What differs in anything but the arguments is read as if new.

use memchr::{memchr, memchr2, memrchr};
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::{RawFrame, frame};

/// Bytes of lines remembered; stacks beyond are read each time.
const MAX_TEXT: usize = 2 << 20;

/// Frames remembered.
const MAX_NODES: usize = 32 << 10;

/// To learn a stack costs as much as to read it a few times.
const OFTEN: u8 = if cfg!(fuzzing) { 2 } else { 4 };

/// Stacks that are known by their looks, to tell whether one comes again.
const SEEN: usize = 1 << 8;

/// The stacks of one dump.
#[derive(Debug)]
pub(super) struct Rote {
    text: Vec<u8>,
    /// The first is the root, a stack without frames.
    nodes: Vec<Node>,
    /// By parent and hash of what never changes in the two lines.
    children: FxHashMap<(u32, u64), u32>,
    /// What stacks that were read looked like, and how often that came in a row, by the first bits of
    /// their looks.
    seen: Vec<(u64, u8)>,
}

/// A frame, or the `created by`, below those before it.
#[derive(Debug, Default)]
struct Node {
    /// Where in `text` the call begins, where its arguments do, and where the file line ends.
    call: usize,
    arguments: usize,
    end: usize,
    is_creator: bool,
    /// The child that was followed last: the same stack often comes again.
    last: u32,
    /// Number of the stack that ends here.
    stack: Option<usize>,
    /// Lines down to here.
    lines: u64,
}

/// A stack that was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known<'a> {
    /// Its number.
    pub(super) stack: usize,
    /// Bytes and lines, with the blank line at its end.
    pub(super) used: usize,
    pub(super) lines: u64,
    /// The function that started the goroutine.
    pub(super) creator: Option<&'a [u8]>,
}

/// The two lines of a frame, by what never changes in them.
struct Lines<'a> {
    /// Up to the arguments, or to the goroutine that created.
    call: &'a [u8],
    /// With its newline.
    location: &'a [u8],
    is_creator: bool,
    /// Of both lines.
    len: usize,
}

impl Default for Rote {
    fn default() -> Self {
        Self {
            text: Vec::new(),
            nodes: vec![Node::default()],
            children: FxHashMap::default(),
            seen: vec![(0, 0); SEEN],
        }
    }
}

impl Rote {
    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The stack at the start of `body`, which begins below a header, if it came before and another
    /// goroutine follows it.
    pub(super) fn recall<'a>(&mut self, body: &'a [u8]) -> Option<Known<'a>> {
        let (mut node, mut at) = (0u32, 0);
        let mut creator = None;
        loop {
            let rest = body.get(at..)?;
            if rest.starts_with(b"\ng") {
                let found = self.node(node)?;
                return Some(Known {
                    stack: found.stack?,
                    used: at + 1,
                    lines: found.lines + 1,
                    creator,
                });
            }
            let last = self.node(node)?.last;
            let (child, len) = match self.fits(last, rest) {
                Some(len) => (last, len),
                None => self.child(node, rest)?,
            };
            let parent = self.nodes.get_mut(usize::try_from(node).ok()?)?;
            parent.last = child;
            let found = self.node(child)?;
            if found.is_creator {
                let call = rest.get(..found.arguments - found.call)?;
                creator = call.strip_prefix(b"created by ");
            }
            (node, at) = (child, at + len);
        }
    }

    /// Whether stacks that look like this one came [`OFTEN`] times: only such are worth learning.
    pub(super) fn comes_often(&mut self, frames: &[RawFrame<'_>]) -> bool {
        let looks = frames.iter().fold(1u64, |looks, frame| {
            let frame = u64::from(frame.line) << 16 ^ frame.function.len() as u64;
            (looks.rotate_left(5) ^ frame).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let slot = usize::try_from(looks >> 56).unwrap_or_default();
        let Some((known, times)) = self.seen.get_mut(slot) else {
            return false;
        };
        *times = if *known == looks {
            times.saturating_add(1)
        } else {
            1
        };
        *known = looks;
        let often = *times >= OFTEN;
        *times = if often { 0 } else { *times };
        often
    }

    /// Remembers a stack that was read; `number` if it is plain and there is room.
    pub(super) fn learn(&mut self, body: &[u8], number: usize) -> Option<usize> {
        let (mut node, mut at) = (0u32, 0);
        loop {
            let rest = body.get(at..)?;
            if rest == b"\n" {
                let end = self.nodes.get_mut(usize::try_from(node).ok()?)?;
                let is_new = end.stack.is_none() && node != 0;
                end.stack = end.stack.or(Some(number));
                return is_new.then_some(number);
            }
            if self.node(node)?.is_creator {
                return None;
            }
            let lines = Lines::at(rest)?;
            node = match self.children.get(&lines.key(node)) {
                Some(known) => {
                    self.fits(*known, rest)?;
                    *known
                }
                None => self.add(node, &lines)?,
            };
            at += lines.len;
        }
    }

    fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(node).ok()?)
    }

    fn add(&mut self, parent: u32, lines: &Lines<'_>) -> Option<u32> {
        let above = self.node(parent)?.lines;
        let bytes = lines.call.len() + lines.location.len();
        if self.nodes.len() >= MAX_NODES || self.text.len() + bytes > MAX_TEXT {
            return None;
        }
        let call = self.text.len();
        self.text.extend_from_slice(lines.call);
        let arguments = self.text.len();
        self.text.extend_from_slice(lines.location);
        let added = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.push(Node {
            call,
            arguments,
            end: self.text.len(),
            is_creator: lines.is_creator,
            lines: above + 2,
            ..Node::default()
        });
        self.children.insert(lines.key(parent), added);
        Some(added)
    }

    /// The child that the two lines at the start of `rest` lead to, and their length.
    fn child(&self, parent: u32, rest: &[u8]) -> Option<(u32, usize)> {
        let lines = Lines::at(rest)?;
        let child = *self.children.get(&lines.key(parent))?;
        Some((child, self.fits(child, rest)?))
    }

    /// The length of the two lines at the start of `rest`, if they are those of `node`.
    fn fits(&self, node: u32, rest: &[u8]) -> Option<usize> {
        let node = self.node(node).filter(|node| node.lines > 0)?;
        let call = self.text.get(node.call..node.arguments)?;
        let behind = rest.strip_prefix(call)?;
        let line = if node.is_creator {
            creator_tail(behind)?
        } else {
            arguments(behind)?
        };
        let location = self.text.get(node.arguments..node.end)?;
        let fits = behind.get(line..)?.starts_with(location);
        fits.then_some(call.len() + line + location.len())
    }
}

/// The length of arguments, from behind their `(` to the end of the line: no parenthesis is in them.
fn arguments(behind: &[u8]) -> Option<usize> {
    let newline = memchr2(b'\n', b'(', behind)?;
    let whole = behind.get(newline) == Some(&b'\n');
    let closed = behind.get(newline.checked_sub(1)?) == Some(&b')');
    (whole && closed).then_some(newline + 1)
}

/// The length of ` in goroutine N` to the end of the line; Go up to 1.20 prints none.
fn creator_tail(behind: &[u8]) -> Option<usize> {
    if behind.first() == Some(&b'\n') {
        return Some(1);
    }
    let id = behind.strip_prefix(b" in goroutine ")?;
    let digits = id.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits > 0 && id.get(digits) == Some(&b'\n');
    whole.then_some(behind.len() - id.len() + digits + 1)
}

impl<'a> Lines<'a> {
    /// The two lines at the start of `rest`, if they are as Go prints them, letter by letter.
    fn at(rest: &'a [u8]) -> Option<Self> {
        let call_end = memchr(b'\n', rest)?;
        let behind = rest.get(call_end + 1..)?;
        let location = behind.get(..=memchr(b'\n', behind)?)?;
        let is_plain = location.first() == Some(&b'\t')
            && frame::location(location.get(1..location.len() - 1)?).is_some();
        let line = rest.get(..call_end)?;
        let is_creator = line.starts_with(b"created by ");
        let fixed = if is_creator {
            frame::creator(line)?.len() + b"created by ".len()
        } else {
            memrchr(b'(', line)? + 1
        };
        let name = rest.get(if is_creator { b"created by ".len() } else { 0 }..fixed)?;
        let tail = rest.get(fixed..)?;
        let len = if is_creator {
            creator_tail(tail)?
        } else {
            arguments(tail)?
        };
        let is_plain = is_plain && name.len() > 1 && memchr(b' ', name).is_none();
        (is_plain && fixed + len == call_end + 1).then_some(Self {
            call: rest.get(..fixed)?,
            location,
            is_creator,
            len: call_end + 1 + location.len(),
        })
    }

    fn key(&self, parent: u32) -> (u32, u64) {
        let hash = xxh3_64(self.call) ^ xxh3_64(self.location).rotate_left(32);
        (parent, hash)
    }
}
