//! Detail blocks: the details and proofs of one process in one stretch of time, as columns.
//!
//! Described byte by byte in `docs/STORAGE.md`, "Detail blocks". A block holds all that its rows held,
//! value by value; only splits and creators of no goroutines are not told apart from absent ones.

use std::collections::BTreeMap;
use std::ops::Range;

use super::block::{Tick, put_ticks, take_ticks};
use super::column;
use super::hot::DetailEntry;
use super::unzip::unzip;
use super::varint::{put, put_id, take, take_bytes, take_id};

/// First byte of every detail block of this layout.
const FORMAT: u8 = 1;

/// zstd level, as of blocks.
const ZSTD_LEVEL: i32 = 3;

/// A column is compared with this many before it: a stack may have thousands of label sets.
const COMPARED: usize = 12;

/// A detail or a proof without its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DetailTick {
    pub(super) tick: Tick,
    /// A number of [`KINDS`].
    pub(super) kind: u64,
}

/// Names of the kinds of looks, by the number that stands for them. Only to be added to.
const KINDS: [&str; 2] = ["detail", "proof"];

impl DetailTick {
    pub(super) fn new(tick: Tick, kind: &str) -> Self {
        let found = KINDS.iter().position(|known| *known == kind);
        let kind = found.unwrap_or(KINDS.len()) as u64;
        Self { tick, kind }
    }

    /// A [`crate::model::Kind`] by name.
    pub(super) fn kind(&self) -> &'static str {
        let kind = usize::try_from(self.kind).ok();
        kind.and_then(|kind| KINDS.get(kind)).unwrap_or(&"")
    }
}

/// What a column of a stack tells, a number for each tick. Where all are 0 there is no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    /// Goroutines; 0: absent.
    Count,
    /// Goroutines in a state with a label set.
    Split(i64, i64),
    /// Goroutines in a wait bucket.
    Waits(u8),
    /// 1 where buckets are not known.
    NoWaits,
    /// Longest wait in minutes and 1, 0 where none was printed.
    Oldest,
    /// Goroutines marked as leaked.
    Leaked,
    /// Goroutines of a creator.
    Creator(i64),
    /// Ids of the detail before that were looked for.
    Sampled,
    /// How many of them were found.
    Alive,
    /// 1 where none were looked for.
    NoSurvival,
}

impl Field {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Count => out.push(0),
            Self::Split(state, labels) => {
                out.push(1);
                put_id(out, state);
                put_id(out, labels);
            }
            Self::NoWaits => out.push(2),
            Self::Oldest => out.push(3),
            Self::Leaked => out.push(4),
            Self::Creator(creator) => {
                out.push(5);
                put_id(out, creator);
            }
            Self::Sampled => out.push(6),
            Self::Alive => out.push(7),
            Self::NoSurvival => out.push(8),
            Self::Waits(bucket) => out.push(9 + bucket),
        }
    }

    fn take(rest: &mut &[u8]) -> Option<Self> {
        let (&tag, behind) = rest.split_first()?;
        *rest = behind;
        Some(match tag {
            0 => Self::Count,
            1 => Self::Split(take_id(rest)?, take_id(rest)?),
            2 => Self::NoWaits,
            3 => Self::Oldest,
            4 => Self::Leaked,
            5 => Self::Creator(take_id(rest)?),
            6 => Self::Sampled,
            7 => Self::Alive,
            8 => Self::NoSurvival,
            9..14 => Self::Waits(tag - 9),
            _ => return None,
        })
    }
}

/// Gathers the details of a stretch of time, in order.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ticks: Vec<DetailTick>,
    stacks: BTreeMap<i64, BTreeMap<Field, Vec<u64>>>,
}

impl Builder {
    /// Adds a detail.
    pub(super) fn push(&mut self, tick: DetailTick, entries: &[DetailEntry]) {
        let nth = self.ticks.len();
        self.ticks.push(tick);
        for entry in entries {
            let columns = self.stacks.entry(entry.stack).or_default();
            each_field(entry, |field, value| {
                if value > 0 {
                    let column = columns.entry(field).or_default();
                    column.resize(nth + 1, 0);
                    if let Some(last) = column.last_mut() {
                        *last = last.saturating_add(value);
                    }
                }
            });
        }
    }

