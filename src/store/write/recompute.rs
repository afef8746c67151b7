//! Stored stacks under newer rules of identity.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior, params};

use super::names::{Told, insert_signature, signature_row};
use super::repoint::repoint;
use crate::model::{Elision, Frame, Stack};
use crate::store::{DaemonLock, Steps, StoreError, frames, open};

/// Derives a stack from its hash, frames (leaf first), elision and whether it was cut.
pub type Derive = fn(u128, Vec<Frame>, Option<Elision>, bool) -> Stack;

/// What recomputing changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recomputed {
    /// Stacks in the database.
    pub stacks: u64,
    /// Of these, stacks that were of older rules.
    pub older: u64,
    /// Of these, stacks that count as another signature now.
    pub moved: u64,
    /// Stacks of older rules that cannot be read, and stay as they are.
    pub damaged: u64,
}

/// A stored stack, and what it counted as.
struct Stored {
    id: i64,
    service: i64,
    signature: i64,
    derived: Stack,
}

/// Brings every stack of older rules under `rules`, in one transaction; samples refer to stacks and
/// stay as they are. Old prefixes go on to lead where their stacks went. Each such stack is a step.
///
/// # Errors
/// When the file cannot be opened or written, or when newer rules than `rules` wrote it.
pub fn recompute(
    path: &Path,
    _lock: &DaemonLock,
    rules: u32,
    derive: Derive,
    steps: &Steps,
) -> Result<Recomputed, StoreError> {
    refuse_newer(path, rules)?;
    let mut connection = open::open_writing(path)?;
    let failed = |source| StoreError::sqlite("recompute signatures in", path, source);
    let tx = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    let mut done = bring_under(&tx, (rules, derive), steps).map_err(failed)?;
    let stacks: i64 = tx
        .query_row("SELECT count(*) FROM stack", [], |row| row.get(0))
        .map_err(failed)?;
    done.stacks = stacks.cast_unsigned();
    tx.commit().map_err(failed)?;
    Ok(done)
}

/// Refuses a file of newer rules before anything in it is changed.
fn refuse_newer(path: &Path, rules: u32) -> Result<(), StoreError> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) || !path.exists() {
        return Ok(());
    }
    open::schema(path)?;
    let failed = |source| StoreError::sqlite("read", path, source);
    let newest: Option<u32> = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|file| file.query_row("SELECT max(rules) FROM stack", [], |row| row.get(0)))
        .map_err(failed)?;
    match newest {
        Some(newest) if newest > rules => Err(StoreError::NewerRules {
            path: path.to_owned(),
            rules: newest,
            known: rules,
        }),
        _ => Ok(()),
    }
}

fn bring_under(
    tx: &Transaction<'_>,
    (rules, derive): (u32, Derive),
    steps: &Steps,
) -> rusqlite::Result<Recomputed> {
    // Full stacks first: a cut one goes where the full stacks went that it counted as.
    let stored: Vec<Option<Stored>> = tx
        .prepare(
            "SELECT id, hash, service_id, signature_id, cut, elided_after, elided_frames, frames
                  FROM stack WHERE rules < ?1 ORDER BY cut, id",
        )?
        .query_map([rules], |row| read(row, derive))?
        .collect::<rusqlite::Result<_>>()?;
    let mut went: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    let mut done = Recomputed::default();
    steps.begin(stored.len());
    for stack in &stored {
        done.older += 1;
        steps.one();
        let Some(stack) = stack else {
            done.damaged += 1;
            continue;
        };
        let followed = went
            .get(&stack.signature)
            .filter(|to| stack.derived.cut && to.len() == 1)
            .and_then(BTreeSet::first);
        let new = match followed {
            Some(new) => *new,
            None => signature_of(tx, stack)?,
        };
        if !stack.derived.cut {
            went.entry(stack.signature).or_default().insert(new);
        }
        if new != stack.signature {
            repoint(tx, stack.id, stack.service, (stack.signature, new))?;
            done.moved += 1;
        }
        let site = i64::try_from(stack.derived.site).unwrap_or(i64::MAX);
        tx.prepare_cached("UPDATE stack SET rules = ?2, site = ?3 WHERE id = ?1")?
            .execute(params![stack.id, rules, site])?;
    }
    tx.execute("UPDATE signature SET rules = ?1 WHERE rules < ?1", [rules])?;
    Ok(done)
}

/// A stack; `None` when its frames are damaged.
fn read(row: &Row<'_>, derive: Derive) -> rusqlite::Result<Option<Stored>> {
    let hash = u128::from_be_bytes(row.get(1)?);
    let (after, elided): (Option<u32>, _) = (row.get(5)?, row.get(6)?);
    let elision = after.map(|after| Elision {
        after: after as usize,
        frames: elided,
    });
    let text: String = row.get(7)?;
    let Some(frames) = frames::unpack(&text) else {
        return Ok(None);
    };
    Ok(Some(Stored {
        id: row.get(0)?,
        service: row.get(2)?,
        signature: row.get(3)?,
        derived: derive(hash, frames, elision, row.get(4)?),
    }))
}

/// The row of what a stack counts as; a new one grows as old as what it inherits.
fn signature_of(tx: &Transaction<'_>, stack: &Stored) -> rusqlite::Result<i64> {
    if let Some(id) = signature_row(tx, stack.derived.signature)? {
        return Ok(id);
    }
    let first = tx.query_row(
        "SELECT last_at, first_incarnation_id FROM signature WHERE id = ?1",
        [stack.signature],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    insert_signature(
        tx,
        stack.derived.signature,
        &Told::by(&stack.derived),
        first,
    )
}
