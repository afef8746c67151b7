//! The parts that the count of one signature in one process is made of: what is seen of it at a poll.

use fastrand::Rng;

use super::chance::{Load, poisson};
use super::course::Course;

/// A part of a count.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Stands still.
    Fixed(f64),
    /// Comes to another count at each of these hours; the first counts before all of them.
    Steps(Vec<(f64, f64)>),
    /// Requests under way: gone before the next poll. `most` is the size of the pool.
    InFlight { load: Load, mean: f64, most: f64 },
    /// Each `every` hours, for `lasts` hours, up to `height`.
    Batch {
        every: f64,
        phase: f64,
        lasts: f64,
        height: f64,
    },
    /// What is still there at the next poll.
    Lasting { course: Course, now: f64 },
}

impl Part {
    /// Requests that nothing holds back.
    pub(crate) const fn requests(load: Load, mean: f64) -> Self {
        Self::InFlight {
            load,
            mean,
            most: f64::INFINITY,
        }
    }

    /// Brings it to the state that it is in when it is met at `hour`, `age` hours after the process began.
    pub(crate) fn meet(&mut self, hour: f64, age: f64, rng: &mut Rng) {
        if let Self::Lasting { course, now } = self {
            *now = course.met(hour, age, rng);
        }
    }

    /// The count at the next poll.
    pub(crate) fn step(&mut self, hour: f64, rng: &mut Rng) -> f64 {
        match self {
            Self::Fixed(count) => *count,
            Self::Steps(steps) => {
                let behind = steps.iter().rev().find(|(at, _)| *at <= hour);
                behind.or(steps.first()).map_or(0.0, |(_, count)| *count)
            }
            Self::InFlight { load, mean, most } => poisson(rng, *mean * load.at(hour)).min(*most),
            Self::Batch {
                every,
                phase,
                lasts,
                height,
            } => {
                if (hour + *phase).rem_euclid(*every) < *lasts {
                    (*height * (0.5 + 0.5 * rng.f64())).round()
                } else {
                    0.0
                }
            }
            Self::Lasting { course, now } => {
                *now = course.next(*now, hour, rng);
                now.round()
            }
        }
    }
}

impl Part {
    /// How many of a sample of its goroutines are still the same ones `apart` hours later, as a share.
    pub(crate) fn stays(&self, hour: f64, apart: f64) -> f64 {
        match self {
            Self::Fixed(_) | Self::Steps(_) => 1.0,
            Self::InFlight { .. } | Self::Batch { .. } => 0.0,
            Self::Lasting { course, .. } => course.stays(hour, apart),
        }
    }
}

impl From<Course> for Part {
    fn from(course: Course) -> Self {
        Self::Lasting { course, now: 0.0 }
    }
}
