//! A copy of the whole database, consistent while the daemon writes.
//!
//! `VACUUM INTO` on a connection of its own that only reads: one view of the file from beginning to end,
//! however often the daemon commits meanwhile. SQLite's backup API in steps begins anew with each commit
//! of another process, once a second, so that a large file would never be done, or it must hold a view as
//! well; and it copies free and half-empty pages, and damaged ones, as they are. The log grows while the
//! copy is made, by what is polled in that time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, OpenFlags};

use super::{DaemonLock, StoreError, migrate, open};

/// Instructions of SQLite between two looks at whether to stop: under a millisecond.
const LOOK_EVERY: i32 = 10_000;

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and no copy is made.
    Kept,
    /// The copy takes its place.
    Replaced,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is there already.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database in use, or the one that is to be copied.
    #[error("`{}` is the database of a running goroscope, or the one that is to be backed up", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// What is there is no file that a copy could take the place of.
    #[error("`{}` is no regular file", path.display())]
    NoFile {
        /// What is there.
        path: PathBuf,
    },
    /// The copy cannot be written.
    #[error("failed to write the copy `{}`", path.display())]
    Write {
        /// The copy.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The copy was made, and is not what it should be.
    #[error("the copy does not read back as it should: {told}")]
    Bad {
        /// What SQLite says.
        told: String,
    },
    /// It was to be stopped.
    #[error("stopped before the copy was whole")]
    Stopped,
}

/// Copies `database` to `to`, beside which it grows under the name of [`unfinished`] until it is whole;
/// whatever happens, nothing unfinished stays. `stop` ends it soon.
pub fn back_up(
    database: &Path,
    to: &Path,
    existing: Existing,
    stop: &Arc<AtomicBool>,
) -> Result<u64, BackupError> {
    refuse(database, to, existing)?;
    let mut from = open::open_reading(database)?;
    let growing = Unfinished(unfinished(to));
    growing.make(&mut from, database, stop)?;
    growing.verify(&from, database, stop)?;
    let bytes = growing.keep_as(to)?;
    Ok(bytes)
}

/// What a copy is called until it is whole.
pub fn unfinished(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.unfinished", std::process::id()));
    PathBuf::from(name)
}

fn refuse(database: &Path, to: &Path, existing: Existing) -> Result<(), BackupError> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).metadata();
    folder.map_err(|cause| BackupError::Write {
        path: to.to_owned(),
        cause,
    })?;
    // Of a link itself, which a copy would take the place of.
    let Ok(found) = to.symlink_metadata() else {
        return Ok(());
    };
    let path = to.to_owned();
    if !found.is_file() {
        return Err(BackupError::NoFile { path });
    }
    if existing == Existing::Kept {
        return Err(BackupError::Exists { path });
    }
    let (one, other) = (database.canonicalize(), to.canonicalize());
    let is_same = one
        .ok()
        .zip(other.ok())
        .is_some_and(|(one, other)| one == other);
    if is_same || !DaemonLock::is_free(to) {
        return Err(BackupError::InUse { path });
    }
    Ok(())
}

/// A copy that is not whole yet; removed when dropped.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        for ending in ["", "-journal"] {
            let mut name = self.0.clone().into_os_string();
            name.push(ending);
            // It may never have been made, or be whole and renamed.
            let _gone = std::fs::remove_file(name);
        }
    }
}

impl Unfinished {
    fn make(
        &self,
        from: &mut Connection,
        of: &Path,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), BackupError> {
        let name = self.0.to_string_lossy();
        // The file was opened to be read only; this setting would forbid the copy as well.
        from.pragma_update(None, "query_only", "OFF")
            .map_err(|source| StoreError::sqlite("read", of, source))?;
        unless_stopped(from, stop, |from| from.execute("VACUUM INTO ?1", [&name]))
            .map_err(|source| told(stop, "back up", of, source))?;
        Ok(())
    }

    /// Reads the copy back: it is whole, and of the schema of the database.
    fn verify(
        &self,
        from: &Connection,
        of: &Path,
        stop: &Arc<AtomicBool>,
    ) -> Result<(), BackupError> {
        let failed = |source| told(stop, "read back the copy of", of, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(&self.0, flags).map_err(failed)?;
        let told: String = unless_stopped(&mut copy, stop, |copy| {
            copy.query_row("PRAGMA quick_check", [], |row| row.get(0))
        })
        .map_err(failed)?;
        let (made, wanted) = (migrate::version(&copy), migrate::version(from));
        if made.map_err(failed)? != wanted.map_err(failed)? {
            let told = "it has another schema".to_owned();
            return Err(BackupError::Bad { told });
        }
        if told != "ok" {
            return Err(BackupError::Bad { told });
        }
        Ok(())
    }

    /// Gives the whole copy its name, on disk, and returns its size.
    fn keep_as(self, to: &Path) -> Result<u64, BackupError> {
        let failed = |cause| BackupError::Write {
            path: to.to_owned(),
            cause,
        };
        let file = File::open(&self.0).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        // A log that an older file has left would be read as one of the copy.
        for ending in ["-wal", "-shm"] {
            let mut log = to.as_os_str().to_owned();
            log.push(ending);
            match std::fs::remove_file(log) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed(error));
                }
                _ => {}
            }
        }
        std::fs::rename(&self.0, to).map_err(failed)?;
        Ok(file.metadata().map_err(failed)?.len())
    }
}

/// Runs a statement until it is done or is to stop.
fn unless_stopped<T>(
    on: &mut Connection,
    stop: &Arc<AtomicBool>,
    run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let asked = Arc::clone(stop);
    on.progress_handler(LOOK_EVERY, Some(move || asked.load(Ordering::Relaxed)))?;
    let done = run(on);
    on.progress_handler(LOOK_EVERY, None::<fn() -> bool>)?;
    done
}

fn told(
    stop: &AtomicBool,
    doing: &'static str,
    path: &Path,
    source: rusqlite::Error,
) -> BackupError {
    if stop.load(Ordering::Relaxed) {
        return BackupError::Stopped;
    }
    BackupError::Store(StoreError::sqlite(doing, path, source))
}
