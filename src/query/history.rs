//! The counts of one signature, poll by poll, with gaps and restarts as such.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::days::day_rows;
use super::head::HeadCount;
use super::scope::{Observed, chosen, due_ticks, observe};
use super::{QueryError, Resolution, Scope, Where, WindowHead};
use crate::model::{Signature, Timestamp};
use crate::store::{
    Detail, IncarnationRow, IncarnationWindow, Reader, SignatureKey, SignatureRow, States,
};

/// Lines per instance in the stepped view.
const STEPS: i64 = 24;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// Always `goroscope.history/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// Whose counts.
    pub signature: Signature,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// One a due or made poll, by instance and time.
    pub rows: Vec<HistoryRow>,
    /// The same, drawn together for people.
    #[serde(skip)]
    pub steps: Vec<Step>,
}

/// One poll.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryRow {
    /// Start of the request, or when it was due.
    pub at: Timestamp,
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
    /// The start of the process that answered.
    pub incarnation: Option<Timestamp>,
    /// 0 is absent; `None` unknown.
    pub count: Option<u64>,
    /// Why it is unknown: a failure's reason, `truncated`, `damaged`, `not_made`, or
    /// `not_wanted`: from here on nothing was due for a while, as when no daemon ran.
    pub unknown: Option<String>,
    /// By state; `None` where the count is.
    pub states: Option<BTreeMap<String, u64>>,
    /// From the detail that followed this poll, where one did.
    pub oldest_wait_seconds: Option<u64>,
    /// Of which polls this is the last one, where they are not kept one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
}

/// The good polls of a process in a day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// The first of them.
    pub since: Timestamp,
    /// How many there are, at least 1.
    pub polls: u64,
    /// The lowest count of all.
    pub low: u64,
    /// The highest count of all.
    pub high: u64,
}

/// Some polls of one process drawn together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
    /// The first poll.
    pub from: Timestamp,
    /// The start of the process, on the first step of it.
    pub starts: Option<Timestamp>,
    /// Polls with a count.
    pub known: usize,
    /// The last known count.
    pub last: Option<u64>,
    /// The lowest and highest count.
    pub range: Option<(u64, u64)>,
    /// Reasons and numbers of polls without one.
    pub unknown: BTreeMap<String, usize>,
}

/// Answers.
pub fn history(
    reader: &Reader,
    scope: &Scope,
    signature: &SignatureRow,
) -> Result<History, QueryError> {
    let had_it = reader.series(signature.key)?;
    let days = reader.days(scope.since, scope.until)?;
    let exact = Scope {
        since: days.map_or(scope.since, |(_, to)| to),
        ..scope.clone()
    };
    let mut head = HeadCount::new(scope);
    let mut rows = Vec::new();
    let mut steps = Vec::new();
    for instance in chosen(reader, scope)? {
        let had_it = had_it.iter().any(|row| row.instance == instance.key);
        let observed = observe(reader, scope, instance)?;
        head.add(scope, &observed);
        if had_it {
            let windows = windows(reader, &exact, &observed, signature)?;
            let days = day_rows(reader, scope, &observed, signature)?;
            let is_there = |window: &IncarnationWindow| window.counts.contains_key(&signature.key);
            if windows.iter().any(is_there) || days.iter().any(|row| row.count > Some(0)) {
                let mut polls = days;
                polls.extend(rows_of(reader, &exact, &observed, (signature, &windows))?);
                steps.extend(steps_of(scope, &polls));
                rows.extend(polls);
            }
        }
    }
    let mut window = head.finish(reader, &reader.thresholds()?)?;
    // Whatever the slots of the head, the counts here are those of every poll that is kept.
    window.resolution = Resolution {
        by_poll: window.resolution.processes(),
        ..Resolution::default()
    };
    Ok(History {
        schema: "goroscope.history/v1",
        window,
        signature: signature.signature,
        site: Where::from(&signature.site),
        rows,
        steps,
    })
}

/// The pulses of each process of an instance.
fn windows(
    reader: &Reader,
    scope: &Scope,
    observed: &Observed,
    signature: &SignatureRow,
) -> Result<Vec<IncarnationWindow>, QueryError> {
    let wanted = HashSet::from([signature.key]);
    let rows = observed.lives.iter().flat_map(|life| &life.rows);
    let window =
        |row: &IncarnationRow| reader.window(row.id, scope.since, scope.until, Some(&wanted));
    Ok(rows.map(window).collect::<Result<_, _>>()?)
}

