//! From the bytes of an answer or a file to the right reader: compression undone, size bounded, form
//! told by its first bytes.

use super::decode::{Utf16, Zip};
use super::place::{Dumps, Outlet};
use super::text::Text;
use super::{Event, profile};
use crate::model::{Form, ProcessFacts};

/// Go cuts `debug=2` off at exactly this many bytes, without a word (`runtime/pprof/pprof.go`).
const GO_TEXT_LIMIT: u64 = 64 << 20;

/// Bytes that are enough to tell the forms apart.
const SNIFF: usize = 512;

/// What editors on Windows put before text.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a dump as a whole could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// More bytes than allowed, after decompression.
    #[error("more than {limit} bytes after decompression")]
    TooLarge {
        /// The limit, inclusive.
        limit: u64,
    },
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// A web page.
    #[error("it is HTML, not a goroutine dump")]
    Html,
    /// Text without a single goroutine.
    #[error("no goroutine in it; it begins with `{0}`")]
    NoGoroutine(String),
    /// A profile of something else.
    #[error("it is a profile of `{0}`, not of goroutines")]
    OtherProfile(String),
    /// A protobuf that cannot be decoded.
    #[error("the profile cannot be decoded: {0}")]
    BadProfile(&'static str),
    /// Compressed data that cannot be undone.
    #[error("its {0} data is broken or breaks off")]
    BadZip(&'static str),
}

impl DumpError {
    /// Whether the bytes are something else altogether, rather than a damaged dump.
    pub const fn is_other_content(&self) -> bool {
        matches!(
            self,
            Self::Empty | Self::Html | Self::NoGoroutine(_) | Self::OtherProfile(_)
        )
    }
}

/// What a dump tells beside its goroutines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The form found.
    pub form: Form,
    /// The dump breaks off: the target cut it, or its end was lost.
    pub truncated: bool,
    /// About the process that made it.
    pub process: ProcessFacts,
    /// It is a leak profile by its own word (`goroutineleak`), in the form that says so.
    pub leaks: bool,
}

/// Reads a dump whose bytes arrive in chunks.
#[derive(Debug)]
pub struct Reader {
    body: Body,
    zip: Zip,
    /// Compressed or not is not known before these are there.
    magic: Vec<u8>,
    begun: bool,
    /// The compressed data cannot be read on: what came before it counts as cut off.
    broken: Option<DumpError>,
}

impl Reader {
    /// A reader that takes at most `limit` bytes, inclusive, counted after decompression.
    pub fn new(limit: u64) -> Self {
        let body = Body {
            limit,
            taken: 0,
            head: Vec::new(),
            stage: Stage::Unknown,
            dumps: Dumps::default(),
        };
        Self {
            body,
            zip: Zip::None,
            magic: Vec::new(),
            begun: false,
            broken: None,
        }
    }

    /// Takes the next bytes and hands on what they complete.
    pub fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        let rest = if self.begun {
            bytes
        } else {
            let rest = fill(&mut self.magic, Zip::MAGIC, bytes);
            if self.magic.len() < Zip::MAGIC {
                return Ok(());
            }
            self.begin(on)?;
            rest
        };
        self.undo(rest, on)
    }

    fn undo(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        if self.broken.is_some() {
            return Ok(());
        }
        let body = &mut self.body;
        match self.zip.undo(bytes, &mut |plain| body.push(plain, on)) {
            Err(broken @ DumpError::BadZip(_)) => self.broken = Some(broken),
            done => return done,
        }
        Ok(())
    }

    /// Bytes that are held back until the end: a profile is read as a whole.
    pub fn held(&self) -> usize {
        match &self.body.stage {
            Stage::Profile(body) => body.len(),
            Stage::Text(_) | Stage::Utf16(_) | Stage::Unknown => 0,
        }
    }

    /// Takes the end of the input. Gives what each dump in it tells, at least one, in the order of
    /// their numbers.
    pub fn finish(mut self, on: &mut impl FnMut(Event<'_>)) -> Result<Vec<Facts>, DumpError> {
        if !self.begun {
            self.begin(on)?;
        }
        if self.broken.is_none() {
            let body = &mut self.body;
            match self.zip.finish(&mut |plain| body.push(plain, on)) {
                Err(broken @ DumpError::BadZip(_)) => self.broken = Some(broken),
                ended => ended?,
            }
        }
        match self.broken {
            Some(broken) => self.body.finish_cut(broken, on),
            None => self.body.finish(on),
        }
    }

    fn begin(&mut self, on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        self.begun = true;
        let first = std::mem::take(&mut self.magic);
        self.zip = Zip::of(&first);
        self.undo(&first, on)
    }
}

/// The bytes after decompression.
#[derive(Debug)]
struct Body {
    limit: u64,
    taken: u64,
    /// The first bytes: until the form is known, and for the words of an error.
    head: Vec<u8>,
    stage: Stage,
    dumps: Dumps,
}

