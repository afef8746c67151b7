//! Series and sightings: what is first is written at once, the rest at the next flush.

use rusqlite::{Transaction, named_params, params};
use rustc_hash::FxHashMap;

use super::Result;
use super::names::Place;
use super::rows::Rows;
use crate::model::{EventKind, Timestamp};

/// What a series has come to since the last flush.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeriesState {
    first_at: Timestamp,
    last_at: Timestamp,
    last: u64,
    peak: u64,
    peak_at: Timestamp,
    /// The build that it was seen in last, and since when: its sighting is no later than that.
    build: i64,
    build_since: Timestamp,
    dirty: bool,
}

impl SeriesState {
    const fn note(&mut self, count: u64, at: Timestamp) {
        // Imported history may be older than what is there.
        if at.as_millis() >= self.last_at.as_millis() {
            (self.last_at, self.last) = (at, count);
        }
        let earlier = count == self.peak && at.as_millis() < self.peak_at.as_millis();
        if count > self.peak || earlier {
            (self.peak, self.peak_at) = (count, at);
        }
        self.dirty = true;
    }
}

/// Series by signature and instance.
pub(super) type SeriesBook = FxHashMap<(i64, i64), SeriesState>;

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
            series.note(count, at);
            if series.build == build && at >= series.build_since && at >= series.first_at {
                return Ok(());
            }
        }
        let first_at = self.insert_series(signature, count, place)?;
        let series = self.series.entry(key).or_insert(SeriesState {
            first_at,
            last_at: at,
            last: count,
            peak: count,
            peak_at: at,
            build,
            build_since: at,
            dirty: true,
        });
        series.first_at = first_at;
        (series.build, series.build_since) = (build, at);
        let key = (signature, place.ids.service, build);
        let sighted = self.names.sightings.get(&key);
        if sighted.is_none_or(|first| at < *first) {
            let first = self.insert_sighting(signature, build, place)?;
            self.names.sightings.insert(key, first);
        }
        Ok(())
    }

    /// A series that is new, or that begins earlier than was known: when it begins.
    fn insert_series(&self, signature: i64, count: u64, place: Place) -> Result<Timestamp> {
        self.tx
            .prepare_cached(
                "INSERT INTO series (signature_id, instance_id, first_at, first_incarnation_id,
                                     last_at, last, peak, peak_at)
                 VALUES (:signature, :instance, :at, :incarnation, :at, :count, :count, :at)
                 ON CONFLICT DO UPDATE SET
                     first_incarnation_id = CASE WHEN excluded.first_at < first_at
                         THEN excluded.first_incarnation_id ELSE first_incarnation_id END,
                     first_at = min(first_at, excluded.first_at)
                 RETURNING first_at",
            )?
            .query_row(
                named_params! {
                    ":signature": signature,
                    ":instance": place.ids.instance,
                    ":at": place.at.as_millis(),
                    ":incarnation": place.incarnation,
                    ":count": stored(count),
                },
                |row| row.get(0).map(Timestamp::from_millis),
            )
    }

    /// A sighting that is new, or earlier than was known: when the first one is.
    fn insert_sighting(&self, signature: i64, build: i64, place: Place) -> Result<Timestamp> {
        let known: bool = self
            .tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM sighting WHERE signature_id = ?1 AND service_id = ?2)")?
            .query_row(params![signature, place.ids.service], |row| row.get(0))?;
        let first = self.sighting(signature, (place.ids.service, build), place)?;
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
        Ok(first)
    }

    /// Writes a sighting down, unless an earlier one is known: when the first one is.
    pub(super) fn sighting(
        &self,
        signature: i64,
        (service, build): (i64, i64),
        place: Place,
    ) -> Result<Timestamp> {
        let (at, incarnation) = (place.at.as_millis(), place.incarnation);
        self.tx
            .prepare_cached(
                "UPDATE signature SET first_at = ?2, first_incarnation_id = ?3
                 WHERE id = ?1 AND first_at > ?2",
            )?
            .execute(params![signature, at, incarnation])?;
        self.tx
            .prepare_cached(
                "INSERT INTO sighting (signature_id, service_id, build_id, first_at, incarnation_id)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET
                     incarnation_id = CASE WHEN excluded.first_at < first_at
                         THEN excluded.incarnation_id ELSE incarnation_id END,
                     first_at = min(first_at, excluded.first_at)
                 RETURNING first_at",
            )?
            .query_row(params![signature, service, build, at, incarnation], |row| {
                row.get(0).map(Timestamp::from_millis)
            })
    }
}

/// Writes back what has changed since the last flush.
pub(super) fn flush(tx: &Transaction<'_>, series: &mut SeriesBook) -> Result<()> {
    let mut update_series = tx.prepare_cached(
        "UPDATE series SET
             last = CASE WHEN :at >= last_at THEN :last ELSE last END,
             last_at = max(last_at, :at),
             peak_at = CASE WHEN :peak > peak THEN :peak_at
                            WHEN :peak = peak THEN min(peak_at, :peak_at) ELSE peak_at END,
             peak = max(peak, :peak)
         WHERE signature_id = :signature AND instance_id = :instance",
    )?;
    let mut newest: FxHashMap<i64, Timestamp> = FxHashMap::default();
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
