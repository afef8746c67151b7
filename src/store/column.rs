//! Columns of numbers, each coded in the shortest of five ways.
//!
//! Described byte by byte in `docs/STORAGE.md`, "Blocks". Tags are never used anew: what is written
//! stays readable.

use super::varint::{put, take, take_bytes};

/// Every value is the same: the value.
const CONSTANT: u8 = 0;
/// Runs of one value: length, and distance to the value before.
const RUNS: u8 = 1;
/// Smallest value, width in bits, then what each value is above it.
const PACKED: u8 = 2;
/// First value, smallest step, width, then what each step is above it.
const STEPS: u8 = 3;
/// Each value by itself, where they are too wide to be packed.
const PLAIN: u8 = 4;

/// Wider values are not packed, so that one of them lies within eight bytes.
const MAX_WIDTH: u32 = 56;

/// Appends `values`; their number is not stored.
pub(super) fn encode(values: &[u64], out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|value| value == first) {
        out.push(CONSTANT);
        put(out, *first);
        return;
    }
    let mut shortest = runs(values);
    for other in [packed(values), steps(values)].into_iter().flatten() {
        if other.len() < shortest.len() {
            shortest = other;
        }
    }
    let plain = plain(values);
    out.extend_from_slice(if plain.len() < shortest.len() {
        &plain
    } else {
        &shortest
    });
}

/// Appends `values` behind the length of what they become.
pub(super) fn put_sized(values: &[u64], out: &mut Vec<u8>) {
    let mut body = Vec::new();
    encode(values, &mut body);
    put(out, body.len() as u64);
    out.extend_from_slice(&body);
}

/// Takes a column of `len` values off the front; `None` when it is damaged.
pub(super) fn take_sized(rest: &mut &[u8], len: usize, values: &mut Vec<u64>) -> Option<()> {
    decode(take_bytes(rest)?, len, values)
}

/// Appends rows of numbers, column by column.
pub(super) fn put_rows<const N: usize>(rows: &[[u64; N]], out: &mut Vec<u8>) {
    for nth in 0..N {
        let column: Vec<u64> = rows
            .iter()
            .filter_map(|row| row.get(nth).copied())
            .collect();
        put_sized(&column, out);
    }
}

/// Takes `len` rows of numbers off the front; `None` when a column is damaged.
pub(super) fn take_rows<const N: usize>(rest: &mut &[u8], len: usize) -> Option<Vec<[u64; N]>> {
    let mut rows = vec![[0; N]; len];
    let mut column = Vec::new();
    for nth in 0..N {
        take_sized(rest, len, &mut column)?;
        for (row, value) in rows.iter_mut().zip(&column) {
            *row.get_mut(nth)? = *value;
        }
    }
    Some(rows)
}

/// The one value of a column that has no other.
pub(super) fn constant(bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes.strip_prefix(&[CONSTANT])?;
    take(&mut rest)
}

fn plain(values: &[u64]) -> Vec<u8> {
    let mut out = vec![PLAIN];
    for value in values {
        put(&mut out, *value);
    }
    out
}

fn runs(values: &[u64]) -> Vec<u8> {
    let mut out = vec![RUNS];
    let mut before = 0;
    for run in values.chunk_by(|a, b| a == b) {
        let value = run.first().copied().unwrap_or_default();
        put(&mut out, run.len() as u64);
        put(&mut out, zigzag(value.wrapping_sub(before)));
        before = value;
    }
    out
}

fn packed(values: &[u64]) -> Option<Vec<u8>> {
    let smallest = values.iter().min().copied()?;
    let mut out = vec![PACKED];
    put(&mut out, smallest);
    pack(values.iter().map(|value| value - smallest), &mut out)?;
    Some(out)
}

fn steps(values: &[u64]) -> Option<Vec<u8>> {
    let first = values.first()?;
    let pairs = || values.iter().zip(values.iter().skip(1));
    let step = |(a, b): (&u64, &u64)| b.wrapping_sub(*a).cast_signed();
    let smallest = pairs().map(step).min()?;
    let above = |pair| step(pair).wrapping_sub(smallest).cast_unsigned();
    let mut out = vec![STEPS];
    put(&mut out, *first);
    put(&mut out, zigzag(smallest.cast_unsigned()));
    pack(pairs().map(above), &mut out)?;
    Some(out)
}

