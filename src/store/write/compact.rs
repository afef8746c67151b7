//! Closed windows of hot pulses become blocks, one process at a time, between the commits of polls.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{Result, rollup, summarise};
use crate::model::Timestamp;
use crate::store::block::{Block, Builder, Tick};
use crate::store::damage::unless_damaged;
use crate::store::hot::{PulseEntry, unpack_pulse};
use crate::store::part::{DAY_MS, HOUR_MS};

/// A window is closed this long after its end: what was polled in it has been stored by then.
const GRACE_MS: i64 = 60_000;

/// Windows are the shortest of these that hold as many polls as [`POLLS`].
const WINDOWS_MS: [i64; 4] = [HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, DAY_MS];

/// Fewer polls in a block cost more bytes for each.
const POLLS: i64 = 240;

/// The window of UTC that `at` lies in: its beginning and its end, exclusive.
fn window(at: i64, interval_ms: i64) -> (i64, i64) {
    let wanted = interval_ms.saturating_mul(POLLS);
    let fits = WINDOWS_MS.iter().find(|window| **window >= wanted);
    let len = fits.copied().unwrap_or(DAY_MS);
    let begin = at.div_euclid(len) * len;
    (begin, begin + len)
}

/// The oldest hot pulse of each process, and the end of its window.
#[derive(Debug, Default)]
pub(super) struct Hot {
    oldest: BTreeMap<i64, Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    begin: i64,
    end: i64,
}

impl Hot {
    /// What a daemon that died has left.
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let mut hot = Self::default();
        let mut statement = connection.prepare(
            "SELECT id, at FROM (
                 SELECT id, (SELECT min(at) FROM pulse WHERE incarnation_id = incarnation.id) AS at
                 FROM incarnation)
             WHERE at IS NOT NULL",
        )?;
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for pair in found {
            let (incarnation, at) = pair?;
            hot.note(connection, incarnation, at)?;
        }
        Ok(hot)
    }

    /// Notes a pulse that was stored.
    pub(super) fn note(&mut self, on: &Connection, incarnation: i64, at: i64) -> Result<()> {
        if self
            .oldest
            .get(&incarnation)
            .is_some_and(|open| open.begin <= at)
        {
            return Ok(());
        }
        let interval: Option<i64> = on
            .prepare_cached(
                "SELECT interval_ms FROM watch
                 JOIN incarnation ON incarnation.instance_id = watch.instance_id
                 WHERE incarnation.id = ?1 ORDER BY from_at DESC LIMIT 1",
            )?
            .query_row([incarnation], |row| row.get(0))
            .optional()?;
        let (begin, end) = window(at, interval.unwrap_or(30_000));
        self.oldest.insert(incarnation, Open { begin, end });
        Ok(())
    }

    /// Before this moment all pulses are in blocks, but for damaged ones; milliseconds.
    pub(super) fn in_blocks(&self) -> i64 {
        let begin = self.oldest.values().map(|open| open.begin).min();
        begin.unwrap_or(i64::MAX)
    }

    /// A process with a window that has closed by `now`.
    fn closed(&self, now: i64) -> Option<(i64, Open)> {
        let due = |(_, open): &(&i64, &Open)| open.end + GRACE_MS <= now;
        let found = self
            .oldest
            .iter()
            .filter(due)
            .min_by_key(|(_, open)| open.end);
        found.map(|(incarnation, open)| (*incarnation, *open))
    }
}

/// Makes blocks of windows that have closed by `now`, in one transaction of at most `time`; whether
/// more is to do.
pub(super) fn round(
    connection: &mut Connection,
    hot: &mut Hot,
    now: Timestamp,
    time: Duration,
) -> Result<bool> {
    if hot.closed(now.as_millis()).is_none() {
        return Ok(false);
    }
    let before = hot.oldest.clone();
    let more = round_of(connection, hot, now, time);
    if more.is_err() {
        // Nothing of it is in the file.
        hot.oldest = before;
    }
    more
}

