//! The daemon: joins the rooms, and knows the order in which they start and stop.
//!
//! Start: lock, database, what is remembered, polling. Stop: polling, queue, database, lock.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::collect::{Deps, Fetcher, Known, Lives, Queue, Supervisor, Turns, poll_service};
use crate::config::{Config, ConfigError, Service, Storage};
use crate::model::{Analysis, EventKind, InstanceId, Note, Record, Signature, Suspects, Timestamp};
use crate::observe::Counters;
use crate::present::{Zone, rule_ended};
use crate::query::{Judging, QueryError};
use crate::store::{self, DaemonLock, InstanceRow, Reader, Retention, StoreError, Writer};
use crate::{clock, group, query};

/// The wall clock is held against the monotonic one this often.
const CLOCK_CHECK: Duration = Duration::from_secs(10);
/// What is said of every signature is looked at anew this often.
const JUDGE_EVERY: Duration = Duration::from_mins(5);
/// A larger difference is a step, not a slew.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// Why the daemon cannot start or end well.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// TLS or name resolution.
    #[error("failed to set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The system gives no signals.
    #[error("failed to listen for signals")]
    Signals(#[source] std::io::Error),
    /// What was polled last is lost.
    #[error("the last polls could not be written to the database")]
    Unwritten,
}

/// Reads the config file again.
pub type Reload = Box<dyn Fn() -> Result<Config, ConfigError> + Send>;

/// What the daemon waits for.
enum Happened {
    Ended,
    Stop(&'static str),
    Reload,
    ClockCheck,
    /// Time to judge.
    JudgeDue,
    /// The judge has come to an end.
    Judged(Result<Judging, QueryError>),
}

/// Polls what `config` says into `database` until SIGTERM or Ctrl-C. SIGHUP reads the config
/// again; a bad one is refused and the running one stays.
pub async fn run(config: Config, database: PathBuf, reload: Reload) -> Result<(), DaemonError> {
    let mut signals = Signals::listen().map_err(DaemonError::Signals)?;
    if !config.storage.allow_network_filesystem {
        store::refuse_network(&database)?;
    }
    let lock = DaemonLock::take(&database)?;
    recompute(&database, &lock)?;
    let counters = Arc::new(Counters::default());
    let (writer, records) = Writer::start(
        &database,
        lock,
        retention(&config.storage),
        Arc::clone(&counters),
        clock::now,
    )?;
    let queue = Queue::new(records, Arc::clone(&counters));
    // What is judged to grow gets details soon, and proofs where these are wanted.
    let (suspected, suspects) = watch::channel(Arc::new(Suspects::default()));
    let (known, turns) = remembered(&database)?;
    let deps = Deps {
        fetcher: Arc::new(Fetcher::new(config.max_concurrent_polls).map_err(DaemonError::Client)?),
        queue: queue.clone(),
        counters: Arc::clone(&counters),
        known,
        turns,
        suspects,
        fleet: instances(&config.services),
    };
    let fixed = Fixed::of(&config);
    tell_analysis(&config, &queue);
    let (wanted, running) = watch::channel(config.services);
    let stop = CancellationToken::new();
    let start = move |service: Service, stop| poll_service(service, deps.clone(), stop);
    let supervisor = Supervisor::new(start, queue.clone(), Arc::clone(&counters), clock::now);
    tracing::info!("Keeps the history in {}", database.display());
    {
        let supervising = supervisor.run(running, stop.clone());
        tokio::pin!(supervising);
        let mut check = tokio::time::interval(CLOCK_CHECK);
        let mut clocks = Clocks::now();
        let mut judge = Judge::new(&database);
        loop {
            let happened = tokio::select! {
                () = &mut supervising => Happened::Ended,
                happened = signals.next() => happened,
                _ = check.tick() => Happened::ClockCheck,
                happened = judge.next() => happened,
            };
            match happened {
                Happened::Ended => break,
                Happened::Stop(signal) => {
                    tracing::info!("Stops on {signal}");
                    stop.cancel();
                }
                Happened::JudgeDue => judge.start(),
                Happened::Reload => take_config(&reload, &wanted, &fixed, &queue),
                Happened::Judged(judging) => tell(judging, &queue, &suspected),
                Happened::ClockCheck => {
                    clocks.check(&queue);
                    if writer.has_ended() {
                        tracing::error!("The database writer has ended: stops as well");
                        stop.cancel();
                    }
                }
            }
        }
    }
    drop(queue);
    finish(writer, &counters).await
}

/// Instances of all services together.
fn instances(services: &[Service]) -> usize {
    let of_each = services.iter().map(|service| service.instances.len());
    of_each.sum()
}

/// Judges the history every five minutes, beside everything else.
struct Judge {
    database: PathBuf,
    due: Interval,
    running: Option<JoinHandle<Result<Judging, QueryError>>>,
}

impl Judge {
    fn new(database: &Path) -> Self {
        let mut due = interval_at((Instant::now() + JUDGE_EVERY).into(), JUDGE_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            database: database.to_owned(),
            due,
            running: None,
        }
    }

