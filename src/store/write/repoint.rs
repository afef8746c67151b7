//! A stack that counts as another signature than before.

use rusqlite::Transaction;

use super::Result;

/// A cut stack has turned out to be the top of a full one: it counts as that from now on, for all
/// its history, since samples refer to stacks. An old signature without stacks becomes an alias.
pub(super) fn repoint(tx: &Transaction<'_>, stack: i64, old: i64, new: i64) -> Result<()> {
    tx.execute(
        "UPDATE stack SET signature_id = ?2 WHERE id = ?1",
        [stack, new],
    )?;
    let used: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM stack WHERE signature_id = ?1)",
        [old],
        |row| row.get(0),
    )?;
    if used {
        return Ok(());
    }
    for statement in [
        "INSERT INTO series SELECT ?2, instance_id, first_at, first_incarnation_id, last_at, last,
                                   peak, peak_at
         FROM series AS old WHERE signature_id = ?1
         ON CONFLICT DO UPDATE SET
             first_incarnation_id = CASE WHEN excluded.first_at < first_at
                 THEN excluded.first_incarnation_id ELSE first_incarnation_id END,
             first_at = min(first_at, excluded.first_at),
             last_at = max(last_at, excluded.last_at),
             peak_at = CASE WHEN excluded.peak > peak THEN excluded.peak_at ELSE peak_at END,
             peak = max(peak, excluded.peak)",
        "INSERT INTO sighting SELECT ?2, service_id, build_id, first_at, incarnation_id
         FROM sighting AS old WHERE signature_id = ?1
         ON CONFLICT DO UPDATE SET
             incarnation_id = CASE WHEN excluded.first_at < first_at
                 THEN excluded.incarnation_id ELSE incarnation_id END,
             first_at = min(first_at, excluded.first_at)",
        "UPDATE signature SET
             first_incarnation_id = (SELECT first_incarnation_id FROM signature WHERE id = ?1),
             first_at = (SELECT first_at FROM signature WHERE id = ?1)
         WHERE id = ?2 AND first_at > (SELECT first_at FROM signature WHERE id = ?1)",
        "INSERT INTO signature_alias SELECT hash, ?2 FROM signature WHERE id = ?1
         ON CONFLICT DO UPDATE SET signature_id = excluded.signature_id",
        "UPDATE signature_alias SET signature_id = ?2 WHERE signature_id = ?1",
        "UPDATE event SET signature_id = ?2 WHERE signature_id = ?1",
        "DELETE FROM series WHERE signature_id = ?1 AND ?2 = ?2",
        "DELETE FROM sighting WHERE signature_id = ?1 AND ?2 = ?2",
        "DELETE FROM signature WHERE id = ?1 AND ?2 = ?2",
    ] {
        tx.execute(statement, [old, new])?;
    }
    Ok(())
}
