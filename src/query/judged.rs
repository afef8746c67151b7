//! Every signature in the window with its verdict: what all questions about growth, and the daemon, begin with.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::distinct::{DistinctRow, Variety, distinct_rows};
use super::ladder::{Climb, Climbed, Process, Rates, Rung, Trend, add_trend};
use super::now::{Now, now_on};
use super::proved::{Proof, Proofs};
use super::survival::survivals;
use super::{Ignored, Ignoring, QueryError, Scope, WindowHead};
use crate::analyse::{Case, Conclusion, Evidence, Facts, Growth, Reading, Risen, Verdict};
use crate::model::Thresholds;
use crate::store::{InstanceRow, Reader, SightingRow, SignatureKey};

/// The signatures of a window, judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) head: WindowHead,
    /// The instances that were asked for; others count them by their place here.
    pub(super) instances: Vec<InstanceRow>,
    /// By service.
    pub(super) services: BTreeMap<String, BTreeMap<SignatureKey, Subject>>,
    /// How many signatures there were at once, by service.
    varieties: BTreeMap<String, Variety>,
    pub(super) thresholds: Thresholds,
}

/// One signature in one service, added up over its instances.
#[derive(Debug, Default)]
pub(super) struct Subject {
    pub(super) growth: Growth,
    /// Growth that stayed: what falls on one instance does not hide what grows on another.
    pub(super) grown: i64,
    pub(super) trend: Trend,
    /// Instances that had it.
    pub(super) instances: Vec<usize>,
    pub(super) conclusion: Conclusion,
    /// What is proved of it, whether it grows or not.
    pub(super) proof: Option<Proof>,
    /// The rule that holds for it, where it grows by verdict.
    pub(super) ignored: Option<Ignored>,
    /// Where it grows, judged by each instance alone; those that grow most come first.
    told: Vec<Told>,
    /// What the loudest of the others says.
    quiet: Option<(Verdict, usize, Evidence)>,
    /// The processes in which it rose and slows down.
    slowed: Vec<Process>,
    case: Case,
}

/// One instance on which a signature grows.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) instance: usize,
    pub(super) growth: Growth,
    pub(super) verdict: Verdict,
    pub(super) low: Option<f64>,
    /// All goroutines of its newest process.
    total: u64,
    reading: Reading,
    risen: Vec<Process>,
}

/// Judges every signature of the window, or those that are wanted; `on` sees each instance's part of it.
pub(super) fn judged(
    reader: &Reader,
    scope: &Scope,
    (wanted, rates): (Option<&HashSet<SignatureKey>>, Rates),
    mut on: impl FnMut(&Rung),
) -> Result<Judged, QueryError> {
    let thresholds = reader.thresholds()?;
    let climb = Climb {
        reader,
        scope,
        wanted,
        rates,
        thresholds: &thresholds,
    };
    let mut services: BTreeMap<String, BTreeMap<SignatureKey, Subject>> = BTreeMap::new();
    let mut varieties: BTreeMap<String, Variety> = BTreeMap::new();
    let (head, instances) = climb.each(|instance, Climbed { rungs, distinct }| {
        let known = services.entry(instance.service.clone()).or_default();
        for rung in rungs {
            on(&rung);
            known.entry(rung.signature).or_default().add(rung);
        }
        if let Some(distinct) = distinct {
            let variety = varieties.entry(instance.service.clone());
            variety.or_default().add(distinct);
        }
    })?;
    let mut judged = Judged {
        head,
        instances,
        services,
        varieties,
        thresholds,
    };
    judged.conclude(reader, scope)?;
    judged.ignore(reader, scope)?;
    Ok(judged)
}

impl Judged {
    fn conclude(&mut self, reader: &Reader, scope: &Scope) -> Result<(), QueryError> {
        let proofs = Proofs::read(reader)?;
        for (service, known) in &mut self.services {
            let mut grown = survivals(reader, scope, known, &self.thresholds)?;
            for (key, subject) in known {
                let risen = subject.risen(&self.thresholds).map(|(_, process)| process);
                let risen = risen.chain(&subject.slowed);
                let facts = Facts {
                    proved: proofs.in_builds(service, *key, risen),
                    survival: grown.remove(key),
                    gone: subject.gone(&self.thresholds),
                };
                subject.proof = proofs.newest(service, *key);
                subject.settle(&facts, &self.thresholds);
            }
        }
        Ok(())
    }

