//! Columns of numbers, each coded in the shortest of several ways.
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
/// Smallest value, a shift, then what each value is above it: the bits from the shift on, a byte each, and
/// width and bits of the rest. As long as `PACKED`, and zstd sees in the bytes what is frequent.
const SPLIT: u8 = 5;

/// Shorter columns gain less than the shift costs.
const MIN_SPLIT: usize = 64;

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
    if plain.len() < shortest.len() {
        shortest = plain;
    }
    if shortest.first() == Some(&PACKED) {
        shortest = split(values).unwrap_or(shortest);
    }
    out.extend_from_slice(&shortest);
}

/// Appends `values` behind the length of what they become.
pub(super) fn put_sized(values: &[u64], out: &mut Vec<u8>) {
    let mut body = Vec::new();
    encode(values, &mut body);
    put(out, body.len() as u64);
    out.extend_from_slice(&body);
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
    let mut column = vec![0; len];
    for nth in 0..N {
        decode(take_bytes(rest)?, &mut column)?;
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

/// `None` where a byte holds all, or too few values do not repay it.
fn split(values: &[u64]) -> Option<Vec<u8>> {
    let smallest = values.iter().min().copied()?;
    let above = || values.iter().map(|value| value - smallest);
    let width = 64 - above().fold(0, |all, value| all | value).leading_zeros();
    let shift = width.checked_sub(8).filter(|shift| *shift > 0)?;
    if values.len() < MIN_SPLIT {
        return None;
    }
    let mut out = vec![SPLIT];
    put(&mut out, smallest);
    out.push(u8::try_from(shift).ok()?);
    for value in above() {
        out.push(u8::try_from(value >> shift).ok()?);
    }
    pack(above().map(|value| value & ((1 << shift) - 1)), &mut out)?;
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

/// Reads a column into `values`, as many as there are places; `None` when it is damaged, or a value is too
/// large for its place.
pub(super) fn decode<T: Copy + TryFrom<u64>>(bytes: &[u8], values: &mut [T]) -> Option<()> {
    if values.is_empty() {
        return Some(());
    }
    let of = |value: u64| T::try_from(value).ok();
    let (&tag, mut rest) = bytes.split_first()?;
    match tag {
        CONSTANT => values.fill(of(take(&mut rest)?)?),
        RUNS => {
            let (mut value, mut left) = (0u64, values);
            while !left.is_empty() {
                let run = usize::try_from(take(&mut rest)?).ok()?;
                value = value.wrapping_add(unzigzag(take(&mut rest)?));
                let (here, behind) = left.split_at_mut_checked(run)?;
                here.fill(of(value)?);
                left = behind;
            }
        }
        PACKED => {
            let smallest = take(&mut rest)?;
            let bits = Bits::of(rest, values.len())?;
            for (nth, value) in values.iter_mut().enumerate() {
                *value = of(smallest.wrapping_add(bits.at(nth)))?;
            }
        }
        SPLIT => {
            let smallest = take(&mut rest)?;
            let (&shift, rest) = rest.split_first()?;
            let (high, rest) = rest.split_at_checked(values.len())?;
            let low = Bits::of(rest, values.len())?;
            for (nth, (value, high)) in values.iter_mut().zip(high).enumerate() {
                let above = u64::from(*high).checked_shl(u32::from(shift))? | low.at(nth);
                *value = of(smallest.wrapping_add(above))?;
            }
        }
        STEPS => {
            let mut value = take(&mut rest)?;
            let smallest = unzigzag(take(&mut rest)?);
            let (first, others) = values.split_first_mut()?;
            let bits = Bits::of(rest, others.len())?;
            *first = of(value)?;
            for (nth, other) in others.iter_mut().enumerate() {
                value = value.wrapping_add(smallest).wrapping_add(bits.at(nth));
                *other = of(value)?;
            }
        }
        PLAIN => {
            for value in values {
                *value = of(take(&mut rest)?)?;
            }
        }
        _ => return None,
    }
    Some(())
}

/// Values of the same width, the lowest bit first.
struct Bits<'a> {
    width: usize,
    mask: u64,
    bytes: &'a [u8],
    /// The last bytes, with zeros behind them: eight bytes can be read wherever a value begins.
    end: [u8; 2 * EIGHT],
    /// Where these begin in `bytes`.
    end_at: usize,
}

const EIGHT: usize = 8;

impl<'a> Bits<'a> {
    /// Of `len` values; `None` when they break off.
    fn of(bytes: &'a [u8], len: usize) -> Option<Self> {
        let (&width, bytes) = bytes.split_first()?;
        let width = usize::from(width);
        if u32::try_from(width).ok()? > MAX_WIDTH || bytes.len() < (len * width).div_ceil(8) {
            return None;
        }
        let end_at = bytes.len().saturating_sub(EIGHT);
        let mut end = [0; 2 * EIGHT];
        for (to, from) in end.iter_mut().zip(bytes.get(end_at..)?) {
            *to = *from;
        }
        Some(Self {
            width,
            mask: (1 << width) - 1,
            bytes,
            end,
            end_at,
        })
    }

    fn at(&self, nth: usize) -> u64 {
        let bit = nth * self.width;
        let at = bit / 8;
        let eight = match at.checked_sub(self.end_at) {
            Some(at) => self.end.get(at..),
            None => self.bytes.get(at..),
        };
        let eight = eight.and_then(<[u8]>::first_chunk).copied();
        u64::from_le_bytes(eight.unwrap_or_default()) >> (bit % 8) & self.mask
    }
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
            proptest::collection::vec(1_000..1_700u64, 1..400),
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
            let mut read = vec![0u64; values.len()];
            prop_assert_eq!(decode(&bytes, &mut read), Some(()));
            prop_assert_eq!(&read, &values);
            // Counts are held in fewer bits, where they fit.
            let mut counts = vec![0u32; values.len()];
            let narrow: Option<Vec<u32>> = values.iter().map(|value| u32::try_from(*value).ok()).collect();
            prop_assert_eq!(decode(&bytes, &mut counts).map(|()| counts), narrow);
        }

        #[test]
        fn damage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), len in 0..500usize) {
            let mut read = vec![0u64; len];
            let _none = decode(&bytes, &mut read);
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
        let wide_noise: Vec<u64> = noise.iter().map(|value| value * 50).collect();
        assert_eq!(tag(&wide_noise).0, SPLIT);
        assert_eq!(tag(&wide_noise[..40]).0, PACKED);
        assert_eq!(tag(&leak).0, STEPS);
        let wide: Vec<u64> = (1..20u32)
            .map(|nth| (u64::from(nth) | 1 << 63).rotate_left(nth * 11))
            .collect();
        assert_eq!(tag(&wide).0, PLAIN);
    }
}
