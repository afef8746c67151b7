//! How goroutines that outlast a poll come and go.

use fastrand::Rng;

use super::chance::{Load, normal, poisson};
use super::fleet::STEP_HOURS;

/// A process that had lost more than this before the window would have been ended, goroutines.
const ENDURED: f64 = 30_000.0;

/// How their count goes on from one poll to the next.
#[derive(Debug, Clone)]
pub(crate) enum Course {
    /// Connections that live for `hours` on average; from the hour `moved.0` on there are `moved.1` more.
    Open {
        load: Load,
        mean: f64,
        hours: f64,
        moved: (f64, f64),
    },
    /// Comes up to a limit since the process began, and stays.
    Fill { limit: f64, hours: f64 },
    /// Gathers, and is swept away each `every` hours.
    Sweep {
        per_hour: f64,
        every: f64,
        phase: f64,
    },
    /// Goes up and down about a mean, slowly.
    Wander { mean: f64, spread: f64, hours: f64 },
    /// Piles up between these hours, and drains behind them within minutes.
    Storms {
        spans: Vec<(f64, f64)>,
        per_hour: f64,
    },
    /// A pool that has as many workers as it ever needed, less those that idled for `hours`.
    Elastic { load: Load, mean: f64, hours: f64 },
    /// What is lost and does not come back, from the hour `from` on.
    Leak {
        per_hour: f64,
        when: When,
        from: f64,
    },
}

/// When a leak loses goroutines.
#[derive(Debug, Clone)]
pub(crate) enum When {
    /// At any time.
    Always,
    /// This many at once, on average.
    Bursts(f64),
    /// As requests come.
    Load(Load),
    /// Between these hours only, `share` of all time.
    Outages { spans: Vec<(f64, f64)>, share: f64 },
    /// All at once, each `every` hours.
    Jobs { every: f64, phase: f64 },
}

impl Course {
    pub(crate) const fn open(load: Load, mean: f64, hours: f64) -> Self {
        Self::Open {
            load,
            mean,
            hours,
            moved: (f64::INFINITY, 0.0),
        }
    }

    /// A leak that is as old as the process.
    pub(crate) const fn leak(per_hour: f64, when: When) -> Self {
        Self::Leak {
            per_hour,
            when,
            from: f64::NEG_INFINITY,
        }
    }

    /// The count when it is met at `hour`, `age` hours after the process began.
    pub(crate) fn met(&self, hour: f64, age: f64, rng: &mut Rng) -> f64 {
        match self {
            Self::Open { hours, .. } => {
                poisson(rng, self.wanted(hour) * (1.0 - (-age / hours).exp()))
            }
            Self::Fill { limit, hours } => (limit * (1.0 - (-age / hours).exp())).floor(),
            Self::Sweep {
                per_hour,
                every,
                phase,
            } => poisson(rng, per_hour * (hour + phase).rem_euclid(*every).min(age)),
            Self::Wander { mean, spread, .. } => mean + spread * normal(rng),
            Self::Storms { .. } => 0.0,
            Self::Elastic { .. } => self.wanted(hour).round(),
            Self::Leak { per_hour, from, .. } => {
                let since = age.min((hour - from).max(0.0));
                poisson(rng, (per_hour * since).min(ENDURED))
            }
        }
    }

    /// The count at the next poll.
    pub(crate) fn next(&self, now: f64, hour: f64, rng: &mut Rng) -> f64 {
        match self {
            Self::Open { hours, .. } => {
                let come = poisson(rng, self.wanted(hour) / hours * STEP_HOURS);
                (now + come - poisson(rng, now / hours * STEP_HOURS)).max(0.0)
            }
            Self::Fill { limit, hours } => {
                (now + poisson(rng, (limit - now) / hours * STEP_HOURS)).min(*limit)
            }
            Self::Sweep {
                per_hour,
                every,
                phase,
            } => {
                let swept = (hour + phase).rem_euclid(*every) < STEP_HOURS;
                let kept = if swept { 0.0 } else { now };
                kept + poisson(rng, per_hour * STEP_HOURS)
            }
            Self::Wander {
                mean,
                spread,
                hours,
            } => {
                let pull = STEP_HOURS / hours;
                let push = spread * (2.0 * pull).sqrt() * normal(rng);
                (now + (mean - now) * pull + push).max(0.0)
            }
            Self::Storms { spans, per_hour } if within(spans, hour) => {
                now + poisson(rng, per_hour * STEP_HOURS)
            }
            // A half is gone every two minutes.
            Self::Storms { .. } => (now * 0.84).floor(),
            Self::Elastic { hours, .. } => {
                let busy = poisson(rng, self.wanted(hour));
                let idle = (now - busy).max(0.0);
                (now - poisson(rng, idle / hours * STEP_HOURS)).max(busy)
            }
            Self::Leak { from, .. } if hour < *from => now,
            Self::Leak { per_hour, when, .. } => now + when.lost(hour, *per_hour, rng),
        }
    }

    /// The share of its goroutines that is still there after the `apart` hours that end at `hour`.
    pub(crate) fn stays(&self, hour: f64, apart: f64) -> f64 {
        match self {
            Self::Open { hours, .. } | Self::Wander { hours, .. } | Self::Elastic { hours, .. } => {
                (-apart / hours).exp()
            }
            Self::Sweep { every, phase, .. } if (hour + phase).rem_euclid(*every) < apart => 0.0,
            Self::Storms { spans, .. } if !within(spans, hour) => 0.84_f64.powf(apart / STEP_HOURS),
            Self::Fill { .. } | Self::Sweep { .. } | Self::Storms { .. } | Self::Leak { .. } => 1.0,
        }
    }

    /// How many the load asks for.
    fn wanted(&self, hour: f64) -> f64 {
        match self {
            Self::Open {
                load, mean, moved, ..
            } if hour >= moved.0 => (mean + moved.1) * load.at(hour),
            Self::Open { load, mean, .. } | Self::Elastic { load, mean, .. } => {
                mean * load.at(hour)
            }
            _ => 0.0,
        }
    }
}

impl When {
    /// What a leak of so many an hour loses between two polls.
    fn lost(&self, hour: f64, per_hour: f64, rng: &mut Rng) -> f64 {
        let even = per_hour * STEP_HOURS;
        match self {
            Self::Always => poisson(rng, even),
            Self::Bursts(size) => {
                let bursts = poisson(rng, even / size);
                poisson(rng, bursts * size)
            }
            Self::Load(load) => poisson(rng, even * load.at(hour)),
            Self::Outages { spans, share } if within(spans, hour) => poisson(rng, even / share),
            Self::Outages { .. } => 0.0,
            Self::Jobs { every, phase } => {
                let due = (hour + phase).rem_euclid(*every) < STEP_HOURS;
                if due {
                    poisson(rng, per_hour * every)
                } else {
                    0.0
                }
            }
        }
    }
}

fn within(spans: &[(f64, f64)], hour: f64) -> bool {
    spans.iter().any(|(from, to)| *from <= hour && hour < *to)
}
