//! A small fleet: the instances of one service, the processes that ran at them, and the pulses in which one
//! signature was counted.

use std::fmt;

use fastrand::Rng;

use super::part::Part;

/// Polls come this far apart, milliseconds.
const STEP_MS: i64 = 30_000;
/// The same in hours.
pub(crate) const STEP_HOURS: f64 = 1.0 / 120.0;
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// 2026-11-24 00:00 UTC: windows begin on that day.
const MIDNIGHT: i64 = 1_795_478_400_000;

/// One process.
#[derive(Debug)]
pub(crate) struct Process {
    /// When it began, milliseconds since 1970; most began before the window did.
    pub(crate) began: i64,
    /// Changes with every deploy.
    pub(crate) build: u32,
    /// When good pulses were, ascending, and the count in each; 0 is absent.
    pub(crate) pulses: Vec<(i64, u32)>,
    /// Its details, ascending.
    pub(crate) details: Vec<Taken>,
}

/// A detail: when, the count, and of the ids of the one before how many were looked for and found.
pub(crate) type Taken = (i64, u32, Option<(u32, u32)>);

/// The processes at one address, in order of time.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) processes: Vec<Process>,
}

/// One signature in one service in one window.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Where the window begins, milliseconds since 1970.
    pub(crate) begins: i64,
    /// How long it is.
    pub(crate) hours: i64,
    pub(crate) instances: Vec<Instance>,
}

/// When a process ran, in hours since the window began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) began: f64,
    pub(crate) ended: f64,
    pub(crate) build: u32,
}

/// How the lives of processes are cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Restarts {
    /// Three in ten services deploy once within the window, as services do.
    Usual,
    /// All begin within the first hour.
    Fresh,
    /// One deploy at this hour, one instance after the other.
    Deploy(f64),
    /// So many deploys at any time.
    Deploys(u32),
    /// Each instance by itself, so many hours apart on average.
    Crashes(f64),
    /// All but the first come within the window, and half of them go again.
    Scaled,
}

/// Where a process ran.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) instance: usize,
    pub(crate) instances: usize,
    /// The share of the load that the instance has; about 1.
    pub(crate) weight: f64,
    pub(crate) life: Life,
}

/// The parts of the count in a process.
type Parts = dyn Fn(Place, &mut Rng) -> Vec<Part>;

/// What a service is and does.
pub(crate) struct Recipe {
    pub(crate) least_instances: usize,
    pub(crate) restarts: Restarts,
    pub(crate) parts: Box<Parts>,
}

impl Recipe {
    pub(crate) fn new(
        restarts: Restarts,
        parts: impl Fn(Place, &mut Rng) -> Vec<Part> + 'static,
    ) -> Self {
        Self {
            least_instances: 1,
            restarts,
            parts: Box::new(parts),
        }
    }

    /// Where one instance alone would be another class.
    pub(crate) fn of_several(self) -> Self {
        Self {
            least_instances: 2,
            ..self
        }
    }
}

impl Fleet {
    /// Polls a service for so many hours.
    pub(crate) fn poll(recipe: &Recipe, hours: i64, rng: &mut Rng) -> Self {
        let begins = MIDNIGHT + rng.i64(0..2_880) * STEP_MS;
        let instances = rng.usize(recipe.least_instances..7);
        let lives = recipe.restarts.lives(instances, whole(hours), rng);
        let polled = lives.into_iter().enumerate().map(|(instance, lives)| {
            let weight = 0.7 + 0.6 * rng.f64();
            let gap = gap(whole(hours), rng);
            let processes = lives.into_iter().map(|life| {
                let place = Place {
                    instance,
                    instances,
                    weight,
                    life,
                };
                process(
                    (recipe.parts)(place, rng),
                    life,
                    (begins, whole(hours), gap),
                    rng,
                )
            });
            Instance {
                processes: processes
                    .filter(|process| !process.pulses.is_empty())
                    .collect(),
            }
        });
        let instances = polled.collect();
        Self {
            begins,
            hours,
            instances,
        }
    }

    /// Where twelfth `nth` of the window ends, 1 to 12.
    pub(crate) fn end(&self, nth: i64) -> i64 {
        self.begins + self.hours * HOUR_MS / 12 * nth
    }
}

