//! Whether the goroutines of a signature stay: what tells a leak from traffic that only grows.
//!
//! Of each group a sample of goroutine ids is looked for again at the next detail. A leak's goroutines are all
//! found again; those of requests are gone; those of connections go at a steady rate.

use super::growth::as_f64;
use crate::model::Thresholds;

/// Details that lie further apart were thinned, and what was sampled was another one in between, hours.
const MOST_APART: f64 = 6.0;
/// Fewer steps from detail to detail than this show no rise.
const MIN_STEPS: usize = 6;
/// Sampled goroutines must be watched for so long that at the highest rate that still counts as staying this
/// many of them would have ended.
const MIN_EXPECTED_ENDS: f64 = 1.0;
/// Where what stays rose by less than this share of all, what grows is traffic.
const MIN_OLD_SHARE: f64 = 0.1;

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
    /// What the lowest count of a detail rose by between the first third of them and the last, and
    rise: f64,
    /// the most that the count of those rose by which had been there at the detail before, as samples allow;
    /// both 0 where details are too few to say.
    old_rise: f64,
}

impl Survival {
    /// Of the details of one process in order of time.
    pub fn of(looks: &[DetailLook]) -> Self {
        let mut survival = Self::default();
        let mut steps = Vec::with_capacity(looks.len());
        for (before, look) in looks.iter().zip(looks.iter().skip(1)) {
            let apart = look.hour - before.hour;
            let Some((sampled, alive)) = look.survival.filter(|_| apart <= MOST_APART) else {
                continue;
            };
            let alive = alive.min(sampled);
            survival.hours += f64::from(sampled) * apart;
            survival.ends += u64::from(sampled - alive);
            steps.push((before.count, sampled, alive));
        }
        if steps.len() >= MIN_STEPS {
            let third = steps.len() / 3;
            let first = Third::of(steps.get(..third).unwrap_or_default());
            let last = Third::of(steps.get(steps.len() - third..).unwrap_or_default());
            survival.rise = last.lowest - first.lowest;
            survival.old_rise = last.old_at_most() - first.old_at_least();
        }
        survival
    }

    /// Adds another process.
    pub fn add(&mut self, other: Self) {
        self.hours += other.hours;
        self.ends += other.ends;
        self.rise += other.rise;
        self.old_rise += other.old_rise;
    }

    /// Whether goroutines do not end, as far as can be seen.
    pub fn stays(&self, thresholds: &Thresholds) -> bool {
        let expected = thresholds.max_ends_per_hour * self.hours;
        expected >= MIN_EXPECTED_ENDS && as_f64(self.ends.cast_signed()) <= expected
    }

    /// Whether floors that grew by so much in all did so without the goroutines that stay: no leak does. Details
    /// that show less than half of that growth cannot say.
    pub fn is_traffic(&self, growth: f64) -> bool {
        self.rise >= growth / 2.0 && self.old_rise < MIN_OLD_SHARE * self.rise
    }

    /// What was seen, in numbers.
    pub fn sentence(&self) -> String {
        format!(
            "of sampled goroutines {} ended in {:.1} goroutine-hours of watching between details",
            self.ends, self.hours
        )
    }
}

/// Some details in a row.
struct Third {
    /// The lowest count.
    lowest: f64,
    /// The mean count.
    mean: f64,
    /// The share of sampled goroutines that were there at the next detail.
    share: f64,
    /// How far the share of all may lie from that.
    slack: f64,
}

impl Third {
    /// Of counts, and of their samples the size and how many stayed.
    fn of(steps: &[(u64, u32, u32)]) -> Self {
        let counts = || steps.iter().map(|(count, ..)| as_f64(count.cast_signed()));
        let sum =
            |of: fn(&(u64, u32, u32)) -> u32| steps.iter().map(of).map(f64::from).sum::<f64>();
        let (sampled, alive) = (sum(|step| step.1), sum(|step| step.2));
        let number = counts().map(|_| 1.0).sum::<f64>().max(1.0);
        let share = if sampled > 0.0 { alive / sampled } else { 0.0 };
        // What stays is sampled again and again: details in a row say less than as many apart would.
        let told = (sampled / number.sqrt()).max(1.0);
        let is_whole = steps
            .iter()
            .all(|(count, sampled, _)| u64::from(*sampled) >= *count);
        Self {
            lowest: counts().fold(f64::INFINITY, f64::min),
            mean: counts().sum::<f64>() / number,
            share,
            slack: if is_whole {
                0.0
            } else {
                2.0 * (share * (1.0 - share) / told).sqrt() + 3.0 / told
            },
        }
    }

    fn old_at_least(&self) -> f64 {
        self.mean * (self.share - self.slack).max(0.0)
    }

    fn old_at_most(&self) -> f64 {
        self.mean * (self.share + self.slack).min(1.0)
    }
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
        let leak = Survival::of(&details(|nth| (10 + nth, 1.0)));
        assert!(
            leak.stays(&Thresholds::default()) && !leak.is_traffic(48.0),
            "{leak:?}"
        );
    }

    #[test]
    fn requests_of_a_busier_hour_do_not() {
        let rising = Survival::of(&details(|nth| (100 + 10 * nth, 0.0)));
        assert!(
            !rising.stays(&Thresholds::default()) && rising.is_traffic(480.0),
            "{rising:?}"
        );
    }

    #[test]
    fn a_leak_among_requests_is_no_traffic() {
        // Fifty requests that are gone each time, and one a detail that is not.
        let mixed = |nth: u32| (50 + nth, f64::from(nth) / f64::from(50 + nth));
        let mixed = Survival::of(&details(mixed));
        assert!(
            !mixed.stays(&Thresholds::default()) && !mixed.is_traffic(48.0),
            "{mixed:?}"
        );
        // So small a leak among a thousand no sample can show: nothing is said.
        let hidden = |nth: u32| (1_000 + nth, f64::from(nth) / f64::from(1_000 + nth));
        let hidden = Survival::of(&details(hidden));
        assert!(!hidden.is_traffic(48.0), "{hidden:?}");
    }

    #[test]
    fn few_or_thinned_details_say_nothing() {
        let few: Vec<DetailLook> = details(|nth| (10 * nth, 0.0)).into_iter().take(4).collect();
        assert!(!Survival::of(&few).is_traffic(30.0));
        let mut thinned = details(|nth| (10 + nth, 1.0));
        for look in &mut thinned {
            look.hour *= 144.0;
        }
        assert!(!Survival::of(&thinned).stays(&Thresholds::default()));
    }
}
