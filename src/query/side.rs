//! One side of a comparison: which processes it means, and what each showed at its moment.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::parallel::in_parallel;
use super::scope::chosen;
use super::{QueryError, Scope};
use crate::model::{Signature, StartReason, Timestamp};
use crate::store::{
    Course, Grain, IncarnationRow, InstanceRow, PackedCourse, Reader, SignatureRows,
};

/// A good poll says nothing of a moment that is later by more than this, or than three intervals.
const STALE: Duration = Duration::from_mins(5);
const STALE_INTERVALS: u64 = 3;
/// The interval of an instance is that of its polls in this time.
const RECENT: Duration = Duration::from_hours(24);
const DAY_MS: i64 = 86_400_000;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// A moment.
    Time(Timestamp),
    /// The build whose GNU build id begins so.
    Build(String),
    /// A service, as it was last.
    Service(String),
    /// A whole database, as it was last.
    Database,
}

/// One process of a side, and the moment at which it is looked at.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) instance: InstanceRow,
    /// `None` where none was known by then.
    pub(super) life: Option<IncarnationRow>,
    pub(super) at: Timestamp,
    /// A poll before this is too old.
    not_before: Timestamp,
}

/// What the processes of a service showed.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    /// Those that are known.
    pub(super) processes: u64,
    pub(super) goroutines: u64,
    pub(super) counts: HashMap<Signature, u64>,
    /// Growth over their lives, where that was asked for.
    pub(super) growth: HashMap<Signature, i64>,
    /// The sum of the times that they were seen for.
    pub(super) seen_for: Duration,
}

/// What a side showed.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) services: BTreeMap<String, Shown>,
    /// The oldest and the newest poll that counts.
    pub(super) polled: Option<(Timestamp, Timestamp)>,
    /// Instances of which nothing is known at that moment.
    pub(super) unknown: Vec<(String, String)>,
}

/// The processes of all chosen instances as they were at a moment; those that were not to be polled
/// then are left out.
pub(super) fn at_moment(
    reader: &Reader,
    scope: &Scope,
    at: Timestamp,
) -> Result<Vec<Process>, QueryError> {
    let mut found = Vec::new();
    for instance in chosen(reader, scope)? {
        let not_before = oldest(reader, &instance, at)?;
        if reader.due(instance.key, not_before, at)?.is_empty() {
            continue;
        }
        let lives = reader.incarnations(instance.key)?;
        found.push(Process {
            life: lives.into_iter().rfind(|life| life.since <= at),
            instance,
            at,
            not_before,
        });
    }
    Ok(found)
}

/// The oldest poll that says something of an instance at a moment.
fn oldest(reader: &Reader, instance: &InstanceRow, at: Timestamp) -> Result<Timestamp, QueryError> {
    if is_told_by_days(reader, at)? {
        return Ok(days_around(at).0);
    }
    let due = reader.due(instance.key, at.minus(RECENT), at)?;
    let interval = due.last().map_or(0, |span| span.interval_ms.unsigned_abs());
    let interval = Duration::from_millis(interval.saturating_mul(STALE_INTERVALS));
    Ok(at.minus(STALE.max(interval)))
}

/// Whether retention has removed the snapshots of a moment: what is left then is the last count of each
/// day of UTC.
pub(super) fn is_told_by_days(reader: &Reader, at: Timestamp) -> Result<bool, QueryError> {
    Ok(reader.kept_since()?.is_some_and(|kept| at < kept))
}

/// The day of UTC of a moment and the one before, inclusive.
fn days_around(at: Timestamp) -> (Timestamp, Timestamp) {
    let midnight = at.as_millis().div_euclid(DAY_MS) * DAY_MS;
    (
        Timestamp::from_millis(midnight - DAY_MS),
        Timestamp::from_millis(midnight + DAY_MS - 1),
    )
}

/// When anything of the chosen instances was to be polled last, up to the end of a scope; `None` where
/// nothing was.
pub(super) fn last_due(reader: &Reader, scope: &Scope) -> Result<Option<Timestamp>, QueryError> {
    let mut last = None;
    for instance in chosen(reader, scope)? {
        let due = reader.due(instance.key, scope.since, scope.until)?;
        last = last.max(due.iter().map(|span| span.to.min(scope.until)).max());
    }
    Ok(last)
}

/// The processes of the one build that begins with a prefix, and its whole id.
pub(super) fn of_build(
    reader: &Reader,
    scope: &Scope,
    prefix: &str,
) -> Result<(String, Vec<Process>), QueryError> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    for instance in chosen(reader, scope)? {
        for life in reader.incarnations(instance.key)? {
            let Some(build) = life.build.clone().filter(|_| life.since <= scope.until) else {
                continue;
            };
            if build.starts_with(prefix) {
                found.push(Process {
                    instance: instance.clone(),
                    at: scope.until,
                    not_before: life.since,
                    life: Some(life),
                });
            }
            known.insert(build);
        }
    }
    let mut builds = known.iter().filter(|build| build.starts_with(prefix));
    match (builds.next(), builds.next()) {
        (Some(build), None) => Ok((build.clone(), found)),
        (None, _) => Err(QueryError::NoBuild {
            prefix: prefix.to_owned(),
            known: some(known.iter()),
        }),
        (Some(_), Some(_)) => Err(QueryError::AmbiguousBuild {
            prefix: prefix.to_owned(),
            found: some(known.iter().filter(|build| build.starts_with(prefix))),
        }),
    }
}

/// The first of some names.
fn some<'a>(mut names: impl Iterator<Item = &'a String>) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.by_ref().take(SHOWN).map(String::as_str).collect();
    match (shown.is_empty(), names.next()) {
        (true, _) => "none".to_owned(),
        (false, None) => shown.join(", "),
        (false, Some(_)) => format!("{}, ...", shown.join(", ")),
    }
}

