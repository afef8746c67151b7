//! How many goroutines of a group are the same ones as at the previous detail.
//!
//! Of every signature the 32 goroutine ids with the smallest hash are remembered; the next detail
//! of the same process counts how many are still there. Ids stay in memory: only the counts are
//! stored.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::model::{Signature, Survival};

/// Ids remembered per signature.
const SAMPLE: usize = 32;

/// The ids of one detail, and what the one before had.
#[derive(Debug, Default)]
pub struct Survivors {
    /// `None` before the first detail.
    previous: Option<Remembered>,
    alive: FxHashMap<Signature, u32>,
    samples: FxHashMap<Signature, BTreeSet<(u64, u64)>>,
}

/// The sampled ids of a detail, kept small: a fleet has ten thousand of these.
#[derive(Debug, Default)]
struct Remembered {
    signatures: Vec<Signature>,
    /// Id and index in `signatures`, by id.
    ids: Vec<(u64, u32)>,
}

impl Remembered {
    fn signature_of(&self, id: u64) -> Option<Signature> {
        let at = self.ids.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        let (_, signature) = self.ids.get(at)?;
        self.signatures
            .get(usize::try_from(*signature).ok()?)
            .copied()
    }
}

impl Survivors {
    /// Notes a goroutine of the detail that is being read.
    pub(super) fn see(&mut self, id: u64, signature: Signature) {
        let known = self
            .previous
            .as_ref()
            .and_then(|previous| previous.signature_of(id));
        if known == Some(signature) {
            *self.alive.entry(signature).or_default() += 1;
        }
        let key = (spread(id), id);
        let sample = self.samples.entry(signature).or_default();
        if sample.len() < SAMPLE {
            sample.insert(key);
        } else if sample.last().is_some_and(|largest| key < *largest) && sample.insert(key) {
            sample.pop_last();
        }
    }

    /// Whether there was a detail before the one that is being read.
    pub(super) const fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// Ends a detail: survival by signature, and what the next detail will be held against.
    pub(super) fn turn(&mut self) -> FxHashMap<Signature, Survival> {
        let mut survival: FxHashMap<Signature, Survival> = FxHashMap::default();
        let previous = self.previous.take().unwrap_or_default();
        let sampled = previous.ids.iter().filter_map(|(_, signature)| {
            previous.signatures.get(usize::try_from(*signature).ok()?)
        });
        for signature in sampled {
            survival.entry(*signature).or_default().sampled += 1;
        }
        for (signature, alive) in self.alive.drain() {
            survival.entry(signature).or_default().alive = alive;
        }
        let mut next = Remembered::default();
        for ((signature, sample), index) in self.samples.drain().zip(0u32..) {
            next.signatures.push(signature);
            next.ids
                .extend(sample.into_iter().map(|(_, id)| (id, index)));
        }
        next.ids.sort_unstable();
        next.ids.shrink_to_fit();
        self.previous = Some(next);
        survival
    }

    /// Drops what a detail that failed half way had noted.
    pub fn abandon(&mut self) {
        self.alive.clear();
        self.samples.clear();
    }

    /// Forgets everything: another process answers now.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// A fixed hash of an id, so that the sample does not prefer old goroutines.
fn spread(id: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&id.to_le_bytes())
}
