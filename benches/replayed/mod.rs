//! Real dumps with other counts: the bytes that the same process could have sent at another moment.

use std::io::Read as _;

use fastrand::Rng;
use flate2::read::GzDecoder;

const HALF_HOUR_MS: i64 = 1_800_000;

/// What the count of a stack is `millis` after the real one.
fn count(nth: usize, real: u64, millis: i64, rng: &mut Rng) -> u64 {
    if nth % 20 == 7 {
        return real + (millis / HALF_HOUR_MS).unsigned_abs();
    }
    if real < 2 {
        return real;
    }
    // The sum of many small chances, but never none.
    let drawn = (0..10 * real).filter(|_| rng.u8(0..10) == 0).count() as u64;
    drawn.max(1)
}

/// A debug=0 profile, taken apart.
pub(crate) struct Profile {
    /// All but the samples.
    rest: Vec<u8>,
    /// Of each sample its goroutines, and the rest of it.
    samples: Vec<(u64, Vec<u8>)>,
}

impl Profile {
    /// Reads `message Profile { repeated Sample sample = 2; … }`, zipped.
    pub(crate) fn of(zipped: &[u8]) -> Result<Self, Box<dyn std::error::Error>> {
        let mut plain = Vec::new();
        GzDecoder::new(zipped).read_to_end(&mut plain)?;
        let (mut rest, mut samples) = (Vec::new(), Vec::new());
        let mut left = &plain[..];
        while !left.is_empty() {
            let whole = left;
            let (key, value) = field(&mut left).ok_or("a profile that breaks off")?;
            match (key, value) {
                (0x12, Some(sample)) => samples.push(taken_apart(sample).ok_or("a broken sample")?),
                _ => rest.extend_from_slice(whole.strip_suffix(left).unwrap_or_default()),
            }
        }
        Ok(Self { rest, samples })
    }

    /// The profile `millis` later, not zipped.
    pub(crate) fn again(&self, millis: i64, rng: &mut Rng) -> Vec<u8> {
        let mut out = self.rest.clone();
        let mut sample = Vec::new();
        for (nth, (real, rest)) in self.samples.iter().enumerate() {
            sample.clear();
            sample.extend_from_slice(rest);
            // `repeated int64 value = 2`, one of them, not packed.
            sample.push(0x10);
            varint(count(nth, *real, millis, rng), &mut sample);
            out.push(0x12);
            varint(sample.len() as u64, &mut out);
            out.extend_from_slice(&sample);
        }
        out
    }
}

/// The value of a sample, and the rest of it.
fn taken_apart(mut sample: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (mut value, mut rest) = (None, Vec::new());
    while !sample.is_empty() {
        let whole = sample;
        match field(&mut sample)? {
            (0x12, Some(mut packed)) => value = number(&mut packed),
            (0x10, _) => value = number(&mut whole.get(1..)?),
            _ => rest.extend_from_slice(whole.strip_suffix(sample)?),
        }
    }
    Some((value?, rest))
}

/// The next field: its key, and its bytes where it is not a number.
fn field<'a>(left: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let key = number(left)?;
    let value = number(left)?;
    match key & 7 {
        0 => Some((key, None)),
        2 => {
            let (bytes, rest) = left.split_at_checked(usize::try_from(value).ok()?)?;
            *left = rest;
            Some((key, Some(bytes)))
        }
        _ => None,
    }
}

fn number(left: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = left.split_first()?;
        *left = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A debug=2 text, taken apart: goroutines by what is below their first line.
pub(crate) struct Text {
    stacks: Vec<(String, Vec<Header>)>,
}

/// The first line of a goroutine.
struct Header {
    id: u64,
    /// What is in the brackets before the minutes.
    state: String,
    minutes: i64,
    /// What is in the brackets behind them.
    more: String,
}

impl Text {
    pub(crate) fn of(text: &str) -> Self {
        let mut stacks: Vec<(String, Vec<Header>)> = Vec::new();
        for goroutine in text.trim_end().split("\n\n") {
            let Some((header, frames)) = goroutine.split_once('\n') else {
                continue;
            };
            let Some(header) = Header::of(header) else {
                continue;
            };
            let names = |frames: &str| -> Vec<String> {
                let functions = frames.lines().filter(|line| !line.starts_with('\t'));
                let name = |line: &str| line.split("(0x").next().map(str::to_owned);
                functions.filter_map(name).collect()
            };
            let known = stacks
                .iter_mut()
                .find(|(known, _)| names(known) == names(frames));
            match known {
                Some((_, headers)) => headers.push(header),
                None => stacks.push((frames.to_owned(), vec![header])),
            }
        }
        Self { stacks }
    }

    /// The text `millis` later. Those above the real count are new.
    pub(crate) fn again(&self, millis: i64, rng: &mut Rng) -> String {
        let mut out = String::new();
        for (nth, (frames, headers)) in self.stacks.iter().enumerate() {
            let wanted = count(nth, headers.len() as u64, millis, rng);
            for of in 0..wanted {
                let known = usize::try_from(of).ok().and_then(|of| headers.get(of));
                let Some(header) = known.or(headers.first()) else {
                    continue;
                };
                let (id, minutes) = match known {
                    Some(header) => (header.id, header.minutes + millis / 60_000),
                    None => (1_000_000 * (nth as u64 + 1) + of, 0),
                };
                let waits = if minutes > 0 && header.can_wait() {
                    format!(", {minutes} minutes")
                } else {
                    String::new()
                };
                let (state, more) = (&header.state, &header.more);
                out += &format!("goroutine {id} [{state}{waits}{more}]:\n{frames}\n\n");
            }
        }
        out
    }
}

impl Header {
    /// Reads `goroutine 1 [select, 5 minutes, locked to thread]:`.
    fn of(line: &str) -> Option<Self> {
        let (id, brackets) = line.strip_prefix("goroutine ")?.split_once(" [")?;
        let mut parts = brackets.strip_suffix("]:")?.split(", ");
        let mut header = Self {
            id: id.parse().ok()?,
            state: parts.next()?.to_owned(),
            minutes: 0,
            more: String::new(),
        };
        for part in parts {
            match part.strip_suffix(" minutes").map(str::parse) {
                Some(Ok(minutes)) => header.minutes = minutes,
                _ => header.more += &format!(", {part}"),
            }
        }
        Some(header)
    }

    fn can_wait(&self) -> bool {
        !["running", "runnable", "syscall"].contains(&self.state.as_str())
    }
}
