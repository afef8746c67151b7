//! Hours of services, added up over their instances.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::series::stored;
use super::{Result, summarise};
use crate::store::course::Course;
use crate::store::part::{DAY_MS, HOUR_MS, Part};
use crate::store::read::SignatureKey;

/// The lowest and the last count of each signature in each hour, where it was there at the last pulse.
type Hours = BTreeMap<(i64, SignatureKey), (i64, i64)>;

/// Adds to the hours of a service what has come to a day of one of its processes: `new` blocks, and what
/// is in them. An hour before `kept` stays as it is: what it had of this process has gone.
pub(super) fn add(
    tx: &Transaction<'_>,
    (incarnation, day): (i64, i64),
    (new, mut parts): (&[i64], Vec<Part>),
    kept: Option<i64>,
) -> Result<()> {
    let Some((service, until)) = whose(tx, incarnation)? else {
        return Ok(());
    };
    // A process that was replaced within an hour is not told of in that hour: its successor is.
    let is_told = |hour: i64| {
        let end = (hour + 1) * HOUR_MS;
        kept.is_none_or(|kept| end > kept) && until.is_none_or(|until| until >= end)
    };
    let known = others(tx, (incarnation, day), new)?;
    parts.extend(known.iter().cloned());
    let mut changes: BTreeMap<(i64, SignatureKey), [i64; 3]> = BTreeMap::new();
    for (sign, parts) in [(1, parts), (-1, known)] {
        for (place, (low, last)) in hours(&Course::of(parts), is_told) {
            let change = changes.entry(place).or_default();
            for (sum, count) in change.iter_mut().zip([1, low, last]) {
                *sum += sign * count;
            }
        }
    }
    changes.retain(|_, change| *change != [0; 3]);
    let mut upsert = tx.prepare_cached(
        "INSERT INTO rollup_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET instances = instances + excluded.instances,
             low = low + excluded.low, last = last + excluded.last",
    )?;
    for ((hour, signature), [instances, low, last]) in changes {
        upsert.execute(params![service, hour, signature.0, instances, low, last])?;
    }
    Ok(())
}

/// The service of a process, and the beginning of its successor.
fn whose(tx: &Transaction<'_>, incarnation: i64) -> Result<Option<(i64, Option<i64>)>> {
    tx.prepare_cached(
        "SELECT service_id, (SELECT min(since) FROM incarnation AS later
                             WHERE later.instance_id = incarnation.instance_id
                               AND later.since > incarnation.since)
         FROM incarnation JOIN instance ON instance.id = instance_id WHERE incarnation.id = ?1",
    )?
    .query_row([incarnation], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// What the day has beside the new blocks.
fn others(tx: &Transaction<'_>, (incarnation, day): (i64, i64), new: &[i64]) -> Result<Vec<Part>> {
    let blocks: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM block WHERE incarnation_id = ?1 AND from_at >= ?2 AND from_at < ?3",
        )?
        .query_map(
            params![incarnation, day * DAY_MS, (day + 1) * DAY_MS],
            |row| row.get(0),
        )?
        .collect::<Result<_>>()?;
    let mut parts = Vec::new();
    for block in blocks.iter().filter(|block| !new.contains(block)) {
        parts.extend(summarise::slots(tx, *block)?);
    }
    Ok(parts)
}

fn hours(course: &Course, is_told: impl Fn(i64) -> bool) -> Hours {
    let mut hours = Hours::new();
    for (key, series) in course.series.iter() {
        let slots = course.slots.iter().zip(series.low.iter().zip(series.last));
        for (slot, (low, last)) in slots {
            let hour = slot.last_at.as_millis().div_euclid(HOUR_MS);
            let (low, last) = (i64::from(*low), i64::from(*last));
            if is_told(hour) {
                let known = hours.entry((hour, key)).or_insert((low, last));
                *known = (known.0.min(low), last);
            }
        }
    }
    hours.retain(|_, (_, last)| *last > 0);
    hours
}

/// Stores an hour that a history tells; what is known of it already holds.
pub(super) fn known(
    tx: &Transaction<'_>,
    (service, hour): (i64, i64),
    counts: &[(i64, [u64; 3])],
) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO rollup_hour (service_id, hour, signature_id, instances, low, last)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )?;
    for (signature, [instances, low, last]) in counts {
        let [instances, low, last] = [*instances, *low, *last].map(stored);
        insert.execute(params![service, hour, signature, instances, low, last])?;
    }
    Ok(())
}

/// Removes the oldest hour of each service that is before the day `before`; how many rows there were.
pub(super) fn forget(tx: &Transaction<'_>, before: i64) -> Result<usize> {
    tx.prepare_cached(
        "DELETE FROM rollup_hour WHERE (service_id, hour) IN (
             SELECT id, (SELECT min(hour) FROM rollup_hour
                         WHERE service_id = service.id AND hour < ?1)
             FROM service)",
    )?
    .execute([before.saturating_mul(24)])
}
