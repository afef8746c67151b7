//! What a dump wears on its way through loggers: a prefix on every line, JSON around it, lost tabs.
//!
//! A [`Dress`] is learned at a goroutine header and taken off every line that wears it too; what is
//! below is text again, which may wear another.

use super::{escape, frame, header};

/// One kind of dress.
#[derive(Debug)]
pub(super) enum Dress {
    /// A prefix whose times change and whose words do not.
    Prefix(Vec<Part>),
    /// One JSON object a line, as docker and `go test -json` write them.
    Json(Json),
    /// Lines that somebody coloured, indented, escaped or wrote with a blank line between.
    Loose(Loose),
}

impl Dress {
    /// The dress of a line with a whole header behind `prefix`.
    pub(super) fn of_prefix(prefix: &[u8]) -> Self {
        Self::Prefix(parts(prefix))
    }

    /// Takes the dress off a line (without its `\n`) and writes what is below, with its end of line
    /// if it has one; false when the line does not wear it.
    pub(super) fn take_off(&mut self, line: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Self::Prefix(parts) => match strip(parts, line) {
                Some((rest, partial)) => {
                    out.extend_from_slice(rest);
                    if !partial {
                        out.push(b'\n');
                    }
                    true
                }
                None => false,
            },
            Self::Json(json) => json.take_off(line, out),
            Self::Loose(loose) => loose.take_off(line, out),
        }
    }
}

/// A piece of a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// These bytes.
    Exact(Vec<u8>),
    /// A date, a time of day or seconds since 1970: every line has its own.
    Time,
    /// `F` or `P` of a CRI log: whether the line is whole.
    Whole,
}

fn parts(prefix: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut exact: Vec<u8> = Vec::new();
    let mut before: &[u8] = &[];
    for word in prefix.chunk_by(|a, b| (*a == b' ') == (*b == b' ')) {
        let after_stream = matches!(before, b"stdout" | b"stderr");
        let part = if is_time(word) {
            Some(Part::Time)
        } else if after_stream && matches!(word, b"F" | b"P") {
            Some(Part::Whole)
        } else {
            None
        };
        match part {
            Some(part) => {
                if !exact.is_empty() {
                    parts.push(Part::Exact(std::mem::take(&mut exact)));
                }
                parts.push(part);
            }
            None => exact.extend_from_slice(word),
        }
        if word.first() != Some(&b' ') {
            before = word;
        }
    }
    if !exact.is_empty() {
        parts.push(Part::Exact(exact));
    }
    parts
}

/// What stands behind the prefix, and whether the line goes on in the next one.
fn strip<'a>(parts: &[Part], line: &'a [u8]) -> Option<(&'a [u8], bool)> {
    let mut rest = line;
    let mut partial = false;
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Exact(bytes) => match rest.strip_prefix(bytes.as_slice()) {
                Some(behind) => rest = behind,
                // The blanks at the end of a prefix go where the line is empty.
                None if at + 1 == parts.len()
                    && rest.trim_ascii_end() == bytes.trim_ascii_end() =>
                {
                    return Some((&[], partial));
                }
                None => return None,
            },
            Part::Time | Part::Whole => {
                let len = memchr::memchr(b' ', rest).unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(len)?;
                match part {
                    Part::Time if is_time(word) => {}
                    Part::Whole if matches!(word, b"F" | b"P") => partial = word == b"P",
                    _ => return None,
                }
                rest = behind;
            }
        }
    }
    Some((rest, partial))
}

