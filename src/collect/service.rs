//! The polling task of one service: every instance at its own ticks, one request in flight each.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::identity::{Answerer, Lives};
use super::policy::{Details, Plan};
use super::proof::Turns;
use super::request::{Request, request};
use super::safety::Safety;
use super::schedule::{self, Schedule};
use super::{Fetcher, Limits, Queue, failure, prove};
use crate::clock;
use crate::config::{Instance, Service};
use crate::group::{FullStacks, KeepLabels, StackBook, Survivors, Tally};
use crate::model::{
    EventKind, Failure, FailureReason, InstanceId, Kind, Look, Note, Outcome, Poll, Record,
    Signature, Snapshot, Suspects, Timestamp, Watch,
};
use crate::observe::Counters;

/// What is known of the processes at the instances; outlives a task that panics.
pub type Known = Arc<Mutex<HashMap<Arc<InstanceId>, Lives>>>;

/// What a polling task works with.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Makes the requests.
    pub fetcher: Arc<Fetcher>,
    /// Takes the results.
    pub queue: Queue,
    /// Counts and logs.
    pub counters: Arc<Counters>,
    /// Processes met before.
    pub known: Known,
    /// Who was asked for a proof, and who is not to be.
    pub turns: Arc<Mutex<Turns>>,
    /// What the verdicts of the last round suspect.
    pub suspects: watch::Receiver<Arc<Suspects>>,
    /// Instances of all services together: decides how far first looks are spread.
    pub fleet: usize,
}

/// What the instances of a service share.
pub(super) struct Shared {
    pub(super) service: Service,
    pub(super) deps: Deps,
    book: StackBook,
    full: Mutex<FullStacks>,
    /// One proof at a time: no two instances of a service are held up at once.
    pub(super) proving: Semaphore,
}

/// Polls the instances of one service until told to stop.
pub async fn poll_service(service: Service, deps: Deps, stop: CancellationToken) {
    let instances = service.instances.clone();
    let shared = Shared {
        service,
        deps,
        book: StackBook::default(),
        full: Mutex::default(),
        proving: Semaphore::new(1),
    };
    let mut polls: FuturesUnordered<_> = instances
        .iter()
        .map(|instance| poll(Instanced::new(&shared, instance), &stop))
        .collect();
    while polls.next().await.is_some() {}
}

/// Polls one instance until told to stop.
async fn poll(mut instance: Instanced<'_>, stop: &CancellationToken) {
    instance.begin_watch();
    loop {
        let wait = instance.schedule.next().since(clock::now());
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(wait) => {}
        }
        let now = clock::now();
        if now < instance.schedule.next() {
            // The clock was set back while we slept. By more than a slew: a new grid, from now on.
            if instance.schedule.is_beyond(now) {
                instance.end_watch();
                instance.begin_watch();
            }
            continue;
        }
        let ok = tokio::select! {
            () = stop.cancelled() => break,
            ok = instance.tick(now) => ok,
        };
        let jitter = schedule::phase(&instance.id);
        instance.schedule.note(ok, clock::now(), jitter);
    }
    instance.end_watch();
}

/// One instance, and all that is remembered of it between looks.
pub(super) struct Instanced<'a> {
    pub(super) shared: &'a Shared,
    pub(super) id: Arc<InstanceId>,
    config: &'a Instance,
    schedule: Schedule,
    details: Details,
    /// What the pulses of this process say of whether a proof is safe.
    pub(super) safety: Safety,
    /// How long the last pulse took.
    pub(super) pulse_took: Duration,
    /// The suspects that a detail has told of.
    pub(super) detailed: HashSet<Signature>,
    pub(super) lives: Lives,
    survivors: Survivors,
    last_at: Timestamp,
    /// Where the grid of ticks begins.
    watched_from: Timestamp,
    /// How the last look ended, so that only changes are logged.
    last_failure: Option<FailureReason>,
}

