//! Counts of signatures over the same slots: three allocations, however many signatures there are.

use super::read::SignatureKey;

/// One signature over the slots of a part, or of a whole course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesCourse<'a> {
    /// The count at the first pulse.
    pub first: u32,
    /// The highest count.
    pub high: u32,
    /// The lowest count in each slot; 0 where it was absent at one of its pulses.
    pub low: &'a [u32],
    /// The count at the last pulse of each slot.
    pub last: &'a [u32],
}

/// What is known of every signature that was there, by signature, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    slots: usize,
    series: Vec<Series>,
    /// The lowest count in each slot, series by series.
    low: Vec<u32>,
    /// The last count in each slot, series by series.
    last: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Series {
    signature: SignatureKey,
    first: u32,
    high: u32,
}

impl Counts {
    /// Of no signature yet, over this many slots.
    pub(super) fn over(slots: usize) -> Self {
        Self {
            slots,
            ..Self::default()
        }
    }

    /// Makes room for this many signatures.
    pub(super) fn reserve(&mut self, signatures: usize) {
        self.series.reserve(signatures);
        self.low.reserve(signatures * self.slots);
        self.last.reserve(signatures * self.slots);
    }

    /// Counts over the slots of all parts, one part behind the other. A part that has none of a signature
    /// knows that it was absent.
    pub(super) fn end_to_end(parts: &[&Self]) -> Self {
        let mut whole = Self::over(parts.iter().map(|part| part.slots).sum());
        let signatures = Self::signatures_of(parts);
        whole.reserve(signatures.len());
        for signature in signatures {
            whole.add(signature, 0, 0);
        }
        let mut begin = 0;
        for part in parts {
            whole.fill(begin, part);
            begin += part.slots;
        }
        whole
    }

    /// The signatures that are in any of these, ascending.
    pub fn signatures_of(parts: &[&Self]) -> Vec<SignatureKey> {
        let mut signatures: Vec<SignatureKey> = Vec::new();
        for part in parts {
            // Mostly the same in all.
            if !signatures.iter().copied().eq(part.signatures()) {
                signatures.extend(part.signatures());
                signatures.sort();
                signatures.dedup();
            }
        }
        signatures
    }

    /// Puts the counts of a part where its slots begin; of its signatures none is missing here.
    fn fill(&mut self, begin: usize, part: &Self) {
        let here = begin..begin + part.slots;
        let lows = self.low.chunks_exact_mut(self.slots.max(1));
        let lasts = self.last.chunks_exact_mut(self.slots.max(1));
        let mut rows = self.series.iter_mut().zip(lows.zip(lasts));
        for (signature, series) in part.iter() {
            let Some((known, (low, last))) = rows.find(|(known, _)| known.signature == signature)
            else {
                return;
            };
            if begin == 0 {
                known.first = series.first;
            }
            known.high = known.high.max(series.high);
            if let (Some(low), Some(last)) = (low.get_mut(here.clone()), last.get_mut(here.clone()))
            {
                low.copy_from_slice(series.low);
                last.copy_from_slice(series.last);
            }
        }
    }

    /// Adds a signature behind all others, and gives its lowest and last counts to be filled in: all 0.
    pub(super) fn add(
        &mut self,
        signature: SignatureKey,
        first: u32,
        high: u32,
    ) -> (&mut [u32], &mut [u32]) {
        debug_assert!(self.signatures().next_back() < Some(signature), "ascending");
        self.series.push(Series {
            signature,
            first,
            high,
        });
        let begin = self.low.len();
        self.low.resize(begin + self.slots, 0);
        self.last.resize(begin + self.slots, 0);
        let (_, low) = self.low.split_at_mut(begin);
        let (_, last) = self.last.split_at_mut(begin);
        (low, last)
    }

    /// Adds a signature behind all others.
    pub(super) fn push(&mut self, signature: SignatureKey, series: SeriesCourse<'_>) {
        let (low, last) = self.add(signature, series.first, series.high);
        low.copy_from_slice(series.low);
        last.copy_from_slice(series.last);
    }

    /// Those of some signatures.
    pub(super) fn only(&self, is_wanted: impl Fn(&SignatureKey) -> bool) -> Self {
        let mut wanted = Self::over(self.slots);
        for (signature, series) in self.iter().filter(|(signature, _)| is_wanted(signature)) {
            wanted.push(signature, series);
        }
        wanted
    }

    /// The signatures, ascending.
    pub fn signatures(&self) -> impl DoubleEndedIterator<Item = SignatureKey> {
        self.series.iter().map(|series| series.signature)
    }

    /// Every signature, ascending, and its counts.
    pub fn iter(&self) -> impl Iterator<Item = (SignatureKey, SeriesCourse<'_>)> {
        (0..self.series.len()).filter_map(|nth| {
            let signature = self.series.get(nth)?.signature;
            Some((signature, self.nth(nth)?))
        })
    }

    /// The counts of one signature; `None` where it never was.
    pub fn get(&self, signature: SignatureKey) -> Option<SeriesCourse<'_>> {
        let by_signature = |series: &Series| series.signature;
        let nth = self.series.binary_search_by_key(&signature, by_signature);
        self.nth(nth.ok()?)
    }

    fn nth(&self, nth: usize) -> Option<SeriesCourse<'_>> {
        let series = self.series.get(nth)?;
        let slots = nth * self.slots..(nth + 1) * self.slots;
        Some(SeriesCourse {
            first: series.first,
            high: series.high,
            low: self.low.get(slots.clone())?,
            last: self.last.get(slots)?,
        })
    }
}
