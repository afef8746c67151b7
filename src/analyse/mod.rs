//! Counts over time to verdicts, each a sentence with its numbers. Pure: columns in, findings out.
//!
//! Verdicts here follow the floor test and the plain rule of design section 6; thresholds are named
//! constants.
//! Absent on purpose: SQL, clocks, names of services.

mod floor;
mod growth;
mod hint;
mod rate;
mod verdict;

pub use floor::Floor;
pub use growth::{Growth, Segment, Track, growth};
pub use hint::{Hint, Pattern, Subject, hints};
pub use rate::{Rate, theil_sen};
pub use verdict::{
    Evidence, MIN_GROWTH, MIN_NET_TO_GROSS, MIN_PULSES, MIN_RISE, Verdict, judge,
    smallest_detectable_per_hour,
};
