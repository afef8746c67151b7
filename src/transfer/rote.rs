//! Stacks that came before, known by rote: two hundred a line, and nearly all as in the line before.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::Mistake;
use super::cursor::Cursor;
use super::frame::FrameText;
use crate::dump::RawFrame;
use crate::group::{StackBook, kind_of_state};
use crate::model::{Elision, Stack};

/// Frames of one stack; beyond them it is no stack that Go has printed.
const MAX_FRAMES: usize = 65_536;
/// Text that is remembered. When there is more, all is forgotten.
const MAX_BYTES: usize = 256 << 20;
/// States that are remembered of one stack.
const MAX_STATES: usize = 64;

type Result<T> = std::result::Result<T, Mistake>;

/// The stacks that came before.
#[derive(Debug, Default)]
pub(super) struct Rote {
    book: StackBook,
    known: Vec<Known>,
    /// By the hash of their text, the gap, and whether they were cut.
    by_text: FxHashMap<(u128, Option<Elision>, bool), usize>,
    by_stack: FxHashMap<u128, usize>,
    bytes: usize,
    /// What came last: what comes next is guessed from it.
    last: Option<usize>,
}

/// A stack that came before.
#[derive(Debug)]
pub(super) struct Known {
    /// Its frames as they are written.
    text: Box<str>,
    pub(super) stack: Arc<Stack>,
    /// The first one with this stack, however it is written.
    same: usize,
    /// The one that came behind it last.
    next: usize,
    /// States by name, with their wait kinds.
    states: Vec<(Arc<str>, Arc<str>)>,
    /// The line that it came in last, and which group of that it was.
    pub(super) seen: (u64, usize),
}

/// Frames, as written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Frames<'a> {
    /// The guess was right.
    Known(usize),
    /// Their text, and its place.
    Text(&'a str, usize),
}

impl Rote {
    /// A line begins, and nothing is told by numbers any more.
    pub(super) fn begin_line(&mut self) {
        if self.bytes > MAX_BYTES {
            self.known.clear();
            self.by_text.clear();
            self.by_stack.clear();
            (self.bytes, self.last) = (0, None);
        }
    }

    /// The stack of these frames.
    pub(super) fn stack(
        &self,
        frames: &[FrameText],
        elision: Option<Elision>,
        cut: bool,
    ) -> Arc<Stack> {
        let raw: Vec<RawFrame<'_>> = frames.iter().map(FrameText::raw).collect();
        self.book.told(&raw, elision, cut)
    }

    /// Passes over frames: mostly those that came behind the ones before, the last time.
    pub(super) fn pass<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Frames<'a>> {
        let guess = self.last.and_then(|last| Some(self.known.get(last)?.next));
        if let Some(guess) = guess
            && let Some(known) = self.known.get(guess)
            && cursor.rest().starts_with(&*known.text)
        {
            cursor.skip(known.text.len());
            return Ok(Frames::Known(guess));
        }
        let begin = cursor.at();
        cursor.value().map(|text| Frames::Text(text, begin))
    }

    /// The number of a stack, for as long as its line; the next one is guessed from it.
    pub(super) fn find(
        &mut self,
        frames: Frames<'_>,
        elision: Option<Elision>,
        cut: bool,
    ) -> Result<usize> {
        let at = self.number(frames, elision, cut)?;
        if let Some(last) = self.last.and_then(|last| self.known.get_mut(last)) {
            last.next = at;
        }
        self.last = Some(at);
        Ok(at)
    }

    /// What is known of a stack with this number, however it is written; and the book of names.
    pub(super) fn stack_at(&mut self, number: usize) -> (&StackBook, Option<&mut Known>) {
        let same = self.known.get(number).map_or(number, |known| known.same);
        (&self.book, self.known.get_mut(same))
    }

    fn number(&mut self, frames: Frames<'_>, elision: Option<Elision>, cut: bool) -> Result<usize> {
        let plain = elision.is_none() && !cut;
        let (text, begin) = match frames {
            Frames::Known(at) if plain => return Ok(at),
            Frames::Known(at) => {
                let text = self
                    .known
                    .get(at)
                    .map_or_else(Box::default, |known| known.text.clone());
                return self.number(Frames::Text(&text, 0), elision, cut);
            }
            Frames::Text(text, begin) => (text, begin),
        };
        let key = (xxh3_128(text.as_bytes()), elision, cut);
        if let Some(at) = self.by_text.get(&key) {
            return Ok(*at);
        }
        let frames: Vec<FrameText> = Cursor::new(text)
            .parsed()
            .map_err(|mistake| Mistake::new(begin + mistake.at, mistake.what))?;
        if frames.len() > MAX_FRAMES {
            let what = format!(
                "a stack has {} frames, and must have at most {MAX_FRAMES}",
                frames.len()
            );
            return Err(Mistake::new(begin, what));
        }
        let stack = self.stack(&frames, elision, cut);
        let at = self.known.len();
        let same = *self.by_stack.entry(stack.hash).or_insert(at);
        self.known.push(Known {
            // What is guessed is compared whole: only plain stacks may be.
            text: if plain { text.into() } else { "\u{0}".into() },
            stack,
            same,
            next: at,
            states: Vec::new(),
            seen: (0, 0),
        });
        self.bytes += text.len() + size_of::<Known>();
        self.by_text.insert(key, at);
        Ok(at)
    }
}

impl Known {
    /// A state with its wait kind, which is told or follows from the stack.
    pub(super) fn state(
        &mut self,
        book: &StackBook,
        name: &str,
        told: Option<&str>,
    ) -> (Arc<str>, Arc<str>) {
        if let Some(kind) = told {
            return (book.word(name), book.word(kind));
        }
        if let Some((state, kind)) = self.states.iter().find(|(state, _)| &**state == name) {
            return (Arc::clone(state), Arc::clone(kind));
        }
        let state = book.word(name);
        let kind = book.word(kind_of_state(name, &self.stack.frames));
        if self.states.len() < MAX_STATES {
            self.states.push((Arc::clone(&state), Arc::clone(&kind)));
        }
        (state, kind)
    }
}
