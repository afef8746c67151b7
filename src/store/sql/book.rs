//! Row ids to words, learned as they are met: a word costs a look-up once, not once a sample.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

/// What a stack counts as.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) id: i64,
    pub(super) hex: String,
    pub(super) function: String,
    pub(super) file: String,
    pub(super) line: i64,
}

/// A state as Go printed it, and its wait kind.
#[derive(Debug)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) kind: String,
}

/// What row ids stand for. Lives as long as one statement, which sees one moment.
#[derive(Debug, Default)]
pub(super) struct Book {
    signatures: Known<Signature>,
    states: Known<State>,
    labels: Known<String>,
    /// The last pattern, and the stacks of the signatures that it fits.
    like: Option<(Value, HashSet<i64>)>,
}

/// Rows that were looked up; `None` for those that are not there.
type Known<T> = HashMap<i64, Option<Rc<T>>>;

impl Book {
    pub(super) fn signature(
        &mut self,
        on: &Connection,
        stack: i64,
    ) -> Result<Option<Rc<Signature>>> {
        let sql = "SELECT signature.id, lower(hex(signature.hash)), where_function, where_file,
                          where_line
                   FROM stack JOIN signature ON signature.id = stack.signature_id
                   WHERE stack.id = ?1";
        look_up(&mut self.signatures, on, sql, stack, |row| {
            Ok(Signature {
                id: row.get(0)?,
                hex: row.get(1)?,
                function: row.get(2)?,
                file: row.get(3)?,
                line: row.get(4)?,
            })
        })
    }

    pub(super) fn state(&mut self, on: &Connection, id: i64) -> Result<Option<Rc<State>>> {
        let sql = "SELECT name, kind FROM state WHERE id = ?1";
        look_up(&mut self.states, on, sql, id, |row| {
            Ok(State {
                name: row.get(0)?,
                kind: row.get(1)?,
            })
        })
    }

    pub(super) fn labels(&mut self, on: &Connection, id: i64) -> Result<Option<Rc<String>>> {
        let sql = "SELECT labels FROM label_set WHERE id = ?1";
        look_up(&mut self.labels, on, sql, id, |row| row.get(0))
    }

    /// The stacks that all comparisons leave; `None`: they leave all.
    pub(super) fn stacks(
        &mut self,
        on: &Connection,
        comparisons: &[(String, Value)],
    ) -> Result<Option<HashSet<i64>>> {
        let mut left: Option<HashSet<i64>> = None;
        for (word, value) in comparisons {
            let Some(stacks) = self.fitting(on, word, value)? else {
                continue;
            };
            left = Some(match left {
                None => stacks,
                Some(left) => left.intersection(&stacks).copied().collect(),
            });
        }
        Ok(left)
    }

    fn fitting(
        &mut self,
        on: &Connection,
        word: &str,
        value: &Value,
    ) -> Result<Option<HashSet<i64>>> {
        Ok(match (word, value) {
            ("stack_id=", Value::Integer(id)) => Some(HashSet::from([*id])),
            ("signature_id=", Value::Integer(_)) => Some(select(
                on,
                "SELECT id FROM stack WHERE signature_id = ?1",
                value,
            )?),
            ("signature=", Value::Text(_)) => Some(select(
                on,
                "SELECT stack.id FROM signature JOIN stack ON stack.signature_id = signature.id
                 WHERE signature.hash = unhex(?1)",
                value,
            )?),
            ("signature-LIKE", Value::Text(_)) => {
                // All signatures are looked at: once for all processes that a statement reads.
                if self.like.as_ref().is_none_or(|(known, _)| known != value) {
                    let sql =
                        "SELECT stack.id FROM signature JOIN stack ON stack.signature_id = signature.id
                         WHERE hex(signature.hash) LIKE ?1";
                    self.like = Some((value.clone(), select(on, sql, value)?));
                }
                self.like.as_ref().map(|(_, stacks)| stacks.clone())
            }
            // SQLite alone knows what equals it.
            _ => None,
        })
    }
}

fn look_up<T>(
    known: &mut Known<T>,
    on: &Connection,
    sql: &str,
    id: i64,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<Rc<T>>> {
    if let Some(known) = known.get(&id) {
        return Ok(known.clone());
    }
    let found = on.prepare_cached(sql)?.query_row([id], read).optional()?;
    let found = found.map(Rc::new);
    known.insert(id, found.clone());
    Ok(found)
}

fn select(on: &Connection, sql: &str, value: &Value) -> Result<HashSet<i64>> {
    let mut statement = on.prepare_cached(sql)?;
    statement.query_map([value], |row| row.get(0))?.collect()
}
