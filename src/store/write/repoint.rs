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
    // Summaries are by signature: they are made again, where it was.
    tx.execute(
        "DELETE FROM summary WHERE block_id IN (
             SELECT block.id FROM series
             JOIN instance ON instance.id = series.instance_id
             JOIN incarnation ON incarnation.instance_id = instance.id
             JOIN block ON block.incarnation_id = incarnation.id
             WHERE signature_id = ?1 AND ?2 IN (0, service_id))",
        [old, service],
    )?;
    let is_used = |service: i64| -> Result<bool> {
        tx.query_row(
            "SELECT EXISTS (SELECT 1 FROM stack
                            WHERE signature_id = ?1 AND (?2 = 0 OR service_id IN (0, ?2)))",
            [old, service],
            |row| row.get(0),
        )
    };
    if !is_used(service)? {
        move_rollups(tx, service, (old, new))?;
    }
    if is_used(0)? {
        Ok(())
    } else {
        replace(tx, old, new)
    }
}

/// Days and hours count as the new signature, added to what it has there already. The lowest of a sum is
/// not below the sum of the lowest, and the highest not above: what is told stays on the safe side.
fn move_rollups(tx: &Transaction<'_>, service: i64, (old, new): (i64, i64)) -> Result<()> {
    for statement in [
        "INSERT INTO rollup_day
         SELECT incarnation_id, day, ?2, rollup_day.first, low, high, rollup_day.last FROM series
         JOIN instance ON instance.id = series.instance_id
         JOIN incarnation ON incarnation.instance_id = instance.id
         JOIN rollup_life ON rollup_life.incarnation_id = incarnation.id
         JOIN rollup_day USING (incarnation_id, day)
         WHERE series.signature_id = ?1 AND rollup_day.signature_id = ?1 AND ?3 IN (0, service_id)
         ON CONFLICT DO UPDATE SET first = first + excluded.first, low = low + excluded.low,
             high = high + excluded.high, last = last + excluded.last",
        "DELETE FROM rollup_day WHERE signature_id = ?1 AND ?2 <> ?1 AND (incarnation_id, day) IN (
             SELECT incarnation_id, day FROM series
             JOIN instance ON instance.id = series.instance_id
             JOIN incarnation ON incarnation.instance_id = instance.id
             JOIN rollup_life ON rollup_life.incarnation_id = incarnation.id
             WHERE series.signature_id = ?1 AND ?3 IN (0, service_id))",
        "INSERT INTO rollup_hour
         SELECT service_id, hour, ?2, instances, low, last FROM rollup_hour AS old
         WHERE signature_id = ?1 AND ?3 IN (0, service_id)
         ON CONFLICT DO UPDATE SET instances = max(instances, excluded.instances),
             low = low + excluded.low, last = last + excluded.last",
        "DELETE FROM rollup_hour WHERE signature_id = ?1 AND ?2 <> ?1 AND ?3 IN (0, service_id)",
    ] {
        tx.execute(statement, [old, new, service])?;
    }
    Ok(())
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
        // What is said of the new one holds; of two open verdicts the older one ends.
        "UPDATE verdict SET to_at = from_at
         WHERE signature_id = ?1 AND to_at IS NULL
             AND service_id IN (SELECT service_id FROM verdict
                                WHERE signature_id = ?2 AND to_at IS NULL)",
        "UPDATE verdict SET signature_id = ?2 WHERE signature_id = ?1",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::open;

    /// Days and hours by signature.
    fn rollups(tx: &Transaction<'_>) -> Vec<(i64, i64, i64, i64)> {
        let sql = "SELECT signature_id, low, high, last FROM rollup_day
                   UNION ALL SELECT signature_id, instances, low, last FROM rollup_hour
                   ORDER BY signature_id";
        let row =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let mut statement = tx.prepare(sql).unwrap();
        statement
            .query_map([], row)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn days_go_with_the_last_stack_of_a_signature() {
        let folder = tempfile::tempdir().unwrap();
        let mut on = open::open_writing(&folder.path().join("x.db")).unwrap();
        on.execute_batch(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO service (id, name) VALUES (1, 's');
             INSERT INTO instance (id, service_id, scheme, address, path, first_at)
             VALUES (1, 1, 'http', 's:1', '/', 0);
             INSERT INTO incarnation (id, instance_id, since, reason) VALUES (1, 1, 0, 'first_contact');
             INSERT INTO signature VALUES (1, zeroblob(16), 1, 'f', '', 0, 'f', 0, 1, 0),
                 (2, randomblob(16), 1, 'g', '', 0, 'g', 0, 1, 0);
             INSERT INTO stack VALUES (1, randomblob(16), 0, 1, 1, 0, NULL, NULL, 0, '[]'),
                 (2, randomblob(16), 0, 1, 1, 0, NULL, NULL, 0, '[]'),
                 (3, randomblob(16), 0, 2, 1, 0, NULL, NULL, 0, '[]');
             INSERT INTO series VALUES (1, 1, 0, 1, 0, 0, 0, 0), (2, 1, 0, 1, 0, 0, 0, 0);
             INSERT INTO rollup_life VALUES (1, 20000, 0, 0, 9, 9);
             INSERT INTO rollup_day VALUES (1, 20000, 1, 1, 2, 8, 3), (1, 20000, 2, 1, 1, 1, 1);
             INSERT INTO rollup_hour VALUES (1, 480000, 1, 1, 2, 3), (1, 480000, 2, 1, 1, 1);",
        )
        .unwrap();
        let tx = on.transaction().unwrap();
        let before = rollups(&tx);
        repoint(&tx, 1, 0, (1, 2)).unwrap();
        assert_eq!(rollups(&tx), before);
        repoint(&tx, 2, 0, (1, 2)).unwrap();
        assert_eq!(rollups(&tx), [(2, 3, 9, 4), (2, 1, 3, 4)]);
    }
}
