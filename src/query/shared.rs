//! Which instances share the same leak.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::ladder::{Climb, Rates, Rung};
use super::{FirstSighting, QueryError, Scope, Where, WindowHead};
use crate::analyse::Growth;
use crate::model::{Signature, Timestamp};
use crate::store::{InstanceKey, InstanceRow, Reader, SignatureKey};

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
    let climb = Climb {
        reader,
        scope,
        wanted: None,
        rates: Rates::Growing,
    };
    let mut growing: BTreeMap<SignatureKey, Vec<(usize, Growth)>> = BTreeMap::new();
    let (head, all) = climb.each(|_, rungs| {
        let grows = |rung: &Rung| rung.verdict.says_growth() && rung.growth.growth >= min_growth;
        for rung in rungs.into_iter().filter(grows) {
            let rungs = growing.entry(rung.signature).or_default();
            rungs.push((rung.instance, rung.growth));
        }
    })?;
    let signatures = reader.signatures()?;
    let mut rows = Vec::new();
    for (key, rungs) in growing {
        let (Some(found), true) = (signatures.get(&key), rungs.len() > 1) else {
            continue;
        };
        let mut on: Vec<(&InstanceRow, Growth)> = rungs
            .into_iter()
            .filter_map(|(nth, growth)| Some((all.get(nth)?, growth)))
            .collect();
        // The instances come by service and name.
        on.sort_by_key(|(_, growth)| std::cmp::Reverse(growth.growth));
        let services: BTreeSet<&String> =
            on.iter().map(|(instance, _)| &instance.service).collect();
        rows.push(SharedRow {
            signature: found.signature,
            services: services.into_iter().cloned().collect(),
            growth: on.iter().map(|(_, growth)| growth.growth).sum(),
            instances: instances(reader, key, &on)?,
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
        window: head,
        total,
        shown,
        rows,
    })
}

fn instances(
    reader: &Reader,
    signature: SignatureKey,
    on: &[(&InstanceRow, Growth)],
) -> Result<Vec<SharedInstance>, QueryError> {
    let series: HashMap<InstanceKey, Timestamp> = reader
        .series(signature)?
        .into_iter()
        .map(|row| (row.instance, row.first_at))
        .collect();
    let mut found = Vec::with_capacity(on.len());
    for (row, growth) in on {
        let first_seen = match series.get(&row.key) {
            None => None,
            Some(first_at) => {
                let lives = reader.incarnations(row.key)?;
                let life = lives.iter().rev().find(|life| life.since <= *first_at);
                Some(FirstSighting {
                    at: *first_at,
                    instance: row.name.clone(),
                    build: life.and_then(|life| life.build.clone()),
                })
            }
        };
        found.push(SharedInstance {
            service: row.service.clone(),
            instance: row.name.clone(),
            count: growth.last,
            growth: growth.growth,
            first_seen,
        });
    }
    Ok(found)
}
