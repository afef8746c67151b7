//! What a history tells beside its polls, to rows. Told twice, or beside what is known here, it is
//! merged: the earliest first sighting and the largest peak hold.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, named_params, params};

use super::Result;
use super::names::{
    Place, StackIds, Told, build_row, insert_signature, insert_stack, signature_row,
};
use super::retain::kept_since;
use super::rows::Rows;
use super::series::stored;
use super::{hours, limit, rollup};
use crate::model::{Incarnation, InstanceId, Known, Life, Signature, Stack, Timestamp};

impl Rows<'_> {
    pub(super) fn known(&mut self, known: &Known) -> Result<()> {
        match known {
            Known::Incarnation {
                instance,
                incarnation,
                name,
            } => self.known_life(instance, incarnation, name.as_deref()),
            Known::Signature {
                signature,
                rules,
                site,
                frames,
                first_at,
                first,
            } => {
                let Some(place) = self.place(first, *first_at)? else {
                    return Ok(());
                };
                let told = Told {
                    rules: *rules,
                    site: Some(site),
                    frames: frames.clone(),
                };
                self.known_signature(*signature, &told, place)
            }
            Known::Stack {
                stack,
                signature,
                service,
            } => self.known_stack(stack, *signature, service.as_ref()),
            Known::Alias { old, new } => self.known_alias(*old, *new),
            Known::Sighting {
                signature,
                build,
                first_at,
                first,
            } => self.known_sighting(*signature, build.as_deref(), first, *first_at),
            Known::Series { signature, .. } => match signature_row(self.tx, *signature)? {
                Some(signature) => self.known_series(signature, known),
                None => Ok(()),
            },
            Known::Last { signature, at } => match signature_row(self.tx, *signature)? {
                Some(signature) => self.seen_until(signature, *at),
                None => Ok(()),
            },
            Known::Event { note, signature } => {
                let signature = match signature {
                    Some(signature) => signature_row(self.tx, *signature)?,
                    None => None,
                };
                self.note(note, signature)
            }
            Known::Proof { .. } => self.known_proof(known),
            left => self.left(left),
        }
    }

    /// What retention has left of snapshots that are gone.
    fn left(&mut self, known: &Known) -> Result<()> {
        match known {
            Known::KeptSince { at, days } => {
                kept_since(self.tx, at.as_millis())?;
                rollup::days_since(self.tx, days.unwrap_or(*at))
            }
            Known::Day {
                life,
                day,
                slot,
                counts,
            } => {
                let Some(place) = self.place(life, slot.first_at)? else {
                    return Ok(());
                };
                let counts = self.by_row(counts, place.ids.service)?;
                rollup::known(self.tx, (place.incarnation, *day), *slot, &counts)
            }
            Known::Hour {
                service,
                hour,
                counts,
            } => {
                let service = self.names.service(self.tx, service)?;
                let counts = self.by_row(counts, service)?;
                hours::known(self.tx, (service, *hour), &counts)
            }
            _ => Ok(()),
        }
    }

    /// Counts by the rows of their signatures, ascending; those beyond the limit of the service are added up,
    /// which true lowest and highest counts lie between, and those that are not known are left out.
    fn by_row<const N: usize>(
        &self,
        counts: &[(Signature, [u64; N])],
        service: i64,
    ) -> Result<Vec<(i64, [u64; N])>> {
        let mut rows = Vec::with_capacity(counts.len());
        for (signature, counts) in counts {
            let row = self.row(*signature, service)?;
            rows.extend(row.map(|row| (row, *counts)));
        }
        rows.sort_unstable();
        rows.dedup_by(|(other, counts), (kept, sums)| {
            let is_same = other == kept;
            if is_same {
                for (sum, count) in sums.iter_mut().zip(counts.iter()) {
                    *sum = sum.saturating_add(*count);
                }
            }
            is_same
        });
        Ok(rows)
    }

    fn known_life(
        &mut self,
        instance: &Arc<InstanceId>,
        incarnation: &Incarnation,
        name: Option<&str>,
    ) -> Result<()> {
        let ids = self.names.instance(self.tx, instance, incarnation.since)?;
        let life = self.names.incarnation(self.tx, ids.instance, incarnation)?;
        self.tx
            .prepare_cached("UPDATE incarnation SET name = coalesce(name, ?2) WHERE id = ?1")?
            .execute(params![life.id, name])
            .map(drop)
    }

    /// Where something was seen; `None` when that process is not known.
    pub(super) fn place(&mut self, life: &Life, at: Timestamp) -> Result<Option<Place>> {
        let ids = self.names.instance(self.tx, &life.instance, life.since)?;
        let incarnation: Option<i64> = self
            .tx
            .prepare_cached("SELECT id FROM incarnation WHERE instance_id = ?1 AND since = ?2")?
            .query_row(params![ids.instance, life.since.as_millis()], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(incarnation.map(|incarnation| Place {
            ids,
            incarnation,
            at,
        }))
    }

    fn known_signature(
        &mut self,
        signature: Signature,
        told: &Told<'_>,
        place: Place,
    ) -> Result<()> {
        let first = (place.at.as_millis(), place.incarnation);
        if let Some(id) = signature_row(self.tx, signature)? {
            return self
                .tx
                .prepare_cached(
                    "UPDATE signature SET first_at = ?2, first_incarnation_id = ?3
                     WHERE id = ?1 AND first_at > ?2",
                )?
                .execute(params![id, first.0, first.1])
                .map(drop);
        }
        let limit = &mut self.names.limit;
        if limit.takes_signature(self.tx, place.ids.service)? {
            let id = insert_signature(self.tx, signature, told, first)?;
            self.names.learn_signature(signature, id);
            return Ok(());
        }
        self.names.beyond(self.tx, told.rules, place)?;
        self.tell_limit(place)
    }

    /// The row that a signature counts as in a service; `None` where nothing is known of it.
    fn row(&self, signature: Signature, service: i64) -> Result<Option<i64>> {
        match signature_row(self.tx, signature)? {
            None if self.names.limit.is_reached(service) => signature_row(self.tx, limit::beyond()),
            known => Ok(known),
        }
    }

    pub(super) fn known_stack(
        &mut self,
        stack: &Stack,
        signature: Signature,
        service: Option<&Arc<str>>,
    ) -> Result<()> {
        let service = match service {
            Some(name) => self.names.service(self.tx, name)?,
            None => 0,
        };
        // A signature that is not told comes with the first poll that has this stack.
        let Some(row) = signature_row(self.tx, signature)? else {
            return Ok(());
        };
        let known: bool = self
            .tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM stack WHERE hash = ?1 AND service_id = ?2)",
            )?
            .query_row(params![stack.hash.to_be_bytes(), service], |row| row.get(0))?;
        if known {
            return Ok(());
        }
        let ids = StackIds {
            stack: insert_stack(self.tx, stack, service, row)?,
            signature: row,
            hash: signature,
        };
        self.names.learn_stack((stack.hash, service), ids);
        Ok(())
    }

    fn known_alias(&self, old: Signature, new: Signature) -> Result<()> {
        if signature_row(self.tx, old)?.is_some() {
            return Ok(());
        }
        self.tx
            .prepare_cached(
                "INSERT INTO signature_alias (hash, signature_id)
                 SELECT ?1, id FROM signature WHERE hash = ?2 ON CONFLICT DO NOTHING",
            )?
            .execute(params![old.to_bytes(), new.to_bytes()])
            .map(drop)
    }

    fn known_sighting(
        &mut self,
        signature: Signature,
        build: Option<&str>,
        first: &Life,
        first_at: Timestamp,
    ) -> Result<()> {
        let Some(place) = self.place(first, first_at)? else {
            return Ok(());
        };
        let Some(signature) = self.row(signature, place.ids.service)? else {
            return Ok(());
        };
        let build = match build {
            Some(build) => build_row(self.tx, build, first.since)?,
            None => 0,
        };
        let service = place.ids.service;
        let first = self.sighting(signature, (service, build), place)?;
        self.names
            .sightings
            .insert((signature, service, build), first);
        Ok(())
    }

    fn known_series(&mut self, signature: i64, series: &Known) -> Result<()> {
        let Known::Series {
            first_at,
            first,
            last_at,
            last,
            peak,
            peak_at,
            ..
        } = series
        else {
            return Ok(());
        };
        let Some(place) = self.place(first, *first_at)? else {
            return Ok(());
        };
        // What the polls of this import have come to is not in the table yet: the flush compares.
        self.tx
            .prepare_cached(
                "INSERT INTO series (signature_id, instance_id, first_at, first_incarnation_id,
                                     last_at, last, peak, peak_at)
                 VALUES (:signature, :instance, :first_at, :incarnation, :last_at, :last, :peak,
                         :peak_at)
                 ON CONFLICT DO UPDATE SET
                     first_incarnation_id = CASE WHEN excluded.first_at < first_at
                         THEN excluded.first_incarnation_id ELSE first_incarnation_id END,
                     first_at = min(first_at, excluded.first_at),
                     last = CASE WHEN excluded.last_at >= last_at THEN excluded.last ELSE last END,
                     last_at = max(last_at, excluded.last_at),
                     peak_at = CASE WHEN excluded.peak > peak THEN excluded.peak_at
                                    WHEN excluded.peak = peak THEN min(peak_at, excluded.peak_at)
                                    ELSE peak_at END,
                     peak = max(peak, excluded.peak)",
            )?
            .execute(named_params! {
                ":signature": signature,
                ":instance": place.ids.instance,
                ":first_at": first_at.as_millis(),
                ":incarnation": place.incarnation,
                ":last_at": last_at.as_millis(),
                ":last": stored(*last),
                ":peak": stored(*peak),
                ":peak_at": peak_at.as_millis(),
            })?;
        self.seen_until(signature, *last_at)
    }

    fn seen_until(&self, signature: i64, at: Timestamp) -> Result<()> {
        self.tx
            .prepare_cached("UPDATE signature SET last_at = max(last_at, ?2) WHERE id = ?1")?
            .execute(params![signature, at.as_millis()])
            .map(drop)
    }
}
