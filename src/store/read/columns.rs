//! The pulses of blocks, one at a time, in order of time.

use std::collections::VecDeque;

use super::Reader;
use super::cold::BlockKey;
use super::instance::unsigned;
use super::look::{LookRow, Looked, SnapshotRow, grouped};
use crate::model::Timestamp;
use crate::store::block::{Block, SeriesKey, Tick};
use crate::store::hot::PulseEntry;
use crate::store::write::FORMS;

/// The blocks of a process. Late pulses have blocks of their own: those that overlap are opened
/// together.
pub(super) struct Cold {
    life: i64,
    bounds: (i64, i64),
    /// By first tick.
    blocks: VecDeque<BlockKey>,
    open: Vec<Columns>,
    /// Time, open block and tick in it, in order.
    ticks: VecDeque<(i64, usize, usize)>,
    /// Pulses in blocks that are damaged, so far.
    pub(super) damaged: u64,
}

/// A block with its columns.
struct Columns {
    ticks: Vec<Tick>,
    series: Vec<(SeriesKey, Vec<u64>)>,
}

impl Cold {
    pub(super) fn load(
        reader: &Reader,
        life: i64,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            life,
            bounds: (since.as_millis(), until.as_millis()),
            blocks: reader.blocks(life, since, until)?.into(),
            open: Vec::new(),
            ticks: VecDeque::new(),
            damaged: 0,
        })
    }

    /// The time of the next pulse.
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
            let block = reader.block(key)?.unpack();
            let Some(columns) = block.as_ref().and_then(Columns::of) else {
                self.damaged += unsigned(key.ticks);
                continue;
            };
            let nth = self.open.len();
            let (since, until) = self.bounds;
            let times = columns.ticks.iter().enumerate();
            let wanted = times.filter(|(_, tick)| since <= tick.at && tick.at <= until);
            ticks.extend(wanted.map(|(at, tick)| (tick.at, nth, at)));
            self.open.push(columns);
        }
        ticks.sort_unstable();
        self.ticks = ticks.into();
        Ok(())
    }

    /// The next pulse.
    pub(super) fn next(&mut self) -> Option<LookRow> {
        let (_, block, at) = self.ticks.pop_front()?;
        self.open.get(block)?.look(at, self.life)
    }
}

impl Columns {
    /// The columns of a block; `None` when one is damaged.
    fn of(block: &Block) -> Option<Self> {
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

    fn look(&self, at: usize, life: i64) -> Option<LookRow> {
        let tick = self.ticks.get(at)?;
        let present = self.series.iter().filter_map(|(key, counts)| {
            let count = counts.get(at).copied().filter(|count| *count > 0)?;
            Some(PulseEntry {
                stack: key.stack,
                state: key.state,
                labels: key.labels,
                count,
            })
        });
        let entries: Vec<PulseEntry> = present.collect();
        let form = usize::try_from(tick.form).ok();
        Some(LookRow {
            at: Timestamp::from_millis(tick.at),
            kind: "pulse".to_owned(),
            took_ms: tick.took_ms,
            outcome: Looked::Snapshot(SnapshotRow {
                incarnation: life,
                form: form
                    .and_then(|form| FORMS.get(form))
                    .unwrap_or(&"")
                    .to_string(),
                goroutines: tick.goroutines,
                own: tick.own,
                complained: tick.complained,
                truncated: tick.truncated,
                complaints: tick.complaints.clone(),
                groups: grouped(&entries),
            }),
        })
    }
}
