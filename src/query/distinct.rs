//! How many signatures there are, as a series of its own: what leaks in a new stack each time grows in none of them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;

use super::WindowHead;
use super::scope::Observed;
use crate::analyse::{Case, Facts, Growth, Reading, Segment, Track, Verdict, growth, read};
use crate::model::{Thresholds, Timestamp};
use crate::store::{Course, InstanceRow, SightingRow, SignatureKey};

/// What a service shows in its first hour is where we came in.
const CAME_IN: Duration = Duration::from_hours(1);
/// Fewer new signatures than this, or than were known before, are no flood.
const MIN_NEW: usize = 100;
/// Parts of the time of which none may have more than half of the new ones: a deploy is one jump.
const PARTS: u32 = 6;
/// The last third must have this much of its share: what is rare turns up ever slower.
const LATE_SHARE: f64 = 0.9;
/// Sentences of evidence per row.
const EVIDENCE: usize = 3;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Signatures that one process had at the same time.
    AtOnce,
    /// Signatures that were ever seen in the service.
    Ever,
}

/// A service in which the number of distinct signatures grows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistinctRow {
    /// Its name.
    pub service: String,
    /// What the numbers are of.
    pub counted: Counted,
    /// The instance that the numbers are of, where they are of one: the one on which they grew most.
    pub instance: Option<String>,
    /// Instances on which the number grows, where it is of one.
    pub instances_growing: usize,
    /// The number at the first good pulse of the window.
    pub first: u64,
    /// The last known one.
    pub last: u64,
    /// Growth, summed over processes.
    pub growth: i64,
    /// Signatures per hour.
    pub per_hour: f64,
    /// What follows.
    pub verdict: Verdict,
    /// Why, in sentences.
    pub evidence: Vec<String>,
}

/// How many signatures an instance had at once.
#[derive(Debug, Clone)]
pub(super) struct Distinct {
    /// Which of the chosen ones.
    instance: usize,
    growth: Growth,
    reading: Reading,
}

/// Reads the number of signatures of an instance as one series.
pub(super) fn distinct(
    instance: usize,
    (observed, tracks): (&Observed, &[Track<'_>]),
    thresholds: &Thresholds,
) -> Distinct {
    let lives = observed.lives.iter();
    let numbers: Vec<Numbers> = lives.map(|life| Numbers::of(&life.course)).collect();
    let of_lives = numbers.iter().zip(tracks);
    let segments: Vec<Segment<'_>> = of_lives.map(|(numbers, track)| numbers.on(track)).collect();
    Distinct {
        instance,
        growth: growth(&segments),
        reading: read(&segments, thresholds),
    }
}

/// How many signatures a process had.
#[derive(Debug)]
struct Numbers {
    /// At its first pulse.
    first: u32,
    /// At every pulse of each slot.
    low: Vec<u32>,
    /// At the last pulse of each slot.
    last: Vec<u32>,
}

impl Numbers {
    fn of(course: &Course) -> Self {
        let none = vec![0; course.slots.len()];
        let mut numbers = Self {
            first: 0,
            low: none.clone(),
            last: none,
        };
        for (_, series) in course.series.iter() {
            numbers.first += u32::from(series.first > 0);
            add_present(&mut numbers.low, series.low);
            add_present(&mut numbers.last, series.last);
        }
        numbers
    }

    fn on<'a>(&'a self, track: &'a Track<'a>) -> Segment<'a> {
        Segment {
            track,
            first: self.first,
            low: &self.low,
            last: &self.last,
        }
    }
}

fn add_present(numbers: &mut [u32], counts: &[u32]) {
    for (number, count) in numbers.iter_mut().zip(counts) {
        *number += u32::from(*count > 0);
    }
}

/// How many signatures the instances of a service had at once.
#[derive(Debug, Default)]
pub(super) struct Variety {
    case: Case,
    /// Where the number grows.
    growing: Vec<Distinct>,
}

impl Variety {
    /// Adds an instance.
    pub(super) fn add(&mut self, distinct: Distinct) {
        self.case.add(distinct.instance, &distinct.reading);
        if !distinct.reading.rises.is_empty() {
            self.growing.push(distinct);
        }
    }

    /// What is to be told of a service; `None` where the number does not grow.
    fn row(
        &self,
        service: &str,
        instances: &[InstanceRow],
        thresholds: &Thresholds,
    ) -> Option<DistinctRow> {
        let conclusion = self.case.conclude(&Facts::default(), thresholds);
        if conclusion.verdict < Verdict::Growing {
            return None;
        }
        let mut growing: Vec<&Distinct> = self.growing.iter().collect();
        growing.retain(|distinct| {
            self.case.verdict_on(&distinct.reading, thresholds) >= Verdict::Growing
        });
        growing.sort_by_key(|distinct| std::cmp::Reverse(distinct.growth.growth));
        let most = growing.first()?;
        let name = |distinct: &Distinct| {
            let instance = instances.get(distinct.instance);
            instance.map_or("", |row| &row.name).to_owned()
        };
        let mut evidence = conclusion.reasons;
        evidence.extend(growing.iter().take(EVIDENCE).map(|distinct| {
            let sentence = distinct.reading.evidence.sentence();
            format!("{}: {sentence}", name(distinct))
        }));
        Some(DistinctRow {
            service: service.to_owned(),
            counted: Counted::AtOnce,
            instance: Some(name(most)),
            instances_growing: growing.len(),
            first: most.growth.first,
            last: most.growth.last,
            growth: most.growth.growth,
            per_hour: most.growth.per_hour,
            verdict: conclusion.verdict,
            evidence,
        })
    }
}

