//! Rows that are damaged: taken out of the history, so that they are a gap from then on.
//!
//! A row can be so damaged that SQLite cannot even delete it: its pages lead nowhere. It stays then; every
//! reader passes over it, and nothing else is held up by it.

use std::path::Path;

use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, named_params};

use super::Result;
use crate::model::Timestamp;
use crate::store::check::Damage;
use crate::store::damage::unless_damaged;
use crate::store::{DaemonLock, StoreError, open};

/// What has become of damaged rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Moved into `quarantine`.
    pub out: u64,
    /// Deleted, to be made again by the next daemon.
    pub derived: u64,
    /// Where they were: their pages cannot be written either.
    pub left: u64,
}

/// Moves damaged rows into the table `quarantine`.
pub fn take_out(
    path: &Path,
    _lock: &DaemonLock,
    damaged: &[Damage],
    now: Timestamp,
) -> std::result::Result<Taken, StoreError> {
    let mut on = open::open_writing(path)?;
    let mut taken = Taken::default();
    for row in damaged.iter().filter(|row| row.is_movable()) {
        let moved = if row.is_derived() {
            let sql = "DELETE FROM summary WHERE block_id = ?1";
            unless_damaged(on.execute(sql, [row.id]).map(drop))
        } else {
            unless_damaged(move_one(&mut on, row, now))
        };
        match moved
            .map_err(|source| StoreError::sqlite("take damaged rows out of", path, source))?
        {
            Some(()) if row.is_derived() => taken.derived += 1,
            Some(()) => taken.out += 1,
            None => taken.left += 1,
        }
    }
    Ok(taken)
}

fn move_one(on: &mut Connection, row: &Damage, now: Timestamp) -> Result<()> {
    let (table, data) = (row.table, row.data_column());
    // Before the transaction: after a page that cannot be read, it could write nothing any more.
    let read = on
        .prepare_cached(&format!("SELECT {data} FROM {table} WHERE id = ?1"))?
        .query_row([row.id], |row| Ok(row.get_ref(0)?.as_blob()?.to_vec()));
    let bytes: Option<Vec<u8>> = unless_damaged(read)?;
    let tx = on.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.prepare_cached(
        "INSERT INTO quarantine (kind, row_id, incarnation_id, from_at, to_at, ticks, bytes, reason, at)
         VALUES (:kind, :row, :incarnation, :from, :to, :ticks, :bytes, :reason, :at)",
    )?
    .execute(named_params! {
        ":kind": table,
        ":row": row.id,
        ":incarnation": row.incarnation,
        ":from": row.from.as_millis(),
        ":to": row.to.as_millis(),
        ":ticks": row.ticks,
        ":bytes": bytes,
        ":reason": row.wrong.as_str(),
        ":at": now.as_millis(),
    })?;
    tx.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
        .execute([row.id])?;
    tx.commit()
}

/// Deletes the rows of `table` whose ids `select` gives, and returns how many went: but for those on
/// pages that cannot be read, which must not keep the others.
pub(super) fn remove(
    tx: &Transaction<'_>,
    table: &str,
    select: &str,
    bounds: &[&dyn ToSql],
) -> Result<usize> {
    let all = format!("DELETE FROM {table} WHERE id IN ({select})");
    if let Some(removed) = attempt(tx, |tx| tx.prepare_cached(&all)?.execute(bounds))? {
        return Ok(removed);
    }
    let ids: Vec<i64> = tx
        .prepare_cached(select)?
        .query_map(bounds, |row| row.get(0))?
        .collect::<Result<_>>()?;
    let mut removed = 0;
    let one = format!("DELETE FROM {table} WHERE id = ?1");
    for id in ids {
        removed += attempt(tx, |tx| tx.prepare_cached(&one)?.execute([id]))?.unwrap_or(0);
    }
    Ok(removed)
}

/// Does something whole or not at all; `None` when damage is in the way.
pub(super) fn attempt<T>(
    tx: &Transaction<'_>,
    what: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<Option<T>> {
    tx.execute_batch("SAVEPOINT attempt")?;
    let done = unless_damaged(what(tx));
    if !matches!(done, Ok(Some(_))) {
        tx.execute_batch("ROLLBACK TO attempt")?;
    }
    tx.execute_batch("RELEASE attempt")?;
    done
}
