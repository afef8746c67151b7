//! What a database holds, and whether it is sound.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::QueryError;
use crate::model::Timestamp;
use crate::store::{Checked, Damage, Depth, Holding, Info, Reader, Steps, check};

/// Damaged rows told one by one.
const TOLD: usize = 1_000;

const DAY: Duration = Duration::from_hours(24);

/// The answer of `db info`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DatabaseInfo {
    /// Contract of this answer.
    pub schema: &'static str,
    /// The file.
    pub path: String,
    /// What the file holds.
    #[serde(flatten)]
    pub info: Info,
    /// Bytes of blocks for each count in them; `None` without blocks.
    pub block_bytes_per_sample: Option<f64>,
}

/// Tells what a database holds, without decoding it.
pub fn describe_database(path: &Path, now: Timestamp) -> Result<DatabaseInfo, QueryError> {
    let reader = Reader::open(path)?;
    let info = reader.info(now.minus(DAY), now)?;
    let samples = info
        .services
        .iter()
        .map(|service| service.block_samples)
        .sum();
    let bytes = info
        .services
        .iter()
        .map(|service| service.blocks.bytes)
        .sum();
    Ok(DatabaseInfo {
        schema: "goroscope.db-info/v1",
        path: path.display().to_string(),
        info,
        block_bytes_per_sample: per_sample(bytes, samples),
    })
}

impl DatabaseInfo {
    /// The same of one service.
    pub fn bytes_per_sample(service: &Holding) -> Option<f64> {
        per_sample(service.blocks.bytes, service.block_samples)
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn per_sample(bytes: u64, samples: u64) -> Option<f64> {
    (samples > 0).then(|| bytes as f64 / samples as f64)
}

/// The answer of `db check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseCheck {
    /// Contract of this answer.
    pub schema: &'static str,
    /// The file.
    pub path: String,
    /// Nothing is wrong that was not known.
    pub sound: bool,
    /// What SQLite says of the file.
    pub file: Vec<String>,
    /// References that lead nowhere.
    pub references: Vec<String>,
    /// Rows that are damaged, in all.
    pub damaged: u64,
    /// Of these, the first thousand.
    pub rows: Vec<DamageAnswer>,
    /// Rows that this check has moved into quarantine.
    pub moved: u64,
    /// Damaged summaries that it has deleted: the next daemon makes them again from their blocks.
    pub made_again: u64,
    /// A daemon has the database: nothing was moved.
    pub daemon_runs: bool,
    /// Rows in quarantine before, and the pulses in them.
    pub quarantined_rows: u64,
    /// The pulses in them.
    pub quarantined_pulses: u64,
    /// Rows that were decoded, by table.
    pub decoded: Vec<(&'static str, u64)>,
}

/// One damaged row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamageAnswer {
    /// Where it is.
    pub table: &'static str,
    /// Its row there.
    pub row: i64,
    /// First tick; `None` where it has none that can be read.
    pub from: Option<Timestamp>,
    /// Last tick.
    pub to: Option<Timestamp>,
    /// Pulses lost with it.
    pub pulses: i64,
    /// What is wrong.
    pub reason: &'static str,
}

impl From<&Damage> for DamageAnswer {
    fn from(damage: &Damage) -> Self {
        let is_known = damage.incarnation != 0;
        Self {
            table: damage.table,
            row: damage.id,
            from: is_known.then_some(damage.from),
            to: is_known.then_some(damage.to),
            pulses: damage.ticks,
            reason: damage.wrong.as_str(),
        }
    }
}

/// Checks a database; what was found comes beside the answer, to be acted upon.
pub fn check_database(
    path: &Path,
    depth: Depth,
    steps: &Steps,
) -> Result<(DatabaseCheck, Checked), QueryError> {
    let checked = check(path, depth, steps)?;
    let answer = DatabaseCheck {
        schema: "goroscope.db-check/v1",
        path: path.display().to_string(),
        sound: checked.is_sound(),
        file: checked.file.clone(),
        references: checked.references.clone(),
        damaged: checked.damaged,
        rows: checked
            .rows
            .iter()
            .take(TOLD)
            .map(DamageAnswer::from)
            .collect(),
        moved: 0,
        made_again: 0,
        daemon_runs: false,
        quarantined_rows: checked.quarantined.0,
        quarantined_pulses: checked.quarantined.1,
        decoded: checked.decoded.clone(),
    };
    Ok((answer, checked))
}
