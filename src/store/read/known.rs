//! What a history tells beside its polls, as an export tells it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Row;

use super::instance::unsigned;
use super::{InstanceKey, Reader, StoreError};
use crate::model::{
    Elision, EventKind, Frame, Incarnation, InstanceId, Known, Life, Note, ProcessFacts, Record,
    Signature, StartReason, Timestamp, Watch,
};
use crate::store::frames;

/// One process that lived at an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeRow {
    /// Its row.
    pub id: i64,
    /// Row of its instance.
    pub key: InstanceKey,
    /// Its instance.
    pub instance: Arc<InstanceId>,
    /// All that is known of it.
    pub incarnation: Arc<Incarnation>,
    /// What an imported history calls it.
    pub name: Option<Arc<str>>,
}

/// A stored stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRow {
    /// Its row.
    pub id: i64,
    /// Leaf first.
    pub frames: Vec<Frame>,
    /// The gap in a deep one.
    pub elision: Option<Elision>,
    /// Root-most frames are missing.
    pub cut: bool,
    /// What it counts as.
    pub signature: Signature,
    /// The only service where it does; `None` for all.
    pub service: Option<Arc<str>>,
}

/// The words that rows of looks refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// States with their wait kinds.
    pub states: HashMap<i64, (String, String)>,
    /// Label sets, as JSON.
    pub label_sets: HashMap<i64, String>,
    /// Creating functions.
    pub creators: HashMap<i64, String>,
}

/// The processes by row.
pub type Lives = HashMap<i64, LifeRow>;

impl Reader {
    /// Every process, in the order in which they were met.
    pub fn lives(&self) -> Result<Vec<LifeRow>, StoreError> {
        let instances = self.instance_ids()?;
        let sql =
            "SELECT incarnation.id, instance_id, since, reason, build.build_id, vdso, heap_high,
                          name
                   FROM incarnation LEFT JOIN build ON build.id = incarnation.build_id
                   ORDER BY incarnation.id";
        let mut lives = Vec::new();
        self.each(sql, |row| {
            let key = InstanceKey(row.get(1)?);
            let reason: String = row.get(3)?;
            let incarnation = Incarnation {
                since: Timestamp::from_millis(row.get(2)?),
                reason: StartReason::from_name(&reason).unwrap_or(StartReason::FirstContact),
                facts: ProcessFacts {
                    build_id: row.get(4)?,
                    vdso: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
                    heap_high: row.get(6)?,
                },
            };
            if let Some(instance) = instances.get(&key) {
                lives.push(LifeRow {
                    id: row.get(0)?,
                    key,
                    instance: Arc::clone(instance),
                    incarnation: Arc::new(incarnation),
                    name: row.get::<_, Option<String>>(7)?.map(Arc::from),
                });
            }
            Ok(())
        })?;
        Ok(lives)
    }

    /// Every instance, by its row.
    pub fn instance_ids(&self) -> Result<HashMap<InstanceKey, Arc<InstanceId>>, StoreError> {
        let named = self.instances()?.into_iter().map(|row| {
            let id = InstanceId {
                service: row.service.into(),
                scheme: row.scheme.into(),
                address: row.address.into(),
                path: row.path.into(),
            };
            (row.key, Arc::new(id))
        });
        Ok(named.collect())
    }

