//! The protobuf form, `debug=0`: one sample per stack and label set.
//!
//! Mirrors `runtime/pprof/proto.go` and `profile.proto`. The body is already unzipped. Strings
//! and tables are read where they lie; limits on their number keep memory near the body's size.

use super::counted::DEPTH_LIMITS;
use super::reader::DumpError;
use super::text::MAX_COUNT;
use super::wire::{Value, fields, integers};
use super::{Event, Facts, Goroutines, RawFrame, RawLabels};
use crate::model::{Complaint, Form, ProcessFacts};

/// More entries than this in one table is no goroutine profile: a million locations would be a
/// binary of gigabytes.
const MAX_ENTRIES: usize = 1 << 20;

/// More frames than this are no stack of Go, which stops at 128.
const MAX_FRAMES: usize = 256;

/// Longer names are a lie that would be copied once a frame.
const MAX_NAME: usize = 4 << 10;

/// The tables of a profile, indexed once; samples are read in a second pass.
#[derive(Default)]
struct Tables<'a> {
    strings: Vec<&'a [u8]>,
    /// Id and message, by id.
    locations: Vec<(u64, &'a [u8])>,
    functions: Vec<(u64, Function)>,
    sample_type: Option<&'a [u8]>,
    mappings: Vec<&'a [u8]>,
    samples: Vec<&'a [u8]>,
}

#[derive(Clone, Copy, Default)]
struct Function {
    name: u64,
    file: u64,
}

/// Reads a whole profile.
pub(super) fn read(body: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<Facts, DumpError> {
    let tables = index(body)?;
    let leaks = is_leak_profile(&tables)?;
    let mut scratch = Scratch::default();
    for (sample, number) in tables.samples.iter().zip(1u64..) {
        match scratch.sample(&tables, sample) {
            Some(found) => on(Event::Goroutines(found)),
            None => on(Event::Complaint(Complaint {
                line: number,
                what: "sample with an impossible count, or one that refers to what the profile does not have".to_owned(),
                goroutines: count_of(sample).unwrap_or(0),
            })),
        }
    }
    Ok(Facts {
        form: Form::Proto,
        truncated: false,
        process: process_facts(&tables),
        leaks,
    })
}

fn index(body: &[u8]) -> Result<Tables<'_>, DumpError> {
    let mut tables = Tables::default();
    for field in fields(body) {
        let (number, value) = field.map_err(|_| DumpError::BadProfile("it breaks off"))?;
        let Value::Bytes(message) = value else {
            continue;
        };
        match number {
            1 => tables.sample_type = tables.sample_type.or(Some(message)),
            2 => tables.samples.push(message),
            3 => tables.mappings.push(message),
            4 => tables.locations.push((first_varint(message, 1), message)),
            5 => tables
                .functions
                .push((first_varint(message, 1), function(message))),
            6 if message.is_empty() && !tables.strings.is_empty() => {
                return Err(DumpError::BadProfile(
                    "several profiles stand one behind the other: give them one by one",
                ));
            }
            6 => tables.strings.push(message),
            _ => {}
        }
        let largest = [
            tables.samples.len(),
            tables.mappings.len(),
            tables.locations.len(),
            tables.functions.len(),
            tables.strings.len(),
        ];
        if largest.into_iter().any(|len| len > MAX_ENTRIES) {
            return Err(DumpError::BadProfile(
                "it has more than 1,048,576 entries in one table",
            ));
        }
    }
    // Go numbers them 1, 2, 3, …; others need not.
    tables.locations.sort_by_key(|(id, _)| *id);
    tables.functions.sort_by_key(|(id, _)| *id);
    Ok(tables)
}

/// Which of the two profiles of goroutines it is; others are none.
fn is_leak_profile(tables: &Tables<'_>) -> Result<bool, DumpError> {
    let kind = tables
        .sample_type
        .map_or(0, |message| first_varint(message, 1));
    let name = tables.string(kind).filter(|name| !name.is_empty());
    let name = name.ok_or(DumpError::BadProfile("it breaks off"))?;
    match name {
        b"goroutine" => Ok(false),
        b"goroutineleak" => Ok(true),
        _ => Err(DumpError::OtherProfile(super::lossy(name))),
    }
}

impl<'a> Tables<'a> {
    fn string(&self, index: u64) -> Option<&'a [u8]> {
        self.strings.get(usize::try_from(index).ok()?).copied()
    }

    /// The name of a function or file; labels may be longer.
    fn name(&self, index: u64) -> Option<&'a [u8]> {
        self.string(index).filter(|name| name.len() <= MAX_NAME)
    }
}

