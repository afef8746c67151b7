//! Two times, two builds, two services or two databases, signature by signature.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::head::distinguishing_digits;
use super::side::{
    Compared, Lives, Process, Shown, Side, ages, at_moment, is_told_by_days, last_due, of_build,
    shown,
};
use super::{QueryError, Scope, Where};
use crate::model::{Signature, Timestamp};
use crate::store::Reader;

/// One side, as it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct DiffSideAsked<'a> {
    /// The word for it.
    pub word: &'a str,
    /// What it means.
    pub compared: &'a Compared,
    /// The history that it is read from.
    pub reader: &'a Reader,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Always `goroscope.diff/v1`.
    pub schema: &'static str,
    /// The one side.
    pub a: DiffSide,
    /// The other one.
    pub b: DiffSide,
    /// What was done to make them comparable.
    pub basis: Basis,
    /// The age of processes at which they are compared; `None` where that is not the basis.
    pub age_seconds: Option<u64>,
    /// Services that only one side knows anything of: they are in no row.
    pub uncompared: Vec<Uncompared>,
    /// Signatures that either side has; one in two services counts twice.
    pub total: usize,
    /// Those whose count per instance differs.
    pub differ: usize,
    /// Rows below.
    pub shown: usize,
    /// One a signature and service; the largest difference per instance first.
    pub rows: Vec<DiffRow>,
    /// Hex digits of a signature that tell it from every other one, at least 8.
    #[serde(skip)]
    pub digits: usize,
}

/// What was done to make two sides comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Each instance at its last good poll at or before the moment of its side.
    Moment,
    /// Each process when it was as old as half of the processes of both builds became.
    SameAge,
    /// Each process of a build at its last good poll: where no process of it was seen starting, its age is
    /// not known.
    LastCounts,
}

/// What one side is, and how much of it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffSide {
    /// As it was asked for.
    pub asked: String,
    /// The moment; `None` for a build, whose processes have one each.
    pub at: Option<Timestamp>,
    /// The whole GNU build id, where a build was asked for.
    pub build: Option<String>,
    /// The oldest poll that counts.
    pub polled_since: Option<Timestamp>,
    /// The newest one.
    pub polled_until: Option<Timestamp>,
    /// Snapshots of that moment have gone: the last count of a day of UTC that ended by then stands for it.
    pub by_day: bool,
    /// When polling was last known to go on by then, where nothing is known; `None` where it had not begun.
    pub last_due: Option<Timestamp>,
    /// Services of which something is known.
    pub services: usize,
    /// Instances that were to be polled at that moment; of a build all its processes.
    pub wanted: usize,
    /// Those of which a good poll is near enough.
    pub known: usize,
    /// Processes of a build that did not become so old, or were not seen starting: not compared.
    pub left_out: usize,
    /// The others, which are no zeros.
    pub unknown: Vec<UnknownInstance>,
    /// Goroutines of all that are known.
    pub goroutines: u64,
}

/// An instance of which nothing is known at the moment asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownInstance {
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
}

/// A service that only one side knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Uncompared {
    /// Its name.
    pub service: String,
    /// The side that knows it: `a` or `b`.
    pub known_in: &'static str,
}

/// One signature on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiffRow {
    /// Its identity.
    pub signature: Signature,
    /// Whose; `None` where services are compared with each other.
    pub service: Option<String>,
    /// On the one side.
    pub a: DiffCount,
    /// On the other one.
    pub b: DiffCount,
    /// Goroutines that B has more.
    pub delta: i64,
    /// The same per instance.
    pub delta_per_instance: f64,
    /// Absent at the moment of A.
    pub new_in_b: bool,
    /// Absent at the moment of B.
    pub gone_in_b: bool,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
}

/// One signature on one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DiffCount {
    /// Goroutines of all instances.
    pub count: u64,
    /// Of one of them, on average.
    pub per_instance: f64,
    /// Growth an hour and process over the lives of the processes of a build that are compared; `None` for
    /// all else.
    pub per_hour: Option<f64>,
}

/// A side with its head.
struct Told {
    head: DiffSide,
    side: Side,
}

/// The processes of a side before anything of them is read.
struct Plan {
    at: Option<Timestamp>,
    build: Option<String>,
    processes: Vec<Process>,
    left_out: usize,
    /// Which instances it is about, and until when.
    scope: Scope,
}

