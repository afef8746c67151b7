//! Services that have come to the limit of what they may bring.

use serde::Serialize;

use super::{Reader, StoreError};
use crate::model::{EventKind, Timestamp};
use crate::store::write::limit::{REACHED, beyond};

/// A service that came to a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LimitRow {
    /// Its name.
    pub service: String,
    /// Since when.
    pub since: Timestamp,
    /// What follows, in a sentence.
    pub text: String,
}

impl Reader {
    /// Services that came to a limit of signatures, stacks or words, by name.
    pub fn limits(&self) -> Result<Vec<LimitRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<LimitRow>> {
            // Mostly there are none, and events are many.
            let mut select = self.connection.prepare_cached(
                "SELECT name, min(at), text FROM event JOIN service ON service.id = service_id
                 WHERE kind = ?1 AND (EXISTS (SELECT 1 FROM meta WHERE key = ?2)
                                      OR EXISTS (SELECT 1 FROM signature WHERE hash = ?3))
                 GROUP BY service_id, text ORDER BY name, min(at)",
            )?;
            let kind = EventKind::SignatureLimit.as_str();
            let asked = (kind, REACHED, beyond().to_bytes());
            let rows = select.query_map(asked, |row| {
                Ok(LimitRow {
                    service: row.get(0)?,
                    since: Timestamp::from_millis(row.get(1)?),
                    text: row.get(2)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|source| self.failed(source))
    }
}