#[derive(Debug)]
enum Stage {
    Unknown,
    Text(Box<Text>),
    Utf16(Box<(Utf16, Text)>),
    Profile(Vec<u8>),
}

impl Body {
    fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        self.taken += bytes.len() as u64;
        if self.taken > self.limit {
            return Err(DumpError::TooLarge { limit: self.limit });
        }
        let mut rest = bytes;
        if matches!(self.stage, Stage::Unknown) {
            rest = fill(&mut self.head, SNIFF, bytes);
            if self.head.len() < SNIFF {
                return Ok(());
            }
            self.decide(on)?;
        }
        let dumps = &mut self.dumps;
        match &mut self.stage {
            Stage::Text(text) => text.push(rest, &mut Outlet { on, dumps }),
            Stage::Utf16(both) => {
                let (utf16, text) = &mut **both;
                text.push(utf16.decode(rest), &mut Outlet { on, dumps });
            }
            Stage::Profile(body) => body.extend_from_slice(rest),
            Stage::Unknown => {}
        }
        Ok(())
    }

    fn decide(&mut self, on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        let head = std::mem::take(&mut self.head);
        if head.is_empty() {
            return Err(DumpError::Empty);
        }
        if is_profile(&head) {
            self.stage = Stage::Profile(head);
            return Ok(());
        }
        let dumps = &mut self.dumps;
        let mut outlet = Outlet { on, dumps };
        let mut text = Text::default();
        self.stage = if let Some(mut utf16) = Utf16::of(&head) {
            text.push(utf16.decode(&head), &mut outlet);
            Stage::Utf16(Box::new((utf16, text)))
        } else {
            text.push(head.strip_prefix(BOM).unwrap_or(&head), &mut outlet);
            Stage::Text(Box::new(text))
        };
        self.head = head;
        Ok(())
    }

    /// Ends a body whose compressed data broke off: the goroutines that came before count.
    fn finish_cut(
        self,
        broken: DumpError,
        on: &mut impl FnMut(Event<'_>),
    ) -> Result<Vec<Facts>, DumpError> {
        if !matches!(self.stage, Stage::Text(_) | Stage::Utf16(_)) {
            return Err(broken);
        }
        let mut facts = self.finish(on).map_err(|_| broken)?;
        if let Some(last) = facts.last_mut() {
            last.truncated = true;
        }
        Ok(facts)
    }

    fn finish(mut self, on: &mut impl FnMut(Event<'_>)) -> Result<Vec<Facts>, DumpError> {
        if matches!(self.stage, Stage::Unknown) {
            self.decide(on)?;
        }
        let dumps = &mut self.dumps;
        match self.stage {
            Stage::Profile(body) => return profile::read(&body, on).map(|facts| vec![facts]),
            Stage::Text(text) => text.finish(&mut Outlet { on, dumps }),
            Stage::Utf16(both) => both.1.finish(&mut Outlet { on, dumps }),
            Stage::Unknown => return Err(DumpError::Empty),
        }
        if self.dumps.found.is_empty() {
            return Err(no_goroutine(&self.head));
        }
        let cut_by_go = self.taken == GO_TEXT_LIMIT;
        let facts = self.dumps.found.into_iter().map(|dump| Facts {
            form: dump.form,
            leaks: false,
            truncated: dump.torn || (cut_by_go && dump.form == Form::Debug2),
            process: ProcessFacts {
                heap_high: dump.heap_high,
                ..ProcessFacts::default()
            },
        });
        Ok(facts.collect())
    }
}

/// Fills `kept` up to `len` bytes; gives those that follow.
fn fill<'a>(kept: &mut Vec<u8>, len: usize, bytes: &'a [u8]) -> &'a [u8] {
    let missing = len.saturating_sub(kept.len()).min(bytes.len());
    let (first, rest) = bytes.split_at(missing);
    kept.extend_from_slice(first);
    rest
}

/// A profile begins with a short message of small numbers: Go writes its period type first (field
/// 11), others the sample type (field 1). Text may hold control characters, but not these.
fn is_profile(head: &[u8]) -> bool {
    matches!(head, [0x0a | 0x5a, 2..=20, 0x08 | 0x10, ..])
}

fn no_goroutine(head: &[u8]) -> DumpError {
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let lower = text
        .get(..text.len().min(15))
        .unwrap_or_default()
        .to_ascii_lowercase();
    if lower.starts_with(b"<!doctype") || lower.starts_with(b"<html") {
        DumpError::Html
    } else {
        DumpError::NoGoroutine(beginning(head))
    }
}

/// The first words of what was no dump, safe to print.
fn beginning(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = super::lossy(line.get(..line.len().min(60)).unwrap_or_default());
    text.trim().escape_debug().collect()
}
