//! What was taken out because it is damaged: a gap, told without decoding anything.

use rusqlite::params;

use super::Reader;
use super::cold::spread;
use crate::model::Timestamp;

impl Reader {
    /// About when the pulses of a process were taken that are in quarantine, between two moments,
    /// inclusive.
    pub(super) fn quarantined(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Vec<Timestamp>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT from_at, to_at, ticks FROM quarantine
             WHERE incarnation_id = ?1 AND from_at <= ?3 AND to_at >= ?2 ORDER BY from_at",
        )?;
        let bounds = params![incarnation, since.as_millis(), until.as_millis()];
        let mut rows = statement.query(bounds)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let ticks = spread(row.get(0)?, row.get(1)?, row.get(2)?);
            found.extend(ticks.filter(|at| since <= *at && *at <= until));
        }
        Ok(found)
    }
}
