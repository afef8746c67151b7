//! What every question shares: which instances, which window, and how much of it was seen.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use serde::Serialize;

use crate::model::signature::SignaturePrefix;
use crate::model::{Frame, StartReason, Timestamp};
use crate::store::{
    DueSpan, FailureRow, IncarnationRow, IncarnationWindow, InstanceRow, Reader, SightingRow,
    SignatureKey, SignatureRow, StoreError,
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
    #[error("no instance `{name}` in this database; `goroscope query instances` lists them")]
    NoInstance {
        /// What was asked for.
        name: String,
    },
    /// No signature begins so.
    #[error("no signature begins with `{prefix}`; `goroscope query top-growers` shows them")]
    NoSignature {
        /// What was asked for.
        prefix: String,
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
    pub(super) row: IncarnationRow,
    pub(super) window: IncarnationWindow,
}

/// Everything that the window has of one instance.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) instance: InstanceRow,
    pub(super) lives: Vec<Life>,
    pub(super) due: Vec<DueSpan>,
    pub(super) failures: Vec<FailureRow>,
    /// The ticks that were due in the window, with whether a good pulse came in each.
    pub(super) ticks: Vec<(Timestamp, bool)>,
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
const SUDDEN_FALL: &str = StartReason::SuddenFall.as_str();

/// Reads one instance's part of the window.
pub(super) fn observe(
    reader: &Reader,
    scope: &Scope,
    instance: InstanceRow,
    wanted: Option<&HashSet<SignatureKey>>,
) -> Result<Observed, QueryError> {
    let mut lives: Vec<Life> = Vec::new();
    for row in reader.incarnations(instance.key)? {
        let ended = row.until.is_some_and(|until| until <= scope.since);
        if row.since <= scope.until && !ended {
            let window = reader.window(row.id, scope.since, scope.until, wanted)?;
            match lives.last_mut() {
                // Restart unknown: no growth may be made of it, and no recovery either.
                Some(Life { window: before, .. }) if row.reason == SUDDEN_FALL => {
                    before.append(window);
                }
                _ => lives.push(Life { row, window }),
            }
        }
    }
    let due = reader.due(instance.key, scope.since, scope.until)?;
    let failures = reader.failures(instance.key, scope.since, scope.until)?;
    let ticks = due_ticks(scope, &lives, &due, &failures);
    Ok(Observed {
        instance,
        lives,
        due,
        failures,
        ticks,
    })
}

/// The ticks that were due in the window, with whether a good pulse came in each.
fn due_ticks(
    scope: &Scope,
    lives: &[Life],
    due: &[DueSpan],
    failures: &[FailureRow],
) -> Vec<(Timestamp, bool)> {
    let pulses: Vec<Timestamp> = lives
        .iter()
        .flat_map(|life| life.window.ticks.iter().copied())
        .collect();
    let newest = pulses
        .iter()
        .chain(failures.iter().map(|row| &row.at))
        .max()
        .copied();
    let mut ticks = Vec::new();
    for (nth, span) in due.iter().enumerate() {
        let end = span.to.min(scope.until).as_millis();
        let mut at = span.from.as_millis();
        let skipped = (scope.since.as_millis() - at).max(0);
        at += skipped.div_euclid(span.interval_ms) * span.interval_ms;
        let behind = pulses.partition_point(|pulse| pulse.as_millis() < at);
        let mut kept = pulses.iter().skip(behind).copied().peekable();
        while at <= end {
            let next = at + span.interval_ms;
            let tick = Timestamp::from_millis(at);
            while kept.next_if(|pulse| *pulse < tick).is_some() {}
            let ok = kept.next_if(|pulse| pulse.as_millis() < next).is_some();
            // The last tick may still be under way when nothing newer is there.
            let pending =
                nth + 1 == due.len() && next > end && newest.is_none_or(|newest| newest < tick);
            if tick >= scope.since && (ok || !pending) {
                ticks.push((tick, ok));
            }
            at = next;
        }
    }
    ticks
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
        let restarted =
            |life: &&Life| life.row.reason != "first_contact" && life.row.since >= scope.since;
        self.lives.iter().filter(restarted).count() as u64
    }

    /// The time from first to last good pulse, over all processes.
    pub(super) fn seen_for(&self) -> Duration {
        let span = |life: &Life| match (life.window.ticks.first(), life.window.ticks.last()) {
            (Some(first), Some(last)) => last.since(*first),
            _ => Duration::ZERO,
        };
        self.lives.iter().map(span).sum()
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
