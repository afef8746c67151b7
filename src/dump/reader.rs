//! From the bytes of an answer or a file to the right reader: gzip undone, size bounded, form
//! told by its first bytes.

use std::io::Write as _;

use flate2::write::MultiGzDecoder;

use super::text::Text;
use super::{Event, profile};
use crate::model::{Form, ProcessFacts};

/// Go cuts `debug=2` off at exactly this many bytes, without a word (`runtime/pprof/pprof.go`).
const GO_TEXT_LIMIT: u64 = 64 << 20;

/// Compressed bytes undone at a time: at 1,000 to 1 a bomb grows by 1 MiB before it is seen.
const GZIP_STEP: usize = 1 << 10;

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
    /// Text of a form that this version does not read.
    #[error("it is a debug=1 profile; ask for debug=0 or debug=2 instead")]
    Counted,
    /// Text without a single goroutine.
    #[error("no goroutine in it; it begins with `{0}`")]
    NoGoroutine(String),
    /// A profile of something else.
    #[error("it is a profile of `{0}`, not of goroutines")]
    OtherProfile(String),
    /// A protobuf that cannot be decoded.
    #[error("the profile cannot be decoded: {0}")]
    BadProfile(&'static str),
    /// A gzip stream that cannot be decoded.
    #[error("its gzip data is broken or breaks off")]
    BadGzip,
}

impl DumpError {
    /// Whether the bytes are something else altogether, rather than a damaged dump.
    pub const fn is_other_content(&self) -> bool {
        matches!(
            self,
            Self::Empty | Self::Html | Self::Counted | Self::NoGoroutine(_) | Self::OtherProfile(_)
        )
    }
}

/// What a dump tells beside its goroutines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The form found.
    pub form: Form,
    /// The target cut the dump off.
    pub truncated: bool,
    /// About the process that made it.
    pub process: ProcessFacts,
}

/// Reads a dump whose bytes arrive in chunks.
#[derive(Debug)]
pub struct Reader {
    body: Body,
    gzip: Option<MultiGzDecoder<Vec<u8>>>,
    /// Compressed or not is not known before two bytes are there.
    magic: Vec<u8>,
    begun: bool,
}

impl Reader {
    /// A reader that takes at most `limit` bytes, inclusive, counted after decompression.
    pub fn new(limit: u64) -> Self {
        let body = Body {
            limit,
            taken: 0,
            head: Vec::new(),
            form: Stage::Unknown,
        };
        Self {
            body,
            gzip: None,
            magic: Vec::new(),
            begun: false,
        }
    }

    /// Takes the next bytes and hands on what they complete.
    pub fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        if self.begun {
            return self.unzip(bytes, on);
        }
        self.magic.extend_from_slice(bytes);
        if self.magic.len() < 2 {
            Ok(())
        } else {
            self.begin(on)
        }
    }

    /// Bytes that are held back until the end: a profile is read as a whole.
    pub fn held(&self) -> usize {
        match &self.body.form {
            Stage::Profile(body) => body.len(),
            Stage::Text(_) | Stage::Unknown => 0,
        }
    }

    /// Takes the end of the input.
    pub fn finish(mut self, on: &mut impl FnMut(Event<'_>)) -> Result<Facts, DumpError> {
        if !self.begun {
            self.begin(on)?;
        }
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish().map_err(|_| DumpError::BadGzip)?;
            self.body.push(&rest, on)?;
        }
        self.body.finish(on)
    }

    fn begin(&mut self, on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        self.begun = true;
        let first = std::mem::take(&mut self.magic);
        if first.starts_with(&[0x1f, 0x8b]) {
            self.gzip = Some(MultiGzDecoder::new(Vec::new()));
        }
        self.unzip(&first, on)
    }

    fn unzip(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        let Some(gzip) = &mut self.gzip else {
            return self.body.push(bytes, on);
        };
        for step in bytes.chunks(GZIP_STEP) {
            gzip.write_all(step).map_err(|_| DumpError::BadGzip)?;
            let plain = std::mem::take(gzip.get_mut());
            self.body.push(&plain, on)?;
        }
        Ok(())
    }
}

/// The bytes after decompression.
#[derive(Debug)]
struct Body {
    limit: u64,
    taken: u64,
    /// The first bytes, until the form is known.
    head: Vec<u8>,
    form: Stage,
}

#[derive(Debug)]
enum Stage {
    Unknown,
    Text(Text),
    Profile(Vec<u8>),
}

impl Body {
    fn push(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        self.taken += bytes.len() as u64;
        if self.taken > self.limit {
            return Err(DumpError::TooLarge { limit: self.limit });
        }
        match &mut self.form {
            Stage::Text(text) => text.push(bytes, on),
            Stage::Profile(body) => body.extend_from_slice(bytes),
            Stage::Unknown => {
                self.head.extend_from_slice(bytes);
                if self.head.len() >= SNIFF {
                    self.decide(on)?;
                }
            }
        }
        Ok(())
    }

    fn decide(&mut self, on: &mut impl FnMut(Event<'_>)) -> Result<(), DumpError> {
        let head = std::mem::take(&mut self.head);
        self.form = match sniff(&head)? {
            Form::Proto => Stage::Profile(head),
            Form::Debug2 => {
                let mut text = Text::default();
                text.push(head.strip_prefix(BOM).unwrap_or(&head), on);
                self.head = head
                    .get(..head.len().min(SNIFF))
                    .unwrap_or_default()
                    .to_vec();
                Stage::Text(text)
            }
        };
        Ok(())
    }

    fn finish(mut self, on: &mut impl FnMut(Event<'_>)) -> Result<Facts, DumpError> {
        if matches!(self.form, Stage::Unknown) {
            self.decide(on)?;
        }
        match self.form {
            Stage::Profile(body) => profile::read(&body, on),
            Stage::Text(text) => {
                let end = text.finish(on);
                if end.goroutines == 0 {
                    return Err(DumpError::NoGoroutine(beginning(&self.head)));
                }
                let truncated = self.taken == GO_TEXT_LIMIT;
                let process = ProcessFacts {
                    heap_high: end.heap_high,
                    ..ProcessFacts::default()
                };
                Ok(Facts {
                    form: Form::Debug2,
                    truncated,
                    process,
                })
            }
            Stage::Unknown => Err(DumpError::Empty),
        }
    }
}

/// Tells the form by the first bytes.
fn sniff(head: &[u8]) -> Result<Form, DumpError> {
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    if is_profile(head) {
        return Ok(Form::Proto);
    }
    if head.is_empty() {
        return Err(DumpError::Empty);
    }
    if text.starts_with(b"<") {
        return Err(DumpError::Html);
    }
    let counted = text.starts_with(b"goroutine profile: total ")
        || text.starts_with(b"goroutineleak profile: total ");
    if counted {
        Err(DumpError::Counted)
    } else {
        Ok(Form::Debug2)
    }
}

/// A profile begins with a short message of small numbers: Go writes its period type first (field
/// 11), others the sample type (field 1). Text may hold control characters, but not these.
fn is_profile(head: &[u8]) -> bool {
    matches!(head, [0x0a | 0x5a, 2..=20, 0x08 | 0x10, ..])
}

/// The first words of what was no dump, safe to print.
fn beginning(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = super::lossy(line.get(..line.len().min(60)).unwrap_or_default());
    text.trim().escape_debug().collect()
}
