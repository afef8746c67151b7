//! Two parts with pulses in the same slots, drawn together: late pulses, and days that grow.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::course::SeriesCourse;
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
        let mut ours: HashMap<SignatureKey, &SeriesCourse> = by_signature(self);
        let mut theirs = by_signature(other);
        let keys: BTreeSet<SignatureKey> = ours.keys().chain(theirs.keys()).copied().collect();
        let ours_first = self.first_at() <= other.first_at();
        let series = keys.into_iter().map(|key| {
            let sides = [ours.remove(&key), theirs.remove(&key)];
            (key, drawn_together(&pairs, sides, ours_first))
        });
        let series = series.collect();
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

fn by_signature(part: &Part) -> HashMap<SignatureKey, &SeriesCourse> {
    part.series
        .iter()
        .map(|(key, series)| (*key, series))
        .collect()
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

/// One signature over the slots of two parts; in a part that has none of it, it was absent.
fn drawn_together(
    pairs: &[Pair],
    sides: [Option<&SeriesCourse>; 2],
    ours_first: bool,
) -> SeriesCourse {
    let mut whole = SeriesCourse::absent(0);
    let [ours, theirs] = sides;
    let first = if ours_first { ours } else { theirs };
    whole.first = first.map_or(0, |series| series.first);
    whole.high = sides
        .iter()
        .flatten()
        .map(|series| series.high)
        .max()
        .unwrap_or(0);
    for pair in pairs {
        let mut newest: Option<(Timestamp, u32)> = None;
        let mut lowest: Option<u32> = None;
        for ((slot, place), side) in pair.slots.iter().zip(pair.places).zip(sides) {
            let (Some(slot), Some(place)) = (slot, place) else {
                continue;
            };
            let of = |column: fn(&SeriesCourse) -> &[u32]| {
                side.and_then(|series| column(series).get(place).copied())
                    .unwrap_or(0)
            };
            let (low, last) = (of(|series| &series.low), of(|series| &series.last));
            lowest = Some(lowest.map_or(low, |known| known.min(low)));
            if newest.is_none_or(|(at, _)| at <= slot.last_at) {
                newest = Some((slot.last_at, last));
            }
        }
        whole.low.push(lowest.unwrap_or(0));
        whole.last.push(newest.map_or(0, |(_, last)| last));
    }
    whole
}
