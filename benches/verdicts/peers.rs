//! What others do, on the same series: each looks at an instance alone and knows of no restarts.
//!
//! They see the count each five minutes, for each twelfth of the window what was there up to its end. A
//! fleet is flagged when one of its instances is.

use std::collections::HashMap;

use super::fleet::{Fleet, Instance};

/// Whether it is flagged after each twelfth of the window.
pub(crate) type Flags = [bool; 12];

const STEP_MS: i64 = 300_000;
/// Above this Mann and Kendall's statistic has p < 0.01, on both sides.
const Z: f64 = 2.576;
/// Fewer points than this have no such statistic.
const MIN_POINTS: usize = 8;
/// Of more points, slopes are taken between as many as this, evenly spread.
const SLOPE_POINTS: usize = 144;

/// A known detector.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Of what is known up to a twelfth.
    flags: fn(&Sampled) -> Flags,
}

pub(crate) const PEERS: [Peer; 5] = [
    Peer {
        name: "over 10,000",
        flags: over_10_000,
    },
    Peer {
        name: "five rises in a row",
        flags: five_rises,
    },
    Peer {
        name: "Mann–Kendall",
        flags: |sampled| mann_kendall(sampled, |_| true),
    },
    Peer {
        name: "Mann–Kendall, Theil–Sen",
        flags: |sampled| mann_kendall(sampled, grows_enough),
    },
    Peer {
        name: "grew and at least 3",
        flags: grew,
    },
];

impl Peer {
    pub(crate) fn judge(&self, fleet: &Fleet) -> Flags {
        let instances = fleet
            .instances
            .iter()
            .map(|instance| (self.flags)(&Sampled::of(fleet, instance)));
        instances.fold([false; 12], |mut all, flags| {
            all.iter_mut()
                .zip(flags)
                .for_each(|(any, flag)| *any |= flag);
            all
        })
    }
}

/// An instance as others see it.
struct Sampled {
    /// Hour and count.
    points: Vec<(f64, f64)>,
    /// How many points there are up to the end of each twelfth.
    ends: [usize; 12],
}

impl Sampled {
    fn of(fleet: &Fleet, instance: &Instance) -> Self {
        let pulses: Vec<(i64, u32)> = instance
            .processes
            .iter()
            .flat_map(|process| &process.pulses)
            .copied()
            .collect();
        let steps = pulses.chunk_by(|(a, _), (b, _)| step(fleet, *a) == step(fleet, *b));
        let last: Vec<(i64, u32)> = steps.filter_map(|pulses| pulses.last().copied()).collect();
        let mut ends = [0; 12];
        for (end, nth) in ends.iter_mut().zip(1..) {
            *end = last.partition_point(|(at, _)| *at < fleet.end(nth));
        }
        let hour = |at| (at - fleet.begins) as f64 / super::fleet::HOUR_MS as f64;
        Self {
            points: last
                .into_iter()
                .map(|(at, count)| (hour(at), f64::from(count)))
                .collect(),
            ends,
        }
    }

    /// Flags from the point that raises an alarm on.
    fn since(&self, alarm: Option<usize>) -> Flags {
        self.ends.map(|end| alarm.is_some_and(|nth| nth < end))
    }
}

const fn step(fleet: &Fleet, at: i64) -> i64 {
    (at - fleet.begins).div_euclid(STEP_MS)
}

/// The limit that Uber published.
fn over_10_000(sampled: &Sampled) -> Flags {
    sampled.since(
        sampled
            .points
            .iter()
            .position(|(_, count)| *count > 10_000.0),
    )
}

fn five_rises(sampled: &Sampled) -> Flags {
    let rises = sampled
        .points
        .windows(6)
        .position(|six| six.is_sorted_by(|(_, a), (_, b)| a < b));
    sampled.since(rises.map(|first| first + 5))
}

/// The original's suspect: more than when it was first seen, and three at least.
fn grew(sampled: &Sampled) -> Flags {
    let first = sampled
        .points
        .iter()
        .map(|(_, count)| *count)
        .find(|count| *count > 0.0);
    sampled.ends.map(|end| {
        let now = end.checked_sub(1).and_then(|last| sampled.points.get(last));
        now.is_some_and(|(_, now)| *now >= 3.0 && first.is_some_and(|first| *now > first))
    })
}

/// Mann (1945) and Kendall (1975), with ties; `and` is asked of what has a trend upwards.
fn mann_kendall(sampled: &Sampled, and: fn(&[(f64, f64)]) -> bool) -> Flags {
    let (mut flags, mut rises, mut from) = ([false; 12], 0_i64, 0);
    let mut tied: HashMap<u64, f64> = HashMap::new();
    for (flag, end) in flags.iter_mut().zip(sampled.ends) {
        for nth in from..end {
            let (before, here) = sampled.points.split_at(nth);
            let Some((_, count)) = here.first() else {
                continue;
            };
            rises += before
                .iter()
                .map(|(_, earlier)| i64::from(earlier < count) - i64::from(earlier > count))
                .sum::<i64>();
            *tied.entry(count.to_bits()).or_default() += 1.0;
        }
        from = end;
        let ties: f64 = tied.values().map(|times| spread(*times)).sum();
        let deviation = ((spread(end as f64) - ties) / 18.0).sqrt();
        let points = sampled.points.get(..end).unwrap_or_default();
        *flag = end >= MIN_POINTS && (rises as f64 - 1.0) > Z * deviation && and(points);
    }
    flags
}

fn spread(times: f64) -> f64 {
    times * (times - 1.0) * (2.0 * times + 5.0)
}

/// A slope of more than 0.5 an hour after Theil and Sen, and 5 or more in the whole.
fn grows_enough(points: &[(f64, f64)]) -> bool {
    let every = points.len().div_ceil(SLOPE_POINTS).max(1);
    let thinned: Vec<(f64, f64)> = points.iter().copied().step_by(every).collect();
    let mut slopes: Vec<f64> = Vec::with_capacity(thinned.len() * thinned.len() / 2);
    for (nth, (hour, count)) in thinned.iter().enumerate() {
        let later = thinned.iter().skip(nth + 1);
        slopes.extend(later.map(|(later, more)| (more - count) / (later - hour)));
    }
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return false;
    }
    let (_, slope, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let hours = match points {
        [first, .., last] => last.0 - first.0,
        _ => 0.0,
    };
    *slope > 0.5 && *slope * hours >= 5.0
}
