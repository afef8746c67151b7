//! The writer thread: records in, one commit a second, acknowledged after it.

mod checkpoint;
mod compact;
mod deploys;
mod details;
mod hot;
mod hours;
mod import;
mod known;
pub(super) mod limit;
mod names;
mod once;
mod proof;
mod prune;
mod quarantine;
mod recompute;
mod repoint;
mod retain;
mod rollup;
mod rows;
mod series;
mod snapshot;
mod summarise;
mod verdicts;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, named_params, params};

pub(super) use self::compact::FORMS;
pub use self::import::{Importer, Stored};
pub use self::prune::{Prune, Pruned, prune};
pub use self::quarantine::{Taken, take_out};
pub use self::recompute::{Derive, Recomputed, recompute};
pub use self::retain::Retention;

use self::checkpoint::Log;
use self::hot::Hot;
use self::limit::Limit;
use self::names::Names;
use self::once::Once;
use self::rows::{Ack, Rows};
use self::series::SeriesBook;
use self::snapshot::Scratch;
use self::summarise::Sought;
use super::{DaemonLock, StoreError, open};
use crate::model::{Record, Timestamp};
use crate::observe::Counters;

/// Commits come this far apart: one fsync a second.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Without anything to store, the sign of life in `daemon_run` is renewed this often.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Records that wait for a commit; beyond them the queue itself holds as many again. Ten thousand
/// instances at 30 s give 340 a second.
const BATCH: usize = 2_048;
/// Last and peak of series begin to be written back this often, for at most [`ROUND`] in each commit;
/// readers add what is newer.
const FLUSH_EVERY: Duration = Duration::from_mins(5);
/// Retention follows the wall clock no further ahead of the steady one than this.
const CLOCK_SLACK: Duration = Duration::from_hours(1);
/// Tidying holds the writer no longer than this at a time, and a step and a commit more.
const ROUND: Duration = Duration::from_millis(25);
/// Retention is looked at this often while it has nothing to do, or others have.
const RETAIN_EVERY: Duration = Duration::from_mins(1);
/// A commit that failed is tried again after this long.
const RETRY_EVERY: Duration = Duration::from_millis(300);
/// Attempts to store the last batch before the process ends without it.
const LAST_TRIES: u32 = 3;
/// Statements that are kept prepared: more than there are.
const STATEMENTS: usize = 64;

type Result<T> = rusqlite::Result<T>;

/// What could not be packed cannot be stored.
fn not_packed(error: std::io::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// Whether a poll was made before the window that is open now, whatever its length.
fn is_late(record: &Record, now: Timestamp) -> bool {
    const DAY: Duration = Duration::from_hours(24);
    matches!(record, Record::Poll(poll) if now.since(poll.at) > DAY)
}

/// The writer thread. Ends when every sender of its queue is gone.
#[derive(Debug)]
pub struct Writer {
    /// Ends in whether everything sent is on disk.
    thread: JoinHandle<bool>,
    stopping: Arc<AtomicBool>,
}

/// What the thread needs of the process around it.
struct Life {
    retention: Retention,
    counters: Arc<Counters>,
    now: fn() -> Timestamp,
    /// Set once nobody waits for the thread to succeed any more.
    stopping: Arc<AtomicBool>,
}

impl Writer {
    /// Opens (or makes) the database and starts writing. `now` tells the wall clock.
    pub fn start(
        path: &Path,
        lock: DaemonLock,
        retention: Retention,
        counters: Arc<Counters>,
        now: fn() -> Timestamp,
    ) -> std::result::Result<(Self, SyncSender<Record>), StoreError> {
        let connection = open::open_writing(path)?;
        let mut session = Session::begin(connection, path, now())
            .map_err(|source| StoreError::sqlite("write", path, source))?;
        let (sender, records) = sync_channel(BATCH);
        let stopping = Arc::new(AtomicBool::new(false));
        let life = Life {
            retention,
            counters,
            now,
            stopping: Arc::clone(&stopping),
        };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let whole = session.run(&records, &life);
                drop(lock);
                whole
            })
            .map_err(|source| StoreError::Lock {
                path: path.to_owned(),
                source,
            })?;
        Ok((Self { thread, stopping }, sender))
    }

    /// Whether the thread has ended by itself, which only a bug does.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the end, once every sender is gone. True when everything sent is on disk.
    pub fn join(self) -> bool {
        self.stopping.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(false)
    }
}

