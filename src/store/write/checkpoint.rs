//! The log beside the database stays bounded: SQLite cannot shorten it while a reader holds an old view.
//!
//! Everything in the log that is older than the oldest view goes into the database by itself, but the
//! log can only begin anew when nobody reads from it. So a log that has grown is emptied as soon as its
//! readers have gone, and who they are is told until then.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Result;
use crate::store::open::BUSY_TIMEOUT;

/// A log beyond this is told of, and emptied as soon as nobody reads.
pub(super) const LARGE: u64 = 256 << 20;

/// Emptying is tried this often: each attempt copies what can be copied.
const TRY_EVERY: Duration = Duration::from_secs(10);

/// The log of one database.
#[derive(Debug)]
pub(super) struct Log {
    database: PathBuf,
    large: u64,
    tried: Option<Instant>,
    told: bool,
}

impl Log {
    /// The log of `database`, which is large beyond `large` bytes.
    pub(super) fn of(database: &Path, large: u64) -> Self {
        Self {
            database: database.to_owned(),
            large,
            tried: None,
            told: false,
        }
    }

    /// Empties the log if it is large and nobody reads from it.
    pub(super) fn bound(&mut self, on: &Connection) -> Result<()> {
        let bytes = beside(&self.database, "-wal").metadata();
        let bytes = bytes.map_or(0, |log| log.len());
        if bytes <= self.large {
            self.told = false;
            return Ok(());
        }
        if self.tried.is_some_and(|tried| tried.elapsed() < TRY_EVERY) {
            return Ok(());
        }
        self.tried = Some(Instant::now());
        let is_held = empty(on)?;
        if is_held && !std::mem::replace(&mut self.told, true) {
            let reader = reader(&self.database);
            tracing::warn!(
                log.bytes = bytes,
                "The log beside {} has grown to {} MiB and cannot shrink while {reader} reads from it",
                self.database.display(),
                bytes >> 20,
            );
        } else if !is_held {
            tracing::info!(
                "Emptied the log beside {}: it had grown to {} MiB",
                self.database.display(),
                bytes >> 20
            );
            self.told = false;
        }
        Ok(())
    }
}

/// Empties the log; true when a reader holds it.
fn empty(on: &Connection) -> Result<bool> {
    // Polls do not wait for a reader.
    on.busy_timeout(Duration::ZERO)?;
    let is_held = on.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    on.busy_timeout(BUSY_TIMEOUT)?;
    is_held
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Who reads a database, in words.
fn reader(database: &Path) -> String {
    match reading_process(database) {
        Some(pid) => {
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            let name = name.map(|name| format!(" ({})", name.trim().escape_debug()));
            format!("process {pid}{}", name.unwrap_or_default())
        }
        None => "some reader".to_owned(),
    }
}

/// Another process that holds one of the locks by which SQLite's readers hold the log: a byte each of
/// the `-shm` file, from 123 on (`WAL_READ_LOCK` in `wal.c`).
#[cfg(target_os = "linux")]
fn reading_process(database: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let shared = beside(database, "-shm").metadata().ok()?;
    let device = shared.dev();
    let file = format!(
        "{:02x}:{:02x}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device),
        shared.ino()
    );
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: POSIX  ADVISORY  READ 4711 fd:00:1234 124 124`.
    let holder = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "POSIX", _, "READ", pid, inode, first, _] = words[..] else {
            return None;
        };
        let first: u32 = first.parse().ok()?;
        let pid: u32 = pid.parse().ok()?;
        let reads = inode == file && (123..128).contains(&first);
        (reads && pid != std::process::id()).then_some(pid)
    };
    locks.lines().find_map(holder)
}

/// Elsewhere locks are not told.
#[cfg(not(target_os = "linux"))]
const fn reading_process(_database: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open::open_writing;

    #[test]
    fn a_log_that_a_reader_held_is_emptied_when_the_reader_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let writing = open_writing(&path).unwrap();
        let size = || beside(&path, "-wal").metadata().unwrap().len();
        let mut log = Log::of(&path, 1 << 20);
        let fill = || {
            for nth in 0..40 {
                let sql = "INSERT OR REPLACE INTO meta VALUES (?1, hex(zeroblob(40000)))";
                writing.execute(sql, [nth.to_string()]).unwrap();
            }
        };
        let reading = Connection::open(&path).unwrap();
        reading.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
        fill();
        log.bound(&writing).unwrap();
        assert!(log.told && size() > 1 << 20, "{log:?} {}", size());
        // What has been tried just now is not tried again at once.
        reading.execute_batch("COMMIT").unwrap();
        log.bound(&writing).unwrap();
        assert!(size() > 1 << 20);
        log.tried = None;
        log.bound(&writing).unwrap();
        assert_eq!(size(), 0);
        assert!(!log.told);
    }
}