    /// The block, compressed.
    pub(super) fn pack(&mut self) -> std::io::Result<Vec<u8>> {
        let len = self.ticks.len();
        let mut out = vec![FORMAT];
        let ticks: Vec<Tick> = self.ticks.iter().map(|tick| tick.tick.clone()).collect();
        put_ticks(&ticks, &mut out);
        let kinds: Vec<u64> = self.ticks.iter().map(|tick| tick.kind).collect();
        column::put_sized(&kinds, &mut out);
        put(&mut out, self.stacks.len() as u64);
        let mut bodies = Vec::new();
        let mut before = 0;
        for (stack, columns) in &mut self.stacks {
            put_id(&mut out, stack - before);
            before = *stack;
            put_columns(columns, len, &mut out, &mut bodies);
        }
        out.extend_from_slice(&bodies);
        zstd::bulk::compress(&out, ZSTD_LEVEL)
    }
}

/// Appends what the columns of a stack are of to `out`, and them to `bodies`: one that is as an earlier
/// one of that stack is only named, since most groups are in one state, one bucket, and of one creator.
fn put_columns(
    columns: &mut BTreeMap<Field, Vec<u64>>,
    len: usize,
    out: &mut Vec<u8>,
    bodies: &mut Vec<u8>,
) {
    put(out, columns.len() as u64);
    let mut told: Vec<&Vec<u64>> = Vec::with_capacity(columns.len());
    for (field, column) in columns {
        column.resize(len, 0);
        field.put(out);
        let same = told
            .iter()
            .take(COMPARED)
            .position(|known| *known == column);
        put(out, same.map_or(0, |nth| nth as u64 + 1));
        if same.is_none() {
            column::put_sized(column, bodies);
        }
        told.push(column);
    }
}

/// Tells an entry field by field.
fn each_field(entry: &DetailEntry, mut on: impl FnMut(Field, u64)) {
    on(Field::Count, entry.count);
    for (state, labels, count) in &entry.splits {
        on(Field::Split(*state, *labels), *count);
    }
    on(Field::NoWaits, u64::from(entry.waits.is_none()));
    for (bucket, count) in (0u8..).zip(entry.waits.iter().flatten()) {
        on(Field::Waits(bucket), *count);
    }
    let oldest = entry
        .oldest_minutes
        .map_or(0, |oldest| oldest.saturating_add(1));
    on(Field::Oldest, oldest);
    on(Field::Leaked, entry.leaked);
    for (creator, count) in &entry.creators {
        on(Field::Creator(*creator), *count);
    }
    on(Field::NoSurvival, u64::from(entry.survival.is_none()));
    let (sampled, alive) = entry.survival.unwrap_or_default();
    on(Field::Sampled, u64::from(sampled));
    on(Field::Alive, u64::from(alive));
}

/// What there is of one stack, by field: columns, where they lie, or what they are the same as.
#[derive(Debug)]
struct OfStack<T> {
    stack: i64,
    fields: Vec<(Field, T)>,
}

/// A detail block that was unpacked: ticks, and a directory of columns that are decoded where wanted.
#[derive(Debug)]
pub(super) struct DetailBlock {
    plain: Vec<u8>,
    ticks: Vec<DetailTick>,
    /// By stack, ascending, where in `plain` its columns lie.
    directory: Vec<OfStack<Range<usize>>>,
}

impl DetailBlock {
    /// Unpacks a block; `None` when it is damaged.
    pub(super) fn unpack(data: &[u8]) -> Option<Self> {
        let plain = unzip(data)?;
        let mut rest = plain.strip_prefix(&[FORMAT])?;
        let ticks = take_ticks(&mut rest)?;
        let mut kinds = vec![0; ticks.len()];
        column::decode(take_bytes(&mut rest)?, &mut kinds)?;
        let ticks = ticks.into_iter().zip(kinds);
        let ticks = ticks
            .map(|(tick, kind)| DetailTick { tick, kind })
            .collect();
        let mut named = Vec::new();
        let mut stack = 0i64;
        for _ in 0..take(&mut rest)? {
            stack = stack.checked_add(take_id(&mut rest)?)?;
            let fields = take_fields(&mut rest)?;
            named.push(OfStack { stack, fields });
        }
        let directory = placed(named, &plain, rest)?;
        Some(Self {
            plain,
            ticks,
            directory,
        })
    }