impl Process {
    /// Whether its start was seen, so that its age is known.
    pub(super) fn was_seen_starting(&self) -> bool {
        let reason = self.life.as_ref().map(|life| life.reason.as_str());
        let reason = reason.and_then(StartReason::from_name);
        reason.is_some_and(|reason| {
            matches!(
                reason,
                StartReason::Vdso | StartReason::Build | StartReason::HeapBits
            )
        })
    }

    /// The same process when it was that old.
    pub(super) fn at_age(self, reader: &Reader, age: Duration) -> Result<Self, QueryError> {
        let since = self.life.as_ref().map_or(self.at, |life| life.since);
        let at = since.plus(age);
        let not_before = oldest(reader, &self.instance, at)?;
        Ok(Self {
            at,
            not_before,
            ..self
        })
    }
}

/// How old each process of a build became, as far as it was seen.
pub(super) fn ages(reader: &Reader, processes: &[Process]) -> Result<Vec<Duration>, QueryError> {
    let (dictionary, none) = (reader.dictionary()?, HashSet::new());
    let mut ages = Vec::with_capacity(processes.len());
    for process in processes {
        let Some(life) = &process.life else { continue };
        let course = reader.course(life.id, (life.since, process.at), Grain::Day)?;
        let course = course.unpack(&dictionary, Some(&none));
        let last = course.slots.last().map_or(life.since, |slot| slot.last_at);
        ages.push(last.since(life.since));
    }
    Ok(ages)
}

/// What is read of one process.
struct Packed {
    moment: PackedCourse,
    life: Option<PackedCourse>,
}

/// Whether growth over the lives of processes is told beside their counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lives {
    Told,
    Untold,
}

/// Reads what processes showed, each at its last good poll at or before its moment.
pub(super) fn shown(
    reader: &Reader,
    processes: &[Process],
    until: Timestamp,
    lives: Lives,
) -> Result<Side, QueryError> {
    let dictionary = reader.dictionary()?;
    let signatures = reader.signatures()?;
    let mut side = Side::default();
    let read = processes.iter().map(|process| {
        let Some(life) = &process.life else {
            return Ok(None);
        };
        let whole = (life.since, until);
        Ok(Some(Packed {
            moment: reader.course(life.id, window(reader, process)?, grain(process, life))?,
            life: match lives {
                Lives::Told => Some(reader.course(life.id, whole, Grain::Day)?),
                Lives::Untold => None,
            },
        }))
    });
    let unpack = |packed: &PackedCourse| packed.unpack(&dictionary, None);
    let work = |_, packed: Option<Packed>| {
        let packed = packed?;
        Some((unpack(&packed.moment), packed.life.as_ref().map(unpack)))
    };
    in_parallel(read, work, |nth, unpacked| {
        if let Some(process) = processes.get(nth) {
            side.add(process, unpacked, &signatures);
        }
    })?;
    Ok(side)
}

/// A whole life is read in slots, a moment poll by poll.
fn grain(process: &Process, life: &IncarnationRow) -> Grain {
    if process.not_before <= life.since {
        Grain::Slot
    } else {
        Grain::Poll
    }
}

/// The time whose last good poll counts.
fn window(reader: &Reader, process: &Process) -> Result<(Timestamp, Timestamp), QueryError> {
    Ok(if is_told_by_days(reader, process.at)? {
        days_around(process.at)
    } else {
        (process.not_before, process.at)
    })
}

impl Side {
    fn add(
        &mut self,
        process: &Process,
        unpacked: Option<(Course, Option<Course>)>,
        signatures: &SignatureRows,
    ) {
        let instance = &process.instance;
        let nearest = unpacked.and_then(|(moment, life)| {
            // A day that is told as one may end behind the moment.
            let place = moment
                .slots
                .iter()
                .rposition(|slot| slot.last_at <= process.at)?;
            Some((place, *moment.slots.get(place)?, moment, life))
        });
        let Some((place, slot, moment, life)) = nearest else {
            let name = (instance.service.clone(), instance.name.clone());
            self.unknown.push(name);
            return;
        };
        let polled = self.polled.get_or_insert((slot.last_at, slot.last_at));
        *polled = (polled.0.min(slot.last_at), polled.1.max(slot.last_at));
        let shown = self.services.entry(instance.service.clone()).or_default();
        shown.processes += 1;
        shown.goroutines += slot.goroutines;
        for (key, series) in moment.series.iter() {
            let count = series.last.get(place).copied().map_or(0, u64::from);
            if let (Some(row), true) = (signatures.get(&key), count > 0) {
                *shown.counts.entry(row.signature).or_default() += count;
            }
        }
        let Some(life) = life else { return };
        if let (Some(first), Some(last)) = (life.slots.first(), life.slots.last()) {
            shown.seen_for += last.last_at.since(first.first_at);
        }
        for (key, series) in life.series.iter() {
            let last = series.last.last().copied().map_or(0, i64::from);
            if let Some(row) = signatures.get(&key) {
                let growth = last - i64::from(series.first);
                *shown.growth.entry(row.signature).or_default() += growth;
            }
        }
    }

    /// All of its services as one.
    pub(super) fn whole(&self) -> Shown {
        let mut whole = Shown::default();
        for shown in self.services.values() {
            whole.processes += shown.processes;
            whole.goroutines += shown.goroutines;
            whole.seen_for += shown.seen_for;
            for (signature, count) in &shown.counts {
                *whole.counts.entry(*signature).or_default() += count;
            }
            for (signature, growth) in &shown.growth {
                *whole.growth.entry(*signature).or_default() += growth;
            }
        }
        whole
    }
}
