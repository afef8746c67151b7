//! Which instances share the same leak.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::Serialize;

use super::judged::judged;
use super::ladder::Rates;
use super::{FirstSighting, QueryError, Scope, Where, WindowHead};
use crate::analyse::{Growth, Verdict};
use crate::model::{Signature, Timestamp};
use crate::store::{InstanceKey, InstanceRow, Reader, SignatureKey};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// Always `goroscope.shared/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// What they are shared across: `instance`, `service` or `label=NAME`.
    pub across: String,
    /// Signatures that are shared so.
    pub total: usize,
    /// Rows below.
    pub shown: usize,
    /// Signatures that grow and that a rule takes out.
    pub ignored: usize,
    /// The loudest verdict of all of them, whether shown or not; none that a rule ignores.
    #[serde(skip)]
    pub loudest: Option<Verdict>,
    /// One a signature, the widest spread first.
    pub rows: Vec<SharedRow>,
}

/// One signature and the instances on which it grows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SharedRow {
    /// Its identity.
    pub signature: Signature,
    /// Values of what was asked for across which it is shared: addresses, services or a label's.
    pub across: Vec<String>,
    /// The services that it grows in.
    pub services: Vec<String>,
    /// Growth over all of them.
    pub growth: i64,
    /// The loudest verdict of these services.
    pub verdict: Verdict,
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

/// What a leak must be shared across.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Across {
    /// Two instances or more.
    Instances,
    /// Two services or more.
    Services,
    /// Instances with two values or more of this label.
    Label(String),
}

impl fmt::Display for Across {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances => f.write_str("instance"),
            Self::Services => f.write_str("service"),
            Self::Label(name) => write!(f, "label={name}"),
        }
    }
}

impl Across {
    /// What tells those that share a leak apart; `None` for an instance without the label.
    fn key(&self, row: &InstanceRow) -> Option<String> {
        match self {
            Self::Instances => Some(format!("{} {}", row.service, row.name)),
            Self::Services => Some(row.service.clone()),
            Self::Label(name) => row.labels.get(name).cloned(),
        }
    }
}

/// Answers; at most `limit` rows, 0 for all.
pub fn shared(
    reader: &Reader,
    scope: &Scope,
    (min_growth, across): (i64, &Across),
    limit: usize,
) -> Result<Shared, QueryError> {
    let judged = judged(reader, scope, (None, Rates::Growing), |_| ())?;
    let mut growing: BTreeMap<SignatureKey, Vec<(&InstanceRow, Growth)>> = BTreeMap::new();
    let mut verdicts: BTreeMap<SignatureKey, Verdict> = BTreeMap::new();
    let mut ignored = BTreeSet::new();
    for (key, subject) in judged.services.values().flatten() {
        if subject.ignored.is_some() {
            ignored.insert(*key);
            continue;
        }
        let loudest = verdicts.entry(*key).or_default();
        *loudest = subject.verdict().max(*loudest);
        for told in subject
            .growing()
            .filter(|told| told.growth.growth >= min_growth)
        {
            let row = judged.instances.get(told.instance);
            let on = growing.entry(*key).or_default();
            on.extend(row.map(|row| (row, told.growth)));
        }
    }
    let signatures = reader.signatures()?;
    let mut rows = Vec::new();
    for (key, mut on) in growing {
        let apart: BTreeSet<String> = on.iter().filter_map(|(row, _)| across.key(row)).collect();
        let (Some(found), true) = (signatures.get(&key), apart.len() > 1) else {
            continue;
        };
        on.sort_by_key(|(row, growth)| (std::cmp::Reverse(growth.growth), &row.service, &row.name));
        let services: BTreeSet<&String> =
            on.iter().map(|(instance, _)| &instance.service).collect();
        rows.push(SharedRow {
            signature: found.signature,
            across: apart.into_iter().collect(),
            services: services.into_iter().cloned().collect(),
            growth: on.iter().map(|(_, growth)| growth.growth).sum(),
            verdict: verdicts.get(&key).copied().unwrap_or_default(),
            instances: instances(reader, key, &on)?,
            site: Where::from(&found.site),
        });
    }
    rows.sort_by(|a, b| {
        let spread = (b.instances.len(), b.growth).cmp(&(a.instances.len(), a.growth));
        spread.then(a.signature.cmp(&b.signature))
    });
    let total = rows.len();
    let loudest = rows.iter().map(|row| row.verdict).max();
    if limit > 0 {
        rows.truncate(limit);
    }
    let shown = rows.len();
    Ok(Shared {
        schema: "goroscope.shared/v1",
        window: judged.head,
        across: across.to_string(),
        total,
        shown,
        ignored: ignored.len(),
        loudest,
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
