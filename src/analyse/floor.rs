//! The floor test: busy moments go up and come down, a leak's minimum never comes back.

use std::time::Duration;

use super::Segment;
use super::growth::{BLOCKS, as_f64};
use super::rate::{changes, floors, moves};
use crate::model::Thresholds;

/// Fewer good pulses than five for each block cannot show a floor.
pub(super) const MIN_FLOOR_PULSES: usize = 5 * BLOCKS as usize;
/// What is seen for less time than this says nothing of the next hour, however often it was looked at.
pub(super) const MIN_FLOOR_SPAN: Duration = Duration::from_mins(5);
/// Blocks that must have pulses: gaps may take the others.
const MIN_FLOORS: usize = 8;

/// How the floor of one segment moved, after the warm-up of its process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// The lowest count in the first block.
    pub from: u64,
    /// The lowest count in the last one.
    pub to: u64,
    /// The highest floor less the lowest one.
    pub range: f64,
    /// Net change over the sum of all changes without their signs; 0 where nothing moves.
    pub net_to_gross: f64,
    /// Slope of the last third over the slope of the whole.
    pub lateness: f64,
    /// The largest single rise over the growth.
    pub jump: f64,
    /// The most that a floor came down from any earlier one.
    pub fall: f64,
    /// Its length.
    pub span: Duration,
    /// Its good pulses.
    pub pulses: usize,
}

/// What a floor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// Keeps rising.
    Grows,
    /// Rose, and does so no more: slower at the end, or by one jump.
    Stopped,
    /// Goes both ways.
    Wanders,
    /// Moves by too little to speak of.
    Stands,
}

impl Floor {
    /// Of a segment; `None` where it is too short.
    pub fn of(segment: &Segment<'_>) -> Option<Self> {
        if !is_enough(segment.pulses(), segment.span()) {
            return None;
        }
        let floors = floors(segment);
        let (first, last) = (floors.first()?, floors.last()?);
        if floors.len() < MIN_FLOORS {
            return None;
        }
        let (growth, gross) = moves(&floors);
        let slope =
            |from: &(f64, f64), to: &(f64, f64)| (to.1 - from.1) / (to.0 - from.0).max(1e-9);
        let third = floors.get(floors.len() - 1 - floors.len() / 3)?;
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let counts = || floors.iter().map(|(_, count)| *count);
        Some(Self {
            from: count_of(first.1),
            to: count_of(last.1),
            range: counts().fold(0.0, f64::max) - counts().fold(f64::INFINITY, f64::min),
            net_to_gross: share(growth, gross),
            lateness: share(slope(third, last), slope(first, last)),
            jump: share(changes(&floors).fold(0.0, f64::max), growth),
            fall: fall(counts()),
            span: segment.span(),
            pulses: segment.pulses(),
        })
    }

    /// Net change; negative where it fell.
    pub fn growth(&self) -> f64 {
        as_f64(self.to.cast_signed()) - as_f64(self.from.cast_signed())
    }

    /// Net change upwards, goroutines.
    pub const fn rise(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }

    /// What it does.
    pub fn movement(&self, thresholds: &Thresholds) -> Movement {
        let from = as_f64(self.from.cast_signed());
        let least = as_f64(thresholds.min_floor_growth.cast_signed());
        let least = least.max(thresholds.min_floor_share * from);
        if self.range < least {
            return Movement::Stands;
        }
        let net = self.growth() >= least && self.net_to_gross >= thresholds.min_net_to_gross;
        let goes_on =
            self.lateness >= self.least_lateness(thresholds) && self.jump <= thresholds.max_jump;
        match (net, goes_on) {
            (true, true) => Movement::Grows,
            (true, false) => Movement::Stopped,
            (false, _) => Movement::Wanders,
        }
    }

    /// Goroutines that leak one by one come by chance: of few in the last third, one standard deviation may be
    /// missing.
    fn least_lateness(&self, thresholds: &Thresholds) -> f64 {
        let expected = (self.growth() / 3.0).max(1.0);
        thresholds.min_lateness.min(1.0 - expected.sqrt().recip())
    }

