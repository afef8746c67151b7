//! What was said of signatures, from when to when.

use super::{Reader, SignatureKey, StoreError};
use crate::model::Timestamp;

/// One verdict of a signature in a service.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictRow {
    /// Of what.
    pub signature: SignatureKey,
    /// Whose.
    pub service: String,
    /// GNU build id of the newest process that it was about, where known.
    pub build: Option<String>,
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None`: it holds still.
    pub to: Option<Timestamp>,
    /// The verdict by its word.
    pub kind: String,
    /// Growth in the day before `from`, goroutines.
    pub growth: i64,
    /// Lower end of its rate, goroutines per hour.
    pub per_hour_low: Option<f64>,
    /// Why, in sentences.
    pub evidence: Vec<String>,
}

impl Reader {
    /// All verdicts that were given up to a moment, inclusive, oldest first; of one signature or of all.
    pub fn verdicts(
        &self,
        signature: Option<SignatureKey>,
        until: Timestamp,
    ) -> Result<Vec<VerdictRow>, StoreError> {
        let read = || -> rusqlite::Result<Vec<VerdictRow>> {
            self.connection
                .prepare_cached(
                    "SELECT signature_id, service.name, build.build_id, from_at, to_at, kind, growth,
                            per_hour_low, evidence
                     FROM verdict
                     JOIN service ON service.id = verdict.service_id
                     LEFT JOIN build ON build.id = verdict.build_id
                     WHERE (?1 IS NULL OR signature_id = ?1) AND from_at <= ?2
                     ORDER BY from_at, verdict.id",
                )?
                .query_map(
                    rusqlite::params![signature.map(|key| key.0), until.as_millis()],
                    |row| {
                        let to: Option<i64> = row.get(4)?;
                        let evidence: String = row.get(8)?;
                        Ok(VerdictRow {
                            signature: SignatureKey(row.get(0)?),
                            service: row.get(1)?,
                            build: row.get(2)?,
                            from: Timestamp::from_millis(row.get(3)?),
                            to: to.map(Timestamp::from_millis).filter(|to| *to <= until),
                            kind: row.get(5)?,
                            growth: row.get(6)?,
                            per_hour_low: row.get(7)?,
                            evidence: serde_json::from_str(&evidence).unwrap_or_default(),
                        })
                    },
                )?
                .collect()
        };
        read().map_err(|source| self.failed(source))
    }
}
