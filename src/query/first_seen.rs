//! Which signatures were seen for the first time in the window.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::judged::{Subject, judged};
use super::ladder::Rates;
use super::{FirstSighting, Ignored, QueryError, Scope, Where, WindowHead};
use crate::analyse::Verdict;
use crate::model::{Signature, Timestamp};
use crate::store::{Reader, SightingRow, SignatureKey};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstSeen {
    /// Always `goroscope.first-seen/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// Signatures (per service) first seen in the window.
    pub total: usize,
    /// Rows below.
    pub shown: usize,
    /// Signatures that grow and that a rule takes out, where only growing ones are asked for.
    pub ignored: usize,
    /// The loudest verdict of all of them, whether shown or not; none that a rule ignores.
    #[serde(skip)]
    pub loudest: Option<Verdict>,
    /// The newest first.
    pub rows: Vec<FirstSeenRow>,
}

/// One signature in one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FirstSeenRow {
    /// Its identity.
    pub signature: Signature,
    /// Whose.
    pub service: String,
    /// When, at which instance, in which build.
    pub first_seen: FirstSighting,
    /// Whether the process was already running with it when it was looked at first.
    pub at_first_look: bool,
    /// Last known count in the window, over all instances.
    pub last: u64,
    /// Growth in the window, over all instances.
    pub growth: i64,
    /// What follows from all its instances.
    pub verdict: Verdict,
    /// The rule that says that its growth is fine.
    pub ignored: Option<Ignored>,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
}

/// Answers; at most `limit` rows, 0 for all.
pub fn first_seen(
    reader: &Reader,
    scope: &Scope,
    only_growing: bool,
    limit: usize,
) -> Result<FirstSeen, QueryError> {
    let judged = judged(reader, scope, (None, Rates::Growing), |_| ())?;
    let signatures = reader.signatures()?;
    let looked = first_looks(reader)?;
    let mut rows = Vec::new();
    let mut taken_out = 0;
    for ((service, key), first) in firsts(&reader.sightings(None)?) {
        let within = (scope.since..=scope.until).contains(&first.first_at);
        let here = scope.services.is_empty() || scope.services.iter().any(|name| name == service);
        let at = scope.instances.is_empty() || scope.instances.contains(&first.instance);
        let (Some(found), true) = (signatures.get(&key), within && here && at) else {
            continue;
        };
        let known = judged.services.get(service);
        let subject = known.and_then(|known| known.get(&key));
        let verdict = subject.map_or(Verdict::Insufficient, Subject::verdict);
        let growth = subject.map(|subject| subject.growth).unwrap_or_default();
        let ignored = subject.and_then(|subject| subject.ignored.clone());
        taken_out += usize::from(only_growing && ignored.is_some());
        if only_growing && (!verdict.says_growth() || ignored.is_some()) {
            continue;
        }
        rows.push(FirstSeenRow {
            signature: found.signature,
            service: service.to_owned(),
            first_seen: FirstSighting::from(first),
            at_first_look: looked.contains(&(first.instance.clone(), first.first_at)),
            last: growth.last,
            growth: growth.growth,
            verdict,
            ignored,
            site: Where::from(&found.site),
        });
    }
    rows.sort_by(|a, b| {
        b.first_seen
            .at
            .cmp(&a.first_seen.at)
            .then(a.signature.cmp(&b.signature))
    });
    let total = rows.len();
    let heard = rows.iter().filter(|row| row.ignored.is_none());
    let loudest = heard.map(|row| row.verdict).max();
    if limit > 0 {
        rows.truncate(limit);
    }
    let shown = rows.len();
    Ok(FirstSeen {
        schema: "goroscope.first-seen/v1",
        window: judged.head,
        total,
        shown,
        ignored: taken_out,
        loudest,
        rows,
    })
}

/// The first sighting of each signature in each service, over its builds; the rows come oldest first.
pub(super) fn firsts(sightings: &[SightingRow]) -> BTreeMap<(&str, SignatureKey), &SightingRow> {
    let mut firsts = BTreeMap::new();
    for row in sightings {
        firsts
            .entry((row.service.as_str(), row.signature))
            .or_insert(row);
    }
    firsts
}

/// Address and time of the first look at every process: what was there then is not new.
fn first_looks(reader: &Reader) -> Result<HashSet<(String, Timestamp)>, QueryError> {
    let mut looks = HashSet::new();
    for instance in reader.instances()? {
        for row in reader.incarnations(instance.key)? {
            looks.insert((instance.name.clone(), row.since));
        }
    }
    Ok(looks)
}