    /// When its details were taken, and all but their groups.
    pub(super) fn ticks(&self) -> &[DetailTick] {
        &self.ticks
    }

    /// What it has counts of, ascending.
    pub(super) fn stacks(&self) -> impl Iterator<Item = i64> {
        self.directory.iter().map(|told| told.stack)
    }

    /// Decodes the columns of the wanted stacks; `None` when one is damaged.
    pub(super) fn columns(&self, is_wanted: impl Fn(i64) -> bool) -> Option<Columns> {
        let wanted = self.directory.iter().filter(|told| is_wanted(told.stack));
        let decoded = wanted.map(|told| {
            let fields = told.fields.iter().map(|(field, place)| {
                let mut values = vec![0; self.ticks.len()];
                column::decode(self.plain.get(place.clone())?, &mut values)?;
                Some((*field, values))
            });
            Some(OfStack {
                stack: told.stack,
                fields: fields.collect::<Option<_>>()?,
            })
        });
        let stacks = decoded.collect::<Option<_>>()?;
        Some(Columns { stacks })
    }
}

/// Fields with the number, from 1, of the earlier column of the same stack that is the same; 0: none is.
fn take_fields(rest: &mut &[u8]) -> Option<Vec<(Field, usize)>> {
    let mut fields = Vec::new();
    for _ in 0..take(rest)? {
        let field = Field::take(rest)?;
        fields.push((field, usize::try_from(take(rest)?).ok()?));
    }
    Some(fields)
}

/// Where in `plain`, whose end `bodies` is, every column lies; `None` unless that is all of it.
fn placed(
    named: Vec<OfStack<usize>>,
    plain: &[u8],
    mut bodies: &[u8],
) -> Option<Vec<OfStack<Range<usize>>>> {
    let mut directory = Vec::with_capacity(named.len());
    for OfStack {
        stack,
        fields: named,
    } in named
    {
        let mut fields: Vec<(Field, Range<usize>)> = Vec::with_capacity(named.len());
        for (field, same) in named {
            let place = if let Some(nth) = same.checked_sub(1) {
                fields.get(nth)?.1.clone()
            } else {
                let len = take_bytes(&mut bodies)?.len();
                let end = plain.len() - bodies.len();
                end - len..end
            };
            fields.push((field, place));
        }
        directory.push(OfStack { stack, fields });
    }
    bodies.is_empty().then_some(directory)
}

/// Decoded columns, by stack.
#[derive(Debug)]
pub(super) struct Columns {
    stacks: Vec<OfStack<Vec<u64>>>,
}

impl Columns {
    /// The groups of the detail at place `nth`, by stack.
    pub(super) fn entries(&self, nth: usize) -> Vec<DetailEntry> {
        let present = self.stacks.iter().filter_map(|told| {
            let values = told.fields.iter();
            let values =
                values.map(|(field, values)| (*field, values.get(nth).copied().unwrap_or(0)));
            entry(told.stack, values.filter(|(_, value)| *value > 0))
        });
        present.collect()
    }
}

