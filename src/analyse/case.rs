//! One signature in one service: its series held against each other, and what follows for all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Evidence, Floor, Reading, Rise, Survival, Verdict};
use crate::model::Thresholds;

/// Part of a duration by which a window that is meant to be as long may fall short of it.
const SHORT_OF: f64 = 0.05;

/// A floor that rises on an instance, in one of its processes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Risen {
    /// Which instance, as the caller counts them.
    pub instance: usize,
    /// How.
    pub rise: Rise,
}

/// A floor that came down.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fallen {
    instance: usize,
    span: Duration,
    by: f64,
}

/// What is known beside the counts of pulses.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Goroutines of it that the garbage collector has proved stuck, at least, in a build in which it grows, or
    /// rose and slows down.
    pub proved: Option<u64>,
    /// How they fared, where details tell.
    pub survival: Option<Survival>,
    /// The build of the newest processes, where it grew in earlier builds only and in none of these.
    pub gone: Option<String>,
}

/// What follows for a signature in a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conclusion {
    /// The word.
    pub verdict: Verdict,
    /// Why, in sentences about all instances together.
    pub reasons: Vec<String>,
}

/// One signature in one service.
#[derive(Debug, Clone, Default)]
pub struct Case {
    rises: Vec<Risen>,
    /// Those that no other one exceeds in length and depth.
    falls: Vec<Fallen>,
    /// The loudest that was said of an instance without a rising floor.
    loudest: Verdict,
    present: bool,
    /// Some floor rose as a leak's does and slows down.
    slowed: bool,
}

impl Case {
    /// Adds what the series of an instance says.
    pub fn add(&mut self, instance: usize, reading: &Reading) {
        let rises = reading.rises.iter();
        self.rises.extend(rises.map(|rise| Risen {
            instance,
            rise: *rise,
        }));
        for (span, by) in &reading.falls {
            self.add_fall(Fallen {
                instance,
                span: *span,
                by: *by,
            });
        }
        if reading.rises.is_empty() {
            self.loudest = self.loudest.max(reading.verdict());
        }
        self.present |= !reading.absent;
        self.slowed |= !reading.slowed.is_empty();
    }

    fn add_fall(&mut self, fall: Fallen) {
        let exceeds = |a: &Fallen, b: &Fallen| a.span >= b.span && a.by >= b.by;
        if !self.falls.iter().any(|known| exceeds(known, &fall)) {
            self.falls.retain(|known| !exceeds(&fall, known));
            self.falls.push(fall);
        }
    }

    /// Whether some newest process has it, or was not seen for long enough to say.
    pub const fn is_present(&self) -> bool {
        self.present
    }

    /// The floors that rise and are not seen to come down elsewhere: what falls in another process under the
    /// same traffic, and at least for as long, is load.
    pub fn growing(&self, thresholds: &Thresholds) -> impl Iterator<Item = &Risen> {
        self.rises
            .iter()
            .filter(|risen| self.fall_beside(&risen.rise.floor, thresholds).is_none())
    }

    fn fall_beside(&self, floor: &Floor, thresholds: &Thresholds) -> Option<&Fallen> {
        let enough = thresholds.max_fall_elsewhere * floor.growth();
        let comes_down = |fall: &&Fallen| fall.span >= floor.span && fall.by >= enough;
        self.falls.iter().find(comes_down)
    }

    /// Where the signature comes down as it rises on an instance, and by how much: why a rising floor there
    /// is no growth. `None` where it is.
    pub fn comes_down(&self, floor: &Floor, thresholds: &Thresholds) -> Option<(usize, f64)> {
        let fall = self.fall_beside(floor, thresholds)?;
        Some((fall.instance, fall.by))
    }

    /// What is said of one instance, once the others are known.
    pub fn verdict_on(&self, reading: &Reading, thresholds: &Thresholds) -> Verdict {
        let falls = |rise: &Rise| self.fall_beside(&rise.floor, thresholds).is_some();
        if !reading.rises.is_empty() && reading.rises.iter().all(falls) {
            Verdict::Noisy
        } else {
            reading.verdict()
        }
    }

