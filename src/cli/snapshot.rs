//! `goroscope snapshot`: one report of any dump, no config.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::failure::{Failure, remedy};
use super::progress::Amount;
use super::target::{PPROF_PATH, next_step, no_client};
use super::when::time_span;
use super::{Context, runtime};
use crate::clock;
use crate::collect::{Fetcher, Limits, look_once, predicted_stop};
use crate::config::parse_target;
use crate::dump::{DumpError, Reader};
use crate::group::{KeepLabels, StackBook, Tallies};
use crate::model::{InstanceId, Kind, Snapshot, Timestamp};
use crate::present::text;
use crate::query::snapshot::{FailedSource, SnapshotAnswer, SnapshotsAnswer, answer};

/// A detail that would stop the target for longer is not made unasked.
const MAX_STOP: Duration = Duration::from_millis(50);
/// Bytes of a file, after decompression.
const FILE_LIMIT: u64 = 16 << 30;
const CHUNK: usize = 256 << 10;

/// Shows the goroutine groups of a process or a dump, and exits.
///
/// TARGET is a URL, host:port, a file, a directory of files, or - for stdin. A process is asked for
/// its counts first; the text with states, waits and creators follows only when that stops it for
/// less than 50 ms. A file may hold debug=0, 1 or 2, a crash or SIGQUIT dump, or a log with any of
/// these in it, whatever docker, Kubernetes, journald or an editor put around the lines; gzip, zstd
/// and UTF-16 are undone. Each dump in it is a report of its own, named after its first line.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope snapshot localhost:6060
  goroscope snapshot dump.txt --top 5
  docker compose logs web | goroscope snapshot -
  kubectl exec pod -- curl -s localhost:6060/debug/pprof/goroutine?debug=2 | goroscope snapshot -")]
pub(super) struct Args {
    /// URL, host:port, file, directory, or - for stdin.
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,

    /// Groups shown of each dump; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    /// Whether a process is asked for debug=2: `auto`, `always` or `never`.
    #[arg(long, value_enum, default_value_t = Detail::Auto, hide_possible_values = true)]
    detail: Detail,

    /// Limit of one request.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = time_span)]
    timeout: Duration,

    /// `table` or `json`.
    #[arg(short, long, value_enum, default_value_t = super::query::Format::Table, hide_possible_values = true)]
    output: super::query::Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Detail {
    Auto,
    Always,
    Never,
}

/// One thing to read.
enum Source {
    Process(InstanceId),
    File(PathBuf),
    Stdin,
}

/// Why something gives no dump, and the next step.
struct Unread {
    error: String,
    hint: String,
}

impl Unread {
    fn new(error: impl Into<String>, hint: impl Into<String>) -> Self {
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

/// Serves the command.
pub(super) fn snapshot(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let mut snapshots = Vec::new();
    let (mut failed, mut hints) = (Vec::new(), Vec::new());
    context.output.begin("reading", Amount::Unknown);
    let mut single = args.targets.len() == 1;
    for target in &args.targets {
        let sources = match sources(target) {
            Ok(sources) => sources,
            Err(Unread { error, hint }) => {
                failed.push(FailedSource {
                    source: target.clone(),
                    error,
                });
                hints.push(hint);
                continue;
            }
        };
        single &= sources.len() == 1;
        for (name, source) in sources {
            let taken_at = taken_at(&source);
            match read(&source, args) {
                Ok(dumps) => {
                    single &= dumps.len() == 1;
                    let several = dumps.len() > 1;
                    for (line, snapshot) in dumps {
                        let name = if several {
                            format!("{name}:{line}")
                        } else {
                            name.clone()
                        };
                        snapshots.push(answer(name, taken_at, &snapshot));
                    }
                }
                Err(Unread { error, hint }) => {
                    failed.push(FailedSource {
                        source: name,
                        error,
                    });
                    hints.push(hint);
                }
            }
        }
    }
    print(args, single, snapshots, &failed, context)?;
    if failed.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = failed
        .iter()
        .map(|failed| format!("{}: {}", failed.source, failed.error))
        .collect();
    // Files of one kind fail alike.
    hints.dedup();
    let failure = Failure::plain(messages.join("\n"));
    Err(hints.into_iter().fold(failure, Failure::hint))
}

fn print(
    args: &Args,
    single: bool,
    mut snapshots: Vec<SnapshotAnswer>,
    failed: &[FailedSource],
    context: &mut Context,
) -> Result<(), Failure> {
    let draw = context.output.draw();
    match args.output {
        super::query::Format::Json => match snapshots.pop() {
            Some(only) if single => context.output.json(&only),
            last => {
                snapshots.extend(last);
                let failed = failed.to_vec();
                let schema = "goroscope.snapshots/v1";
                context.output.json(&SnapshotsAnswer {
                    schema,
                    snapshots,
                    failed,
                })
            }
        },
        super::query::Format::Table => {
            let texts: Vec<String> = snapshots
                .iter()
                .map(|found| text::snapshot(found, args.top, draw))
                .collect();
            context.output.data(&texts.join("\n"))
        }
    }
}

/// What a target word means; a directory means the files in it.
fn sources(target: &str) -> Result<Vec<(String, Source)>, Unread> {
    if target == "-" {
        return Ok(vec![("stdin".to_owned(), Source::Stdin)]);
    }
    let path = Path::new(target);
    if path.is_dir() {
        return files_in(path);
    }
    if path.exists() {
        return Ok(vec![(target.to_owned(), Source::File(path.to_owned()))]);
    }
    match parse_target(target, "http", PPROF_PATH) {
        Ok(found) => {
            let instance = found.of("snapshot".into());
            Ok(vec![(target.to_owned(), Source::Process(instance))])
        }
        Err(error) => Err(Unread::new(
            format!("no such file, and no address either: {error}"),
            "give a file, a folder, host:port, a URL, or - for stdin: goroscope snapshot localhost:6060",
        )),
    }
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
fn read(source: &Source, args: &Args) -> Result<Vec<(u64, Snapshot)>, Unread> {
    match source {
        Source::Process(instance) => Ok(vec![(1, ask(instance, args)?)]),
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

/// Asks a process for its counts, and for the text when that is cheap or wanted.
fn ask(instance: &InstanceId, args: &Args) -> Result<Snapshot, Unread> {
    let runtime =
        runtime().map_err(|failure| Unread::new(failure.message, failure.hints.concat()))?;
    let fetcher = Fetcher::new(1).map_err(|error| {
        let failure = no_client(&error);
        Unread::new(failure.message, failure.hints.concat())
    })?;
    let limits = Limits {
        timeout: args.timeout,
        body: 64 << 20,
    };
    let look = |kind| {
        let book = StackBook::default();
        let looked = runtime.block_on(look_once(&fetcher, instance, kind, limits, &book));
        looked.map_err(|failure| {
            let hint = next_step(instance, &failure);
            Unread::new(failure.message, hint)
        })
    };
    let mut pulse = look(Kind::Pulse)?;
    let stop = predicted_stop(pulse.goroutines);
    let cheap = stop <= MAX_STOP;
    if args.detail == Detail::Always || (args.detail == Detail::Auto && cheap) {
        return look(Kind::Detail);
    }
    if args.detail == Detail::Auto {
        let stop = humantime::format_duration(Duration::from_millis(
            u64::try_from(stop.as_millis()).unwrap_or(u64::MAX),
        ));
        pulse.notes.push(format!(
            "states are wait kinds, and creators and waits are missing: debug=2 would stop this \
             process for about {stop}; --detail always asks for it"
        ));
    }
    Ok(pulse)
}
