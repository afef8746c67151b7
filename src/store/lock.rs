//! The lock that makes a second daemon on one database fail fast.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{StoreError, open};

/// A lock that is held for longer than this is held by one that lives.
const PATIENCE: Duration = Duration::from_secs(1);

/// Held by the daemon for its whole life. The file stays; the operating system drops the lock with
/// the process, however that ends.
#[derive(Debug)]
pub struct DaemonLock {
    _file: File,
    path: PathBuf,
}

impl DaemonLock {
    /// Takes the lock of a database, or says who has it. Beside a file that is no database nothing is made.
    pub fn take(database: &Path) -> Result<Self, StoreError> {
        open::refuse_foreign(database)?;
        let path = path_of(database);
        let failed = |source| StoreError::Lock {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message: without it the lock is as taken.
                let _unread = file.read_to_string(&mut holder);
                let pid = holder.trim().to_owned();
                return Err(StoreError::Locked {
                    database: database.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(failed)?;
        file.write_all(std::process::id().to_string().as_bytes())
            .map_err(failed)?;
        Ok(Self { _file: file, path })
    }

    /// Removes the lock too, of a database that is there no more.
    pub(super) fn remove(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Whether no daemon holds the lock of a database.
    pub fn is_free(database: &Path) -> bool {
        match File::open(path_of(database)) {
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(_) => true,
        }
    }
}

/// Locks a file. One that was killed lets go a moment behind its end, and its successor begins at once.
fn patiently(file: &File) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(PATIENCE / 20);
            }
            ended => return ended,
        }
    }
}

/// Beside the file itself, whatever links lead to it: one database has one lock.
fn path_of(database: &Path) -> PathBuf {
    let real = std::fs::canonicalize(database);
    let mut name = real
        .unwrap_or_else(|_| database.to_owned())
        .into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}
