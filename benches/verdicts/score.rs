//! What verdicts come to: how often, and how soon.

use super::fleet::Fleet;
use super::peers::Flags;

/// What one detector said of the fleets of a class, of one window and rate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    fleets: f64,
    /// Flagged at the end of the window.
    flagged: f64,
    /// Flagged at the end of any twelfth of it.
    ever: f64,
    /// Days of all series, and the false alarms on them: one for each series of a flagged fleet.
    series_days: f64,
    alarms: f64,
    /// Twelfths after which the flag was up and stayed up; ascending when asked.
    after: Vec<u32>,
}

impl Score {
    pub(crate) fn add(&mut self, fleet: &Fleet, flags: &Flags) {
        let series = fleet.instances.len() as f64;
        self.fleets += 1.0;
        self.series_days += series * fleet.hours as f64 / 24.0;
        if flags.contains(&true) {
            self.ever += 1.0;
            self.alarms += series;
        }
        let kept = flags.iter().rev().take_while(|flag| **flag).count();
        if kept > 0 {
            self.flagged += 1.0;
            self.after.push(13 - u32::try_from(kept).unwrap_or(12));
        }
    }

    /// The share that is flagged at the end.
    pub(crate) fn rate(&self) -> f64 {
        self.flagged / self.fleets
    }

    /// The share that was flagged at some time.
    pub(crate) fn ever(&self) -> f64 {
        self.ever / self.fleets
    }

    pub(crate) fn alarms_in_1000_days(&self) -> f64 {
        1_000.0 * self.alarms / self.series_days
    }

    /// Twelfths of the window until half of those that are found were found.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut after = self.after.clone();
        after.sort_unstable();
        after.get(after.len() / 2).copied().map(f64::from)
    }
}

/// Each class weighs the same.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// The share of alarms that are right, where a leak is as frequent as a series that does not leak;
/// `None` without alarms.
pub(crate) fn precision(recall: f64, false_rate: f64) -> Option<f64> {
    let all = recall + false_rate;
    (all > 0.0).then(|| recall / all)
}
