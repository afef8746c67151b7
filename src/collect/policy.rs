//! Which request is due. Pure: state and time in, decision out.

use std::time::Duration;

use super::pause::Pause;
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

/// A fresh suspect brings a detail on, but none sooner behind the last than that all of them stop the target for
/// one part in so many of the time, and none this soon.
const DETAIL_SHARE: u32 = 1_000;
const LEAST_BETWEEN_DETAILS: Duration = Duration::from_secs(10);

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

/// What may bring a detail on before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Nothing.
    None,
    /// A suspect that no detail has told of yet.
    FreshSuspect,
    /// A proof comes next, which erases the wait minutes of what it proves.
    BeforeProof,
}

/// What one instance's details have come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    last: Option<Timestamp>,
    /// The size at the last look, own goroutine included.
    goroutines: Option<u64>,
    /// A target does not notice that a client has gone: none for a while after one that timed out.
    pause: Pause,
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
        self.pause.reset();
    }

    /// A detail timed out.
    pub(super) fn timed_out(&mut self, at: Timestamp) {
        self.pause.begin(at);
    }

    /// Another process answers: what its predecessor did counts no more.
    pub(super) fn forget(&mut self) {
        self.last = None;
        self.pause = Pause::default();
    }

    /// What the tick at `now` begins with. Without a known size a detail is never sent. Only a pulse
    /// shows whether it is safe to ask for a proof.
    pub(super) fn plan(&self, service: &Service, now: Timestamp, may_prove: bool) -> Plan {
        match service.detail {
            DetailMode::Never => Plan::Pulse,
            DetailMode::Auto => Plan::PulseAndDetail,
            DetailMode::Always if !self.is_allowed(service, now) => Plan::Pulse,
            DetailMode::Always if may_prove => Plan::PulseAndDetail,
            DetailMode::Always => Plan::DetailAsPulse,
        }
    }

    /// Whether a detail follows the pulse that has just told the size.
    pub(super) fn follows(&self, service: &Service, now: Timestamp, urgency: Urgency) -> bool {
        let wait = match urgency {
            _ if service.detail == DetailMode::Always => Duration::ZERO,
            Urgency::None => service.detail_interval,
            Urgency::FreshSuspect => service.detail_interval.min(self.least_wait()),
            Urgency::BeforeProof => Duration::ZERO,
        };
        let due = match (self.last, urgency) {
            (Some(last), _) => now.since(last) >= wait,
            (None, Urgency::None) => self.first_at.is_none_or(|first| now >= first),
            (None, _) => true,
        };
        due && self.is_allowed(service, now)
    }

    /// From one detail to another that is brought on.
    fn least_wait(&self) -> Duration {
        let stop = self.goroutines.map_or(Duration::MAX, predicted_stop);
        stop.saturating_mul(DETAIL_SHARE).max(LEAST_BETWEEN_DETAILS)
    }

    fn is_allowed(&self, service: &Service, now: Timestamp) -> bool {
        let cheap = self
            .goroutines
            .is_some_and(|goroutines| predicted_stop(goroutines) <= service.detail_max_stop);
        cheap && now >= self.pause.end()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::config::{self, Environment};

    #[test]
    fn a_fresh_suspect_or_a_proof_brings_a_detail_on() {
        let text = "[[services]]\nname = 's'\ntargets = ['a:1']";
        let config = config::parse(text, Path::new("x.toml"), &Environment::default());
        let service = config.unwrap().services.swap_remove(0);
        let at = |minutes| Timestamp::default().plus(Duration::from_mins(minutes));
        let id = Arc::clone(&service.instances[0].id);
        let mut details = Details::new(&id, &service, 1, at(0));
        let urgencies = [Urgency::None, Urgency::FreshSuspect, Urgency::BeforeProof];
        let follows = |details: &Details, minutes| {
            urgencies.map(|urgency| details.follows(&service, at(minutes), urgency))
        };
        // Of unknown size it is never sent.
        assert_eq!(follows(&details, 0), [false; 3]);
        details.seen(100);
        assert_eq!(follows(&details, 0), [true; 3]);
        details.made(at(0));
        assert_eq!(follows(&details, 1), [false, true, true]);
        assert_eq!(follows(&details, 10), [true; 3]);
        // 2,000 goroutines stand still for 44 ms: a thousand times that lies between two of them.
        details.seen(2_000);
        details.made(at(0).minus(Duration::from_secs(43)));
        assert_eq!(follows(&details, 0), [false, false, true]);
        details.made(at(0).minus(Duration::from_secs(44)));
        assert_eq!(follows(&details, 0), [false, true, true]);
        details.timed_out(at(10));
        assert_eq!(follows(&details, 69), [false; 3]);
        assert_eq!(follows(&details, 70), [true; 3]);
        details.timed_out(at(70));
        assert_eq!(follows(&details, 189), [false; 3]);
        details.seen(1_000_000);
        assert_eq!(follows(&details, 1_000), [false; 3]);
    }
}
