//! What makes two stacks the same: the rules of design section 4.

use xxhash_rust::xxh3::Xxh3;

use super::normalise::normalised;
use super::plumbing::{is_hidden, is_plumbing, is_waiting};
use crate::model::{Elision, Frame, Signature, Stack};

/// The version of the rules below. Stored beside every derived signature.
pub const RULES: u32 = 2;

/// A stack of more shown frames than this is known by its leaf-most [`DEEP_LEAF`] alone: that is
/// what `debug=2` shows of it for certain (`tracebackInnerFrames` in `runtime/traceback.go`).
const DEEP: usize = 100;
const DEEP_LEAF: usize = 50;

/// A stack with what is derived from its frames: signature and line to look at.
pub fn derived(hash: u128, frames: Vec<Frame>, elision: Option<Elision>, cut: bool) -> Stack {
    let (identifying, deep) = identifying(&frames, elision);
    let signature = signature(&frames, &identifying, deep || cut);
    let own = |at: &usize| frames.get(*at).is_some_and(|f| !is_plumbing(&f.function));
    let mut shown = identifying.iter().copied();
    let site = shown.clone().find(own).or(shown.next()).unwrap_or(0);
    Stack {
        hash,
        frames,
        elision,
        cut,
        signature,
        rules: RULES,
        identifying,
        site,
    }
}

/// The indices of the frames that identify a stack, leaf first, and whether more follow.
fn identifying(frames: &[Frame], elision: Option<Elision>) -> (Vec<usize>, bool) {
    if has_not_run(frames) {
        return (Vec::new(), false);
    }
    let mut shown: Vec<usize> = frames
        .iter()
        .enumerate()
        .filter(|(at, frame)| !is_hidden(&frame.function, *at == 0))
        .map(|(at, _)| at)
        .collect();
    let deep = elision.is_some() || shown.len() > DEEP;
    if deep {
        shown.truncate(DEEP_LEAF);
    }
    let waiting = shown
        .iter()
        .take_while(|at| {
            frames
                .get(**at)
                .is_some_and(|frame| is_waiting(&frame.function))
        })
        .count();
    shown.drain(..waiting);
    if shown.is_empty() {
        // Nothing but runtime: then that is what it is. Where it begins is in the text form only.
        let begins = |at: &usize| {
            frames
                .get(*at)
                .is_some_and(|f| &*f.function == "runtime.goexit")
        };
        shown = (0..frames.len()).filter(|at| !begins(at)).collect();
    }
    (shown, deep)
}

/// A goroutine that has not run yet: `debug=2` shows the wrapper it will start in and
/// `runtime.goexit`, both hidden otherwise; a profile shows nothing.
fn has_not_run(frames: &[Frame]) -> bool {
    let [entry, root] = frames else { return false };
    let wrapper = entry.function.rsplit_once(".gowrap");
    &*root.function == "runtime.goexit"
        && wrapper.is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))
}

/// The signature of identifying frames; `more` says that the stack goes on beyond them.
fn signature(frames: &[Frame], identifying: &[usize], more: bool) -> Signature {
    let mut hash = Xxh3::new();
    for (nth, name) in normalised(frames, identifying).iter().enumerate() {
        if nth > 0 {
            hash.update(b"\n");
        }
        hash.update(name.as_bytes());
    }
    if more {
        hash.update("\n…".as_bytes());
    }
    Signature::from_hash(hash.digest128())
}
