//! Many fleets of one kind, polled and judged by all detectors.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fastrand::Rng;
use goroscope::analyse::Verdict;

use super::classes::{Class, Draw};
use super::fleet::Fleet;
use super::ours::ours;
use super::peers::{Flags, PEERS};
use super::score::Score;
use super::table::{Scores, Words};
use super::{RATES, WINDOWS};

/// Fleets of one class, polled for so long, that leak so much.
#[derive(Clone, Copy)]
pub(crate) struct Lot {
    class: Class,
    hours: i64,
    /// 0 where nothing leaks.
    rate: u32,
}

/// The judge, as a detector for those who act from a verdict on.
const OWN: [(&str, Verdict); 3] = [
    ("LIKELY or above", Verdict::Likely),
    ("GROWING or above", Verdict::Growing),
    ("SUSPECT or above", Verdict::Suspect),
];

/// What became of all lots.
pub(crate) struct Judged {
    /// The judge at its levels, and the peers.
    pub(crate) detectors: Vec<(&'static str, Scores)>,
    /// How often the judge said what at the end of the window.
    pub(crate) words: Words,
}

/// Of each class, every window and rate.
pub(crate) fn lots(classes: &[Class]) -> Vec<Lot> {
    let mut lots = Vec::new();
    // The longest first, so that threads end together.
    for hours in WINDOWS.into_iter().rev() {
        for class in classes.iter().copied() {
            let rates: &[u32] = if class.leaks { &RATES } else { &[0] };
            lots.extend(rates.iter().map(|rate| Lot {
                class,
                hours,
                rate: *rate,
            }));
        }
    }
    lots
}

/// Judges so many fleets of each lot, and prints the first `shown` of them.
pub(crate) fn judge_all(lots: &[Lot], fleets: u32, seed: u32, shown: u32) -> Judged {
    let names = OWN
        .map(|(name, _)| name)
        .into_iter()
        .chain(PEERS.map(|peer| peer.name));
    let judged = Judged {
        detectors: names.map(|name| (name, Scores::new())).collect(),
        words: Words::new(),
    };
    let (judged, next) = (Mutex::new(judged), AtomicUsize::new(0));
    let work = || {
        while let Some(lot) = lots.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (scores, words) = lot.judge(fleets, seed, shown);
            let key = (lot.class.name, lot.hours, lot.rate);
            if let Ok(mut judged) = judged.lock() {
                judged.words.insert(key, words);
                for ((_, of_all), score) in judged.detectors.iter_mut().zip(scores) {
                    of_all.insert(key, score);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    judged
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Lot {
    fn judge(
        &self,
        fleets: u32,
        seed: u32,
        shown: u32,
    ) -> (Vec<Score>, BTreeMap<&'static str, u32>) {
        let mut scores = vec![Score::default(); PEERS.len() + OWN.len()];
        let mut words = BTreeMap::new();
        for nth in 0..fleets {
            let fleet = self.fleet(&mut Rng::with_seed(self.seed(seed, nth)));
            let verdicts = twelfths(&fleet);
            let word = verdicts.last().map_or("", |verdict| verdict.as_str());
            *words.entry(word).or_default() += 1;
            for (score, flags) in scores.iter_mut().zip(flags(&fleet, verdicts)) {
                score.add(&fleet, &flags);
            }
            if nth < shown {
                println!(
                    "{word}: {}, {} h, {}/h, fleet {nth}{fleet}",
                    self.class.name, self.hours, self.rate
                );
            }
        }
        (scores, words)
    }

    /// Another one for each fleet of each lot of each set, whatever else is asked for.
    fn seed(&self, seed: u32, nth: u32) -> u64 {
        let Self { class, hours, rate } = self;
        let words = format!("{:?} {} {hours} {rate} {seed} {nth}", class.set, class.name);
        // FNV-1a: the same on every machine and in every version.
        words.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    fn fleet(&self, rng: &mut Rng) -> Fleet {
        let (hours, per_hour) = (self.hours as f64, f64::from(self.rate));
        let recipe = (self.class.recipe)(&mut Draw {
            rng,
            hours,
            per_hour,
        });
        Fleet::poll(&recipe, self.hours, rng)
    }
}

/// What the judge says after each twelfth of the window.
fn twelfths(fleet: &Fleet) -> [Verdict; 12] {
    let mut nth = 0;
    [(); 12].map(|()| {
        nth += 1;
        ours(fleet, fleet.end(nth))
    })
}

/// Of each detector, in the order of their names.
fn flags(fleet: &Fleet, verdicts: [Verdict; 12]) -> impl Iterator<Item = Flags> {
    let own = OWN.map(|(_, least)| verdicts.map(|verdict| verdict >= least));
    own.into_iter()
        .chain(PEERS.iter().map(|peer| peer.judge(fleet)))
}
