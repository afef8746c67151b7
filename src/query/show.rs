//! Everything that is known of one signature.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use super::draft::{RuleDraft, draft_rule};
use super::hinted::hinted;
use super::judged::{Judged, judged};
use super::labels::{LabelGrowth, label_sets};
use super::ladder::{Rates, Rung};
use super::now::{Now, now_on};
use super::{FirstSighting, Ignored, Proof, QueryError, Scope, Where, WindowHead};
use crate::analyse::{Hint, Verdict};
use crate::model::{Signature, Timestamp};
use crate::store::{InstanceRow, Reader, SightingRow, SignatureKey, SignatureRow};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Show {
    /// Always `goroscope.show/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// Its identity.
    pub signature: Signature,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
    /// The stack as last read, leaf first.
    pub frames: Vec<Where>,
    /// The loudest verdict of its services; `INSUFFICIENT` when the window has none.
    pub verdict: Verdict,
    /// One a service that has it in the window.
    pub services: Vec<ServiceVerdict>,
    /// First sighting in the fleet.
    pub first_seen: Option<FirstSighting>,
    /// First sighting per service and build, oldest first.
    pub builds: Vec<BuildSighting>,
    /// The two hours around the first sighting; `null` where nothing is kept of them.
    pub beginning: Option<Beginning>,
    /// What the daemon said of it, the newest last.
    pub said: Vec<Said>,
    /// The commonest creator in the newest details.
    pub created_by: Option<String>,
    /// What an ignore rule for it would say.
    pub rule: RuleDraft,
    /// Its label sets, the largest growth first, at most ten; none where no labels are kept.
    pub labels: Vec<LabelGrowth>,
    /// How many label sets it has beside these.
    pub labels_more: usize,
    /// One an instance that has it in the window, the fastest grower first.
    pub rows: Vec<InstanceEvidence>,
}

/// What follows for one service from all its instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceVerdict {
    /// Whose.
    pub service: String,
    /// The word.
    pub verdict: Verdict,
    /// Why, as far as it takes more than one instance to say; the rows have the rest.
    pub reasons: Vec<String>,
    /// What the garbage collector proved, whether it grows or not.
    pub proof: Option<Proof>,
    /// What such a stack usually means, where that is known.
    pub hint: Option<Hint>,
    /// The rule that says that its growth is fine.
    pub ignored: Option<Ignored>,
}

/// What the daemon said, from when to when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Of which service's.
    pub service: String,
    /// The verdict by its word.
    pub verdict: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `null`: it holds still.
    pub until: Option<Timestamp>,
}

/// The counts on the instance that had it first, an hour before that and an hour behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beginning {
    /// Its address.
    pub instance: String,
    /// The first of the counts was known here, at the earliest.
    pub since: Timestamp,
    /// The last of them, at the latest.
    pub until: Timestamp,
    /// Last known counts, in slices of equal length; `null` where nothing was known.
    pub counts: Vec<Option<u64>>,
}

/// The first sighting in one service and build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildSighting {
    /// Whose.
    pub service: String,
    /// GNU build id, where known.
    pub build: Option<String>,
    /// When.
    pub at: Timestamp,
    /// At which address.
    pub instance: String,
}

/// The signature on one instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceEvidence {
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
    /// Count at the first good pulse of the window.
    pub first: u64,
    /// Last known count.
    pub last: u64,
    /// Growth, summed over incarnations.
    pub growth: i64,
    /// Goroutines per hour.
    pub per_hour: f64,
    /// Lower end of the 90 % interval of its rate (Theil–Sen, over the lowest counts in twelve blocks).
    pub per_hour_low: Option<f64>,
    /// That rate.
    pub per_hour_median: Option<f64>,
    /// The upper end.
    pub per_hour_high: Option<f64>,
    /// What is said of it here, beside what the others show.
    pub verdict: Verdict,
    /// Why, with its numbers.
    pub evidence: String,
    /// By state, at the last pulse.
    pub states: BTreeMap<String, u64>,
    /// Longest wait in the newest detail.
    pub oldest_wait_seconds: Option<u64>,
    /// Marked as leaked in the newest detail.
    pub leaked: u64,
    /// Last known counts over the window.
    pub trend: Vec<Option<u64>>,
}

/// Before and behind the first sighting.
const AROUND: Duration = Duration::from_hours(1);
/// Verdicts of the daemon that are told.
const MOST_SAID: usize = 20;

