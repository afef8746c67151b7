//! Which part of a history is written.

use std::sync::Arc;

use super::ExportError;
use crate::model::{EventKind, InstanceId, Note, Record, Timestamp, Watch};
use crate::store::LifeRow;

/// Which part of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// From here on, inclusive.
    pub since: Option<Timestamp>,
    /// Up to here, inclusive.
    pub until: Option<Timestamp>,
    /// Only these services; all when empty.
    pub services: Vec<String>,
    /// Only these addresses (`host:port`); all when empty.
    pub instances: Vec<String>,
}

impl Wanted {
    pub(super) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn bounds(&self) -> (Timestamp, Timestamp) {
        (
            self.since.unwrap_or(Timestamp::from_millis(i64::MIN)),
            self.until.unwrap_or(Timestamp::from_millis(i64::MAX)),
        )
    }

    pub(super) fn has(&self, instance: &InstanceId) -> bool {
        let among = |names: &[String], name: &str| {
            names.is_empty() || names.iter().any(|known| known == name)
        };
        among(&self.services, &instance.service) && among(&self.instances, &instance.address)
    }

    /// Whether an event is in it; first sightings follow from the looks of a part.
    pub(super) fn has_event(&self, note: &Note) -> bool {
        let (since, until) = self.bounds();
        let is_wanted = note.kind != EventKind::NewSignature
            && (since..=until).contains(&note.at)
            && note.instance.as_ref().is_none_or(|id| self.has(id));
        self.is_all() || is_wanted
    }

    /// A name that nothing in the history has.
    pub(super) fn unknown_name(&self, known: &[Arc<InstanceId>]) -> Option<ExportError> {
        let service = self
            .services
            .iter()
            .find(|name| !known.iter().any(|id| *id.service == ***name));
        let instance = self
            .instances
            .iter()
            .find(|name| !known.iter().any(|id| *id.address == ***name));
        let unknown = |what, name: &String| ExportError::Unknown {
            what,
            name: name.clone(),
        };
        service
            .map(|name| unknown("service", name))
            .or_else(|| instance.map(|name| unknown("instance", name)))
    }
}

/// Whether a process lived in the part that is wanted.
pub(super) fn lived(life: &LifeRow, all: &[LifeRow], wanted: &Wanted) -> bool {
    let (since, until) = wanted.bounds();
    let begins = life.incarnation.since;
    let same = all.iter().filter(|other| other.key == life.key);
    // Only asked where a part is wanted: all have lived at some time.
    let replaced = wanted.since.is_some()
        && same
            .map(|other| other.incarnation.since)
            .any(|other| begins < other && other <= since);
    wanted.has(&life.instance) && begins <= until && !replaced
}

/// Cuts a watch to the part that is wanted; false when nothing of it is.
pub(super) fn cut(record: &mut Record, wanted: &Wanted) -> bool {
    let Record::Watched { watch, to } = record else {
        return false;
    };
    let (since, until) = wanted.bounds();
    let ended = wanted.since.is_some() && *to < since;
    if !wanted.has(&watch.instance) || watch.from > until || ended {
        return false;
    }
    watch.from = first_due(watch, wanted.since);
    *to = (*to).min(until);
    true
}

/// The first poll that was due from a moment on.
fn first_due(watch: &Watch, since: Option<Timestamp>) -> Timestamp {
    let interval = i64::try_from(millis(watch)).unwrap_or(i64::MAX).max(1);
    let from = watch.from.as_millis();
    let before = since.map_or(0, |since| since.as_millis().saturating_sub(from).max(0));
    let skipped = before.div_euclid(interval) + i64::from(before.rem_euclid(interval) > 0);
    Timestamp::from_millis(from.saturating_add(skipped.saturating_mul(interval)))
}

pub(super) fn millis(watch: &Watch) -> u64 {
    u64::try_from(watch.interval.as_millis()).unwrap_or(u64::MAX)
}