    /// Every watch with its end, as records, in the order in which they were stored.
    pub fn watches(&self) -> Result<Vec<(InstanceKey, Record)>, StoreError> {
        let instances = self.instance_ids()?;
        let sql = "SELECT instance_id, from_at, coalesce(to_at, last_commit_at), interval_ms,
                          (SELECT labels FROM instance_label
                           WHERE instance_label.instance_id = watch.instance_id
                               AND instance_label.from_at <= watch.from_at
                           ORDER BY instance_label.from_at DESC LIMIT 1)
                   FROM watch JOIN daemon_run ON daemon_run.id = run_id ORDER BY watch.id";
        let mut watches = Vec::new();
        self.each(sql, |row| {
            let key = InstanceKey(row.get(0)?);
            let labels: Option<String> = row.get(4)?;
            let labels = labels.and_then(|json| serde_json::from_str(&json).ok());
            if let Some(instance) = instances.get(&key) {
                let watch = Watch {
                    instance: Arc::clone(instance),
                    from: Timestamp::from_millis(row.get(1)?),
                    interval: Duration::from_millis(unsigned(row.get(3)?)),
                    labels: Arc::new(labels.unwrap_or_default()),
                };
                let to = Timestamp::from_millis(row.get(2)?);
                watches.push((key, Record::Watched { watch, to }));
            }
            Ok(())
        })?;
        Ok(watches)
    }

