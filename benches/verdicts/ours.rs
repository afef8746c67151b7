//! The judge of goroscope, over the slots that an answer would judge.

use goroscope::analyse::{Case, DetailLook, Facts, Segment, Survival, Track, Verdict, read};
use goroscope::model::{Slot, Thresholds, Timestamp};

use super::fleet::{Fleet, HOUR_MS, Process};

/// A process that was seen for no longer than this is judged poll by poll, as answers do.
const BY_POLL_MS: i64 = 4 * HOUR_MS;
/// Slots of others.
const SLOT_MS: i64 = 600_000;

/// What is said of a fleet by what was polled before `until`, milliseconds since 1970.
pub(crate) fn ours(fleet: &Fleet, until: i64) -> Verdict {
    let thresholds = Thresholds::default();
    let mut case = Case::default();
    let mut processes_of = Vec::with_capacity(fleet.instances.len());
    for (nth, instance) in fleet.instances.iter().enumerate() {
        let processes = instance.processes.iter();
        let drawn: Vec<Drawn> = processes.map(|process| Drawn::of(process, until)).collect();
        let tracks: Vec<Track<'_>> = drawn
            .iter()
            .zip(&instance.processes)
            .map(|(drawn, process)| {
                Track::of_life(&drawn.slots, Timestamp::from_millis(process.began))
            })
            .collect();
        let pairs = drawn
            .iter()
            .zip(&tracks)
            .filter(|(drawn, _)| !drawn.slots.is_empty());
        let segments: Vec<Segment<'_>> = pairs.map(|(drawn, track)| drawn.segment(track)).collect();
        let seen = instance.processes.iter().zip(&drawn);
        let seen: Vec<&Process> = seen
            .filter(|(_, drawn)| !drawn.slots.is_empty())
            .map(|(process, _)| process)
            .collect();
        case.add(nth, &read(&segments, &thresholds));
        processes_of.push(seen);
    }
    let facts = Facts {
        survival: survival(&case, &processes_of, until, &thresholds),
        ..Facts::default()
    };
    case.conclude(&facts, &thresholds).verdict
}

/// How goroutines fared in the processes where floors rise.
fn survival(
    case: &Case,
    processes: &[Vec<&Process>],
    until: i64,
    thresholds: &Thresholds,
) -> Option<Survival> {
    let found = case.growing(thresholds).filter_map(|risen| {
        let process = processes.get(risen.instance)?.get(risen.rise.life)?;
        let taken = process.details.iter().filter(|(at, ..)| *at < until);
        let looks: Vec<DetailLook> = taken
            .map(|(at, count, survival)| DetailLook {
                hour: (at - process.began) as f64 / HOUR_MS as f64,
                count: u64::from(*count),
                survival: *survival,
            })
            .collect();
        Some(Survival::of(&looks))
    });
    found.reduce(|mut sum, more| {
        sum.add(more);
        sum
    })
}

/// The pulses of a process, drawn together as the store does.
#[derive(Default)]
struct Drawn {
    slots: Vec<Slot>,
    first: u32,
    low: Vec<u32>,
    last: Vec<u32>,
}

impl Drawn {
    fn of(process: &Process, until: i64) -> Self {
        let end = process.pulses.partition_point(|(at, _)| *at < until);
        let pulses = process.pulses.get(..end).unwrap_or_default();
        let (Some(first), Some(last)) = (pulses.first(), pulses.last()) else {
            return Self::default();
        };
        let width = if last.0 - first.0 <= BY_POLL_MS {
            1
        } else {
            SLOT_MS
        };
        let mut drawn = Self {
            first: first.1,
            ..Self::default()
        };
        for slot in pulses.chunk_by(|(a, _), (b, _)| a.div_euclid(width) == b.div_euclid(width)) {
            drawn.push(slot);
        }
        drawn
    }

    fn push(&mut self, pulses: &[(i64, u32)]) {
        let (Some(first), Some(last)) = (pulses.first(), pulses.last()) else {
            return;
        };
        self.slots.push(Slot {
            first_at: Timestamp::from_millis(first.0),
            last_at: Timestamp::from_millis(last.0),
            pulses: u32::try_from(pulses.len()).unwrap_or(u32::MAX),
            goroutines: u64::from(last.1),
        });
        self.low
            .push(pulses.iter().map(|(_, count)| *count).min().unwrap_or(0));
        self.last.push(last.1);
    }

    fn segment<'a>(&'a self, track: &'a Track<'a>) -> Segment<'a> {
        Segment {
            track,
            first: self.first,
            low: &self.low,
            last: &self.last,
        }
    }
}
