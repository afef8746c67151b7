//! What growing signatures usually mean: each held against everything else that grows in its service.

use std::collections::{BTreeSet, HashMap};

use super::judged::{Judged, Subject};
use super::{QueryError, Scope};
use crate::analyse::{Growing, Hint, hints};
use crate::store::{Reader, SignatureKey, SignatureRows};

/// Growing signatures of a service that are held against each other; those that grow fastest.
const MOST_SIGNATURES: usize = 100;
/// Instances whose states and creators stand for a signature; those where it grows most.
const MOST_INSTANCES: usize = 4;

/// The hints for what grows in these services, by service and signature.
pub(super) fn hinted<'a>(
    judged: &'a Judged,
    (reader, scope): (&Reader, &Scope),
    services: &BTreeSet<&'a str>,
) -> Result<HashMap<(&'a str, SignatureKey), Hint>, QueryError> {
    let signatures = reader.signatures()?;
    let mut found = HashMap::new();
    for service in services {
        let mut grown: Vec<(SignatureKey, &Subject)> = judged
            .loud()
            .filter(|(name, ..)| name == service)
            .map(|(_, key, subject)| (key, subject))
            .collect();
        grown.sort_by_key(|(_, subject)| std::cmp::Reverse(subject.grown));
        grown.truncate(MOST_SIGNATURES);
        for (key, hint) in of_service(judged, (reader, scope, &signatures), service, &grown)? {
            found.insert((*service, key), hint);
        }
    }
    Ok(found)
}

fn of_service(
    judged: &Judged,
    (reader, scope, signatures): (&Reader, &Scope, &SignatureRows),
    service: &str,
    grown: &[(SignatureKey, &Subject)],
) -> Result<Vec<(SignatureKey, Hint)>, QueryError> {
    let asked = grown.iter().flat_map(|(key, subject)| {
        let most = subject.growing().take(MOST_INSTANCES);
        most.map(move |told| (service, *key, told.instance))
    });
    let now = judged.now(reader, scope, asked)?;
    let mut stacks = Vec::with_capacity(grown.len());
    for (key, _) in grown {
        stacks.push(reader.frames(*key)?);
    }
    let functions: Vec<Vec<&str>> = stacks
        .iter()
        .map(|frames| frames.iter().map(|frame| &*frame.function).collect())
        .collect();
    let none = super::now::Now::default();
    let subjects: Vec<Growing<'_>> = grown
        .iter()
        .zip(&functions)
        .map(|((key, subject), functions)| {
            let now = now.get(&(service, *key)).unwrap_or(&none);
            let row = signatures.get(key);
            Growing {
                functions,
                site: row.map_or("", |row| &row.site.function),
                created_by: now.created_by.as_deref(),
                states: &now.states,
                growth: subject.growth.growth,
                last: subject.growth.last,
            }
        })
        .collect();
    let hints = grown.iter().zip(hints(&subjects));
    Ok(hints
        .filter_map(|((key, _), hint)| Some((*key, hint?)))
        .collect())
}
