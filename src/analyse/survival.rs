//! Whether the goroutines of a signature stay: what tells a leak from traffic that only grows.
//!
//! Of each group a sample of goroutine ids is looked for again at the next detail. A leak's goroutines are all
//! found again; those of requests are gone; those of connections go at a steady rate.

use std::time::Duration;

use super::floor::words;
use super::growth::as_f64;
use crate::model::Thresholds;

/// Details that lie further apart were thinned, and what was sampled was another one in between, hours.
const MOST_APART: f64 = 6.0;
/// Fewer counts of old goroutines than this show no rise.
const MIN_OLD: usize = 6;
/// Sampled goroutines must be watched for so long that at the highest rate that still counts as staying this
/// many of them would have ended.
const MIN_EXPECTED_ENDS: f64 = 1.0;
/// What stayed must have risen by this share of the growth: with a leak it rises by two thirds of it between the
/// lowest counts of the first and the last third.
const MIN_OLD_SHARE: f64 = 0.25;

/// What one detail says of a signature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetailLook {
    /// When, hours since any fixed moment.
    pub hour: f64,
    /// Its goroutines.
    pub count: u64,
    /// Of the ids of the detail before, how many were looked for and how many found.
    pub survival: Option<(u32, u32)>,
}

/// How goroutines of a signature fared between details, in the processes where it grows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Survival {
    /// Time that sampled goroutines were watched for, goroutine-hours.
    pub hours: f64,
    /// Those that ended meanwhile.
    pub ends: u64,
    /// The most that the count of goroutines rose by which had been there at the detail before, as the samples
    /// allow; where there are enough details to say.
    old_rise: f64,
    /// The growth of the floors of the processes that `old_rise` is of.
    covered: f64,
}

impl Survival {
    /// Of the details of one process in order of time, in which the floor grew by `growth`.
    pub fn of(looks: &[DetailLook], growth: f64) -> Self {
        let mut survival = Self::default();
        let mut old = Vec::with_capacity(looks.len());
        for (before, look) in looks.iter().zip(looks.iter().skip(1)) {
            let apart = look.hour - before.hour;
            let Some((sampled, alive)) = look.survival.filter(|_| apart <= MOST_APART) else {
                continue;
            };
            let alive = alive.min(sampled);
            survival.hours += f64::from(sampled) * apart;
            survival.ends += u64::from(sampled - alive);
            old.push(old_count(before.count, sampled, alive));
        }
        if old.len() >= MIN_OLD {
            let (first, _) = old.split_at(old.len() / 3);
            let (_, last) = old.split_at(old.len() - old.len() / 3);
            let lowest = first
                .iter()
                .map(|(low, _)| *low)
                .fold(f64::INFINITY, f64::min);
            let highest = last
                .iter()
                .map(|(_, high)| *high)
                .fold(f64::INFINITY, f64::min);
            survival.old_rise = highest - lowest;
            survival.covered = growth;
        }
        survival
    }

    /// Adds another process.
    pub fn add(&mut self, other: Self) {
        self.hours += other.hours;
        self.ends += other.ends;
        self.old_rise += other.old_rise;
        self.covered += other.covered;
    }

    /// Whether goroutines do not end, as far as can be seen.
    pub fn stays(&self, thresholds: &Thresholds) -> bool {
        let expected = thresholds.max_ends_per_hour * self.hours;
        expected >= MIN_EXPECTED_ENDS && as_f64(self.ends.cast_signed()) <= expected
    }

    /// Whether floors that grew by so much in all did so without the goroutines that stay: no leak does.
    pub fn is_traffic(&self, growth: f64) -> bool {
        self.covered >= growth / 2.0 && self.old_rise < MIN_OLD_SHARE * self.covered
    }

    /// What was seen, in numbers.
    pub fn sentence(&self) -> String {
        format!(
            "of sampled goroutines {} ended in {} of watching between details",
            self.ends,
            words(Duration::from_mins(whole_minutes(self.hours)))
        )
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sum of times, not negative"
)]
fn whole_minutes(hours: f64) -> u64 {
    (hours * 60.0) as u64
}

/// How many of `count` goroutines stayed until the next detail, at the least and at the most, where of a sample
/// so many did.
fn old_count(count: u64, sampled: u32, alive: u32) -> (f64, f64) {
    if sampled == 0 {
        return (0.0, as_f64(count.cast_signed()));
    }
    let size = f64::from(sampled);
    let share = f64::from(alive) / size;
    let slack = if u64::from(sampled) >= count {
        0.0
    } else {
        // Two standard deviations, and what a sample without any cannot exclude.
        2.0 * (share * (1.0 - share) / size).sqrt() + 3.0 / size
    };
    let count = as_f64(count.cast_signed());
    (
        count * (share - slack).max(0.0),
        count * (share + slack).min(1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Details each ten minutes, with a count and the share of it that is there at the next one.
    fn details(counts: impl Fn(u32) -> (u32, f64)) -> Vec<DetailLook> {
        let look = |nth: u32| {
            let before = nth.checked_sub(1).map(&counts);
            let survival = before.map(|(count, share)| {
                let sampled = count.min(32);
                (sampled, kept(sampled, share))
            });
            DetailLook {
                hour: f64::from(nth) / 6.0,
                count: u64::from(counts(nth).0),
                survival,
            }
        };
        (0..48).map(look).collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and not negative"
    )]
    fn kept(sampled: u32, share: f64) -> u32 {
        (f64::from(sampled) * share).round() as u32
    }

    #[test]
    fn what_leaks_stays() {
        let leak = Survival::of(&details(|nth| (10 + nth, 1.0)), 48.0);
        assert!(
            leak.stays(&Thresholds::default()) && !leak.is_traffic(48.0),
            "{leak:?}"
        );
    }

    #[test]
    fn requests_of_a_busier_hour_do_not() {
        let rising = Survival::of(&details(|nth| (100 + 10 * nth, 0.0)), 480.0);
        assert!(
            !rising.stays(&Thresholds::default()) && rising.is_traffic(480.0),
            "{rising:?}"
        );
    }

    #[test]
    fn a_leak_among_requests_is_no_traffic() {
        // Fifty requests that are gone each time, and one a detail that is not.
        let mixed = |nth: u32| (50 + nth, f64::from(nth) / f64::from(50 + nth));
        let mixed = Survival::of(&details(mixed), 48.0);
        assert!(
            !mixed.stays(&Thresholds::default()) && !mixed.is_traffic(48.0),
            "{mixed:?}"
        );
        // So small a leak among a thousand no sample can show: nothing is said.
        let hidden = |nth: u32| (1_000 + nth, f64::from(nth) / f64::from(1_000 + nth));
        let hidden = Survival::of(&details(hidden), 48.0);
        assert!(!hidden.is_traffic(48.0), "{hidden:?}");
    }

    #[test]
    fn few_or_thinned_details_say_nothing() {
        let few: Vec<DetailLook> = details(|nth| (10 * nth, 0.0)).into_iter().take(4).collect();
        assert!(!Survival::of(&few, 30.0).is_traffic(30.0));
        let mut thinned = details(|nth| (10 + nth, 1.0));
        for look in &mut thinned {
            look.hour *= 144.0;
        }
        assert!(!Survival::of(&thinned, 48.0).stays(&Thresholds::default()));
    }
}