/// Whether a word is a time that other lines will have another of.
fn is_time(word: &[u8]) -> bool {
    let word = word.trim_ascii();
    let word = word
        .strip_prefix(b"[")
        .or_else(|| word.strip_prefix(b"\""))
        .unwrap_or(word);
    let word = word
        .strip_suffix(b"]")
        .or_else(|| word.strip_suffix(b"\""))
        .unwrap_or(word);
    // klog: severity, month and day.
    if let [b'I' | b'W' | b'E' | b'F', digits @ ..] = word
        && digits.len() == 4
        && digits.iter().all(u8::is_ascii_digit)
    {
        return true;
    }
    let count = |wanted: u8| memchr::memchr_iter(wanted, word).count();
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let known = |byte: &u8| byte.is_ascii_digit() || b":./-TZ+,".contains(byte);
    word.iter().all(known)
        && digits >= 4
        && count(b'.') <= 1
        && (count(b':') >= 2
            || count(b'/') == 2
            || count(b'-') >= 2
            || (digits >= 10 && count(b'.') == 1))
}

/// A string inside JSON lines.
#[derive(Debug)]
pub(super) struct Json {
    /// `"KEY"`.
    key: Vec<u8>,
    /// `"Package":"P"`, where there is one: `go test -json` mixes packages.
    package: Option<Vec<u8>>,
}

impl Json {
    /// From a line whose string value with the header begins somewhere before `at`.
    pub(super) fn learn(line: &[u8], at: usize) -> Option<Self> {
        let before = line.get(..at)?;
        if before.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let opening = memchr::memrchr_iter(b'"', before).find(|quote| {
            let head = before.get(..*quote).unwrap_or_default().trim_ascii_end();
            head.ends_with(b"\":")
                || head
                    .strip_suffix(b":")
                    .is_some_and(|h| h.trim_ascii_end().ends_with(b"\""))
        })?;
        let head = before
            .get(..opening)?
            .trim_ascii_end()
            .strip_suffix(b":")?
            .trim_ascii_end();
        let name = head.strip_suffix(b"\"")?;
        let start = memchr::memrchr(b'"', name)?;
        Some(Self {
            key: head.get(start..)?.to_vec(),
            package: package(line).map(<[u8]>::to_vec),
        })
    }

    fn take_off(&self, line: &[u8], out: &mut Vec<u8>) -> bool {
        if line.trim_ascii_start().first() != Some(&b'{')
            || self.package.as_deref() != package(line)
        {
            return false;
        }
        let Some(value) = string_of(line, &self.key) else {
            return false;
        };
        unescape_string(value, out);
        true
    }
}

fn package(line: &[u8]) -> Option<&[u8]> {
    let value = string_of(line, b"\"Package\"")?;
    value.get(..memchr::memchr(b'"', value)?)
}

/// What follows the opening quote of the value of a key, which is given with its quotes.
fn string_of<'a>(line: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(line, key)? + key.len();
    line.get(at..)?
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start()
        .strip_prefix(b"\"")
}

/// Writes a string without its escapes, up to its closing quote. Returns the bytes read and whether
/// the string is over; an escape that is cut off is left for later.
pub(super) fn unescape_string(text: &[u8], out: &mut Vec<u8>) -> (usize, bool) {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let plain = memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        at += plain;
        match rest.get(plain) {
            None => break,
            // A string does not go on over the end of its line.
            Some(b'\\') if rest.get(plain + 1) == Some(&b'\n') => return (at + 1, true),
            Some(b'\\') => match escape::next(rest.get(plain..).unwrap_or_default(), out) {
                Some(used) => at += used,
                None => return (at, false),
            },
            Some(_) => return (at, true),
        }
    }
    (at, false)
}

/// Lines that are Go's, but not letter by letter.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a change of its own")]
pub(super) struct Loose {
    /// `<`, `>`, `&` and quotes are written as entities.
    html: bool,
    /// A blank line follows every line.
    double: bool,
    /// Leading blanks are gone altogether.
    flat: bool,
    /// The line before was not blank.
    after_text: bool,
    scratch: Vec<u8>,
}

