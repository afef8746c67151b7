//! Which signatures grew most, service by service.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::first_seen::firsts;
use super::ladder::{Climb, Rates, Rung, Trend, add_trend};
use super::now::{Now, now_on};
use super::{FirstSighting, Ignored, Ignoring, QueryError, Scope, Where, WindowHead};
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
    /// Signatures that an ignore rule takes out too.
    pub ignored: bool,
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
    /// Those that an ignore rule holds for: not among the rows, unless they were asked for.
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
    /// The rule that takes it out, where that was asked for.
    pub ignored: Option<Ignored>,
}

/// Sentences of evidence per row.
const EVIDENCE: usize = 5;

/// Answers.
pub fn top_growers(reader: &Reader, request: &TopGrowersRequest) -> Result<TopGrowers, QueryError> {
    let climb = Climb {
        reader,
        scope: &request.scope,
        wanted: None,
        rates: Rates::Growing,
    };
    let mut services: BTreeMap<String, BTreeMap<SignatureKey, Growers>> = BTreeMap::new();
    let (head, instances) = climb.each(|instance, rungs| {
        let known = services.entry(instance.service.clone()).or_default();
        for rung in rungs {
            known.entry(rung.signature).or_default().add(&rung);
        }
    })?;
    let total = services.values().map(BTreeMap::len).sum();
    let (signatures, sightings) = (reader.signatures()?, reader.sightings(None)?);
    let first_seen = firsts(&sightings);
    let mut found = Vec::new();
    for (service, known) in &services {
        for (key, growers) in known
            .iter()
            .filter(|(_, growers)| request.asks_for(growers))
        {
            found.extend(signatures.get(key).map(|signature| Found {
                service,
                signature,
                growers,
                first_seen: first_seen.get(&(service.as_str(), *key)).copied(),
                ignored: None,
            }));
        }
    }
    let ignored = ignore(reader, &request.scope, &instances, &mut found)?;
    if !request.ignored {
        found.retain(|found| found.ignored.is_none());
    }
    let matched = found.len();
    sort(&mut found, request.sort);
    if request.limit > 0 {
        found.truncate(request.limit);
    }
    let mut now = now_of(reader, &request.scope, &instances, &found)?;
    let mut rows = Vec::with_capacity(found.len());
    for found in &found {
        let now = now.remove(&(found.service, found.signature.key));
        rows.push(found.row(now.unwrap_or_default(), &instances, &head));
    }
    Ok(TopGrowers {
        schema: "goroscope.top-growers/v1",
        total,
        matched,
        shown: rows.len(),
        ignored,
        min_growth: request.min_growth,
        rows,
        window: head,
    })
}

impl TopGrowersRequest {
    fn asks_for(&self, growers: &Growers) -> bool {
        let grows = growers.verdict().says_growth();
        growers.grown.max(growers.growth.growth) >= self.min_growth && (grows || self.all)
    }
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
        if rung.verdict.says_growth() {
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

/// A signature in a service that is asked for.
struct Found<'a> {
    service: &'a str,
    signature: &'a SignatureRow,
    growers: &'a Growers,
    first_seen: Option<&'a SightingRow>,
    ignored: Option<Ignored>,
}

impl Found<'_> {
    fn row(&self, now: Now, instances: &[InstanceRow], head: &WindowHead) -> GrowerRow {
        let growers = self.growers;
        let name = |nth: usize| instances.get(nth).map_or("", |instance| &instance.name);
        let evidence = growers.told();
        let evidence =
            evidence.map(|(nth, evidence)| format!("{}: {}", name(nth), evidence.sentence()));
        GrowerRow {
            signature: self.signature.signature,
            service: self.service.to_owned(),
            instances_growing: growers.growing,
            instances: head.instances_of.get(self.service).copied().unwrap_or(0),
            first: growers.growth.first,
            last: growers.growth.last,
            growth: growers.growth.growth,
            per_hour: growers.growth.per_hour,
            per_hour_low: growers.low,
            states: now.states,
            oldest_wait_seconds: now.oldest_wait_seconds,
            first_seen: self.first_seen.map(FirstSighting::from),
            verdict: growers.verdict(),
            proof: None,
            evidence: evidence.collect(),
            site: Where::from(&self.signature.site),
            created_by: now.created_by,
            trend: growers.trend.to_vec(),
            ignored: self.ignored.clone(),
        }
    }
}

/// Notes which rules hold for what was found; for how many one does.
fn ignore(
    reader: &Reader,
    scope: &Scope,
    instances: &[InstanceRow],
    found: &mut [Found<'_>],
) -> Result<usize, QueryError> {
    let ignoring = Ignoring::at(reader, scope.until)?;
    let mut open = Vec::new();
    for found in &*found {
        let count = found.growers.growth.last;
        if ignoring.depends_on_creator(found.service, found.signature, count)? {
            open.push(found);
        }
    }
    let now = now_of(reader, scope, instances, open)?;
    let mut ignored = 0;
    for found in found {
        let now = now.get(&(found.service, found.signature.key));
        let created_by = now.and_then(|now| now.created_by.as_deref());
        let count = found.growers.growth.last;
        found.ignored = ignoring.ignored(found.service, found.signature, created_by, count)?;
        ignored += usize::from(found.ignored.is_some());
    }
    Ok(ignored)
}

/// What the groups of these rows are like now, by service and signature.
fn now_of<'a: 'f, 'f>(
    reader: &Reader,
    scope: &Scope,
    instances: &[InstanceRow],
    rows: impl IntoIterator<Item = &'f Found<'a>>,
) -> Result<HashMap<(&'a str, SignatureKey), Now>, QueryError> {
    let mut wanted: BTreeMap<usize, (&str, HashSet<SignatureKey>)> = BTreeMap::new();
    for found in rows {
        for instance in &found.growers.instances {
            let (_, keys) = wanted
                .entry(*instance)
                .or_insert_with(|| (found.service, HashSet::new()));
            keys.insert(found.signature.key);
        }
    }
    let mut now: HashMap<(&str, SignatureKey), Now> = HashMap::new();
    for (nth, (service, keys)) in wanted {
        let Some(instance) = instances.get(nth) else {
            continue;
        };
        for (key, found) in now_on(reader, scope, instance, &keys)? {
            now.entry((service, key)).or_default().add(&found);
        }
    }
    Ok(now)
}

fn sort(found: &mut [Found<'_>], sort: Sort) {
    found.sort_by(|a, b| {
        let (one, other) = (a.growers, b.growers);
        let growth = other.growth.growth.cmp(&one.growth.growth);
        let order = match sort {
            Sort::Rate => {
                let low = |growers: &Growers| growers.low.unwrap_or(0.0);
                low(other).total_cmp(&low(one)).then(growth)
            }
            Sort::Growth => growth,
            Sort::Count => other.growth.last.cmp(&one.growth.last),
            Sort::FirstSeen => {
                let at = |found: &Found<'_>| found.first_seen.map(|seen| seen.first_at);
                at(b).cmp(&at(a))
            }
        };
        other
            .verdict()
            .cmp(&one.verdict())
            .then(order)
            .then(a.signature.signature.cmp(&b.signature.signature))
    });
}
