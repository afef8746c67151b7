//! What comes by chance: the load of a service, and events.

use std::f64::consts::TAU;

use fastrand::Rng;

/// The load of a service: the day, and what wanders about it. All instances see the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Hour of the day at which the window begins.
    phase: f64,
    /// 0 is none, 1 is nothing at all at night.
    swing: f64,
    /// Phases of the slower and the faster wandering.
    wander: (f64, f64),
}

impl Load {
    /// Of a service whose day swings by this share about its mean.
    pub(crate) fn draw(rng: &mut Rng, swing: f64) -> Self {
        Self {
            phase: 24.0 * rng.f64(),
            swing,
            wander: (TAU * rng.f64(), TAU * rng.f64()),
        }
    }

    /// About 1.
    pub(crate) fn at(&self, hour: f64) -> f64 {
        let day = 1.0 + self.swing * (TAU * (hour + self.phase) / 24.0).sin();
        let slow = (TAU * hour / 3.7 + self.wander.0).sin();
        let fast = (TAU * hour / 0.6 + self.wander.1).sin();
        (day * (1.0 + 0.08 * slow + 0.05 * fast)).max(0.0)
    }
}

/// A number of events, of which `mean` are expected.
pub(crate) fn poisson(rng: &mut Rng, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    // A normal law is as good from here on.
    if mean > 12.0 {
        return (mean + mean.sqrt() * normal(rng)).round().max(0.0);
    }
    let (limit, mut product, mut events) = ((-mean).exp(), rng.f64(), 0.0);
    while product > limit {
        product *= rng.f64();
        events += 1.0;
    }
    events
}

/// A standard normal deviate, after Box and Muller.
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (TAU * rng.f64()).cos()
}
