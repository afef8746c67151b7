//! Questions to the history: one function a question, each on one consistent view of the file.

mod analysis;
pub(super) mod cold;
mod columns;
mod course;
pub(super) mod day;
mod deploy;
mod detail;
mod info;
mod instance;
mod known;
mod latest;
mod left;
mod limit;
mod look;
mod proof;
mod quarantine;
mod remembered;
mod signature;
mod verdict;
mod window;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

pub use analysis::Unread;
pub use course::PackedCourse;
pub use day::DayRow;
pub use deploy::DeployRow;
pub use detail::{Detail, DetailGroup};
pub use info::{Holding, Info, Part, Run};
pub use instance::{DueSpan, FailureRow, IncarnationRow, InstanceRow, LastLook, Seen};
pub use known::{LifeRow, Lives, StackRow, Words};
pub use latest::LastGroup;
pub use limit::LimitRow;
pub use look::{GroupRow, LookRow, Looked, SnapshotRow};
pub use proof::{ProofRow, ProvedStack};
pub use remembered::{RefusalRow, Remembered};
pub use signature::{SeriesRow, SightingRow, SignatureRow, SignatureRows};
pub use verdict::VerdictRow;
pub use window::{IncarnationWindow, States};

use self::analysis::Told;
use self::course::Source;
use self::day::Left;
use super::{Steps, StoreError, open};

/// A row of `instance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceKey(pub(super) i64);

/// A row of `signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignatureKey(pub(super) i64);

/// Reads one database, as it was when the reader was opened.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
    /// What every stack counts as, and the names of states, wait kinds and creators: small
    /// tables, read when first needed.
    dictionary: OnceCell<Arc<Dictionary>>,
    /// What retention has left, read when first needed.
    left: OnceCell<Left>,
    /// What answers go by, read when first needed.
    told: OnceCell<Told>,
    /// Where slots come from: what they say is the same.
    source: Source,
    steps: Arc<Steps>,
}

/// Tables that every decoding needs: small ones, read once.
#[derive(Debug)]
pub struct Dictionary {
    stacks: HashMap<i64, SignatureKey>,
    states: HashMap<i64, Arc<str>>,
    kinds: HashMap<i64, Arc<str>>,
    creators: HashMap<i64, Arc<str>>,
}

impl Reader {
    /// Opens a database that a daemon may be writing, or that one has left behind.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open::open_reading(path)?;
        connection
            .execute_batch("BEGIN")
            .map_err(|source| StoreError::sqlite("read", path, source))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            dictionary: OnceCell::new(),
            left: OnceCell::new(),
            told: OnceCell::new(),
            source: Source::Summaries,
            steps: Arc::default(),
        })
    }

    /// Answers from every sample instead of from summaries.
    pub fn from_samples(self) -> Self {
        Self {
            source: Source::Samples,
            ..self
        }
    }

    /// How far the answer is that is being worked out, an instance a step.
    pub const fn steps(&self) -> &Arc<Steps> {
        &self.steps
    }

    fn failed(&self, source: rusqlite::Error) -> StoreError {
        StoreError::sqlite("read", &self.path, source)
    }

    fn damaged(&self, table: &'static str, row: i64) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            table,
            row,
        }
    }

    /// What stacks, states and creators mean.
    pub fn dictionary(&self) -> Result<Arc<Dictionary>, StoreError> {
        if let Some(known) = self.dictionary.get() {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(
            self.read_dictionary()
                .map_err(|source| self.failed(source))?,
        );
        Ok(Arc::clone(self.dictionary.get_or_init(|| read)))
    }

    fn read_dictionary(&self) -> rusqlite::Result<Dictionary> {
        let stacks = self
            .connection
            .prepare("SELECT id, signature_id FROM stack")?
            .query_map([], |row| Ok((row.get(0)?, SignatureKey(row.get(1)?))))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Dictionary {
            stacks,
            states: self.read_words("SELECT id, name FROM state")?,
            kinds: self.read_words("SELECT id, kind FROM state")?,
            creators: self.read_words("SELECT id, function FROM creator")?,
        })
    }

    fn read_words(&self, sql: &str) -> rusqlite::Result<HashMap<i64, Arc<str>>> {
        self.connection
            .prepare(sql)?
            .query_map([], |row| {
                Ok((row.get(0)?, Arc::from(row.get::<_, String>(1)?)))
            })?
            .collect()
    }
}

impl Dictionary {
    /// Every function that was ever seen to start goroutines.
    pub fn creators(&self) -> impl Iterator<Item = &Arc<str>> {
        self.creators.values()
    }

    /// What a stack counts as, if that is wanted.
    fn signature(
        &self,
        stack: i64,
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Option<SignatureKey> {
        let signature = *self.stacks.get(&stack)?;
        let is_wanted = wanted.is_none_or(|wanted| wanted.contains(&signature));
        is_wanted.then_some(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The questions that touch rows of polls, which are many, must find them by index.
    #[test]
    fn polls_are_found_by_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.db");
        drop(open::open_writing(&path).unwrap());
        let reader = Reader::open(&path).unwrap();
        for (sql, plan) in [
            (
                "SELECT id FROM pulse WHERE incarnation_id = 1 AND at BETWEEN 2 AND 3 ORDER BY at",
                "SEARCH pulse USING COVERING INDEX pulse_at (incarnation_id=? AND at>? AND at<?)",
            ),
            (
                "SELECT body FROM detail WHERE incarnation_id = 1 AND at BETWEEN 2 AND 3 \
                 AND truncated = 0 ORDER BY at DESC LIMIT 1",
                "SEARCH detail USING INDEX detail_at (incarnation_id=? AND at>? AND at<?)",
            ),
            (
                "SELECT reason FROM failure WHERE instance_id = 1 AND at BETWEEN 2 AND 3 \
                 ORDER BY at",
                "SEARCH failure USING INDEX failure_at (instance_id=? AND at>? AND at<?)",
            ),
            (
                "SELECT to_at, summary.data FROM block LEFT JOIN summary ON block_id = id
                 WHERE incarnation_id = 1 AND from_at BETWEEN 2 AND 3 ORDER BY from_at",
                "SEARCH block USING INDEX block_at (incarnation_id=? AND from_at>? AND from_at<?)",
            ),
            (
                "SELECT id FROM stack WHERE signature_id = 1 ORDER BY cut, id DESC LIMIT 1",
                "SEARCH stack USING INDEX stack_signature (signature_id=?)",
            ),
        ] {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let found: String = reader
                .connection
                .query_row(&explain, [], |row| row.get("detail"))
                .unwrap();
            assert_eq!(found, plan);
        }
    }
}
