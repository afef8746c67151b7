//! What the newest detail of a process says, by signature.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::params;

use super::{Dictionary, Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::hot::{DetailEntry, unpack_detail};

/// The groups of one detail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// When it was taken.
    pub at: Timestamp,
    /// By signature.
    pub groups: HashMap<SignatureKey, DetailGroup>,
}

/// What only a detail knows of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DetailGroup {
    /// Goroutines.
    pub count: u64,
    /// By state.
    pub states: BTreeMap<Arc<str>, u64>,
    /// Goroutines per wait bucket ([`crate::model::snapshot::WAIT_BUCKET_EDGES`]).
    pub waits: [u64; 5],
    /// Longest wait printed, minutes.
    pub oldest_minutes: Option<u64>,
    /// Marked as leaked by the garbage collector.
    pub leaked: u64,
    /// By creating function.
    pub creators: BTreeMap<Arc<str>, u64>,
    /// Ids of the previous detail looked for, and found.
    pub survival: Option<(u32, u32)>,
}

impl DetailGroup {
    /// The function that made most of it, where that is known.
    pub fn creator(&self) -> Option<&str> {
        let most = self.creators.iter().max_by_key(|(_, count)| **count);
        most.map(|(name, _)| &**name)
    }

    fn add(&mut self, entry: &DetailEntry, dictionary: &Dictionary) {
        self.count += entry.count;
        for (state, _, count) in &entry.splits {
            if let Some(name) = dictionary.states.get(state) {
                *self.states.entry(Arc::clone(name)).or_default() += count;
            }
        }
        for (sum, bucket) in self.waits.iter_mut().zip(entry.waits.iter().flatten()) {
            *sum += bucket;
        }
        self.oldest_minutes = self.oldest_minutes.max(entry.oldest_minutes);
        self.leaked += entry.leaked;
        for (creator, count) in &entry.creators {
            // 0 stands for goroutines without a creator.
            if let Some(name) = dictionary.creators.get(creator) {
                *self.creators.entry(Arc::clone(name)).or_default() += count;
            }
        }
        // Survival is counted per signature; every stack of one carries the same two numbers.
        self.survival = self.survival.or(entry.survival);
    }
}

impl Reader {
    /// The newest whole detail of a process between two moments, inclusive.
    pub fn last_detail(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Detail>, StoreError> {
        Ok(self.read_details(incarnation, since, until, 1)?.pop())
    }

    /// All whole details of a process between two moments, inclusive, the newest first.
    pub fn details(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Detail>, StoreError> {
        // A negative limit is none.
        self.read_details(incarnation, since, until, -1)
    }

    fn read_details(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<Detail>, StoreError> {
        let dictionary = self.dictionary()?;
        let failed = |source| self.failed(source);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, at, body FROM detail
                 WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3 AND truncated = 0
                     AND kind = 'detail' ORDER BY at DESC LIMIT ?4",
            )
            .map_err(failed)?;
        let bounds = params![incarnation, since.as_millis(), until.as_millis(), limit];
        let mut rows = statement.query(bounds).map_err(failed)?;
        let mut details = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let id: i64 = row.get(0).map_err(failed)?;
            let body: Vec<u8> = row.get(2).map_err(failed)?;
            let entries = unpack_detail(&body).ok_or_else(|| self.damaged("detail", id))?;
            let at = Timestamp::from_millis(row.get(1).map_err(failed)?);
            details.push(Detail::of(at, &entries, &dictionary));
        }
        Ok(details)
    }
}

impl Detail {
    fn of(at: Timestamp, entries: &[DetailEntry], dictionary: &Dictionary) -> Self {
        let mut groups: HashMap<SignatureKey, DetailGroup> = HashMap::new();
        for entry in entries {
            if let Some(signature) = dictionary.stacks.get(&entry.stack) {
                groups.entry(*signature).or_default().add(entry, dictionary);
            }
        }
        Self { at, groups }
    }
}
