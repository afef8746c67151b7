//! What every question shares: which instances, which window, and how much of it was seen.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use serde::Serialize;

use crate::analyse::Track;
use crate::model::signature::SignaturePrefix;
use crate::model::{Frame, StartReason, Timestamp};
use crate::store::{
    Course, Dictionary, DueSpan, FailureRow, Grain, IncarnationRow, InstanceRow, PackedCourse,
    Reader, SightingRow, SignatureKey, SignatureRow, StoreError,
};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The history cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such service in the database.
    #[error("no service `{name}` in this database; it has: {known}")]
    NoService {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// No such instance among those asked for.
    #[error("no instance `{name}` in this database")]
    NoInstance {
        /// What was asked for.
        name: String,
    },
    /// No signature begins so.
    #[error("no signature begins with `{prefix}`")]
    NoSignature {
        /// What was asked for.
        prefix: String,
    },
    /// No build begins so.
    #[error("no build id begins with `{prefix}` among: {known}")]
    NoBuild {
        /// What was asked for.
        prefix: String,
        /// The first that there are.
        known: String,
    },
    /// Several builds do.
    #[error("`{prefix}` begins several build ids: {found}; give more digits")]
    AmbiguousBuild {
        /// What was asked for.
        prefix: String,
        /// The first of them.
        found: String,
    },
    /// Several do.
    #[error("`{prefix}` begins several signatures: {found}; give more digits")]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// The first of them.
        found: String,
    },
}

/// Which part of the history a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Beginning of the window, inclusive.
    pub since: Timestamp,
    /// End of the window, inclusive.
    pub until: Timestamp,
    /// Only these services; all when empty.
    pub services: Vec<String>,
    /// Only these addresses (`host:port`); all when empty.
    pub instances: Vec<String>,
}

/// A time in which an instance was not polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pause {
    /// The end of polling.
    pub from: Timestamp,
    /// Its next beginning.
    pub to: Timestamp,
}

/// The line to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Where {
    /// Function as Go prints it; empty for goroutines that have not run yet.
    pub function: String,
    /// Source file; empty when unknown.
    pub file: String,
    /// Line; 0 when unknown.
    pub line: u32,
}

impl From<&Frame> for Where {
    fn from(frame: &Frame) -> Self {
        Self {
            function: frame.function.to_string(),
            file: frame.file.to_string(),
            line: frame.line,
        }
    }
}

/// When and where a signature was seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstSighting {
    /// When.
    pub at: Timestamp,
    /// At which address.
    pub instance: String,
    /// GNU build id of the process there, where known.
    pub build: Option<String>,
}

impl From<&SightingRow> for FirstSighting {
    fn from(row: &SightingRow) -> Self {
        Self {
            at: row.first_at,
            instance: row.instance.clone(),
            build: row.build.clone(),
        }
    }
}

/// One process in the window.
#[derive(Debug)]
pub(super) struct Life {
    /// More than one where it is not known whether another process followed.
    pub(super) rows: Vec<IncarnationRow>,
    pub(super) course: Course,
    /// How finely it is told, where snapshots are kept.
    pub(super) grain: Grain,
}

/// Everything that the window has of one instance, its courses still packed.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) instance: InstanceRow,
    lives: Vec<(IncarnationRow, PackedCourse, Grain)>,
    due: Vec<DueSpan>,
    failures: Vec<FailureRow>,
}

/// Everything that the window has of one instance.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) instance: InstanceRow,
    pub(super) lives: Vec<Life>,
    pub(super) due: Vec<DueSpan>,
    pub(super) failures: Vec<FailureRow>,
    /// Polls that were due in the window.
    pub(super) polls_due: u64,
    /// Those that gave a snapshot.
    pub(super) polls_ok: u64,
}