/// Services in which the number of signatures grows: at once in a process, or else of all that were ever seen.
pub(super) fn distinct_rows(
    varieties: &BTreeMap<String, Variety>,
    (instances, head): (&[InstanceRow], &WindowHead),
    sightings: &[SightingRow],
    thresholds: &Thresholds,
) -> Vec<DistinctRow> {
    let firsts = firsts(sightings);
    let told = varieties.iter().filter_map(|(service, variety)| {
        let ever = || {
            let window = (head.since, head.polled_until?);
            flood(service, firsts.get(service.as_str())?, window)
        };
        variety.row(service, instances, thresholds).or_else(ever)
    });
    told.collect()
}

/// When each signature of a service was seen first, in order.
fn firsts(sightings: &[SightingRow]) -> HashMap<&str, Vec<Timestamp>> {
    let mut of_service: HashMap<&str, HashMap<SignatureKey, Timestamp>> = HashMap::new();
    for row in sightings {
        let known = of_service.entry(&row.service).or_default();
        let first = known.entry(row.signature).or_insert(row.first_at);
        *first = row.first_at.min(*first);
    }
    let in_order = |known: HashMap<SignatureKey, Timestamp>| {
        let mut firsts: Vec<Timestamp> = known.into_values().collect();
        firsts.sort_unstable();
        firsts
    };
    let services = of_service.into_iter();
    services
        .map(|(service, known)| (service, in_order(known)))
        .collect()
}

/// Whether new signatures come and come, however short each of them is there.
fn flood(
    service: &str,
    firsts: &[Timestamp],
    (since, until): (Timestamp, Timestamp),
) -> Option<DistinctRow> {
    let from = since.max(firsts.first()?.plus(CAME_IN));
    let upto = |at: Timestamp| firsts.partition_point(|first| *first < at);
    let (before, all) = (upto(from), firsts.partition_point(|first| *first <= until));
    let (new, span) = (all.checked_sub(before)?, until.since(from));
    if new < MIN_NEW.max(before) {
        return None;
    }
    let edges = (0..PARTS).map(|nth| upto(from.plus(span / PARTS * nth)));
    let edges: Vec<usize> = edges.chain([all]).collect();
    let mut parts = edges.iter().zip(edges.iter().skip(1));
    let jumps = parts.any(|(begin, end)| (end - begin) * 2 > new);
    let late = all - upto(until.minus(span / 3));
    if jumps || number(late) * 3.0 < LATE_SHARE * number(new) {
        return None;
    }
    Some(DistinctRow {
        service: service.to_owned(),
        counted: Counted::Ever,
        instance: None,
        instances_growing: 0,
        first: before as u64,
        last: all as u64,
        growth: i64::try_from(new).unwrap_or(i64::MAX),
        per_hour: number(new) / (span.as_secs_f64() / 3600.0),
        verdict: Verdict::Suspect,
        evidence: vec![format!(
            "{new} signatures were seen for the first time within {}, {late} of them in the last third of it; \
             {before} were known before",
            humantime::format_duration(Duration::from_secs(span.as_secs())),
        )],
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of signatures are below 2^53"
)]
const fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Slot;

    fn hour(hours: f64) -> Timestamp {
        Timestamp::default().plus(Duration::from_secs_f64(hours * 3600.0))
    }

    /// What is said of a day in which the `nth` of so many signatures is met at an hour.
    fn said(signatures: u32, met: impl Fn(f64) -> f64) -> Option<i64> {
        let mut firsts: Vec<Timestamp> = (0..signatures)
            .map(|nth| hour(met(f64::from(nth) / f64::from(signatures))))
            .collect();
        firsts.sort_unstable();
        let row = flood("s", &firsts, (hour(0.0), hour(24.0)))?;
        assert!(row.verdict == Verdict::Suspect && row.counted == Counted::Ever);
        Some(row.growth)
    }

    #[test]
    fn a_flood_goes_on_and_what_is_rare_turns_up_ever_slower() {
        let steady = |part| 24.0 * part;
        assert_eq!(said(2_400, steady), Some(2_300));
        // Too few of them.
        assert_eq!(said(90, steady), None);
        // As the square of the time, and as its square root.
        assert_eq!(said(2_400, |part: f64| 24.0 * part.sqrt()), Some(2_395));
        assert_eq!(said(2_400, |part| 24.0 * part * part), None);
        // All that a service has, in its first hour; and a deploy that doubles it.
        assert_eq!(said(2_400, |part| part), None);
        assert_eq!(
            said(2_400, |part| if part < 0.4 { part } else { 20.0 + part }),
            None
        );
    }

    #[test]
    fn the_number_is_of_what_is_there_at_every_pulse_of_a_slot() {
        let slot = |minute: u64| Slot {
            first_at: Timestamp::default().plus(Duration::from_mins(minute)),
            last_at: Timestamp::default().plus(Duration::from_mins(minute)),
            pulses: 1,
            goroutines: 0,
        };
        let slots: Vec<Slot> = (0..240).map(slot).collect();
        let track = Track::of(&slots);
        let mut numbers = Numbers {
            first: 0,
            low: vec![0; 240],
            last: vec![0; 240],
        };
        // One more each three minutes, each with one goroutine for ever.
        for begin in (0..240).step_by(3) {
            let counts: Vec<u32> = (0..240).map(|at| u32::from(at >= begin)).collect();
            add_present(&mut numbers.low, &counts);
            add_present(&mut numbers.last, &counts);
        }
        let reading = read(&[numbers.on(&track)], &Thresholds::default());
        assert_eq!(reading.verdict(), Verdict::Growing);
    }
}
