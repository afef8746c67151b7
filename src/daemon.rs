//! The daemon: joins the rooms, and knows the order in which they start and stop.
//!
//! Start: lock, database, what is remembered, polling. Stop: polling, queue, database, lock.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::collect::{Deps, Fetcher, Known, Lives, Queue, Supervisor, poll_service};
use crate::config::{Config, ConfigError, Service, Storage};
use crate::model::{EventKind, Note, Record, Timestamp};
use crate::observe::Counters;
use crate::query::{Judging, QueryError};
use crate::store::{self, DaemonLock, Reader, Retention, StoreError, Writer};
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
    let deps = Deps {
        fetcher: Arc::new(Fetcher::new(config.max_concurrent_polls).map_err(DaemonError::Client)?),
        queue: queue.clone(),
        counters: Arc::clone(&counters),
        known: known(&database)?,
        fleet: config
            .services
            .iter()
            .map(|service| service.instances.len())
            .sum(),
    };
    let most = Record::MaxSignatures(config.storage.max_signatures);
    queue.send(most, clock::now());
    let fixed = Fixed::of(&config);
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
                Happened::Reload => take_config(&reload, &wanted, &fixed),
                Happened::JudgeDue => judge.start(),
                Happened::Judged(judging) => tell(judging, &queue),
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
        match &mut self.running {
            None => {
                self.due.tick().await;
                Happened::JudgeDue
            }
            Some(running) => {
                let judged = running.await;
                self.running = None;
                // A panic has told of itself.
                Happened::Judged(judged.unwrap_or_else(|_| Ok(Judging::default())))
            }
        }
    }

    fn start(&mut self) {
        let database = self.database.clone();
        let judge = move || query::judge(&Reader::open(&database)?, clock::now());
        self.running = Some(tokio::task::spawn_blocking(judge));
    }
}

/// Logs and stores what is said of signatures from now on.
fn tell(judging: Result<Judging, QueryError>, queue: &Queue) {
    let judging = match judging {
        Ok(judging) => judging,
        Err(error) => {
            tracing::error!("Could not judge the history: {error}");
            return;
        }
    };
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

/// What the database remembers of the processes that answered last.
fn known(database: &Path) -> Result<Known, StoreError> {
    let lives = Reader::open(database)?
        .remembered()?
        .into_iter()
        .map(|found| {
            (
                Arc::new(found.instance),
                Lives::remembered(found.incarnation),
            )
        });
    Ok(Arc::new(Mutex::new(lives.collect())))
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

fn take_config(reload: &Reload, wanted: &watch::Sender<Vec<Service>>, fixed: &Fixed) {
    match reload() {
        Ok(config) => {
            if Fixed::of(&config) != *fixed {
                tracing::warn!(
                    "storage.path and global.max_concurrent_polls take effect at the next start only"
                );
            }
            tracing::info!("Read the config again: {} services", config.services.len());
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