    /// Notes which ignore rules hold for what grows.
    fn ignore(&mut self, reader: &Reader, scope: &Scope) -> Result<(), QueryError> {
        let ignoring = Ignoring::at(reader, scope.until)?;
        if ignoring.is_empty() {
            return Ok(());
        }
        let signatures = reader.signatures()?;
        let mut open = Vec::new();
        for (service, key, subject) in self.loud() {
            if let Some(row) = signatures.get(&key)
                && ignoring.depends_on_creator(service, row, subject.growth.last)?
            {
                open.extend(subject.instances.iter().map(|nth| (service, key, *nth)));
            }
        }
        let now = self.now(reader, scope, open)?;
        let mut found = Vec::new();
        for (service, key, subject) in self.loud() {
            let Some(row) = signatures.get(&key) else {
                continue;
            };
            let now = now.get(&(service, key));
            let created_by = now.and_then(|now| now.created_by.as_deref());
            let ignored = ignoring.ignored(service, row, created_by, subject.growth.last)?;
            found.extend(ignored.map(|ignored| (service.to_owned(), key, ignored)));
        }
        for (service, key, ignored) in found {
            let known = self.services.get_mut(&service);
            if let Some(subject) = known.and_then(|known| known.get_mut(&key)) {
                subject.ignored = Some(ignored);
            }
        }
        Ok(())
    }

    /// What grows by verdict, by service.
    pub(super) fn loud(&self) -> impl Iterator<Item = (&str, SignatureKey, &Subject)> {
        let all = self.services.iter().flat_map(|(service, known)| {
            known
                .iter()
                .map(move |(key, subject)| (service.as_str(), *key, subject))
        });
        all.filter(|(_, _, subject)| subject.verdict().says_growth())
    }

    /// What the groups of some signatures are like now on some instances, by service and signature.
    pub(super) fn now<'a>(
        &self,
        reader: &Reader,
        scope: &Scope,
        asked: impl IntoIterator<Item = (&'a str, SignatureKey, usize)>,
    ) -> Result<HashMap<(&'a str, SignatureKey), Now>, QueryError> {
        let mut wanted: BTreeMap<usize, (&str, HashSet<SignatureKey>)> = BTreeMap::new();
        for (service, key, instance) in asked {
            let (_, keys) = wanted
                .entry(instance)
                .or_insert_with(|| (service, HashSet::new()));
            keys.insert(key);
        }
        let mut now: HashMap<(&str, SignatureKey), Now> = HashMap::new();
        for (nth, (service, keys)) in wanted {
            let Some(instance) = self.instances.get(nth) else {
                continue;
            };
            for (key, found) in now_on(reader, scope, instance, &keys)? {
                now.entry((service, key)).or_default().add(&found);
            }
        }
        Ok(now)
    }

    /// Services in which the number of distinct signatures grows.
    pub(super) fn distinct(&self, sightings: &[SightingRow]) -> Vec<DistinctRow> {
        let seen = (self.instances.as_slice(), &self.head);
        distinct_rows(&self.varieties, seen, sightings, &self.thresholds)
    }

    /// The name of an instance.
    pub(super) fn name(&self, instance: usize) -> &str {
        self.instances.get(instance).map_or("", |row| &row.name)
    }

    /// Why a signature has its verdict: what follows from all instances, and then a sentence each for `most` of
    /// those where it grows, or for the loudest of the others.
    pub(super) fn evidence(&self, subject: &Subject, most: usize) -> Vec<String> {
        let mut evidence = subject.conclusion.reasons.clone();
        for told in subject.told.iter().take(most) {
            let sentence = self.sentence(subject, &told.reading);
            evidence.push(format!("{}: {sentence}", self.name(told.instance)));
        }
        if let (true, Some((_, instance, quiet))) = (subject.told.is_empty(), &subject.quiet) {
            evidence.push(format!("{}: {}", self.name(*instance), quiet.sentence()));
        }
        evidence
    }

    /// What an instance shows of a signature, and where it comes down elsewhere.
    pub(super) fn sentence(&self, subject: &Subject, reading: &Reading) -> String {
        match &reading.evidence {
            Evidence::Rises(floor) => match subject.case.comes_down(floor, &self.thresholds) {
                Some((elsewhere, by)) => reading.evidence.comes_down(self.name(elsewhere), by),
                None => reading.evidence.sentence(),
            },
            evidence => evidence.sentence(),
        }
    }
}

/// Counts of goroutines are far below 2^53, where an `f64` is exact.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

impl Subject {
    fn add(&mut self, rung: Rung) {
        self.growth.add(rung.growth);
        self.grown += rung.reading.evidence.grown().unwrap_or(0);
        self.instances.push(rung.instance);
        add_trend(&mut self.trend, &rung.trend);
        self.case.add(rung.instance, &rung.reading);
        self.slowed.extend(rung.slowed);
        let verdict = rung.reading.verdict();
        if verdict.says_growth() || !rung.reading.slowed.is_empty() {
            self.told.push(Told {
                instance: rung.instance,
                growth: rung.growth,
                verdict,
                low: rung.rate.map(|rate| rate.low),
                total: rung.total,
                reading: rung.reading,
                risen: rung.risen,
            });
        } else if self.quiet.is_none_or(|(known, ..)| known <= verdict) {
            self.quiet = Some((verdict, rung.instance, rung.reading.evidence));
        }
    }

