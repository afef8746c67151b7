//! What verdicts rest on: every number that turns counts into a word, by name.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The thresholds of the analysis: the table `[analysis]` of a config, kept in the database so that queries
/// judge as the daemon does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Growth below this is not worth a word, goroutines; at least 1.
    pub min_growth: u64,
    /// The floor of a series must rise by this many goroutines at least; at least 1.
    pub min_floor_growth: u64,
    /// And by this share of what it was; 0 to 1.
    pub min_floor_share: f64,
    /// At least this much of all movement of the floors must be net growth; 0 to 1.
    pub min_net_to_gross: f64,
    /// In the last third the floor must rise at least this much as fast as over the whole, less what chance may
    /// take of a small growth; 0 or more.
    pub min_lateness: f64,
    /// No single rise between two floors may be more than this much of the growth; 0 to 1.
    pub max_jump: f64,
    /// What falls by this share of the growth on another instance, or in another process, is load; 0 to 1.
    pub max_fall_elsewhere: f64,
    /// A floor that rises for so long on one instance alone may be LIKELY.
    pub likely_after: Duration,
    /// And is so without survival when its lateness is this at least; 0 or more.
    pub likely_lateness: f64,
    /// Goroutines of a group that end at no more than this rate do not end: ends per goroutine and hour.
    pub max_ends_per_hour: f64,
    /// Goroutines of one process at which trouble begins; answers say how long it is until then. At least 1.
    pub max_goroutines: Option<u64>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            min_growth: 3,
            min_floor_growth: 5,
            min_floor_share: 0.01,
            min_net_to_gross: 0.8,
            min_lateness: 0.5,
            max_jump: 0.5,
            max_fall_elsewhere: 0.25,
            likely_after: Duration::from_hours(24),
            likely_lateness: 0.6,
            max_ends_per_hour: 0.02,
            max_goroutines: None,
        }
    }
}