    /// Waits for the next turn, or for the end of the one that runs.
    async fn next(&mut self) -> Happened {
        if let Some(running) = &mut self.running {
            let judged = running.await;
            self.running = None;
            // A panic has told of itself.
            if let Ok(judged) = judged {
                return Happened::Judged(judged);
            }
        }
        self.due.tick().await;
        Happened::JudgeDue
    }

    fn start(&mut self) {
        let database = self.database.clone();
        let judge = move || query::judge(&Reader::open(&database)?, clock::now());
        self.running = Some(tokio::task::spawn_blocking(judge));
    }
}

/// Logs and stores what is said of signatures from now on, and tells polling what to look at.
fn tell(
    judging: Result<Judging, QueryError>,
    queue: &Queue,
    suspected: &watch::Sender<Arc<Suspects>>,
) {
    let judging = match judging {
        Ok(judging) => judging,
        Err(error) => {
            tracing::error!("Could not judge the history: {error}");
            return;
        }
    };
    suspected.send_replace(Arc::new(suspects(judging.suspects)));
    for change in judging.changes.iter().filter(|change| change.is_event) {
        let before = change.before.as_deref().unwrap_or("nothing");
        let why = change.evidence.first().map_or("", String::as_str);
        tracing::warn!(
            event = EventKind::Verdict.as_str(),
            service = %change.service,
            signature = %change.signature,
            "{} in {}: {before} -> {}: {why}",
            change.signature,
            change.service,
            change.verdict,
        );
    }
    if !judging.changes.is_empty() {
        let now = clock::now();
        queue.send(Record::Judged(now, judging.changes), now);
    }
}

fn suspects(growing: Vec<(InstanceRow, Vec<Signature>)>) -> Suspects {
    let pairs = growing.into_iter().flat_map(|(row, signatures)| {
        let instance = Arc::new(InstanceId {
            service: row.service.into(),
            scheme: row.scheme.into(),
            address: row.address.into(),
            path: row.path.into(),
        });
        let pair = move |signature| (Arc::clone(&instance), signature);
        signatures.into_iter().map(pair)
    });
    pairs.collect()
}

fn retention(storage: &Storage) -> Retention {
    Retention {
        raw: storage.raw_retention,
        rollup: storage.rollup_retention,
        max_size: storage.max_size,
    }
}

/// Brings signatures that an older goroscope made under the rules of this one.
fn recompute(database: &Path, lock: &DaemonLock) -> Result<(), StoreError> {
    let done = store::recompute(database, lock, group::RULES, group::derived)?;
    if done.older > 0 {
        tracing::info!(
            "Brought {} stacks under signature rules {}: {} count as another signature now",
            done.older,
            group::RULES,
            done.moved
        );
    }
    if done.damaged > 0 {
        tracing::warn!(
            "{} stacks in the database are damaged and keep their old signatures",
            done.damaged
        );
    }
    Ok(())
}

/// What the database remembers of the processes that answered last, and of their proofs.
fn remembered(database: &Path) -> Result<(Known, Arc<Mutex<Turns>>), StoreError> {
    let reader = Reader::open(database)?;
    let mut turns = Turns::default();
    // What was refused is told once of each process.
    for refusal in reader.refusals()? {
        turns.refuse(&Arc::new(refusal.instance), refusal.since, refusal.text);
    }
    let mut found = reader.remembered()?;
    found.sort_by_key(|found| found.proof_at);
    let mut lives = HashMap::with_capacity(found.len());
    for found in found {
        let instance = Arc::new(found.instance);
        if let Some(at) = found.proof_at {
            turns.remember(&instance, &found.incarnation.facts, at);
        }
        lives.insert(instance, Lives::remembered(found.incarnation));
    }
    Ok((Arc::new(Mutex::new(lives)), Arc::new(Mutex::new(turns))))
}

/// What a running daemon cannot change.
#[derive(PartialEq, Eq)]
struct Fixed {
    storage: Storage,
    max_concurrent_polls: usize,
}

impl Fixed {
    fn of(config: &Config) -> Self {
        Self {
            storage: config.storage.clone(),
            max_concurrent_polls: config.max_concurrent_polls,
        }
    }
}

/// Queries go by what the database has, so what the config says goes there.
fn tell_analysis(config: &Config, queue: &Queue) {
    let now = clock::now();
    for rule in config.ignore.iter().filter(|rule| rule.has_ended(now)) {
        let told = rule_ended(rule, Zone::Utc);
        tracing::warn!("In the config, {told}");
    }
    queue.send(Record::MaxSignatures(config.storage.max_signatures), now);
    let analysis = Analysis {
        thresholds: config.analysis,
        ignore: config.ignore.clone(),
    };
    queue.send(Record::Analysis(Box::new(analysis)), now);
}

fn take_config(
    reload: &Reload,
    wanted: &watch::Sender<Vec<Service>>,
    fixed: &Fixed,
    queue: &Queue,
) {
    match reload() {
        Ok(config) => {
            if Fixed::of(&config) != *fixed {
                tracing::warn!(
                    "storage.path and global.max_concurrent_polls take effect at the next start only"
                );
            }
            tracing::info!("Read the config again: {} services", config.services.len());
            tell_analysis(&config, queue);
            wanted.send_if_modified(|services| {
                let changed = *services != config.services;
                *services = config.services;
                changed
            });
        }
        Err(error) => {
            tracing::error!("Keeps the running config, the new one is refused: {error}");
        }
    }
}

/// Everything is polled out; waits until it is on disk.
async fn finish(writer: Writer, counters: &Counters) -> Result<(), DaemonError> {
    let joined = tokio::task::spawn_blocking(move || writer.join()).await;
    let counts = counters.read();
    tracing::info!(
        polls_ok = counts.polls_ok,
        polls_failed = counts.polls_failed,
        polls_lost = counts.polls_lost,
        task_panics = counts.task_panics,
        "Stopped"
    );
    if joined.unwrap_or(false) {
        Ok(())
    } else {
        Err(DaemonError::Unwritten)
    }
}

/// Wall and monotonic time, read together.
struct Clocks {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clocks {
    fn now() -> Self {
        Self {
            wall: clock::wall(),
            monotonic: Instant::now(),
        }
    }

