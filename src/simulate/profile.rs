//! The profile form, `debug=0`, as `runtime/pprof/proto.go` writes it.
//!
//! Of a program all but counts, build id, mapping and time is always the same: it is compressed once, and the
//! rest goes behind it in stored blocks of the same gzip member. A fleet of thousands costs little so.

use std::collections::HashMap;

use flate2::{Compress, Compression, Crc, FlushCompress};

use super::fleet::{Group, Moment, Service};
use super::stack::{Frame, Stack, profiling};
use crate::model::Timestamp;

/// Which goroutines a profile is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All.
    Goroutines,
    /// Those that can never wake.
    Leaks,
}

/// Places in the table of strings that every profile begins with.
const STRINGS: [&str; 5] = ["", "goroutine", "goroutineleak", "count", "[vdso]"];
const GOROUTINE: u64 = 1;
const LEAK: u64 = 2;
const COUNT: u64 = 3;
const VDSO: u64 = 4;
/// Where the code of a program lies.
const TEXT: u64 = 0x40_0000;
const TEXT_END: u64 = 0x100_0000;
/// From one address of code to the next.
const STEP: u64 = 0x2b;

/// What of a program's profiles is always the same.
#[derive(Debug)]
pub struct Book {
    /// Deflate blocks that end at a byte, and are not the last.
    packed: Vec<u8>,
    crc: Crc,
    /// Its number of strings, to which the build id is added.
    strings: u64,
    binary: u64,
    /// Of each group the sample without its count.
    samples: Vec<Sample>,
    /// The goroutine that writes the profile.
    own: Sample,
}

/// What of a sample is always the same: fields before its value and behind it.
#[derive(Debug, Default)]
struct Sample {
    locations: Vec<u8>,
    labels: Vec<u8>,
}

impl Book {
    /// What is always the same in profiles of a service's processes.
    pub fn of(service: &Service) -> Self {
        let mut tables = Tables::default();
        for text in STRINGS {
            tables.string(text);
        }
        let binary = tables.string(&format!("/srv/{0}/{0}", service.name));
        let sample = |group: &Group| tables.sample(&group.stack, &group.labels);
        let samples = service.groups.iter().map(sample).collect();
        let own = tables.sample(&profiling(), &[]);
        // Profiles begin with their period, of which there is none to tell of goroutines.
        let mut written = Vec::new();
        bytes_field(&mut written, 11, &value_type(GOROUTINE));
        varint_field(&mut written, 12, 1);
        written.extend(tables.written);
        for string in &tables.in_order {
            bytes_field(&mut written, 6, string.as_bytes());
        }
        let mut crc = Crc::new();
        crc.update(&written);
        Self {
            packed: deflated(&written),
            crc,
            strings: count(tables.in_order.len()),
            binary,
            samples,
            own,
        }
    }

    /// The profile of a moment, compressed.
    pub fn profile(&self, moment: &Moment<'_>, of: Of, now: Timestamp) -> Vec<u8> {
        let mut rest = Vec::with_capacity(64 * self.samples.len() + 256);
        let name = match of {
            Of::Goroutines => GOROUTINE,
            Of::Leaks => LEAK,
        };
        bytes_field(&mut rest, 1, &value_type(name));
        let mut scratch = Vec::new();
        for (group, count) in moment.present() {
            let told = of == Of::Goroutines
                || moment
                    .group(group)
                    .is_some_and(|group| group.course.is_leak());
            if let Some(sample) = self.samples.get(group).filter(|_| told) {
                sample.write(count, &mut scratch, &mut rest);
            }
        }
        if of == Of::Goroutines {
            self.own.write(1, &mut scratch, &mut rest);
        }
        let nanos = u64::try_from(now.as_millis()).unwrap_or(0) * 1_000_000;
        varint_field(&mut rest, 9, nanos);
        let vdso = moment.vdso();
        let build = self.strings;
        for (id, from, to, file, build) in [
            (1, TEXT, TEXT_END, self.binary, build),
            (2, vdso, vdso + 0x2000, VDSO, 0),
        ] {
            let mut mapping = Vec::new();
            for (field, value) in [(1, id), (2, from), (3, to), (5, file), (6, build)] {
                varint_field(&mut mapping, field, value);
            }
            bytes_field(&mut rest, 3, &mapping);
        }
        bytes_field(&mut rest, 6, moment.build_id().as_bytes());
        self.zipped(&rest)
    }