/// Answers.
pub fn show(reader: &Reader, scope: &Scope, signature: &SignatureRow) -> Result<Show, QueryError> {
    let wanted = HashSet::from([signature.key]);
    let mut rungs = Vec::new();
    let asked = (Some(&wanted), Rates::All);
    let judged = judged(reader, scope, asked, |rung| rungs.push(rung.clone()))?;
    rungs.sort_by_key(|rung| std::cmp::Reverse(rung.growth.growth));
    let mut services = service_verdicts(&judged, signature.key);
    add_hints(reader, scope, signature.key, &mut services)?;
    let on = rungs
        .iter()
        .filter_map(|rung| judged.instances.get(rung.instance));
    let labels = label_sets(reader, scope, on, signature.key)?;
    let mut created_by = None;
    let mut rows = Vec::with_capacity(rungs.len());
    for rung in rungs {
        let Some(instance) = judged.instances.get(rung.instance) else {
            continue;
        };
        let mut now = now_on(reader, scope, instance, &wanted)?;
        let now = now.remove(&signature.key).unwrap_or_default();
        created_by = created_by.or_else(|| now.created_by.clone());
        rows.extend(evidence(&judged, instance, &rung, now));
    }
    let sightings = reader.sightings(Some(signature.key))?;
    Ok(Show {
        schema: "goroscope.show/v1",
        window: judged.head,
        signature: signature.signature,
        site: Where::from(&signature.site),
        frames: reader
            .frames(signature.key)?
            .iter()
            .map(Where::from)
            .collect(),
        verdict: services
            .iter()
            .map(|service| service.verdict)
            .max()
            .unwrap_or(Verdict::Insufficient),
        services,
        beginning: match sightings.first() {
            Some(first) => beginning(reader, signature.key, first)?,
            None => None,
        },
        said: said(reader, scope, signature.key)?,
        rule: draft_rule(reader, signature)?,
        first_seen: sightings.first().map(FirstSighting::from),
        builds: sightings
            .iter()
            .map(|row| BuildSighting {
                service: row.service.clone(),
                build: row.build.clone(),
                at: row.first_at,
                instance: row.instance.clone(),
            })
            .collect(),
        created_by,
        labels: labels.told,
        labels_more: labels.more,
        rows,
    })
}

fn service_verdicts(judged: &Judged, signature: SignatureKey) -> Vec<ServiceVerdict> {
    let found = judged.services.iter().filter_map(|(service, known)| {
        let subject = known.get(&signature)?;
        Some(ServiceVerdict {
            service: service.clone(),
            verdict: subject.verdict(),
            reasons: subject.conclusion.reasons.clone(),
            proof: subject.proof.clone(),
            hint: None,
            ignored: subject.ignored.clone(),
        })
    });
    found.collect()
}

/// A stack tells more beside the others that grow with it.
fn add_hints(
    reader: &Reader,
    scope: &Scope,
    signature: SignatureKey,
    services: &mut [ServiceVerdict],
) -> Result<(), QueryError> {
    let grows = |service: &&ServiceVerdict| service.verdict.says_growth();
    let names: Vec<String> = services
        .iter()
        .filter(grows)
        .map(|one| one.service.clone())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let whole = Scope {
        services: names.clone(),
        ..scope.clone()
    };
    let judged = judged(reader, &whole, (None, Rates::Growing), |_| ())?;
    let asked = names.iter().map(String::as_str).collect();
    let mut hints = hinted(&judged, (reader, &whole), &asked)?;
    for service in services {
        service.hint = hints.remove(&(service.service.as_str(), signature));
    }
    Ok(())
}

fn said(reader: &Reader, scope: &Scope, signature: SignatureKey) -> Result<Vec<Said>, QueryError> {
    let rows = reader.verdicts(Some(signature), scope.until)?;
    let skipped = rows.len().saturating_sub(MOST_SAID);
    let rows = rows.into_iter().skip(skipped);
    let said = rows.map(|row| Said {
        service: row.service,
        verdict: row.kind,
        since: row.from,
        until: row.to,
    });
    Ok(said.collect())
}

fn beginning(
    reader: &Reader,
    signature: SignatureKey,
    first: &SightingRow,
) -> Result<Option<Beginning>, QueryError> {
    let around = Scope {
        since: first.first_at.minus(AROUND),
        until: first.first_at.plus(AROUND),
        services: vec![first.service.clone()],
        instances: vec![first.instance.clone()],
    };
    let wanted = HashSet::from([signature]);
    let mut found = None;
    let asked = (Some(&wanted), Rates::Growing);
    let judged = judged(reader, &around, asked, |rung| found = Some(rung.trend))?;
    let polled = judged.head.polled_since.zip(judged.head.polled_until);
    Ok(found.zip(polled).map(|(counts, (since, until))| Beginning {
        instance: first.instance.clone(),
        since,
        until,
        counts: counts.to_vec(),
    }))
}

fn evidence(
    judged: &Judged,
    instance: &InstanceRow,
    rung: &Rung,
    now: Now,
) -> Option<InstanceEvidence> {
    let known = judged.services.get(&instance.service)?;
    let subject = known.get(&rung.signature)?;
    Some(InstanceEvidence {
        service: instance.service.clone(),
        instance: instance.name.clone(),
        first: rung.growth.first,
        last: rung.growth.last,
        growth: rung.growth.growth,
        per_hour: rung.growth.per_hour,
        per_hour_low: rung.rate.map(|rate| rate.low),
        per_hour_median: rung.rate.map(|rate| rate.median),
        per_hour_high: rung.rate.map(|rate| rate.high),
        verdict: subject.verdict_on(&rung.reading, &judged.thresholds),
        evidence: judged.sentence(subject, &rung.reading),
        states: now.states,
        oldest_wait_seconds: now.oldest_wait_seconds,
        leaked: now.leaked,
        trend: rung.trend.to_vec(),
    })
}
