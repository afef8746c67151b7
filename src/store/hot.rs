//! The packed columns of hot rows: groups as varints.
//!
//! Described byte by byte in `docs/STORAGE.md`; a change is a new format number, and old numbers
//! stay readable.

use super::unzip::unzip;
use super::varint::{put, put_id, put_optional, take, take_id};

/// First byte of every packed column of this layout.
const FORMAT: u8 = 1;

/// zstd level of detail bodies: higher ones gain under 5 % at several times the cost.
const ZSTD_LEVEL: i32 = 3;

/// What is kept in rows first, and in blocks when its window has closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    Pulses,
    /// Details and proofs.
    Details,
}

impl Kept {
    /// The table of rows.
    pub(super) const fn rows(self) -> &'static str {
        match self {
            Self::Pulses => "pulse",
            Self::Details => "detail",
        }
    }

    /// The table of blocks.
    pub(super) const fn blocks(self) -> &'static str {
        match self {
            Self::Pulses => "block",
            Self::Details => "detail_block",
        }
    }
}

/// Goroutines of one stack in one state with one label set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PulseEntry {
    pub(super) stack: i64,
    pub(super) state: i64,
    /// 0: no labels.
    pub(super) labels: i64,
    pub(super) count: u64,
}

/// Goroutines of one stack in a detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DetailEntry {
    pub(super) stack: i64,
    pub(super) count: u64,
    /// State, label set (0: none), count.
    pub(super) splits: Vec<(i64, i64, u64)>,
    pub(super) waits: Option<[u64; 5]>,
    pub(super) oldest_minutes: Option<u64>,
    pub(super) leaked: u64,
    /// Creator (0: none) and count.
    pub(super) creators: Vec<(i64, u64)>,
    /// Ids sampled from the previous detail, and how many of them are still there.
    pub(super) survival: Option<(u32, u32)>,
}

impl DetailEntry {
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.splits.extend(&other.splits);
        self.waits = self.waits.zip(other.waits).map(|(mut waits, others)| {
            for (sum, more) in waits.iter_mut().zip(others) {
                *sum += more;
            }
            waits
        });
        self.oldest_minutes = self.oldest_minutes.max(other.oldest_minutes);
        self.leaked = self.leaked.saturating_add(other.leaked);
        self.creators.extend(&other.creators);
        // All stacks of a signature carry the same.
        self.survival = self.survival.filter(|_| self.survival == other.survival);
    }

    /// Adds up what is of the same state and label set, and of the same creator.
    fn merge(&mut self) {
        self.splits.sort_unstable();
        self.splits.dedup_by(|other, kept| {
            let is_same = (other.0, other.1) == (kept.0, kept.1);
            kept.2 += u64::from(is_same) * other.2;
            is_same
        });
        self.creators.sort_unstable();
        self.creators.dedup_by(|other, kept| {
            let is_same = other.0 == kept.0;
            kept.1 += u64::from(is_same) * other.1;
            is_same
        });
    }
}

/// Packs the groups of a pulse into `out`; `entries` are sorted here.
pub(super) fn pack_pulse(entries: &mut [PulseEntry], out: &mut Vec<u8>) {
    entries.sort_unstable();
    out.clear();
    out.push(FORMAT);
    let mut stack = 0;
    for entry in entries {
        put_id(out, entry.stack - stack);
        put_id(out, entry.state);
        put_id(out, entry.labels);
        put(out, entry.count);
        stack = entry.stack;
    }
}

/// Adds up entries of the same stack, state and label set.
pub(super) fn merge_pulse(entries: &mut Vec<PulseEntry>) {
    entries.sort_unstable();
    entries.dedup_by(|other, kept| {
        let key = |entry: &PulseEntry| (entry.stack, entry.state, entry.labels);
        let is_same = key(other) == key(kept);
        if is_same {
            kept.count = kept.count.saturating_add(other.count);
        }
        is_same
    });
}

/// Adds up entries of the same stack.
pub(super) fn merge_details(entries: &mut Vec<DetailEntry>) {
    entries.sort_by_key(|entry| entry.stack);
    entries.dedup_by(|other, kept| {
        let is_same = other.stack == kept.stack;
        if is_same {
            kept.add(other);
        }
        is_same
    });
    for entry in entries {
        entry.merge();
    }
}

/// Unpacks the groups of a pulse; `None` when the column is damaged.
pub(super) fn unpack_pulse(bytes: &[u8], mut on: impl FnMut(PulseEntry)) -> Option<()> {
    let mut rest = bytes.strip_prefix(&[FORMAT])?;
    let mut stack = 0i64;
    while !rest.is_empty() {
        stack = stack.checked_add(take_id(&mut rest)?)?;
        let state = take_id(&mut rest)?;
        let labels = take_id(&mut rest)?;
        on(PulseEntry {
            stack,
            state,
            labels,
            count: take(&mut rest)?,
        });
    }
    Some(())
}

