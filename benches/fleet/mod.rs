//! A model of a fleet: what its groups do over time, and the records that polling it would give.
//!
//! 55 % of the groups of a process are pools that stand still, 20 % are small and noisy (2 to 22
//! goroutines), 13 % come and go in bursts, 5 % are large and follow the day (200 to 3,200), 4 % step up
//! once, and 3 % leak 1 to 60 goroutines an hour. A tenth of them are in two wait kinds at once.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use goroscope::dump::{Block, Event, Facts, Goroutines, RawFrame};
use goroscope::group::{KeepLabels, StackBook, Tally};
use goroscope::model::{
    Form, Group, Incarnation, InstanceId, Kind, Look, Outcome, Poll, ProcessFacts, Record,
    Snapshot, Split, StartReason, Survival, Timestamp, Watch, snapshot::WAIT_BUCKET_EDGES,
};

/// Polls come this far apart, milliseconds.
pub(crate) const INTERVAL_MS: i64 = 30_000;
/// Polls between details.
const DETAIL_EVERY: i64 = 20;
const HOUR_MS: i64 = 3_600_000;
const PARKS: [&str; 4] = [
    "runtime.chanrecv1",
    "runtime.selectgo",
    "internal/poll.runtime_pollWait",
    "runtime.chansend1",
];

/// Which groups a fleet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// As real ones.
    Model,
    /// Every group is large and noisy.
    Noise,
}

/// What the count of a group does.
#[derive(Debug, Clone, Copy)]
enum Course {
    Pool(u32),
    Noise(f64),
    /// Bursts of about this many; absent in between.
    Bursts(f64),
    Diurnal(f64),
    Step {
        at: i64,
        from: u32,
        to: u32,
    },
    Leak {
        first: u32,
        per_hour: f64,
    },
}

impl Course {
    fn draw(mix: Mix, rng: &mut Rng, span_ms: i64) -> Self {
        let share = if mix == Mix::Noise {
            90
        } else {
            rng.u32(0..100)
        };
        match share {
            0..55 => Self::Pool(rng.u32(1..65)),
            55..75 => Self::Noise(2.0 + 20.0 * rng.f64()),
            75..88 => Self::Bursts(1.0 + 30.0 * rng.f64()),
            88..93 => Self::Diurnal(200.0 + 3_000.0 * rng.f64()),
            93..97 => Self::Step {
                at: rng.i64(0..span_ms.max(1)),
                from: rng.u32(1..20),
                to: rng.u32(20..60),
            },
            _ => Self::Leak {
                first: rng.u32(0..30),
                per_hour: 1.0 + 59.0 * rng.f64(),
            },
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a week are below 2^53"
    )]
    fn count(self, millis: i64, rng: &mut Rng) -> u32 {
        let hours = millis as f64 / HOUR_MS as f64;
        match self {
            Self::Pool(count) => count,
            Self::Noise(mean) => poisson(mean, rng),
            Self::Bursts(mean) if rng.u32(0..100) < 30 => poisson(mean, rng),
            Self::Bursts(_) => 0,
            Self::Diurnal(mean) => poisson(mean * (1.0 + 0.4 * (hours / 24.0 * TAU).sin()), rng),
            Self::Step { at, from, .. } if millis < at => from,
            Self::Step { to, .. } => to,
            Self::Leak { first, per_hour } => first + whole(hours * per_hour),
        }
    }
}

