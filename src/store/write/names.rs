//! Row ids of what rows refer to: looked up once, made when new.
//!
//! The caches hold only what is committed or being committed in the current transaction; a
//! rollback empties them, and they fill again from the tables.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Params, Row, Transaction, named_params, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::limit::{Limit, beyond_stack};
use super::repoint::repoint;
use super::series::SeriesBook;
use super::words::Words;
use crate::model::{Frame, Group, Incarnation, InstanceId, Signature, Stack, Timestamp};
use crate::store::frames;

/// A watched instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct InstanceIds {
    pub(super) instance: i64,
    pub(super) service: i64,
}

/// The process that a snapshot is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct IncarnationIds {
    pub(super) id: i64,
    /// 0 when the build is not known.
    pub(super) build: i64,
}

/// A stored stack and what it counts as.
#[derive(Debug, Clone, Copy)]
pub(super) struct StackIds {
    pub(super) stack: i64,
    pub(super) signature: i64,
    pub(super) hash: Signature,
}

/// What a snapshot's rows need to know of where they come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) ids: InstanceIds,
    pub(super) incarnation: i64,
    pub(super) at: Timestamp,
}

/// All caches.
#[derive(Debug, Default)]
pub(super) struct Names {
    services: FxHashMap<Arc<str>, i64>,
    instances: FxHashMap<Arc<InstanceId>, InstanceIds>,
    incarnations: FxHashMap<(i64, Timestamp), (IncarnationIds, Incarnation)>,
    stacks: FxHashMap<(u128, i64), StackIds>,
    signatures: FxHashMap<Signature, i64>,
    pub(super) words: Words,
    /// First sightings by signature, service and build.
    pub(super) sightings: FxHashMap<(i64, i64, i64), Timestamp>,
    /// Builds met so far, by service.
    builds: FxHashSet<(i64, i64)>,
    /// A stack counts as another signature since this was last asked.
    repointed: bool,
    /// How many signatures services may bring.
    pub(super) limit: Limit,
    /// Every stack and signature of the tables is in the caches: once some service is at its limit, what is not
    /// known is looked for often.
    whole: bool,
}

type Result<T> = rusqlite::Result<T>;

impl Names {
    /// Nothing is known yet but the limit.
    pub(super) fn under(limit: Limit) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Forgets everything: a transaction was rolled back.
    pub(super) fn clear(&mut self) {
        *self = Self::under(self.limit.anew());
    }

    /// Whether a stack counts as another signature since this was last asked.
    pub(super) const fn take_repointed(&mut self) -> bool {
        std::mem::replace(&mut self.repointed, false)
    }

    pub(super) fn instance(
        &mut self,
        tx: &Transaction<'_>,
        instance: &Arc<InstanceId>,
        at: Timestamp,
    ) -> Result<InstanceIds> {
        if let Some(ids) = self.instances.get(instance) {
            return Ok(*ids);
        }
        let service = self.service(tx, &instance.service)?;
        let (scheme, address, path) = (&*instance.scheme, &*instance.address, &*instance.path);
        tx.prepare_cached(
            "INSERT INTO instance (service_id, scheme, address, path, first_at)
             VALUES (:service, :scheme, :address, :path, :at) ON CONFLICT DO NOTHING",
        )?
        .execute(named_params! {
            ":service": service, ":scheme": scheme, ":address": address, ":path": path,
            ":at": at.as_millis(),
        })?;
        let id = tx
            .prepare_cached(
                "SELECT id FROM instance WHERE service_id = :service AND scheme = :scheme
                 AND address = :address AND path = :path",
            )?
            .query_row(
                named_params! {
                    ":service": service, ":scheme": scheme, ":address": address, ":path": path,
                },
                |row| row.get(0),
            )?;
        let ids = InstanceIds {
            instance: id,
            service,
        };
        self.instances.insert(Arc::clone(instance), ids);
        Ok(ids)
    }