impl<'a> Instanced<'a> {
    fn new(shared: &'a Shared, config: &'a Instance) -> Self {
        let now = clock::now();
        let fleet = shared.deps.fleet;
        let lives = lock(&shared.deps.known)
            .get(&config.id)
            .cloned()
            .unwrap_or_default();
        Self {
            shared,
            id: Arc::clone(&config.id),
            config,
            schedule: Schedule::new(now, shared.service.interval),
            details: Details::new(&config.id, &shared.service, fleet, now),
            safety: Safety::default(),
            pulse_took: Duration::ZERO,
            detailed: HashSet::new(),
            lives,
            survivors: Survivors::default(),
            last_at: Timestamp::default(),
            watched_from: now,
            last_failure: None,
        }
    }

    /// Lays the grid of ticks anew, from now on.
    fn begin_watch(&mut self) {
        let now = clock::now();
        let interval = self.shared.service.interval;
        let from = schedule::first(&self.id, now, interval, self.shared.deps.fleet);
        self.schedule = Schedule::new(from, interval);
        self.watched_from = from;
        let watch = Watch {
            instance: Arc::clone(&self.id),
            from,
            interval,
            labels: Arc::clone(&self.config.labels),
        };
        self.shared.deps.queue.send(Record::Watch(watch), now);
    }

    /// Ends the grid of ticks. A look that was broken off was not due any more.
    fn end_watch(&self) {
        let now = clock::now();
        let before_next = Timestamp::from_millis(self.schedule.next().as_millis() - 1);
        let record = Record::Unwatch {
            instance: Arc::clone(&self.id),
            from: self.watched_from,
            to: now.min(before_next),
        };
        self.shared.deps.queue.send(record, now);
    }

    /// Everything that one tick asks for; true when the counts came.
    async fn tick(&mut self, now: Timestamp) -> bool {
        let service = &self.shared.service;
        let plan = self.details.plan(service, now, self.may_prove(now));
        if plan == Plan::DetailAsPulse {
            return self.look(Request::DetailAsPulse).await;
        }
        if !self.look(Request::Pulse).await {
            return false;
        }
        let turn = self.turn();
        let urgency = self.urgency(turn.is_some());
        let follows =
            plan == Plan::PulseAndDetail && self.details.follows(service, clock::now(), urgency);
        if follows && !self.look(Request::Detail).await {
            return true;
        }
        // The detail may have met a successor, of which no pulse has told yet.
        if let Some(turn) = turn.filter(|_| self.safety.is_known()) {
            self.prove(turn).await;
        }
        true
    }

    /// One request, its result stored; true when it gave a snapshot.
    pub(super) async fn look(&mut self, request: Request) -> bool {
        let kind = request.kind();
        let at = clock::now().max(Timestamp::from_millis(self.last_at.as_millis() + 1));
        self.last_at = at;
        let started = Instant::now();
        // A bug that one target's dump brings out must not end the polling of the others.
        let looked = AssertUnwindSafe(self.fetch(kind)).catch_unwind().await;
        let result = looked.unwrap_or_else(|payload| Err(failure::panic(&*payload)));
        let outcome = self.outcome(kind, result, at);
        let took = started.elapsed();
        match kind {
            Kind::Pulse => self.pulse_took = took,
            Kind::Detail => self.note_detail(&outcome, at),
            Kind::Proof => self.note_proof(&outcome, took, at),
        }
        self.tell(kind, &outcome, took);
        let ok = matches!(outcome, Outcome::Snapshot(..));
        let poll = Poll {
            instance: Arc::clone(&self.id),
            at,
            look: Look {
                kind,
                took,
                outcome,
            },
        };
        let serves_as_pulse = request == Request::DetailAsPulse;
        if serves_as_pulse {
            let mut pulse = poll.clone();
            pulse.look.kind = Kind::Pulse;
            self.store(pulse);
        }
        // A failure of the one request is one failure.
        if ok || !serves_as_pulse {
            self.store(poll);
        }
        ok
    }

    fn store(&self, poll: Poll) {
        let at = poll.at;
        self.shared
            .deps
            .queue
            .send(Record::Poll(Box::new(poll)), at);
    }

