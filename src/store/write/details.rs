//! Details become blocks, which are brought together by day and thinned with age.

use rusqlite::{OptionalExtension as _, Transaction, params};
use rustc_hash::FxHashSet;

use super::compact::tick;
use super::hot::{self, Window};
use super::quarantine::attempt;
use super::{Result, not_packed};
use crate::store::damage::unless_damaged;
use crate::store::detail_block::{Builder, DetailBlock, DetailTick};
use crate::store::hot::{DetailEntry, Kept, unpack_detail};
use crate::store::part::{DAY_MS, HOUR_MS};

/// What becomes of the details of a day at some age.
#[derive(Clone, Copy)]
struct Thinning {
    /// What `detail_block.thinned` is then.
    step: i64,
    /// Milliseconds since the day was over.
    age_ms: i64,
    /// Of each stretch as long as this only the first stays; `None`: all stay.
    stretch_ms: Option<i64>,
    /// The last of each stretch stays as well.
    keeps_last: bool,
}

/// All of a week, then one an hour for three more, then two a day.
const THINNINGS: [Thinning; 3] = [
    Thinning {
        step: 1,
        // The last window of the day has become a block.
        age_ms: 600_000,
        stretch_ms: None,
        keeps_last: true,
    },
    Thinning {
        step: 2,
        age_ms: 7 * DAY_MS,
        stretch_ms: Some(HOUR_MS),
        keeps_last: false,
    },
    Thinning {
        step: 3,
        age_ms: 30 * DAY_MS,
        stretch_ms: Some(DAY_MS),
        keeps_last: true,
    },
];

/// So many details of a day become one block; where there are more, blocks of windows are large enough.
const MOST: usize = 300;

