//! What a target word means, and the dumps in it.

use std::path::{Path, PathBuf};

use super::ask::Asking;
use crate::cli::failure::{Failure, remedy};
use crate::cli::target::{PPROF_PATH, without_password};
use crate::clock;
use crate::config::parse_target;
use crate::dump::{DumpError, Reader};
use crate::group::{KeepLabels, StackBook, Tallies};
use crate::model::{InstanceId, Snapshot, Timestamp};
use crate::query::snapshot::{FailedSource, SnapshotAnswer, answer};

/// Bytes of a file, after decompression.
const FILE_LIMIT: u64 = 16 << 30;
const CHUNK: usize = 256 << 10;

/// All that targets gave.
pub(super) struct Found {
    pub(super) snapshots: Vec<SnapshotAnswer>,
    pub(super) failed: Vec<FailedSource>,
    /// What to do about these.
    pub(super) hints: Vec<String>,
    /// It could be no more than one dump: one target, one file, one dump in it.
    pub(super) is_one: bool,
}

/// One thing to read.
#[derive(PartialEq)]
enum Source {
    Process(InstanceId),
    /// Or a folder of files.
    File(PathBuf),
    Stdin,
}

/// Why something gives no dump, and the next step.
pub(super) struct Unread {
    error: String,
    hint: String,
}

impl Unread {
    pub(super) fn new(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            hint: hint.into(),
        }
    }

    /// The system did not do what was needed while `doing`.
    fn system(doing: &str, error: &std::io::Error) -> Self {
        Self::new(format!("{doing}: {error}"), remedy(error.kind()))
    }
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Self::new(failure.message, failure.hints.concat())
    }
}

/// Reads every target; one that fails costs no other.
pub(super) fn read_all(targets: &[String], asking: &mut Asking<'_>) -> Found {
    let mut found = Found {
        snapshots: Vec::new(),
        failed: Vec::new(),
        hints: Vec::new(),
        is_one: targets.len() == 1,
    };
    for target in targets {
        match sources(target) {
            Ok(sources) => {
                found.is_one &= sources.len() == 1;
                for (name, source) in sources {
                    found.read(name, &source, asking);
                }
            }
            Err(error) => found.fails(without_password(target), error),
        }
    }
    found
}

impl Found {
    fn read(&mut self, name: String, source: &Source, asking: &mut Asking<'_>) {
        let taken_at = taken_at(source);
        match dumps(source, asking) {
            Ok(dumps) => {
                let several = dumps.len() > 1;
                self.is_one &= !several;
                for (line, snapshot) in dumps {
                    let name = if several {
                        format!("{name}:{line}")
                    } else {
                        name.clone()
                    };
                    self.snapshots.push(answer(name, taken_at, &snapshot));
                }
            }
            Err(error) => self.fails(name, error),
        }
    }

    fn fails(&mut self, source: String, Unread { error, hint }: Unread) {
        self.failed.push(FailedSource { source, error });
        // Files of one kind fail alike.
        if self.hints.last() != Some(&hint) {
            self.hints.push(hint);
        }
    }
}

/// Refuses a target that is named twice, be it in other words: it would count twice.
pub(super) fn refuse_twice(targets: &[String]) -> Result<(), Failure> {
    let mut before: Vec<Source> = Vec::new();
    for word in targets {
        let Ok(source) = source(word) else {
            continue;
        };
        let source = match source {
            Source::File(path) => Source::File(std::fs::canonicalize(&path).unwrap_or(path)),
            other => other,
        };
        if before.contains(&source) {
            let message = format!("{} is named twice", without_password(word));
            return Err(Failure::usage(message).hint("name each process, file and folder once"));
        }
        before.push(source);
    }
    Ok(())
}

/// What a target word means; a directory means the files in it.
fn sources(target: &str) -> Result<Vec<(String, Source)>, Unread> {
    match source(target)? {
        Source::File(path) if path.is_dir() => files_in(&path),
        Source::Stdin => Ok(vec![("stdin".to_owned(), Source::Stdin)]),
        other => Ok(vec![(target.to_owned(), other)]),
    }
}

/// What a target word means.
fn source(target: &str) -> Result<Source, Unread> {
    if target == "-" {
        return Ok(Source::Stdin);
    }
    let path = Path::new(target);
    if path.exists() {
        return Ok(Source::File(path.to_owned()));
    }
    let found = parse_target(target, "http", PPROF_PATH).map_err(|error| {
        Unread::new(
            format!("no such file, and no address either: {error}"),
            "give a file, a folder, host:port, a URL, or - for stdin: goroscope snapshot localhost:6060",
        )
    })?;
    Ok(Source::Process(found.of("snapshot".into())))
}

fn files_in(folder: &Path) -> Result<Vec<(String, Source)>, Unread> {
    let unreadable = |error| Unread::system("failed to list the directory", &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Unread::new(
            "the directory has no files",
            "folders in it are not looked into: name one of them, or a file",
        ));
    }
    let named = |path: PathBuf| (path.display().to_string(), Source::File(path));
    Ok(files.into_iter().map(named).collect())
}

/// A file was taken when it was written, everything else is taken now.
fn taken_at(source: &Source) -> Timestamp {
    let written = match source {
        Source::File(path) => std::fs::metadata(path)
            .and_then(|file| file.modified())
            .ok(),
        Source::Process(_) | Source::Stdin => None,
    };
    let since_1970 = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since_1970.map_or_else(clock::now, |age| Timestamp::default().plus(age))
}

/// The dumps of a source, each with the line where it begins.
fn dumps(source: &Source, asking: &mut Asking<'_>) -> Result<Vec<(u64, Snapshot)>, Unread> {
    match source {
        Source::Process(instance) => Ok(vec![(1, asking.ask(instance)?)]),
        Source::Stdin => read_stream(&mut std::io::stdin().lock()),
        Source::File(path) => {
            let mut file = std::fs::File::open(path)
                .map_err(|error| Unread::system("failed to open it", &error))?;
            read_stream(&mut file)
        }
    }
}

fn read_stream(stream: &mut impl std::io::Read) -> Result<Vec<(u64, Snapshot)>, Unread> {
    let book = StackBook::default();
    let mut tallies = Tallies::new(&book, KeepLabels::All);
    let mut reader = Reader::new(FILE_LIMIT);
    let mut chunk = vec![0; CHUNK];
    loop {
        let len = match stream.read(&mut chunk) {
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Unread::system("failed to read it", &error)),
        };
        if len == 0 {
            break;
        }
        let bytes = chunk.get(..len).unwrap_or_default();
        reader
            .push(bytes, &mut |event| tallies.add(event))
            .map_err(|error| unreadable(&error))?;
    }
    let facts = reader
        .finish(&mut |event| tallies.add(event))
        .map_err(|error| unreadable(&error))?;
    Ok(tallies.finish(facts))
}

fn unreadable(error: &DumpError) -> Unread {
    let hint = match error {
        DumpError::TooLarge { .. } => "split it: each dump in it may stand alone",
        _ => {
            "what is read is in docs/FORMS.md; such a dump: \
             curl -s 'localhost:6060/debug/pprof/goroutine?debug=2' > dump.txt"
        }
    };
    Unread::new(format!("it cannot be read: {error}"), hint)
}