/// Width and bits, the lowest first; `None` when they are too wide.
fn pack(values: impl Iterator<Item = u64> + Clone, out: &mut Vec<u8>) -> Option<()> {
    let width = 64
        - values
            .clone()
            .fold(0, |all, value| all | value)
            .leading_zeros();
    if width > MAX_WIDTH {
        return None;
    }
    out.push(u8::try_from(width).ok()?);
    let (mut bits, mut filled) = (0u128, 0);
    for value in values {
        bits |= u128::from(value) << filled;
        filled += width;
        while filled >= 8 {
            out.push((bits & 0xff) as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push((bits & 0xff) as u8);
    }
    Some(())
}

/// Reads a column of `len` values into `values`; `None` when it is damaged.
pub(super) fn decode(bytes: &[u8], len: usize, values: &mut Vec<u64>) -> Option<()> {
    values.clear();
    if len == 0 {
        return Some(());
    }
    let (&tag, mut rest) = bytes.split_first()?;
    match tag {
        CONSTANT => values.resize(len, take(&mut rest)?),
        RUNS => {
            let mut value = 0u64;
            while values.len() < len {
                let run = usize::try_from(take(&mut rest)?).ok()?;
                value = value.wrapping_add(unzigzag(take(&mut rest)?));
                let end = values.len().checked_add(run).filter(|end| *end <= len)?;
                values.resize(end, value);
            }
        }
        PACKED => {
            let smallest = take(&mut rest)?;
            unpack(rest, len, |above| values.push(smallest.wrapping_add(above)))?;
        }
        STEPS => {
            let mut value = take(&mut rest)?;
            let smallest = unzigzag(take(&mut rest)?);
            values.push(value);
            unpack(rest, len - 1, |above| {
                value = value.wrapping_add(smallest).wrapping_add(above);
                values.push(value);
            })?;
        }
        PLAIN => {
            for _ in 0..len {
                values.push(take(&mut rest)?);
            }
        }
        _ => return None,
    }
    Some(())
}

fn unpack(bytes: &[u8], len: usize, mut on: impl FnMut(u64)) -> Option<()> {
    let (&width, bits) = bytes.split_first()?;
    let width = usize::from(width);
    if u32::try_from(width).ok()? > MAX_WIDTH || bits.len() < (len * width).div_ceil(8) {
        return None;
    }
    let mask = (1u64 << width) - 1;
    for nth in 0..len {
        let at = nth * width;
        on(eight(bits, at / 8) >> (at % 8) & mask);
    }
    Some(())
}

/// Eight bytes from `at` on; zeros behind the end.
fn eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(whole) = rest.first_chunk() {
        return u64::from_le_bytes(*whole);
    }
    let fold = |sum, byte: &u8| sum << 8 | u64::from(*byte);
    rest.iter().rev().fold(0, fold)
}

/// Small distances, up or down, as small numbers.
const fn zigzag(distance: u64) -> u64 {
    distance << 1 ^ (distance.cast_signed() >> 63).cast_unsigned()
}

const fn unzigzag(number: u64) -> u64 {
    number >> 1 ^ (number & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts as they come: pools, leaks, noise, and numbers that fit nowhere.
    fn columns() -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![
            (any::<u64>(), 1..400usize).prop_map(|(value, len)| vec![value; len]),
            proptest::collection::vec(0..9u64, 1..400),
            proptest::collection::vec(any::<u64>(), 0..40),
            proptest::collection::vec(prop_oneof![Just(0u64), 1_000..1_100u64], 1..400),
            (0..1u64 << 40, proptest::collection::vec(0..3u64, 1..400)).prop_map(
                |(first, steps)| {
                    let grow = |sum: &mut u64, step: u64| {
                        *sum += step;
                        Some(*sum)
                    };
                    steps.into_iter().scan(first, grow).collect()
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn a_column_reads_back_as_it_was(values in columns()) {
            let mut bytes = Vec::new();
            encode(&values, &mut bytes);
            let mut read = Vec::new();
            prop_assert_eq!(decode(&bytes, values.len(), &mut read), Some(()));
            prop_assert_eq!(read, values);
        }

        #[test]
        fn damage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), len in 0..500usize) {
            let mut read = Vec::new();
            let _none = decode(&bytes, len, &mut read);
            prop_assert!(read.len() <= len);
        }
    }

    #[test]
    fn each_kind_takes_the_way_made_for_it() {
        let tag = |values: &[u64]| {
            let mut bytes = Vec::new();
            encode(values, &mut bytes);
            (bytes[0], bytes.len())
        };
        let noise: Vec<u64> = (0..240u64).map(|nth| 1_000 + nth * 7919 % 13).collect();
        let leak: Vec<u64> = (0..240u64)
            .map(|nth| 1_000 + nth * 60 + nth * 7919 % 3)
            .collect();
        let pool: Vec<u64> = (0..240u64)
            .map(|nth| if nth < 100 { 8 } else { 16 })
            .collect();
        assert_eq!(tag(&[5; 240]), (CONSTANT, 2));
        assert_eq!(tag(&pool), (RUNS, 6));
        assert_eq!(tag(&noise), (PACKED, 124));
        assert_eq!(tag(&leak).0, STEPS);
        let wide: Vec<u64> = (1..20u32)
            .map(|nth| (u64::from(nth) | 1 << 63).rotate_left(nth * 11))
            .collect();
        assert_eq!(tag(&wide).0, PLAIN);
    }
}