    /// The words that looks refer to.
    pub fn words(&self) -> Result<Words, StoreError> {
        let mut words = Words::default();
        self.each("SELECT id, name, kind FROM state", |row| {
            words.states.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
            Ok(())
        })?;
        self.each("SELECT id, labels FROM label_set", |row| {
            words.label_sets.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
        self.each("SELECT id, function FROM creator", |row| {
            words.creators.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
        Ok(words)
    }

    /// Every stack, in the order in which they were met.
    pub fn each_stack(&self, mut on: impl FnMut(StackRow)) -> Result<(), StoreError> {
        let sql = "SELECT stack.id, stack.frames, elided_after, elided_frames, cut, signature.hash,
                          service.name
                   FROM stack JOIN signature ON signature.id = signature_id
                   LEFT JOIN service ON service.id = stack.service_id ORDER BY stack.id";
        let mut damaged = None;
        self.each(sql, |row| {
            match stack_row(row, 0)? {
                None => damaged = damaged.or(Some(row.get(0)?)),
                Some(stack) => on(stack),
            }
            Ok(())
        })?;
        damaged.map_or(Ok(()), |id| Err(self.damaged("stack", id)))
    }

    /// Every signature, then every old name of one, then every first sighting.
    pub fn each_known(&self, lives: &Lives, mut on: impl FnMut(Known)) -> Result<(), StoreError> {
        self.each(
            "SELECT first_incarnation_id, hash, rules, where_function, where_file, where_line,
                    frames, first_at
             FROM signature ORDER BY id",
            |row| {
                let signature = Signature::from_bytes(row.get(1)?);
                if let Some(first) = life(lives, row)? {
                    on(Known::Signature {
                        signature,
                        rules: row.get(2)?,
                        site: Frame {
                            function: row.get::<_, String>(3)?.into(),
                            file: row.get::<_, String>(4)?.into(),
                            line: row.get(5)?,
                        },
                        frames: row.get(6)?,
                        first_at: Timestamp::from_millis(row.get(7)?),
                        first,
                    });
                }
                Ok(())
            },
        )?;
        self.each(
            "SELECT signature_alias.hash, signature.hash
             FROM signature_alias JOIN signature ON signature.id = signature_id ORDER BY 1",
            |row| {
                on(Known::Alias {
                    old: Signature::from_bytes(row.get(0)?),
                    new: Signature::from_bytes(row.get(1)?),
                });
                Ok(())
            },
        )?;
        self.each(
            "SELECT incarnation_id, hash, build.build_id, sighting.first_at
             FROM sighting JOIN signature ON signature.id = signature_id
             LEFT JOIN build ON build.id = sighting.build_id
             JOIN service ON service.id = sighting.service_id
             ORDER BY sighting.first_at, service.name, hash, build.build_id",
            |row| {
                let signature = Signature::from_bytes(row.get(1)?);
                if let Some(first) = life(lives, row)? {
                    on(Known::Sighting {
                        signature,
                        build: row.get::<_, Option<String>>(2)?.map(Arc::from),
                        first_at: Timestamp::from_millis(row.get(3)?),
                        first,
                    });
                }
                Ok(())
            },
        )
    }

    /// What every series has come to, as of the last flush.
    pub fn each_series(&self, lives: &Lives, mut on: impl FnMut(Known)) -> Result<(), StoreError> {
        let sql =
            "SELECT series.first_incarnation_id, hash, series.first_at, series.last_at, last, peak,
                          peak_at
                   FROM series JOIN signature ON signature.id = signature_id
                   JOIN instance ON instance.id = instance_id
                   JOIN service ON service.id = service_id
                   ORDER BY service.name, address, path, scheme, hash";
        self.each(sql, |row| {
            let signature = Signature::from_bytes(row.get(1)?);
            if let Some(first) = life(lives, row)? {
                on(Known::Series {
                    signature,
                    first_at: Timestamp::from_millis(row.get(2)?),
                    first,
                    last_at: Timestamp::from_millis(row.get(3)?),
                    last: unsigned(row.get(4)?),
                    peak: unsigned(row.get(5)?),
                    peak_at: Timestamp::from_millis(row.get(6)?),
                });
            }
            Ok(())
        })
    }

    /// When every signature was seen last, as of the last flush.
    pub fn each_last(&self, mut on: impl FnMut(Known)) -> Result<(), StoreError> {
        self.each("SELECT hash, last_at FROM signature ORDER BY id", |row| {
            on(Known::Last {
                signature: Signature::from_bytes(row.get(0)?),
                at: Timestamp::from_millis(row.get(1)?),
            });
            Ok(())
        })
    }

    /// Every event, in order.
    pub fn each_event(&self, mut on: impl FnMut(Known)) -> Result<(), StoreError> {
        let instances = self.instance_ids()?;
        let sql = "SELECT at, kind, instance_id, hash, text
                   FROM event LEFT JOIN signature ON signature.id = signature_id
                   ORDER BY at, kind, text, event.id";
        self.each(sql, |row| {
            let kind: String = row.get(1)?;
            let instance = row.get::<_, Option<i64>>(2)?.map(InstanceKey);
            let signature: Option<[u8; 16]> = row.get(3)?;
            if let Some(kind) = EventKind::from_name(&kind) {
                let note = Note {
                    at: Timestamp::from_millis(row.get(0)?),
                    kind,
                    instance: instance.and_then(|key| instances.get(&key)).map(Arc::clone),
                    text: row.get(4)?,
                };
                let signature = signature.map(Signature::from_bytes);
                on(Known::Event { note, signature });
            }
            Ok(())
        })
    }

    pub(super) fn each(
        &self,
        sql: &str,
        mut on: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let read = || {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                on(row)?;
            }
            Ok(())
        };
        let mut read = read;
        read().map_err(|source| self.failed(source))
    }
}

/// A stack, whose columns begin at `first`: row, frames, gap, its length, cut, hash of its signature,
/// service. `None` when its frames are damaged.
pub(super) fn stack_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<StackRow>> {
    let after: Option<u32> = row.get(first + 2)?;
    let elided = row.get(first + 3)?;
    let Some(frames) = frames::unpack(row.get_ref(first + 1)?.as_str()?) else {
        return Ok(None);
    };
    Ok(Some(StackRow {
        id: row.get(first)?,
        frames,
        elision: after.map(|after| Elision {
            after: after as usize,
            frames: elided,
        }),
        cut: row.get(first + 4)?,
        signature: Signature::from_bytes(row.get(first + 5)?),
        service: row.get::<_, Option<String>>(first + 6)?.map(Arc::from),
    }))
}

/// The process that the first column of a row refers to.
pub(super) fn life(lives: &Lives, row: &Row<'_>) -> rusqlite::Result<Option<Life>> {
    let life = lives.get(&row.get(0)?);
    Ok(life.map(|life| Life {
        instance: Arc::clone(&life.instance),
        since: life.incarnation.since,
    }))
}