    /// Whether a build is met in a service for the first time since the beginning.
    pub(super) fn is_first_met(&mut self, service: i64, build: i64) -> bool {
        self.builds.insert((service, build))
    }

    pub(super) fn service(&mut self, tx: &Transaction<'_>, name: &Arc<str>) -> Result<i64> {
        if let Some(id) = self.services.get(name) {
            return Ok(*id);
        }
        let id = get_or_insert(
            tx,
            "SELECT id FROM service WHERE name = ?1",
            "INSERT INTO service (name) VALUES (?1)",
            [&**name],
        )?;
        self.services.insert(Arc::clone(name), id);
        Ok(id)
    }

    /// The row of an incarnation, with whatever has become known of it since.
    pub(super) fn incarnation(
        &mut self,
        tx: &Transaction<'_>,
        instance: i64,
        incarnation: &Incarnation,
    ) -> Result<IncarnationIds> {
        let key = (instance, incarnation.since);
        if let Some((ids, known)) = self.incarnations.get(&key)
            && *known == *incarnation
        {
            return Ok(*ids);
        }
        let build = match &incarnation.facts.build_id {
            None => None,
            Some(build) => Some(build_row(tx, build, incarnation.since)?),
        };
        let id = tx
            .prepare_cached(
                "INSERT INTO incarnation (instance_id, since, reason, build_id, vdso, heap_high)
                 VALUES (:instance, :since, :reason, :build, :vdso, :heap)
                 ON CONFLICT (instance_id, since) DO UPDATE SET
                     build_id = coalesce(excluded.build_id, build_id),
                     vdso = coalesce(excluded.vdso, vdso),
                     heap_high = coalesce(excluded.heap_high, heap_high)
                 RETURNING id",
            )?
            .query_row(
                named_params! {
                    ":instance": instance,
                    ":since": incarnation.since.as_millis(),
                    ":reason": incarnation.reason.as_str(),
                    ":build": build,
                    ":vdso": incarnation.facts.vdso.map(u64::cast_signed),
                    ":heap": incarnation.facts.heap_high,
                },
                |row| row.get(0),
            )?;
        let ids = IncarnationIds {
            id,
            build: build.unwrap_or(0),
        };
        self.incarnations.insert(key, (ids, incarnation.clone()));
        Ok(ids)
    }

    /// The rows of a group's stack and signature. `series` are those that are cached.
    pub(super) fn stack(
        &mut self,
        tx: &Transaction<'_>,
        series: &mut SeriesBook,
        group: &Group,
        place: Place,
    ) -> Result<StackIds> {
        let stack = &*group.stack;
        let service = if stack.cut { place.ids.service } else { 0 };
        let key = (stack.hash, service);
        let resolved = stack.cut && group.signature != stack.signature;
        let known = match self.stacks.get(&key) {
            Some(ids) if !resolved || ids.hash == group.signature => return Ok(*ids),
            Some(ids) => Some(*ids),
            None if self.whole => None,
            None => load_stack(tx, stack.hash, service)?,
        };
        let ids = match known {
            // A cut stack may turn out later to be the top of a full one.
            Some(ids) if resolved && ids.hash != group.signature => {
                let Some(signature) = self.signature(tx, group, place)? else {
                    return Ok(ids);
                };
                // The new signature inherits what the old one has come to, whose row may go and its
                // number be used again.
                series.flush_all(tx)?;
                series.clear();
                repoint(tx, ids.stack, service, (ids.signature, signature))?;
                self.signatures.remove(&ids.hash);
                self.sightings.clear();
                self.repointed = true;
                StackIds {
                    signature,
                    hash: group.signature,
                    ..ids
                }
            }
            Some(ids) => ids,
            None => {
                // What counts as something else is not remembered: there may be no end of it.
                let Some(signature) = self.signature(tx, group, place)? else {
                    self.limit.note_beyond();
                    return self.beyond(tx, stack.rules, place);
                };
                let hash = group.signature;
                let of_signature = |stack| StackIds {
                    stack,
                    signature,
                    hash,
                };
                let stand_in = self.limit.stand_in(tx, signature, place.ids.service)?;
                if let Some(stack) = stand_in {
                    return Ok(of_signature(stack));
                }
                of_signature(insert_stack(tx, stack, service, signature)?)
            }
        };
        self.stacks.insert(key, ids);
        Ok(ids)
    }