    async fn fetch(&mut self, kind: Kind) -> Result<Snapshot, Failure> {
        let service = &self.shared.service;
        let limits = Limits {
            timeout: service.timeout,
            body: service.body_size_limit,
        };
        let survivors = (kind == Kind::Detail).then_some(&mut self.survivors);
        let keep = match &*service.keep_labels {
            [all] if all == "*" => KeepLabels::All,
            keys => KeepLabels::Keys(keys),
        };
        let tally = Tally::new(&self.shared.book, keep, survivors);
        let fetched = request(&self.shared.deps.fetcher, &self.id, kind, limits, tally).await;
        match kind {
            Kind::Proof => fetched.map_err(prove::explained),
            Kind::Pulse | Kind::Detail => fetched,
        }
    }

    /// Turns what was read into what is stored: signatures of cut stacks, and whose it was.
    fn outcome(&mut self, kind: Kind, result: Result<Snapshot, Failure>, at: Timestamp) -> Outcome {
        let mut snapshot = match result {
            Ok(snapshot) => snapshot,
            Err(failure) => {
                self.survivors.abandon();
                return Outcome::Failed(failure);
            }
        };
        let mut full = lock(&self.shared.full);
        for group in &snapshot.groups {
            full.learn(&group.stack);
        }
        for group in &mut snapshot.groups {
            group.signature = full.resolve(&group.stack);
        }
        drop(full);
        // A proof tells of some goroutines only.
        let count = (kind != Kind::Proof).then_some(snapshot.goroutines);
        if let Some(count) = count {
            self.details.seen(count);
        }
        let before = self.lives.current().cloned();
        let answerer = self.lives.note(&snapshot.process, count, at);
        let incarnation = match answerer {
            Answerer::Several => return Outcome::Failed(failure::several_processes()),
            Answerer::Same(known) => known,
            Answerer::New(born) => {
                self.survivors.forget();
                self.details.forget();
                self.safety = Safety::default();
                if before.is_some() {
                    let text = format!("another process answers ({})", born.reason.as_str());
                    self.note(EventKind::Restart, at, text);
                }
                born
            }
        };
        if before.as_ref() != Some(&incarnation) {
            lock(&self.shared.deps.known).insert(Arc::clone(&self.id), self.lives.clone());
        }
        match kind {
            Kind::Pulse => self.watch_over(&snapshot),
            Kind::Proof => prove::mark(&mut snapshot),
            Kind::Detail => {}
        }
        Outcome::Snapshot(incarnation, Box::new(snapshot))
    }

    fn note_detail(&mut self, outcome: &Outcome, at: Timestamp) {
        if matches!(outcome, Outcome::Failed(failure) if failure.reason == FailureReason::Timeout) {
            self.details.timed_out(at);
            return;
        }
        // A detail that failed otherwise is not tried again before its time either.
        self.details.made(at);
        self.note_suspects();
    }

    fn tell(&mut self, kind: Kind, outcome: &Outcome, took: Duration) {
        let counters = &self.shared.deps.counters;
        match outcome {
            Outcome::Snapshot(_, snapshot) => {
                if self.last_failure.take().is_some() {
                    tracing::info!(instance = %self.id, "{} answers again", self.id);
                }
                let goroutines = snapshot.goroutines;
                counters.poll_ok(&self.id, kind.as_str(), goroutines, took.as_millis());
            }
            // What that means is told once; it is no poll that failed.
            Outcome::Failed(Failure { reason, message }) if kind == Kind::Proof => {
                let reason = reason.as_str();
                tracing::debug!(instance = %self.id, reason, "No proof of {}: {message}", self.id);
            }
            Outcome::Failed(failure) => {
                let changed = self.last_failure.replace(failure.reason) != Some(failure.reason);
                counters.poll_failed(&self.id, failure.reason.as_str(), &failure.message, changed);
            }
        }
    }

    pub(super) fn note(&self, kind: EventKind, at: Timestamp, text: String) {
        tracing::info!(instance = %self.id, event = kind.as_str(), "{}: {text}", self.id);
        let note = Note {
            at,
            kind,
            instance: Some(Arc::clone(&self.id)),
            text,
        };
        self.shared.deps.queue.send(Record::Note(note), at);
    }
}

/// A panic leaves these maps whole: every write is one insert.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