fn round_of(
    connection: &mut Connection,
    hot: &mut Hot,
    now: Timestamp,
    time: Duration,
) -> Result<bool> {
    let began = Instant::now();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut more = false;
    while let Some((incarnation, open)) = hot.closed(now.as_millis()) {
        if began.elapsed() >= time {
            more = true;
            break;
        }
        compact(&tx, incarnation, open)?;
        let next: Option<i64> = tx
            .prepare_cached("SELECT min(at) FROM pulse WHERE incarnation_id = ?1 AND at >= ?2")?
            .query_row(params![incarnation, open.end], |row| row.get(0))?;
        hot.oldest.remove(&incarnation);
        if let Some(at) = next {
            hot.note(&tx, incarnation, at)?;
        }
    }
    tx.commit()?;
    Ok(more)
}

/// The pulses of one process in one window become a block. A row that cannot be unpacked stays as it
/// is, to be told as damaged.
fn compact(tx: &Transaction<'_>, incarnation: i64, open: Open) -> Result<()> {
    let mut builder = Builder::default();
    let mut taken = Vec::new();
    let ids: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM pulse WHERE incarnation_id = ?1 AND at >= ?2 AND at < ?3
             ORDER BY at, id",
        )?
        .query_map(params![incarnation, open.begin, open.end], |row| row.get(0))?
        .collect::<Result<_>>()?;
    let mut entries = Vec::new();
    for id in ids {
        entries.clear();
        // Row by row, so that a page that cannot be read does not keep the whole window.
        let tick = unless_damaged(read(tx, id, &mut entries))?;
        if let Some(tick) = tick.flatten() {
            taken.push(id);
            builder.push(tick, &entries);
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let data = builder
        .pack()
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    // The rows go only when their block can be read.
    let Some(block) = Block::unpack(&data) else {
        return Ok(());
    };
    let id = insert(tx, incarnation, &block, &data)?;
    if let Some(part) = summarise::part(tx, &block)? {
        summarise::store(tx, id, &part)?;
    }
    rollup::note(tx, id, incarnation, &block)?;
    let mut delete = tx.prepare_cached("DELETE FROM pulse WHERE id = ?1")?;
    for id in taken {
        delete.execute([id])?;
    }
    Ok(())
}

fn insert(tx: &Transaction<'_>, incarnation: i64, block: &Block, data: &[u8]) -> Result<i64> {
    let at = |tick: Option<&Tick>| tick.map_or(0, |tick| tick.at);
    let stored = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT INTO block (incarnation_id, from_at, to_at, ticks, series, crc, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .insert(params![
        incarnation,
        at(block.ticks().first()),
        at(block.ticks().last()),
        stored(block.ticks().len()),
        stored(block.keys().count()),
        crc32c::crc32c(data),
        data,
    ])
}

/// Reads one pulse; `None` when it cannot be unpacked.
fn read(tx: &Transaction<'_>, id: i64, entries: &mut Vec<PulseEntry>) -> Result<Option<Tick>> {
    tx.prepare_cached(
        "SELECT at, took_ms, form, goroutines, own, complained, truncated, complaints, groups
         FROM pulse WHERE id = ?1",
    )?
    .query_row([id], |row| {
        let groups = row.get_ref(8)?.as_blob()?;
        if unpack_pulse(groups, |entry| entries.push(entry)).is_none() {
            return Ok(None);
        }
        let unsigned = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Some(Tick {
            at: row.get(0)?,
            took_ms: unsigned(1)?,
            form: form_number(row.get_ref(2)?.as_str()?),
            goroutines: unsigned(3)?,
            own: unsigned(4)?,
            complained: unsigned(5)?,
            truncated: row.get(6)?,
            complaints: row.get(7)?,
        }))
    })
}

/// Names of forms, by the number that stands for them in blocks. Only to be added to.
pub(in crate::store) const FORMS: [&str; 4] = ["debug2", "debug1", "log", "proto"];

fn form_number(name: &str) -> u64 {
    let found = FORMS.iter().position(|known| *known == name);
    found.unwrap_or(FORMS.len()) as u64
}
