//! Which signatures grew most, service by service.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ladder::{Rung, add_trends, by_service, climb};
use super::{FirstSighting, QueryError, Scope, Where, WindowHead};
use crate::analyse::{Growth, Verdict};
use crate::model::Signature;
use crate::store::{Reader, SightingRow, SignatureKey};

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
    let ladder = climb(reader, &request.scope, None)?;
    let signatures = reader.signatures()?;
    let sightings = reader.sightings(None)?;
    let instances = &ladder.head.instances_of;
    let grouped = by_service(&ladder.rungs);
    let total = grouped.len();
    let mut rows = Vec::new();
    for ((service, key), rungs) in grouped {
        let Some(found) = signatures.get(&key) else {
            continue;
        };
        let row = row(
            service,
            &rungs,
            instances.get(service).copied().unwrap_or(0),
            (found.signature, Where::from(&found.site)),
            first_in(&sightings, key, service),
        );
        // What falls on one instance does not hide what grows on another.
        let grown: i64 = rungs.iter().filter_map(|rung| rung.evidence.grown()).sum();
        let grows = row.verdict == Verdict::Suspect;
        if grown.max(row.growth) >= request.min_growth && (grows || request.all) {
            rows.push(row);
        }
    }
    let matched = rows.len();
    sort(&mut rows, request.sort);
    if request.limit > 0 {
        rows.truncate(request.limit);
    }
    Ok(TopGrowers {
        schema: "goroscope.top-growers/v1",
        window: ladder.head,
        total,
        matched,
        shown: rows.len(),
        ignored: 0,
        min_growth: request.min_growth,
        rows,
    })
}

fn row(
    service: &str,
    rungs: &[&Rung],
    instances: usize,
    (signature, site): (Signature, Where),
    first_seen: Option<FirstSighting>,
) -> GrowerRow {
    let mut growth = Growth::default();
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for rung in rungs {
        growth.add(rung.growth);
        for (state, count) in &rung.states {
            *states.entry(state.clone()).or_default() += count;
        }
    }
    let mut growing: Vec<&&Rung> = rungs
        .iter()
        .filter(|rung| rung.verdict == Verdict::Suspect)
        .collect();
    growing.sort_by_key(|rung| std::cmp::Reverse(rung.growth.growth));
    let loudest = rungs.iter().max_by_key(|rung| rung.verdict);
    let told = if growing.is_empty() {
        loudest.into_iter().collect()
    } else {
        growing.clone()
    };
    GrowerRow {
        signature,
        service: service.to_owned(),
        instances_growing: growing.len(),
        instances,
        first: growth.first,
        last: growth.last,
        growth: growth.growth,
        per_hour: growth.per_hour,
        per_hour_low: growing
            .iter()
            .filter_map(|rung| rung.low)
            .reduce(|a, b| a + b),
        states,
        oldest_wait_seconds: rungs
            .iter()
            .filter_map(|rung| rung.oldest_wait_seconds)
            .max(),
        first_seen,
        verdict: loudest.map_or(Verdict::Insufficient, |rung| rung.verdict),
        proof: None,
        evidence: told
            .iter()
            .take(EVIDENCE)
            .map(|rung| format!("{}: {}", rung.address, rung.evidence.sentence()))
            .collect(),
        site,
        created_by: rungs.iter().find_map(|rung| rung.created_by.clone()),
        trend: add_trends(rungs.iter().map(|rung| &rung.trend)),
    }
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

fn sort(rows: &mut [GrowerRow], sort: Sort) {
    rows.sort_by(|a, b| {
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