    /// Notes a step of the wall clock since the last check.
    fn check(&mut self, queue: &Queue) {
        let now = Self::now();
        let expected = self.wall.plus(now.monotonic.duration_since(self.monotonic));
        let (ahead, behind) = (now.wall.since(expected), expected.since(now.wall));
        if ahead.max(behind) > CLOCK_STEP {
            let step = humantime::format_duration(ahead.max(behind));
            let text = if ahead > behind {
                format!("the clock stepped forward by {step}")
            } else {
                format!(
                    "the clock stepped back by {step}: times go on from where they were until it has caught up"
                )
            };
            tracing::warn!(event = EventKind::ClockStep.as_str(), "{text}");
            let note = Note {
                at: clock::now(),
                kind: EventKind::ClockStep,
                instance: None,
                text,
            };
            queue.send(Record::Note(note), clock::now());
        }
        *self = now;
    }
}

/// The signal of a write beyond the file size limit, on Linux and on BSDs alike.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Catches what a file size limit sends, for as long as it is held: the limit is a write error then,
/// that is told, and not the end.
#[cfg(unix)]
pub(crate) fn catch_file_size() -> std::io::Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::from_raw(SIGXFSZ))
}

/// Elsewhere there is no such signal.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
pub(crate) const fn catch_file_size() -> std::io::Result<()> {
    Ok(())
}

/// The signals that a daemon answers to.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            _file_size: catch_file_size()?,
        })
    }

    async fn next(&mut self) -> Happened {
        tokio::select! {
            _ = self.terminate.recv() => Happened::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Happened::Stop("Ctrl-C"),
            _ = self.hangup.recv() => Happened::Reload,
        }
    }
}

/// Elsewhere only Ctrl-C is known.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Happened {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Happened::Stop("Ctrl-C"),
            Err(_) => std::future::pending().await,
        }
    }
}
