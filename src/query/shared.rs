//! Which instances share the same leak.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ladder::{Rung, climb};
use super::{FirstSighting, QueryError, Scope, Where, WindowHead};
use crate::analyse::Verdict;
use crate::model::Signature;
use crate::store::{InstanceRow, Reader, SignatureKey};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// Always `goroscope.shared/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// Signatures that grow on two or more instances.
    pub total: usize,
    /// Rows below.
    pub shown: usize,
    /// One a signature, the widest spread first.
    pub rows: Vec<SharedRow>,
}

/// One signature and the instances on which it grows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedRow {
    /// Its identity.
    pub signature: Signature,
    /// The services that it grows in.
    pub services: Vec<String>,
    /// Growth over all of them.
    pub growth: i64,
    /// Where it grows, the fastest first.
    pub instances: Vec<SharedInstance>,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
}

/// One instance that shares a leak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedInstance {
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
    /// Last known count.
    pub count: u64,
    /// Growth in the window.
    pub growth: i64,
    /// First sighting on this instance.
    pub first_seen: Option<FirstSighting>,
}

/// Answers; at most `limit` rows, 0 for all.
pub fn shared(
    reader: &Reader,
    scope: &Scope,
    min_growth: i64,
    limit: usize,
) -> Result<Shared, QueryError> {
    let ladder = climb(reader, scope, None)?;
    let signatures = reader.signatures()?;
    let all = reader.instances()?;
    let mut growing: BTreeMap<SignatureKey, Vec<&Rung>> = BTreeMap::new();
    for rung in &ladder.rungs {
        if rung.verdict == Verdict::Suspect && rung.growth.growth >= min_growth {
            growing.entry(rung.signature).or_default().push(rung);
        }
    }
    let mut rows = Vec::new();
    for (key, mut rungs) in growing {
        let (Some(found), true) = (signatures.get(&key), rungs.len() > 1) else {
            continue;
        };
        rungs.sort_by(|a, b| {
            let name = |rung: &Rung| (rung.service.clone(), rung.address.clone());
            b.growth
                .growth
                .cmp(&a.growth.growth)
                .then_with(|| name(a).cmp(&name(b)))
        });
        let mut services: Vec<String> = rungs.iter().map(|rung| rung.service.clone()).collect();
        services.sort();
        services.dedup();
        rows.push(SharedRow {
            signature: found.signature,
            services,
            growth: rungs.iter().map(|rung| rung.growth.growth).sum(),
            instances: instances(reader, &all, key, &rungs)?,
            site: Where::from(&found.site),
        });
    }
    rows.sort_by(|a, b| {
        let spread = (b.instances.len(), b.growth).cmp(&(a.instances.len(), a.growth));
        spread.then(a.signature.cmp(&b.signature))
    });
    let total = rows.len();
    if limit > 0 {
        rows.truncate(limit);
    }
    let shown = rows.len();
    Ok(Shared {
        schema: "goroscope.shared/v1",
        window: ladder.head,
        total,
        shown,
        rows,
    })
}

fn instances(
    reader: &Reader,
    all: &[InstanceRow],
    signature: SignatureKey,
    rungs: &[&Rung],
) -> Result<Vec<SharedInstance>, QueryError> {
    let series = reader.series(signature)?;
    let mut found = Vec::with_capacity(rungs.len());
    for rung in rungs {
        let instance = all
            .iter()
            .find(|row| row.service == rung.service && row.name == rung.address);
        let first = instance.and_then(|row| {
            series
                .iter()
                .find(|series| series.instance == row.key)
                .map(|series| (row, series))
        });
        let first_seen = match first {
            None => None,
            Some((row, series)) => {
                let lives = reader.incarnations(row.key)?;
                let life = lives
                    .iter()
                    .rev()
                    .find(|life| life.since <= series.first_at);
                Some(FirstSighting {
                    at: series.first_at,
                    instance: row.name.clone(),
                    build: life.and_then(|life| life.build.clone()),
                })
            }
        };
        found.push(SharedInstance {
            service: rung.service.clone(),
            instance: rung.address.clone(),
            count: rung.growth.last,
            growth: rung.growth.growth,
            first_seen,
        });
    }
    Ok(found)
}
