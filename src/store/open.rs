//! Opening the file, with every PRAGMA and the reason for it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::damage::is_damage;
use super::{DaemonLock, migrate};

/// The first SQLite without the WAL-reset bug, which can corrupt a file when two connections write
/// and checkpoint at once (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

/// Longer waits for another process's lock than this are a fault.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const READ_ONLY: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Why the history cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No file there.
    #[error("no database at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A folder.
    #[error("`{}` is a folder, and no database", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// Another daemon writes this database.
    #[error("another goroscope (process {pid}) already writes `{}`", database.display())]
    Locked {
        /// The database.
        database: PathBuf,
        /// Who holds the lock, as it says itself.
        pid: String,
    },
    /// The lock file cannot be made or locked.
    #[error("failed to lock `{}`", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing is in it: a daemon that begins has not made its tables yet, or somebody made a file.
    #[error("`{}` is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Some other SQLite file.
    #[error("`{}` is not a goroscope database", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer goroscope.
    #[error(
        "`{}` has schema {version}, this goroscope knows up to {known}: use the newer program",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        version: i32,
        /// The newest schema of this program.
        known: i32,
    },
    /// Written by an older goroscope.
    #[error(
        "`{}` has schema {version}, this goroscope reads schema {known}",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        version: i32,
        /// The schema of this program.
        known: i32,
    },
    /// No copy could be made before an upgrade.
    #[error("failed to keep a copy of `{}` before its schema changes", path.display())]
    BackUp {
        /// The database.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its signatures are of newer rules.
    #[error(
        "the signatures in `{}` follow rules {rules}, this goroscope knows up to {known}: use the \
         newer program", path.display()
    )]
    NewerRules {
        /// The file.
        path: PathBuf,
        /// Its rules.
        rules: u32,
        /// The newest rules of this program.
        known: u32,
    },
    /// WAL does not work over a network.
    #[error(
        "`{}` is on a network filesystem ({filesystem}), where SQLite's WAL can corrupt it: put it on \
         a local disk, or set `storage.allow_network_filesystem = true`", path.display()
    )]
    Network {
        /// The database.
        path: PathBuf,
        /// What it is on.
        filesystem: &'static str,
    },
    /// The SQLite that was linked is too old.
    #[error(
        "SQLite {found} can corrupt a database that is read while written: 3.51.3 or newer is needed"
    )]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A stored row that does not decode.
    #[error("row {row} of `{table}` in `{}` is damaged", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// Its row id.
        row: i64,
    },
    /// SQLite's own errors.
    #[error("failed to {doing} `{}`", path.display())]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// Why it failed.
        source: rusqlite::Error,
    },
}

/// What stands in the way of SQLite, where somebody can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Another program holds the file.
    Busy,
    /// The disk is full.
    Full,
    /// The file cannot be opened, or not be written.
    Denied,
}

impl StoreError {
    /// What stands in the way, if that is known.
    pub fn obstacle(&self) -> Option<Obstacle> {
        let Self::Sqlite { source, .. } = self else {
            return None;
        };
        match source.sqlite_error_code()? {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(Obstacle::Busy),
            ErrorCode::DiskFull => Some(Obstacle::Full),
            ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                Some(Obstacle::Denied)
            }
            _ => None,
        }
    }

    /// Whether the file itself is damaged, in a part or as a whole.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Sqlite { source, .. } => is_damage(source),
            _ => false,
        }
    }

    /// An error at the first touch of a file, which may be no database at all.
    pub(super) fn opening(path: &Path, source: rusqlite::Error) -> Self {
        if source.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            return Self::NotOurs {
                path: path.to_owned(),
            };
        }
        Self::sqlite("open", path, source)
    }

    pub(super) fn sqlite(doing: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        Self::Sqlite {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// Opens the database for the daemon; makes and migrates it. The caller holds the [`DaemonLock`].
pub(super) fn open_writing(path: &Path) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite {
            found: rusqlite::version().to_owned(),
        });
    }
    let failed = |source| StoreError::sqlite("open", path, source);
    let mut connection = Connection::open(path).map_err(failed)?;
    // A file of somebody else is refused before anything in it is changed.
    let version = migrate::check_writing(&connection, path)?;
    configure(&connection, version == 0).map_err(failed)?;
    migrate::migrate(&mut connection, path, version)?;
    Ok(connection)
}

/// Refuses a database on a network filesystem. Whoever writes asks this first, unless told otherwise;
/// who only reads takes no lock that others rely on, and may read it there.
pub fn refuse_network(path: &Path) -> Result<(), StoreError> {
    match network_filesystem(path) {
        None => Ok(()),
        Some(filesystem) => Err(StoreError::Network {
            path: path.to_owned(),
            filesystem,
        }),
    }
}

