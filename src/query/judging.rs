//! What the daemon asks: what is to be said of every signature now, and what of it is new.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::judged::{Judged, Subject, judged};
use super::ladder::Rates;
use super::{QueryError, Scope};
use crate::analyse::Verdict;
use crate::model::{Judgement, Signature, Timestamp};
use crate::store::{InstanceRow, Reader, SignatureKey, SignatureRows, VerdictRow};

/// The time before now that the daemon judges.
const WINDOW: Duration = Duration::from_hours(24);
/// Sentences of evidence that are kept with a verdict.
const EVIDENCE: usize = 3;

/// What one judging comes to.
#[derive(Debug, Default)]
pub struct Judging {
    /// What is said from now on, where that is something else than before.
    pub changes: Vec<Judgement>,
    /// Signatures that are to be looked at closely, by the instance where they grow.
    pub suspects: Vec<(InstanceRow, Vec<Signature>)>,
}

/// Judges the day up to `until`; a signature is a suspect from the verdict `least` on.
pub fn judge(reader: &Reader, until: Timestamp, least: Verdict) -> Result<Judging, QueryError> {
    let scope = Scope {
        since: until.minus(WINDOW),
        until,
        services: Vec::new(),
        instances: Vec::new(),
    };
    let judged = judged(reader, &scope, (None, Rates::Growing), |_| ())?;
    let signatures = reader.signatures()?;
    let mut open: HashMap<(String, SignatureKey), VerdictRow> = HashMap::new();
    for row in reader.verdicts(None, until)? {
        open.insert((row.service.clone(), row.signature), row);
    }
    let mut changes = Vec::new();
    for (service, known) in &judged.services {
        let name: Arc<str> = service.as_str().into();
        for (key, subject) in known {
            let before = open.remove(&(service.clone(), *key)).map(|row| row.kind);
            let signature = signatures.get(key).map(|row| row.signature);
            if let Some(signature) = signature.filter(|_| is_news(before.as_deref(), subject)) {
                changes.push(judgement(&judged, (&name, signature), before, subject));
            }
        }
    }
    changes.extend(vanished(&judged, open, &signatures));
    Ok(Judging {
        suspects: suspects(&judged, &signatures, least),
        changes,
    })
}

/// Whether a verdict is to be stored. What is too early to say is no recovery, and what never grew is no news.
fn is_news(before: Option<&str>, subject: &Subject) -> bool {
    let verdict = subject.verdict();
    let was_loud = before
        .and_then(Verdict::from_name)
        .is_some_and(Verdict::says_growth);
    verdict != Verdict::Insufficient
        && before != Some(verdict.as_str())
        && (verdict.says_growth() || was_loud)
}

fn judgement(
    judged: &Judged,
    (service, signature): (&Arc<str>, Signature),
    before: Option<String>,
    subject: &Subject,
) -> Judgement {
    let verdict = subject.verdict();
    Judgement {
        service: Arc::clone(service),
        signature,
        build: subject.build(),
        verdict: verdict.as_str(),
        growth: subject.growth.growth,
        per_hour_low: subject.low(),
        evidence: judged.evidence(subject, EVIDENCE),
        is_event: is_event(before.as_deref(), verdict) && subject.ignored.is_none(),
        before,
    }
}

fn is_event(before: Option<&str>, verdict: Verdict) -> bool {
    let before = before.and_then(Verdict::from_name);
    verdict.max(before.unwrap_or_default()) >= Verdict::Growing
}

/// What was said to grow and is nowhere in the window any more, in services of which enough was seen.
fn vanished(
    judged: &Judged,
    open: HashMap<(String, SignatureKey), VerdictRow>,
    signatures: &SignatureRows,
) -> Vec<Judgement> {
    let is_seen = |known: &BTreeMap<SignatureKey, Subject>| {
        let mut verdicts = known.values().map(Subject::verdict);
        verdicts.any(|verdict| verdict != Verdict::Insufficient)
    };
    let seen: BTreeSet<&String> = judged
        .services
        .iter()
        .filter(|(_, known)| is_seen(known))
        .map(|(service, _)| service)
        .collect();
    let gone = open.into_iter().filter_map(|((service, key), row)| {
        let before = Verdict::from_name(&row.kind)?;
        if !before.says_growth() || !seen.contains(&service) {
            return None;
        }
        Some(Judgement {
            service: service.as_str().into(),
            signature: signatures.get(&key)?.signature,
            build: None,
            verdict: Verdict::Gone.as_str(),
            growth: 0,
            per_hour_low: None,
            evidence: vec!["no process had it in the last 24 hours".to_owned()],
            is_event: is_event(Some(&row.kind), Verdict::Gone),
            before: Some(row.kind),
        })
    });
    gone.collect()
}

/// What grows by this verdict at least, by instance.
fn suspects(
    judged: &Judged,
    signatures: &SignatureRows,
    least: Verdict,
) -> Vec<(InstanceRow, Vec<Signature>)> {
    let mut found: BTreeMap<usize, Vec<Signature>> = BTreeMap::new();
    let subjects = judged.services.values().flatten();
    for (key, subject) in subjects.filter(|(_, subject)| subject.ignored.is_none()) {
        let Some(row) = signatures.get(key) else {
            continue;
        };
        for told in subject.growing() {
            if told.verdict >= least {
                found.entry(told.instance).or_default().push(row.signature);
            }
        }
    }
    let named = found.into_iter().filter_map(|(nth, signatures)| {
        let instance = judged.instances.get(nth)?;
        Some((instance.clone(), signatures))
    });
    named.collect()
}
