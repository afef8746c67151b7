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
    /// When a process there was asked for a proof last.
    pub proof_at: Option<Timestamp>,
}

/// Why a process that was known when the daemon ended was not asked for a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// Where it answered.
    pub instance: InstanceId,
    /// When its first snapshot was taken.
    pub since: Timestamp,
    /// In a sentence.
    pub text: String,
}

impl Reader {
    /// Why the last process at every instance was not asked for a proof, each reason once.
    pub fn refusals(&self) -> Result<Vec<RefusalRow>, StoreError> {
        self.read_refusals().map_err(|source| self.failed(source))
    }

    fn read_refusals(&self) -> rusqlite::Result<Vec<RefusalRow>> {
        let mut statement = self.connection.prepare(
            "SELECT service.name, scheme, address, path, life.since, text
             FROM (SELECT instance_id, max(since) AS since FROM incarnation
                   GROUP BY instance_id) AS life
             JOIN event ON event.instance_id = life.instance_id AND event.at >= life.since
             JOIN instance ON instance.id = life.instance_id
             JOIN service ON service.id = instance.service_id
             WHERE event.kind = 'proof_refused'",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(RefusalRow {
                instance: instance(row)?,
                since: Timestamp::from_millis(row.get(4)?),
                text: row.get(5)?,
            })
        })?;
        rows.collect()
    }

    /// The last incarnation at every instance.
    pub fn remembered(&self) -> Result<Vec<Remembered>, StoreError> {
        self.read_remembered().map_err(|source| self.failed(source))
    }

    fn read_remembered(&self) -> rusqlite::Result<Vec<Remembered>> {
        let mut statement = self.connection.prepare(
            "SELECT service.name, scheme, address, path, max(since), reason, build.build_id, vdso,
                    heap_high, (SELECT max(proof_at) FROM incarnation AS life
                                WHERE life.instance_id = incarnation.instance_id)
             FROM incarnation
             JOIN instance ON instance.id = incarnation.instance_id
             JOIN service ON service.id = instance.service_id
             LEFT JOIN build ON build.id = incarnation.build_id
             GROUP BY incarnation.instance_id",
        )?;
        let rows = statement.query_map([], |row| {
            let reason: String = row.get(5)?;
            Ok(Remembered {
                proof_at: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_millis),
                instance: instance(row)?,
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

/// An instance by its service, scheme, address and path, which a row begins with.
fn instance(row: &rusqlite::Row<'_>) -> rusqlite::Result<InstanceId> {
    let text = |at| row.get::<_, String>(at).map(Arc::<str>::from);
    Ok(InstanceId {
        service: text(0)?,
        scheme: text(1)?,
        address: text(2)?,
        path: text(3)?,
    })
}
