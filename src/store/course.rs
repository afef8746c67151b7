//! What the groups of one process did in a window: parts, put together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::part::Part;
use super::read::SignatureKey;
use crate::model::Slot;

/// One signature over the slots of a part, or of a whole course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesCourse {
    /// The count at the first pulse.
    pub first: u32,
    /// The highest count.
    pub high: u32,
    /// The lowest count in each slot; 0 where it was absent at one of its pulses.
    pub low: Vec<u32>,
    /// The count at the last pulse of each slot.
    pub last: Vec<u32>,
}

/// What the groups of one process did in a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// Its good pulses, drawn together, in order of time.
    pub slots: Vec<Slot>,
    /// By signature; those that never were there are not.
    pub series: HashMap<SignatureKey, SeriesCourse>,
}

impl Course {
    /// Puts parts together; those that have pulses in the same slots (late ones) are drawn together.
    pub(super) fn of(mut parts: Vec<Part>) -> Self {
        parts.sort_by_key(Part::span);
        let mut apart: Vec<Part> = Vec::with_capacity(parts.len());
        for part in parts {
            let end = apart.last().and_then(Part::span).map(|(_, end)| end);
            match apart.last_mut() {
                Some(before) if part.span().is_none_or(|(begin, _)| Some(begin) <= end) => {
                    *before = before.merge(&part);
                }
                _ => apart.push(part),
            }
        }
        let mut course = Self::default();
        for part in apart {
            course.extend(part);
        }
        for series in course.series.values_mut() {
            series.end_at(course.slots.len());
        }
        course
    }

    /// Adds what came behind.
    fn extend(&mut self, part: Part) {
        let before = self.slots.len();
        for (signature, series) in part.series {
            self.continue_with(before, signature, series);
        }
        self.slots
            .extend(part.slots.into_iter().map(|(_, slot)| slot));
    }

    fn continue_with(&mut self, before: usize, signature: SignatureKey, series: SeriesCourse) {
        match self.series.entry(signature) {
            Entry::Vacant(entry) if before == 0 => {
                entry.insert(series);
            }
            entry => {
                let whole = entry.or_insert_with(|| SeriesCourse::absent(before));
                whole.end_at(before);
                whole.high = whole.high.max(series.high);
                whole.low.extend(series.low);
                whole.last.extend(series.last);
            }
        }
    }

    /// Adds the course of the process that this one may have become.
    pub fn append(&mut self, later: Self) {
        let before = self.slots.len();
        for (signature, series) in later.series {
            self.continue_with(before, signature, series);
        }
        self.slots.extend(later.slots);
        for series in self.series.values_mut() {
            series.end_at(self.slots.len());
        }
    }
}

impl SeriesCourse {
    pub(super) fn absent(slots: usize) -> Self {
        Self {
            first: 0,
            high: 0,
            low: vec![0; slots],
            last: vec![0; slots],
        }
    }

    /// Absent from its end to there.
    fn end_at(&mut self, slots: usize) {
        self.low.resize(slots, 0);
        self.last.resize(slots, 0);
    }
}
