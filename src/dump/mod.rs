//! Bytes to goroutines, in every form that Go prints them.
//!
//! [`Reader`] takes bytes as they arrive, undoes compression and UTF-16, tells the form and hands each
//! goroutine on as an [`Event`] that borrows from the input: what is kept is the caller's decision.
//! What loggers put around a dump is taken off. A goroutine that cannot be read costs that goroutine
//! and one complaint with its line; no input panics, and memory does not grow with the dump.
//!
//! Absent on purpose: grouping, signatures, I/O.

mod anchor;
mod block;
mod counted;
mod decode;
mod dress;
mod escape;
mod frame;
mod header;
mod labels;
mod layer;
mod place;
mod profile;
mod reader;
mod rote;
mod text;
mod wire;
mod worn;

pub use reader::{DumpError, Facts, Reader};

use crate::model::{Complaint, Elision, Labels};

/// A frame as it stands in the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// Function name without arguments.
    pub function: &'a [u8],
    /// Source file; empty when unknown.
    pub file: &'a [u8],
    /// Line, from 1; 0 when unknown.
    pub line: u32,
}

/// What only the text form knows of a goroutine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// Goroutine id. Not a key: goroutine 0 comes once a thread.
    pub id: u64,
    /// State as printed, without `(leaked)` and `(scan)`.
    pub state: &'a [u8],
    /// Minutes of waiting, where printed.
    pub minutes: Option<u64>,
    /// Marked by a leak-detecting garbage collection.
    pub leaked: bool,
    /// The function that started it, where printed.
    pub creator: Option<&'a [u8]>,
}

/// pprof labels as they stand in the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawLabels<'a> {
    /// The text between the braces of a header.
    Text(&'a [u8]),
    /// Key and value pairs of a profile sample.
    Pairs(&'a [(&'a [u8], &'a [u8])]),
}

impl RawLabels<'_> {
    /// The labels as a map; bytes that are not UTF-8 become U+FFFD.
    pub fn to_map(self) -> Labels {
        match self {
            Self::Text(text) => labels::parse(text),
            Self::Pairs(pairs) => pairs
                .iter()
                .map(|(key, value)| (lossy(key), lossy(value)))
                .collect(),
        }
    }
}

/// One goroutine of a text dump, or the goroutines of one sample of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goroutines<'a> {
    /// How many: 1 in text.
    pub count: u64,
    /// Leaf first. Empty where Go said "stack unavailable", and where `stack` came before.
    pub frames: &'a [RawFrame<'a>],
    /// Frames left out in the middle.
    pub elision: Option<Elision>,
    /// The profile's depth limit cut root-most frames off.
    pub cut: bool,
    /// The form hides functions of the runtime at the leaf: how it waits is not in the frames.
    pub leaf_hidden: bool,
    /// Labels, where there are any.
    pub labels: Option<RawLabels<'a>>,
    /// What only text knows.
    pub block: Option<Block<'a>>,
    /// Number of the stack in this input, where the reader knows stacks by rote. One stack can have
    /// several numbers. The first time that a number comes in a dump, `frames` are there.
    pub stack: Option<usize>,
}

/// What reading gives, in the order of the dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// Goroutines that were read.
    Goroutines(Goroutines<'a>),
    /// Goroutines that were not.
    Complaint(Complaint),
    /// What follows belongs to another dump of the same input. The first one, number 0, is told as
    /// well; dumps of several sources can take turns.
    Dump {
        /// Its place in the order of appearance, from 0: the index of its [`Facts`].
        number: usize,
        /// The line where it begins, from 1.
        line: u64,
    },
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
