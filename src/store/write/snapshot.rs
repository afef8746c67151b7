//! Snapshots to rows: pulses and details, packed.

use rusqlite::params;

use super::limit;
use super::names::Place;
use super::rows::Rows;
use super::series::stored;
use super::{Result, not_packed};
use crate::model::{Kind, Look, Snapshot};
use crate::store::hot::{
    DetailEntry, Kept, PulseEntry, merge_details, merge_pulse, pack_detail, pack_pulse,
};

/// Room that packing uses again and again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    entries: Vec<PulseEntry>,
    /// Signatures and their counts.
    counts: Vec<(i64, u64)>,
    packed: Vec<u8>,
}

impl Rows<'_> {
    pub(super) fn pulse(
        &mut self,
        place: Place,
        build: i64,
        look: &Look,
        snapshot: &Snapshot,
    ) -> Result<i64> {
        self.take_entries(place, snapshot)?;
        if !snapshot.truncated {
            let mut counts = std::mem::take(&mut self.scratch.counts);
            counts.sort_unstable();
            for of_one in counts.chunk_by(|(a, _), (b, _)| a == b) {
                let add = |sum: u64, (_, count): &(i64, u64)| sum.saturating_add(*count);
                let count = of_one.iter().fold(0, add);
                if let Some((signature, _)) = of_one.first() {
                    self.see(*signature, count, build, place)?;
                }
            }
            self.scratch.counts = counts;
        }
        pack_pulse(&mut self.scratch.entries, &mut self.scratch.packed);
        self.hot.note(
            self.tx,
            Kept::Pulses,
            place.incarnation,
            place.at.as_millis(),
        )?;
        self.tx
            .prepare_cached(
                "INSERT INTO pulse (incarnation_id, at, took_ms, form, goroutines, own,
                                    complained, truncated, complaints, groups)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .insert(params![
                place.incarnation,
                place.at.as_millis(),
                took_ms(look),
                snapshot.form.as_str(),
                stored(snapshot.goroutines),
                stored(snapshot.own),
                stored(snapshot.complained),
                snapshot.truncated,
                complaints(snapshot),
                self.scratch.packed,
            ])
    }

    /// The entries of a pulse, and the count of the signature of each stack.
    fn take_entries(&mut self, place: Place, snapshot: &Snapshot) -> Result<()> {
        let merged = self.names.limit.merged();
        let scratch = &mut *self.scratch;
        scratch.entries.clear();
        scratch.counts.clear();
        for group in &snapshot.groups {
            let ids = self.names.stack(self.tx, self.series, group, place)?;
            scratch.counts.push((ids.signature, group.count));
            for split in &group.splits {
                scratch.entries.push(PulseEntry {
                    stack: ids.stack,
                    state: self.names.state(self.tx, split)?,
                    labels: self.names.labels(self.tx, &split.labels)?,
                    count: split.count,
                });
            }
        }
        if self.names.limit.merged() > merged {
            merge_pulse(&mut scratch.entries);
            self.tell_limit(place)?;
        }
        Ok(())
    }

    /// A detail or a proof.
    pub(super) fn detail(
        &mut self,
        place: Place,
        build: i64,
        look: &Look,
        snapshot: &Snapshot,
    ) -> Result<i64> {
        let merged = self.names.limit.merged();
        let mut entries = self.detail_entries(place, snapshot)?;
        if self.names.limit.merged() > merged {
            merge_details(&mut entries);
            self.tell_limit(place)?;
        }
        if look.kind == Kind::Proof {
            self.proved(place, build, &entries)?;
        }
        self.hot.note(
            self.tx,
            Kept::Details,
            place.incarnation,
            place.at.as_millis(),
        )?;
        let body = pack_detail(&mut entries).map_err(not_packed)?;
        self.tx
            .prepare_cached(
                "INSERT INTO detail (incarnation_id, at, took_ms, kind, form, goroutines, own,
                                     complained, truncated, complaints, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .insert(params![
                place.incarnation,
                place.at.as_millis(),
                took_ms(look),
                look.kind.as_str(),
                snapshot.form.as_str(),
                stored(snapshot.goroutines),
                stored(snapshot.own),
                stored(snapshot.complained),
                snapshot.truncated,
                complaints(snapshot),
                body,
            ])
    }

    fn detail_entries(&mut self, place: Place, snapshot: &Snapshot) -> Result<Vec<DetailEntry>> {
        let beyond = limit::beyond();
        let mut entries = Vec::with_capacity(snapshot.groups.len());
        for group in &snapshot.groups {
            let ids = self.names.stack(self.tx, self.series, group, place)?;
            let mut splits = Vec::with_capacity(group.splits.len());
            for split in &group.splits {
                let state = self.names.state(self.tx, split)?;
                splits.push((
                    state,
                    self.names.labels(self.tx, &split.labels)?,
                    split.count,
                ));
            }
            let mut creators = Vec::with_capacity(group.creators.len());
            for (creator, count) in &group.creators {
                let id = match creator {
                    Some(creator) => self.names.creator(self.tx, creator)?,
                    None => 0,
                };
                creators.push((id, *count));
            }
            entries.push(DetailEntry {
                stack: ids.stack,
                count: group.count,
                splits,
                waits: group.waits,
                oldest_minutes: group.oldest_minutes,
                leaked: group.leaked,
                creators,
                // Of many signatures it cannot be told together.
                survival: group
                    .survival
                    .filter(|_| ids.hash != beyond)
                    .map(|survival| (survival.sampled, survival.alive)),
            });
        }
        Ok(entries)
    }
}

pub(super) fn took_ms(look: &Look) -> i64 {
    i64::try_from(look.took.as_millis()).unwrap_or(i64::MAX)
}

/// The complaints as JSON; NULL when there are none.
fn complaints(snapshot: &Snapshot) -> Option<String> {
    if snapshot.complaints.is_empty() {
        return None;
    }
    serde_json::to_string(&snapshot.complaints).ok()
}
