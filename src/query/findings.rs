//! What is wrong: everything that grows, since when, what is new, and what grew before and does not any more.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use serde::Serialize;

use super::distinct::DistinctRow;
use super::first_seen::firsts;
use super::hinted::hinted;
use super::judged::{Judged, Subject, judged};
use super::ladder::Rates;
use super::{FirstSighting, Ignored, Proof, QueryError, Scope, Where, WindowHead};
use crate::analyse::{Hint, Verdict};
use crate::model::{Signature, Timestamp};
use crate::store::{DeployRow, Reader, SightingRow, SignatureKey, SignatureRow, VerdictRow};

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Always `goroscope.findings/v1`.
    pub schema: &'static str,
    /// What was looked at.
    pub window: WindowHead,
    /// Verdicts below this were left out.
    pub least: Verdict,
    /// Findings of each kind.
    pub new: usize,
    /// Findings that were there before the window.
    pub active: usize,
    /// Findings that are over.
    pub gone: usize,
    /// Findings that a rule says are fine.
    pub ignored: usize,
    /// What was left out, and may become a finding: SUSPECT, below `least`, and not ignored. For people alone.
    #[serde(skip)]
    pub suspect: usize,
    /// What was deployed in the window, oldest first.
    pub deploys: Vec<DeployRow>,
    /// Services in which the number of distinct signatures grows.
    pub signatures: Vec<DistinctRow>,
    /// The loudest first, behind them what is over and what is ignored.
    pub rows: Vec<FindingRow>,
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It was first said within the window.
    New,
    /// It was said before.
    Active,
    /// It is said no more.
    Gone,
    /// A rule says that it is fine.
    Ignored,
}

impl Standing {
    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Active => "active",
            Self::Gone => "gone",
            Self::Ignored => "ignored",
        }
    }
}

/// One signature in one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingRow {
    /// Its identity.
    pub signature: Signature,
    /// Whose.
    pub service: String,
    /// New, active, gone or ignored.
    pub standing: Standing,
    /// What is said of it now: by this window, or by the daemon where that is louder.
    pub verdict: Verdict,
    /// The loudest that the daemon ever said of it; `null` where it never did.
    pub worst: Option<Verdict>,
    /// Since when the daemon has said so, or louder; where it is gone, since when it said so first.
    /// `null` where it never did.
    pub since: Option<Timestamp>,
    /// Until when it said so; `null` while it does.
    pub until: Option<Timestamp>,
    /// First sighting in the service.
    pub first_seen: Option<FirstSighting>,
    /// Growth in the window.
    pub growth: i64,
    /// Last known count, over all instances.
    pub last: u64,
    /// Lower end of the rate, goroutines per hour.
    pub per_hour_low: Option<f64>,
    /// Instances on which it grows.
    pub instances_growing: usize,
    /// Why, in sentences; where it is gone, what is known of that, and then why it was said last.
    pub evidence: Vec<String>,
    /// What the garbage collector proved.
    pub proof: Option<Proof>,
    /// What such a stack usually means, where that is known.
    pub hint: Option<Hint>,
    /// The rule that says that it is fine.
    pub ignored: Option<Ignored>,
    /// The line to look at.
    #[serde(rename = "where")]
    pub site: Where,
}

/// Sentences of evidence per row.
const EVIDENCE: usize = 3;

/// What the daemon said of a signature in a service, over time.
#[derive(Debug, Default)]
struct Said<'a> {
    rows: Vec<&'a VerdictRow>,
}

/// Answers: everything at or above `least`, and what was and is not any more.
pub fn findings(reader: &Reader, scope: &Scope, least: Verdict) -> Result<Findings, QueryError> {
    let judged = judged(reader, scope, (None, Rates::Growing), |_| ())?;
    let verdicts = reader.verdicts(None, scope.until)?;
    let mut said: HashMap<(&str, SignatureKey), Said<'_>> = HashMap::new();
    for row in &verdicts {
        let said = said.entry((&row.service, row.signature)).or_default();
        said.rows.push(row);
    }
    let (signatures, sightings) = (reader.signatures()?, reader.sightings(None)?);
    let first_seen = firsts(&sightings);
    let services = judged.services.keys().map(String::as_str).collect();
    let mut hints = hinted(&judged, (reader, scope), &services)?;
    let mut rows = Vec::new();
    for (service, known) in &judged.services {
        for (key, subject) in known {
            let Some(signature) = signatures.get(key) else {
                continue;
            };
            let told = Told {
                service,
                signature,
                first_seen: first_seen.get(&(service.as_str(), *key)).copied(),
                said: said.remove(&(service.as_str(), *key)).unwrap_or_default(),
            };
            let row = told.row(&judged, subject, (scope.since, least));
            rows.extend(row.map(|row| FindingRow {
                hint: hints.remove(&(service.as_str(), *key)),
                ..row
            }));
        }
    }
    for ((service, key), said) in said {
        let told = signatures.get(&key).map(|signature| Told {
            service,
            signature,
            first_seen: first_seen.get(&(service, key)).copied(),
            said,
        });
        let asked = judged.services.contains_key(service);
        rows.extend(
            told.filter(|_| asked)
                .and_then(|told| told.row(&judged, &Subject::default(), (scope.since, least))),
        );
    }
    rows.sort_by(loudest_first);
    let count = |standing| rows.iter().filter(|row| row.standing == standing).count();
    Ok(Findings {
        schema: "goroscope.findings/v1",
        least,
        new: count(Standing::New),
        active: count(Standing::Active),
        gone: count(Standing::Gone),
        ignored: count(Standing::Ignored),
        suspect: suspects(&judged, least),
        deploys: deploys(reader, scope, &judged)?,
        signatures: judged.distinct(&sightings),
        rows,
        window: judged.head,
    })
}

