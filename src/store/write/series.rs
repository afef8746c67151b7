//! Series and sightings: what is first is written at once, the rest at the next flush.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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
    /// More than the time has changed since it was written back.
    changed: bool,
    /// What `last_at` was when it was written back.
    written_at: Timestamp,
}

/// The time alone, of what stands still, is written back this often.
const SAME_FOR: Duration = Duration::from_hours(1);

impl SeriesState {
    const fn note(&mut self, count: u64, at: Timestamp) {
        // Imported history may be older than what is there.
        if at.as_millis() >= self.last_at.as_millis() {
            self.changed |= count != self.last;
            (self.last_at, self.last) = (at, count);
        }
        let earlier = count == self.peak && at.as_millis() < self.peak_at.as_millis();
        if count > self.peak || earlier {
            (self.peak, self.peak_at) = (count, at);
            self.changed = true;
        }
    }

    /// Whether it is to be written back: where only the time has changed, not before `same_for` of it.
    fn is_due(&self, same_for: Duration) -> bool {
        self.changed || self.last_at > self.written_at.plus(same_for)
    }
}

/// What series have come to. Polls come by instance and series lie in the file by signature: so they are
/// kept by the one, to be near each other, and written back by the other.
#[derive(Debug, Default)]
pub(super) struct SeriesBook {
    of_instance: FxHashMap<i64, FxHashMap<i64, SeriesState>>,
    instances: BTreeMap<i64, Vec<i64>>,
    /// The signature that is written back next, while that is under way.
    next: Option<i64>,
}

impl SeriesBook {
    fn get_mut(&mut self, signature: i64, instance: i64) -> Option<&mut SeriesState> {
        self.of_instance.get_mut(&instance)?.get_mut(&signature)
    }

    fn insert(&mut self, signature: i64, instance: i64, state: SeriesState) {
        let of_instance = self.of_instance.entry(instance).or_default();
        if of_instance.insert(signature, state).is_none() {
            self.instances.entry(signature).or_default().push(instance);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Begins to write back what has changed; [`Self::flush`] goes on with it.
    pub(super) fn begin_flush(&mut self) {
        self.next = Some(i64::MIN);
    }

    /// Writes everything back that has changed.
    pub(super) fn flush_all(&mut self, tx: &Transaction<'_>) -> Result<()> {
        self.begin_flush();
        self.go_on(tx, Duration::ZERO, None)
    }

    /// Goes on writing back for about `time`, a signature at a time.
    pub(super) fn flush(&mut self, tx: &Transaction<'_>, time: Duration) -> Result<()> {
        self.go_on(tx, SAME_FOR, Some(Instant::now() + time))
    }

    fn go_on(
        &mut self,
        tx: &Transaction<'_>,
        same_for: Duration,
        late: Option<Instant>,
    ) -> Result<()> {
        let Some(mut next) = self.next.take() else {
            return Ok(());
        };
        let _span = tracing::debug_span!("flush").entered();
        while let Some((&signature, instances)) = self.instances.range_mut(next..).next() {
            if late.is_some_and(|late| Instant::now() >= late) {
                self.next = Some(next);
                return Ok(());
            }
            instances.sort_unstable();
            let mut newest = None;
            for instance in instances {
                let of_instance = self.of_instance.get_mut(instance);
                let state = of_instance.and_then(|series| series.get_mut(&signature));
                let Some(state) = state else { continue };
                newest = newest.max(Some(state.last_at));
                if state.is_due(same_for) {
                    write_back(tx, (signature, *instance), state)?;
                    (state.changed, state.written_at) = (false, state.last_at);
                }
            }
            if let Some(at) = newest {
                tx.prepare_cached("UPDATE signature SET last_at = max(last_at, ?2) WHERE id = ?1")?
                    .execute(params![signature, at.as_millis()])?;
            }
            next = signature + 1;
        }
        Ok(())
    }
}

impl Rows<'_> {
    /// Notes that a signature is there: first sightings at once, the rest at the next flush.
    pub(super) fn see(
        &mut self,
        signature: i64,
        count: u64,
        build: i64,
        place: Place,
    ) -> Result<()> {
        let (instance, at) = (place.ids.instance, place.at);
        let known = self.series.get_mut(signature, instance).map(|series| {
            series.note(count, at);
            *series
        });
        if let Some(series) = known
            && series.build == build
            && at >= series.build_since
            && at >= series.first_at
        {
            return Ok(());
        }
        let first_at = self.insert_series(signature, count, place)?;
        let series = known.unwrap_or(SeriesState {
            first_at,
            last_at: at,
            last: count,
            peak: count,
            peak_at: at,
            build,
            build_since: at,
            changed: true,
            written_at: at,
        });
        let series = SeriesState {
            first_at,
            build,
            build_since: at,
            ..series
        };
        self.series.insert(signature, instance, series);
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
            let ids = (Some(place.ids.service), Some(place.ids.instance));
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

fn write_back(
    tx: &Transaction<'_>,
    (signature, instance): (i64, i64),
    state: &SeriesState,
) -> Result<()> {
    tx.prepare_cached(
        "UPDATE series SET
             last = CASE WHEN :at >= last_at THEN :last ELSE last END,
             last_at = max(last_at, :at),
             peak_at = CASE WHEN :peak > peak THEN :peak_at
                            WHEN :peak = peak THEN min(peak_at, :peak_at) ELSE peak_at END,
             peak = max(peak, :peak)
         WHERE signature_id = :signature AND instance_id = :instance",
    )?
    .execute(named_params! {
        ":at": state.last_at.as_millis(),
        ":last": stored(state.last),
        ":peak": stored(state.peak),
        ":peak_at": state.peak_at.as_millis(),
        ":signature": signature,
        ":instance": instance,
    })
    .map(drop)
}

/// Counts beyond 2^63 do not occur; SQLite could not hold them.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