impl Course {
    /// How long goroutines of it have waited in a process that is `age` minutes old: those of pools
    /// and leaks as long as they are there, the others come and go within a minute.
    fn wait(self, age: u64, group: &mut Group) {
        let mut waits = [0; 5];
        let mut left = group.count;
        let stays = match self {
            Self::Leak { per_hour, .. } => {
                let grown = |minutes: f64| u64::from(whole(minutes / 60.0 * per_hour));
                for (bucket, minutes) in waits.iter_mut().zip([1.0, 9.0, 50.0, 1_380.0]) {
                    *bucket = grown(minutes).min(left);
                    left -= *bucket;
                }
                waits[4] = left;
                true
            }
            Self::Pool(_) | Self::Step { .. } => {
                let place = WAIT_BUCKET_EDGES.partition_point(|edge| *edge <= age);
                if let Some(bucket) = waits.get_mut(place) {
                    *bucket = left;
                }
                true
            }
            Self::Noise(_) | Self::Bursts(_) | Self::Diurnal(_) => {
                waits[0] = left;
                false
            }
        };
        group.waits = Some(waits);
        group.oldest_minutes = (stays && age > 0).then_some(age);
        group.survival = (age >= 10).then(|| {
            let sampled = u32::try_from(group.count.min(32)).unwrap_or(32);
            let alive = if stays { sampled } else { 0 };
            Survival { sampled, alive }
        });
    }
}

/// Knuth's way for small means, the normal one above.
fn poisson(mean: f64, rng: &mut Rng) -> u32 {
    if mean > 30.0 {
        let (a, b) = (rng.f64().max(1e-12), rng.f64());
        let normal = (-2.0 * a.ln()).sqrt() * (TAU * b).cos();
        return whole(mean + mean.sqrt() * normal);
    }
    let (limit, mut product, mut count) = ((-mean).exp(), rng.f64(), 0);
    while product > limit {
        product *= rng.f64();
        count += 1;
    }
    count
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a model, clamped"
)]
fn whole(value: f64) -> u32 {
    value.round().clamp(0.0, 1e9) as u32
}

/// One process of the fleet.
struct Process {
    instance: Arc<InstanceId>,
    life: Arc<Incarnation>,
    courses: Vec<Course>,
    phase: i64,
    rng: Rng,
}

/// A fleet that is polled.
pub(crate) struct Fleet {
    processes: Vec<Process>,
    pulse: Snapshot,
    detail: Snapshot,
    begin: i64,
}

impl Fleet {
    /// A fleet of one service from `begin` (milliseconds since 1970) on, for `span_ms`.
    pub(crate) fn new(mix: Mix, instances: u32, groups: usize, begin: i64, span_ms: i64) -> Self {
        let mut rng = Rng::with_seed(7);
        let processes = (0..instances)
            .map(|nth| {
                let phase = rng.i64(0..INTERVAL_MS);
                Process {
                    instance: Arc::new(InstanceId {
                        service: "checkout".into(),
                        scheme: "http".into(),
                        address: format!("checkout-{nth}:6060").into(),
                        path: "/debug/pprof".into(),
                    }),
                    life: Arc::new(Incarnation {
                        since: Timestamp::from_millis(begin + phase),
                        reason: StartReason::FirstContact,
                        facts: ProcessFacts::default(),
                    }),
                    courses: (0..groups)
                        .map(|_| Course::draw(mix, &mut rng, span_ms))
                        .collect(),
                    phase,
                    rng: Rng::with_seed(rng.u64(..)),
                }
            })
            .collect();
        Self {
            processes,
            pulse: snapshot(groups, Form::Proto),
            detail: snapshot(groups, Form::Debug2),
            begin,
        }
    }

    /// What is due from when on.
    pub(crate) fn watches(&self) -> impl Iterator<Item = Record> {
        self.processes.iter().map(|process| {
            Record::Watch(Watch {
                instance: Arc::clone(&process.instance),
                from: process.life.since,
                interval: Duration::from_millis(INTERVAL_MS.unsigned_abs()),
                labels: Arc::default(),
            })
        })
    }

