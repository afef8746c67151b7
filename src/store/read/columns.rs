//! The looks of blocks, one at a time, in order of time.

use std::collections::VecDeque;

use super::Reader;
use super::cold::{BlockKey, BlockRow};
use super::instance::unsigned;
use super::look::{GroupRow, LookRow, Looked, SnapshotRow, grouped};
use crate::model::Timestamp;
use crate::store::block::{SeriesKey, Tick};
use crate::store::detail_block::{self, DetailTick};
use crate::store::hot::{Kept, PulseEntry};
use crate::store::write::FORMS;

/// The blocks of one kind of a process. What comes late has blocks of its own: those that overlap are
/// opened together.
pub(super) struct Cold<C> {
    life: i64,
    bounds: (i64, i64),
    /// By first tick.
    blocks: VecDeque<BlockKey>,
    open: Vec<C>,
    /// Time, open block and tick in it, in order.
    ticks: VecDeque<(i64, usize, usize)>,
    /// Looks in blocks that are damaged, so far.
    pub(super) damaged: u64,
}

/// A block with its columns.
pub(super) trait Columns: Sized {
    /// What it is of.
    const KEPT: Kept;

    /// The columns of a block; `None` when one is damaged.
    fn of(row: &BlockRow) -> Option<Self>;

    /// When its looks were, in order.
    fn times(&self) -> impl Iterator<Item = i64>;

    /// The look at place `at`.
    fn look(&self, at: usize, life: i64) -> Option<LookRow>;
}

impl<C: Columns> Cold<C> {
    pub(super) fn load(
        reader: &Reader,
        life: i64,
        (since, until): (Timestamp, Timestamp),
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            life,
            bounds: (since.as_millis(), until.as_millis()),
            blocks: reader.blocks(C::KEPT, life, (since, until))?.into(),
            open: Vec::new(),
            ticks: VecDeque::new(),
            damaged: 0,
        })
    }

    /// The time of the next look.
    pub(super) fn peek(&mut self, reader: &Reader) -> rusqlite::Result<Option<Timestamp>> {
        while self.ticks.is_empty() && !self.blocks.is_empty() {
            self.open(reader)?;
        }
        Ok(self
            .ticks
            .front()
            .map(|(at, ..)| Timestamp::from_millis(*at)))
    }

    /// Opens the next block, and all that overlap it.
    fn open(&mut self, reader: &Reader) -> rusqlite::Result<()> {
        self.open.clear();
        let mut end = i64::MIN;
        let mut ticks = Vec::new();
        while let Some(key) = self.blocks.front().copied() {
            if !self.open.is_empty() && key.from > end {
                break;
            }
            self.blocks.pop_front();
            end = end.max(key.to);
            let Some(columns) = C::of(&reader.block(key)?) else {
                self.damaged += unsigned(key.ticks);
                continue;
            };
            let nth = self.open.len();
            let (since, until) = self.bounds;
            let times = columns.times().enumerate();
            let wanted = times.filter(|(_, at)| (since..=until).contains(at));
            ticks.extend(wanted.map(|(place, at)| (at, nth, place)));
            self.open.push(columns);
        }
        ticks.sort_unstable();
        self.ticks = ticks.into();
        Ok(())
    }

    /// The next look.
    pub(super) fn next(&mut self) -> Option<LookRow> {
        let (_, block, at) = self.ticks.pop_front()?;
        self.open.get(block)?.look(at, self.life)
    }
}

/// A block of pulses.
pub(super) struct Pulses {
    ticks: Vec<Tick>,
    series: Vec<(SeriesKey, Vec<u64>)>,
}

impl Columns for Pulses {
    const KEPT: Kept = Kept::Pulses;

    fn of(row: &BlockRow) -> Option<Self> {
        let block = row.unpack()?;
        let mut series = Vec::new();
        for (nth, key) in block.keys().enumerate() {
            let mut counts = Vec::new();
            block.column(nth, &mut counts)?;
            series.push((key, counts));
        }
        Some(Self {
            ticks: block.ticks().to_vec(),
            series,
        })
    }

    fn times(&self) -> impl Iterator<Item = i64> {
        self.ticks.iter().map(|tick| tick.at)
    }

    fn look(&self, at: usize, life: i64) -> Option<LookRow> {
        let present = self.series.iter().filter_map(|(key, counts)| {
            let count = counts.get(at).copied().filter(|count| *count > 0)?;
            Some(key.with(count))
        });
        let entries: Vec<PulseEntry> = present.collect();
        let tick = self.ticks.get(at)?;
        Some(look(tick, "pulse", life, grouped(&entries)))
    }
}

/// A block of details and proofs.
pub(super) struct Details {
    ticks: Vec<DetailTick>,
    columns: detail_block::Columns,
}

impl Columns for Details {
    const KEPT: Kept = Kept::Details;

    fn of(row: &BlockRow) -> Option<Self> {
        let block = row.unpack_details()?;
        Some(Self {
            ticks: block.ticks().to_vec(),
            columns: block.columns(|_| true)?,
        })
    }

    fn times(&self) -> impl Iterator<Item = i64> {
        self.ticks.iter().map(|tick| tick.tick.at)
    }

    fn look(&self, at: usize, life: i64) -> Option<LookRow> {
        let tick = self.ticks.get(at)?;
        let groups = self.columns.entries(at).into_iter().map(GroupRow::from);
        Some(look(&tick.tick, tick.kind(), life, groups.collect()))
    }
}

fn look(tick: &Tick, kind: &str, life: i64, groups: Vec<GroupRow>) -> LookRow {
    let form = usize::try_from(tick.form).ok();
    let form = form.and_then(|form| FORMS.get(form)).unwrap_or(&"");
    LookRow {
        at: Timestamp::from_millis(tick.at),
        kind: kind.to_owned(),
        took_ms: tick.took_ms,
        outcome: Looked::Snapshot(SnapshotRow {
            incarnation: life,
            form: (*form).to_owned(),
            goroutines: tick.goroutines,
            own: tick.own,
            complained: tick.complained,
            truncated: tick.truncated,
            complaints: tick.complaints.clone(),
            groups,
        }),
    }
}
