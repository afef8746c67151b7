//! Targets that are polled for a view: the daemon's own polling, into a file of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::{Args, Detail};
use crate::cli::failure::Failure;
use crate::cli::target::{BODY_LIMIT, MAX_STOP, PPROF_PATH, no_client, without_password};
use crate::cli::{Context, runtime};
use crate::collect::{Fetcher, Limits, look_once, predicted_stop};
use crate::config::{DetailMode, Target, Watching, parse_target};
use crate::daemon::Polling;
use crate::group::StackBook;
use crate::model::Kind;
use crate::present::{escape, grouped};
use crate::query::Board;

/// The name of the one service that targets are.
const SERVICE: &str = "targets";
/// Polls closer together than this would be the load that they measure.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);

/// Targets that are polled.
pub(super) struct Watched {
    polling: Polling,
    keeper: Keeper,
    pub(super) database: PathBuf,
}

/// What outlives polling.
pub(super) struct Keeper {
    runtime: tokio::runtime::Runtime,
    /// Removed at the end.
    folder: Option<TempDir>,
    kept: Option<PathBuf>,
}

impl Watched {
    /// Starts polling. Errors: a word that is no target, a file that cannot be written.
    pub(super) fn start(
        words: &[String],
        args: &Args,
        plain: bool,
        context: &mut Context,
    ) -> Result<Self, Failure> {
        if args.interval < LEAST_INTERVAL {
            let message = "--interval is below 100ms: polling would be the load that it measures";
            return Err(Failure::usage(message.to_owned()).hint("for example: --interval 1s"));
        }
        let targets = targets(words)?;
        let runtime = runtime()?;
        let fetcher = Fetcher::new(targets.len()).map_err(|error| no_client(&error))?;
        if args.detail == Detail::Always {
            let cost = runtime.block_on(cost(&fetcher, &targets, args.timeout));
            confirm(&cost, plain, context)?;
        }
        let folder = match &args.keep {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("goroscope-top-")
                    .tempdir()
                    .map_err(|error| {
                        Failure::system(&error, "failed to make a temporary folder")
                    })?,
            ),
        };
        let database = match (&args.keep, &folder) {
            (Some(path), _) => path.clone(),
            (None, Some(folder)) => folder.path().join("goroscope.db"),
            (None, None) => PathBuf::from("goroscope.db"),
        };
        let (detail, detail_max_stop) = match args.detail {
            Detail::Auto => (DetailMode::Auto, MAX_STOP),
            Detail::Always => (DetailMode::Auto, Duration::MAX),
            Detail::Never => (DetailMode::Never, MAX_STOP),
        };
        let watching = Watching {
            interval: args.interval,
            timeout: args.timeout,
            detail,
            detail_max_stop,
        };
        let config = watching.config(SERVICE, targets, database.clone());
        let entered = runtime.enter();
        let polling = Polling::start(config, &database)?;
        drop(entered);
        Ok(Self {
            polling,
            keeper: Keeper {
                runtime,
                folder,
                kept: args.keep.clone(),
            },
            database,
        })
    }

    pub(super) fn parts(self) -> (Option<Polling>, Option<Keeper>) {
        (Some(self.polling), Some(self.keeper))
    }
}

impl Keeper {
    /// Ends polling, and says where its history is kept.
    pub(super) fn end(
        self,
        polling: Option<Polling>,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let stopped = match polling {
            Some(polling) => self.runtime.block_on(polling.stop()),
            None => Ok(()),
        };
        self.runtime.shutdown_background();
        if let Some(path) = &self.kept {
            let path = path.display().to_string();
            context.output.remark(&format!(
                "kept in {0}; next: goroscope query top-growers --db {0}",
                escape(&path)
            ));
        }
        drop(self.folder);
        Ok(stopped?)
    }
}

/// What the words mean, each once.
fn targets(words: &[String]) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = Vec::new();
    for word in words {
        let target = parse_target(word, "http", PPROF_PATH).map_err(|error| {
            let failure = Failure::usage(format!("{}: {error}", without_password(word)));
            if Path::new(word).exists() {
                failure.hint(format!("a file is read by `goroscope snapshot {word}`"))
            } else {
                failure.hint("for example: goroscope top localhost:6060")
            }
        })?;
        if targets.contains(&target) {
            return Err(Failure::usage(format!("{word} is named twice"))
                .hint("name each process once; the address tells them apart"));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// What a full text costs the targets, and where it is left out; nothing before one has answered.
pub(super) fn note(detail: Detail, board: &Board) -> Option<String> {
    if detail == Detail::Never {
        return Some("no waits and creators: full texts are off (--detail never)".to_owned());
    }
    let known = board.instances.iter();
    let known = known.filter_map(|row| Some((row.goroutines?, row)));
    let (goroutines, row) = known.max_by_key(|(goroutines, _)| *goroutines)?;
    let stop = predicted_stop(goroutines);
    let told = millis(stop);
    if detail == Detail::Auto && stop > MAX_STOP {
        return Some(format!(
            "no waits and creators of {}: a full text would stop it for {told} (--detail always)",
            row.instance
        ));
    }
    Some(format!(
        "it stops {} for {told}: a full text, each 10 min and for new suspects",
        row.instance
    ))
}

/// `less than 0.1 ms`, `about 0.4 ms`, `about 812 ms`.
fn millis(span: Duration) -> String {
    let millis = span.as_secs_f64() * 1e3;
    if millis < 0.1 {
        "less than 0.1 ms".to_owned()
    } else if millis < 10.0 {
        format!("about {millis:.1} ms")
    } else {
        format!("about {millis:.0} ms")
    }
}

/// For how long a detail would stop each target that answers.
async fn cost(
    fetcher: &Fetcher,
    targets: &[Target],
    timeout: Duration,
) -> Vec<(String, u64, Duration)> {
    let limits = Limits {
        timeout,
        body: BODY_LIMIT,
    };
    let mut costs = Vec::new();
    for target in targets {
        let instance = target.clone().of(SERVICE.into());
        let book = StackBook::default();
        if let Ok(pulse) = look_once(fetcher, &instance, Kind::Pulse, limits, &book).await {
            let stop = predicted_stop(pulse.goroutines);
            costs.push((target.address.to_string(), pulse.goroutines, stop));
        }
    }
    costs.retain(|(_, _, stop)| *stop > MAX_STOP);
    costs
}

/// Says what details will cost, and on a terminal waits for a yes.
fn confirm(
    costs: &[(String, u64, Duration)],
    plain: bool,
    context: &mut Context,
) -> Result<(), Failure> {
    for (address, goroutines, stop) in costs {
        context.output.remark(&format!(
            "{}: a full text of {} goroutines stops it for {}, each 10 min and for new suspects",
            escape(address),
            grouped(*goroutines),
            millis(*stop),
        ));
    }
    if costs.is_empty() || plain {
        return Ok(());
    }
    context.output.remark("Enter goes on, Ctrl-C leaves it");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    match read {
        Ok(0) | Err(_) => Err(Failure::interrupted(
            "--detail auto needs no question".to_owned(),
        )),
        Ok(_) => Ok(()),
    }
}
