//! Every instance: how its last poll ended, how much of it was seen, and what processes lived there.

use std::collections::BTreeMap;

use serde::Serialize;

use super::head::HeadCount;
use super::scope::{chosen, observe};
use super::{QueryError, Scope, WindowHead};
use crate::model::{Kind, Timestamp};
use crate::store::{FailureRow, LastLook, Reader};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Instances {
    /// Always `goroscope.instances/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// By service and address.
    pub rows: Vec<InstanceAnswer>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceAnswer {
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
    /// Where pprof is.
    pub url: String,
    /// Its labels as of now.
    pub labels: BTreeMap<String, String>,
    /// The newest poll; `None` before the first.
    pub last_poll: Option<LastPoll>,
    /// Due polls in the window that gave a snapshot.
    pub polls_ok: u64,
    /// Polls due in the window.
    pub polls_due: u64,
    /// Failed polls in the window, by reason.
    pub failures: BTreeMap<String, u64>,
    /// Failed details in the window, by reason: the poll that they followed is good.
    pub failed_details: BTreeMap<String, u64>,
    /// Goroutines at the last good poll.
    pub goroutines: Option<u64>,
    /// Processes that lived in the window, oldest first.
    pub incarnations: Vec<Restart>,
    /// GNU build id of the newest one.
    pub build: Option<String>,
}

/// How the newest poll ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastPoll {
    /// Start of the request.
    pub at: Timestamp,
    /// `ok`, `truncated` or `failed`.
    pub outcome: &'static str,
    /// A failure's reason, to count by.
    pub reason: Option<String>,
    /// A failure's sentence, or what was wrong with a snapshot.
    pub message: Option<String>,
}

impl LastPoll {
    /// Why it gave no snapshot, in a sentence where there is one.
    pub fn why(&self) -> &str {
        let told = self.message.as_deref().or(self.reason.as_deref());
        told.unwrap_or("no answer")
    }
}

/// One process at an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restart {
    /// The first look at it.
    pub since: Timestamp,
    /// How its start was recognised.
    pub reason: String,
    /// GNU build id, where known.
    pub build: Option<String>,
}

/// Answers.
pub fn instances(reader: &Reader, scope: &Scope) -> Result<Instances, QueryError> {
    let mut head = HeadCount::new(scope);
    let mut rows = Vec::new();
    let instances = chosen(reader, scope)?;
    reader.steps().begin(instances.len());
    for instance in instances {
        let last = reader.last_look(instance.key, scope.until)?;
        let observed = observe(reader, scope, instance)?;
        head.add(scope, &observed);
        reader.steps().one();
        let failures = by_reason(&observed.failures, Kind::Pulse);
        let failed_details = by_reason(&observed.failures, Kind::Detail);
        let goroutines = observed
            .lives
            .iter()
            .rev()
            .find_map(|life| life.course.slots.last())
            .map(|slot| slot.goroutines);
        let row = &observed.instance;
        rows.push(InstanceAnswer {
            service: row.service.clone(),
            instance: row.name.clone(),
            url: format!("{}://{}{}", row.scheme, row.address, row.path),
            labels: row.labels.clone(),
            last_poll: last.map(last_poll),
            polls_ok: observed.polls_ok,
            polls_due: observed.polls_due,
            failures,
            failed_details,
            goroutines,
            build: observed.newest().and_then(|row| row.build.clone()),
            incarnations: observed
                .lives
                .iter()
                .filter_map(|life| life.rows.first())
                .map(|row| Restart {
                    since: row.since,
                    reason: row.reason.clone(),
                    build: row.build.clone(),
                })
                .collect(),
        });
    }
    Ok(Instances {
        schema: "goroscope.instances/v1",
        window: head.finish(reader, &reader.thresholds()?)?,
        rows,
    })
}

fn by_reason(failures: &[FailureRow], kind: Kind) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for failure in failures
        .iter()
        .filter(|failure| failure.kind == kind.as_str())
    {
        *counts.entry(failure.reason.clone()).or_default() += 1;
    }
    counts
}

pub(super) fn last_poll(look: LastLook) -> LastPoll {
    match look.outcome {
        Err(failure) => LastPoll {
            at: look.at,
            outcome: "failed",
            reason: Some(failure.reason),
            message: Some(failure.message),
        },
        Ok(seen) if seen.truncated => LastPoll {
            at: look.at,
            outcome: "truncated",
            reason: Some("truncated".to_owned()),
            message: Some("the target cut its dump off at 64 MiB".to_owned()),
        },
        Ok(seen) => LastPoll {
            at: look.at,
            outcome: "ok",
            reason: None,
            message: (seen.complained > 0)
                .then(|| format!("{} goroutines could not be read", seen.complained)),
        },
    }
}