/// An entry out of what its fields are, but for zeros; `None` when it was absent.
fn entry(stack: i64, values: impl Iterator<Item = (Field, u64)>) -> Option<DetailEntry> {
    let mut entry = DetailEntry {
        stack,
        count: 0,
        splits: Vec::new(),
        waits: Some([0; 5]),
        oldest_minutes: None,
        leaked: 0,
        creators: Vec::new(),
        survival: Some((0, 0)),
    };
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    for (field, value) in values {
        match field {
            Field::Count => entry.count = value,
            Field::Split(state, labels) => entry.splits.push((state, labels, value)),
            Field::NoWaits => entry.waits = None,
            Field::Waits(bucket) => {
                let waits = entry.waits.as_mut();
                if let Some(count) = waits.and_then(|waits| waits.get_mut(usize::from(bucket))) {
                    *count = value;
                }
            }
            Field::Oldest => entry.oldest_minutes = value.checked_sub(1),
            Field::Leaked => entry.leaked = value,
            Field::Creator(creator) => entry.creators.push((creator, value)),
            Field::Sampled => {
                entry.survival = entry.survival.map(|(_, alive)| (narrow(value), alive));
            }
            Field::Alive => {
                entry.survival = entry.survival.map(|(sampled, _)| (sampled, narrow(value)));
            }
            Field::NoSurvival => entry.survival = None,
        }
    }
    (entry.count > 0).then_some(entry)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A group as details have it: splits and creators in order, none of no goroutines.
    fn entries() -> impl Strategy<Value = DetailEntry> {
        let count = 1..1_000u64;
        let splits = proptest::collection::btree_map((0..4i64, 0..3i64), count.clone(), 0..4);
        let creators = proptest::collection::btree_map(0..5i64, count.clone(), 0..4);
        let waits = proptest::option::of(proptest::array::uniform5(0..50u64));
        let survival = proptest::option::of((0..33u32, 0..33u32));
        let oldest = proptest::option::of(0..10_000u64);
        (
            0..30i64,
            count,
            splits,
            creators,
            waits,
            survival,
            oldest,
            0..2u64,
        )
            .prop_map(
                |(stack, count, splits, creators, waits, survival, oldest_minutes, leaked)| {
                    let split = |((state, labels), count)| (state, labels, count);
                    DetailEntry {
                        stack,
                        count,
                        splits: splits.into_iter().map(split).collect(),
                        waits,
                        oldest_minutes,
                        leaked,
                        creators: creators.into_iter().collect(),
                        survival,
                    }
                },
            )
    }

    fn details() -> impl Strategy<Value = Vec<Vec<DetailEntry>>> {
        let detail = proptest::collection::vec(entries(), 0..12).prop_map(|mut entries| {
            entries.sort_unstable_by_key(|entry| entry.stack);
            entries.dedup_by_key(|entry| entry.stack);
            entries
        });
        proptest::collection::vec(detail, 1..20)
    }

    fn packed(details: &[Vec<DetailEntry>]) -> Vec<u8> {
        let mut builder = Builder::default();
        for (nth, entries) in (0i64..).zip(details) {
            let tick = Tick {
                at: 1_000 + nth,
                complaints: (nth == 3).then(|| "[]".to_owned()),
                ..Tick::default()
            };
            let kind = if nth % 5 == 4 { "proof" } else { "detail" };
            builder.push(DetailTick::new(tick, kind), entries);
        }
        builder.pack().unwrap()
    }

    proptest! {
        #[test]
        fn details_read_back_as_they_were(details in details()) {
            let block = DetailBlock::unpack(&packed(&details)).unwrap();
            let columns = block.columns(|_| true).unwrap();
            let odd = block.columns(|stack| stack % 2 == 1).unwrap();
            prop_assert_eq!(block.ticks().len(), details.len());
            for (nth, mut entries) in details.into_iter().enumerate() {
                let tick = &block.ticks()[nth];
                prop_assert_eq!(tick.kind(), if nth % 5 == 4 { "proof" } else { "detail" });
                prop_assert_eq!(tick.tick.complaints.is_some(), nth == 3);
                prop_assert_eq!(&columns.entries(nth), &entries);
                entries.retain(|entry| entry.stack % 2 == 1);
                prop_assert_eq!(odd.entries(nth), entries);
            }
        }

        #[test]
        fn damage_never_panics(details in details(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut plain = unzip(&packed(&details)).unwrap();
            let place = place.index(plain.len());
            plain[place] = byte;
            let data = zstd::bulk::compress(&plain, ZSTD_LEVEL).unwrap();
            if let Some(columns) = DetailBlock::unpack(&data).and_then(|block| block.columns(|_| true)) {
                let _some = columns.entries(0);
            }
        }
    }
}