/// The details of one process in one window become a block. A row that cannot be unpacked stays as it is,
/// to be told as damaged.
pub(super) fn compact(tx: &Transaction<'_>, incarnation: i64, window: Window) -> Result<()> {
    let mut builder = Builder::default();
    let mut taken = Vec::new();
    for id in hot::rows(tx, Kept::Details, incarnation, window)? {
        if let Some((tick, entries)) = unless_damaged(read(tx, id))?.flatten() {
            builder.push(tick, &entries);
            taken.push((id, entries));
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let data = builder.pack().map_err(not_packed)?;
    // The rows go only when their block tells all that they told.
    let Some(block) = DetailBlock::unpack(&data).filter(|block| is_whole(block, &taken)) else {
        return Ok(());
    };
    insert(tx, (incarnation, 0), &block, &data)?;
    hot::delete(tx, Kept::Details, taken.into_iter().map(|(id, _)| id))
}

/// Reads one row; `None` when it cannot be unpacked.
fn read(tx: &Transaction<'_>, id: i64) -> Result<Option<(DetailTick, Vec<DetailEntry>)>> {
    tx.prepare_cached(
        "SELECT at, took_ms, form, goroutines, own, complained, truncated, complaints, kind, body
         FROM detail WHERE id = ?1",
    )?
    .query_row([id], |row| {
        let Some(mut entries) = unpack_detail(row.get_ref(9)?.as_blob()?, |_| true) else {
            return Ok(None);
        };
        for entry in &mut entries {
            // As blocks have them.
            entry.splits.sort_unstable();
            entry.creators.sort_unstable();
        }
        let tick = DetailTick::new(tick(row)?, row.get_ref(8)?.as_str()?);
        Ok(Some((tick, entries)))
    })
}

fn is_whole(block: &DetailBlock, taken: &[(i64, Vec<DetailEntry>)]) -> bool {
    block.columns(|_| true).is_some_and(|columns| {
        let mut rows = taken.iter().enumerate();
        rows.all(|(nth, (_, entries))| columns.entries(nth) == *entries)
    })
}

fn insert(
    tx: &Transaction<'_>,
    (incarnation, thinned): (i64, i64),
    block: &DetailBlock,
    data: &[u8],
) -> Result<()> {
    let at = |tick: Option<&DetailTick>| tick.map_or(0, |tick| tick.tick.at);
    let stored = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT INTO detail_block (incarnation_id, from_at, to_at, ticks, stacks, thinned, crc, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        incarnation,
        at(block.ticks().first()),
        at(block.ticks().last()),
        stored(block.ticks().len()),
        stored(block.stacks().count()),
        thinned,
        crc32c::crc32c(data),
        data,
    ])
    .map(drop)
}

/// Thins the next day of one process that is old enough; false when there is none.
pub(super) fn thin(tx: &Transaction<'_>, now: i64) -> Result<bool> {
    for thinning in THINNINGS {
        let today = now.saturating_sub(thinning.age_ms).div_euclid(DAY_MS);
        let next: Option<(i64, i64)> = tx
            .prepare_cached(
                "SELECT incarnation_id, from_at FROM detail_block
                 WHERE thinned = ?1 AND to_at < ?2 ORDER BY to_at LIMIT 1",
            )?
            .query_row([thinning.step - 1, today * DAY_MS], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if let Some((incarnation, from)) = next {
            let day = from.div_euclid(DAY_MS);
            // Pages that cannot be written wait for `db check`.
            if attempt(tx, |tx| thin_day(tx, incarnation, day, thinning))?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Replaces the blocks of one day of a process by one with what stays of them. What is damaged stays as
/// it is.
fn thin_day(tx: &Transaction<'_>, incarnation: i64, day: i64, how: Thinning) -> Result<()> {
    let all = of_day(tx, incarnation, day, how.step)?;
    let sound = all
        .iter()
        .filter_map(|(id, block)| Some((*id, block.as_ref()?)));
    let sound: Vec<(i64, &DetailBlock)> = sound.collect();
    let kept = staying(&sound, how);
    let ticks: usize = sound.iter().map(|(_, block)| block.ticks().len()).sum();
    let is_as_it_was = kept.len() == ticks && (sound.len() == 1 || ticks > MOST);
    let whole = if is_as_it_was {
        None
    } else {
        joined(&sound, &kept).map_err(not_packed)?
    };
    let mut delete = tx.prepare_cached("DELETE FROM detail_block WHERE id = ?1")?;
    let mut mark = tx.prepare_cached("UPDATE detail_block SET thinned = ?2 WHERE id = ?1")?;
    for (id, block) in &all {
        if whole.is_some() && block.is_some() {
            delete.execute([id])?;
        } else {
            mark.execute([*id, how.step])?;
        }
    }
    match whole {
        Some((block, data)) => insert(tx, (incarnation, how.step), &block, &data),
        None => Ok(()),
    }
}

/// The blocks of a day of a process that are not thinned more than `step`; `None` of one that is damaged.
fn of_day(
    tx: &Transaction<'_>,
    incarnation: i64,
    day: i64,
    step: i64,
) -> Result<Vec<(i64, Option<DetailBlock>)>> {
    let ids: Vec<i64> = tx
        .prepare_cached(
            "SELECT id FROM detail_block
             WHERE incarnation_id = ?1 AND from_at >= ?2 AND from_at < ?3 AND thinned <= ?4
             ORDER BY from_at, id",
        )?
        .query_map(
            [incarnation, day * DAY_MS, (day + 1) * DAY_MS, step],
            |row| row.get(0),
        )?
        .collect::<Result<_>>()?;
    let mut select = tx.prepare_cached("SELECT data, crc FROM detail_block WHERE id = ?1")?;
    let mut blocks = Vec::with_capacity(ids.len());
    for id in ids {
        let read = select.query_row([id], |row| {
            let data = row.get_ref(0)?.as_blob()?;
            let is_sound = crc32c::crc32c(data) == row.get::<_, u32>(1)?;
            Ok(is_sound.then(|| DetailBlock::unpack(data)).flatten())
        });
        blocks.push((id, unless_damaged(read)?.flatten()));
    }
    Ok(blocks)
}

/// Which details stay, in order of time: their block and their place in it.
fn staying(blocks: &[(i64, &DetailBlock)], how: Thinning) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (of, (_, block)) in blocks.iter().enumerate() {
        for (nth, tick) in block.ticks().iter().enumerate() {
            all.push((tick.tick.at, tick.kind, of, nth));
        }
    }
    all.sort_unstable();
    let Some(stretch) = how.stretch_ms else {
        return all.into_iter().map(|(.., of, nth)| (of, nth)).collect();
    };
    let firsts = |backwards: bool| {
        let mut seen = FxHashSet::default();
        let mut firsts = all.clone();
        if backwards {
            firsts.reverse();
        }
        firsts.retain(|(at, kind, ..)| seen.insert((at.div_euclid(stretch), *kind)));
        firsts
    };
    let mut kept = firsts(false);
    if how.keeps_last {
        kept.extend(firsts(true));
    }
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|(.., of, nth)| (of, nth)).collect()
}

/// One block of the details that stay; `None` when a column is damaged.
fn joined(
    blocks: &[(i64, &DetailBlock)],
    kept: &[(usize, usize)],
) -> std::io::Result<Option<(DetailBlock, Vec<u8>)>> {
    let columns = blocks.iter().map(|(_, block)| block.columns(|_| true));
    let Some(columns) = columns.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let mut builder = Builder::default();
    for (of, nth) in kept {
        if let (Some((_, block)), Some(columns)) = (blocks.get(*of), columns.get(*of))
            && let Some(tick) = block.ticks().get(*nth)
        {
            builder.push(tick.clone(), &columns.entries(*nth));
        }
    }
    let data = builder.pack()?;
    Ok(DetailBlock::unpack(&data).map(|block| (block, data)))
}