    /// The row of a group's signature; `None` where it is new and its service may bring no more.
    fn signature(
        &mut self,
        tx: &Transaction<'_>,
        group: &Group,
        place: Place,
    ) -> Result<Option<i64>> {
        if let Some(id) = self.signatures.get(&group.signature) {
            return Ok(Some(*id));
        }
        let known = if self.whole {
            None
        } else {
            signature_row(tx, group.signature)?
        };
        let id = match known {
            Some(id) => id,
            None if self.limit.takes_signature(tx, place.ids.service)? => {
                let first = (place.at.as_millis(), place.incarnation);
                insert_signature(tx, group.signature, &Told::by(&group.stack), first)?
            }
            None => return Ok(None),
        };
        self.signatures.insert(group.signature, id);
        Ok(Some(id))
    }

    /// The rows that everything beyond the limit counts as.
    pub(super) fn beyond(
        &mut self,
        tx: &Transaction<'_>,
        rules: u32,
        place: Place,
    ) -> Result<StackIds> {
        self.load_whole(tx)?;
        let stack = beyond_stack(rules);
        if let Some(ids) = self.stacks.get(&(stack.hash, 0)) {
            return Ok(*ids);
        }
        let signature = if let Some(id) = self.signatures.get(&stack.signature) {
            *id
        } else {
            let first = (place.at.as_millis(), place.incarnation);
            insert_signature(tx, stack.signature, &Told::by(&stack), first)?
        };
        self.signatures.insert(stack.signature, signature);
        let ids = StackIds {
            stack: insert_stack(tx, &stack, 0, signature)?,
            signature,
            hash: stack.signature,
        };
        self.stacks.insert((stack.hash, 0), ids);
        Ok(ids)
    }

    /// Reads all stacks and signatures that are not in the caches.
    fn load_whole(&mut self, tx: &Transaction<'_>) -> Result<()> {
        if self.whole {
            return Ok(());
        }
        let mut stacks = tx.prepare(
            "SELECT stack.id, signature.id, signature.hash, stack.hash, service_id
             FROM stack JOIN signature ON signature.id = stack.signature_id",
        )?;
        let mut rows = stacks.query([])?;
        while let Some(row) = rows.next()? {
            let hash = u128::from_be_bytes(row.get(3)?);
            self.stacks.insert((hash, row.get(4)?), stack_ids(row)?);
        }
        let mut signatures = tx.prepare("SELECT hash, id FROM signature")?;
        let mut rows = signatures.query([])?;
        while let Some(row) = rows.next()? {
            let signature = Signature::from_bytes(row.get(0)?);
            self.signatures.insert(signature, row.get(1)?);
        }
        self.whole = true;
        Ok(())
    }

    /// Remembers a stack that history has told of.
    pub(super) fn learn_stack(&mut self, key: (u128, i64), ids: StackIds) {
        self.stacks.insert(key, ids);
    }

    /// Remembers a signature that history has told of.
    pub(super) fn learn_signature(&mut self, signature: Signature, id: i64) {
        self.signatures.insert(signature, id);
    }
}

fn get_or_insert(
    tx: &Transaction<'_>,
    select: &str,
    insert: &str,
    words: impl Params + Copy,
) -> Result<i64> {
    let found = tx
        .prepare_cached(select)?
        .query_row(words, |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => tx.prepare_cached(insert)?.insert(words),
    }
}

