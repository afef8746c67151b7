//! Records into a file as the daemon writes them, by a clock that runs ahead; and what the command line
//! says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use goroscope::model::{Kind, Record, Timestamp};
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, Retention, Writer};

/// 2026-11-24 00:00 UTC: polling begins.
pub(crate) const MIDNIGHT: i64 = 1_795_478_400_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// The window of a block, for polls each 30 s.
const WINDOW_MS: i64 = 2 * HOUR_MS;
/// It is closed this long after its end.
const CLOSES_MS: i64 = 90_000;

/// The clock of the writer, milliseconds since 1970.
static NOW: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

/// Words of the form `KEY=VALUE`; cargo's own are passed over.
pub(crate) struct Given(HashMap<String, String>);

impl Given {
    pub(crate) fn of_command_line() -> Self {
        let pair = |argument: String| {
            let (key, value) = argument.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        };
        Self(std::env::args().filter_map(pair).collect())
    }

    pub(crate) fn number(&self, key: &str, default: u32) -> u32 {
        let value = self.0.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or(default)
    }

    pub(crate) fn is(&self, key: &str, value: &str) -> bool {
        self.0.get(key).is_some_and(|given| given == value)
    }

    /// The file to keep, or one in `folder` that goes with it.
    pub(crate) fn database(&self, folder: &Path) -> PathBuf {
        let kept = self.0.get("db").map(PathBuf::from);
        kept.unwrap_or_else(|| folder.join("history.db"))
    }
}

/// A writer, and what sends to it.
pub(crate) struct Writing {
    path: PathBuf,
    keep: Retention,
    writer: Writer,
    queue: SyncSender<Record>,
    began: Instant,
    /// The one that is open.
    window: i64,
    /// When the last pulse was made.
    last: Timestamp,
    /// Snapshots that were sent.
    pub(crate) sent: u64,
    /// For how long the queue was full.
    pub(crate) waited: Duration,
}

impl Writing {
    /// Starts the writer at [`MIDNIGHT`]. What is older than `raw` goes.
    pub(crate) fn start(path: &Path, raw: Duration) -> Result<Self, Box<dyn std::error::Error>> {
        let keep = Retention {
            raw,
            rollup: Duration::MAX,
            max_size: u64::MAX,
        };
        // Retention follows the clock no further ahead of the steady one than an hour, from where it
        // was at the start on: so the writer starts at a time that no benchmark comes to.
        reach(MIDNIGHT + 400 * 24 * HOUR_MS);
        let lock = DaemonLock::take(path)?;
        let (writer, queue) = Writer::start(path, lock, keep, Arc::new(Counters::default()), now)?;
        reach(MIDNIGHT);
        Ok(Self {
            path: path.to_owned(),
            keep,
            writer,
            queue,
            began: Instant::now(),
            window: MIDNIGHT,
            last: Timestamp::default(),
            sent: 0,
            waited: Duration::ZERO,
        })
    }

    pub(crate) fn send(&mut self, record: Record) {
        if let Record::Poll(poll) = &record {
            self.sent += 1;
            if poll.look.kind == Kind::Pulse {
                self.last = poll.at;
            }
        }
        let before = Instant::now();
        assert!(self.queue.send(record).is_ok(), "the writer lives");
        self.waited += before.elapsed();
    }

    /// The clock comes to `millis`. Where windows have closed, waits until all that was sent is stored
    /// and they are blocks: a daemon has hours for that.
    pub(crate) fn reach(&mut self, millis: i64) -> rusqlite::Result<()> {
        reach(millis);
        let window = (millis - CLOSES_MS).div_euclid(WINDOW_MS) * WINDOW_MS;
        if std::mem::replace(&mut self.window, window) < window {
            let left = "SELECT (SELECT count(*) FROM pulse WHERE at < ?1)
                            + (SELECT NOT EXISTS (SELECT 1 FROM pulse WHERE at >= ?2))";
            wait_for_none(&self.path, left, [window, self.last.as_millis()])?;
        }
        Ok(())
    }

    /// Ends polling at `end`, closes all windows and days, and tells how long all of it took.
    pub(crate) fn finish(self, end: i64) -> Result<Duration, Box<dyn std::error::Error>> {
        reach(end);
        drop(self.queue);
        assert!(self.writer.join(), "everything was stored");
        let took = self.began.elapsed();
        let lock = DaemonLock::take(&self.path)?;
        reach(end + 25 * HOUR_MS);
        let counters = Arc::new(Counters::default());
        let (writer, queue) = Writer::start(&self.path, lock, self.keep, counters, now)?;
        wait_for_none(&self.path, "SELECT count(*) FROM pulse", ())?;
        wait_for_none(&self.path, "SELECT count(*) FROM rollup_due", ())?;
        let unmerged = "SELECT (SELECT count(*) FROM detail)
                            + (SELECT count(*) FROM detail_block WHERE thinned = 0)";
        wait_for_none(&self.path, unmerged, ())?;
        drop(queue);
        assert!(writer.join(), "everything was stored");
        Ok(took)
    }
}

/// Sets the clock of the writer.
pub(crate) fn reach(millis: i64) {
    NOW.store(millis, Ordering::Relaxed);
}

fn wait_for_none(
    path: &Path,
    count: &str,
    of: impl rusqlite::Params + Copy,
) -> rusqlite::Result<()> {
    let database = rusqlite::Connection::open(path)?;
    let mut left = database.prepare(count)?;
    while left.query_row(of, |row| row.get::<_, i64>(0))? > 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
