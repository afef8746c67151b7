//! How many clients there are: levels that change every few minutes, each server's by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::clients::{Session, caddy, etcd, nats, node, prometheus, victoria};
use crate::servers::Servers;

/// Shares of a server's clients that are there; calm comes as often as the rush.
const LEVELS: [f64; 6] = [0.0, 0.05, 0.15, 0.3, 0.6, 1.0];

/// When which level begins, in seconds.
struct Course(Vec<(u64, f64)>);

impl Course {
    fn new(rng: &mut Rng) -> Self {
        let (mut at, mut levels) = (0, Vec::new());
        // A day of it.
        while at < 86_400 {
            levels.push((at, rng.choice(LEVELS).unwrap_or_default()));
            at += rng.u64(120..300);
        }
        Self(levels)
    }

    fn level(&self, second: u64) -> f64 {
        let begun = self.0.partition_point(|(at, _)| *at <= second);
        let level = begun.checked_sub(1).and_then(|nth| self.0.get(nth));
        level.map_or(0.0, |(_, level)| *level)
    }
}

/// What all clients share.
struct Shared {
    began: Instant,
    ends: AtomicBool,
    sessions: AtomicU64,
    failed: AtomicU64,
}

pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

/// A client's place: there while the level is above it.
pub(crate) struct Place {
    nth: f64,
    of: f64,
    course: Arc<Course>,
    shared: Arc<Shared>,
}

impl Place {
    /// Whether the client is to go on.
    pub(crate) fn is_open(&self) -> bool {
        let second = self.shared.began.elapsed().as_secs();
        let ends = self.shared.ends.load(Ordering::Relaxed);
        !ends && self.nth < self.of * self.course.level(second)
    }

    /// Waits for so many seconds, less where the client is to go.
    pub(crate) fn wait(&self, seconds: f64) {
        let began = Instant::now();
        while self.is_open() && began.elapsed().as_secs_f64() < seconds {
            let left = seconds - began.elapsed().as_secs_f64();
            std::thread::sleep(Duration::from_secs_f64(left.clamp(0.001, 0.5)));
        }
    }
}

impl Load {
    pub(crate) fn start(servers: &Servers, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            began: Instant::now(),
            ends: AtomicBool::new(false),
            sessions: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let mut rng = Rng::with_seed(seed);
        let kinds: [(u32, Session); 6] = [
            (24, prometheus),
            (40, etcd),
            (60, nats),
            (40, caddy),
            (20, victoria),
            (8, node),
        ];
        let mut clients = Vec::new();
        for (count, session) in kinds {
            let course = Arc::new(Course::new(&mut rng));
            for nth in 0..count {
                let place = Place {
                    nth: f64::from(nth),
                    of: f64::from(count),
                    course: Arc::clone(&course),
                    shared: Arc::clone(&shared),
                };
                let (at, mut rng) = (servers.at, rng.fork());
                clients.push(std::thread::spawn(move || {
                    while !place.shared.ends.load(Ordering::Relaxed) {
                        // Not all at the moment in which the level changes.
                        std::thread::sleep(Duration::from_millis(rng.u64(100..4000)));
                        if place.is_open() {
                            let held = session(&at, &place, &mut rng);
                            place.shared.sessions.fetch_add(1, Ordering::Relaxed);
                            let failed = u64::from(held.is_err());
                            place.shared.failed.fetch_add(failed, Ordering::Relaxed);
                        }
                    }
                }));
            }
        }
        Self { shared, clients }
    }

    /// Has all clients go; what they did.
    pub(crate) fn end(self) -> String {
        self.shared.ends.store(true, Ordering::Relaxed);
        let threads = self.clients.len();
        let lost = self.clients.into_iter().filter_map(|one| one.join().err());
        let lost = lost.count();
        format!(
            "{} sessions of {threads} clients, {} broke off, {lost} clients fell over",
            self.shared.sessions.load(Ordering::Relaxed),
            self.shared.failed.load(Ordering::Relaxed)
        )
    }
}
