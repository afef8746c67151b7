//! `goroscope top`: the live view of targets that it polls itself, or of what a daemon keeps.

mod feed;
mod lines;
mod screen;
mod targets;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use clap::ValueEnum;

use super::database::{self, DatabaseArgs};
use super::failure::Failure;
use super::target::limit;
use super::when::time_span;
use super::{Context, when};
use crate::clock;
use crate::daemon::Polling;
use crate::present::tui::{Live, Look};
use crate::query::{Board, Scope, instances};
use crate::store::Reader;
use feed::{Asked, Feed, Question, Range};
use targets::Watched;

/// Shows live which goroutine stacks grow, on targets or in the history of a daemon.
///
/// With TARGETs it polls them itself, as gently as the daemon does: the cheap counts each interval,
/// the full text, which stops a process, at first, each 10 minutes and for new suspects, and only
/// while that stops it for less than 50 ms. What it sees is kept in a temporary file until it ends, or
/// for good with --keep. Without TARGETs it reads the database of a daemon, whether that runs or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope top localhost:6060                      one process, now
  goroscope top web-1:6060 web-2:6060 --interval 5s
  goroscope top localhost:6060 --keep soak.db       and keep the history for `goroscope query`
  goroscope top --db goroscope.db --since 24h       what a daemon keeps
  goroscope top localhost:6060 --plain | tee log    lines, for pipes and screen readers

Keys: arrows j k, / filter, Enter detail, s order, g grouping, Space freeze, b baseline, ? help, q quit")]
pub(super) struct Args {
    /// URL or host:port of a process; several are one fleet. Without any, the database of a daemon is read.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// From one poll of a target to the next, 100ms at least.
    #[arg(short, long, value_name = "DURATION", default_value = "1s", value_parser = time_span)]
    interval: Duration,

    /// Limit of one request.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = limit)]
    timeout: Duration,

    /// Whether targets are asked for debug=2: `auto`, `always` (also where that stops them for longer; says for how
    /// long, and asks first) or `never`.
    #[arg(long, value_enum, default_value_t = Detail::Auto, hide_possible_values = true)]
    detail: Detail,

    /// Keep the history of the targets in this file.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,

    #[command(flatten)]
    database: DatabaseArgs,

    /// Beginning of the window of a database: 24h, 7d, yesterday, 2026-11-22 08:00, RFC 3339.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "24h",
        conflicts_with = "targets"
    )]
    since: String,

    /// Only this service of a database; may be repeated.
    #[arg(long, value_name = "NAME", conflicts_with = "targets")]
    service: Vec<String>,

    /// Only this instance (host:port) of a database; may be repeated.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "targets")]
    instance: Vec<String>,

    /// Lines instead of a screen: what is there, and from then on what changes. So it is where stdout is no terminal.
    #[arg(long)]
    plain: bool,

    /// Rows told at once by --plain; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    /// End --plain after so many looks.
    #[arg(long, value_name = "N")]
    looks: Option<u64>,

    /// Draw with ASCII characters only.
    #[arg(long)]
    ascii: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Detail {
    Auto,
    Always,
    Never,
}

/// What happens while the view is open.
enum Happened {
    /// The terminal told of a key or a new size.
    Typed(crossterm::event::Event),
    /// A question was answered.
    Asked(Box<Asked>),
    /// SIGTERM, SIGINT or SIGHUP.
    Stop,
    /// SIGTSTP from outside.
    Suspend,
    /// Whoever asks has died of a bug.
    Broken(&'static str),
}

/// Everything may wait that long in line.
const QUEUE: usize = 64;

/// What a view of any kind works with.
struct Run {
    live: Live,
    look: Look,
    happened: Receiver<Happened>,
    sender: SyncSender<Happened>,
    questions: SyncSender<Question>,
    polling: Option<Polling>,
    /// Whether targets are asked for full texts; `None` where others ask them.
    detail: Option<Detail>,
}

impl Run {
    /// Whether targets are polled, and none has ended a poll yet.
    fn is_early(&self) -> bool {
        let board = self.live.board.as_deref();
        let is_polled = |board: &Board| {
            let mut rows = board.instances.iter();
            rows.any(|row| row.last_poll.is_some() && !row.is_silent)
        };
        self.detail.is_some() && self.live.trouble.is_none() && !board.is_some_and(is_polled)
    }

