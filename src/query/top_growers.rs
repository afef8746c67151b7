//! Which signatures grew most, service by service.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::ladder::{Climb, Rung, Trend, add_trend};
use super::now::{Now, now_on};
use super::{FirstSighting, QueryError, Scope, Where, WindowHead};
use crate::analyse::{Evidence, Growth, Verdict};
use crate::model::Signature;
use crate::store::{InstanceRow, Reader, SightingRow, SignatureKey, SignatureRow};

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Lower bound of the rate, then growth.
    #[default]
    Rate,
    /// Growth.
    Growth,
    /// Last known count.
    Count,
    /// First sighting, newest first.
    FirstSeen,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopGrowersRequest {
    /// Which part of the history.
    pub scope: Scope,
    /// Growth below this is left out.
    pub min_growth: i64,
    /// Signatures that do not grow by verdict too.
    pub all: bool,
    /// Rows at most; 0 for all.
    pub limit: usize,
    /// Their order.
    pub sort: Sort,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopGrowers {
    /// Always `goroscope.top-growers/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// Signatures (per service) in the window.
    pub total: usize,
    /// Those that grew, or all that were asked for.
    pub matched: usize,
    /// Rows below: at most the limit.
    pub shown: usize,
    /// Rows that an ignore rule took out.
    pub ignored: usize,
    /// Growth below this was left out.
    pub min_growth: i64,
    /// One a signature and service.
    pub rows: Vec<GrowerRow>,
}

/// One signature in one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrowerRow {
    /// Its identity.
    pub signature: Signature,
    /// Whose.
    pub service: String,
    /// Instances on which it grows by verdict.
    pub instances_growing: usize,
    /// Instances of the service in the window.
    pub instances: usize,
    /// Count at the first good pulse of each instance, summed.
    pub first: u64,
    /// Last known count of each instance, summed.
    pub last: u64,
    /// Growth, summed over instances and incarnations.
    pub growth: i64,
    /// Goroutines per hour, summed over instances.
    pub per_hour: f64,
    /// Lower end of the 90 % interval of the rate, summed over growing instances.
    pub per_hour_low: Option<f64>,
    /// By state, at the last pulse.
    pub states: BTreeMap<String, u64>,
    /// Longest wait in the newest detail.
    pub oldest_wait_seconds: Option<u64>,
    /// First sighting in the service.
    pub first_seen: Option<FirstSighting>,
    /// The loudest verdict of its instances.
    pub verdict: Verdict,
    /// What the garbage collector proved; nothing yet.
    pub proof: Option<()>,
    /// One sentence an instance that grows, the fastest first.
    pub evidence: Vec<String>,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// The commonest creator in the newest detail.
    pub created_by: Option<String>,
    /// Last known counts over the window, summed over instances.
    pub trend: Vec<Option<u64>>,
}

/// Sentences of evidence per row.
const EVIDENCE: usize = 5;

/// Answers.
pub fn top_growers(reader: &Reader, request: &TopGrowersRequest) -> Result<TopGrowers, QueryError> {
    let climb = Climb {
        reader,
        scope: &request.scope,
        wanted: None,
    };
    let mut grouped: BTreeMap<(String, SignatureKey), Growers> = BTreeMap::new();
    let (head, instances) = climb.each(|instances, rung| {
        if let Some(instance) = instances.get(rung.instance) {
            let key = (instance.service.clone(), rung.signature);
            grouped.entry(key).or_default().add(&rung);
        }
    })?;
    let signatures = reader.signatures()?;
    let sightings = reader.sightings(None)?;
    let total = grouped.len();
    let mut rows = Vec::new();
    for ((service, key), growers) in grouped {
        let grows = growers.verdict() == Verdict::Suspect;
        let is_asked_for = growers.grown.max(growers.growth.growth) >= request.min_growth
            && (grows || request.all);
        if let (true, Some(found)) = (is_asked_for, signatures.get(&key)) {
            let first_seen = first_in(&sightings, key, &service);
            rows.push((
                key,
                row(service, &growers, found, first_seen, &head),
                growers,
            ));
        }
    }
    let matched = rows.len();
    sort(&mut rows, request.sort);
    if request.limit > 0 {
        rows.truncate(request.limit);
    }
    let rows = with_now(reader, &request.scope, &instances, rows)?;
    Ok(TopGrowers {
        schema: "goroscope.top-growers/v1",
        window: head,
        total,
        matched,
        shown: rows.len(),
        ignored: 0,
        min_growth: request.min_growth,
        rows,
    })
}

/// One signature in one service, added up over its instances.
#[derive(Debug, Default)]
struct Growers {
    growth: Growth,
    /// Growth that stayed: what falls on one instance does not hide what grows on another.
    grown: i64,
    growing: usize,
    low: Option<f64>,
    trend: Trend,
    /// Instances that had it.
    instances: Vec<usize>,
    /// The loudest of all, the first of equals last.
    loudest: Option<(Verdict, usize, Evidence)>,
    /// Those that grow most: growth, instance.
    told: Vec<(i64, usize, Evidence)>,
}

