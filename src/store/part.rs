//! Parts of a process's life, drawn together to slots: what answers over time are made of.
//!
//! A slot keeps for each signature its lowest and its last count; that is what a leak shows in. The
//! same part comes out of hot rows, out of the block made of them, and out of the block's summary.

use super::block::Block;
use super::counts::{Counts, SeriesCourse};
use super::read::SignatureKey;
use crate::model::{Slot, Timestamp};

/// Slots of summaries are this long, in whole multiples since 1970 UTC.
pub(super) const SLOT_MS: i64 = 600_000;

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// How finely pulses are told apart, the finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// Each by itself.
    Poll,
    /// Those of ten minutes together.
    Slot,
    /// Those of a day of UTC together.
    Day,
}

impl Grain {
    /// Where the slot of a pulse begins.
    pub(super) const fn begin(self, at: i64) -> i64 {
        match self {
            Self::Poll => at,
            Self::Slot => at.div_euclid(SLOT_MS) * SLOT_MS,
            Self::Day => at.div_euclid(DAY_MS) * DAY_MS,
        }
    }
}

/// A stretch of a course: slots, and what it holds of each signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Where each slot begins, ascending, and the slot.
    pub(super) slots: Vec<(i64, Slot)>,
    pub(super) series: Counts,
}

/// Gathers a part out of pulses in order of time, one signature after the other.
#[derive(Debug)]
pub(super) struct PartBuilder {
    part: Part,
    /// For each pulse the place of its slot; none for one that is not compared.
    places: Vec<Option<usize>>,
}

impl PartBuilder {
    /// `pulses`: time, goroutines, and whether it is to be compared. `grain` says how finely those of
    /// a time are told apart.
    pub(super) fn new(
        pulses: impl Iterator<Item = (i64, u64, bool)>,
        grain: impl Fn(i64) -> Grain,
    ) -> Self {
        let mut slots: Vec<(i64, Slot)> = Vec::new();
        let mut places = Vec::new();
        for (millis, goroutines, good) in pulses {
            if !good {
                places.push(None);
                continue;
            }
            let (at, begin) = (Timestamp::from_millis(millis), grain(millis).begin(millis));
            match slots.last_mut() {
                Some((known, slot)) if *known == begin => {
                    slot.last_at = at;
                    slot.pulses += 1;
                    slot.goroutines = goroutines;
                }
                _ => {
                    let slot = Slot {
                        first_at: at,
                        last_at: at,
                        pulses: 1,
                        goroutines,
                    };
                    slots.push((begin, slot));
                }
            }
            places.push(Some(slots.len() - 1));
        }
        let part = Part {
            series: Counts::over(slots.len()),
            slots,
        };
        Self { part, places }
    }

    /// Adds a signature, behind all others: its count at each pulse.
    pub(super) fn push(&mut self, signature: SignatureKey, counts: &[u64]) {
        let len = self.part.slots.len();
        let (mut low, mut last) = (vec![u32::MAX; len], vec![0; len]);
        let (mut first, mut high) = (None, 0);
        for (count, place) in counts.iter().zip(&self.places) {
            let Some(place) = place else { continue };
            let count = u32::try_from(*count).unwrap_or(u32::MAX);
            if let (Some(low), Some(last)) = (low.get_mut(*place), last.get_mut(*place)) {
                *low = count.min(*low);
                *last = count;
            }
            high = count.max(high);
            first = first.or(Some(count));
        }
        if high > 0 {
            let series = SeriesCourse {
                first: first.unwrap_or(0),
                high,
                low: &low,
                last: &last,
            };
            self.part.series.push(signature, series);
        }
    }

    /// Adds a signature, behind all others, whose count is the same at all pulses.
    pub(super) fn push_constant(&mut self, signature: SignatureKey, count: u64) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let len = self.part.slots.len();
        if count > 0 && len > 0 {
            let (low, last) = self.part.series.add(signature, count, count);
            low.fill(count);
            last.fill(count);
        }
    }

    /// The part.
    pub(super) fn finish(self) -> Part {
        self.part
    }
}

/// The part that a block is, by what its stacks count as; `None` when a column is damaged.
pub(super) fn part_of(
    block: &Block,
    mut builder: PartBuilder,
    signature: impl Fn(i64) -> Option<SignatureKey>,
) -> Option<Part> {
    let numbered = block.keys().enumerate();
    let mut columns: Vec<(SignatureKey, usize)> = numbered
        .filter_map(|(nth, key)| Some((signature(key.stack)?, nth)))
        .collect();
    columns.sort_unstable();
    let (mut counts, mut more) = (Vec::new(), Vec::new());
    for same in columns.chunk_by(|(a, _), (b, _)| a == b) {
        let [(signature, first), others @ ..] = same else {
            continue;
        };
        if let (Some(count), []) = (block.constant(*first), others) {
            builder.push_constant(*signature, count);
            continue;
        }
        block.column(*first, &mut counts)?;
        for (_, nth) in others {
            block.column(*nth, &mut more)?;
            for (count, added) in counts.iter_mut().zip(&more) {
                *count = count.saturating_add(*added);
            }
        }
        builder.push(*signature, &counts);
    }
    Some(builder.finish())
}

impl Part {
    /// The same in longer slots.
    pub(super) fn coarser(&self, grain: impl Fn(i64) -> Grain) -> Self {
        let mut slots: Vec<(i64, Slot)> = Vec::new();
        let mut places = Vec::with_capacity(self.slots.len());
        for (begin, slot) in &self.slots {
            let wide = grain(*begin).begin(*begin);
            match slots.last_mut() {
                Some((known, whole)) if *known == wide => {
                    *whole = Slot {
                        first_at: whole.first_at,
                        pulses: whole.pulses + slot.pulses,
                        ..*slot
                    };
                }
                _ => slots.push((wide, *slot)),
            }
            places.push(slots.len() - 1);
        }
        let mut drawn = Counts::over(slots.len());
        for (signature, series) in self.series.iter() {
            let (low, last) = drawn.add(signature, series.first, series.high);
            low.fill(u32::MAX);
            for (place, counts) in places.iter().zip(series.low.iter().zip(series.last)) {
                if let (Some(low), Some(last)) = (low.get_mut(*place), last.get_mut(*place)) {
                    (*low, *last) = ((*low).min(*counts.0), *counts.1);
                }
            }
        }
        Self {
            slots,
            series: drawn,
        }
    }

    /// Where its first and its last slot begin.
    pub(super) fn span(&self) -> Option<(i64, i64)> {
        Some((self.slots.first()?.0, self.slots.last()?.0))
    }
}
