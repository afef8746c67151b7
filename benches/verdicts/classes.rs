//! The classes of series: what each is, whether it leaks, and whether thresholds may be tuned on it.

use fastrand::Rng;

use super::chance::Load;
use super::fleet::Recipe;
use super::{benign, leaking};

/// Which classes thresholds were set on. Seeds differ as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    Tuning,
    HeldOut,
}

/// What a class makes its services of.
pub(crate) struct Draw<'a> {
    pub(crate) rng: &'a mut Rng,
    /// Length of the window.
    pub(crate) hours: f64,
    /// What each leaking process loses an hour.
    pub(crate) per_hour: f64,
}

impl Draw<'_> {
    /// Between two numbers, each order of magnitude as often as the other.
    pub(crate) fn about(&mut self, least: f64, most: f64) -> f64 {
        least * (most / least).powf(self.rng.f64())
    }

    /// The load of a service that swings by so much in a day, between two shares.
    pub(crate) fn load(&mut self, least: f64, most: f64) -> Load {
        let swing = least + (most - least) * self.rng.f64();
        Load::draw(self.rng, swing)
    }

    /// An hour within the window.
    pub(crate) fn hour(&mut self) -> f64 {
        self.hours * self.rng.f64()
    }

    /// Stretches of so many hours, `every` hours apart on average, before the window too.
    pub(crate) fn spans(&mut self, every: f64, lasts: (f64, f64)) -> Vec<(f64, f64)> {
        let mut spans = Vec::new();
        let mut from = -every * self.rng.f64();
        while from < self.hours {
            let to = from + self.about(lasts.0, lasts.1);
            spans.push((from, to));
            from = to + every * (0.5 + self.rng.f64());
        }
        spans
    }
}

/// A kind of series.
#[derive(Clone, Copy)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) set: Set,
    pub(crate) leaks: bool,
    pub(crate) recipe: fn(&mut Draw<'_>) -> Recipe,
}

const fn benign(set: Set, name: &'static str, recipe: fn(&mut Draw<'_>) -> Recipe) -> Class {
    Class {
        name,
        set,
        leaks: false,
        recipe,
    }
}

const fn leaking(set: Set, name: &'static str, recipe: fn(&mut Draw<'_>) -> Recipe) -> Class {
    Class {
        name,
        set,
        leaks: true,
        recipe,
    }
}

use Set::{HeldOut, Tuning};

/// All of them.
pub(crate) const CLASSES: [Class; 28] = [
    benign(Tuning, "constant", benign::constant),
    benign(Tuning, "diurnal requests", benign::diurnal),
    benign(Tuning, "batch spikes", benign::batch_spikes),
    benign(Tuning, "slow warm-up", benign::slow_warm_up),
    benign(Tuning, "long-lived connections", benign::connections),
    benign(Tuning, "deploy steps", benign::deploy_steps),
    benign(Tuning, "wandering queue", benign::wandering),
    benign(HeldOut, "busy pool", benign::busy_pool),
    benign(HeldOut, "retry storms", benign::retry_storms),
    benign(HeldOut, "autoscaling", benign::autoscaling),
    benign(HeldOut, "one a tenant", benign::tenants),
    benign(HeldOut, "rebalanced connections", benign::rebalanced),
    benign(HeldOut, "idle until swept", benign::swept),
    benign(HeldOut, "elastic pool", benign::elastic_pool),
    leaking(Tuning, "steady", leaking::steady),
    leaking(Tuning, "bursty", leaking::bursty),
    leaking(Tuning, "with restarts", leaking::with_restarts),
    leaking(Tuning, "in diurnal traffic", leaking::in_diurnal_traffic),
    leaking(Tuning, "among live connections", leaking::among_connections),
    leaking(Tuning, "began late", leaking::began_late),
    leaking(Tuning, "in a busy pool", leaking::in_busy_pool),
    leaking(HeldOut, "as requests come", leaking::as_requests_come),
    leaking(HeldOut, "on one instance", leaking::on_one_instance),
    leaking(HeldOut, "since a deploy", leaking::since_a_deploy),
    leaking(HeldOut, "in outages", leaking::in_outages),
    leaking(HeldOut, "a job's", leaking::a_jobs),
    leaking(HeldOut, "beside batch spikes", leaking::beside_batch_spikes),
    leaking(HeldOut, "crash loop", leaking::crash_loop),
];
