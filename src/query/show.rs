//! Everything that is known of one signature.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::ladder::{Climb, Rates, Rung};
use super::now::{Now, now_on};
use super::{FirstSighting, QueryError, Scope, Where, WindowHead};
use crate::analyse::Verdict;
use crate::model::{Signature, Timestamp};
use crate::store::{InstanceRow, Reader, SignatureRow};

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
    /// The loudest verdict of its instances; `INSUFFICIENT` when the window has none.
    pub verdict: Verdict,
    /// First sighting in the fleet.
    pub first_seen: Option<FirstSighting>,
    /// First sighting per service and build, oldest first.
    pub builds: Vec<BuildSighting>,
    /// The commonest creator in the newest details.
    pub created_by: Option<String>,
    /// One an instance that has it in the window, the fastest grower first.
    pub rows: Vec<InstanceEvidence>,
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
    /// Lower end of its 90 % interval.
    pub per_hour_low: Option<f64>,
    /// What the plain rule says.
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

/// Answers.
pub fn show(reader: &Reader, scope: &Scope, signature: &SignatureRow) -> Result<Show, QueryError> {
    let wanted = HashSet::from([signature.key]);
    let climb = Climb {
        reader,
        scope,
        wanted: Some(&wanted),
        rates: Rates::All,
    };
    let mut rungs = Vec::new();
    let (head, instances) = climb.each(|_, found| rungs.extend(found))?;
    rungs.sort_by_key(|rung| std::cmp::Reverse(rung.growth.growth));
    let loudest = rungs.iter().map(|rung| rung.verdict).max();
    let mut created_by = None;
    let mut rows = Vec::with_capacity(rungs.len());
    for rung in rungs {
        if let Some(instance) = instances.get(rung.instance) {
            let mut now = now_on(reader, scope, instance, &wanted)?;
            let now = now.remove(&signature.key).unwrap_or_default();
            created_by = created_by.or_else(|| now.created_by.clone());
            rows.push(evidence(instance, &rung, now));
        }
    }
    let sightings = reader.sightings(Some(signature.key))?;
    Ok(Show {
        schema: "goroscope.show/v1",
        window: head,
        signature: signature.signature,
        site: Where::from(&signature.site),
        frames: reader
            .frames(signature.key)?
            .iter()
            .map(Where::from)
            .collect(),
        verdict: loudest.unwrap_or(Verdict::Insufficient),
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
        rows,
    })
}

fn evidence(instance: &InstanceRow, rung: &Rung, now: Now) -> InstanceEvidence {
    InstanceEvidence {
        service: instance.service.clone(),
        instance: instance.name.clone(),
        first: rung.growth.first,
        last: rung.growth.last,
        growth: rung.growth.growth,
        per_hour: rung.growth.per_hour,
        per_hour_low: rung.low,
        verdict: rung.verdict,
        evidence: rung.evidence.sentence(),
        states: now.states,
        oldest_wait_seconds: now.oldest_wait_seconds,
        leaked: now.leaked,
        trend: rung.trend.to_vec(),
    }
}
