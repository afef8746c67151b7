//! The floor test: busy moments go up and come down, a leak's minimum never comes back.

use std::time::Duration;

use super::Segment;
use super::growth::{BLOCKS, as_f64};
use super::rate::{changes, floors, moves};

/// Fewer good pulses than five for each block cannot show a floor.
const MIN_FLOOR_PULSES: usize = 5 * BLOCKS as usize;
/// Blocks that must have pulses: gaps may take the others.
const MIN_FLOORS: usize = 8;
/// The floor must rise by this many goroutines at least,
const MIN_FLOOR_GROWTH: f64 = 5.0;
/// and by this share of what it was.
const MIN_FLOOR_SHARE: f64 = 0.05;
/// At least this much of all movement of the floors must be net growth.
const MIN_FLOOR_NET: f64 = 0.8;
/// In the last third the floor must rise at least this much as fast as over the whole.
const MIN_LATENESS: f64 = 0.5;
/// No single rise between two blocks may be more than this much of the growth.
const MAX_JUMP: f64 = 0.5;

/// How the floor of one segment moved, after the warm-up of its process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// The lowest count in the first block.
    pub from: u64,
    /// The lowest count in the last one.
    pub to: u64,
    /// Net change over the sum of all changes without their signs; 0 where nothing moves.
    pub net_to_gross: f64,
    /// Slope of the last third over the slope of the whole.
    pub lateness: f64,
    /// The largest single rise over the growth.
    pub jump: f64,
    /// Its length.
    pub span: Duration,
    /// Its good pulses.
    pub pulses: usize,
}

impl Floor {
    /// Of a segment; `None` where it is too short, or never moved by enough.
    pub fn of(segment: &Segment<'_>) -> Option<Self> {
        let (lowest, highest) = (segment.low.iter().min()?, segment.low.iter().max()?);
        // Floors lie between them: most series end here.
        if segment.pulses() < MIN_FLOOR_PULSES || f64::from(highest - lowest) < MIN_FLOOR_GROWTH {
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
        Some(Self {
            from: count_of(first.1),
            to: count_of(last.1),
            net_to_gross: share(growth, gross),
            lateness: share(slope(third, last), slope(first, last)),
            jump: share(changes(&floors).fold(0.0, f64::max), growth),
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

    /// Whether it keeps rising.
    pub fn grows(&self) -> bool {
        let least = MIN_FLOOR_GROWTH.max(MIN_FLOOR_SHARE * as_f64(self.from.cast_signed()));
        self.growth() >= least
            && self.net_to_gross >= MIN_FLOOR_NET
            && self.lateness >= MIN_LATENESS
            && self.jump <= MAX_JUMP
    }

    /// A sentence with the numbers, to be followed by the place.
    pub fn sentence(&self) -> String {
        format!(
            "its lowest count rose from {} to {} in {} ({} pulses behind the warm-up): {:.0} % of all its \
             movement, {:.1} times as fast in the last third as over the whole, the largest step {:.0} % of it",
            self.from,
            self.to,
            humantime::format_duration(Duration::from_secs(self.span.as_secs())),
            self.pulses,
            self.net_to_gross * 100.0,
            self.lateness,
            self.jump * 100.0,
        )
    }
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

    fn grows(count: impl Fn(u32) -> u32) -> bool {
        let counts: Vec<u32> = (0..480).map(count).collect();
        floor(&counts, 5_000).is_some_and(|floor| floor.grows())
    }

    #[test]
    fn a_leak_rises_whatever_goes_on_above_it() {
        assert!(grows(|minute| minute / 10));
        assert!(grows(|minute| minute / 10 + minute * 7919 % 13));
        // Bursts of twelve every two hours, none of which comes back.
        assert!(grows(|minute| 40 + minute / 60 * 3));
    }

    #[test]
    fn what_comes_back_jumps_or_slows_down_does_not() {
        assert!(!grows(|_| 500));
        assert!(!grows(|minute| 50 + minute * 7919 % 13));
        assert!(!grows(|minute| if minute < 200 { 10 } else { 90 }));
        assert!(!grows(|minute| 100 - 100 * 60 / (minute + 60)));
        assert!(!grows(|minute| 100 + 240 - minute.abs_diff(240)));
        // Five of a thousand are nothing.
        assert!(!grows(|minute| 1_000 + minute / 60));
    }

    #[test]
    fn a_process_warms_up_first() {
        let rise: Vec<u32> = (0..90).map(|minute| minute.min(10) * 50 + 1).collect();
        assert!(floor(&rise, 0).is_none());
        assert!(floor(&rise, 5_000).is_some_and(|floor| floor.from == 1));
    }
}
