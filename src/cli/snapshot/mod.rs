//! `goroscope snapshot`: one report of any dumps, no config.

mod ask;
mod fail_on;
mod source;

use std::time::Duration;

use clap::ValueEnum;

use super::choice::Choice;
use super::failure::Failure;
use super::progress::Amount;
use super::target::limit;
use super::written::{Format, Written, print};
use super::{Context, runtime};
use crate::present::escape;
use crate::query::GroupBy;
use crate::query::snapshot::{BundledAnswer, FailedSource, SnapshotsAnswer, side_by_side};
use ask::Asking;
use fail_on::{Condition, Met};

/// Shows the goroutine groups of processes or dumps, and exits.
///
/// TARGET is a URL, host:port, a file, a directory of files, or - for stdin. A process is asked for
/// its counts first; the text with states, waits and creators follows only when that stops it for
/// less than 50 ms. A file may hold debug=0, 1 or 2, a crash or SIGQUIT dump, or a log with any of
/// these in it, whatever docker, Kubernetes, journald or an editor put around the lines; gzip, zstd
/// and UTF-16 are undone. Several dumps, of several targets or in one file, stand side by side: what most
/// of them share comes first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope snapshot localhost:6060
  goroscope snapshot web-1:6060 web-2:6060 web-3:6060
  goroscope snapshot dump.txt --top 5 --group-by package
  goroscope snapshot localhost:6060 --fail-on 'count > 1000' --fail-on 'oldest > 1h'
  docker compose logs web | goroscope snapshot -
  kubectl exec pod -- curl -s 'localhost:6060/debug/pprof/goroutine?debug=2' | goroscope snapshot -")]
pub(super) struct Args {
    /// URL, host:port, file, directory, or - for stdin.
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,

    /// Rows that a table shows; 0 for all. JSON, NDJSON and CSV always have all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,

    /// What goroutines of one row share: `signature`, `where` (the function to look at), `creator`, `package`,
    /// `state` or `label=NAME` (a pprof label).
    #[arg(long, value_name = "WHAT", default_value = "signature", value_parser = GROUPS, hide_possible_values = true)]
    group_by: GroupBy,

    /// A table for each dump, instead of all side by side.
    #[arg(long)]
    apart: bool,

    /// Whether a process is asked for debug=2: `auto`, `always` or `never`.
    #[arg(long, value_enum, default_value_t = Detail::Auto, hide_possible_values = true)]
    detail: Detail,

    /// Limit of one request.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = limit)]
    timeout: Duration,

    /// Exit with 3 where this holds for a dump, such as 'count > 1000'; may be repeated. Of each dump: `count` (of one
    /// row, as --group-by makes them), `goroutines` or `total`, `groups` (rows), `oldest` (a duration), `leaked`,
    /// `complaints`; with > >= < <= == or !=.
    #[arg(long, value_name = "CONDITION", value_parser = fail_on::parse)]
    fail_on: Vec<Condition>,

    #[command(flatten)]
    written: Written,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Detail {
    Auto,
    Always,
    Never,
}

const GROUPS: Choice<GroupBy> = Choice {
    words: &[
        "signature",
        "where",
        "creator",
        "package",
        "state",
        "label=",
    ],
    read: group_by,
};

fn group_by(word: &str) -> Result<GroupBy, String> {
    match (word, word.split_once('=')) {
        (_, Some(("label", name))) if !name.is_empty() => Ok(GroupBy::Label(name.to_owned())),
        ("signature", _) => Ok(GroupBy::Signature),
        ("where", _) => Ok(GroupBy::Where),
        ("creator", _) => Ok(GroupBy::Creator),
        ("package", _) => Ok(GroupBy::Package),
        ("state", _) => Ok(GroupBy::State),
        _ => Err(
            "give signature, where, creator, package, state, or label=NAME such as label=tenant"
                .to_owned(),
        ),
    }
}

/// Serves the command.
pub(super) fn snapshot(args: &Args, context: &mut Context) -> Result<(), Failure> {
    source::refuse_twice(&args.targets)?;
    context.output.begin("reading", Amount::Unknown);
    let mut asking = Asking {
        detail: args.detail,
        timeout: args.timeout,
        by_label: matches!(args.group_by, GroupBy::Label(_)),
        output: &mut context.output,
    };
    let found = source::read_all(&args.targets, &mut asking);
    let answer = SnapshotsAnswer {
        top: args.top,
        apart: args.apart,
        ..side_by_side(found.snapshots, found.failed, args.group_by.clone())
    };
    write(&answer, found.is_one, args.written, context)?;
    ends(args, &answer, found.hints, context)
}

fn write(
    answer: &SnapshotsAnswer,
    is_one: bool,
    written: Written,
    context: &mut Context,
) -> Result<(), Failure> {
    match answer.snapshots.as_slice() {
        [only] if is_one && written.output == Format::Json => match answer.by {
            GroupBy::Signature => context.output.json(only),
            _ => context.output.json(&BundledAnswer {
                snapshot: only,
                group_by: &answer.group_by,
                bundles: &answer.bundles,
            }),
        },
        _ => print(answer, written, context),
    }
}

/// How it ends: a target that failed counts more than a condition that holds, and that more than one of which nothing
/// is known.
fn ends(
    args: &Args,
    answer: &SnapshotsAnswer,
    hints: Vec<String>,
    context: &mut Context,
) -> Result<(), Failure> {
    let mut met = Met::No;
    for condition in &args.fail_on {
        for snapshot in &answer.snapshots {
            let (this, said) = condition.of(snapshot, &answer.by);
            for line in said {
                context
                    .output
                    .remark(&format!("{}: {line}", escape(&snapshot.source)));
            }
            met = met.max(this);
        }
    }
    let error = |failed: &FailedSource| format!("{}: {}", failed.source, failed.error);
    let errors: Vec<String> = answer.failed.iter().map(error).collect();
    match (errors.is_empty(), met) {
        (false, _) => {
            let failure = Failure::plain(errors.join("\n"));
            Err(hints.into_iter().fold(failure, Failure::hint))
        }
        (true, Met::Yes) => Err(Failure::finding()),
        (true, Met::Unknown) => Err(Failure::inconclusive()),
        (true, Met::No) => Ok(()),
    }
}