/// Packs and compresses the groups of a detail.
pub(super) fn pack_detail(entries: &mut [DetailEntry]) -> std::io::Result<Vec<u8>> {
    entries.sort_unstable_by_key(|entry| entry.stack);
    let mut out = vec![FORMAT];
    let mut stack = 0;
    for entry in entries {
        put_id(&mut out, entry.stack - stack);
        stack = entry.stack;
        put(&mut out, entry.count);
        put(&mut out, entry.splits.len() as u64);
        for (state, labels, count) in &entry.splits {
            put_id(&mut out, *state);
            put_id(&mut out, *labels);
            put(&mut out, *count);
        }
        put(&mut out, u64::from(entry.waits.is_some()));
        for bucket in entry.waits.iter().flatten() {
            put(&mut out, *bucket);
        }
        put_optional(&mut out, entry.oldest_minutes);
        put(&mut out, entry.leaked);
        put(&mut out, entry.creators.len() as u64);
        for (creator, count) in &entry.creators {
            put_id(&mut out, *creator);
            put(&mut out, *count);
        }
        put_optional(
            &mut out,
            entry.survival.map(|(sampled, _)| u64::from(sampled)),
        );
        if let Some((_, alive)) = entry.survival {
            put(&mut out, u64::from(alive));
        }
    }
    zstd::bulk::compress(&out, ZSTD_LEVEL)
}

/// Unpacks the groups of a detail that are of wanted stacks; `None` when the body is damaged.
pub(super) fn unpack_detail(
    body: &[u8],
    is_wanted: impl Fn(i64) -> bool,
) -> Option<Vec<DetailEntry>> {
    let plain = unzip(body)?;
    let mut rest = plain.strip_prefix(&[FORMAT])?;
    let mut entries = Vec::new();
    let mut stack = 0i64;
    while !rest.is_empty() {
        stack = stack.checked_add(take_id(&mut rest)?)?;
        let keeps = is_wanted(stack);
        let entry = take_detail(stack, keeps, &mut rest)?;
        if keeps {
            entries.push(entry);
        }
    }
    Some(entries)
}

/// Takes a group off the front; its lists stay empty where it is not kept.
fn take_detail(stack: i64, keeps: bool, rest: &mut &[u8]) -> Option<DetailEntry> {
    let count = take(rest)?;
    let mut splits = Vec::new();
    for _ in 0..take(rest)? {
        let split = (take_id(rest)?, take_id(rest)?, take(rest)?);
        if keeps {
            splits.push(split);
        }
    }
    let waits = match take(rest)? {
        0 => None,
        _ => Some([
            take(rest)?,
            take(rest)?,
            take(rest)?,
            take(rest)?,
            take(rest)?,
        ]),
    };
    let oldest_minutes = take(rest)?.checked_sub(1);
    let leaked = take(rest)?;
    let mut creators = Vec::new();
    for _ in 0..take(rest)? {
        let creator = (take_id(rest)?, take(rest)?);
        if keeps {
            creators.push(creator);
        }
    }
    let survival = match take(rest)?.checked_sub(1) {
        None => None,
        Some(sampled) => Some((
            u32::try_from(sampled).ok()?,
            u32::try_from(take(rest)?).ok()?,
        )),
    };
    Some(DetailEntry {
        stack,
        count,
        splits,
        waits,
        oldest_minutes,
        leaked,
        creators,
        survival,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pulse_reads_back_as_it_was_packed(
            mut entries in proptest::collection::vec(
                (0i64..1 << 40, 0i64..300, 0i64..1 << 20, any::<u64>())
                    .prop_map(|(stack, state, labels, count)| PulseEntry { stack, state, labels, count }),
                0..50,
            )
        ) {
            let mut packed = Vec::new();
            pack_pulse(&mut entries, &mut packed);
            let mut read = Vec::new();
            prop_assert_eq!(unpack_pulse(&packed, |entry| read.push(entry)), Some(()));
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn damaged_columns_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ends = unpack_pulse(&bytes, drop);
            let _none = unpack_detail(&bytes, |_| true);
        }
    }

    #[test]
    fn a_detail_reads_back_as_it_was_packed() {
        let full = DetailEntry {
            stack: 7,
            count: 12,
            splits: vec![(1, 0, 10), (2, 5, 2)],
            waits: Some([1, 2, 3, 4, 2]),
            oldest_minutes: Some(0),
            leaked: 3,
            creators: vec![(0, 2), (9, 10)],
            survival: Some((32, 0)),
        };
        let bare = DetailEntry {
            stack: 9,
            splits: vec![],
            waits: None,
            oldest_minutes: None,
            creators: vec![],
            survival: None,
            ..full.clone()
        };
        let mut entries = vec![bare, full];
        let body = pack_detail(&mut entries).unwrap();
        assert_eq!(
            unpack_detail(&body, |stack| stack == 9).map(|found| found.len()),
            Some(1)
        );
        assert_eq!(unpack_detail(&body, |_| true), Some(entries));
    }
}
