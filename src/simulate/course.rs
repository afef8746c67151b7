//! What the count of a group does over time. Pure: every count is a function of what was drawn and of the time.

use std::f64::consts::TAU;
use std::time::Duration;

use super::draw::{draw, normal, share, whole};

/// Traffic holds still for so long, so that two forms of one moment can be read one after the other.
const HOLD: Duration = Duration::from_millis(200);

/// What the goroutines of one stack do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Course {
    /// So many, from the start on.
    Steady(u32),
    /// A pool that fills up and stays.
    Fills {
        /// How many it comes to.
        size: u32,
        /// How long that takes.
        within: Duration,
    },
    /// A leak: goroutines that come and never end.
    Leaks {
        /// How many an hour, on an instance with average traffic.
        per_hour: f64,
    },
    /// Requests: about so many, more and fewer as the traffic goes.
    Traffic {
        /// In the middle.
        mean: f64,
        /// From the middle to the top, as a share of it.
        swing: f64,
        /// From one top to the next.
        period: Duration,
    },
    /// Batch work: at three of ten moments about so many, else none.
    Bursts(f64),
    /// A pool that is made larger once.
    Steps {
        /// Before.
        from: u32,
        /// From then on.
        to: u32,
        /// How old the process is then.
        at: Duration,
    },
}

/// When a course is looked at, and for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    /// Drawn for this group of this process.
    pub(super) drawn: u64,
    /// How long the process has been there.
    pub(super) age: Duration,
    /// How long the fleet has been there: traffic goes by its clock.
    pub(super) elapsed: Duration,
}

impl Course {
    /// How many goroutines there are.
    pub(super) fn count(self, seat: Seat) -> u32 {
        match self {
            Self::Steady(count) => count,
            Self::Fills { size, within } => {
                let filled = seat.age.as_secs_f64() / within.as_secs_f64().max(1e-3);
                whole(f64::from(size) * filled.min(1.0))
            }
            Self::Leaks { per_hour } => {
                whole(rate(per_hour, seat.drawn) * seat.age.as_secs_f64() / 3600.0)
            }
            Self::Traffic {
                mean,
                swing,
                period,
            } => {
                let turn = seat.elapsed.as_secs_f64() / period.as_secs_f64().max(1e-3);
                let mean = mean * (1.0 + swing * (turn * TAU).sin());
                whole(mean + mean.max(0.0).sqrt() * normal(seat.moment()) + 0.5)
            }
            Self::Bursts(mean) => {
                let moment = seat.moment();
                let is_there = share(moment) < 0.3;
                let size = mean + mean.sqrt() * normal(draw(&[moment, 1])) + 0.5;
                if is_there { whole(size) } else { 0 }
            }
            Self::Steps { from, to, at } => {
                if seat.age < at {
                    from
                } else {
                    to
                }
            }
        }
    }

    /// How old the process was when the goroutine `nth` of this moment began.
    pub(super) fn born(self, nth: u32, seat: Seat) -> Duration {
        let nth = f64::from(nth) + 1.0;
        let born = match self {
            Self::Steady(_) => Duration::ZERO,
            Self::Fills { size, within } => within.mul_f64(nth / f64::from(size).max(nth)),
            Self::Leaks { per_hour } => {
                Duration::from_secs_f64(nth / rate(per_hour, seat.drawn).max(1e-6) * 3600.0)
            }
            Self::Traffic { .. } | Self::Bursts(_) => seat.age.saturating_sub(HOLD),
            Self::Steps { from, at, .. } => {
                if nth > f64::from(from) {
                    at
                } else {
                    Duration::ZERO
                }
            }
        };
        born.min(seat.age)
    }

    /// How often all its goroutines have been replaced by others: what stays keeps its ids.
    pub(super) fn turns(self, seat: Seat) -> u64 {
        match self {
            Self::Traffic { .. } | Self::Bursts(_) => seat.beat(),
            _ => 0,
        }
    }

    /// Whether the garbage collector could prove that these never wake.
    pub fn is_leak(self) -> bool {
        matches!(self, Self::Leaks { .. })
    }
}

impl Seat {
    /// The number of the stretch in which traffic holds still.
    fn beat(self) -> u64 {
        u64::try_from(self.elapsed.as_millis() / HOLD.as_millis()).unwrap_or(u64::MAX)
    }

    /// Drawn for this stretch.
    fn moment(self) -> u64 {
        draw(&[self.drawn, self.beat()])
    }
}

/// Some instances have more traffic than others, and leak faster: 0.7 to 1.3 of the average.
fn rate(per_hour: f64, drawn: u64) -> f64 {
    per_hour * (0.7 + 0.6 * share(drawn))
}
