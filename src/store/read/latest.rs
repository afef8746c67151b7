//! What a process showed at its first and at its last good pulse.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};

use super::cold::End;
use super::{Reader, SignatureKey, States, StoreError};
use crate::model::{Labels, Timestamp};
use crate::store::damage::unless_damaged;
use crate::store::hot::{PulseEntry, unpack_pulse};

/// What a signature was like at a pulse.
#[derive(Debug, Clone, Default)]
pub struct LastGroup {
    /// Goroutines by wait kind.
    pub states: States,
    /// Its label sets; the empty one is left out.
    pub labels: BTreeSet<Labels>,
}

impl Reader {
    /// What some signatures were like at the last good pulse of a process between two moments, inclusive; those
    /// that were absent there are not.
    pub fn last_groups(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        wanted: &HashSet<SignatureKey>,
    ) -> Result<HashMap<SignatureKey, LastGroup>, StoreError> {
        let dictionary = self.dictionary()?;
        let signature = |stack| dictionary.signature(stack, Some(wanted));
        let is_wanted = |stack| signature(stack).is_some();
        let newest = self.counts_at(End::Last, incarnation, (since, until), is_wanted);
        let mut found: HashMap<SignatureKey, LastGroup> = HashMap::new();
        let mut sets: HashMap<i64, HashSet<SignatureKey>> = HashMap::new();
        for entry in newest.map_err(|source| self.failed(source))? {
            let kind = dictionary.kinds.get(&entry.state);
            if let (Some(signature), Some(kind)) = (signature(entry.stack), kind)
                && entry.count > 0
            {
                let group = found.entry(signature).or_default();
                *group.states.entry(Arc::clone(kind)).or_default() += entry.count;
                sets.entry(entry.labels).or_default().insert(signature);
            }
        }
        for (id, signatures) in sets {
            let labels = self.label_set(id).map_err(|source| self.failed(source))?;
            for signature in signatures.into_iter().filter(|_| !labels.is_empty()) {
                let group = found.entry(signature).or_default();
                group.labels.insert(labels.clone());
            }
        }
        Ok(found)
    }

    /// The counts of one signature by label set at the first and at the last good pulse of a process between
    /// two moments, inclusive; what has no labels is the empty set.
    pub fn label_counts(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        signature: SignatureKey,
    ) -> Result<[HashMap<Labels, u64>; 2], StoreError> {
        let dictionary = self.dictionary()?;
        let wanted = HashSet::from([signature]);
        let is_wanted = |stack| dictionary.signature(stack, Some(&wanted)).is_some();
        let read = |end| -> rusqlite::Result<HashMap<Labels, u64>> {
            let mut counts: HashMap<i64, u64> = HashMap::new();
            for entry in self.counts_at(end, incarnation, (since, until), is_wanted)? {
                if is_wanted(entry.stack) && entry.count > 0 {
                    *counts.entry(entry.labels).or_default() += entry.count;
                }
            }
            let named = counts.into_iter();
            named
                .map(|(id, count)| Ok((self.label_set(id)?, count)))
                .collect()
        };
        let both = || Ok([read(End::First)?, read(End::Last)?]);
        both().map_err(|source| self.failed(source))
    }

    fn label_set(&self, id: i64) -> rusqlite::Result<Labels> {
        let mut select = self
            .connection
            .prepare_cached("SELECT labels FROM label_set WHERE id = ?1")?;
        let json: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
        let labels = json.and_then(|json| serde_json::from_str(&json).ok());
        Ok(labels.unwrap_or_default())
    }

    /// The counts of wanted stacks at the first or the last good pulse of a process between two moments; there
    /// may be others beside them.
    fn counts_at(
        &self,
        end: End,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        is_wanted: impl Fn(i64) -> bool,
    ) -> rusqlite::Result<Vec<PulseEntry>> {
        let hot = self.hot_counts(end, incarnation, (since, until))?;
        // A clock that was set back leaves hot rows that are older than blocks.
        let (mut from, mut to) = (since, until);
        match (end, &hot) {
            (_, None) => {}
            (End::First, Some((at, _))) => to = Timestamp::from_millis(at - 1),
            (End::Last, Some((at, _))) => from = Timestamp::from_millis(at + 1),
        }
        let cold = self.cold_counts(end, incarnation, (from, to), is_wanted)?;
        let hot = hot.map(|(_, entries)| entries);
        Ok(cold.or(hot).unwrap_or_default())
    }

    fn hot_counts(
        &self,
        end: End,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
    ) -> rusqlite::Result<Option<(i64, Vec<PulseEntry>)>> {
        let mut ids = self.connection.prepare_cached(match end {
            End::First => {
                "SELECT id, at FROM pulse WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3
                 ORDER BY at"
            }
            End::Last => {
                "SELECT id, at FROM pulse WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3
                 ORDER BY at DESC"
            }
        })?;
        let mut select = self
            .connection
            .prepare_cached("SELECT groups FROM pulse WHERE id = ?1 AND truncated = 0")?;
        let mut rows = ids.query(params![incarnation, since.as_millis(), until.as_millis()])?;
        while let Some(row) = rows.next()? {
            let groups = select.query_row([row.get::<_, i64>(0)?], |row| row.get::<_, Vec<u8>>(0));
            let mut entries = Vec::new();
            if let Some(Some(groups)) = unless_damaged(groups.optional())?
                && unpack_pulse(&groups, |entry| entries.push(entry)).is_some()
            {
                return Ok(Some((row.get(1)?, entries)));
            }
        }
        Ok(None)
    }
}
