//! `goroscope import`: history from elsewhere, as if it had been polled.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::database::{self, DatabaseArgs};
use super::failure::{Failure, chain, remedy};
use super::progress::Amount;
use super::{Context, runtime};
use crate::model::Record;
use crate::present::{grouped, plural};
use crate::store::{self, DaemonLock, Importer, LifeRow, Reader, Steps, StoreError, Stored};
use crate::transfer::{Batch, FeedError, Import, Place, Source, feed};
use crate::{clock, daemon, group};

/// Batches that wait to be stored.
const WAITING: usize = 1;
/// What means stdin.
const STDIN: &str = "-";
/// After Ctrl-C, lines are waited for no longer than this.
const IDLE: Duration = Duration::from_millis(500);

/// Fills a database with history from elsewhere, as polling would have filled it.
///
/// PATH is a file of one JSON object a line, or - for stdin; gzip and zstd are undone. What a line may
/// have is in docs/NDJSON.md. The database is made where it does not exist, and no daemon may be
/// writing it. What is there already is not stored twice, so that an import that was broken off can be
/// made again. An import that finds nothing leaves no database behind where there was none. Nothing is
/// removed for its age; a daemon on the same database follows its own retention.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope import history.ndjson.zst --db history.db
  goroscope export --db old.db | goroscope import - --db new.db")]
pub(super) struct Args {
    /// Files, or - for stdin.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// What the files are: `ndjson`.
    #[arg(long, value_enum, default_value_t = Format::Ndjson, hide_possible_values = true)]
    format: Format,

    /// Leave lines out that cannot be read, and go on; the exit code is 1 all the same.
    #[arg(long)]
    keep_going: bool,

    #[command(flatten)]
    database: DatabaseArgs,
}

/// What histories are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line.
    Ndjson,
}

/// Serves the command.
pub(super) fn import(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let Format::Ndjson = args.format;
    check_sources(&args.paths)?;
    let stop = Arc::new(AtomicBool::new(false));
    let _listening = listen(&stop)?;
    let path = database::find(&args.database, context)?;
    let lock = DaemonLock::take(&path).map_err(locked)?;
    // Under the lock: what another import has just made is not ours to remove.
    let is_new = !path.exists();
    let steps = Arc::new(Steps::default());
    context
        .output
        .begin("bringing it up to date", Amount::Steps(Arc::clone(&steps)));
    store::recompute(&path, &lock, group::RULES, group::derived, &steps)?;
    let importer = Importer::begin(&path, lock)?;
    let known = Reader::open(&path)?.lives()?;
    let read = Arc::new(AtomicU64::new(0));
    let sources = args.paths.iter().map(|path| Source::new(path, &read));
    let reading = Reading::start(known, sources.collect(), args.keep_going, &stop)?;
    context
        .output
        .begin("importing", amount(&args.paths, &read));
    let run = Run {
        importer,
        is_new,
        began: Instant::now(),
        done: Done::default(),
    };
    run.go_through(reading, &stop, context)
}

/// The thread that reads lines, while what came of the ones before is stored.
struct Reading {
    batches: Receiver<Batch>,
    /// Records that are stored go back to where they were made: there they are let go of, which two
    /// threads would be slower at.
    stored: Sender<Vec<Record>>,
    thread: JoinHandle<(Result<(), FeedError>, Import)>,
}

impl Reading {
    fn start(
        known: Vec<LifeRow>,
        sources: Vec<Source>,
        keep_going: bool,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let (sender, batches) = sync_channel::<Batch>(WAITING);
        // No more come back than were sent.
        let (stored, returned) = channel::<Vec<Record>>();
        let stop = Arc::clone(stop);
        let thread = std::thread::Builder::new()
            .name("read".to_owned())
            .spawn(move || {
                let mut import = Import::new(known);
                let fed = feed(&mut import, &sources, keep_going, &stop, |batch| {
                    returned.try_iter().for_each(drop);
                    sender.send(batch).is_ok()
                });
                (fed, import)
            })
            .map_err(|error| Failure::system(&error, "failed to start reading"))?;
        Ok(Self {
            batches,
            stored,
            thread,
        })
    }

    /// The next batch; `None` when there is no more, or when `stop` is set and none comes: whoever
    /// writes to stdin may have nothing to say.
    fn next(&self, stop: &AtomicBool) -> Option<Batch> {
        loop {
            match self.batches.recv_timeout(IDLE) {
                Ok(batch) => return Some(batch),
                Err(RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => {}
                Err(_) => return None,
            }
        }
    }

    /// How reading ended, and what is left to be told; nothing where it does not end.
    fn end(self) -> (Result<(), FeedError>, Import) {
        drop(self.batches);
        let began = Instant::now();
        while !self.thread.is_finished() {
            if began.elapsed() > IDLE {
                return (Ok(()), Import::default());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| (Err(FeedError::Broken), Import::default()))
    }
}

/// What to do where somebody else writes the database.
fn locked(error: StoreError) -> Failure {
    match error {
        StoreError::Locked { .. } => Failure::error(&error)
            .hint("stop that one first, or import into another database with --db"),
        _ => error.into(),
    }
}

/// Sets `stop` on Ctrl-C, for as long as the runtime lives.
fn listen(stop: &Arc<AtomicBool>) -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = runtime()?;
    let stop = Arc::clone(stop);
    let entered = runtime.enter();
    let file_size = daemon::catch_file_size()
        .map_err(|error| Failure::system(&error, "failed to listen for signals"))?;
    drop(entered);
    runtime.spawn(async move {
        let _file_size = file_size;
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
        }
    });
    Ok(runtime)
}

