//! What a daemon that starts needs to know of the one before it.

use std::sync::Arc;

use super::{Reader, StoreError};
use crate::model::{Incarnation, InstanceId, ProcessFacts, StartReason, Timestamp};

/// A process that was known when the daemon ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Where it answered.
    pub instance: InstanceId,
    /// What was known of it.
    pub incarnation: Incarnation,
}

impl Reader {
    /// The last incarnation at every instance.
    pub fn remembered(&self) -> Result<Vec<Remembered>, StoreError> {
        self.read_remembered().map_err(|source| self.failed(source))
    }

    fn read_remembered(&self) -> rusqlite::Result<Vec<Remembered>> {
        let mut statement = self.connection.prepare(
            "SELECT service.name, scheme, address, path, max(since), reason, build.build_id, vdso,
                    heap_high
             FROM incarnation
             JOIN instance ON instance.id = incarnation.instance_id
             JOIN service ON service.id = instance.service_id
             LEFT JOIN build ON build.id = incarnation.build_id
             GROUP BY incarnation.instance_id",
        )?;
        let text = |row: &rusqlite::Row<'_>, at| row.get::<_, String>(at).map(Arc::<str>::from);
        let rows = statement.query_map([], |row| {
            let reason: String = row.get(5)?;
            Ok(Remembered {
                instance: InstanceId {
                    service: text(row, 0)?,
                    scheme: text(row, 1)?,
                    address: text(row, 2)?,
                    path: text(row, 3)?,
                },
                incarnation: Incarnation {
                    since: Timestamp::from_millis(row.get(4)?),
                    reason: StartReason::from_name(&reason).unwrap_or(StartReason::FirstContact),
                    facts: ProcessFacts {
                        build_id: row.get(6)?,
                        vdso: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
                        heap_high: row.get(8)?,
                    },
                },
            })
        })?;
        rows.collect()
    }
}