    /// Whether an instance answers.
    fn hears(&self) -> bool {
        let board = self.live.board.as_deref();
        board.is_some_and(|board| board.instances.iter().any(|row| row.goroutines.is_some()))
    }

    /// Takes an answer in.
    fn take(&mut self, asked: Asked) {
        let live = &mut self.live;
        live.asked_at = asked.at;
        live.pace = asked.pace;
        match asked.board {
            Ok(board) => {
                let note = self.detail.and_then(|detail| targets::note(detail, &board));
                live.notes = note.into_iter().collect();
                live.board = Some(board);
                live.trouble = None;
            }
            Err(why) => live.trouble = Some(why),
        }
        if asked.shown.is_some() {
            live.shown = asked.shown;
        }
        if let (Some(judging), Some(polling)) = (asked.judging, &self.polling) {
            polling.judged(judging);
        }
    }
}

/// Serves the command.
pub(super) fn top(args: &Args, context: &mut Context) -> Result<(), Failure> {
    args.refuse_mixed()?;
    let draw = context.output.draw();
    let dumb = context.environment.get("TERM") == Some("dumb");
    let plain = args.plain || !context.output.is_terminal() || dumb;
    let look = Look {
        colour: draw.colour,
        ascii: args.ascii,
    };
    let watched = match args.targets.as_slice() {
        [] => None,
        targets => Some(Watched::start(targets, args, plain, context)?),
    };
    let (database, range, title) = if let Some(watched) = &watched {
        let since = Range::Since(clock::now());
        (watched.database.clone(), since, args.targets.join(" "))
    } else {
        let (path, range) = history(args, context)?;
        let title = format!("{} over {}", path.display(), args.since);
        (path, range, title)
    };
    let (sender, happened) = sync_channel(QUEUE);
    let (questions, asked) = sync_channel(QUEUE);
    let feed = Feed {
        database,
        range,
        services: args.service.clone(),
        instances: args.instance.clone(),
        interval: args.interval,
        judges: watched.is_some(),
    };
    feed.start(asked, sender.clone())?;
    let detail = watched.as_ref().map(|_| args.detail);
    let (polling, keeper) = watched.map_or((None, None), Watched::parts);
    let run = Run {
        live: Live::new(title, draw.zone),
        look,
        happened,
        sender,
        questions,
        polling,
        detail,
    };
    let (polling, ended) = if plain {
        lines::show(run, args, context)
    } else {
        screen::show(run, context)
    };
    let stopped = keeper.map_or(Ok(()), |keeper| keeper.end(polling, context));
    ended.and(stopped)
}

impl Args {
    /// Targets are polled, databases are read: options of the one say nothing of the other.
    fn refuse_mixed(&self) -> Result<(), Failure> {
        match (self.targets.first(), &self.keep) {
            (None, Some(_)) => Err(Failure::usage(
                "--keep keeps what a TARGET tells, and none is named".to_owned(),
            )
            .hint("for example: goroscope top localhost:6060 --keep soak.db")),
            (Some(_), _) if self.database.is_named() => Err(Failure::usage(
                "--db and --config name a history to read, and a TARGET is polled anew".to_owned(),
            )
            .hint("--keep FILE keeps what is polled; without TARGET the history is shown")),
            _ => Ok(()),
        }
    }
}

/// The database of a daemon, and the window of it; what is wrong with them is told before the screen is taken.
fn history(args: &Args, context: &Context) -> Result<(PathBuf, Range), Failure> {
    let zone = context.output.draw().zone;
    when::option("--since", &args.since, clock::now(), zone)?;
    let path = database::find(&args.database, context)?;
    let reader = Reader::open(&path).map_err(|error| {
        let failure = Failure::from(error);
        failure.hint("`goroscope top localhost:6060` looks at a process without a database")
    })?;
    let now = clock::now();
    // Services and instances that there are none of.
    instances(
        &reader,
        &Scope {
            since: now.minus(Duration::from_millis(1)),
            until: now,
            services: args.service.clone(),
            instances: args.instance.clone(),
        },
    )?;
    Ok((path, Range::Words(args.since.clone(), zone)))
}