fn rows_of(
    reader: &Reader,
    scope: &Scope,
    observed: &Observed,
    (signature, windows): (&SignatureRow, &[IncarnationWindow]),
) -> Result<Vec<HistoryRow>, QueryError> {
    let unknown = |at, reason: &str| HistoryRow {
        at,
        service: observed.instance.service.clone(),
        instance: observed.instance.name.clone(),
        incarnation: None,
        count: None,
        unknown: Some(reason.to_owned()),
        states: None,
        oldest_wait_seconds: None,
        drawn: None,
    };
    let wanted = HashSet::from([signature.key]);
    let mut rows = Vec::new();
    let lives = observed.lives.iter();
    // What may be one process goes on under the name of its beginning.
    let lives = lives.flat_map(|life| {
        let since = life.rows.first().map(|row| row.since);
        life.rows.iter().map(move |row| (since, row))
    });
    for ((since, row), window) in lives.zip(windows) {
        let column = window.counts.get(&signature.key);
        let states = reader.states_over_time(row.id, scope.since, scope.until, signature.key)?;
        let known = rows.len();
        for (tick, at) in window.ticks.iter().enumerate() {
            let count = column
                .and_then(|column| column.get(tick))
                .copied()
                .unwrap_or(0);
            let names = |states: &States| states.iter().map(|(s, n)| (s.to_string(), *n)).collect();
            rows.push(HistoryRow {
                incarnation: since,
                count: Some(u64::from(count)),
                unknown: None,
                states: Some(states.get(at).map(names).unwrap_or_default()),
                ..unknown(*at, "")
            });
        }
        let details = reader.details(row.id, (scope.since, scope.until), Some(&wanted))?;
        add_waits(rows.split_at_mut(known).1, &details, signature.key);
        let set_aside = window.set_aside.iter();
        rows.extend(set_aside.map(|(at, reason)| unknown(*at, reason)));
    }
    let pulses = observed
        .failures
        .iter()
        .filter(|failure| failure.kind == "pulse");
    rows.extend(pulses.map(|failure| unknown(failure.at, &failure.reason)));
    rows.sort_by_key(|row| row.at);
    let missing = not_made(scope, observed, &rows);
    rows.extend(missing.into_iter().map(|at| unknown(at, "not_made")));
    let pauses = observed.pauses().into_iter();
    rows.extend(pauses.map(|pause| unknown(pause.from, "not_wanted")));
    rows.sort_by_key(|row| row.at);
    Ok(rows)
}

/// A detail follows a pulse: what it says of waits belongs to that poll.
fn add_waits(rows: &mut [HistoryRow], details: &[Detail], signature: SignatureKey) {
    for detail in details {
        let behind = rows.partition_point(|row| row.at <= detail.at);
        let minutes = detail
            .groups
            .get(&signature)
            .and_then(|group| group.oldest_minutes);
        if let Some(row) = behind.checked_sub(1).and_then(|at| rows.get_mut(at)) {
            row.oldest_wait_seconds = minutes.map(|minutes| minutes * 60);
        }
    }
}

/// Due ticks at which nothing was tried at all, as far as something newer tells that.
fn not_made(scope: &Scope, observed: &Observed, made: &[HistoryRow]) -> Vec<Timestamp> {
    let newest = made.last().map(|row| row.at);
    let mut missing = Vec::new();
    for (nth, span) in observed.due.iter().enumerate() {
        let is_last = nth + 1 == observed.due.len();
        for tick in due_ticks(scope, span) {
            let end = Timestamp::from_millis(tick.as_millis() + span.interval_ms);
            let next = made.partition_point(|row| row.at < tick);
            let is_made = made.get(next).is_some_and(|row| row.at < end);
            // The last one may still be under way.
            let pending = is_last
                && end > span.to.min(scope.until)
                && newest.is_none_or(|newest| newest < tick);
            if !is_made && !pending {
                missing.push(tick);
            }
        }
    }
    missing
}

fn steps_of(scope: &Scope, rows: &[HistoryRow]) -> Vec<Step> {
    let width = ((scope.until.as_millis() - scope.since.as_millis()) / STEPS).max(1);
    let mut steps: Vec<(i64, Step)> = Vec::new();
    let mut process = None;
    for row in rows {
        let slice = (row.at.as_millis() - scope.since.as_millis()) / width;
        let starts = row.incarnation.filter(|since| process != Some(*since));
        let fits = steps.last().is_some_and(|(known, _)| *known == slice) && starts.is_none();
        if !fits {
            steps.push((slice, empty_step(row, starts)));
        }
        process = row.incarnation.or(process);
        let Some((_, step)) = steps.last_mut() else {
            continue;
        };
        match (row.count, &row.unknown) {
            (Some(count), _) => {
                let drawn = row.drawn;
                let polls = drawn.map_or(1, |drawn| drawn.polls);
                step.known += usize::try_from(polls).unwrap_or(usize::MAX);
                step.last = Some(count);
                let (low, high) = drawn.map_or((count, count), |drawn| (drawn.low, drawn.high));
                let known = step.range.unwrap_or((low, high));
                step.range = Some((known.0.min(low), known.1.max(high)));
            }
            (None, Some(reason)) => *step.unknown.entry(reason.clone()).or_default() += 1,
            (None, None) => {}
        }
    }
    steps.into_iter().map(|(_, step)| step).collect()
}

fn empty_step(row: &HistoryRow, starts: Option<Timestamp>) -> Step {
    Step {
        service: row.service.clone(),
        instance: row.instance.clone(),
        from: row.at,
        starts,
        known: 0,
        last: None,
        range: None,
        unknown: BTreeMap::new(),
    }
}
