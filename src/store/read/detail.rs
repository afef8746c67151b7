//! What the details of a process say, by signature.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};

use super::cold::BlockKey;
use super::{Dictionary, Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::damage::unless_damaged;
use crate::store::hot::{DetailEntry, Kept, unpack_detail};

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
        window: (Timestamp, Timestamp),
        wanted: Option<&HashSet<SignatureKey>>,
        limit: usize,
    ) -> Result<Vec<Detail>, StoreError> {
        let dictionary = self.dictionary()?;
        let failed = |source| self.failed(source);
        let mut sources = self.detail_sources(incarnation, window).map_err(failed)?;
        sources.sort_by_key(|source| std::cmp::Reverse(source.newest()));
        let is_wanted = |stack| dictionary.signature(stack, wanted).is_some();
        let mut details: Vec<Detail> = Vec::new();
        for source in sources {
            // Blocks of late details overlap others.
            let last = limit.checked_sub(1).and_then(|last| details.get(last));
            if last.is_some_and(|last| last.at.as_millis() >= source.newest()) {
                break;
            }
            // What is damaged is passed over: an older detail tells more than none.
            let found = match source {
                Source::Row(id, at) => self.detail_row(id, at, is_wanted),
                Source::Block(key) => self.detail_block(key, window, is_wanted, limit),
            };
            for (at, entries) in found.map_err(failed)? {
                details.push(Detail::of(at, &entries, &dictionary));
            }
            details.sort_by_key(|detail| std::cmp::Reverse(detail.at));
        }
        details.truncate(limit);
        Ok(details)
    }

    fn detail_sources(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
    ) -> rusqlite::Result<Vec<Source>> {
        let blocks = self.blocks(Kept::Details, incarnation, (since, until))?;
        let mut sources: Vec<Source> = blocks.into_iter().map(Source::Block).collect();
        let mut rows = self.connection.prepare_cached(
            "SELECT id, at FROM detail WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3",
        )?;
        let bounds = params![incarnation, since.as_millis(), until.as_millis()];
        let rows = rows.query_map(bounds, |row| Ok(Source::Row(row.get(0)?, row.get(1)?)))?;
        for row in rows {
            sources.push(row?);
        }
        Ok(sources)
    }

    /// The one detail of a row; none for a proof, and when the target cut it off.
    fn detail_row(
        &self,
        id: i64,
        at: i64,
        is_wanted: impl Fn(i64) -> bool,
    ) -> rusqlite::Result<Vec<(Timestamp, Vec<DetailEntry>)>> {
        let mut select = self.connection.prepare_cached(
            "SELECT body FROM detail WHERE id = ?1 AND truncated = 0 AND kind = 'detail'",
        )?;
        let body = select.query_row([id], |row| {
            Ok(unpack_detail(row.get_ref(0)?.as_blob()?, is_wanted))
        });
        let entries = unless_damaged(body.optional())?.flatten().flatten();
        let at = Timestamp::from_millis(at);
        Ok(entries.into_iter().map(|entries| (at, entries)).collect())
    }

    /// The newest details of a block, up to `limit`.
    fn detail_block(
        &self,
        key: BlockKey,
        (since, until): (Timestamp, Timestamp),
        is_wanted: impl Fn(i64) -> bool,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Timestamp, Vec<DetailEntry>)>> {
        let Some(block) = self.block(key)?.unpack_details() else {
            return Ok(Vec::new());
        };
        let Some(columns) = block.columns(is_wanted) else {
            return Ok(Vec::new());
        };
        let told = block
            .ticks()
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(nth, told)| {
                let at = Timestamp::from_millis(told.tick.at);
                let is_told =
                    !told.tick.truncated && told.kind() == "detail" && since <= at && at <= until;
                is_told.then(|| (at, columns.entries(nth)))
            });
        Ok(told.take(limit).collect())
    }
}

/// Where details are.
enum Source {
    /// A row, and when it was taken.
    Row(i64, i64),
    Block(BlockKey),
}

impl Source {
    /// When the newest detail in it was taken, milliseconds.
    const fn newest(&self) -> i64 {
        match self {
            Self::Row(_, at) => *at,
            Self::Block(key) => key.to,
        }
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
