//! What the garbage collector has proved.

use std::sync::Arc;

use super::known::{life, stack_row};
use super::{Lives, Reader, SignatureKey, StackRow, StoreError};
use crate::model::{Life, Timestamp};

/// Goroutines of a signature that can never wake, in one service and build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofRow {
    /// Whose.
    pub signature: SignatureKey,
    /// Where.
    pub service: String,
    /// In which build: its GNU build id. Where that is not known, only the process counts that it was
    /// proved in.
    pub build: Option<String>,
    /// The process of the first proof: its row,
    pub incarnation: i64,
    /// when its first snapshot was taken,
    pub since: Timestamp,
    /// and its instance ([`super::InstanceRow::name`]).
    pub instance: String,
    /// The first proof.
    pub first_at: Timestamp,
    /// The newest proof that found some.
    pub last_at: Timestamp,
    /// So many were found by one proof; a leak profile misses some.
    pub at_least: u64,
}

/// What proofs have found of one stack, as an export tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedStack {
    /// The stack.
    pub stack: StackRow,
    /// GNU build id, where known.
    pub build: Option<Arc<str>>,
    /// The process of the first proof.
    pub first: Life,
    /// The first proof.
    pub first_at: Timestamp,
    /// The newest proof that found some.
    pub last_at: Timestamp,
    /// The largest number that one proof found.
    pub count: u64,
    /// The number that the newest found.
    pub last: u64,
}

impl Reader {
    /// Everything that was ever proved, by signature, service and build.
    pub fn proofs(&self) -> Result<Vec<ProofRow>, StoreError> {
        let sql = "SELECT signature_id, service, build, proofs.incarnation_id, incarnation.since,
                          instance, first_at, last_at, at_least
                   FROM proofs JOIN incarnation ON incarnation.id = proofs.incarnation_id
                   ORDER BY service, signature, first_at, build";
        let mut proofs = Vec::new();
        self.each(sql, |row| {
            proofs.push(ProofRow {
                signature: SignatureKey(row.get(0)?),
                service: row.get(1)?,
                build: row.get(2)?,
                incarnation: row.get(3)?,
                since: Timestamp::from_millis(row.get(4)?),
                instance: row.get(5)?,
                first_at: Timestamp::from_millis(row.get(6)?),
                last_at: Timestamp::from_millis(row.get(7)?),
                at_least: row.get::<_, i64>(8)?.cast_unsigned(),
            });
            Ok(())
        })?;
        Ok(proofs)
    }

    /// What proofs have found of every stack.
    pub fn each_proof(
        &self,
        lives: &Lives,
        mut on: impl FnMut(ProvedStack),
    ) -> Result<(), StoreError> {
        let sql =
            "SELECT incarnation_id, build.build_id, proof.first_at, proof.last_at, count, last,
                          stack.id, stack.frames, elided_after, elided_frames, cut, signature.hash,
                          service.name
                   FROM proof JOIN stack ON stack.id = stack_id
                   JOIN signature ON signature.id = signature_id
                   LEFT JOIN service ON service.id = stack.service_id
                   LEFT JOIN build ON build.id = proof.build_id
                   ORDER BY proof.first_at, stack.hash, incarnation_id";
        self.each(sql, |row| {
            // Damaged stacks are told when all stacks are.
            if let (Some(first), Some(stack)) = (life(lives, row)?, stack_row(row, 6)?) {
                on(ProvedStack {
                    stack,
                    build: row.get::<_, Option<String>>(1)?.map(Arc::from),
                    first,
                    first_at: Timestamp::from_millis(row.get(2)?),
                    last_at: Timestamp::from_millis(row.get(3)?),
                    count: row.get::<_, i64>(4)?.cast_unsigned(),
                    last: row.get::<_, i64>(5)?.cast_unsigned(),
                });
            }
            Ok(())
        })
    }
}
