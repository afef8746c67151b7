//! The rate of a series and how sure it is: Theil–Sen over block floors.
//!
//! Sen, P. K. (1968), "Estimates of the regression coefficient based on Kendall's tau".

use super::Segment;
use super::growth::{BLOCKS, as_f64};

/// Fewer points than this give no interval.
const MIN_POINTS: usize = 4;
/// Standard normal quantile of a two-sided 90 % interval.
const Z_90: f64 = 1.645;

/// Goroutines per hour, with the 90 % interval of the slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The median slope.
    pub median: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

/// The rate of one segment; `None` with fewer than four points in time.
pub fn theil_sen(segment: &Segment<'_>) -> Option<Rate> {
    let points = floors(segment);
    if points.len() < MIN_POINTS {
        return None;
    }
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len() / 2);
    for (nth, (x, y)) in points.iter().enumerate() {
        let later = points.iter().skip(nth + 1).filter(|(later, _)| later > x);
        slopes.extend(later.map(|(later_x, later_y)| (later_y - y) / (later_x - x)));
    }
    slopes.sort_by(f64::total_cmp);
    let (n, all) = (count(points.len()), count(slopes.len()));
    let spread = Z_90 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    Some(Rate {
        median: at(&slopes, (all - 1.0) / 2.0)?,
        low: at(&slopes, ((all - spread) / 2.0 - 1.0).floor())?,
        high: at(&slopes, f64::midpoint(all, spread).ceil())?,
    })
}

/// How floors moved: net change, and the sum of all changes without their signs.
pub(super) fn moves(floors: &[(f64, f64)]) -> (f64, f64) {
    (changes(floors).sum(), changes(floors).map(f64::abs).sum())
}

/// From each floor to the next one.
pub(super) fn changes(floors: &[(f64, f64)]) -> impl Iterator<Item = f64> {
    let pairs = floors.iter().zip(floors.iter().skip(1));
    pairs.map(|((_, before), (_, after))| after - before)
}

/// Hour and lowest count of every block that has pulses. The hour is that of the slot with the
/// lowest count.
pub(super) fn floors(segment: &Segment<'_>) -> Vec<(f64, f64)> {
    let mut floors: Vec<(f64, f64)> = Vec::with_capacity(BLOCKS as usize);
    let slots = segment.track.blocks.iter().zip(segment.low);
    let mut here = None;
    for ((block, hour), low) in slots {
        let low = f64::from(*low);
        match floors.last_mut() {
            Some(floor) if here == Some(*block) => {
                if low < floor.1 {
                    *floor = (*hour, low);
                }
            }
            _ => floors.push((*hour, low)),
        }
        here = Some(*block);
    }
    floors
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the indices of the slice"
)]
fn at(sorted: &[f64], place: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get((place.clamp(0.0, count(last))) as usize)
        .copied()
}

fn count(len: usize) -> f64 {
    as_f64(i64::try_from(len).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::Track;
    use crate::analyse::growth::tests::polls;

    fn rate(counts: &[u32]) -> Option<Rate> {
        let minutes: Vec<i64> = (0..).map(|nth| nth * 60).take(counts.len()).collect();
        theil_sen(&Segment::of_polls(&Track::of(&polls(&minutes)), counts))
    }

    #[test]
    fn a_line_has_its_slope() {
        let line: Vec<u32> = (0..120).collect();
        let rate = rate(&line).unwrap();
        assert!((rate.median - 60.0).abs() < 1e-9 && rate.low > 55.0 && rate.high < 65.0);
    }

    #[test]
    fn noise_around_a_level_has_none() {
        let noise: Vec<u32> = (0..120u32).map(|n| 50 + (n * 7919) % 13).collect();
        let rate = rate(&noise).unwrap();
        assert!(rate.low <= 0.0 && rate.high >= 0.0, "{rate:?}");
    }

    #[test]
    fn three_points_are_too_few() {
        assert_eq!(rate(&[1, 2, 3]), None);
    }
}
