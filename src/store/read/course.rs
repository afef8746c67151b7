//! What a process did in a window: fetched from the file in one go, unpacked wherever there is time.

use std::collections::{BTreeMap, HashSet};

use super::cold::BlockRow;
use super::day::{self, Days};
use super::{Dictionary, Reader, SignatureKey, StoreError};
use crate::model::Timestamp;
use crate::store::block::{Block, Tick};
use crate::store::course::Course;
use crate::store::damage::unless_damaged;
use crate::store::hot::{Kept, unpack_pulse};
use crate::store::part::{DAY_MS, Grain, Part, PartBuilder, part_of};
use crate::store::summary;

/// Where slots come from: what they say is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From summaries, where there are any.
    Summaries,
    /// From every sample.
    Samples,
}

/// The window of one process as it lies in the file; to be unpacked on any thread.
#[derive(Debug)]
pub struct PackedCourse {
    since: i64,
    until: i64,
    grain: Grain,
    /// What is told by days whatever the grain.
    days: Days,
    pieces: Vec<Piece>,
    pulses: Vec<Pulse>,
}

#[derive(Debug)]
enum Piece {
    /// A day, drawn together already.
    Day(Part),
    Summary(Vec<u8>),
    Block(BlockRow),
}

#[derive(Debug)]
struct Pulse {
    at: i64,
    goroutines: u64,
    truncated: bool,
    groups: Vec<u8>,
}

impl Reader {
    /// Fetches the pulses of a process between two moments, inclusive.
    pub fn course(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        grain: Grain,
    ) -> Result<PackedCourse, StoreError> {
        let days = self.told_days(since, until, grain)?;
        let drawn = self.drawn(&days)?;
        let fetch = || -> rusqlite::Result<PackedCourse> {
            Ok(PackedCourse {
                since: since.as_millis(),
                until: until.as_millis(),
                grain,
                pieces: self.pieces(incarnation, (since, until), grain, &drawn)?,
                pulses: self.pulses(incarnation, since, until)?,
                days,
            })
        };
        fetch().map_err(|source| self.failed(source))
    }

    fn pieces(
        &self,
        incarnation: i64,
        (since, until): (Timestamp, Timestamp),
        grain: Grain,
        drawn: &Days,
    ) -> rusqlite::Result<Vec<Piece>> {
        let mut pieces = self.days_of(incarnation, drawn)?;
        let are_asked = grain != Grain::Poll && self.source == Source::Summaries;
        let summed = are_asked.then(|| self.summed_blocks(incarnation, (since, until), drawn));
        // Where there are no summaries, or they cannot be read, samples tell the same.
        let blocks = if let Some(summed) = summed.transpose()?.flatten() {
            summed
        } else {
            let blocks = self.blocks(Kept::Pulses, incarnation, (since, until))?;
            blocks.into_iter().map(|key| (key, None)).collect()
        };
        for (key, summary) in blocks {
            if drawn.contains(&key.from.div_euclid(DAY_MS)) {
                continue;
            }
            let is_whole = since.as_millis() <= key.from && key.to <= until.as_millis();
            pieces.push(match summary.filter(|_| is_whole) {
                Some((crc, data)) if crc32c::crc32c(&data) == crc => Piece::Summary(data),
                _ => Piece::Block(self.block(key)?),
            });
        }
        Ok(pieces)
    }

    /// Days that are read as such, and the blocks that are not in them yet.
    fn days_of(&self, incarnation: i64, drawn: &Days) -> rusqlite::Result<Vec<Piece>> {
        if drawn.is_empty() {
            return Ok(Vec::new());
        }
        let days = unless_damaged(day::parts(&self.connection, incarnation, drawn.clone()))?;
        let days = days.unwrap_or_default().into_iter();
        let mut pieces: Vec<Piece> = days.map(Piece::Day).collect();
        let due = self.not_in_days(incarnation, drawn)?;
        if !due.is_empty() {
            let [from, to] = day::bounds(drawn).map(Timestamp::from_millis);
            for key in self.blocks(Kept::Pulses, incarnation, (from, to))? {
                if drawn.contains(&key.from.div_euclid(DAY_MS)) && due.contains(&key.id) {
                    pieces.push(Piece::Block(self.block(key)?));
                }
            }
        }
        Ok(pieces)
    }