/// Answers; at most `limit` rows, 0 for all. The end of the scope is when services, builds and databases are
/// looked at.
pub fn diff(
    [a, b]: [DiffSideAsked<'_>; 2],
    scope: &Scope,
    limit: usize,
) -> Result<Diff, QueryError> {
    let mut plans = [plan(a, scope)?, plan(b, scope)?];
    let age = common_age([a, b], &plans)?;
    if let Some(age) = age {
        for (plan, asked) in plans.iter_mut().zip([a, b]) {
            plan.hold_at(asked.reader, age)?;
        }
    }
    let has_build = plans.iter().any(|plan| plan.build.is_some());
    let [plan_a, plan_b] = plans;
    let (told_a, told_b) = (told(a, plan_a)?, told(b, plan_b)?);
    let mut rows = Vec::new();
    let mut uncompared = Vec::new();
    if is_by_service([a, b], &told_a.side, &told_b.side) {
        let (of_a, of_b) = (&told_a.side.services, &told_b.side.services);
        for (service, shown_a) in of_a {
            match of_b.get(service) {
                Some(shown_b) => rows.extend(compare(Some(service), shown_a, shown_b)),
                None => uncompared.push(only(service, "a")),
            }
        }
        let missing = of_b.keys().filter(|service| !of_a.contains_key(*service));
        uncompared.extend(missing.map(|service| only(service, "b")));
    } else {
        rows = compare(None, &told_a.side.whole(), &told_b.side.whole());
    }
    let total = rows.len();
    rows.retain(|row| row.delta_per_instance != 0.0);
    let differ = rows.len();
    sort(&mut rows);
    if limit > 0 {
        rows.truncate(limit);
    }
    find_sites(&mut rows, [a.reader, b.reader])?;
    Ok(Diff {
        schema: "goroscope.diff/v1",
        a: told_a.head,
        b: told_b.head,
        basis: match age {
            Some(_) => Basis::SameAge,
            None if has_build => Basis::LastCounts,
            None => Basis::Moment,
        },
        age_seconds: age.map(|age| age.as_secs()),
        uncompared,
        total,
        differ,
        shown: rows.len(),
        rows,
        digits: distinguishing_digits(a.reader)?.max(distinguishing_digits(b.reader)?),
    })
}

fn plan(asked: DiffSideAsked<'_>, scope: &Scope) -> Result<Plan, QueryError> {
    let (reader, mut scope) = (asked.reader, scope.clone());
    let mut build = None;
    let (at, processes) = match asked.compared {
        Compared::Build(prefix) => {
            let (whole, processes) = of_build(reader, &scope, prefix)?;
            build = Some(whole);
            (None, processes)
        }
        Compared::Time(at) => {
            scope.until = *at;
            (Some(*at), at_moment(reader, &scope, *at)?)
        }
        Compared::Service(_) | Compared::Database => {
            if let Compared::Service(name) = asked.compared {
                scope.services = vec![name.clone()];
            }
            let at = last_due(reader, &scope)?.unwrap_or(scope.until);
            (Some(at), at_moment(reader, &scope, at)?)
        }
    };
    Ok(Plan {
        at,
        build,
        processes,
        left_out: 0,
        scope,
    })
}

/// The age that half of the processes of both builds became, as far as they were seen starting; `None`
/// where the two sides are not builds, or all processes of one were there before goroscope was.
fn common_age(
    asked: [DiffSideAsked<'_>; 2],
    plans: &[Plan; 2],
) -> Result<Option<Duration>, QueryError> {
    let mut common: Option<Duration> = None;
    for (plan, asked) in plans.iter().zip(asked) {
        if plan.build.is_none() {
            return Ok(None);
        }
        let starting = plan
            .processes
            .iter()
            .filter(|process| process.was_seen_starting());
        let starting: Vec<Process> = starting.cloned().collect();
        let mut ages = ages(asked.reader, &starting)?;
        ages.sort_unstable();
        let Some(age) = ages.get(ages.len().saturating_sub(1) / 2) else {
            return Ok(None);
        };
        common = Some(common.map_or(*age, |common| common.min(*age)));
    }
    Ok(common)
}

impl Plan {
    /// Looks at each process when it was that old, and leaves out those that never were.
    fn hold_at(&mut self, reader: &Reader, age: Duration) -> Result<(), QueryError> {
        let all = std::mem::take(&mut self.processes);
        let wanted = all.len();
        for process in all.into_iter().filter(Process::was_seen_starting) {
            let became = ages(reader, std::slice::from_ref(&process))?;
            if became.first().is_some_and(|became| *became >= age) {
                self.processes.push(process.at_age(reader, age)?);
            }
        }
        self.left_out = wanted - self.processes.len();
        Ok(())
    }
}

fn told(asked: DiffSideAsked<'_>, plan: Plan) -> Result<Told, QueryError> {
    let reader = asked.reader;
    let lives = match plan.build {
        Some(_) => Lives::Told,
        None => Lives::Untold,
    };
    let side = shown(reader, &plan.processes, plan.scope.until, lives)?;
    let known = plan.processes.len() - side.unknown.len();
    let by_day = match plan.at {
        Some(at) => is_told_by_days(reader, at)?,
        None => false,
    };
    let last_due = match known {
        0 => last_due(reader, &plan.scope)?,
        _ => None,
    };
    let head = DiffSide {
        asked: asked.word.to_owned(),
        at: plan.at,
        build: plan.build,
        polled_since: side.polled.map(|(since, _)| since),
        polled_until: side.polled.map(|(_, until)| until),
        by_day,
        last_due,
        services: side.services.len(),
        wanted: plan.processes.len() + plan.left_out,
        known,
        left_out: plan.left_out,
        unknown: side
            .unknown
            .iter()
            .map(|(service, instance)| UnknownInstance {
                service: service.clone(),
                instance: instance.clone(),
            })
            .collect(),
        goroutines: side.services.values().map(|shown| shown.goroutines).sum(),
    };
    Ok(Told { head, side })
}

/// Services are compared each with itself, but where two of them are what is compared.
fn is_by_service(asked: [DiffSideAsked<'_>; 2], a: &Side, b: &Side) -> bool {
    let is_service = |asked: &DiffSideAsked<'_>| matches!(asked.compared, Compared::Service(_));
    let share = a
        .services
        .keys()
        .any(|service| b.services.contains_key(service));
    let one_is_empty = a.services.is_empty() || b.services.is_empty();
    !asked.iter().any(is_service) && (share || one_is_empty)
}

fn only(service: &str, known_in: &'static str) -> Uncompared {
    Uncompared {
        service: service.to_owned(),
        known_in,
    }
}

fn compare(service: Option<&String>, a: &Shown, b: &Shown) -> Vec<DiffRow> {
    // Of what is unknown nothing follows.
    if a.processes == 0 || b.processes == 0 {
        return Vec::new();
    }
    let signatures: BTreeSet<&Signature> = a.counts.keys().chain(b.counts.keys()).collect();
    let row = |signature: &Signature| {
        let (of_a, of_b) = (count(a, signature), count(b, signature));
        DiffRow {
            signature: *signature,
            service: service.cloned(),
            a: of_a,
            b: of_b,
            delta: of_b.count.cast_signed() - of_a.count.cast_signed(),
            delta_per_instance: of_b.per_instance - of_a.per_instance,
            new_in_b: of_a.count == 0,
            gone_in_b: of_b.count == 0,
            site: Where {
                function: String::new(),
                file: String::new(),
                line: 0,
            },
        }
    };
    signatures.into_iter().map(row).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn count(shown: &Shown, signature: &Signature) -> DiffCount {
    let count = shown.counts.get(signature).copied().unwrap_or(0);
    let hours = shown.seen_for.as_secs_f64() / 3600.0;
    let growth = shown.growth.get(signature).copied().unwrap_or(0);
    DiffCount {
        count,
        per_instance: count as f64 / shown.processes as f64,
        per_hour: (hours > 0.0).then(|| growth as f64 / hours),
    }
}

fn sort(rows: &mut [DiffRow]) {
    rows.sort_by(|a, b| {
        let by = |row: &DiffRow| (row.delta_per_instance.abs(), row.delta.unsigned_abs());
        let ((per_a, all_a), (per_b, all_b)) = (by(a), by(b));
        let size = per_b.total_cmp(&per_a).then(all_b.cmp(&all_a));
        size.then_with(|| (a.signature, &a.service).cmp(&(b.signature, &b.service)))
    });
}

/// The line of each row, as the side that has it read it last.
fn find_sites(rows: &mut [DiffRow], readers: [&Reader; 2]) -> Result<(), QueryError> {
    for reader in readers {
        let rows_of = reader.signatures()?;
        let sites: BTreeMap<Signature, Where> = rows_of
            .values()
            .map(|row| (row.signature, Where::from(&row.site)))
            .collect();
        for row in rows.iter_mut() {
            if let Some(site) = sites.get(&row.signature) {
                row.site.clone_from(site);
            }
        }
    }
    Ok(())
}
