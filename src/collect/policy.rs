//! Which request is due. Pure: state and time in, decision out.

use std::time::Duration;

use super::schedule;
use crate::config::{DetailMode, Service};
use crate::model::{InstanceId, Timestamp};

/// Stop of the target's world per goroutine and pass of `debug=2`, measured on Go 1.21 to 1.27.
const STOP_PER_GOROUTINE: Duration = Duration::from_nanos(7_300);
/// Bytes of text a goroutine, measured at 11 frames; decides how often the buffer is doubled.
const BYTES_PER_GOROUTINE: u64 = 1_720;
/// Go's buffer begins at 1 MiB and ends at 64 (`writeGoroutineStacks`): seven passes at the most.
const MAX_PASSES: u32 = 7;

/// Fleets up to this size give their first detail at once; larger ones spread them.
const FIRST_DETAILS_AT_ONCE: usize = 50;

/// A target does not notice that a client has gone: after a detail that timed out, this long none.
const FIRST_BLOCK: Duration = Duration::from_hours(1);
const MAX_BLOCK: Duration = Duration::from_hours(168);

/// How long `debug=2` would stop a process with so many goroutines, all passes together.
pub fn predicted_stop(goroutines: u64) -> Duration {
    let bytes = goroutines.saturating_mul(BYTES_PER_GOROUTINE);
    let mebibytes = bytes.div_ceil(1 << 20).max(1);
    // 1 MiB: one pass. Each doubling of the buffer: one more.
    let passes = (mebibytes.next_power_of_two().ilog2() + 1).min(MAX_PASSES);
    let goroutines = u32::try_from(goroutines).unwrap_or(u32::MAX);
    STOP_PER_GOROUTINE
        .saturating_mul(goroutines)
        .saturating_mul(passes)
}

/// What is to be asked of an instance at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Counts only.
    Pulse,
    /// Counts, and right after them the whole text.
    PulseAndDetail,
    /// The whole text, whose counts serve as the pulse.
    DetailAsPulse,
}

/// What one instance's details have come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    last: Option<Timestamp>,
    /// The size at the last look, own goroutine included.
    goroutines: Option<u64>,
    blocked_until: Option<Timestamp>,
    block: Option<Duration>,
    /// A large fleet's first details wait until then.
    first_at: Option<Timestamp>,
}

impl Details {
    /// Details of an instance in a fleet of `instances` that starts at `now`.
    pub(super) fn new(
        instance: &InstanceId,
        service: &Service,
        instances: usize,
        now: Timestamp,
    ) -> Self {
        let spread = service.detail_interval.mul_f64(schedule::phase(instance));
        let first_at = (instances > FIRST_DETAILS_AT_ONCE).then(|| now.plus(spread));
        Self {
            first_at,
            ..Self::default()
        }
    }

    /// The size that the last look found.
    pub(super) const fn seen(&mut self, goroutines: u64) {
        self.goroutines = Some(goroutines);
    }

    /// A detail was made.
    pub(super) const fn made(&mut self, at: Timestamp) {
        self.last = Some(at);
        self.block = None;
    }

    /// A detail timed out: none for an hour, then doubling.
    pub(super) fn timed_out(&mut self, at: Timestamp) {
        let block = self
            .block
            .map_or(FIRST_BLOCK, |block| (block * 2).min(MAX_BLOCK));
        self.block = Some(block);
        self.blocked_until = Some(at.plus(block));
    }

    /// Another process answers: what its predecessor did counts no more.
    pub(super) const fn forget(&mut self) {
        self.last = None;
        self.blocked_until = None;
        self.block = None;
    }

    /// What the tick at `now` begins with. Without a known size a detail is never sent.
    pub(super) fn plan(&self, service: &Service, now: Timestamp) -> Plan {
        if service.detail == DetailMode::Always && self.is_allowed(service, now) {
            Plan::DetailAsPulse
        } else if service.detail == DetailMode::Auto {
            Plan::PulseAndDetail
        } else {
            Plan::Pulse
        }
    }

    /// Whether a detail follows the pulse that has just told the size.
    pub(super) fn follows(&self, service: &Service, now: Timestamp) -> bool {
        let due = self
            .last
            .is_none_or(|last| now.since(last) >= service.detail_interval);
        let first = self.last.is_some() || self.first_at.is_none_or(|first| now >= first);
        due && first && self.is_allowed(service, now)
    }

    fn is_allowed(&self, service: &Service, now: Timestamp) -> bool {
        let cheap = self
            .goroutines
            .is_some_and(|goroutines| predicted_stop(goroutines) <= service.detail_max_stop);
        cheap && self.blocked_until.is_none_or(|until| now >= until)
    }
}