    /// What follows.
    pub fn conclude(&self, facts: &Facts, thresholds: &Thresholds) -> Conclusion {
        let growing: Vec<&Risen> = self.growing(thresholds).collect();
        let quiet = if self.rises.is_empty() {
            self.loudest
        } else {
            self.loudest.max(Verdict::Noisy)
        };
        let proved = facts.proved.map(|proved| {
            format!(
                "the garbage collector has proved that {proved} of them at least can never wake"
            )
        });
        if growing.is_empty() {
            // A leak that goes in bursts seems to slow down between two of them: then a proof says that it is one.
            let verdict = match proved {
                Some(_) if self.slowed => Verdict::Confirmed,
                _ => quiet,
            };
            let reasons = proved.filter(|_| self.slowed).into_iter().collect();
            return Conclusion::of(verdict, reasons);
        }
        if let Some(build) = &facts.gone {
            let after = if self.present {
                format!("it does not grow in build {build} any more")
            } else {
                format!("no process has it any more since build {build}")
            };
            return Conclusion::of(Verdict::Gone, vec![after]);
        }
        let spread = Spread::of(&growing);
        let traffic = facts.survival.filter(|seen| seen.is_traffic(spread.growth));
        if let (Some(seen), None) = (traffic, facts.proved) {
            let fall = "those that make it grow are gone at the next detail, which is traffic";
            return Conclusion::of(quiet, vec![format!("{}: {fall}", seen.sentence())]);
        }
        let stays = facts.survival.filter(|seen| seen.stays(thresholds));
        let mut reasons = Vec::new();
        reasons.extend(proved);
        reasons.extend(spread.sentence());
        reasons.extend(stays.map(|seen| seen.sentence()));
        let corroborated = stays.is_some() || spread.is_long(thresholds);
        let verdict = if facts.proved.is_some() {
            Verdict::Confirmed
        } else if spread.is_reproduced(thresholds) && corroborated && spread.goes_on(thresholds) {
            Verdict::Likely
        } else {
            Verdict::Growing
        };
        Conclusion::of(verdict, reasons)
    }
}

impl Conclusion {
    /// What is said of an instance of which that is said alone: where it grows, what all of them say together; where
    /// it slows down, that it is proved.
    pub fn on_instance(&self, alone: Verdict, reading: &Reading) -> Verdict {
        match alone {
            Verdict::Growing => self.verdict,
            Verdict::Plateau if !reading.slowed.is_empty() => match self.verdict {
                Verdict::Confirmed => Verdict::Confirmed,
                _ => alone,
            },
            _ => alone,
        }
    }

    const fn of(verdict: Verdict, reasons: Vec<String>) -> Self {
        Self { verdict, reasons }
    }
}

/// How widely floors rise.
#[derive(Debug)]
struct Spread {
    instances: usize,
    processes: usize,
    /// On one instance, all its processes together.
    longest: Duration,
    /// The lateness of the longest one.
    lateness: f64,
    /// Of all of them, goroutines.
    growth: f64,
}

impl Spread {
    fn of(growing: &[&Risen]) -> Self {
        let instances: BTreeSet<usize> = growing.iter().map(|risen| risen.instance).collect();
        let floors = || growing.iter().map(|risen| &risen.rise.floor);
        let longest = floors().max_by_key(|floor| floor.span);
        let seen = |instance: &usize| {
            let here = growing.iter().filter(|risen| risen.instance == *instance);
            here.map(|risen| risen.rise.floor.span).sum::<Duration>()
        };
        Self {
            instances: instances.len(),
            processes: growing.len(),
            longest: instances.iter().map(seen).max().unwrap_or_default(),
            lateness: longest.map_or(0.0, |floor| floor.lateness),
            growth: floors().map(Floor::growth).sum(),
        }
    }

    fn sentence(&self) -> Option<String> {
        (self.processes > 1).then(|| {
            format!(
                "it grows on {} instance{} and in {} processes",
                self.instances,
                if self.instances == 1 { "" } else { "s" },
                self.processes
            )
        })
    }

    fn is_long(&self, thresholds: &Thresholds) -> bool {
        self.longest >= thresholds.likely_after.mul_f64(1.0 - SHORT_OF)
    }

    fn is_reproduced(&self, thresholds: &Thresholds) -> bool {
        self.processes > 1 || self.is_long(thresholds)
    }

    /// Whether the longest one does not slow down, as a pool that fills up does.
    fn goes_on(&self, thresholds: &Thresholds) -> bool {
        self.lateness >= thresholds.likely_lateness
    }
}