    fn pulses(
        &self,
        incarnation: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Vec<Pulse>> {
        let mut pulses = Vec::new();
        self.each_pulse(incarnation, since, until, |row| {
            pulses.push(Pulse {
                at: row.at.as_millis(),
                goroutines: row.goroutines,
                truncated: row.truncated,
                groups: row.groups.to_owned(),
            });
        })?;
        Ok(pulses)
    }
}

impl PackedCourse {
    /// Unpacks it; `wanted` limits the signatures. What is damaged is unknown.
    pub fn unpack(
        &self,
        dictionary: &Dictionary,
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Course {
        let is_wanted = |key: &SignatureKey| wanted.is_none_or(|all| all.contains(key));
        let mut parts = Vec::with_capacity(self.pieces.len() + 1);
        for piece in &self.pieces {
            let part = match piece {
                Piece::Day(part) => Some(Part {
                    slots: part.slots.clone(),
                    series: part.series.only(is_wanted),
                }),
                Piece::Summary(data) => {
                    let part = summary::unpack(data, is_wanted);
                    part.map(|part| match part.span() {
                        Some((begin, _)) if self.grain(begin) == Grain::Day => {
                            part.coarser(|at| self.grain(at))
                        }
                        _ => part,
                    })
                }
                Piece::Block(row) => row
                    .unpack()
                    .and_then(|block| self.of_block(&block, dictionary, wanted)),
            };
            parts.extend(part);
        }
        parts.push(self.of_pulses(dictionary, wanted));
        Course::of(parts)
    }

    /// How finely pulses of a moment are told apart.
    fn grain(&self, at: i64) -> Grain {
        match self.grain {
            _ if self.days.contains(&at.div_euclid(DAY_MS)) => Grain::Day,
            // A day of which the window has a part.
            Grain::Day => Grain::Slot,
            grain => grain,
        }
    }

    fn of_block(
        &self,
        block: &Block,
        dictionary: &Dictionary,
        wanted: Option<&HashSet<SignatureKey>>,
    ) -> Option<Part> {
        let window = self.since..=self.until;
        let is_compared = |tick: &Tick| window.contains(&tick.at) && !tick.truncated;
        let ticks = block.ticks().iter();
        let pulses = ticks.map(|tick| (tick.at, tick.goroutines, is_compared(tick)));
        part_of(
            block,
            PartBuilder::new(pulses, |at| self.grain(at)),
            |stack| dictionary.signature(stack, wanted),
        )
    }

    fn of_pulses(&self, dictionary: &Dictionary, wanted: Option<&HashSet<SignatureKey>>) -> Part {
        let mut good = Vec::with_capacity(self.pulses.len());
        let mut columns: BTreeMap<SignatureKey, Vec<u64>> = BTreeMap::new();
        for pulse in self.pulses.iter().filter(|pulse| !pulse.truncated) {
            let mut entries = Vec::new();
            // Nothing of a row that breaks off half way may count.
            if unpack_pulse(&pulse.groups, |entry| entries.push(entry)).is_none() {
                continue;
            }
            let nth = good.len();
            good.push((pulse.at, pulse.goroutines, true));
            for entry in entries {
                let Some(signature) = dictionary.signature(entry.stack, wanted) else {
                    continue;
                };
                let column = columns.entry(signature).or_default();
                // Absent up to here.
                column.resize(nth + 1, 0);
                if let Some(count) = column.last_mut() {
                    *count = count.saturating_add(entry.count);
                }
            }
        }
        let len = good.len();
        let mut builder = PartBuilder::new(good.into_iter(), |at| self.grain(at));
        for (signature, mut column) in columns {
            column.resize(len, 0);
            builder.push(signature, &column);
        }
        builder.finish()
    }
}
