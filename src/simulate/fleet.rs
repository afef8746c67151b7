//! Which processes there are, and what one of them has at a moment. Pure: time is an argument.

use std::time::Duration;

use super::course::{Course, Seat};
use super::draw::draw;
use super::stack::Stack;

/// The Go that a program was built with, as far as its dumps tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// Knows no leak profile, has its heap at 0xc000000000, and prints no labels in text.
    V1_25,
    /// Knows the leak profile, draws where its heap is, and prints labels behind the state.
    V1_27,
}

/// Goroutines of one stack and label set.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Where they are.
    pub stack: Stack,
    /// pprof labels.
    pub labels: Vec<(String, String)>,
    /// What their number does.
    pub course: Course,
    /// The first build that has them, by the number of deploys before it.
    pub since_build: u64,
}

impl Group {
    /// Goroutines without labels that every build has.
    pub const fn new(stack: Stack, course: Course) -> Self {
        Self {
            stack,
            labels: Vec::new(),
            course,
            since_build: 0,
        }
    }
}

/// When processes begin anew: once after `first`, then after each `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// From the beginning to the first time.
    pub first: Duration,
    /// From one to the next.
    pub every: Duration,
}

impl Rhythm {
    /// How often it has been, and when it was last.
    fn upto(self, elapsed: Duration) -> (u64, Duration) {
        let Some(since) = elapsed.checked_sub(self.first) else {
            return (0, Duration::ZERO);
        };
        let (every, since) = (self.every.as_millis().max(1), since.as_millis());
        let times = u64::try_from(since / every).unwrap_or(u64::MAX);
        let behind = u64::try_from(since % every).unwrap_or(0);
        (
            times + 1,
            elapsed.saturating_sub(Duration::from_millis(behind)),
        )
    }
}

/// Processes of one program.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What it was built with.
    pub go: Go,
    /// What its processes do.
    pub groups: Vec<Group>,
    /// When a new build takes the place of the old one.
    pub deploys: Option<Rhythm>,
    /// When each of its instances is restarted by itself.
    pub restarts: Vec<Option<Rhythm>>,
}

/// The fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    seed: u64,
    services: Vec<Service>,
    /// Service and place in it of each instance.
    instances: Vec<(usize, usize)>,
}

impl Fleet {
    /// A fleet of these services; each has as many instances as it has `restarts`.
    pub fn new(seed: u64, services: Vec<Service>) -> Self {
        let of = |(nth, service): (usize, &Service)| {
            let places = 0..service.restarts.len();
            places.map(move |place| (nth, place))
        };
        let instances = services.iter().enumerate().flat_map(of).collect();
        Self {
            seed,
            services,
            instances,
        }
    }

    /// Its services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// How many instances it has; they are known by their numbers, from 0.
    pub fn instances(&self) -> usize {
        self.instances.len()
    }

    /// The place of an instance's service among [`Fleet::services`].
    pub fn service_of(&self, instance: usize) -> Option<usize> {
        self.instances.get(instance).map(|(service, _)| *service)
    }

    /// What the process at an instance has so long after the beginning; `None` for an instance that is none.
    pub fn moment(&self, instance: usize, elapsed: Duration) -> Option<Moment<'_>> {
        let (nth, place) = *self.instances.get(instance)?;
        let service = self.services.get(nth)?;
        let none = (0, Duration::ZERO);
        let upto = |rhythm: &Option<Rhythm>| rhythm.map_or(none, |rhythm| rhythm.upto(elapsed));
        let (deploys, deployed) = upto(&service.deploys);
        let (restarts, restarted) = upto(service.restarts.get(place)?);
        let age = elapsed.saturating_sub(deployed.max(restarted));
        let number = |number: usize| u64::try_from(number).unwrap_or(0);
        let seat = draw(&[self.seed, number(nth), number(place)]);
        let process = draw(&[seat, deploys, restarts]);
        let groups = service.groups.iter().enumerate().map(|(group, what)| {
            let seat = Seat {
                drawn: draw(&[seat, number(group)]),
                age,
                elapsed,
            };
            let is_there = deploys >= what.since_build;
            (if is_there { what.course.count(seat) } else { 0 }, seat)
        });
        Some(Moment {
            service,
            groups: groups.collect(),
            build: draw(&[self.seed, number(nth), deploys]),
            process,
            age,
        })
    }
}

