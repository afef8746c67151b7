//! Counts over time to verdicts, each a sentence with its numbers. Pure: columns in, findings out.
//!
//! Reading order: [`mod@growth`] (what a series is), [`rate`], [`floor`] (the test that verdicts rest on), [`series`]
//! (what one series says by itself), [`survival`] (whether its goroutines stay), [`case`] (a signature in a
//! service: its series held against each other), [`hint`] (what a growing stack usually means), [`ignore`].
//! Absent on purpose: SQL, clocks, names of services.

mod case;
mod floor;
mod growth;
mod hint;
mod ignore;
mod rate;
mod series;
mod survival;
mod verdict;

pub use case::{Case, Conclusion, Facts, Risen};
pub use floor::{Floor, Movement};
pub use growth::{Growth, Segment, Track, growth};
pub use hint::{Growing, Hint, Pattern, hints};
pub use ignore::{IgnoreRules, Subject, is_meant};
pub use rate::{Rate, theil_sen};
pub use series::{Evidence, Reading, Rise, read, smallest_detectable_per_hour};
pub use survival::{DetailLook, Survival};
pub use verdict::Verdict;
