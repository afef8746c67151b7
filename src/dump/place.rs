//! Where in a text the reader stands between blocks, and the dumps that it has found.

use memchr::memmem;

use super::{Event, counted};
use crate::model::Form;

/// What one dump in the text told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dump {
    pub(super) form: Form,
    /// It breaks off.
    pub(super) torn: bool,
    /// High half of a heap pointer, where Go draws it anew at each start (1.26 and later).
    pub(super) heap_high: Option<u32>,
}

/// Where goroutines go, and the dumps that they belong to.
pub(super) struct Outlet<'o> {
    pub(super) on: &'o mut dyn FnMut(Event<'_>),
    pub(super) dumps: &'o mut Dumps,
}

/// The dumps found, in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Dumps {
    pub(super) found: Vec<Dump>,
    /// The one that the last event belonged to.
    pub(super) current: usize,
    /// Stacks that have a number.
    pub(super) stacks: usize,
    /// There were more than are told apart, and that was said.
    pub(super) full: bool,
}

/// Where in the text the reader stands, between blocks.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each was seen or not, by itself"
)]
pub(super) struct Place {
    /// The dump that blocks belong to.
    pub(super) dump: Option<usize>,
    /// Id of the first goroutine of the dump.
    pub(super) first_id: Option<u64>,
    /// Something that begins a dump was seen since the last block.
    pub(super) sign: bool,
    /// The process prints a dump once a thread (`GOTRACEBACK=crash`).
    pub(super) threads: bool,
    /// There was text that is no goroutine.
    pub(super) log: bool,
    /// Inside the header lines of an HTTP answer.
    pub(super) http: bool,
    /// Inside the text of a panic: its lines are indented deeper than it.
    pub(super) panic: Option<Indent>,
    /// The panic's line has more than blanks before it, so that only a header can end its text.
    pub(super) prefixed: bool,
    pub(super) profile: Option<Profile>,
}

/// How far a panic's line is indented.
#[derive(Debug, Clone, Copy)]
pub(super) struct Indent {
    /// At its beginning.
    front: usize,
    /// Right before the panic, behind what a log may have put there.
    back: usize,
}

/// A `debug=1` profile that is being read.
#[derive(Debug, Default)]
pub(super) struct Profile {
    pub(super) total: u64,
    pub(super) seen: u64,
    pub(super) root: counted::Root,
}

impl Place {
    /// Whether a header behind `prefix` belongs to the text of a panic: since Go 1.23 the lines of
    /// its message are indented (`printindented` in `runtime/error.go`).
    pub(super) fn is_panic_text(&self, prefix: &[u8]) -> bool {
        // Right behind the panic, on its own line.
        if panic_in(prefix).is_some() && memmem::find(prefix, b"\\n").is_none() {
            return true;
        }
        self.panic.is_some_and(|panic| {
            let is_bare = prefix.trim_ascii().is_empty();
            indent(prefix) > if is_bare { panic.front } else { panic.back }
        })
    }

    /// Takes a line between blocks that is none of a goroutine's.
    pub(super) fn note(&mut self, line: &[u8], dumps: &mut Dumps) {
        let text = line.trim_ascii();
        if text.is_empty() {
            self.http = false;
            return;
        }
        self.http |= text.starts_with(b"HTTP/");
        if !self.http {
            self.log = true;
            if let Some(dump) = self.dump.and_then(|dump| dumps.found.get_mut(dump))
                && dump.form == Form::Debug2
            {
                dump.form = Form::Log;
            }
        }
        self.threads |= text == b"-----";
        let panics = panic_in(line);
        if let Some(at) = panics {
            let prefix = line.get(..at).unwrap_or_default();
            let (front, back) = (indent_of(line).min(prefix.len()), indent(prefix));
            self.prefixed = back < prefix.len();
            let known = self.panic.unwrap_or(Indent { front, back });
            self.panic = Some(Indent {
                front: front.min(known.front),
                back: back.min(known.back),
            });
        } else if indent_of(line) == 0 && !self.prefixed {
            self.panic = None;
        }
        let begins = panics.is_some()
            || text.starts_with(b"HTTP/")
            || text.starts_with(b"SIGQUIT: quit")
            || text.starts_with(b"SIGABRT: abort")
            || memmem::find(text, b"panic serving ").is_some();
        self.sign |= begins && !self.threads;
    }
}

/// Where in a line the runtime says that the process panics. In a sentence, behind a word in small
/// letters, it is somebody else who tells of a panic.
fn panic_in(line: &[u8]) -> Option<usize> {
    let words = [&b"panic: "[..], b"fatal error: "].into_iter();
    let mut found = words.filter_map(|word| memmem::find(line, word));
    found.find(|at| {
        let before = line.get(..*at).unwrap_or_default().trim_ascii_end();
        let word = before.rsplit(u8::is_ascii_whitespace).next();
        let word = word.unwrap_or_default();
        word.len() < 2 || !word.iter().all(u8::is_ascii_lowercase)
    })
}

/// How far the end of a prefix is indented, in blanks, tabs or escaped tabs.
fn indent(prefix: &[u8]) -> usize {
    let mut depth = 0;
    let mut rest = prefix;
    loop {
        rest = match rest {
            [head @ .., b' ' | b'\t'] | [head @ .., b'\\', b't'] => head,
            [head @ .., b'#', b'0', b'1', b'1'] => head,
            _ => return depth,
        };
        depth += 1;
    }
}

/// Blanks that a line begins with.
fn indent_of(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}
