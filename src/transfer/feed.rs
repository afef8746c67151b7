//! Lines of files to batches of records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::source::{Lines, MAX_LINE, Source};
use super::{Import, Mistake};
use crate::model::Record;

/// Text, records and groups of one batch. It is stored in one transaction, which costs less for each
/// the more there are; a hundred thousand groups are 25 MB of memory.
const BATCH_TEXT: u64 = 64 << 20;
const BATCH_RECORDS: usize = 2_048;
const BATCH_GROUPS: usize = 100_000;
/// Mistakes that are told one by one.
const TOLD: usize = 20;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as a person names it.
    pub file: Arc<str>,
    /// Its line, from 1; 0 before the first.
    pub line: u64,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub place: Place,
    /// Where in it, in bytes from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// Why reading ended before the end.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A file cannot be opened.
    #[error("failed to open `{file}`")]
    Open {
        /// Which.
        file: Arc<str>,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be read on.
    #[error("failed to read `{file}` behind line {line}")]
    Read {
        /// Which.
        file: Arc<str>,
        /// The last line that was read.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A bug ended it.
    #[error("reading ended by a bug in goroscope; the message above says where")]
    Broken,
    /// A line is wrong.
    #[error("{}:{}:{}: {}", .0.place.file, .0.place.line, .0.column, .0.what)]
    Line(Refusal),
}

/// What came of some lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What to store.
    pub records: Vec<Record>,
    /// The last of these lines.
    pub upto: Place,
    /// Lines, but for empty ones.
    pub lines: u64,
    /// Bytes of them, decompressed.
    pub bytes: u64,
    /// The first lines that were left out because they are wrong.
    pub refused: Vec<Refusal>,
    /// All of them.
    pub refusals: u64,
}

/// Reads all lines of all sources, and hands batches on until `store` says that it wants no more or
/// `stop` is set. A line that is wrong ends it, unless `keep_going`. What came before an error has
/// been handed on.
pub fn feed(
    import: &mut Import,
    sources: &[Source],
    keep_going: bool,
    stop: &AtomicBool,
    mut store: impl FnMut(Batch) -> bool,
) -> Result<(), FeedError> {
    for source in sources {
        let mut lines = Lines::open(source).map_err(|error| FeedError::Open {
            file: Arc::clone(&source.name),
            source: error,
        })?;
        let mut filling = Filling::new(source);
        let ended = loop {
            let next = lines.next().map_err(|error| filling.unreadable(error));
            let line = match next {
                Ok(Some(line)) => line,
                Ok(None) => break Ok(true),
                Err(error) => break Err(error),
            };
            let taken = filling.take(import, line);
            if let Err(refusal) = taken {
                if !keep_going {
                    break Err(FeedError::Line(refusal));
                }
                filling.refuse(refusal);
            }
            if filling.is_full(import) && !store(filling.batch(import)) {
                return Ok(());
            }
            if stop.load(Ordering::Relaxed) {
                break Ok(false);
            }
        };
        let goes_on = store(filling.batch(import));
        if !ended? || !goes_on {
            return Ok(());
        }
    }
    Ok(())
}

/// The batch that is being filled.
struct Filling {
    place: Place,
    /// The line that is read now; those before it are whole.
    reading: u64,
    lines: u64,
    bytes: u64,
    refused: Vec<Refusal>,
    refusals: u64,
}

impl Filling {
    fn new(source: &Source) -> Self {
        Self {
            place: Place {
                file: Arc::clone(&source.name),
                line: 0,
            },
            reading: 0,
            lines: 0,
            bytes: 0,
            refused: Vec::new(),
            refusals: 0,
        }
    }

    fn take(&mut self, import: &mut Import, line: Result<&[u8], usize>) -> Result<(), Refusal> {
        self.reading += 1;
        let taken = match line {
            Ok(line) => {
                self.bytes += line.len() as u64 + 1;
                // Some programs begin their files with a mark of the byte order.
                let bare = line
                    .strip_prefix(b"\xef\xbb\xbf")
                    .filter(|_| self.reading == 1);
                let line = bare.unwrap_or(line);
                if line.iter().all(u8::is_ascii_whitespace) {
                    self.place.line = self.reading;
                    return Ok(());
                }
                import.line(line)
            }
            Err(len) => Err(Mistake {
                at: MAX_LINE,
                what: format!(
                    "this line has {len} bytes or more, and must have at most {MAX_LINE}: give each \
                     look a line of its own"
                ),
            }),
        };
        self.lines += 1;
        taken.map_err(|mistake| Refusal {
            place: Place {
                file: Arc::clone(&self.place.file),
                line: self.reading,
            },
            column: mistake.at + 1,
            what: mistake.what,
        })?;
        self.place.line = self.reading;
        Ok(())
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.place.line = self.reading;
        self.refusals += 1;
        if self.refused.len() < TOLD {
            self.refused.push(refusal);
        }
    }

    const fn is_full(&self, import: &Import) -> bool {
        let (records, groups) = import.waiting();
        self.bytes >= BATCH_TEXT || records >= BATCH_RECORDS || groups >= BATCH_GROUPS
    }

    fn batch(&mut self, import: &mut Import) -> Batch {
        Batch {
            records: import.take(),
            upto: self.place.clone(),
            lines: std::mem::take(&mut self.lines),
            bytes: std::mem::take(&mut self.bytes),
            refused: std::mem::take(&mut self.refused),
            refusals: std::mem::take(&mut self.refusals),
        }
    }

    fn unreadable(&self, source: std::io::Error) -> FeedError {
        FeedError::Read {
            file: Arc::clone(&self.place.file),
            line: self.place.line,
            source,
        }
    }
}