    /// The polls of round `nth`, details included where `details`.
    pub(crate) fn round(&mut self, nth: i64, details: bool, mut on: impl FnMut(Record)) {
        for (of, process) in (0i64..).zip(&mut self.processes) {
            // 20 ms of jitter, as a busy daemon has.
            let millis = nth * INTERVAL_MS + process.rng.i64(0..20);
            let at = Timestamp::from_millis(self.begin + process.phase + millis);
            let mut counts = Vec::with_capacity(process.courses.len());
            for course in &process.courses {
                counts.push(course.count(process.phase + millis, &mut process.rng));
            }
            on(process.look(at, Kind::Pulse, filled(&self.pulse, &counts, |_, _| ())));
            if details && (nth + of) % DETAIL_EVERY == 0 {
                let at = at.plus(Duration::from_millis(400));
                let age = u64::try_from((process.phase + millis) / 60_000).unwrap_or(0);
                let detail = filled(&self.detail, &counts, |nth, group| {
                    if let Some(course) = process.courses.get(nth) {
                        course.wait(age, group);
                    }
                });
                on(process.look(at, Kind::Detail, detail));
            }
        }
    }
}

impl Process {
    fn look(&mut self, at: Timestamp, kind: Kind, snapshot: Snapshot) -> Record {
        let look = Look {
            kind,
            took: Duration::from_millis(self.rng.u64(2..6)),
            outcome: Outcome::Snapshot(Arc::clone(&self.life), Box::new(snapshot)),
        };
        Record::Poll(Box::new(Poll {
            instance: Arc::clone(&self.instance),
            at,
            look,
        }))
    }
}

/// A snapshot with one goroutine in each group.
fn snapshot(groups: usize, form: Form) -> Snapshot {
    let book = StackBook::default();
    let mut tally = Tally::new(&book, KeepLabels::All, None);
    for group in 0..groups {
        let park = PARKS.iter().cycle().nth(group).copied().unwrap_or_default();
        let names: Vec<String> = (0..12)
            .map(|depth| format!("github.com/acme/checkout/part{group}.(*Worker).step{depth}"))
            .collect();
        let hidden = ["runtime.gopark", park];
        let hidden = hidden.iter().filter(|_| form == Form::Proto).copied();
        let frames: Vec<RawFrame<'_>> = hidden
            .chain(names.iter().map(String::as_str))
            .map(|function| RawFrame {
                function: function.as_bytes(),
                file: b"/src/github.com/acme/checkout/worker.go",
                line: 44,
            })
            .collect();
        let creator = format!("github.com/acme/checkout/part{}.(*Pool).start", group % 60);
        tally.add(Event::Goroutines(Goroutines {
            count: 1,
            frames: &frames,
            elision: None,
            cut: false,
            leaf_hidden: false,
            labels: None,
            block: (form == Form::Debug2).then_some(Block {
                id: 1,
                state: b"select",
                minutes: None,
                leaked: false,
                creator: Some(creator.as_bytes()),
            }),
            stack: None,
        }));
    }
    tally.finish(Facts {
        form,
        leaks: false,
        truncated: false,
        process: ProcessFacts::default(),
    })
}

/// The snapshot with these counts; groups of none are absent, a tenth is in two wait kinds.
fn filled(
    template: &Snapshot,
    counts: &[u32],
    mut complete: impl FnMut(usize, &mut Group),
) -> Snapshot {
    let mut groups: Vec<Group> = Vec::with_capacity(counts.len());
    for (nth, (group, count)) in template.groups.iter().zip(counts).enumerate() {
        let count = u64::from(*count);
        if count == 0 {
            continue;
        }
        let mut group = group.clone();
        group.count = count;
        if let Some((_, created)) = group.creators.first_mut() {
            *created = count;
        }
        let running = if nth % 10 == 0 { count / 5 } else { 0 };
        if let Some(split) = group.splits.first_mut() {
            split.count = count - running;
        }
        if running > 0 {
            group.splits.push(Split {
                state: "active".into(),
                kind: "active".into(),
                labels: Arc::default(),
                count: running,
            });
        }
        complete(nth, &mut group);
        groups.push(group);
    }
    Snapshot {
        goroutines: groups.iter().map(|group| group.count).sum(),
        groups,
        ..template.clone()
    }
}
