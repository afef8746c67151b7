//! What the newest detail of a process says, by signature.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, ToSql, params};

use super::{Dictionary, Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::damage::unless_damaged;
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
    /// The newest whole detail of a process between two moments, inclusive; `wanted` limits the
    /// signatures.
    pub fn last_detail(
        &self,
        incarnation: i64,
        window: (Timestamp, Timestamp),
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Result<Option<Detail>, StoreError> {
        Ok(self.read_details(incarnation, window, wanted, 1)?.pop())
    }

    /// All whole details of a process between two moments, inclusive, the newest first; `wanted`
    /// limits the signatures.
    pub fn details(
        &self,
        incarnation: i64,
        window: (Timestamp, Timestamp),
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Result<Vec<Detail>, StoreError> {
        self.read_details(incarnation, window, wanted, usize::MAX)
    }

    fn read_details(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        wanted: Option<&HashSet<SignatureKey>>,
        limit: usize,
    ) -> Result<Vec<Detail>, StoreError> {
        let dictionary = self.dictionary()?;
        let failed = |source| self.failed(source);
        let bounds = params![incarnation, since.as_millis(), until.as_millis()];
        let ids = self.detail_ids(bounds).map_err(failed)?;
        let mut details = Vec::new();
        for (id, at) in ids {
            // What is damaged is passed over: an older detail tells more than none.
            let body = unless_damaged(self.detail_body(id)).map_err(failed)?;
            let is_wanted = |stack| dictionary.signature(stack, wanted).is_some();
            let unpack = |body: Vec<u8>| unpack_detail(&body, is_wanted);
            if let Some(entries) = body.flatten().and_then(unpack) {
                let at = Timestamp::from_millis(at);
                details.push(Detail::of(at, &entries, &dictionary));
            }
            if details.len() == limit {
                break;
            }
        }
        Ok(details)
    }

    fn detail_ids(&self, bounds: &[&dyn ToSql]) -> rusqlite::Result<Vec<(i64, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT id, at FROM detail WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3
                 ORDER BY at DESC",
            )?
            .query_map(bounds, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    /// What a detail holds; `None` for a proof, and when the target cut it off.
    fn detail_body(&self, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.connection
            .prepare_cached(
                "SELECT body FROM detail WHERE id = ?1 AND truncated = 0 AND kind = 'detail'",
            )?
            .query_row([id], |row| row.get(0))
            .optional()
    }
}

impl Detail {
    fn of(at: Timestamp, entries: &[DetailEntry], dictionary: &Dictionary) -> Self {
        let mut groups: HashMap<SignatureKey, DetailGroup> = HashMap::new();
        for entry in entries {
            if let Some(signature) = dictionary.signature(entry.stack, None) {
                groups.entry(signature).or_default().add(entry, dictionary);
            }
        }
        Self { at, groups }
    }
}
