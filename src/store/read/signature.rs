//! Signatures: their frames, and where and when they were seen first.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, Row, params};

use super::instance::unsigned;
use super::{InstanceKey, Reader, SignatureKey, StoreError};
use crate::model::signature::SignaturePrefix;
use crate::model::{Frame, Signature, Timestamp};
use crate::store::frames;

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureRow {
    /// Its row.
    pub key: SignatureKey,
    /// Its identity.
    pub signature: Signature,
    /// The line to look at.
    pub site: Frame,
    /// First sighting in the fleet.
    pub first_at: Timestamp,
    /// Last sighting, as of the last flush of the daemon.
    pub last_at: Timestamp,
}

/// Signatures by row.
pub type SignatureRows = HashMap<SignatureKey, SignatureRow>;

/// The first time a signature was seen in a service and build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SightingRow {
    /// Whose.
    pub signature: SignatureKey,
    /// Where.
    pub service: String,
    /// When.
    pub first_at: Timestamp,
    /// At which instance ([`super::InstanceRow::name`]).
    pub instance: String,
    /// In which build: its GNU build id, where known.
    pub build: Option<String>,
}

/// One signature on one instance, all its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesRow {
    /// Whose.
    pub signature: SignatureKey,
    /// Where.
    pub instance: InstanceKey,
    /// First sighting.
    pub first_at: Timestamp,
    /// Last sighting, as of the last flush of the daemon.
    pub last_at: Timestamp,
    /// Highest count, as of then.
    pub peak: u64,
}

impl Reader {
    /// Every signature.
    pub fn signatures(&self) -> Result<SignatureRows, StoreError> {
        let read = || -> rusqlite::Result<SignatureRows> {
            self.connection
                .prepare(
                    "SELECT id, hash, where_function, where_file, where_line, first_at, last_at
                     FROM signature",
                )?
                .query_map([], |row| signature_row(row).map(|found| (found.key, found)))?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The signatures that begin with these digits, at most `limit`; an old name leads to its
    /// successor.
    pub fn signatures_with_prefix(
        &self,
        prefix: &SignaturePrefix,
        limit: usize,
    ) -> Result<Vec<SignatureRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<SignatureRow>> {
            self.connection
                .prepare(
                    "SELECT DISTINCT signature.id, signature.hash, where_function, where_file,
                            where_line, first_at, last_at
                     FROM signature LEFT JOIN signature_alias AS alias
                          ON alias.signature_id = signature.id
                     WHERE substr(lower(hex(signature.hash)), 1, length(?1)) = ?1
                        OR substr(lower(hex(alias.hash)), 1, length(?1)) = ?1
                     ORDER BY signature.hash LIMIT ?2",
                )?
                .query_map(
                    params![prefix.as_str(), i64::try_from(limit).unwrap_or(i64::MAX)],
                    signature_row,
                )?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The frames of the stack that stands for a signature: a full one before a cut one, the
    /// newest first.
    pub fn frames(&self, signature: SignatureKey) -> Result<Vec<Frame>, StoreError> {
        let json: Option<(i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT id, frames FROM stack WHERE signature_id = ?1
                 ORDER BY cut, id DESC LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([signature.0], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(|source| self.failed(source))?;
        let Some((id, json)) = json else {
            return Ok(Vec::new());
        };
        frames::unpack(&json).ok_or_else(|| self.damaged("stack", id))
    }

    /// First sightings per service and build, oldest first; of one signature or of all.
    pub fn sightings(
        &self,
        signature: Option<SignatureKey>,
    ) -> Result<Vec<SightingRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<SightingRow>> {
            self.connection
                .prepare_cached(
                    "SELECT signature_id, service.name, sighting.first_at,
                            address || iif(path = '/debug/pprof', '', path), build.build_id
                     FROM sighting
                     JOIN service ON service.id = sighting.service_id
                     JOIN incarnation ON incarnation.id = sighting.incarnation_id
                     JOIN instance ON instance.id = incarnation.instance_id
                     LEFT JOIN build ON build.id = sighting.build_id
                     WHERE ?1 IS NULL OR signature_id = ?1
                     ORDER BY sighting.first_at, signature_id",
                )?
                .query_map([signature.map(|key| key.0)], |row| {
                    Ok(SightingRow {
                        signature: SignatureKey(row.get(0)?),
                        service: row.get(1)?,
                        first_at: Timestamp::from_millis(row.get(2)?),
                        instance: row.get(3)?,
                        build: row.get(4)?,
                    })
                })?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Where a signature was ever seen, oldest first.
    pub fn series(&self, signature: SignatureKey) -> Result<Vec<SeriesRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<SeriesRow>> {
            self.connection
                .prepare_cached(
                    "SELECT instance_id, first_at, last_at, peak FROM series WHERE signature_id = ?1
                     ORDER BY first_at",
                )?
                .query_map([signature.0], |row| {
                    Ok(SeriesRow {
                        signature,
                        instance: InstanceKey(row.get(0)?),
                        first_at: Timestamp::from_millis(row.get(1)?),
                        last_at: Timestamp::from_millis(row.get(2)?),
                        peak: unsigned(row.get(3)?),
                    })
                })?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }
}

fn signature_row(row: &Row<'_>) -> rusqlite::Result<SignatureRow> {
    Ok(SignatureRow {
        key: SignatureKey(row.get(0)?),
        signature: Signature::from_bytes(row.get(1)?),
        site: Frame {
            function: row.get::<_, String>(2)?.into(),
            file: row.get::<_, String>(3)?.into(),
            line: row.get(4)?,
        },
        first_at: Timestamp::from_millis(row.get(5)?),
        last_at: Timestamp::from_millis(row.get(6)?),
    })
}