/// What a commit says of the run that it belongs to.
#[derive(Debug, Clone, Copy)]
struct LifeSign {
    /// When the run began, where that is not known from its beginning.
    started: Option<Timestamp>,
    /// Until when it went on.
    now: Timestamp,
    /// This is its end.
    last: bool,
}

struct Session {
    connection: Connection,
    path: PathBuf,
    run: i64,
    names: Names,
    series: SeriesBook,
    hot: Hot,
    sought: Sought,
    scratch: Scratch,
    log: Log,
    flushed: Instant,
    committed: Instant,
    /// The wall clock when it began, and the steady one: retention must not follow a wall clock that
    /// jumps ahead and would make everything too old.
    began: (Timestamp, Instant),
    /// When retention last had its turn; it has the first one at once.
    retained: Option<Instant>,
    /// There are closed windows, or rows that are too old.
    untidy: bool,
    failing: bool,
}

impl Session {
    /// Notes the start of a daemon; what its predecessor left open ends at its last commit.
    fn begin(mut connection: Connection, path: &Path, now: Timestamp) -> Result<Self> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "UPDATE watch SET to_at = max(from_at, (SELECT last_commit_at FROM daemon_run
                                                    WHERE id = run_id))
             WHERE to_at IS NULL",
            [],
        )?;
        tx.execute(
            "INSERT INTO daemon_run (started_at, last_commit_at, version, pid)
             VALUES (?1, ?1, ?2, ?3)",
            params![
                now.as_millis(),
                env!("CARGO_PKG_VERSION"),
                std::process::id()
            ],
        )?;
        let run = tx.last_insert_rowid();
        tx.commit()?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let hot = Hot::load(&connection)?;
        let names = Names::under(Limit::load(&connection)?);
        Ok(Self {
            connection,
            path: path.to_owned(),
            run,
            names,
            series: SeriesBook::default(),
            hot,
            sought: Sought::default(),
            scratch: Scratch::default(),
            log: Log::of(path, checkpoint::LARGE),
            flushed: Instant::now(),
            committed: Instant::now(),
            began: (now, Instant::now()),
            retained: None,
            untidy: true,
            failing: false,
        })
    }

    /// Stores what comes until no more can; false when the last of it could not be stored.
    fn run(&mut self, records: &Receiver<Record>, life: &Life) -> bool {
        let mut batch = Vec::new();
        let mut tries = 0;
        loop {
            let more = self.gather(records, &mut batch);
            if more && batch.is_empty() && self.untidy && self.committed.elapsed() < HEARTBEAT {
                self.tidy_or_note(life);
                continue;
            }
            let now = (life.now)();
            let life_sign = LifeSign {
                started: None,
                now,
                last: !more,
            };
            match self.store(&batch, life_sign, None) {
                Ok(acks) => {
                    // History that comes late may be too old already.
                    self.untidy |= batch.iter().any(|record| is_late(record, now));
                    self.acknowledge(&acks);
                    life.counters.groups_merged(self.names.limit.take_merged());
                    batch.clear();
                    if !more {
                        return true;
                    }
                    self.tidy_or_note(life);
                }
                Err(error) => {
                    self.note_failure(&error);
                    if !more || life.stopping.load(Ordering::Relaxed) {
                        tries += 1;
                    }
                }
            }
            if tries >= LAST_TRIES {
                let lost = batch.len() + records.try_iter().count();
                life.counters
                    .polls_lost(lost as u64, "the database could not be written");
                return false;
            }
        }
    }

    /// Gathers records for one commit; false when no more can come. While commits fail, a full
    /// batch waits here and leaves the rest to the bounded queue.
    fn gather(&self, records: &Receiver<Record>, batch: &mut Vec<Record>) -> bool {
        if self.failing {
            std::thread::sleep(RETRY_EVERY);
        }
        if batch.is_empty() {
            let wait = if self.untidy { ROUND } else { HEARTBEAT };
            match records.recv_timeout(wait) {
                Ok(record) => batch.push(record),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        let until = Instant::now() + COMMIT_EVERY;
        while batch.len() < BATCH {
            let wait = until.saturating_duration_since(Instant::now());
            match records.recv_timeout(wait) {
                Ok(record) => batch.push(record),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    fn tidy_or_note(&mut self, life: &Life) {
        if let Err(error) = self.tidy(life) {
            self.untidy = false;
            self.note_failure(&error);
        }
    }

    /// Closed windows become blocks, and what is too old goes. What fails is tried again after the
    /// next commit.
    fn tidy(&mut self, life: &Life) -> Result<()> {
        // How long the writer is held by what is not a poll: the spans in it say by what.
        let _span = tracing::debug_span!("tidy").entered();
        let now = (life.now)();
        let on = &mut self.connection;
        self.log.bound(on)?;
        let began = Instant::now();
        let left = || ROUND.saturating_sub(began.elapsed());
        let mut more = compact::round(on, &mut self.hot, now, left())?;
        if self.names.take_repointed() {
            self.sought = Sought::default();
        }
        if !more {
            more = summarise::round(on, &mut self.sought, left())?;
        }
        if !more {
            more = rollup::round(on, now, left())?;
        }
        // While there is other work retention has its turn once a minute, since the two add up.
        let is_turn = self
            .retained
            .is_none_or(|last| last.elapsed() >= RETAIN_EVERY);
        if is_turn || (!more && self.untidy) {
            let time = if is_turn { ROUND } else { left() };
            let (wall, steady) = self.began;
            let sure = now.min(wall.plus(steady.elapsed() + CLOCK_SLACK));
            more |= retain::round(on, life.retention, (sure, self.hot.in_blocks()), time)?;
            self.retained = Some(Instant::now());
        }
        self.untidy = more;
        Ok(())
    }

    fn acknowledge(&mut self, acks: &[Ack]) {
        if std::mem::take(&mut self.failing) {
            tracing::info!("Writes to {} again", self.path.display());
        }
        for Ack {
            table,
            id,
            instance,
            at,
        } in acks
        {
            tracing::debug!(
                row.table = table, row.id = id, row.at = at.as_millis(), instance = %instance,
                "Stored {table} {id} of {instance}"
            );
        }
    }

    /// Polling goes on; what waits is kept, and the queue counts what does not fit.
    fn note_failure(&mut self, error: &rusqlite::Error) {
        // What the caches learnt in the transaction that failed is not in the tables.
        self.names.clear();
        self.series.clear();
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(
                error = %error,
                "Cannot write to {}: {error}; polls wait and are lost when too many do",
                self.path.display()
            );
        }
    }

    /// One transaction: the batch, the sign of life, and what is due to be flushed.
    fn store(
        &mut self,
        batch: &[Record],
        sign: LifeSign,
        once: Option<&mut Once>,
    ) -> Result<Vec<Ack>> {
        let _span = tracing::debug_span!("commit").entered();
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut acks = Vec::with_capacity(batch.len());
        let mut rows = Rows {
            tx: &tx,
            names: &mut self.names,
            series: &mut self.series,
            hot: &mut self.hot,
            scratch: &mut self.scratch,
            once,
            run: self.run,
        };
        for record in batch {
            acks.extend(rows.record(record)?);
        }
        if sign.last {
            self.series.flush_all(&tx)?;
        } else if self.flushed.elapsed() >= FLUSH_EVERY {
            self.series.begin_flush();
            self.flushed = Instant::now();
        }
        self.series.flush(&tx, ROUND)?;
        tx.prepare_cached(
            "UPDATE daemon_run SET started_at = coalesce(:started, started_at),
                 last_commit_at = max(last_commit_at, :now), stopped_at = :stopped
             WHERE id = :run",
        )?
        .execute(named_params! {
            ":started": sign.started.map(Timestamp::as_millis),
            ":now": sign.now.as_millis(),
            ":stopped": sign.last.then_some(sign.now.as_millis()),
            ":run": self.run,
        })?;
        tx.commit()?;
        self.committed = Instant::now();
        Ok(acks)
    }
}
