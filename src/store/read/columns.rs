//! The pulses of blocks, one at a time, in order of time.

use std::collections::VecDeque;

use rusqlite::params;

use super::Reader;
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
    /// Row, first and last tick, number of ticks; by first tick.
    blocks: VecDeque<(i64, i64, i64, i64)>,
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
        let blocks = reader
            .connection
            .prepare_cached(
                "SELECT id, from_at, to_at, ticks FROM block
                 WHERE incarnation_id = ?1 AND from_at <= ?3 AND to_at >= ?2 ORDER BY from_at, id",
            )?
            .query_map(params![life, since.as_millis(), until.as_millis()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            life,
            bounds: (since.as_millis(), until.as_millis()),
            blocks,
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
        while let Some((id, from, to, len)) = self.blocks.front().copied() {
            if !self.open.is_empty() && from > end {
                break;
            }
            self.blocks.pop_front();
            end = end.max(to);
            let Some(columns) = Columns::load(reader, id)? else {
                self.damaged += unsigned(len);
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
    /// Opens a block; `None` when it is damaged.
    fn load(reader: &Reader, id: i64) -> rusqlite::Result<Option<Self>> {
        let mut select = reader
            .connection
            .prepare_cached("SELECT crc, data FROM block WHERE id = ?1")?;
        let mut rows = select.query([id])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let (crc, data): (u32, _) = (row.get(0)?, row.get_ref(1)?.as_blob()?);
        let sound = crc32c::crc32c(data) == crc;
        Ok(sound.then(|| Self::unpack(data)).flatten())
    }

    fn unpack(data: &[u8]) -> Option<Self> {
        let block = Block::unpack(data)?;
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