/// For a look at what was judged: for each process its hour of birth, its build, and the lowest count in each
/// twelfth of the window.
impl fmt::Display for Fleet {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, instance) in self.instances.iter().enumerate() {
            for process in &instance.processes {
                let hour = (process.began - self.begins) as f64 / HOUR_MS as f64;
                write!(to, "\n  {nth} since {hour:.1} h, build {}:", process.build)?;
                for twelfth in 1..=12 {
                    let (from, end) = (self.end(twelfth - 1), self.end(twelfth));
                    let here = process
                        .pulses
                        .iter()
                        .filter(|(at, _)| (from..end).contains(at));
                    match here.map(|(_, count)| count).min() {
                        Some(count) => write!(to, " {count}")?,
                        None => write!(to, " -")?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl Restarts {
    fn lives(self, instances: usize, hours: f64, rng: &mut Rng) -> Vec<Vec<Life>> {
        let rollouts: Vec<f64> = match self {
            Self::Usual if rng.f64() < 0.3 => vec![hours * rng.f64()],
            Self::Deploy(at) => vec![at],
            Self::Deploys(times) => (0..times).map(|_| hours * rng.f64()).collect(),
            Self::Usual | Self::Fresh | Self::Crashes(_) | Self::Scaled => Vec::new(),
        };
        // Between an hour and a month ago, each order of magnitude as often as the other.
        let began = -(720_f64.powf(rng.f64()));
        let one = |nth: usize| {
            // An instance is down for half a minute, and the next follows in four.
            let mut cuts: Vec<f64> = rollouts.iter().map(|at| at + 0.07 * index(nth)).collect();
            let mut life = Life {
                began: began + 0.07 * index(nth),
                ended: hours,
                build: 0,
            };
            match self {
                Self::Fresh => life.began = rng.f64(),
                Self::Crashes(every) => {
                    let mut at = -every * rng.f64();
                    life.began = at;
                    loop {
                        at += every * (0.4 + 1.2 * rng.f64());
                        if at >= hours {
                            break;
                        }
                        cuts.push(at);
                    }
                }
                Self::Scaled if nth > 0 => {
                    life.began = hours * 0.9 * rng.f64();
                    if rng.bool() {
                        life.ended = life.began + (hours - life.began) * rng.f64();
                    }
                }
                Self::Usual | Self::Deploy(_) | Self::Deploys(_) | Self::Scaled => {}
            }
            cut(life, cuts, matches!(self, Self::Crashes(_)))
        };
        (0..instances).map(one).collect()
    }
}

/// A life in pieces; a crash brings the same build back, a deploy the next one.
fn cut(whole: Life, mut cuts: Vec<f64>, same_build: bool) -> Vec<Life> {
    cuts.sort_by(f64::total_cmp);
    let mut lives = Vec::with_capacity(cuts.len() + 1);
    let mut life = whole;
    for at in cuts.into_iter().filter(|at| *at > whole.began) {
        lives.push(Life { ended: at, ..life });
        life = Life {
            began: at + STEP_HOURS,
            ended: whole.ended,
            build: life.build + u32::from(!same_build),
        };
    }
    lives.push(life);
    lives
}

/// In one of seven instances polls fail for a while.
fn gap(hours: f64, rng: &mut Rng) -> (f64, f64) {
    let from = hours * rng.f64();
    let lasts = 0.1 + 0.9 * rng.f64();
    if rng.u32(0..7) == 0 {
        (from, from + lasts)
    } else {
        (0.0, 0.0)
    }
}

/// Polls one process; `window`: where it begins, its hours, and where polls fail.
fn process(
    mut parts: Vec<Part>,
    life: Life,
    (begins, hours, gap): (i64, f64, (f64, f64)),
    rng: &mut Rng,
) -> Process {
    let first = nth_poll(life.began.max(0.0));
    let end = nth_poll(life.ended.min(hours));
    let met = first as f64 * STEP_HOURS;
    for part in &mut parts {
        part.meet(met, met - life.began, rng);
    }
    let mut pulses = Vec::with_capacity(usize::try_from((end - first).max(0)).unwrap_or(0));
    let mut details = Details::default();
    for nth in first..end {
        let hour = nth as f64 * STEP_HOURS;
        let counts: Vec<f64> = parts.iter_mut().map(|part| part.step(hour, rng)).collect();
        let failed = (gap.0..gap.1).contains(&hour) || rng.u16(..) < 200;
        if !failed {
            let at = begins + nth * STEP_MS;
            pulses.push((at, counts.iter().sum::<f64>() as u32));
            details.look(at, hour, (&parts, counts), rng);
        }
    }
    Process {
        began: begins + (life.began * HOUR_MS as f64) as i64,
        build: life.build,
        pulses,
        details: details.taken,
    }
}

/// Details come this far apart, hours,
const DETAIL_HOURS: f64 = 1.0 / 6.0;
/// and none of a process with more goroutines.
const DETAIL_MOST: f64 = 2_000.0;
/// Ids of a group that are looked for again.
const SAMPLE: u32 = 32;

/// The details of a process.
#[derive(Default)]
struct Details {
    taken: Vec<Taken>,
    /// When the last one was taken, and the count of each part then.
    last: Option<(f64, Vec<f64>)>,
}

impl Details {
    fn look(&mut self, at: i64, hour: f64, (parts, counts): (&[Part], Vec<f64>), rng: &mut Rng) {
        let sum: f64 = counts.iter().sum();
        let apart = self.last.as_ref().map(|(last, _)| hour - last);
        if sum > DETAIL_MOST || apart.is_some_and(|apart| apart < DETAIL_HOURS - STEP_HOURS / 2.0) {
            return;
        }
        let survival = self.last.take().map(|(last, before)| {
            let all: f64 = before.iter().sum();
            let in_parts = parts.iter().zip(before.iter().zip(&counts));
            let stayed: f64 = in_parts
                .map(|(part, (before, now))| (before * part.stays(hour, hour - last)).min(*now))
                .sum();
            let sampled = (all as u32).min(SAMPLE);
            let alive = (0..sampled).filter(|_| rng.f64() < stayed / all.max(1.0));
            (sampled, u32::try_from(alive.count()).unwrap_or(0))
        });
        self.taken.push((at, sum as u32, survival));
        self.last = Some((hour, counts));
    }
}

fn nth_poll(hour: f64) -> i64 {
    (hour / STEP_HOURS).ceil() as i64
}

fn whole(hours: i64) -> f64 {
    hours as f64
}

fn index(nth: usize) -> f64 {
    nth as f64
}
