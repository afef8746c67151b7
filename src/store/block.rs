//! Blocks: the pulses of one process in one window, as columns.
//!
//! Described byte by byte in `docs/STORAGE.md`, "Blocks". A block holds all that its hot rows held,
//! value by value; what is absent at a tick is a count of 0 there.

use std::collections::BTreeMap;

use super::column;
use super::hot::PulseEntry;
use super::unzip::{MAX_PLAIN, unzip};
use super::varint::{put, put_id, take, take_bytes, take_id};

/// First byte of every block of this layout.
const FORMAT: u8 = 1;

/// zstd level: higher ones gain under 3 % at several times the cost.
const ZSTD_LEVEL: i32 = 3;

/// Columns of a tick, in the order in which they are stored.
const TICK_COLUMNS: usize = 7;

/// A stored pulse without its groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tick {
    /// Milliseconds since 1970.
    pub(super) at: i64,
    pub(super) took_ms: u64,
    pub(super) form: u64,
    pub(super) goroutines: u64,
    pub(super) own: u64,
    pub(super) complained: u64,
    pub(super) truncated: bool,
    /// JSON.
    pub(super) complaints: Option<String>,
}

/// What a column of counts is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesKey {
    pub(super) stack: i64,
    pub(super) state: i64,
    /// 0: no labels.
    pub(super) labels: i64,
}

impl SeriesKey {
    /// So many goroutines of it.
    pub(super) const fn with(self, count: u64) -> PulseEntry {
        PulseEntry {
            stack: self.stack,
            state: self.state,
            labels: self.labels,
            count,
        }
    }
}

impl Tick {
    fn columns(&self) -> [u64; TICK_COLUMNS] {
        [
            self.at.cast_unsigned(),
            self.took_ms,
            self.form,
            self.goroutines,
            self.own,
            self.complained,
            u64::from(self.truncated),
        ]
    }

    const fn from_columns(columns: [u64; TICK_COLUMNS]) -> Self {
        let [at, took_ms, form, goroutines, own, complained, truncated] = columns;
        Self {
            at: at.cast_signed(),
            took_ms,
            form,
            goroutines,
            own,
            complained,
            truncated: truncated != 0,
            complaints: None,
        }
    }
}

/// Gathers the pulses of a window, in order of time.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ticks: Vec<Tick>,
    series: BTreeMap<SeriesKey, Vec<u64>>,
}

impl Builder {
    /// Adds a pulse.
    pub(super) fn push(&mut self, tick: Tick, entries: &[PulseEntry]) {
        let nth = self.ticks.len();
        self.ticks.push(tick);
        for entry in entries {
            let key = SeriesKey {
                stack: entry.stack,
                state: entry.state,
                labels: entry.labels,
            };
            let column = self.series.entry(key).or_default();
            // Absent up to here.
            column.resize(nth + 1, 0);
            if let Some(count) = column.last_mut() {
                *count = count.saturating_add(entry.count);
            }
        }
    }

    /// The block, compressed.
    pub(super) fn pack(&mut self) -> std::io::Result<Vec<u8>> {
        let len = self.ticks.len();
        let mut out = vec![FORMAT];
        put_ticks(&self.ticks, &mut out);
        put(&mut out, self.series.len() as u64);
        let mut bodies = Vec::new();
        let mut stack = 0;
        for (key, column) in &mut self.series {
            column.resize(len, 0);
            put_id(&mut out, key.stack - stack);
            stack = key.stack;
            put_id(&mut out, key.state);
            put_id(&mut out, key.labels);
            let before = bodies.len();
            column::encode(column, &mut bodies);
            put(&mut out, (bodies.len() - before) as u64);
        }
        out.extend_from_slice(&bodies);
        zstd::bulk::compress(&out, ZSTD_LEVEL)
    }
}

/// A block that was unpacked: ticks, and a directory of columns that are decoded one by one.
#[derive(Debug)]
pub(super) struct Block {
    plain: Vec<u8>,
    ticks: Vec<Tick>,
    /// Key, and where in `plain` the column lies.
    directory: Vec<(SeriesKey, usize, usize)>,
}

impl Block {
    /// Unpacks a block; `None` when it is damaged.
    pub(super) fn unpack(data: &[u8]) -> Option<Self> {
        let plain = unzip(data)?;
        let mut rest = plain.strip_prefix(&[FORMAT])?;
        let ticks = take_ticks(&mut rest)?;
        let mut directory = Vec::new();
        let (mut stack, mut at) = (0i64, 0usize);
        for _ in 0..take(&mut rest)? {
            stack = stack.checked_add(take_id(&mut rest)?)?;
            let key = SeriesKey {
                stack,
                state: take_id(&mut rest)?,
                labels: take_id(&mut rest)?,
            };
            let len = usize::try_from(take(&mut rest)?).ok()?;
            directory.push((key, at, len));
            at = at.checked_add(len)?;
        }
        let bodies = plain.len().checked_sub(at).filter(|_| rest.len() == at)?;
        for (_, at, _) in &mut directory {
            *at += bodies;
        }
        Some(Self {
            plain,
            ticks,
            directory,
        })
    }

    /// When its pulses were taken, and all but their groups.
    pub(super) fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// What its columns are of, ascending.
    pub(super) fn keys(&self) -> impl Iterator<Item = SeriesKey> {
        self.directory.iter().map(|(key, ..)| *key)
    }

    /// Decodes column `nth`: a count a tick. `None` when it is damaged.
    pub(super) fn column(&self, nth: usize, counts: &mut Vec<u64>) -> Option<()> {
        counts.resize(self.ticks.len(), 0);
        column::decode(self.body(nth)?, counts)
    }

    /// The count of column `nth` at every tick, where it is the same.
    pub(super) fn constant(&self, nth: usize) -> Option<u64> {
        column::constant(self.body(nth)?)
    }

    fn body(&self, nth: usize) -> Option<&[u8]> {
        let (_, at, len) = self.directory.get(nth)?;
        self.plain.get(*at..at.checked_add(*len)?)
    }
}

/// Appends ticks: how many, their columns, and the few that have complaints.
pub(super) fn put_ticks(ticks: &[Tick], out: &mut Vec<u8>) {
    put(out, ticks.len() as u64);
    let rows: Vec<[u64; TICK_COLUMNS]> = ticks.iter().map(Tick::columns).collect();
    column::put_rows(&rows, out);
    let complaints = || {
        let numbered = ticks.iter().enumerate();
        numbered.filter_map(|(nth, tick)| Some((nth, tick.complaints.as_ref()?)))
    };
    put(out, complaints().count() as u64);
    for (nth, text) in complaints() {
        put(out, nth as u64);
        put(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Takes ticks off the front; `None` when they are damaged.
pub(super) fn take_ticks(rest: &mut &[u8]) -> Option<Vec<Tick>> {
    let len = usize::try_from(take(rest)?).ok()?;
    if len > MAX_PLAIN / TICK_COLUMNS / 8 {
        return None;
    }
    let rows = column::take_rows(rest, len)?;
    let mut ticks: Vec<Tick> = rows.into_iter().map(Tick::from_columns).collect();
    for _ in 0..take(rest)? {
        let nth = usize::try_from(take(rest)?).ok()?;
        let text = std::str::from_utf8(take_bytes(rest)?).ok()?;
        ticks.get_mut(nth)?.complaints = Some(text.to_owned());
    }
    Some(ticks)
}
