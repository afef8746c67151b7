//! Verdicts: each ends where the next one of its signature and service begins.

use rusqlite::params;

use super::Result;
use super::names::{build_row, signature_row};
use super::rows::Rows;
use crate::model::{EventKind, Judgement, Timestamp};

impl Rows<'_> {
    /// Stores what is said from `at` on. A signature that is not known any more has none.
    pub(super) fn judged(&mut self, at: Timestamp, judgements: &[Judgement]) -> Result<()> {
        for judgement in judgements {
            if let Some(signature) = signature_row(self.tx, judgement.signature)? {
                self.judgement(at, judgement, signature)?;
            }
        }
        Ok(())
    }

    fn judgement(&mut self, at: Timestamp, judgement: &Judgement, signature: i64) -> Result<()> {
        let service = self.names.service(self.tx, &judgement.service)?;
        let build = match &judgement.build {
            Some(build) => build_row(self.tx, build, at)?,
            None => 0,
        };
        self.tx
            .prepare_cached(
                "UPDATE verdict SET to_at = max(from_at, ?3)
                 WHERE signature_id = ?1 AND service_id = ?2 AND to_at IS NULL",
            )?
            .execute(params![signature, service, at.as_millis()])?;
        self.tx
            .prepare_cached(
                "INSERT INTO verdict (signature_id, service_id, build_id, from_at, kind, growth,
                                      per_hour_low, evidence)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                signature,
                service,
                build,
                at.as_millis(),
                judgement.verdict,
                judgement.growth,
                judgement.per_hour_low,
                serde_json::to_string(&judgement.evidence).unwrap_or_default(),
            ])?;
        if judgement.is_event {
            let before = judgement.before.as_deref().unwrap_or("nothing");
            let text = format!("{before} -> {}", judgement.verdict);
            let place = (Some(service), None);
            self.event(at, EventKind::Verdict, place, Some(signature), &text)?;
        }
        Ok(())
    }
}
