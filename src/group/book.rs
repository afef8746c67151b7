//! The stacks of a service, each made once and shared by all polls that meet it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use super::signature::derived;
use crate::dump::RawFrame;
use crate::model::{Elision, Frame, Stack};

/// Once there are more stacks than this, those that no poll holds any more are forgotten: a real service has a few
/// hundred, and one of a hundred frames takes some 20 KB.
const KEEP_STACKS: usize = 4_096;
/// The same of names.
const KEEP_NAMES: usize = 20_000;

/// Interns stacks, states and creator names. Shared by the polls of a service.
#[derive(Debug, Default)]
pub struct StackBook {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    stacks: FxHashMap<u128, Arc<Stack>>,
    names: FxHashMap<Box<[u8]>, Arc<str>>,
    /// Sizes at which to look for what can be forgotten: doubled when everything is in use, so that
    /// a dump of a hundred thousand stacks is not searched again for each.
    sweep_stacks_at: usize,
    sweep_names_at: usize,
}

impl StackBook {
    /// The stack with this hash, made from `frames` if it is new.
    pub(super) fn stack(
        &self,
        hash: u128,
        frames: &[RawFrame<'_>],
        elision: Option<Elision>,
        cut: bool,
    ) -> Arc<Stack> {
        self.pages().stack(hash, frames, elision, cut)
    }

    /// One shared copy of a name; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn name(&self, bytes: &[u8]) -> Arc<str> {
        self.pages().name(bytes)
    }

    /// A panic while a page was open leaves it whole: every write is one insert.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn stack(
        &mut self,
        hash: u128,
        frames: &[RawFrame<'_>],
        elision: Option<Elision>,
        cut: bool,
    ) -> Arc<Stack> {
        if let Some(stack) = self.stacks.get(&hash) {
            return Arc::clone(stack);
        }
        if self.stacks.len() >= self.sweep_stacks_at.max(KEEP_STACKS) {
            self.stacks.retain(|_, stack| Arc::strong_count(stack) > 1);
            self.sweep_stacks_at = self.stacks.len() * 2;
        }
        let frames = frames.iter().map(frame).collect();
        let stack = Arc::new(derived(hash, frames, elision, cut));
        self.stacks.insert(hash, Arc::clone(&stack));
        stack
    }

    fn name(&mut self, bytes: &[u8]) -> Arc<str> {
        if let Some(name) = self.names.get(bytes) {
            return Arc::clone(name);
        }
        if self.names.len() >= self.sweep_names_at.max(KEEP_NAMES) {
            self.names.retain(|_, name| Arc::strong_count(name) > 1);
            self.sweep_names_at = self.names.len() * 2;
        }
        let name: Arc<str> = String::from_utf8_lossy(bytes).into();
        self.names.insert(bytes.into(), Arc::clone(&name));
        name
    }
}

fn frame(raw: &RawFrame<'_>) -> Frame {
    Frame {
        function: String::from_utf8_lossy(raw.function).into(),
        file: String::from_utf8_lossy(raw.file).into(),
        line: raw.line,
    }
}
