//! What a process showed at its last good pulse.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};

use super::{Reader, SignatureKey, States, StoreError};
use crate::model::Timestamp;
use crate::store::damage::unless_damaged;
use crate::store::hot::{PulseEntry, unpack_pulse};

impl Reader {
    /// The wait kinds of some signatures at the last good pulse of a process between two moments,
    /// inclusive; those that were absent there are not.
    pub fn last_states(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
        wanted: &HashSet<SignatureKey>,
    ) -> Result<HashMap<SignatureKey, States>, StoreError> {
        let dictionary = self.dictionary()?;
        let signature = |stack| dictionary.signature(stack, Some(wanted));
        let newest = || -> rusqlite::Result<Vec<PulseEntry>> {
            let hot = self.last_hot_counts(incarnation, since, until)?;
            // A clock that was set back leaves hot rows that are older than blocks.
            let from = hot.as_ref().map_or(since.as_millis(), |(at, _)| at + 1);
            let from = Timestamp::from_millis(from);
            let is_wanted = |stack| signature(stack).is_some();
            let cold = self.last_cold_counts(incarnation, (from, until), is_wanted)?;
            let hot = hot.map(|(_, entries)| entries);
            Ok(cold.or(hot).unwrap_or_default())
        };
        let mut found: HashMap<SignatureKey, States> = HashMap::new();
        for entry in newest().map_err(|source| self.failed(source))? {
            let kind = dictionary.kinds.get(&entry.state);
            if let (Some(signature), Some(kind)) = (signature(entry.stack), kind)
                && entry.count > 0
            {
                let states = found.entry(signature).or_default();
                *states.entry(Arc::clone(kind)).or_default() += entry.count;
            }
        }
        Ok(found)
    }

    fn last_hot_counts(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Option<(i64, Vec<PulseEntry>)>> {
        let mut ids = self.connection.prepare_cached(
            "SELECT id, at FROM pulse WHERE incarnation_id = ?1 AND at BETWEEN ?2 AND ?3
             ORDER BY at DESC",
        )?;
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
