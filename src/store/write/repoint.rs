//! A stack that counts as another signature than before.

use rusqlite::Transaction;

use super::Result;

/// A stack counts as another signature from now on, for all its history, since samples refer to
/// stacks. What was known of the old signature (sightings, peaks) holds for the new one as well,
/// within `service` unless that is 0; an old signature without stacks becomes an alias.
pub(super) fn repoint(
    tx: &Transaction<'_>,
    stack: i64,
    service: i64,
    (old, new): (i64, i64),
) -> Result<()> {
    tx.execute(
        "UPDATE stack SET signature_id = ?2 WHERE id = ?1",
        [stack, new],
    )?;
    inherit(tx, service, (old, new))?;
    // Summaries are by signature: they are made again.
    tx.execute(
        "DELETE FROM summary WHERE ?1 = 0 OR block_id IN (
             SELECT block.id FROM instance
             JOIN incarnation ON incarnation.instance_id = instance.id
             JOIN block ON block.incarnation_id = incarnation.id
             WHERE service_id = ?1)",
        [service],
    )?;
    let used: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM stack WHERE signature_id = ?1)",
        [old],
        |row| row.get(0),
    )?;
    if used { Ok(()) } else { replace(tx, old, new) }
}

fn inherit(tx: &Transaction<'_>, service: i64, (old, new): (i64, i64)) -> Result<()> {
    for statement in [
        "INSERT INTO series SELECT ?2, instance_id, first_at, first_incarnation_id, last_at, last,
                                   peak, peak_at
         FROM series AS old WHERE signature_id = ?1
             AND (?3 = 0 OR instance_id IN (SELECT id FROM instance WHERE service_id = ?3))
         ON CONFLICT DO UPDATE SET
             first_incarnation_id = CASE WHEN excluded.first_at < first_at
                 THEN excluded.first_incarnation_id ELSE first_incarnation_id END,
             first_at = min(first_at, excluded.first_at),
             last = CASE WHEN excluded.last_at > last_at THEN excluded.last ELSE last END,
             last_at = max(last_at, excluded.last_at),
             peak_at = CASE WHEN excluded.peak > peak THEN excluded.peak_at ELSE peak_at END,
             peak = max(peak, excluded.peak)",
        "INSERT INTO sighting SELECT ?2, service_id, build_id, first_at, incarnation_id
         FROM sighting AS old WHERE signature_id = ?1 AND (?3 = 0 OR service_id = ?3)
         ON CONFLICT DO UPDATE SET
             incarnation_id = CASE WHEN excluded.first_at < first_at
                 THEN excluded.incarnation_id ELSE incarnation_id END,
             first_at = min(first_at, excluded.first_at)",
    ] {
        tx.execute(statement, [old, new, service])?;
    }
    for statement in [
        "UPDATE signature SET first_at = seen.first_at, first_incarnation_id = seen.incarnation_id
         FROM (SELECT first_at, incarnation_id FROM sighting WHERE signature_id = ?1
               ORDER BY first_at LIMIT 1) AS seen
         WHERE id = ?1 AND seen.first_at < signature.first_at",
        "UPDATE signature SET last_at = max(signature.last_at, seen.last_at)
         FROM (SELECT max(last_at) AS last_at FROM series WHERE signature_id = ?1) AS seen
         WHERE id = ?1 AND seen.last_at IS NOT NULL",
    ] {
        tx.execute(statement, [new])?;
    }
    Ok(())
}

/// `old` has no stacks any more: its prefix leads to `new`.
fn replace(tx: &Transaction<'_>, old: i64, new: i64) -> Result<()> {
    for statement in [
        "INSERT INTO signature_alias SELECT hash, ?2 FROM signature WHERE id = ?1
         ON CONFLICT DO UPDATE SET signature_id = excluded.signature_id",
        "UPDATE signature_alias SET signature_id = ?2 WHERE signature_id = ?1",
        "UPDATE event SET signature_id = ?2 WHERE signature_id = ?1",
    ] {
        tx.execute(statement, [old, new])?;
    }
    for statement in [
        "DELETE FROM series WHERE signature_id = ?1",
        "DELETE FROM sighting WHERE signature_id = ?1",
        "DELETE FROM signature WHERE id = ?1",
    ] {
        tx.execute(statement, [old])?;
    }
    Ok(())
}