    /// How it moved, in numbers.
    pub fn sentence(&self) -> String {
        format!(
            "its lowest count rose from {} to {} in {} ({} pulses behind the warm-up): {:.0} % of all its \
             movement, {:.1} times as fast in the last third as over the whole, the largest step {:.0} % of it",
            self.from,
            self.to,
            words(self.span),
            self.pulses,
            self.net_to_gross * 100.0,
            self.lateness,
            self.jump * 100.0,
        )
    }
}

/// Whether so many pulses in so much time can show a floor.
pub(super) fn is_enough(pulses: usize, span: Duration) -> bool {
    pulses >= MIN_FLOOR_PULSES && span >= MIN_FLOOR_SPAN
}

/// A length of time in words, to the second.
pub(super) fn words(span: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(span.as_secs()))
}

/// The most that counts came down from any earlier one.
fn fall(counts: impl Iterator<Item = f64>) -> f64 {
    let mut highest = 0.0_f64;
    let falls = counts.map(|count| {
        highest = highest.max(count);
        highest - count
    });
    falls.fold(0.0, f64::max)
}

/// A floor is a count that was made an `f64`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are whole, not negative and below 2^53"
)]
const fn count_of(floor: f64) -> u64 {
    floor as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::Track;
    use crate::analyse::growth::tests::polls;
    use crate::model::Timestamp;

    /// What is found of a count each minute, of a process that began so many minutes before.
    fn floor(counts: &[u32], began: i64) -> Option<Floor> {
        let minutes: Vec<i64> = (0..).map(|nth| nth * 60).take(counts.len()).collect();
        let slots = polls(&minutes);
        let track = Track::of_life(&slots, Timestamp::from_millis(-began * 60_000));
        Floor::of(&Segment::of_polls(&track, counts).settled())
    }

    fn movement(count: impl Fn(u32) -> u32) -> Movement {
        let counts: Vec<u32> = (0..480).map(count).collect();
        floor(&counts, 5_000)
            .unwrap()
            .movement(&Thresholds::default())
    }

    #[test]
    fn a_leak_rises_whatever_goes_on_above_it() {
        assert_eq!(movement(|minute| minute / 10), Movement::Grows);
        let busy = |minute| minute / 10 + minute * 7919 % 13;
        assert_eq!(movement(busy), Movement::Grows);
        // Bursts of twelve every two hours, none of which comes back.
        assert_eq!(movement(|minute| 40 + minute / 60 * 3), Movement::Grows);
    }

    #[test]
    fn what_comes_back_jumps_or_slows_down_does_not() {
        assert_eq!(movement(|_| 500), Movement::Stands);
        let busy = |minute| 50 + minute * 7919 % 13;
        assert_eq!(movement(busy), Movement::Stands);
        let jump = |minute| if minute < 200 { 10 } else { 90 };
        assert_eq!(movement(jump), Movement::Stopped);
        let slows = |minute| 100 - 100 * 60 / (minute + 60);
        assert_eq!(movement(slows), Movement::Stopped);
        let returns = |minute: u32| 340 - minute.abs_diff(240);
        assert_eq!(movement(returns), Movement::Wanders);
        // Five of a thousand are nothing.
        let few = |minute| 1_000 + minute / 60;
        assert_eq!(movement(few), Movement::Stands);
    }

    #[test]
    fn the_fall_is_from_the_highest_floor() {
        let counts: Vec<u32> = (0..480u32)
            .map(|minute| 340 - minute.abs_diff(240))
            .collect();
        assert!(floor(&counts, 5_000).is_some_and(|floor| floor.fall > 190.0));
    }

    #[test]
    fn a_process_warms_up_first() {
        let rise: Vec<u32> = (0..90).map(|minute| minute.min(10) * 50 + 1).collect();
        assert!(floor(&rise, 0).is_some_and(|floor| floor.from == 501));
        assert!(floor(&rise, 5_000).is_some_and(|floor| floor.from == 1));
    }
}