impl Evidence {
    /// That a rising floor comes down elsewhere.
    pub fn comes_down(&self, elsewhere: &str, by: f64) -> String {
        format!(
            "{}; but it came down by {by:.0} on {elsewhere} in no less time: load",
            self.sentence()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn floor(from: u64, to: u64, hours: u32) -> Floor {
        Floor {
            from,
            to,
            range: 100.0,
            net_to_gross: 1.0,
            lateness: 1.0,
            jump: 0.1,
            fall: 0.0,
            span: HOUR * hours,
            pulses: 999,
        }
    }

    /// An instance on which floors rise so, each in a process of its own.
    fn rises(floors: &[Floor]) -> Reading {
        let rises = floors.iter().enumerate();
        Reading {
            evidence: Evidence::Rises(floors[0]),
            rises: rises
                .map(|(life, floor)| Rise {
                    life,
                    floor: *floor,
                    low: 1.0,
                })
                .collect(),
            slowed: Vec::new(),
            falls: Vec::new(),
            absent: false,
            rests: None,
        }
    }

    fn falls(by: f64, hours: u32) -> Reading {
        Reading {
            evidence: Evidence::Wanders {
                lowest: 0,
                highest: 99,
                pulses: 999,
            },
            rises: Vec::new(),
            slowed: Vec::new(),
            falls: vec![(HOUR * hours, by)],
            absent: false,
            rests: None,
        }
    }

    fn said(readings: &[Reading], facts: &Facts) -> Verdict {
        let mut case = Case::default();
        for (nth, reading) in readings.iter().enumerate() {
            case.add(nth, reading);
        }
        case.conclude(facts, &Thresholds::default()).verdict
    }

    fn stays() -> Facts {
        let mut looks = Vec::new();
        for nth in 0..50 {
            looks.push(super::super::DetailLook {
                hour: f64::from(nth) / 6.0,
                count: 40 + u64::try_from(nth).unwrap(),
                survival: (nth > 0).then_some((32, 32)),
            });
        }
        Facts {
            survival: Some(Survival::of(&looks)),
            ..Facts::default()
        }
    }

    #[test]
    fn alone_and_for_a_night_it_is_growing() {
        let one = rises(&[floor(0, 100, 8)]);
        assert_eq!(
            said(std::slice::from_ref(&one), &Facts::default()),
            Verdict::Growing
        );
        assert_eq!(said(&[one], &stays()), Verdict::Growing);
    }

    #[test]
    fn reproduced_and_staying_it_is_likely() {
        let one = rises(&[floor(0, 100, 8)]);
        let restarted = rises(&[floor(0, 100, 8), floor(0, 60, 5)]);
        assert_eq!(
            said(&[one.clone(), one.clone()], &Facts::default()),
            Verdict::Growing
        );
        assert_eq!(said(&[one.clone(), one], &stays()), Verdict::Likely);
        assert_eq!(said(&[restarted], &stays()), Verdict::Likely);
        // A day in one process needs no details, unless it slows down.
        let day = floor(0, 100, 23);
        assert_eq!(said(&[rises(&[day])], &Facts::default()), Verdict::Likely);
        let slow = Floor {
            lateness: 0.55,
            ..day
        };
        assert_eq!(said(&[rises(&[slow])], &stays()), Verdict::Growing);
    }

    #[test]
    fn what_comes_down_elsewhere_is_load() {
        let one = rises(&[floor(0, 100, 8)]);
        assert_eq!(
            said(&[one.clone(), falls(60.0, 8)], &stays()),
            Verdict::Noisy
        );
        // By less than a quarter, or in less time.
        assert_eq!(
            said(&[one.clone(), falls(20.0, 8)], &Facts::default()),
            Verdict::Growing
        );
        assert_eq!(
            said(&[one.clone(), falls(90.0, 7)], &Facts::default()),
            Verdict::Growing
        );
        // What rises more is not explained by it.
        let more = rises(&[floor(0, 500, 8)]);
        let mut case = Case::default();
        for (nth, reading) in [&one, &falls(60.0, 8), &more].into_iter().enumerate() {
            case.add(nth, reading);
        }
        let thresholds = Thresholds::default();
        let growing: Vec<usize> = case
            .growing(&thresholds)
            .map(|risen| risen.instance)
            .collect();
        assert_eq!(growing, [2]);
        assert_eq!(case.verdict_on(&one, &thresholds), Verdict::Noisy);
    }

    #[test]
    fn a_proof_confirms_what_grows_only() {
        let proved = Facts {
            proved: Some(7),
            ..Facts::default()
        };
        assert_eq!(
            said(&[rises(&[floor(0, 100, 8)])], &proved),
            Verdict::Confirmed
        );
        assert_eq!(said(&[falls(5.0, 8)], &proved), Verdict::Noisy);
        let slowed = Reading {
            evidence: Evidence::Stopped(floor(0, 100, 8)),
            slowed: vec![0],
            ..falls(0.0, 8)
        };
        assert_eq!(
            said(std::slice::from_ref(&slowed), &proved),
            Verdict::Confirmed
        );
        assert_eq!(said(&[slowed], &Facts::default()), Verdict::Plateau);
    }

    #[test]
    fn of_falls_only_the_longest_and_deepest_are_kept() {
        let mut case = Case::default();
        for (by, hours) in [
            (10.0, 2),
            (10.0, 1),
            (5.0, 2),
            (3.0, 9),
            (20.0, 1),
            (11.0, 3),
        ] {
            case.add(0, &falls(by, hours));
        }
        let kept: Vec<f64> = case.falls.iter().map(|fall| fall.by).collect();
        assert_eq!(kept, [3.0, 20.0, 11.0]);
    }
}
