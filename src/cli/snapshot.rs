//! `goroscope snapshot`: one report of any dump, no config.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::failure::{Failure, chain};
use super::written::{Format, Written, print};
use super::{Context, runtime};
use crate::clock;
use crate::collect::{Fetcher, Limits, look_once, predicted_stop};
use crate::config::parse_target;
use crate::dump::{DumpError, Reader};
use crate::group::{KeepLabels, StackBook, Tallies};
use crate::model::{InstanceId, Kind, Snapshot, Timestamp};
use crate::query::snapshot::{FailedSource, SnapshotsAnswer, answer};

/// Where pprof is when a target does not say.
const PPROF_PATH: &str = "/debug/pprof";
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
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = humantime::parse_duration)]
    timeout: Duration,

    #[command(flatten)]
    written: Written,
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

/// Serves the command.
pub(super) fn snapshot(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let mut snapshots = Vec::new();
    let mut failed = Vec::new();
    let mut single = args.targets.len() == 1;
    for target in &args.targets {
        let sources = match sources(target) {
            Ok(sources) => sources,
            Err(error) => {
                failed.push(FailedSource {
                    source: target.clone(),
                    error,
                });
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
                Err(error) => failed.push(FailedSource {
                    source: name,
                    error,
                }),
            }
        }
    }
    let mut answer = SnapshotsAnswer {
        schema: "goroscope.snapshots/v1",
        snapshots,
        failed,
        top: args.top,
    };
    match answer.snapshots.pop() {
        Some(only) if single && args.written.output == Format::Json => {
            context.output.json(&only)?;
        }
        last => {
            answer.snapshots.extend(last);
            print(&answer, args.written, context)?;
        }
    }
    let failed = answer.failed;
    if failed.is_empty() {
        return Ok(());
    }
    let messages: Vec<String> = failed
        .iter()
        .map(|failed| format!("{}: {}", failed.source, failed.error))
        .collect();
    Err(Failure::plain(messages.join("\n")))
}

/// What a target word means; a directory means the files in it.
fn sources(target: &str) -> Result<Vec<(String, Source)>, String> {
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
        Err(error) => Err(format!("no such file, and no address either: {error}")),
    }
}

fn files_in(folder: &Path) -> Result<Vec<(String, Source)>, String> {
    let unreadable = |error: std::io::Error| format!("failed to list the directory: {error}");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err("the directory has no files".to_owned());
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
fn read(source: &Source, args: &Args) -> Result<Vec<(u64, Snapshot)>, String> {
    match source {
        Source::Process(instance) => Ok(vec![(1, ask(instance, args)?)]),
        Source::Stdin => read_stream(&mut std::io::stdin().lock()),
        Source::File(path) => {
            let mut file =
                std::fs::File::open(path).map_err(|error| format!("failed to open it: {error}"))?;
            read_stream(&mut file)
        }
    }
}

fn read_stream(stream: &mut impl std::io::Read) -> Result<Vec<(u64, Snapshot)>, String> {
    let book = StackBook::default();
    let mut tallies = Tallies::new(&book, KeepLabels::All);
    let mut reader = Reader::new(FILE_LIMIT);
    let mut chunk = vec![0; CHUNK];
    let unreadable = |error: DumpError| format!("it cannot be read: {error}");
    loop {
        let len = match stream.read(&mut chunk) {
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("failed to read it: {error}")),
        };
        if len == 0 {
            break;
        }
        let bytes = chunk.get(..len).unwrap_or_default();
        reader
            .push(bytes, &mut |event| tallies.add(event))
            .map_err(unreadable)?;
    }
    let facts = reader
        .finish(&mut |event| tallies.add(event))
        .map_err(unreadable)?;
    Ok(tallies.finish(facts))
}

/// Asks a process for its counts, and for the text when that is cheap or wanted.
fn ask(instance: &InstanceId, args: &Args) -> Result<Snapshot, String> {
    let runtime = runtime().map_err(|failure| failure.message)?;
    let fetcher = Fetcher::new(1).map_err(|error| chain(&error))?;
    let limits = Limits {
        timeout: args.timeout,
        body: 64 << 20,
    };
    let look = |kind| {
        let book = StackBook::default();
        let looked = runtime.block_on(look_once(&fetcher, instance, kind, limits, &book));
        looked.map_err(|failure| failure.message)
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
