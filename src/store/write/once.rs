//! What is stored already is not stored again: history can be imported twice.

use rusqlite::{Transaction, params};
use rustc_hash::FxHashMap;

use super::Result;
use crate::model::{Kind, Note, Poll};
use crate::store::block::Block;
use crate::store::detail_block::DetailBlock;
use crate::store::hot::Kept;

/// When a look was taken, and its kind by name.
type LookKey = (i64, &'static str);

/// Knows what an import would store twice.
#[derive(Debug, Default)]
pub(super) struct Once {
    /// The newest snapshot of each process, by incarnation and kind: what is newer is new, which
    /// saves the search for most of a history that is told in its order.
    newest: FxHashMap<(i64, Kind), i64>,
    /// The block that was looked into last, with its looks.
    block: Option<((Kept, i64), Vec<LookKey>)>,
    /// Snapshots and failures that were there.
    pub(super) there: u64,
}

impl Once {
    /// Whether a snapshot of this kind and time is there; else it is taken for stored from now on.
    pub(super) fn has_snapshot(
        &mut self,
        tx: &Transaction<'_>,
        incarnation: i64,
        poll: &Poll,
    ) -> Result<bool> {
        let (kind, at) = (poll.look.kind, poll.at.as_millis());
        let newest = match self.newest.get(&(incarnation, kind)) {
            Some(newest) => Some(*newest),
            None => newest(tx, incarnation, kind)?,
        };
        if newest.is_some_and(|newest| at <= newest) {
            let there = match kind {
                Kind::Pulse => has_pulse(tx, incarnation, at)?,
                Kind::Detail | Kind::Proof => has_detail(tx, incarnation, kind, at)?,
            } || self.is_in_block(tx, incarnation, kind, at)?;
            self.there += u64::from(there);
            if there {
                return Ok(true);
            }
        }
        let newest = newest.map_or(at, |newest| newest.max(at));
        self.newest.insert((incarnation, kind), newest);
        Ok(false)
    }

    /// Whether a failure of this kind and time is there.
    pub(super) fn has_failure(
        &mut self,
        tx: &Transaction<'_>,
        instance: i64,
        poll: &Poll,
    ) -> Result<bool> {
        let there: bool = tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM failure
                                WHERE instance_id = ?1 AND at = ?2 AND kind = ?3)",
            )?
            .query_row(
                params![instance, poll.at.as_millis(), poll.look.kind.as_str()],
                |row| row.get(0),
            )?;
        self.there += u64::from(there);
        Ok(there)
    }

    fn is_in_block(
        &mut self,
        tx: &Transaction<'_>,
        incarnation: i64,
        kind: Kind,
        at: i64,
    ) -> Result<bool> {
        let kept = match kind {
            Kind::Pulse => Kept::Pulses,
            Kind::Detail | Kind::Proof => Kept::Details,
        };
        let mut select = tx.prepare_cached(&format!(
            "SELECT id FROM {} WHERE incarnation_id = ?1 AND from_at <= ?2 AND to_at >= ?2",
            kept.blocks()
        ))?;
        let blocks = select.query_map(params![incarnation, at], |row| row.get(0))?;
        for id in blocks {
            let looks = self.looks(tx, kept, id?)?;
            if looks.binary_search(&(at, kind.as_str())).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The looks that a block holds, in order; of a damaged one nothing is known.
    fn looks(&mut self, tx: &Transaction<'_>, kept: Kept, id: i64) -> Result<&[LookKey]> {
        let is_known = |(known, _): &(_, _)| *known == (kept, id);
        if !self.block.as_ref().is_some_and(is_known) {
            let data: Vec<u8> = tx
                .prepare_cached(&format!("SELECT data FROM {} WHERE id = ?1", kept.blocks()))?
                .query_row([id], |row| row.get(0))?;
            let mut looks = looks_of(kept, &data).unwrap_or_default();
            looks.sort_unstable();
            self.block = Some(((kept, id), looks));
        }
        Ok(self.block.as_ref().map_or(&[], |(_, looks)| looks))
    }
}

/// The looks of a block; `None` when it is damaged.
fn looks_of(kept: Kept, data: &[u8]) -> Option<Vec<LookKey>> {
    match kept {
        Kept::Pulses => {
            let block = Block::unpack(data)?;
            let ticks = block.ticks().iter();
            Some(ticks.map(|tick| (tick.at, Kind::Pulse.as_str())).collect())
        }
        Kept::Details => {
            let block = DetailBlock::unpack(data)?;
            let ticks = block.ticks().iter();
            Some(ticks.map(|told| (told.tick.at, told.kind())).collect())
        }
    }
}

fn has_pulse(tx: &Transaction<'_>, incarnation: i64, at: i64) -> Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM pulse WHERE incarnation_id = ?1 AND at = ?2)")?
        .query_row(params![incarnation, at], |row| row.get(0))
}

/// When the newest snapshot of a process was taken.
fn newest(tx: &Transaction<'_>, incarnation: i64, kind: Kind) -> Result<Option<i64>> {
    let sql = match kind {
        Kind::Pulse => {
            "SELECT max(at) FROM (
                 SELECT max(at) AS at FROM pulse WHERE incarnation_id = ?1
                 UNION ALL SELECT max(to_at) FROM block WHERE incarnation_id = ?1)"
        }
        Kind::Detail | Kind::Proof => {
            "SELECT max(at) FROM (
                 SELECT max(at) AS at FROM detail WHERE incarnation_id = ?1
                 UNION ALL SELECT max(to_at) FROM detail_block WHERE incarnation_id = ?1)"
        }
    };
    tx.prepare_cached(sql)?
        .query_row([incarnation], |row| row.get(0))
}

fn has_detail(tx: &Transaction<'_>, incarnation: i64, kind: Kind, at: i64) -> Result<bool> {
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM detail
                        WHERE incarnation_id = ?1 AND at = ?2 AND kind = ?3)",
    )?
    .query_row(params![incarnation, at, kind.as_str()], |row| row.get(0))
}

/// Whether an event is there.
pub(super) fn is_noted(
    tx: &Transaction<'_>,
    note: &Note,
    instance: Option<i64>,
    signature: Option<i64>,
) -> Result<bool> {
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM event WHERE at = ?1 AND kind = ?2 AND instance_id IS ?3
                            AND signature_id IS ?4 AND text = ?5)",
    )?
    .query_row(
        params![
            note.at.as_millis(),
            note.kind.as_str(),
            instance,
            signature,
            note.text
        ],
        |row| row.get(0),
    )
}
