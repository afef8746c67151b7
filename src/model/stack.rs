//! A stack: the frames of one goroutine as Go printed them, immutable.

use super::Signature;

/// One function call in a stack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Function name as Go prints it, receiver and package included, arguments not.
    pub function: Box<str>,
    /// Source file as the compiler recorded it; empty when unknown.
    pub file: Box<str>,
    /// Line in that file, from 1; 0 when unknown.
    pub line: u32,
}

/// Frames that Go left out in the middle of a deep stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Elision {
    /// How many frames stand before the gap.
    pub after: usize,
    /// How many frames are missing; `None` where Go did not say (up to 1.20).
    pub frames: Option<u32>,
}

/// The frames of a goroutine, leaf first, with what is derived from them once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// XXH3-128 over the frames as read: the identity of the stack.
    pub hash: u128,
    /// All frames as read, leaf first; hidden runtime frames included where the form has them.
    pub frames: Vec<Frame>,
    /// The gap in a stack of more than 100 frames.
    pub elision: Option<Elision>,
    /// The profile ended at its depth limit: root-most frames are missing.
    pub cut: bool,
    /// What makes this stack the same as others (`group::signature`).
    pub signature: Signature,
    /// The version of the rules that `signature` follows.
    pub rules: u32,
    /// Indices in `frames` of those that the signature is made of, leaf first.
    pub identifying: Vec<usize>,
    /// Index in `frames` of the first frame that is not plumbing: the line to look at.
    pub site: usize,
}

impl Stack {
    /// The frames that make the signature, leaf first.
    pub fn identifying(&self) -> impl Iterator<Item = &Frame> {
        self.identifying
            .iter()
            .filter_map(|at| self.frames.get(*at))
    }

    /// The first frame that is not plumbing; `None` only for a stack without frames.
    pub fn site(&self) -> Option<&Frame> {
        self.frames.get(self.site)
    }
}