/// The instances that a scope means; a name that means none is an error.
pub(super) fn chosen(reader: &Reader, scope: &Scope) -> Result<Vec<InstanceRow>, QueryError> {
    let all = reader.instances()?;
    let services: BTreeSet<&str> = all.iter().map(|row| row.service.as_str()).collect();
    if let Some(name) = scope
        .services
        .iter()
        .find(|name| !services.contains(name.as_str()))
    {
        let known = services.into_iter().collect::<Vec<_>>().join(", ");
        return Err(QueryError::NoService {
            name: name.clone(),
            known,
        });
    }
    if let Some(name) = scope
        .instances
        .iter()
        .find(|name| !all.iter().any(|row| is_called(row, name)))
    {
        return Err(QueryError::NoInstance { name: name.clone() });
    }
    let among = |names: &[String], name: &String| names.is_empty() || names.contains(name);
    let wanted = |row: &InstanceRow| {
        let chosen =
            scope.instances.is_empty() || scope.instances.iter().any(|name| is_called(row, name));
        among(&scope.services, &row.service) && chosen
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// Whether a name means an instance: its address alone does, whatever its path.
fn is_called(row: &InstanceRow, name: &str) -> bool {
    row.name == name || row.address == name
}

/// The reason of an incarnation that may be none.
pub(super) const SUDDEN_FALL: &str = StartReason::SuddenFall.as_str();

/// A process that was seen for no longer than this is judged poll by poll, others by slots.
const SHORT: Duration = Duration::from_hours(4);
/// One that was seen for longer than this is judged by days: a month is fewer slots than a night then.
const LONG: Duration = Duration::from_hours(7 * 24);

fn grain(seen: Duration) -> Grain {
    if seen <= SHORT {
        Grain::Poll
    } else if seen <= LONG {
        Grain::Slot
    } else {
        Grain::Day
    }
}

/// Fetches one instance's part of the window; `due` is when it was to be polled there.
pub(super) fn fetch(
    reader: &Reader,
    scope: &Scope,
    instance: InstanceRow,
    due: Vec<DueSpan>,
) -> Result<Fetched, QueryError> {
    let polled_until = due.iter().map(|span| span.to).max();
    let mut lives = Vec::new();
    for row in reader.incarnations(instance.key)? {
        let ended = row.until.is_some_and(|until| until <= scope.since);
        if row.since > scope.until || ended {
            continue;
        }
        let end = [row.until, polled_until].into_iter().flatten().min();
        let end = end.map_or(scope.until, |end| end.min(scope.until));
        let grain = grain(end.since(row.since.max(scope.since)));
        let course = reader.course(row.id, (scope.since, scope.until), grain)?;
        lives.push((row, course, grain));
    }
    Ok(Fetched {
        lives,
        due,
        failures: reader.failures(instance.key, scope.since, scope.until)?,
        instance,
    })
}

impl Fetched {
    /// Unpacks it; `wanted` limits the signatures.
    pub(super) fn unpack(
        self,
        scope: &Scope,
        dictionary: &Dictionary,
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Observed {
        let mut lives: Vec<Life> = Vec::new();
        for (row, course, grain) in self.lives {
            let course = course.unpack(dictionary, wanted);
            match lives.last_mut() {
                // Restart unknown: no growth may be made of it, and no recovery either.
                Some(before) if row.reason == SUDDEN_FALL => {
                    before.course.append(&course);
                    before.rows.push(row);
                    before.grain = before.grain.max(grain);
                }
                _ => lives.push(Life {
                    rows: vec![row],
                    course,
                    grain,
                }),
            }
        }
        let slots = || lives.iter().flat_map(|life| &life.course.slots);
        let seen = slots().map(|slot| slot.last_at);
        let newest = seen.chain(self.failures.iter().map(|row| row.at)).max();
        let polls_due = due_within(scope, &self.due, newest);
        let polls: u64 = slots().map(|slot| u64::from(slot.pulses)).sum();
        Observed {
            instance: self.instance,
            due: self.due,
            failures: self.failures,
            polls_due,
            polls_ok: polls.min(polls_due),
            lives,
        }
    }
}

/// Reads how much of the window was seen of one instance, without its groups.
pub(super) fn observe(
    reader: &Reader,
    scope: &Scope,
    instance: InstanceRow,
) -> Result<Observed, QueryError> {
    let none = HashSet::new();
    let due = reader.due(instance.key, scope.since, scope.until)?;
    let fetched = fetch(reader, scope, instance, due)?;
    Ok(fetched.unpack(scope, &*reader.dictionary()?, Some(&none)))
}

/// How many polls were due in the window. The last of them may still be under way when nothing
/// newer is there.
fn due_within(scope: &Scope, due: &[DueSpan], newest: Option<Timestamp>) -> u64 {
    let mut sum = 0;
    for (nth, span) in due.iter().enumerate() {
        let ticks = due_ticks(scope, span);
        let end = span.to.min(scope.until).as_millis();
        let pending = ticks.clone().next_back().is_some_and(|last| {
            nth + 1 == due.len()
                && last.as_millis() + span.interval_ms > end
                && newest.is_none_or(|newest| newest < last)
        });
        sum += (ticks.len() - usize::from(pending)) as u64;
    }
    sum
}

/// When the polls of a span were due within the window.
pub(super) fn due_ticks(
    scope: &Scope,
    span: &DueSpan,
) -> impl DoubleEndedIterator<Item = Timestamp> + ExactSizeIterator + Clone + use<> {
    let (from, interval) = (span.from.as_millis(), span.interval_ms);
    let before = (scope.since.as_millis() - from).max(0);
    let skipped = before.div_euclid(interval) + i64::from(before.rem_euclid(interval) > 0);
    let first = from + skipped * interval;
    let end = span.to.min(scope.until).as_millis();
    let count = match end - first {
        ..0 => 0,
        more => more.div_euclid(interval) + 1,
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (0..count).map(move |nth| Timestamp::from_millis(first + i64::from(nth) * interval))
}

impl Observed {
    /// When it was not polled, between times when it was.
    pub(super) fn pauses(&self) -> Vec<Pause> {
        let spans = self.due.iter().zip(self.due.iter().skip(1));
        spans
            .map(|(before, after)| {
                (
                    before,
                    Pause {
                        from: before.to,
                        to: after.from,
                    },
                )
            })
            .filter(|(before, pause)| {
                let interval = u128::from(before.interval_ms.unsigned_abs());
                pause.to.since(pause.from).as_millis() > interval
            })
            .map(|(_, pause)| pause)
            .collect()
    }

    /// How often another process followed within the window.
    pub(super) fn restarts(&self, scope: &Scope) -> u64 {
        let firsts = self.lives.iter().filter_map(|life| life.rows.first());
        let restarted =
            |row: &&IncarnationRow| row.reason != "first_contact" && row.since >= scope.since;
        firsts.filter(restarted).count() as u64
    }

    /// The process that lives now, or lived last.
    pub(super) fn newest(&self) -> Option<&IncarnationRow> {
        self.lives.last()?.rows.last()
    }

    /// For how long the process was seen that was seen for longest behind its warm-up; `None` where that is too
    /// little for a verdict.
    pub(super) fn judged_for(&self, scope: &Scope) -> Option<Duration> {
        let judged = |life: &Life| {
            let began = life.rows.first().map_or(scope.since, |row| row.since);
            Track::of_life(&life.course.slots, began).judged_for()
        };
        self.lives.iter().filter_map(judged).max()
    }
}

/// The one signature that begins with a prefix.
pub fn resolve_signature(
    reader: &Reader,
    prefix: &SignaturePrefix,
) -> Result<SignatureRow, QueryError> {
    const SHOWN: usize = 5;
    let mut found = reader.signatures_with_prefix(prefix, SHOWN)?;
    match (found.pop(), found.as_slice()) {
        (None, _) => Err(QueryError::NoSignature {
            prefix: prefix.as_str().to_owned(),
        }),
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let names = others
                .iter()
                .chain([&last])
                .map(|row| row.signature.to_string());
            Err(QueryError::Ambiguous {
                prefix: prefix.as_str().to_owned(),
                found: names.collect::<Vec<_>>().join(", "),
            })
        }
    }
}