    /// One gzip member of what is always the same and of the rest.
    fn zipped(&self, rest: &[u8]) -> Vec<u8> {
        // Magic, deflate, no flags, no time, no extra flags, any system.
        const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        const STORED_AT_MOST: usize = 0xffff;
        let mut zipped = Vec::with_capacity(self.packed.len() + rest.len() + 64);
        zipped.extend(HEAD);
        zipped.extend(&self.packed);
        let mut chunks = rest.chunks(STORED_AT_MOST).peekable();
        while let Some(chunk) = chunks.next() {
            let len = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
            zipped.push(u8::from(chunks.peek().is_none()));
            zipped.extend(len.to_le_bytes());
            zipped.extend((!len).to_le_bytes());
            zipped.extend(chunk);
        }
        let (mut crc, mut behind) = (Crc::new(), Crc::new());
        behind.update(rest);
        crc.combine(&self.crc);
        crc.combine(&behind);
        zipped.extend(crc.sum().to_le_bytes());
        zipped.extend(crc.amount().to_le_bytes());
        zipped
    }
}

impl Sample {
    fn write(&self, count: u32, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        scratch.clear();
        varint(scratch, u64::from(count));
        let value = std::mem::take(scratch);
        scratch.extend(&self.locations);
        bytes_field(scratch, 2, &value);
        scratch.extend(&self.labels);
        bytes_field(out, 2, scratch);
        *scratch = value;
    }
}

/// Strings, functions and locations as they come.
#[derive(Default)]
struct Tables {
    strings: HashMap<String, u64>,
    in_order: Vec<String>,
    functions: HashMap<(u64, u64), u64>,
    /// A location is a frame with those inlined into it, the innermost first.
    locations: HashMap<Vec<(u64, u32)>, u64>,
    written: Vec<u8>,
}

impl Tables {
    fn string(&mut self, text: &str) -> u64 {
        let next = count(self.in_order.len());
        let in_order = &mut self.in_order;
        *self.strings.entry(text.to_owned()).or_insert_with(|| {
            in_order.push(text.to_owned());
            next
        })
    }

    fn sample(&mut self, stack: &Stack, labels: &[(String, String)]) -> Sample {
        let mut ids = Vec::new();
        let places = stack.frames.split_inclusive(|frame| !frame.inlined);
        for place in places {
            let id = self.location(place);
            varint(&mut ids, id);
        }
        let mut sample = Sample::default();
        bytes_field(&mut sample.locations, 1, &ids);
        for (key, value) in labels {
            let mut label = Vec::new();
            varint_field(&mut label, 1, self.string(key));
            varint_field(&mut label, 2, self.string(value));
            bytes_field(&mut sample.labels, 3, &label);
        }
        sample
    }

    fn location(&mut self, place: &[Frame]) -> u64 {
        let lines: Vec<(u64, u32)> = place
            .iter()
            .map(|frame| (self.function(frame), frame.line))
            .collect();
        let next = count(self.locations.len()) + 1;
        if let Some(known) = self.locations.get(&lines) {
            return *known;
        }
        let mut location = Vec::new();
        varint_field(&mut location, 1, next);
        varint_field(&mut location, 2, 1);
        varint_field(&mut location, 3, address(next));
        for (function, line) in &lines {
            let mut message = Vec::new();
            varint_field(&mut message, 1, *function);
            varint_field(&mut message, 2, u64::from(*line));
            bytes_field(&mut location, 4, &message);
        }
        bytes_field(&mut self.written, 4, &location);
        self.locations.insert(lines, next);
        next
    }

    fn function(&mut self, frame: &Frame) -> u64 {
        let (name, file) = (self.string(&frame.function), self.string(&frame.file));
        let next = count(self.functions.len()) + 1;
        if let Some(known) = self.functions.get(&(name, file)) {
            return *known;
        }
        let mut function = Vec::new();
        for (field, value) in [(1, next), (2, name), (3, name), (4, file)] {
            varint_field(&mut function, field, value);
        }
        bytes_field(&mut self.written, 5, &function);
        self.functions.insert((name, file), next);
        next
    }
}

/// What a profile counts: goroutines of a kind.
fn value_type(name: u64) -> Vec<u8> {
    let mut value = Vec::new();
    varint_field(&mut value, 1, name);
    varint_field(&mut value, 2, COUNT);
    value
}

/// Where the code of a location lies.
const fn address(location: u64) -> u64 {
    TEXT + 0x1000 + location * STEP
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Deflate blocks that end at a byte.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::default(), false);
    // What cannot be compressed grows by 5 bytes in 16 KiB, and by an empty block at the end.
    let mut packed = Vec::with_capacity(bytes.len() + bytes.len() / 1024 + 1024);
    // Raw deflate with room enough cannot fail.
    let _fine = compress.compress_vec(bytes, &mut packed, FlushCompress::Sync);
    packed
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn varint_field(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn bytes_field(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, count(bytes.len()));
    out.extend(bytes);
}
