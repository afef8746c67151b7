//! What the groups of one process did in a window: parts, put together.

use super::counts::Counts;
use super::part::Part;
use crate::model::Slot;

/// What the groups of one process did in a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// Its good pulses, drawn together, in order of time.
    pub slots: Vec<Slot>,
    /// The signatures that were there.
    pub series: Counts,
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
        let counts: Vec<&Counts> = apart.iter().map(|part| &part.series).collect();
        let slots = apart.iter().flat_map(|part| &part.slots);
        Self {
            series: Counts::end_to_end(&counts),
            slots: slots.map(|(_, slot)| *slot).collect(),
        }
    }

    /// Adds the course of the process that this one may have become.
    pub fn append(&mut self, later: &Self) {
        self.series = Counts::end_to_end(&[&self.series, &later.series]);
        self.slots.extend(&later.slots);
    }
}
