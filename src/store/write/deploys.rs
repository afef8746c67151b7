//! Deploys: another build, or another `version` label, than there was before.

use rusqlite::{OptionalExtension as _, params};

use super::Result;
use super::names::Place;
use super::rows::Rows;
use crate::model::{EventKind, Watch};

/// The label that names a version, as Prometheus users do.
const VERSION: &str = "version";

impl Rows<'_> {
    /// Notes the first process of a build in a service that had others before.
    pub(super) fn build_met(&mut self, place: Place, build: i64) -> Result<()> {
        let service = place.ids.service;
        if build == 0 || !self.names.is_first_met(service, build) {
            return Ok(());
        }
        let builds: Option<(String, String)> = self
            .tx
            .prepare_cached(
                "SELECT old.build_id, new.build_id
                 FROM build AS new, incarnation
                 JOIN instance ON instance.id = incarnation.instance_id
                 JOIN build AS old ON old.id = incarnation.build_id
                 WHERE new.id = ?2 AND instance.service_id = ?1 AND old.id <> new.id
                     AND incarnation.since <= ?3
                     AND NOT EXISTS (SELECT 1 FROM sighting
                                     WHERE service_id = ?1 AND sighting.build_id = new.id)
                 ORDER BY incarnation.since DESC LIMIT 1",
            )?
            .query_row(params![service, build, place.at.as_millis()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match builds {
            Some((old, new)) => self.event(
                place.at,
                EventKind::Deploy,
                (Some(service), Some(place.ids.instance)),
                None,
                &format!("build {old} -> {new}"),
            ),
            None => Ok(()),
        }
    }

    /// Notes another version at an instance, before its labels are stored.
    pub(super) fn version_met(&self, watch: &Watch, (service, instance): (i64, i64)) -> Result<()> {
        let Some(new) = watch.labels.get(VERSION) else {
            return Ok(());
        };
        let old: Option<Option<String>> = self
            .tx
            .prepare_cached(
                "SELECT labels ->> ?2 FROM instance_label WHERE instance_id = ?1
                 ORDER BY from_at DESC LIMIT 1",
            )?
            .query_row(params![instance, VERSION], |row| row.get(0))
            .optional()?;
        match old.flatten().filter(|old| old != new) {
            Some(old) => self.event(
                watch.from,
                EventKind::Deploy,
                (Some(service), Some(instance)),
                None,
                &format!("version {old} -> {new}"),
            ),
            None => Ok(()),
        }
    }
}