    fn settle(&mut self, facts: &Facts, thresholds: &Thresholds) {
        self.conclusion = self.case.conclude(facts, thresholds);
        for told in &mut self.told {
            let alone = self.case.verdict_on(&told.reading, thresholds);
            // What all of them say together no instance says louder, nor does it say more quietly why.
            told.verdict = self.conclusion.on_instance(alone, &told.reading);
        }
        self.told.sort_by_key(|told| {
            let loud = told.verdict.says_growth();
            std::cmp::Reverse((loud, told.growth.growth))
        });
    }

    /// What is said of it.
    pub(super) const fn verdict(&self) -> Verdict {
        self.conclusion.verdict
    }

    /// What is said of one instance's part of it.
    pub(super) fn verdict_on(&self, reading: &Reading, thresholds: &Thresholds) -> Verdict {
        let alone = self.case.verdict_on(reading, thresholds);
        self.conclusion.on_instance(alone, reading)
    }

    /// Where it grows, the fastest first.
    pub(super) fn growing(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|told| told.verdict.says_growth())
    }

    /// The sum of the lower ends of the rates where it grows; `None` where none is known.
    pub(super) fn low(&self) -> Option<f64> {
        let lows = self.growing().filter_map(|told| told.low);
        lows.reduce(|sum, low| sum + low)
    }

    /// The root mean square of the last known counts where it grows: large where a few instances carry it.
    pub(super) fn rms(&self) -> f64 {
        let (mut squares, mut growing) = (0.0, 0.0);
        for told in self.growing() {
            squares += as_f64(told.growth.last).powi(2);
            growing += 1.0;
        }
        if growing > 0.0 {
            f64::sqrt(squares / growing)
        } else {
            0.0
        }
    }

    /// Hours until the first of the processes in which it grows has `limit` goroutines, if it alone goes on
    /// growing as it did; 0 where one has.
    pub(super) fn hours_to(&self, limit: u64) -> Option<f64> {
        let hours = self.growing().filter_map(|told| {
            let left = as_f64(limit.saturating_sub(told.total));
            (told.growth.per_hour > 0.0).then(|| left / told.growth.per_hour)
        });
        hours.reduce(f64::min)
    }

    /// The floors that rise, with the processes that they rise in.
    pub(super) fn risen<'a>(
        &'a self,
        thresholds: &'a Thresholds,
    ) -> impl Iterator<Item = (&'a Risen, &'a Process)> {
        let processes: HashMap<(usize, usize), &Process> = self
            .told
            .iter()
            .flat_map(|told| {
                let rises = told.reading.rises.iter().map(|rise| rise.life);
                let lives = rises.map(|life| (told.instance, life));
                lives.zip(&told.risen)
            })
            .collect();
        self.case.growing(thresholds).filter_map(move |risen| {
            let process = processes.get(&(risen.instance, risen.rise.life))?;
            Some((risen, *process))
        })
    }

    /// The newest build in which it grows, where builds are known.
    pub(super) fn build(&self) -> Option<String> {
        let newest = self.growing().find_map(|told| told.risen.split_last());
        newest.and_then(|(last, _)| last.build.clone())
    }

    /// The build that it is gone since: it grew in others, and in the newest processes it is absent, or has stood
    /// still for so long that at its old rate it would show.
    fn gone(&self, thresholds: &Thresholds) -> Option<String> {
        let grew: Vec<&Told> = self
            .told
            .iter()
            .filter(|told| !told.risen.is_empty())
            .collect();
        if grew.is_empty() {
            return None;
        }
        let (mut old, mut newest) = (BTreeSet::new(), BTreeSet::new());
        for told in grew {
            let (last, risen) = told.risen.split_last()?;
            if self.case.is_present() && !told.has_come_to_rest(thresholds) {
                return None;
            }
            old.extend(risen.iter().map(|process| process.build.as_deref()));
            newest.insert(last.build.as_deref()?);
        }
        let is_other = newest.iter().all(|build| !old.contains(&Some(*build)));
        let build = newest.first().filter(|_| is_other)?;
        Some((*build).to_owned())
    }
}

impl Told {
    /// Whether its newest process has stood still for so long that twice the least growth would have come.
    fn has_come_to_rest(&self, thresholds: &Thresholds) -> bool {
        if self.reading.absent {
            return true;
        }
        let rises = self.reading.rises.iter();
        let slowest = rises.map(|rise| rise.low).reduce(f64::min);
        let missing = slowest
            .zip(self.reading.rests)
            .map(|(slowest, rests)| slowest * rests.as_secs_f64() / 3600.0);
        missing.is_some_and(|missing| missing >= 2.0 * as_f64(thresholds.min_floor_growth))
    }
}
