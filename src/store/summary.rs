//! The summary of a block: its slots of ten minutes, a twelfth of its size or less.
//!
//! Derived from the block, by signature: where it is missing or damaged, the block is read instead.

use super::column;
use super::counts::Counts;
use super::part::Part;
use super::read::SignatureKey;
use super::unzip::{MAX_PLAIN, unzip};
use super::varint::{put, put_id, take, take_bytes, take_id};
use crate::model::{Slot, Timestamp};

/// First byte of every summary of this layout.
const FORMAT: u8 = 1;

const ZSTD_LEVEL: i32 = 3;

/// Columns of slots: begin, first and last pulse, number of pulses, goroutines.
const SLOT_COLUMNS: usize = 5;

/// Packs a part.
pub(super) fn pack(part: &Part) -> std::io::Result<Vec<u8>> {
    let mut out = vec![FORMAT];
    put(&mut out, part.slots.len() as u64);
    let rows: Vec<[u64; SLOT_COLUMNS]> = part.slots.iter().map(columns).collect();
    column::put_rows(&rows, &mut out);
    put(&mut out, part.series.signatures().count() as u64);
    let mut signature = 0;
    for (key, series) in part.series.iter() {
        put_id(&mut out, key.0 - signature);
        signature = key.0;
        put(&mut out, u64::from(series.first));
        put(&mut out, u64::from(series.high));
        for counts in [series.low, series.last] {
            let counts: Vec<u64> = counts.iter().copied().map(u64::from).collect();
            column::put_sized(&counts, &mut out);
        }
    }
    zstd::bulk::compress(&out, ZSTD_LEVEL)
}

fn columns((begin, slot): &(i64, Slot)) -> [u64; SLOT_COLUMNS] {
    [
        begin.cast_unsigned(),
        slot.first_at.as_millis().cast_unsigned(),
        slot.last_at.as_millis().cast_unsigned(),
        u64::from(slot.pulses),
        slot.goroutines,
    ]
}

/// Unpacks what is wanted of a summary; `None` when it is damaged.
pub(super) fn unpack(data: &[u8], is_wanted: impl Fn(&SignatureKey) -> bool) -> Option<Part> {
    let plain = unzip(data)?;
    let mut rest = plain.strip_prefix(&[FORMAT])?;
    let len = usize::try_from(take(&mut rest)?).ok()?;
    // A slot is at least one byte of the columns.
    if len > MAX_PLAIN / SLOT_COLUMNS / 8 {
        return None;
    }
    let slots = take_slots(&mut rest, len)?;
    let mut series = Counts::over(len);
    let mut signature = 0i64;
    let number = take(&mut rest)?;
    // Each takes five bytes at least.
    series.reserve(usize::try_from(number).ok()?.min(rest.len() / 5));
    for _ in 0..number {
        // Row ids begin at 1, and no signature comes twice.
        let ahead = take_id(&mut rest).filter(|ahead| *ahead > 0)?;
        signature = signature.checked_add(ahead)?;
        let key = SignatureKey(signature);
        let (first, high) = (take(&mut rest)?, take(&mut rest)?);
        let columns = [take_bytes(&mut rest)?, take_bytes(&mut rest)?];
        if is_wanted(&key) {
            let (first, high) = (u32::try_from(first).ok()?, u32::try_from(high).ok()?);
            let (low, last) = series.add(key, first, high);
            column::decode(columns[0], low)?;
            column::decode(columns[1], last)?;
        }
    }
    rest.is_empty().then_some(Part { slots, series })
}

fn take_slots(rest: &mut &[u8], len: usize) -> Option<Vec<(i64, Slot)>> {
    let rows: Vec<[u64; SLOT_COLUMNS]> = column::take_rows(rest, len)?;
    rows.into_iter()
        .map(|[begin, first_at, last_at, pulses, goroutines]| {
            let at = |millis: u64| Timestamp::from_millis(millis.cast_signed());
            let slot = Slot {
                first_at: at(first_at),
                last_at: at(last_at),
                pulses: u32::try_from(pulses).ok()?,
                goroutines,
            };
            Some((begin.cast_signed(), slot))
        })
        .collect()
}
