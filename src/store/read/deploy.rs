//! What was deployed.

use serde::Serialize;

use super::{Reader, StoreError};
use crate::model::Timestamp;

/// A service that ran another build, or an instance another version, than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeployRow {
    /// When it was met first.
    pub at: Timestamp,
    /// Which service.
    pub service: String,
    /// Where it was met first.
    pub instance: String,
    /// What it was and what it is.
    pub change: String,
}

impl Reader {
    /// What was deployed between two moments, inclusive, oldest first.
    pub fn deploys(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<DeployRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<DeployRow>> {
            self.connection
                .prepare_cached(
                    "SELECT event.at, service.name, instances.instance, text
                     FROM event
                     JOIN service ON service.id = event.service_id
                     JOIN instances ON instances.instance_id = event.instance_id
                     WHERE event.kind = 'deploy' AND event.at BETWEEN ?1 AND ?2
                     ORDER BY event.at, event.id",
                )?
                .query_map([since.as_millis(), until.as_millis()], |row| {
                    Ok(DeployRow {
                        at: Timestamp::from_millis(row.get(0)?),
                        service: row.get(1)?,
                        instance: row.get(2)?,
                        change: row.get(3)?,
                    })
                })?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }
}
