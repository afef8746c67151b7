//! Series and sightings: what is first is written at once, the rest at the next flush.

use std::collections::HashMap;

use rusqlite::{Transaction, named_params, params};

use super::Result;
use super::names::Place;
use super::rows::Rows;
use crate::model::{EventKind, Timestamp};

/// What a series has come to since the last flush.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeriesState {
    last_at: Timestamp,
    last: u64,
    peak: u64,
    peak_at: Timestamp,
    dirty: bool,
}

/// Series by signature and instance.
pub(super) type SeriesBook = HashMap<(i64, i64), SeriesState>;

impl Rows<'_> {
    /// Notes that a signature is there: first sightings at once, the rest at the next flush.
    pub(super) fn see(
        &mut self,
        signature: i64,
        count: u64,
        build: i64,
        place: Place,
    ) -> Result<()> {
        let key = (signature, place.ids.instance);
        let at = place.at;
        if let Some(series) = self.series.get_mut(&key) {
            series.last_at = at;
            series.last = count;
            if count > series.peak {
                (series.peak, series.peak_at) = (count, at);
            }
            series.dirty = true;
        } else {
            let state = SeriesState {
                last_at: at,
                last: count,
                peak: count,
                peak_at: at,
                dirty: true,
            };
            self.series.insert(key, state);
            self.insert_series(signature, count, place)?;
        }
        if self
            .names
            .sightings
            .insert((signature, place.ids.service, build))
        {
            self.insert_sighting(signature, build, place)?;
        }
        Ok(())
    }

    fn insert_series(&self, signature: i64, count: u64, place: Place) -> Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO series (signature_id, instance_id, first_at, first_incarnation_id,
                                     last_at, last, peak, peak_at)
                 VALUES (:signature, :instance, :at, :incarnation, :at, :count, :count, :at)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(named_params! {
                ":signature": signature,
                ":instance": place.ids.instance,
                ":at": place.at.as_millis(),
                ":incarnation": place.incarnation,
                ":count": stored(count),
            })
            .map(drop)
    }

    fn insert_sighting(&self, signature: i64, build: i64, place: Place) -> Result<()> {
        let known: bool = self
            .tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM sighting WHERE signature_id = ?1 AND service_id = ?2)")?
            .query_row(params![signature, place.ids.service], |row| row.get(0))?;
        self.tx
            .prepare_cached(
                "INSERT INTO sighting (signature_id, service_id, build_id, first_at, incarnation_id)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                signature,
                place.ids.service,
                build,
                place.at.as_millis(),
                place.incarnation
            ])?;
        // What a process shows at its first look is where we came in, not news.
        let came_in: bool = self
            .tx
            .prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM pulse WHERE incarnation_id = ?1)
                    AND NOT EXISTS (SELECT 1 FROM block WHERE incarnation_id = ?1)",
            )?
            .query_row([place.incarnation], |row| row.get(0))?;
        if !known && !came_in {
            let ids = Some((place.ids.service, place.ids.instance));
            let text = "seen for the first time in this service";
            self.event(
                place.at,
                EventKind::NewSignature,
                ids,
                Some(signature),
                text,
            )?;
        }
        Ok(())
    }
}

/// Writes back what has changed since the last flush.
pub(super) fn flush(tx: &Transaction<'_>, series: &mut SeriesBook) -> Result<()> {
    let mut update_series = tx.prepare_cached(
        "UPDATE series SET last_at = :at, last = :last,
             peak = max(peak, :peak),
             peak_at = CASE WHEN :peak > peak THEN :peak_at ELSE peak_at END
         WHERE signature_id = :signature AND instance_id = :instance",
    )?;
    let mut newest: HashMap<i64, Timestamp> = HashMap::new();
    for ((signature, instance), state) in series.iter_mut().filter(|(_, state)| state.dirty) {
        update_series.execute(named_params! {
            ":at": state.last_at.as_millis(),
            ":last": stored(state.last),
            ":peak": stored(state.peak),
            ":peak_at": state.peak_at.as_millis(),
            ":signature": signature,
            ":instance": instance,
        })?;
        let last = newest.entry(*signature).or_default();
        *last = (*last).max(state.last_at);
        state.dirty = false;
    }
    let mut update_signature =
        tx.prepare_cached("UPDATE signature SET last_at = max(last_at, ?2) WHERE id = ?1")?;
    for (signature, at) in newest {
        update_signature.execute(params![signature, at.as_millis()])?;
    }
    Ok(())
}

/// Counts beyond 2^63 do not occur; SQLite could not hold them.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
