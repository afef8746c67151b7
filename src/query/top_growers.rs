//! Which signatures grew most, service by service.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::distinct::DistinctRow;
use super::first_seen::firsts;
use super::hinted::hinted;
use super::judged::{Judged, Subject, judged};
use super::ladder::Rates;
use super::now::Now;
use super::{FirstSighting, Ignored, Proof, QueryError, Scope, Where, WindowHead};
use crate::analyse::{Hint, Verdict};
use crate::model::{Labels, Signature};
use crate::store::{Reader, SightingRow, SignatureRow};

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
    /// The loudest verdict of all that matched, whether shown or not; none that a rule ignores.
    #[serde(skip)]
    pub loudest: Option<Verdict>,
    /// Those that an ignore rule holds for: not among the rows, unless they were asked for.
    pub ignored: usize,
    /// Growth below this was left out.
    pub min_growth: i64,
    /// Services in which the number of distinct signatures grows.
    pub signatures: Vec<DistinctRow>,
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
    /// The root mean square of the last known counts where it grows: large where a few instances carry it.
    pub rms: f64,
    /// Hours until the first process has `analysis.max_goroutines`, if this alone goes on growing as it did;
    /// `null` where that is not set or nothing grows.
    pub hours_to_limit: Option<f64>,
    /// By state, at the last pulse.
    pub states: BTreeMap<String, u64>,
    /// Longest wait in the newest detail.
    pub oldest_wait_seconds: Option<u64>,
    /// First sighting in the service.
    pub first_seen: Option<FirstSighting>,
    /// What follows from all its instances.
    pub verdict: Verdict,
    /// What the garbage collector proved, whether it grows or not.
    pub proof: Option<Proof>,
    /// What follows from all instances, then one sentence an instance that grows, the fastest first.
    pub evidence: Vec<String>,
    /// What such a stack usually means, where that is known.
    pub hint: Option<Hint>,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// Its label sets at the last pulse, where labels are kept; the empty one is left out.
    pub labels: BTreeSet<Labels>,
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
    let judged = judged(reader, &request.scope, (None, Rates::Growing), |_| ())?;
    answer(reader, request, judged)
}

/// Answers from what is judged: rates where it grows, at least.
pub(super) fn answer(
    reader: &Reader,
    request: &TopGrowersRequest,
    judged: Judged,
) -> Result<TopGrowers, QueryError> {
    let total = judged.services.values().map(BTreeMap::len).sum();
    let (signatures, sightings) = (reader.signatures()?, reader.sightings(None)?);
    let first_seen = firsts(&sightings);
    let mut found = Vec::new();
    for (service, known) in &judged.services {
        for (key, subject) in known
            .iter()
            .filter(|(_, subject)| request.asks_for(subject))
        {
            found.extend(signatures.get(key).map(|signature| Found {
                service,
                signature,
                subject,
                first_seen: first_seen.get(&(service.as_str(), *key)).copied(),
            }));
        }
    }
    let ignored = found.iter().filter(|found| found.subject.ignored.is_some());
    let ignored = ignored.count();
    if !request.ignored {
        found.retain(|found| found.subject.ignored.is_none());
    }
    let matched = found.len();
    let heard = found.iter().filter(|found| found.subject.ignored.is_none());
    let loudest = heard.map(|found| found.subject.verdict()).max();
    sort(&mut found, request.sort);
    if request.limit > 0 {
        found.truncate(request.limit);
    }
    let asked = found.iter().flat_map(|found| {
        let instances = found.subject.instances.iter();
        instances.map(|nth| (found.service, found.signature.key, *nth))
    });
    let mut now = judged.now(reader, &request.scope, asked)?;
    let services = found.iter().map(|found| found.service).collect();
    let mut hints = hinted(&judged, (reader, &request.scope), &services)?;
    let mut rows = Vec::with_capacity(found.len());
    for found in &found {
        let of = (found.service, found.signature.key);
        let now = now.remove(&of).unwrap_or_default();
        rows.push(GrowerRow {
            hint: hints.remove(&of),
            ..found.row(now, &judged)
        });
    }
    Ok(TopGrowers {
        schema: "goroscope.top-growers/v1",
        total,
        matched,
        shown: rows.len(),
        loudest,
        ignored,
        min_growth: request.min_growth,
        signatures: judged.distinct(&sightings),
        rows,
        window: judged.head,
    })
}

impl TopGrowersRequest {
    fn asks_for(&self, subject: &Subject) -> bool {
        let grows = subject.verdict().says_growth();
        subject.grown.max(subject.growth.growth) >= self.min_growth && (grows || self.all)
    }
}

/// A signature in a service that is asked for.
struct Found<'a> {
    service: &'a str,
    signature: &'a SignatureRow,
    subject: &'a Subject,
    first_seen: Option<&'a SightingRow>,
}

impl Found<'_> {
    fn row(&self, now: Now, judged: &Judged) -> GrowerRow {
        let subject = self.subject;
        let instances = judged.head.instances_of.get(self.service);
        GrowerRow {
            signature: self.signature.signature,
            service: self.service.to_owned(),
            instances_growing: subject.growing().count(),
            instances: instances.copied().unwrap_or(0),
            first: subject.growth.first,
            last: subject.growth.last,
            growth: subject.growth.growth,
            per_hour: subject.growth.per_hour,
            per_hour_low: subject.low(),
            rms: subject.rms(),
            hours_to_limit: judged
                .thresholds
                .max_goroutines
                .and_then(|limit| subject.hours_to(limit)),
            states: now.states,
            oldest_wait_seconds: now.oldest_wait_seconds,
            first_seen: self.first_seen.map(FirstSighting::from),
            verdict: subject.verdict(),
            proof: subject.proof.clone(),
            evidence: judged.evidence(subject, EVIDENCE),
            hint: None,
            site: Where::from(&self.signature.site),
            labels: now.labels,
            created_by: now.created_by,
            trend: subject.trend.to_vec(),
            ignored: subject.ignored.clone(),
        }
    }
}

fn sort(found: &mut [Found<'_>], sort: Sort) {
    found.sort_by(|a, b| {
        let (one, other) = (a.subject, b.subject);
        let growth = other.growth.growth.cmp(&one.growth.growth);
        let order = match sort {
            Sort::Rate => {
                let low = |subject: &Subject| subject.low().unwrap_or(0.0);
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
            .then(other.growth.last.cmp(&one.growth.last))
            .then(a.signature.signature.cmp(&b.signature.signature))
    });
}