/// The row of a signature.
pub(super) fn signature_row(tx: &Transaction<'_>, signature: Signature) -> Result<Option<i64>> {
    tx.prepare_cached("SELECT id FROM signature WHERE hash = ?1")?
        .query_row([signature.to_bytes()], |row| row.get(0))
        .optional()
}

/// The row of a build, which is as old as the process that it was met in first.
pub(super) fn build_row(tx: &Transaction<'_>, build: &str, since: Timestamp) -> Result<i64> {
    tx.prepare_cached(
        "INSERT INTO build (build_id, first_at) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at)
         RETURNING id",
    )?
    .query_row(params![build, since.as_millis()], |row| row.get(0))
}

fn load_stack(tx: &Transaction<'_>, hash: u128, service: i64) -> Result<Option<StackIds>> {
    tx.prepare_cached(
        "SELECT stack.id, signature.id, signature.hash
         FROM stack JOIN signature ON signature.id = stack.signature_id
         WHERE stack.hash = ?1 AND stack.service_id = ?2",
    )?
    .query_row(params![hash.to_be_bytes(), service], stack_ids)
    .optional()
}

fn stack_ids(row: &Row<'_>) -> Result<StackIds> {
    Ok(StackIds {
        stack: row.get(0)?,
        signature: row.get(1)?,
        hash: Signature::from_bytes(row.get(2)?),
    })
}

/// The row of a stack that is new.
pub(super) fn insert_stack(
    tx: &Transaction<'_>,
    stack: &Stack,
    service: i64,
    signature: i64,
) -> Result<i64> {
    let index = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT INTO stack (hash, service_id, signature_id, rules, cut, elided_after,
                            elided_frames, site, frames)
         VALUES (:hash, :service, :signature, :rules, :cut, :after, :elided, :site, :frames)",
    )?
    .insert(named_params! {
        ":hash": stack.hash.to_be_bytes(),
        ":service": service,
        ":signature": signature,
        ":rules": stack.rules,
        ":cut": stack.cut,
        ":after": stack.elision.map(|elision| index(elision.after)),
        ":elided": stack.elision.and_then(|elision| elision.frames),
        ":site": index(stack.site),
        ":frames": frames::pack(&stack.frames),
    })
}

/// What is told of a signature.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) rules: u32,
    pub(super) site: Option<&'a Frame>,
    /// Functions, leaf first, one a line.
    pub(super) frames: String,
}

impl<'a> Told<'a> {
    /// What a stack tells of its signature.
    pub(super) fn by(stack: &'a Stack) -> Self {
        let names: Vec<&str> = stack.identifying().map(|frame| &*frame.function).collect();
        Self {
            rules: stack.rules,
            site: stack.site(),
            frames: names.join("\n"),
        }
    }
}

/// A signature seen at `at` (milliseconds) for the first time.
pub(super) fn insert_signature(
    tx: &Transaction<'_>,
    signature: Signature,
    told: &Told<'_>,
    (at, incarnation): (i64, i64),
) -> Result<i64> {
    let (function, file, line) = told.site.map_or(("", "", 0), |frame| {
        (&*frame.function, &*frame.file, frame.line)
    });
    // It may have been the old name of another one.
    tx.prepare_cached("DELETE FROM signature_alias WHERE hash = ?1")?
        .execute([signature.to_bytes()])?;
    tx.prepare_cached(
        "INSERT INTO signature (hash, rules, where_function, where_file, where_line, frames,
                                first_at, first_incarnation_id, last_at)
         VALUES (:hash, :rules, :function, :file, :line, :frames, :at, :incarnation, :at)",
    )?
    .insert(named_params! {
        ":hash": signature.to_bytes(),
        ":rules": told.rules,
        ":function": function,
        ":file": file,
        ":line": line,
        ":frames": told.frames,
        ":at": at,
        ":incarnation": incarnation,
    })
}