fn configure(connection: &Connection, is_new: bool) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let set = |pragma: &str, value: &str| connection.pragma_update(None, pragma, value);
    if is_new {
        // Lets retention give pages back in small steps; cannot be added later without VACUUM.
        set("auto_vacuum", "INCREMENTAL")?;
        // Larger pages measured 25 % larger files with our blobs.
        set("page_size", "4096")?;
    }
    // Readers never block the writer. The answer is the mode that it is in now.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
        row.get::<_, String>(0).map(drop)
    })?;
    // One commit a second makes one fsync a second: an acknowledged poll survives power loss.
    set("synchronous", "FULL")?;
    // Only this connection checkpoints, each time the log has this many pages (4 MiB).
    set("wal_autocheckpoint", "1000")?;
    // After a long reader the log file shrinks back to this.
    set("journal_size_limit", "67108864")?;
    // 64 MiB of page cache.
    set("cache_size", "-65536")?;
    // A memory-mapped file with a live writer gave others "malformed" reports.
    set("mmap_size", "0")?;
    set("temp_store", "MEMORY")?;
    set("foreign_keys", "ON")?;
    // A file from elsewhere cannot make us run functions hidden in its schema.
    set("trusted_schema", "OFF")?;
    // Finds damaged pages at the first touch instead of answering from them.
    set("cell_size_check", "ON")
}

/// Refuses what no daemon has written, before anything beside it is touched: the version of its
/// schema.
pub fn schema(path: &Path) -> Result<i32, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing {
            path: path.to_owned(),
        });
    }
    refuse_folder(path)?;
    let connection = Connection::open_with_flags(path, READ_ONLY)
        .map_err(|source| StoreError::opening(path, source))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .map_err(|source| StoreError::opening(path, source))?;
    migrate::check(&connection, path)
}

fn refuse_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Err(StoreError::Folder {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Refuses what can never be written: a folder, and files of others. What may be wrong besides is told by whoever
/// opens it.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    refuse_folder(path)?;
    if std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
        && let Ok(connection) = Connection::open_with_flags(path, READ_ONLY)
        && let Err(error @ StoreError::NotOurs { .. }) = migrate::check_writing(&connection, path)
    {
        return Err(error);
    }
    Ok(())
}

/// Opens the database for reading, while a daemon writes it or after one has died.
pub(super) fn open_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing {
            path: path.to_owned(),
        });
    }
    refuse_folder(path)?;
    let failed = |source| StoreError::sqlite("open", path, source);
    let connection = Connection::open_with_flags(path, READ_ONLY).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let connection = match migrate::version(&connection) {
        Err(error) if needs_shared_memory(&error) && is_at_rest(path) => open_immutable(path)?,
        _ => connection,
    };
    let version = migrate::check(&connection, path)?;
    if version < migrate::newest() {
        return Err(StoreError::Older {
            path: path.to_owned(),
            version,
            known: migrate::newest(),
        });
    }
    for (pragma, value) in [
        ("query_only", "ON"),
        ("mmap_size", "0"),
        ("trusted_schema", "OFF"),
    ] {
        connection
            .pragma_update(None, pragma, value)
            .map_err(failed)?;
    }
    // Else SQLite prepares many a statement anew for each value that is bound to it.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    Ok(connection)
}

/// A WAL database cannot be read without writing its `-shm` file.
fn needs_shared_memory(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

/// Nobody writes and nothing waits in a log: the file alone is the whole database.
fn is_at_rest(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let empty = std::fs::metadata(&log).map_or(true, |file| file.len() == 0);
    empty && DaemonLock::is_free(path)
}

fn open_immutable(path: &Path) -> Result<Connection, StoreError> {
    let name: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
        .map_err(|source| StoreError::sqlite("open", path, source))
}

/// The network filesystem that a path is on; `None` on local ones and on those not known.
#[cfg(target_os = "linux")]
fn network_filesystem(path: &Path) -> Option<&'static str> {
    const NETWORK: [(u32, &str); 8] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x517b, "SMB"),
        (0x0102_1997, "9P"),
        (0x00c3_6400, "CephFS"),
        (0x0bd0_0bd0, "Lustre"),
        (0x5346_414f, "AFS"),
    ];
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let found = rustix::fs::statfs(folder.unwrap_or(Path::new("."))).ok()?;
    let magic = u32::try_from(found.f_type & 0xffff_ffff).ok()?;
    NETWORK
        .iter()
        .find(|(known, _)| *known == magic)
        .map(|(_, name)| *name)
}

/// Elsewhere nothing is known of the filesystem.
#[cfg(not(target_os = "linux"))]
const fn network_filesystem(_path: &Path) -> Option<&'static str> {
    None
}