/// The order of rows: what is over and what is ignored stands behind all else.
fn loudest_first(a: &FindingRow, b: &FindingRow) -> Ordering {
    let loud = |row: &FindingRow| (row.standing.max(Standing::Active), Reverse(row.verdict));
    let low = |row: &FindingRow| row.per_hour_low.unwrap_or(0.0);
    loud(a)
        .cmp(&loud(b))
        .then(low(b).total_cmp(&low(a)))
        .then(b.growth.cmp(&a.growth))
        .then(a.signature.cmp(&b.signature))
}

/// Signatures of which the window says SUSPECT, where louder things are asked for.
fn suspects(judged: &Judged, least: Verdict) -> usize {
    let subjects = judged.services.values().flat_map(|known| known.values());
    subjects
        .filter(|subject| subject.verdict() == Verdict::Suspect && subject.ignored.is_none())
        .filter(|_| least > Verdict::Suspect)
        .count()
}

/// What was deployed in the services that were asked for.
fn deploys(reader: &Reader, scope: &Scope, judged: &Judged) -> Result<Vec<DeployRow>, QueryError> {
    let mut deploys = reader.deploys(scope.since, scope.until)?;
    deploys.retain(|deploy| judged.services.contains_key(&deploy.service));
    Ok(deploys)
}

struct Told<'a> {
    service: &'a str,
    signature: &'a SignatureRow,
    first_seen: Option<&'a SightingRow>,
    said: Said<'a>,
}

impl Told<'_> {
    fn row(
        &self,
        judged: &Judged,
        subject: &Subject,
        (since, least): (Timestamp, Verdict),
    ) -> Option<FindingRow> {
        let span = self.said.last_span(least);
        // What the daemon goes on saying no shorter window ends.
        let open = self.said.last_loud(least).filter(|row| row.to.is_none());
        let open = open.and_then(|row| Verdict::from_name(&row.kind));
        let verdict = subject.verdict().max(open.unwrap_or_default());
        let standing = match span {
            _ if verdict >= least && subject.ignored.is_some() => Standing::Ignored,
            _ if verdict >= least => match span {
                Some((from, _)) if from < since => Standing::Active,
                _ => Standing::New,
            },
            Some((_, Some(until))) if until >= since => Standing::Gone,
            _ => return None,
        };
        let evidence = match (standing, self.said.last_loud(least)) {
            (Standing::Gone, Some(before)) => {
                let now = subject.conclusion.reasons.iter();
                now.chain(&before.evidence).cloned().collect()
            }
            _ => judged.evidence(subject, EVIDENCE),
        };
        Some(FindingRow {
            signature: self.signature.signature,
            service: self.service.to_owned(),
            standing,
            verdict,
            worst: self.said.worst(),
            since: span.map(|(from, _)| from),
            until: span.and_then(|(_, to)| to),
            first_seen: self.first_seen.map(FirstSighting::from),
            growth: subject.growth.growth,
            last: subject.growth.last,
            per_hour_low: subject.low(),
            instances_growing: subject.growing().count(),
            evidence,
            proof: subject.proof.clone(),
            hint: None,
            ignored: subject.ignored.clone(),
            site: Where::from(&self.signature.site),
        })
    }
}

impl Said<'_> {
    fn is_loud(row: &VerdictRow, least: Verdict) -> bool {
        Verdict::from_name(&row.kind).is_some_and(|verdict| verdict >= least)
    }

    fn last_loud(&self, least: Verdict) -> Option<&VerdictRow> {
        let mut rows = self.rows.iter().rev();
        rows.find(|row| Self::is_loud(row, least)).copied()
    }

    /// The last unbroken time in which it was said: from when, and until when.
    fn last_span(&self, least: Verdict) -> Option<(Timestamp, Option<Timestamp>)> {
        let last = self.last_loud(least)?;
        let upto = self
            .rows
            .iter()
            .rev()
            .skip_while(|row| row.from > last.from);
        let loud = upto.take_while(|row| Self::is_loud(row, least));
        Some((loud.last()?.from, last.to))
    }

    fn worst(&self) -> Option<Verdict> {
        let verdicts = self.rows.iter().map(|row| Verdict::from_name(&row.kind));
        verdicts.flatten().max()
    }
}
