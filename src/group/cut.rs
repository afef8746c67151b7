//! Stacks that a profile's depth limit cut off, and the full stacks that they are the tops of.
//!
//! Up to Go 1.22 a profile keeps the 32 leaf-most frames of a stack (128 since 1.23); `debug=2`
//! shows the rest. A cut stack counts as the one known full stack of its service that begins with
//! it; where none or several do, it keeps a signature of its own.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::normalise::normalised;
use crate::model::{Signature, Stack};

/// Shorter stacks than this cannot have been cut: 32 frames less those that only say how the
/// goroutine waits.
const LEAST_FRAMES: usize = 20;

/// Full stacks remembered per service, and cut ones that were looked for among them.
const KEEP: usize = 4_096;

/// The deep full stacks of one service, by the hash of every beginning that a cut may have.
#[derive(Debug, Default)]
pub struct FullStacks {
    /// Beginning -> the signatures that begin so; `None` once there are several.
    beginnings: FxHashMap<u128, Option<Signature>>,
    known: FxHashSet<u128>,
    resolved: FxHashMap<u128, Signature>,
}

impl FullStacks {
    /// Remembers a stack, unless it is cut or shallow.
    pub fn learn(&mut self, stack: &Arc<Stack>) {
        if stack.cut || stack.frames.len() < LEAST_FRAMES || self.known.len() >= KEEP {
            return;
        }
        if !self.known.insert(stack.hash) {
            return;
        }
        self.resolved.clear();
        for (depth, beginning) in beginnings(stack) {
            if depth >= LEAST_FRAMES {
                self.beginnings
                    .entry(beginning)
                    .and_modify(|found| *found = found.filter(|known| *known == stack.signature))
                    .or_insert(Some(stack.signature));
            }
        }
    }

    /// What a stack counts as.
    pub fn resolve(&mut self, stack: &Arc<Stack>) -> Signature {
        if !stack.cut {
            return stack.signature;
        }
        if let Some(found) = self.resolved.get(&stack.hash) {
            return *found;
        }
        let found = beginnings(stack)
            .last()
            .and_then(|(_, whole)| self.beginnings.get(whole).copied().flatten())
            .unwrap_or(stack.signature);
        // Ever-new stacks do not come back.
        if self.resolved.len() >= KEEP {
            self.resolved.clear();
        }
        self.resolved.insert(stack.hash, found);
        found
    }
}

/// Depth and hash of every beginning of a stack's identifying frames.
fn beginnings(stack: &Stack) -> Vec<(usize, u128)> {
    let names = normalised(&stack.frames, &stack.identifying).into_iter();
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    names
        .zip(1..)
        .map(|(name, depth)| {
            hash.update(name.as_bytes());
            hash.update(b"\n");
            (depth, hash.digest128())
        })
        .collect()
}