impl Growers {
    fn add(&mut self, rung: &Rung) {
        self.growth.add(rung.growth);
        self.grown += rung.evidence.grown().unwrap_or(0);
        self.instances.push(rung.instance);
        add_trend(&mut self.trend, &rung.trend);
        if self.loudest.is_none_or(|(known, ..)| known <= rung.verdict) {
            self.loudest = Some((rung.verdict, rung.instance, rung.evidence));
        }
        if rung.verdict == Verdict::Suspect {
            self.growing += 1;
            if let Some(low) = rung.low {
                self.low = Some(self.low.unwrap_or(0.0) + low);
            }
            let growth = rung.growth.growth;
            let behind = self.told.partition_point(|(known, ..)| *known >= growth);
            self.told
                .insert(behind, (growth, rung.instance, rung.evidence));
            self.told.truncate(EVIDENCE);
        }
    }

    fn verdict(&self) -> Verdict {
        self.loudest
            .map_or(Verdict::Insufficient, |(verdict, ..)| verdict)
    }

    /// Which instances are told of, and what: those that grow, or else the loudest.
    fn told(&self) -> impl Iterator<Item = (usize, Evidence)> {
        let quiet = self.loudest.filter(|_| self.told.is_empty());
        let loud = self
            .told
            .iter()
            .map(|(_, instance, evidence)| (*instance, *evidence));
        loud.chain(quiet.map(|(_, instance, evidence)| (instance, evidence)))
    }
}

/// A row without what groups are like now.
fn row(
    service: String,
    growers: &Growers,
    found: &SignatureRow,
    first_seen: Option<FirstSighting>,
    head: &WindowHead,
) -> GrowerRow {
    GrowerRow {
        signature: found.signature,
        instances_growing: growers.growing,
        instances: head.instances_of.get(&service).copied().unwrap_or(0),
        service,
        first: growers.growth.first,
        last: growers.growth.last,
        growth: growers.growth.growth,
        per_hour: growers.growth.per_hour,
        per_hour_low: growers.low,
        states: BTreeMap::new(),
        oldest_wait_seconds: None,
        first_seen,
        verdict: growers.verdict(),
        proof: None,
        evidence: Vec::new(),
        site: Where::from(&found.site),
        created_by: None,
        trend: growers.trend.to_vec(),
    }
}

/// Completes the rows that are shown.
fn with_now(
    reader: &Reader,
    scope: &Scope,
    instances: &[InstanceRow],
    rows: Vec<(SignatureKey, GrowerRow, Growers)>,
) -> Result<Vec<GrowerRow>, QueryError> {
    let mut wanted: BTreeMap<usize, HashSet<SignatureKey>> = BTreeMap::new();
    for (key, _, growers) in &rows {
        for instance in &growers.instances {
            wanted.entry(*instance).or_default().insert(*key);
        }
    }
    let mut now: HashMap<(String, SignatureKey), Now> = HashMap::new();
    for (nth, keys) in wanted {
        let Some(instance) = instances.get(nth) else {
            continue;
        };
        for (key, found) in now_on(reader, scope, instance, &keys)? {
            now.entry((instance.service.clone(), key))
                .or_default()
                .add(&found);
        }
    }
    let complete = |(key, mut row, growers): (SignatureKey, GrowerRow, Growers)| {
        let now = now.remove(&(row.service.clone(), key)).unwrap_or_default();
        row.states = now.states;
        row.oldest_wait_seconds = now.oldest_wait_seconds;
        row.created_by = now.created_by;
        let name = |nth: usize| instances.get(nth).map_or("", |instance| &instance.name);
        let told = growers.told();
        row.evidence = told
            .map(|(instance, evidence)| format!("{}: {}", name(instance), evidence.sentence()))
            .collect();
        row
    };
    Ok(rows.into_iter().map(complete).collect())
}

/// The first sighting in a service, over its builds.
pub(super) fn first_in(
    sightings: &[SightingRow],
    signature: SignatureKey,
    service: &str,
) -> Option<FirstSighting> {
    sightings
        .iter()
        .find(|row| row.signature == signature && row.service == service)
        .map(FirstSighting::from)
}

fn sort(rows: &mut [(SignatureKey, GrowerRow, Growers)], sort: Sort) {
    rows.sort_by(|(_, a, _), (_, b, _)| {
        let order = match sort {
            Sort::Rate => b
                .per_hour_low
                .unwrap_or(0.0)
                .total_cmp(&a.per_hour_low.unwrap_or(0.0))
                .then(b.growth.cmp(&a.growth)),
            Sort::Growth => b.growth.cmp(&a.growth),
            Sort::Count => b.last.cmp(&a.last),
            Sort::FirstSeen => {
                let at = |row: &GrowerRow| row.first_seen.as_ref().map(|seen| seen.at);
                at(b).cmp(&at(a))
            }
        };
        b.verdict
            .cmp(&a.verdict)
            .then(order)
            .then(a.signature.cmp(&b.signature))
    });
}
