//! History that comes whole: stored as polling would have stored it, as fast as it comes.
//!
//! Whoever imports waits for the disk, so there is no queue and no second attempt: what cannot be
//! written ends the import. Nothing is removed for its age meanwhile.

use std::path::{Path, PathBuf};

use super::once::Once;
use super::prune::give_all_back;
use super::rows::Ack;
use super::summarise::Sought;
use super::{LifeSign, ROUND, Result, Session, compact, rollup, summarise};
use crate::model::{Record, Timestamp};
use crate::store::{DaemonLock, StoreError, open};

/// Pages of the log at which it goes into the file: an import rewrites the newest ones all the time.
const CHECKPOINT_PAGES: i64 = 16_384;

/// What an import has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// Snapshots that are new.
    pub snapshots: u64,
    /// Failed polls that are new.
    pub failures: u64,
    /// Snapshots and failures that were there already.
    pub there: u64,
}

/// Stores history in one database, which no daemon writes meanwhile.
pub struct Importer {
    session: Session,
    once: Once,
    stored: Stored,
    /// When the first and the last poll of it were made.
    span: Option<(Timestamp, Timestamp)>,
    path: PathBuf,
    lock: DaemonLock,
}

impl Importer {
    /// Opens (or makes) the database.
    pub fn begin(path: &Path, lock: DaemonLock) -> std::result::Result<Self, StoreError> {
        let connection = open::open_writing(path)?;
        let failed = |source| StoreError::sqlite("write", path, source);
        // One fsync a checkpoint: after a power loss the import is made again.
        for (pragma, value) in [
            ("synchronous", "NORMAL".into()),
            ("wal_autocheckpoint", CHECKPOINT_PAGES.to_string()),
        ] {
            connection
                .pragma_update(None, pragma, value)
                .map_err(failed)?;
        }
        let session = Session::begin(connection, path, Timestamp::default()).map_err(failed)?;
        Ok(Self {
            session,
            once: Once::default(),
            stored: Stored::default(),
            span: None,
            path: path.to_owned(),
            lock,
        })
    }

    /// Stores records in one transaction.
    pub fn store(&mut self, records: &[Record]) -> std::result::Result<Stored, StoreError> {
        let stored = self.commit(records, false);
        stored.map_err(|source| self.failed(source))
    }

    /// Ends the import: what is older than `now` by a whole window becomes blocks.
    pub fn finish(mut self, now: Timestamp) -> std::result::Result<Stored, StoreError> {
        let stored = self.commit(&[], true);
        stored
            .and_then(|stored| {
                self.compact(now)?;
                self.summarise()?;
                self.roll_up(now)?;
                self.close()?;
                Ok(stored)
            })
            .map_err(|source| self.failed(source))
    }

    /// Ends an import that stored nothing in a file that was made for it: that goes, with all beside it.
    pub fn leave_nothing(self) -> std::io::Result<()> {
        let Self {
            session,
            path,
            lock,
            ..
        } = self;
        drop(session);
        for end in ["", "-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(end);
            match std::fs::remove_file(name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        lock.remove()
    }

    fn commit(&mut self, records: &[Record], last: bool) -> Result<Stored> {
        let mut newest = None;
        for at in records.iter().filter_map(made_at) {
            newest = Some(at);
            let (first, last) = self.span.get_or_insert((at, at));
            (*first, *last) = ((*first).min(at), (*last).max(at));
        }
        let (started, now) = self.span.unwrap_or_default();
        let sign = LifeSign {
            started: Some(started),
            now,
            last,
        };
        let acks = self.session.store(records, sign, Some(&mut self.once))?;
        self.count(&acks);
        // Windows close as they would have: by the time that the history has come to. Several
        // histories one behind the other begin anew each.
        if let Some(newest) = newest {
            self.compact(newest)?;
        }
        Ok(self.stored)
    }

    fn count(&mut self, acks: &[Ack]) {
        let failures = acks.iter().filter(|ack| ack.table == "failure").count();
        self.stored.failures += failures as u64;
        self.stored.snapshots += (acks.len() - failures) as u64;
        self.stored.there = self.once.there;
    }

    fn compact(&mut self, now: Timestamp) -> Result<()> {
        let session = &mut self.session;
        while compact::round(&mut session.connection, &mut session.hot, now, ROUND)? {}
        Ok(())
    }

    /// Makes the summaries that went because signatures changed.
    fn summarise(&mut self) -> Result<()> {
        let session = &mut self.session;
        if session.names.take_repointed() {
            session.sought = Sought::default();
        }
        while summarise::round(&mut session.connection, &mut session.sought, ROUND)? {}
        Ok(())
    }

    fn roll_up(&mut self, now: Timestamp) -> Result<()> {
        while rollup::round(&mut self.session.connection, now, ROUND)? {}
        Ok(())
    }

    /// Leaves no trace of a run that added nothing, and the file whole.
    fn close(&mut self) -> Result<()> {
        let connection = &self.session.connection;
        connection.execute(
            "DELETE FROM daemon_run
             WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM watch WHERE run_id = ?1)",
            [self.session.run],
        )?;
        // What rows have left that are in blocks now.
        connection.pragma_update(None, "synchronous", "FULL")?;
        give_all_back(connection)
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::sqlite("write", &self.path, source)
    }
}

/// When a poll was made.
fn made_at(record: &Record) -> Option<Timestamp> {
    match record {
        Record::Poll(poll) => Some(poll.at),
        _ => None,
    }
}