impl Loose {
    /// From the lines of a block that could not be read, without its header; `None` when they look
    /// like Go's.
    pub(super) fn learn(header: &[u8], below: &[u8]) -> Option<Self> {
        let all = || {
            std::iter::once(header)
                .chain(below.split(|byte| *byte == b'\n'))
                .take(64)
        };
        let raw = |line: &[u8]| line.iter().any(|byte| b"<>\"".contains(byte));
        let html = all().any(has_entity) && !all().any(raw);
        let mut blank = below
            .split(|byte| *byte == b'\n')
            .map(|line| line.trim_ascii().is_empty());
        let double =
            [blank.next(), blank.next(), blank.next()] == [Some(true), Some(false), Some(true)];
        let mut flat = false;
        let mut odd = false;
        for line in all().skip(1) {
            odd |= line.iter().any(|byte| matches!(byte, 0 | 0x1b)) || line.starts_with(b"#011");
            let text = line.trim_ascii();
            if header::begins(text) {
                break;
            }
            if line.first() == Some(&b'\t') || text.is_empty() {
                continue;
            }
            let indented = line.first() == Some(&b' ');
            odd |= indented && (frame::is_call(text) || frame::location(text).is_some());
            flat |= !indented && is_source(text);
        }
        odd |= header.iter().any(|byte| matches!(byte, 0 | 0x1b));
        (html || double || flat || odd).then_some(Self {
            html,
            double,
            flat,
            ..Self::default()
        })
    }

    fn take_off(&mut self, line: &[u8], out: &mut Vec<u8>) -> bool {
        let mut clean = std::mem::take(&mut self.scratch);
        clean.clear();
        bare(line, self.html, &mut clean);
        let line = clean.trim_ascii_end();
        let text = line.trim_ascii_start();
        if text.is_empty() && self.double && self.after_text {
            self.after_text = false;
            self.scratch = clean;
            return true;
        }
        self.after_text = !text.is_empty();
        let indented = text.len() < line.len();
        let unavailable = text.starts_with(b"goroutine ") && text.ends_with(b"; stack unavailable");
        if header::begins(text) {
            out.extend_from_slice(line);
        } else if unavailable
            || (indented && frame::location(text).is_some())
            || (self.flat && is_source(text))
        {
            out.push(b'\t');
            out.extend_from_slice(text);
        } else {
            out.extend_from_slice(text);
        }
        out.push(b'\n');
        self.scratch = clean;
        true
    }
}

/// A location that can be told without its tab: it names a source file.
fn is_source(text: &[u8]) -> bool {
    const ENDS: [&[u8]; 8] = [b".go", b".s", b".S", b".c", b".cc", b".cpp", b".h", b">"];
    frame::location(text).is_some_and(|(file, _)| ENDS.iter().any(|end| file.ends_with(end)))
}

const ENTITIES: [(&[u8], u8); 8] = [
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
    (b"&quot;", b'"'),
    (b"&#34;", b'"'),
    (b"&#39;", b'\''),
    (b"&#x27;", b'\''),
    (b"&#43;", b'+'),
    (b"&amp;", b'&'),
];

fn entity(text: &[u8]) -> Option<(usize, u8)> {
    let found = ENTITIES.iter().find(|(entity, _)| text.starts_with(entity));
    found.map(|(entity, byte)| (entity.len(), *byte))
}

fn has_entity(line: &[u8]) -> bool {
    memchr::memchr_iter(b'&', line).any(|at| entity(line.get(at..).unwrap_or_default()).is_some())
}

/// The line without NULs, colours and entities, and with `#011` as the tab that it was.
fn bare(line: &[u8], html: bool, out: &mut Vec<u8>) {
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = match byte {
            0 => behind,
            0x1b if behind.first() == Some(&b'[') => {
                let end = behind
                    .iter()
                    .skip(1)
                    .position(|byte| (0x40..0x7f).contains(byte));
                end.map_or(&[], |end| behind.get(end + 2..).unwrap_or_default())
            }
            b'#' if behind.starts_with(b"011") => {
                out.push(b'\t');
                behind.get(3..).unwrap_or_default()
            }
            b'&' if html && let Some((len, plain)) = entity(rest) => {
                out.push(plain);
                rest.get(len..).unwrap_or_default()
            }
            _ => {
                out.push(byte);
                behind
            }
        };
    }
}
