//! Files of lines, compressed or not.

use std::fs::File;
use std::io::{Chain, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use memchr::memchr;

/// A longer line is none.
pub(super) const MAX_LINE: usize = 64 << 20;
/// Text read at a time.
const CHUNK: usize = 1 << 20;

/// Where lines come from.
#[derive(Debug)]
pub struct Source {
    /// As a person names it.
    pub(super) name: Arc<str>,
    path: Option<PathBuf>,
    /// Bytes read so far, as they lie in the file.
    read: Arc<AtomicU64>,
}

impl Source {
    /// A file, or stdin for `-`.
    pub fn new(path: &Path, read: &Arc<AtomicU64>) -> Self {
        let is_stdin = path == Path::new("-");
        let name = path.display().to_string();
        Self {
            name: if is_stdin {
                "stdin".into()
            } else {
                name.into()
            },
            path: (!is_stdin).then(|| path.to_owned()),
            read: Arc::clone(read),
        }
    }

    fn open(&self) -> std::io::Result<Box<dyn Read>> {
        let inner: Box<dyn Read> = match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(std::io::stdin()),
        };
        decompressed(Counted {
            inner,
            read: Arc::clone(&self.read),
        })
    }
}

/// Counts what is read.
struct Counted {
    inner: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let len = self.inner.read(into)?;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

/// Takes gzip or zstd off, which their first bytes tell.
fn decompressed(mut file: Counted) -> std::io::Result<Box<dyn Read>> {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let (gzip, zstd) = (magic.starts_with(GZIP), magic.starts_with(ZSTD));
    let whole: Chain<Cursor<Vec<u8>>, Counted> = Cursor::new(magic).chain(file);
    Ok(if gzip {
        Box::new(MultiGzDecoder::new(whole))
    } else if zstd {
        Box::new(zstd::stream::read::Decoder::new(whole)?)
    } else {
        Box::new(whole)
    })
}

/// The lines of a file, in a buffer that grows with the longest of them.
pub(super) struct Lines {
    file: Box<dyn Read>,
    buffer: Vec<u8>,
    /// The part of the buffer that is read and not handed on.
    begin: usize,
    end: usize,
    is_over: bool,
}

impl Lines {
    pub(super) fn open(source: &Source) -> std::io::Result<Self> {
        Ok(Self {
            file: source.open()?,
            buffer: vec![0; CHUNK],
            begin: 0,
            end: 0,
            is_over: false,
        })
    }

    /// The next line without its end; the length of one that is too long.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Result<&[u8], usize>>> {
        let mut searched = 0;
        let mut skipped = 0;
        loop {
            let ahead = self.buffer.get(self.begin..self.end).unwrap_or_default();
            let found = memchr(b'\n', ahead.get(searched..).unwrap_or_default());
            if let Some(found) = found {
                let begin = self.begin;
                let len = searched + found;
                self.begin += len + 1;
                if skipped > 0 {
                    return Ok(Some(Err(skipped + len)));
                }
                return Ok(self.buffer.get(begin..begin + len).map(Ok));
            }
            searched = ahead.len();
            if self.is_over {
                let begin = std::mem::replace(&mut self.begin, self.end);
                return Ok(match (skipped, searched) {
                    (0, 0) => None,
                    (0, _) => self.buffer.get(begin..self.end).map(Ok),
                    _ => Some(Err(skipped + searched)),
                });
            }
            if searched > MAX_LINE {
                skipped += searched;
                (self.begin, self.end, searched) = (0, 0, 0);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            self.end -= self.begin;
            self.begin = 0;
        }
        if self.buffer.len() < self.end + CHUNK / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.file.read(room) {
            Ok(0) => self.is_over = true,
            Ok(len) => self.end += len,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
