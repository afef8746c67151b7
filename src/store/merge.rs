//! Two parts with pulses in the same slots, drawn together: late pulses, and days that grow.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::{Counts, SeriesCourse};
use super::part::Part;
use super::read::SignatureKey;
use crate::model::{Slot, Timestamp};

/// A slot as each of the two parts has it, and where.
struct Pair {
    begin: i64,
    slots: [Option<Slot>; 2],
    places: [Option<usize>; 2],
}

impl Part {
    /// Draws two parts together as if their pulses had been read in order.
    pub(super) fn merge(&self, other: &Self) -> Self {
        let mut places: BTreeMap<i64, [Option<usize>; 2]> = BTreeMap::new();
        for (side, part) in [self, other].into_iter().enumerate() {
            for (nth, (begin, _)) in part.slots.iter().enumerate() {
                if let Some(place) = places.entry(*begin).or_default().get_mut(side) {
                    *place = Some(nth);
                }
            }
        }
        let slot = |part: &Self, nth: Option<usize>| Some(part.slots.get(nth?)?.1);
        let pairs: Vec<Pair> = places
            .into_iter()
            .map(|(begin, places)| Pair {
                begin,
                slots: [slot(self, places[0]), slot(other, places[1])],
                places,
            })
            .collect();
        let (ours, theirs) = (&self.series, &other.series);
        let signatures: BTreeSet<SignatureKey> =
            ours.signatures().chain(theirs.signatures()).collect();
        let ours_first = self.first_at() <= other.first_at();
        let mut series = Counts::over(pairs.len());
        for signature in signatures {
            let sides = [ours.get(signature), theirs.get(signature)];
            draw_together(&mut series, signature, &pairs, sides, ours_first);
        }
        Self {
            slots: pairs
                .into_iter()
                .filter_map(|pair| Some((pair.begin, joined(pair.slots)?)))
                .collect(),
            series,
        }
    }

    /// The first pulse; parts without one come last.
    fn first_at(&self) -> (bool, Option<Timestamp>) {
        let first = self.slots.first().map(|(_, slot)| slot.first_at);
        (first.is_none(), first)
    }
}

fn joined([a, b]: [Option<Slot>; 2]) -> Option<Slot> {
    let (Some(a), Some(b)) = (a, b) else {
        return a.or(b);
    };
    let later = if a.last_at <= b.last_at { b } else { a };
    Some(Slot {
        first_at: a.first_at.min(b.first_at),
        last_at: later.last_at,
        pulses: a.pulses + b.pulses,
        goroutines: later.goroutines,
    })
}

/// Adds one signature over the slots of two parts; in a part that has none of it, it was absent.
fn draw_together(
    whole: &mut Counts,
    signature: SignatureKey,
    pairs: &[Pair],
    [ours, theirs]: [Option<SeriesCourse<'_>>; 2],
    ours_first: bool,
) {
    let sides = [ours, theirs];
    let first = if ours_first { ours } else { theirs };
    let first = first.map_or(0, |series| series.first);
    let high = sides.iter().flatten().map(|series| series.high).max();
    let (lows, lasts) = whole.add(signature, first, high.unwrap_or(0));
    for (pair, (whole_low, whole_last)) in pairs.iter().zip(lows.iter_mut().zip(lasts)) {
        let mut newest: Option<(Timestamp, u32)> = None;
        let mut lowest: Option<u32> = None;
        for ((slot, place), side) in pair.slots.iter().zip(pair.places).zip(sides) {
            let (Some(slot), Some(place)) = (slot, place) else {
                continue;
            };
            let at = |counts: &[u32]| counts.get(place).copied().unwrap_or(0);
            let (low, last) = side.map_or((0, 0), |side| (at(side.low), at(side.last)));
            lowest = Some(lowest.map_or(low, |known| known.min(low)));
            if newest.is_none_or(|(at, _)| at <= slot.last_at) {
                newest = Some((slot.last_at, last));
            }
        }
        *whole_low = lowest.unwrap_or(0);
        *whole_last = newest.map_or(0, |(_, last)| last);
    }
}
