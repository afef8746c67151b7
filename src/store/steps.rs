//! How far a piece of work is, told while it goes on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps done, of all that there are: whoever works counts, and somebody else looks.
#[derive(Debug, Default)]
pub struct Steps {
    done: AtomicU64,
    /// 0 while that is not known.
    all: AtomicU64,
}

impl Steps {
    /// Work of so many steps begins.
    pub fn begin(&self, all: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.all.store(all as u64, Ordering::Relaxed);
    }

    /// Another step is done.
    pub fn one(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Steps done and all there are; `None` while their number is not known.
    pub fn so_far(&self) -> Option<(u64, u64)> {
        let all = self.all.load(Ordering::Relaxed);
        (all > 0).then(|| (self.done.load(Ordering::Relaxed).min(all), all))
    }
}
