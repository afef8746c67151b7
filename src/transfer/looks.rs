//! Looks to lines, instance by instance; a pulse and a detail that are one look become one line.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::export::{ExportError, Exported, Lines};
use super::fact::{At, Fact, First, Series};
use super::part::{Wanted, millis};
use super::told::name;
use super::write::{Dictionary, Setting, json};
use crate::model::{InstanceId, Known, Record, Signature, Timestamp};
use crate::store::{GroupRow, InstanceKey, LifeRow, LookRow, Looked, Reader, SnapshotRow};

/// What an instance was watched for from a moment on: that, the interval, and the labels as JSON.
type Told = (Timestamp, u64, String);

/// Writes all looks.
pub(super) struct Looks<'a> {
    reader: &'a Reader,
    wanted: &'a Wanted,
    lives: Vec<LifeRow>,
    watches: FxHashMap<InstanceKey, Vec<Told>>,
    dictionary: Dictionary,
    /// What series have come to: what the table says is as of the last flush.
    series: FxHashMap<(Signature, Arc<InstanceId>), Now>,
    exported: Exported,
}

/// What a series has come to.
#[derive(Debug, Clone, Copy)]
struct Now {
    last_at: Timestamp,
    last: u64,
    peak: u64,
    peak_at: Timestamp,
}

impl Now {
    fn note(&mut self, later: Self) {
        if later.last_at >= self.last_at {
            (self.last_at, self.last) = (later.last_at, later.last);
        }
        let earlier = later.peak == self.peak && later.peak_at < self.peak_at;
        if later.peak > self.peak || earlier {
            (self.peak, self.peak_at) = (later.peak, later.peak_at);
        }
    }
}

/// The instance whose looks are written now.
struct Instance<'a> {
    id: Arc<InstanceId>,
    at: At,
    told: &'a [Told],
    /// Beginning, row, name and build of its processes, in order.
    lives: Vec<(Timestamp, i64, Arc<str>, Option<String>)>,
}

impl<'a> Looks<'a> {
    /// What is written of these processes, which were watched so.
    pub(super) fn new(
        reader: &'a Reader,
        wanted: &'a Wanted,
        (lives, watches): (Vec<LifeRow>, &[(InstanceKey, Record)]),
        dictionary: Dictionary,
    ) -> Self {
        Self {
            reader,
            wanted,
            lives,
            watches: settings(watches),
            dictionary,
            series: FxHashMap::default(),
            exported: Exported::default(),
        }
    }

    /// What was written so far.
    pub(super) const fn exported(&self) -> Exported {
        self.exported
    }

    /// Writes the looks at all instances that are wanted.
    pub(super) fn write(&mut self, lines: &mut Lines<'_>) -> Result<(), ExportError> {
        let mut instances: Vec<(InstanceKey, Arc<InstanceId>)> =
            self.reader.instance_ids()?.into_iter().collect();
        instances.retain(|(_, id)| self.wanted.has(id));
        instances.sort_unstable_by(|(_, a), (_, b)| {
            let order = |id: &InstanceId| {
                (
                    Arc::clone(&id.service),
                    Arc::clone(&id.address),
                    Arc::clone(&id.path),
                    Arc::clone(&id.scheme),
                )
            };
            order(a).cmp(&order(b))
        });
        let watches = std::mem::take(&mut self.watches);
        for (key, id) in instances {
            let mut lives: Vec<_> = self.lives.iter().filter(|life| life.key == key).collect();
            lives.sort_unstable_by_key(|life| life.incarnation.since);
            let instance = Instance {
                at: At::from(&*id),
                told: watches.get(&key).map_or(&[], Vec::as_slice),
                lives: lives
                    .into_iter()
                    .map(|life| {
                        let build = life.incarnation.facts.build_id.clone();
                        (life.incarnation.since, life.id, name(life), build)
                    })
                    .collect(),
                id,
            };
            self.write_instance(key, &instance, lines)?;
        }
        Ok(())
    }

    fn write_instance(
        &mut self,
        key: InstanceKey,
        instance: &Instance<'_>,
        lines: &mut Lines<'_>,
    ) -> Result<(), ExportError> {
        let lives: Vec<i64> = instance.lives.iter().map(|(_, row, ..)| *row).collect();
        let mut held: Option<LookRow> = None;
        let (reader, bounds) = (self.reader, self.wanted.bounds());
        let damaged = reader.each_look(key, &lives, bounds, |look| {
            let Some(before) = held.take() else {
                held = Some(look);
                return Ok(());
            };
            if are_one(&before, &look) {
                self.note(&instance.id, &before);
                return self.put(look, "pulse", instance, lines);
            }
            held = Some(look);
            self.put_alone(before, instance, lines)
        })?;
        if let Some(last) = held {
            self.put_alone(last, instance, lines)?;
        }
        self.exported.damaged += damaged;
        Ok(())
    }

    fn put_alone(
        &mut self,
        look: LookRow,
        instance: &Instance<'_>,
        lines: &mut Lines<'_>,
    ) -> Result<(), ExportError> {
        self.note(&instance.id, &look);
        let kind = look.kind.clone();
        self.put(look, &kind, instance, lines)
    }

