//! What the garbage collector has proved, kept for ever.

use rusqlite::{OptionalExtension as _, named_params, params};

use super::Result;
use super::names::{Place, Told, build_row, insert_signature, signature_row};
use super::rows::Rows;
use super::series::stored;
use crate::model::{Known, Timestamp};
use crate::store::hot::DetailEntry;

/// What proofs have found of one stack.
struct Found {
    stack: i64,
    /// 0 where it is not known.
    build: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    count: u64,
    last: u64,
}

impl Rows<'_> {
    /// Notes that the process that lived at an instance then was asked.
    pub(super) fn asked(&self, instance: i64, at: Timestamp) -> Result<()> {
        self.tx
            .prepare_cached(
                "UPDATE incarnation SET proof_at = max(ifnull(proof_at, ?2), ?2)
                 WHERE instance_id = ?1 AND since = (SELECT max(since) FROM incarnation
                                                     WHERE instance_id = ?1 AND since <= ?2)",
            )?
            .execute(params![instance, at.as_millis()])
            .map(drop)
    }

    /// Adds what one proof has found.
    pub(super) fn proved(&self, place: Place, build: i64, entries: &[DetailEntry]) -> Result<()> {
        self.asked(place.ids.instance, place.at)?;
        for entry in entries.iter().filter(|entry| entry.leaked > 0) {
            let found = Found {
                stack: entry.stack,
                build,
                first_at: place.at,
                last_at: place.at,
                count: entry.leaked,
                last: entry.leaked,
            };
            self.found(place, &found)?;
        }
        Ok(())
    }

    /// What a history tells of proofs whose snapshots have gone. Told twice it is the same.
    pub(super) fn known_proof(&mut self, proof: &Known) -> Result<()> {
        let Known::Proof {
            stack,
            signature,
            service,
            build,
            first,
            first_at,
            last_at,
            count,
            last,
        } = proof
        else {
            return Ok(());
        };
        let Some(place) = self.place(first, *first_at)? else {
            return Ok(());
        };
        if signature_row(self.tx, *signature)?.is_none() {
            let first = (first_at.as_millis(), place.incarnation);
            insert_signature(self.tx, *signature, &Told::by(stack), first)?;
        }
        self.known_stack(stack, *signature, service.as_ref())?;
        let of = match service {
            Some(name) => self.names.service(self.tx, name)?,
            None => 0,
        };
        let stack: Option<i64> = self
            .tx
            .prepare_cached("SELECT id FROM stack WHERE hash = ?1 AND service_id = ?2")?
            .query_row(params![stack.hash.to_be_bytes(), of], |row| row.get(0))
            .optional()?;
        let Some(stack) = stack else { return Ok(()) };
        let build = match build {
            Some(build) => build_row(self.tx, build, first.since)?,
            None => 0,
        };
        let found = Found {
            stack,
            build,
            first_at: *first_at,
            last_at: *last_at,
            count: *count,
            last: *last,
        };
        self.found(place, &found)
    }

    fn found(&self, place: Place, found: &Found) -> Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO proof (stack_id, service_id, build_id, incarnation_id, first_at, last_at,
                                    count, last)
                 VALUES (:stack, :service, :build, :incarnation, :first_at, :last_at, :count, :last)
                 ON CONFLICT DO UPDATE SET
                     incarnation_id = CASE WHEN excluded.first_at < first_at
                         THEN excluded.incarnation_id ELSE incarnation_id END,
                     first_at = min(first_at, excluded.first_at),
                     last = CASE WHEN excluded.last_at >= last_at THEN excluded.last ELSE last END,
                     last_at = max(last_at, excluded.last_at),
                     count = max(count, excluded.count)",
            )?
            .execute(named_params! {
                ":stack": found.stack,
                ":service": place.ids.service,
                ":build": found.build,
                ":incarnation": place.incarnation,
                ":first_at": found.first_at.as_millis(),
                ":last_at": found.last_at.as_millis(),
                ":count": stored(found.count),
                ":last": stored(found.last),
            })
            .map(drop)
    }
}
