//! Row ids of states, creators and label sets.

use std::sync::Arc;

use rusqlite::{OptionalExtension as _, Params, Transaction};
use rustc_hash::FxHashMap;

use super::Result;
use super::names::Names;
use crate::model::{Labels, Split};

/// States met so far are forgotten beyond this many: those of a running daemon are a few dozen, but
/// each time that its names are interned anew they are others here.
const KEEP_STATES: usize = 4_096;
/// What words beyond the limit count as; so do those of a snapshot that has too many.
const OTHER: &str = "(other)";

/// Words met so far.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// By where their names lie, which is hashed faster than what they say.
    states: FxHashMap<(usize, usize), KnownState>,
    creators: FxHashMap<Arc<str>, i64>,
    label_sets: FxHashMap<Arc<Labels>, i64>,
}

/// A state, whose names are held so that nothing else comes to lie where they do.
#[derive(Debug)]
struct KnownState {
    _state: Arc<str>,
    _kind: Arc<str>,
    id: i64,
}

/// A table of words.
struct Table {
    name: &'static str,
    select: &'static str,
    insert: &'static str,
}

const STATES: Table = Table {
    name: "state",
    select: "SELECT id FROM state WHERE name = ?1 AND kind = ?2",
    insert: "INSERT INTO state (name, kind) VALUES (?1, ?2)",
};
const CREATORS: Table = Table {
    name: "creator",
    select: "SELECT id FROM creator WHERE function = ?1",
    insert: "INSERT INTO creator (function) VALUES (?1)",
};
const LABEL_SETS: Table = Table {
    name: "label_set",
    select: "SELECT id FROM label_set WHERE labels = ?1",
    insert: "INSERT INTO label_set (labels) VALUES (?1)",
};

impl Names {
    /// The id of a state with its wait kind.
    pub(super) fn state(&mut self, tx: &Transaction<'_>, split: &Split) -> Result<i64> {
        let key = (lies_at(&split.state), lies_at(&split.kind));
        if let Some(known) = self.words.states.get(&key) {
            return Ok(known.id);
        }
        let words = [&*split.state, &*split.kind];
        let Some(id) = self.word(tx, &STATES, words)? else {
            return get_or_insert(tx, &STATES, [OTHER; 2]);
        };
        if self.words.states.len() >= KEEP_STATES {
            self.words.states.clear();
        }
        let known = KnownState {
            _state: Arc::clone(&split.state),
            _kind: Arc::clone(&split.kind),
            id,
        };
        self.words.states.insert(key, known);
        Ok(id)
    }

    pub(super) fn creator(&mut self, tx: &Transaction<'_>, function: &Arc<str>) -> Result<i64> {
        if let Some(id) = self.words.creators.get(function) {
            return Ok(*id);
        }
        let Some(id) = self.word(tx, &CREATORS, [&**function])? else {
            return get_or_insert(tx, &CREATORS, [OTHER]);
        };
        self.words.creators.insert(Arc::clone(function), id);
        Ok(id)
    }

    /// The id of a label set; 0 for the empty one.
    pub(super) fn labels(&mut self, tx: &Transaction<'_>, labels: &Arc<Labels>) -> Result<i64> {
        if labels.is_empty() {
            return Ok(0);
        }
        if let Some(id) = self.words.label_sets.get(labels) {
            return Ok(*id);
        }
        let json = serde_json::to_string(&**labels).unwrap_or_default();
        let Some(id) = self.word(tx, &LABEL_SETS, [&*json])? else {
            let other = Labels::from([(OTHER.to_owned(), OTHER.to_owned())]);
            let json = serde_json::to_string(&other).unwrap_or_default();
            return get_or_insert(tx, &LABEL_SETS, [&*json]);
        };
        self.words.label_sets.insert(Arc::clone(labels), id);
        Ok(id)
    }

    /// The row of words; `None` where they are new and their table may have no more.
    fn word(
        &mut self,
        tx: &Transaction<'_>,
        table: &Table,
        words: impl Params + Copy,
    ) -> Result<Option<i64>> {
        match find(tx, table, words)? {
            Some(id) => Ok(Some(id)),
            None if self.limit.takes_word(tx, table.name)? => insert(tx, table, words).map(Some),
            None => Ok(None),
        }
    }
}

fn find(tx: &Transaction<'_>, table: &Table, words: impl Params) -> Result<Option<i64>> {
    tx.prepare_cached(table.select)?
        .query_row(words, |row| row.get(0))
        .optional()
}

fn insert(tx: &Transaction<'_>, table: &Table, words: impl Params) -> Result<i64> {
    tx.prepare_cached(table.insert)?.insert(words)
}

fn get_or_insert(tx: &Transaction<'_>, table: &Table, words: impl Params + Copy) -> Result<i64> {
    match find(tx, table, words)? {
        Some(id) => Ok(id),
        None => insert(tx, table, words),
    }
}

/// Where a name lies in memory.
fn lies_at(name: &Arc<str>) -> usize {
    Arc::as_ptr(name).cast::<u8>().addr()
}