    fn put(
        &mut self,
        mut look: LookRow,
        kind: &str,
        instance: &Instance<'_>,
        lines: &mut Lines<'_>,
    ) -> Result<(), ExportError> {
        let of_snapshot = match &look.outcome {
            Looked::Snapshot(snapshot) => {
                let mut lives = instance.lives.iter();
                lives.find(|(_, row, ..)| *row == snapshot.incarnation)
            }
            Looked::Failed(..) => {
                let mut lives = instance.lives.iter().rev();
                lives.find(|(since, ..)| *since <= look.at)
            }
        };
        let failed = matches!(look.outcome, Looked::Failed(..));
        // Where only a part is wanted, its first tick may come behind its first look.
        let behind = instance.told.partition_point(|(from, ..)| *from <= look.at);
        let told = instance.told.get(behind.saturating_sub(1));
        let setting = Setting {
            at: &instance.at,
            incarnation: of_snapshot.map(|(_, _, name, _)| &**name),
            build: of_snapshot.and_then(|(.., build)| build.as_deref().filter(|_| !failed)),
            interval_ms: told.map(|(_, interval, _)| *interval),
            labels: told.map(|(.., labels)| &**labels),
        };
        let text = &mut lines.text;
        self.dictionary.look(text, &mut look, kind, &setting);
        self.exported.looks += 1;
        lines.flush_full()
    }

    /// Notes what the series of a whole pulse have come to.
    fn note(&mut self, instance: &Arc<InstanceId>, look: &LookRow) {
        let Looked::Snapshot(snapshot) = &look.outcome else {
            return;
        };
        if look.kind != "pulse" || snapshot.truncated || !self.wanted.is_all() {
            return;
        }
        let mut counts: FxHashMap<Signature, u64> = FxHashMap::default();
        for group in &snapshot.groups {
            if let Some(signature) = self.dictionary.signature(group.stack) {
                let count = counts.entry(signature).or_default();
                *count = count.saturating_add(group.count);
            }
        }
        for (signature, count) in counts {
            let now = Now {
                last_at: look.at,
                last: count,
                peak: count,
                peak_at: look.at,
            };
            let key = (signature, Arc::clone(instance));
            self.series.entry(key).or_insert(now).note(now);
        }
    }

    /// What a series has come to; notes when its signature was seen `last`.
    pub(super) fn series_fact(
        &self,
        known: Known,
        last_of: &mut FxHashMap<Signature, Timestamp>,
    ) -> Option<Fact> {
        let Known::Series {
            signature,
            first_at,
            first,
            last_at,
            last,
            peak,
            peak_at,
        } = known
        else {
            return None;
        };
        let mut now = Now {
            last_at,
            last,
            peak,
            peak_at,
        };
        let newer = self.series.get(&(signature, Arc::clone(&first.instance)));
        if let Some(newer) = newer {
            now.note(*newer);
        }
        let seen = last_of.entry(signature).or_insert(now.last_at);
        *seen = now.last_at.max(*seen);
        Some(Fact::Series(Series {
            signature,
            first: First::from(&first),
            first_at,
            last_at: now.last_at,
            last: now.last,
            peak: now.peak,
            peak_at: now.peak_at,
        }))
    }
}

/// Whether a pulse and what follows it are one look that counts as both: they say the same, and the
/// second more than a pulse can.
fn are_one(pulse: &LookRow, detail: &LookRow) -> bool {
    let (Looked::Snapshot(a), Looked::Snapshot(b)) = (&pulse.outcome, &detail.outcome) else {
        return false;
    };
    let kinds = pulse.kind == "pulse" && detail.kind == "detail";
    let same_look = pulse.at == detail.at && pulse.took_ms == detail.took_ms;
    let same_head = (a.incarnation, &a.form, a.goroutines, a.own)
        == (b.incarnation, &b.form, b.goroutines, b.own)
        && (a.complained, a.truncated, &a.complaints) == (b.complained, b.truncated, &b.complaints);
    kinds && same_look && same_head && splits(a) == splits(b) && b.groups.iter().any(tells)
}

fn splits(snapshot: &SnapshotRow) -> Vec<(i64, i64, i64, u64)> {
    let of_group = |group: &GroupRow| {
        let stack = group.stack;
        let split =
            move |(state, labels, count): &(i64, i64, u64)| (stack, *state, *labels, *count);
        group.splits.iter().map(split).collect::<Vec<_>>()
    };
    let mut splits: Vec<_> = snapshot.groups.iter().flat_map(of_group).collect();
    splits.sort_unstable();
    splits
}

/// Whether a group has what only a detail can know.
fn tells(group: &GroupRow) -> bool {
    group.oldest_minutes.is_some()
        || group.waits.is_some()
        || group.creators.iter().any(|(creator, _)| *creator != 0)
        || group.leaked > 0
        || group.survival.is_some()
}

/// What was told of each instance from when on, in order.
fn settings(watches: &[(InstanceKey, Record)]) -> FxHashMap<InstanceKey, Vec<Told>> {
    let mut told: FxHashMap<InstanceKey, Vec<Told>> = FxHashMap::default();
    for (key, record) in watches {
        if let Record::Watched { watch, .. } = record {
            let labels = json(&*watch.labels);
            let of_one = told.entry(*key).or_default();
            of_one.push((watch.from, millis(watch), labels));
        }
    }
    for of_one in told.values_mut() {
        of_one.sort();
    }
    told
}
