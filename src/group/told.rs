//! Stacks and states that somebody tells, as if a dump had them: the same identity, the same words.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::plumbing::is_hidden;
use super::{StackBook, wait};
use crate::dump::RawFrame;
use crate::model::{Elision, Frame, Stack};

impl StackBook {
    /// The stack of these frames, leaf first.
    pub fn told(&self, frames: &[RawFrame<'_>], elision: Option<Elision>, cut: bool) -> Arc<Stack> {
        let mut identity = Vec::new();
        write_identity(&mut identity, frames, elision, cut);
        self.stack(xxh3_128(&identity), frames, elision, cut)
    }

    /// One shared copy of a word.
    pub fn word(&self, word: &str) -> Arc<str> {
        self.name(word.as_bytes())
    }
}

/// The bytes whose XXH3-128 is the identity of a stack.
pub(super) fn write_identity(
    out: &mut Vec<u8>,
    frames: &[RawFrame<'_>],
    elision: Option<Elision>,
    cut: bool,
) {
    out.clear();
    for (at, frame) in frames.iter().enumerate() {
        if let Some(Elision { after, frames }) = elision
            && after == at
        {
            out.extend_from_slice(&frames.unwrap_or(u32::MAX).to_le_bytes());
            out.push(1);
        }
        out.extend_from_slice(frame.function);
        out.push(0);
        out.extend_from_slice(frame.file);
        out.push(0);
        out.extend_from_slice(&frame.line.to_le_bytes());
    }
    out.push(u8::from(cut));
}

/// The wait kind of a state as Go prints it, of a goroutine in these frames.
pub fn kind_of_state<'s>(state: &'s str, frames: &[Frame]) -> &'s str {
    let functions = frames.iter().map(|frame| frame.function.as_bytes());
    wait::kind_of_state(state, functions)
}

/// How goroutines wait whose state is not told: what their frames say. Frames without any that
/// `debug=2` hides say less.
pub fn kind_of_stack(stack: &Stack) -> &'static str {
    let frames: Vec<RawFrame<'_>> = stack
        .frames
        .iter()
        .map(|frame| RawFrame {
            function: frame.function.as_bytes(),
            file: frame.file.as_bytes(),
            line: frame.line,
        })
        .collect();
    let mut numbered = stack.frames.iter().enumerate();
    let whole = numbered.any(|(at, frame)| is_hidden(&frame.function, at == 0));
    wait::kind(&frames, !whole)
}
