//! Old snapshots go at once, by hand, and the space goes back to the file system.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::Result;
use super::compact;
use super::hot::Hot;
use super::retain::{self, AGED, Retention, pragma, used_bytes};
use crate::model::Timestamp;
use crate::store::{DaemonLock, StoreError, open};

/// Longest time in one transaction.
const ROUND: Duration = Duration::from_millis(500);

/// Whether to prune or only to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Everything goes back to as it was.
    DryRun,
    /// It is done.
    Really,
}

/// What went, or would go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Pulses, hot and in blocks.
    pub pulses: u64,
    /// Details.
    pub details: u64,
    /// Failures.
    pub failures: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Bytes of the file that held something, before.
    pub used_before: u64,
    /// The same, after.
    pub used_after: u64,
    /// Bytes of the file, after.
    pub file_after: u64,
    /// Snapshots are kept from here on; `None` when none have ever been removed.
    pub kept_since: Option<Timestamp>,
}

/// Removes what retention would remove by `keep` at `now`, all at once.
pub fn prune(
    path: &Path,
    _lock: &DaemonLock,
    keep: Retention,
    now: Timestamp,
    how: Prune,
) -> std::result::Result<Pruned, StoreError> {
    let mut on = open::open_writing(path)?;
    let pruned = match how {
        Prune::DryRun => try_out(&mut on, keep, now),
        Prune::Really => really(&mut on, keep, now),
    };
    pruned.map_err(|source| StoreError::sqlite("prune", path, source))
}

fn try_out(on: &mut Connection, keep: Retention, now: Timestamp) -> Result<Pruned> {
    let tx = on.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = Counts::of(&tx)?;
    let mut hot = Hot::load(&tx)?;
    while compact::step(&tx, &mut hot, now)? {}
    while retain::step(&tx, keep, (now, i64::MAX))? {}
    let pruned = before.pruned(&tx)?;
    tx.rollback()?;
    Ok(pruned)
}

fn really(on: &mut Connection, keep: Retention, now: Timestamp) -> Result<Pruned> {
    let before = Counts::of(on)?;
    // What a daemon that died has left becomes blocks: only they are drawn into days and thinned.
    let mut hot = Hot::load(on)?;
    while compact::round(on, &mut hot, now, ROUND)? {}
    while retain::round(on, keep, (now, i64::MAX), ROUND)? {}
    give_all_back(on)?;
    before.pruned(on)
}

/// Gives every free page back, and empties the log.
pub(super) fn give_all_back(on: &Connection) -> Result<()> {
    let mut free = pragma(on, "freelist_count")?;
    while free > 0 {
        retain::free_pages(on)?;
        let left = pragma(on, "freelist_count")?;
        if left >= free {
            break;
        }
        free = left;
    }
    // The file shrinks when the log has gone into it.
    on.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Rows of every table that retention takes from, in the order of [`AGED`]; blocks by their ticks.
struct Counts {
    rows: [i64; AGED.len()],
    used: u64,
}

impl Counts {
    fn of(on: &Connection) -> Result<Self> {
        let mut rows = [0; AGED.len()];
        for (count, (table, _)) in rows.iter_mut().zip(AGED) {
            let what = match table {
                "block" | "detail_block" => "ifnull(sum(ticks), 0)",
                _ => "count(*)",
            };
            let sql = format!("SELECT {what} FROM {table}");
            *count = on.query_row(&sql, [], |row| row.get(0))?;
        }
        let used = used_bytes(on)?;
        Ok(Self { rows, used })
    }

    /// What has gone since.
    fn pruned(&self, on: &Connection) -> Result<Pruned> {
        let now = Self::of(on)?;
        // Rows that became blocks meanwhile have not gone.
        let gone = |kinds: &[&str]| {
            let tables = AGED.iter().zip(self.rows.iter().zip(now.rows));
            let of_them = tables.filter(|((table, _), _)| kinds.contains(table));
            let gone: i64 = of_them.map(|(_, (before, now))| before - now).sum();
            gone.max(0).cast_unsigned()
        };
        Ok(Pruned {
            pulses: gone(&["block", "pulse"]),
            details: gone(&["detail", "detail_block"]),
            failures: gone(&["failure"]),
            quarantined: gone(&["quarantine"]),
            used_before: self.used,
            used_after: now.used,
            file_after: (pragma(on, "page_count")? * pragma(on, "page_size")?).cast_unsigned(),
            kept_since: retain::known_since(on)?.map(Timestamp::from_millis),
        })
    }
}
