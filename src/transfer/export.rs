//! From a history to lines: all that it has, so that an import of them is the same history.
//!
//! The looks of one instance are in order of time, and instances follow one another by service and
//! address. What is in memory is one block, and every distinct stack.

use std::io::{self, Write};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::fact::{FORMAT, Fact, History};
use super::looks::Looks;
use super::part::{Wanted, cut, lived};
use super::told::{
    day_fact, event_fact, known_fact, last_fact, process, proof_fact, stack_fact, watched,
};
use super::write::{Dictionary, json};
use crate::model::InstanceId;
use crate::store::{Lives, Reader, StoreError};

/// Text is handed on when there is this much of it.
const FULL: usize = 256 << 10;

/// Why a history cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is called so.
    #[error("no {what} `{name}` in this database")]
    Unknown {
        /// Service or instance.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// Nobody takes it.
    #[error("failed to write the history")]
    Write(#[source] io::Error),
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Looks, snapshots and failures.
    pub looks: u64,
    /// Looks that are damaged in the file, and were left out.
    pub damaged: u64,
}

/// Writes a history, or a part of it. A whole one has the tables that polling has built up as well.
pub fn export(
    reader: &Reader,
    wanted: &Wanted,
    out: &mut dyn Write,
) -> Result<Exported, ExportError> {
    let known: Vec<Arc<InstanceId>> = reader.instance_ids()?.into_values().collect();
    if let Some(error) = wanted.unknown_name(&known) {
        return Err(error);
    }
    let lives = reader.lives()?;
    let by_row: Lives = lives.iter().map(|life| (life.id, life.clone())).collect();
    let mut lines = Lines {
        out,
        text: String::new(),
    };
    let kept = reader.kept_since()?;
    lines.fact(&Fact::History(History {
        format: FORMAT.to_owned(),
        kept_since: kept,
        days_since: match kept {
            Some(_) => reader.days_kept_since()?,
            None => None,
        },
    }))?;
    for life in lives.iter().filter(|life| lived(life, &lives, wanted)) {
        lines.fact(&process(life))?;
    }
    let mut watches = reader.watches()?;
    watches.retain_mut(|(_, record)| cut(record, wanted));
    for (_, record) in &watches {
        if let Some(watch) = watched(record) {
            lines.fact(&watch)?;
        }
    }
    let mut dictionary = Dictionary::new(reader.words()?);
    if wanted.is_all() {
        lines.each(|on| reader.each_known(&by_row, |known| on(known_fact(known))))?;
    }
    lines.each(|on| {
        reader.each_stack(|stack| {
            if wanted.is_all() {
                on(Some(Fact::Stack(stack_fact(&stack))));
            }
            dictionary.add(stack);
        })
    })?;
    if wanted.is_all() {
        lines.each(|on| reader.each_proof(&by_row, |proved| on(Some(proof_fact(&proved)))))?;
    }
    // Before the looks: what is drawn of those adds to the day in which snapshots begin.
    if let Some(kept) = kept.filter(|_| wanted.is_all()) {
        lines.each(|on| reader.each_day(&by_row, kept, |known| on(day_fact(known))))?;
    }
    let mut looks = Looks::new(reader, wanted, (lives, &watches), dictionary);
    looks.write(&mut lines)?;
    if wanted.is_all() {
        let mut last = FxHashMap::default();
        lines.each(|on| {
            reader.each_series(&by_row, |known| on(looks.series_fact(known, &mut last)))
        })?;
        lines.each(|on| reader.each_last(|known| on(last_fact(&known, &last))))?;
    }
    lines.each(|on| reader.each_event(|known| on(event_fact(known, wanted))))?;
    lines.flush()?;
    Ok(looks.exported())
}

/// Lines on their way out.
pub(super) struct Lines<'a> {
    out: &'a mut dyn Write,
    pub(super) text: String,
}

impl Lines<'_> {
    fn fact(&mut self, fact: &Fact) -> Result<(), ExportError> {
        self.text.push_str(&json(fact));
        self.text.push('\n');
        self.flush_full()
    }

    /// Writes the facts of one table, which is read whole.
    fn each(
        &mut self,
        read: impl FnOnce(&mut dyn FnMut(Option<Fact>)) -> Result<(), StoreError>,
    ) -> Result<(), ExportError> {
        let mut written = Ok(());
        read(&mut |fact| {
            if let (Some(fact), Ok(())) = (fact, &written) {
                written = self.fact(&fact);
            }
        })?;
        written
    }

    /// Hands on what is enough for it.
    pub(super) fn flush_full(&mut self) -> Result<(), ExportError> {
        if self.text.len() < FULL {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        let written = self.out.write_all(self.text.as_bytes());
        self.text.clear();
        written.map_err(ExportError::Write)
    }
}