/// What one process has at one moment.
#[derive(Debug)]
pub struct Moment<'f> {
    /// What it runs.
    pub(super) service: &'f Service,
    /// How many goroutines each group has.
    groups: Vec<(u32, Seat)>,
    /// Drawn for the build.
    build: u64,
    /// Drawn for the process.
    process: u64,
    /// How old it is.
    age: Duration,
}

/// One goroutine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Goroutine {
    /// Distinct in its process; what stays keeps it.
    pub(super) id: u64,
    /// Whole minutes that it has been there.
    pub(super) minutes: u64,
    /// The group that it is of.
    pub(super) group: usize,
}

/// More goroutines than this are in no group.
const MOST: u64 = 1 << 30;
/// Ids of goroutines that the program started begin here.
const FIRST_ID: u64 = 20;

impl<'f> Moment<'f> {
    /// How many goroutines each group has.
    pub(super) fn counts(&self) -> impl ExactSizeIterator<Item = u32> {
        self.groups.iter().map(|(count, _)| *count)
    }

    /// All goroutines, without that which serves the request.
    pub fn goroutines(&self) -> u64 {
        self.counts().map(u64::from).sum()
    }

    /// The groups that are there with their counts, the largest first as Go sorts them.
    pub(super) fn present(&self) -> Vec<(usize, u32)> {
        let there = self.counts().enumerate().filter(|(_, count)| *count > 0);
        let mut present: Vec<(usize, u32)> = there.collect();
        present.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        present
    }

    /// A group of the service.
    pub(super) fn group(&self, nth: usize) -> Option<&'f Group> {
        self.service.groups.get(nth)
    }

    /// The goroutines one by one, by their ids.
    pub(super) fn each(&self) -> Vec<Goroutine> {
        let stride = u64::try_from(self.groups.len()).unwrap_or(1).max(1);
        let first = FIRST_ID + self.process % 4_096;
        let of = |(at, ((count, seat), group)): (usize, (&(u32, Seat), &Group))| {
            let (seat, course) = (*seat, group.course);
            let begins = course.turns(seat).wrapping_mul(MOST / 1024);
            let is_main = group.stack.creator.is_none();
            let place = u64::try_from(at).unwrap_or(0);
            (0..*count).map(move |nth| Goroutine {
                id: if is_main {
                    1
                } else {
                    first + (begins + u64::from(nth)) * stride + place
                },
                minutes: self.age.saturating_sub(course.born(nth, seat)).as_secs() / 60,
                group: at,
            })
        };
        let pairs = self.groups.iter().zip(&self.service.groups);
        let mut each: Vec<Goroutine> = pairs.enumerate().flat_map(of).collect();
        each.sort_unstable();
        each
    }

    /// The build id: 40 hexadecimal digits, the same in all processes of a build.
    pub fn build_id(&self) -> String {
        let parts = [0, 1, 2].map(|part| draw(&[self.build, part]));
        let mut id = parts.map(|part| format!("{part:016x}")).concat();
        id.truncate(40);
        id
    }

    /// Where the kernel put `[vdso]`: drawn at every start.
    pub fn vdso(&self) -> u64 {
        0x7ff0_0000_0000 + (draw(&[self.process, 1]) & 0xf_ffff_f000)
    }

    /// Where the heap begins: drawn at every start since Go 1.26.
    pub(super) fn heap(&self) -> u64 {
        match self.service.go {
            Go::V1_25 => 0xc0_0000_0000,
            Go::V1_27 => (0x100 + (draw(&[self.process, 2]) & 0x7fff)) << 32,
        }
    }
}