fn by_id<T: Copy>(table: &[(u64, T)], id: u64) -> Option<T> {
    let dense = usize::try_from(id.checked_sub(1)?).ok()?;
    if let Some((found, entry)) = table.get(dense)
        && *found == id
    {
        return Some(*entry);
    }
    let at = table.binary_search_by_key(&id, |(id, _)| *id).ok()?;
    table.get(at).map(|(_, entry)| *entry)
}

fn first_varint(message: &[u8], wanted: u64) -> u64 {
    fields(message)
        .map_while(Result::ok)
        .find_map(|(number, value)| match value {
            Value::Varint(varint) if number == wanted => Some(varint),
            _ => None,
        })
        .unwrap_or(0)
}

fn function(message: &[u8]) -> Function {
    let mut function = Function::default();
    for (number, value) in fields(message).map_while(Result::ok) {
        match (number, value) {
            (2, Value::Varint(index)) => function.name = index,
            (4, Value::Varint(index)) => function.file = index,
            _ => {}
        }
    }
    function
}

/// The first value of a sample, its count.
fn count_of(sample: &[u8]) -> Option<u64> {
    let mut values = Vec::new();
    for (number, value) in fields(sample).map_while(Result::ok) {
        if number == 2 && !integers(value, &mut values) {
            return None;
        }
    }
    // Deltas (`?seconds=N`) have negative counts: two's complement in a varint.
    values.first().copied().filter(|count| *count <= MAX_COUNT)
}

/// Buffers that serve every sample.
#[derive(Default)]
struct Scratch<'a> {
    frames: Vec<RawFrame<'a>>,
    labels: Vec<(&'a [u8], &'a [u8])>,
    locations: Vec<u64>,
}

impl<'a> Scratch<'a> {
    /// One sample; `None` when it refers to what is not there.
    fn sample(&mut self, tables: &Tables<'a>, sample: &'a [u8]) -> Option<Goroutines<'_>> {
        self.frames.clear();
        self.labels.clear();
        self.locations.clear();
        for field in fields(sample) {
            match field.ok()? {
                (1, value) => integers(value, &mut self.locations).then_some(())?,
                (3, Value::Bytes(label)) => self.label(tables, label)?,
                _ => {}
            }
        }
        let count = count_of(sample)?;
        for id in &self.locations {
            push_frames(&mut self.frames, tables, by_id(&tables.locations, *id)?)?;
            if self.frames.len() > MAX_FRAMES {
                return None;
            }
        }
        Some(Goroutines {
            count,
            frames: &self.frames,
            elision: None,
            cut: is_cut(&self.frames),
            leaf_hidden: false,
            labels: (!self.labels.is_empty()).then_some(RawLabels::Pairs(&self.labels)),
            block: None,
            stack: None,
        })
    }

    fn label(&mut self, tables: &Tables<'a>, label: &'a [u8]) -> Option<()> {
        let key = tables.string(first_varint(label, 1))?;
        let value = tables.string(first_varint(label, 2))?;
        self.labels.push((key, value));
        Some(())
    }
}

/// Whether the depth limit cut the stack off: it is as long as one, and does not end where stacks do.
fn is_cut(frames: &[RawFrame<'_>]) -> bool {
    let root = frames.last().map_or(&[][..], |frame| frame.function);
    DEPTH_LIMITS.contains(&frames.len()) && root != b"runtime.goexit"
}

/// The frames of one location, inlined callees first.
fn push_frames<'a>(
    frames: &mut Vec<RawFrame<'a>>,
    tables: &Tables<'a>,
    location: &'a [u8],
) -> Option<()> {
    let before = frames.len();
    for field in fields(location) {
        let (4, Value::Bytes(line)) = field.ok()? else {
            continue;
        };
        let function = by_id(&tables.functions, first_varint(line, 1))?;
        frames.push(RawFrame {
            function: tables.name(function.name)?,
            file: tables.name(function.file)?,
            line: u32::try_from(first_varint(line, 2)).unwrap_or(u32::MAX),
        });
    }
    if frames.len() == before {
        // A C function that no symbolizer knew; debug=2 prints it under this name as well.
        frames.push(RawFrame {
            function: b"non-Go function",
            file: &[],
            line: 0,
        });
    }
    Some(())
}

/// Build id and `[vdso]` base from the mappings. The binary's own mapping comes first.
fn process_facts(tables: &Tables<'_>) -> ProcessFacts {
    let mut facts = ProcessFacts::default();
    for (at, mapping) in tables.mappings.iter().enumerate() {
        let name = tables.string(first_varint(mapping, 5)).unwrap_or_default();
        if name == b"[vdso]" {
            facts.vdso = Some(first_varint(mapping, 2)).filter(|start| *start != 0);
        } else if at == 0 {
            let id = tables.string(first_varint(mapping, 6)).unwrap_or_default();
            facts.build_id = (!id.is_empty()).then(|| super::lossy(id));
        }
    }
    facts
}
