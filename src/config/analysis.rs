//! The thresholds of a config as meant: each within its range, defaults where nothing is written.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::resolve::Resolver;
use super::table::Entry;
use super::{file, quantity};
use crate::model::Thresholds;

/// Shorter than any segment that can be judged, up to what snapshots are kept for by default.
const SPANS: RangeInclusive<Duration> = Duration::from_mins(1)..=quantity::LONGEST;

impl Resolver<'_> {
    /// What `[analysis]` means.
    pub(super) fn thresholds(&mut self, written: &file::Analysis) -> Thresholds {
        let usual = Thresholds::default();
        Thresholds {
            min_growth: self
                .goroutines(&written.min_growth)
                .unwrap_or(usual.min_growth),
            min_floor_growth: self
                .goroutines(&written.min_floor_growth)
                .unwrap_or(usual.min_floor_growth),
            min_floor_share: self
                .share(&written.min_floor_share)
                .unwrap_or(usual.min_floor_share),
            min_net_to_gross: self
                .share(&written.min_net_to_gross)
                .unwrap_or(usual.min_net_to_gross),
            min_lateness: self
                .number(&written.min_lateness)
                .unwrap_or(usual.min_lateness),
            max_jump: self.share(&written.max_jump).unwrap_or(usual.max_jump),
            max_fall_elsewhere: self
                .share(&written.max_fall_elsewhere)
                .unwrap_or(usual.max_fall_elsewhere),
            likely_after: self
                .duration(&written.likely_after, &SPANS)
                .unwrap_or(usual.likely_after),
            likely_lateness: self
                .number(&written.likely_lateness)
                .unwrap_or(usual.likely_lateness),
            max_ends_per_hour: self
                .number(&written.max_ends_per_hour)
                .unwrap_or(usual.max_ends_per_hour),
            max_goroutines: self.goroutines(&written.max_goroutines),
        }
    }

    /// A number of goroutines; 1 or more.
    pub(super) fn goroutines(&mut self, entry: &Entry<i64>) -> Option<u64> {
        let written = entry.written()?;
        let number = u64::try_from(written.value)
            .ok()
            .filter(|number| *number > 0);
        let number =
            number.ok_or_else(|| format!("{} is too few; make it 1 or more", written.value));
        self.noted(written, number)
    }

    fn share(&mut self, entry: &Entry<f64>) -> Option<f64> {
        let written = entry.written()?;
        let share = if (0.0..=1.0).contains(&written.value) {
            Ok(written.value)
        } else {
            Err(format!("{} is no share; make it 0 to 1", written.value))
        };
        self.noted(written, share)
    }

    /// A finite number; 0 or more.
    fn number(&mut self, entry: &Entry<f64>) -> Option<f64> {
        let written = entry.written()?;
        let number = if (0.0..=f64::MAX).contains(&written.value) {
            Ok(written.value)
        } else {
            let number = written.value;
            Err(format!(
                "{number} is out of range; make it 0 or more, and finite"
            ))
        };
        self.noted(written, number)
    }
}
