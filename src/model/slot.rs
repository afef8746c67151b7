//! A stretch of a process's life in which its pulses are drawn together.

use super::Timestamp;

/// Some good pulses of one process, one after the other: those of ten minutes, of a day, or one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The first of them.
    pub first_at: Timestamp,
    /// The last of them.
    pub last_at: Timestamp,
    /// How many there are, at least 1.
    pub pulses: u32,
    /// All goroutines of the process at the last of them.
    pub goroutines: u64,
}
