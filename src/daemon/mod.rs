//! The daemon: joins the rooms, and knows the order in which they start and stop.
//!
//! Start: lock, database, what is remembered, polling. Stop: polling, queue, database, lock.

mod clocks;
mod judge;
mod polling;
mod signals;

use std::path::PathBuf;
use std::time::Duration;

pub use self::polling::Polling;
pub(crate) use self::signals::{EndSignals, catch_file_size};

use self::clocks::Clocks;
use self::judge::Judge;
use self::signals::Signals;
use crate::config::{Config, ConfigError, Storage};
use crate::query::{Judging, QueryError};
use crate::store::StoreError;

/// The wall clock is held against the monotonic one this often.
const CLOCK_CHECK: Duration = Duration::from_secs(10);

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
    let fixed = Fixed::of(&config);
    let mut polling = Polling::start(config, &database)?;
    let mut check = tokio::time::interval(CLOCK_CHECK);
    let mut clocks = Clocks::now();
    let mut judge = Judge::new(&database);
    loop {
        let happened = tokio::select! {
            () = polling.ended() => Happened::Ended,
            happened = signals.next() => happened,
            _ = check.tick() => Happened::ClockCheck,
            happened = judge.next() => happened,
        };
        match happened {
            Happened::Ended => break,
            Happened::Stop(signal) => {
                tracing::info!("Stops on {signal}");
                polling.cancel();
            }
            Happened::JudgeDue => judge.start(),
            Happened::Reload => take_config(&reload, &polling, &fixed),
            Happened::Judged(Ok(judging)) => polling.judged(judging),
            Happened::Judged(Err(error)) => {
                tracing::error!("Could not judge the history: {error}");
            }
            Happened::ClockCheck => {
                clocks.check(&polling);
                if polling.has_lost_its_writer() {
                    tracing::error!("The database writer has ended: stops as well");
                    polling.cancel();
                }
            }
        }
    }
    polling.stop().await
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

fn take_config(reload: &Reload, polling: &Polling, fixed: &Fixed) {
    match reload() {
        Ok(config) => {
            if Fixed::of(&config) != *fixed {
                tracing::warn!(
                    "storage.path and global.max_concurrent_polls take effect at the next start only"
                );
            }
            tracing::info!("Read the config again: {} services", config.services.len());
            polling.reconfigure(config);
        }
        Err(error) => {
            tracing::error!("Keeps the running config, the new one is refused: {error}");
        }
    }
}