/// How much there is to read: the files as they are, which stdin is none of.
fn amount(paths: &[PathBuf], read: &Arc<AtomicU64>) -> Amount {
    let len = |path: &PathBuf| std::fs::metadata(path).map(|file| file.len()).ok();
    let known = !paths.iter().any(|path| path == Path::new(STDIN));
    let total: Option<u64> = paths.iter().map(len).sum();
    match total.filter(|_| known) {
        Some(total) => Amount::BytesOf(Arc::clone(read), total),
        None => Amount::Bytes(Arc::clone(read)),
    }
}

/// Tells of a file that cannot be opened, or is empty, before a database is made for nothing.
fn check_sources(paths: &[PathBuf]) -> Result<(), Failure> {
    for path in paths.iter().filter(|path| *path != Path::new(STDIN)) {
        let file = std::fs::File::open(path).and_then(|file| file.metadata());
        let file = file.map_err(|error| {
            Failure::system(&error, &format!("failed to open `{}`", path.display()))
        })?;
        if file.is_file() && file.len() == 0 {
            return Err(no_line(&format!("`{}` is empty", path.display())));
        }
    }
    Ok(())
}

/// There is nothing to import, as `what` says.
fn no_line(what: &str) -> Failure {
    Failure::plain(format!("{what}: there is nothing to import"))
        .hint("nothing is stored; docs/NDJSON.md has the format, and `goroscope export` writes it")
}

/// What an import has come to.
#[derive(Debug, Default)]
struct Done {
    /// Records that were handed to the database.
    records: usize,
    stored: Stored,
    upto: Option<Place>,
    lines: u64,
    bytes: u64,
    refusals: u64,
}

struct Run {
    importer: Importer,
    /// There was no database before.
    is_new: bool,
    began: Instant,
    done: Done,
}

impl Run {
    /// Stores all that is read, says what was done, and what went wrong.
    fn go_through(
        mut self,
        reading: Reading,
        stop: &AtomicBool,
        context: &mut Context,
    ) -> Result<(), Failure> {
        while let Some(batch) = reading.next(stop) {
            match self.store(batch, context) {
                // A thread that has ended takes nothing back.
                Ok(records) => drop(reading.stored.send(records)),
                Err(error) => {
                    return Err(Failure::from(error).hint(self.done.stored_upto()));
                }
            }
        }
        let (fed, import) = reading.end();
        self.finish(fed, import, stop.load(Ordering::Relaxed), context)
    }

    /// Stores a batch, and gives its records back.
    fn store(&mut self, batch: Batch, context: &mut Context) -> Result<Vec<Record>, StoreError> {
        self.done.stored = self.importer.store(&batch.records)?;
        self.done.records += batch.records.len();
        self.done.lines += batch.lines;
        self.done.bytes += batch.bytes;
        self.done.refusals += batch.refusals;
        self.done.upto = Some(batch.upto);
        for refusal in batch.refused {
            context.output.remark(&FeedError::Line(refusal).to_string());
        }
        Ok(batch.records)
    }

    fn finish(
        mut self,
        fed: Result<(), FeedError>,
        mut import: Import,
        stopped: bool,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let is_whole = fed.is_ok() && !stopped;
        let at_the_end = import.finish(is_whole);
        if self.is_new && self.done.records + at_the_end.len() == 0 {
            self.importer.leave_nothing().map_err(|error| {
                Failure::system(
                    &error,
                    "failed to remove a database that was made for nothing",
                )
            })?;
        } else {
            self.importer.store(&at_the_end)?;
            self.done.stored = self.importer.finish(clock::now())?;
        }
        let seconds = self.began.elapsed().as_secs_f64();
        context.output.done();
        if is_whole && self.done.lines == 0 {
            return Err(no_line("no line was read"));
        }
        for sentence in import.unknown().sentences() {
            context.output.remark(&format!("warning: {sentence}"));
        }
        context.output.remark(&self.done.sentence(seconds));
        match fed {
            Err(error) => {
                let failure = Failure::plain(chain(&error)).hint(self.done.stored_upto());
                Err(match error {
                    FeedError::Line(_) => failure
                        .hint("docs/NDJSON.md has the format; --keep-going leaves such lines out"),
                    FeedError::Open { source, .. } | FeedError::Read { source, .. } => {
                        failure.hint(remedy(source.kind()))
                    }
                    FeedError::Broken => failure,
                })
            }
            Ok(()) if stopped => Err(Failure::interrupted(self.done.stored_upto())),
            Ok(()) if self.done.refusals > 0 => {
                let refusals = plural(self.done.refusals, "line");
                Err(Failure::plain(format!("left out: {refusals}"))
                    .hint("the lines above say where and why; docs/NDJSON.md has the format"))
            }
            Ok(()) => Ok(()),
        }
    }
}

impl Done {
    /// How far it has come.
    fn stored_upto(&self) -> String {
        match &self.upto {
            Some(upto) if upto.line > 0 => format!(
                "lines up to {} of {} are stored; the same command stores the rest, and nothing twice",
                upto.line, upto.file
            ),
            _ => "nothing is stored".to_owned(),
        }
    }

    fn sentence(&self, seconds: f64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let megabytes = self.bytes as f64 / 1e6;
        let Stored {
            snapshots,
            failures,
            there,
        } = self.stored;
        format!(
            "{}: {} and {} stored, {} already there, {} refused; {megabytes:.1} MB, {:.0} MB/s",
            plural(self.lines, "line"),
            plural(snapshots, "snapshot"),
            plural(failures, "failed poll"),
            grouped(there),
            plural(self.refusals, "line"),
            megabytes / seconds.max(0.001),
        )
    }
}
