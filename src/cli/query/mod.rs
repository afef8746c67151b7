//! `goroscope query`: questions to the history, while the daemon runs and after it has died.

mod diff;
mod findings;
mod first_seen;
mod history;
mod instances;
mod shared;
mod show;
mod top_growers;

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;

use super::choice::Choice;
use super::database::{self, DatabaseArgs};
use super::failure::Failure;
use super::progress::Amount;
use super::written::{Written, print};
use super::{Context, when};
use crate::clock;
use crate::model::Timestamp;
use crate::model::signature::SignaturePrefix;
use crate::present::Zone;
use crate::query::{Scope, Verdict, resolve_signature};
use crate::store::{Reader, SignatureRow};

/// Asks the history: what grew, since when, and where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope query top-growers --since 24h
  goroscope query show 7f3a91c2
  goroscope query top-growers -o json | jq .rows")]
pub(super) struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    TopGrowers(top_growers::Args),
    Findings(findings::Args),
    FirstSeen(first_seen::Args),
    Shared(shared::Args),
    History(history::Args),
    Show(show::Args),
    Instances(instances::Args),
    Diff(diff::Args),
}

/// The window where no beginning is given.
const DEFAULT_WINDOW: Duration = Duration::from_hours(24);

/// What every question takes.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    #[command(flatten)]
    database: DatabaseArgs,

    /// Beginning of the window: 24h, 7d, yesterday, 2026-11-22 08:00, RFC 3339.
    /// A day before its end where it is not given.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,

    /// End of the window.
    #[arg(long, value_name = "WHEN", default_value = "now")]
    until: String,

    /// Only this service; may be repeated.
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,

    /// Only this instance (host:port); may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    instance: Vec<String>,

    #[command(flatten)]
    written: Written,
}

/// What questions take whose rows have a verdict.
#[derive(Debug, Clone, clap::Args)]
struct Ending {
    /// Exit with 3 where something is found at this verdict or above: suspect, growing, likely or confirmed;
    /// growing where none is given.
    #[arg(
        long,
        value_name = "VERDICT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "growing",
        value_parser = LOUD,
        hide_possible_values = true
    )]
    exit_code: Option<Verdict>,
}

/// Serves the command.
pub(super) fn query(args: &Args, context: &mut Context) -> Result<(), Failure> {
    match &args.question {
        Question::TopGrowers(args) => top_growers::answer(args, context),
        Question::Findings(args) => findings::answer(args, context),
        Question::FirstSeen(args) => first_seen::answer(args, context),
        Question::Shared(args) => shared::answer(args, context),
        Question::History(args) => history::answer(args, context),
        Question::Show(args) => show::answer(args, context),
        Question::Instances(args) => instances::answer(args, context),
        Question::Diff(args) => diff::answer(args, context),
    }
}

/// Opens the database and resolves the window.
fn open(common: &Common, context: &mut Context) -> Result<(Reader, Scope), Failure> {
    let zone = context.output.draw().zone;
    let now = clock::now();
    // A mistake in the window is told before one in the database.
    window(common, now, zone)?;
    let reader = Reader::open(&database::find(&common.database, context)?)?;
    let steps = Arc::clone(reader.steps());
    context
        .output
        .begin("reading the history", Amount::Steps(steps));
    let now = now_in(&reader, now)?;
    let (since, until) = window(common, now, zone)?;
    // A daemon that runs has nothing to tell of what is to come, and is not silent for that.
    let runs = reader.daemon_time()?.is_some() && since < now;
    let until = if runs { until.min(now) } else { until };
    let scope = Scope {
        since,
        until,
        services: common.service.clone(),
        instances: common.instance.clone(),
    };
    Ok((reader, scope))
}

/// Verdicts that say growth.
const LOUD: Choice<Verdict> = Choice {
    words: &["suspect", "growing", "likely", "confirmed"],
    read: verdict,
};

/// A verdict that says growth, by its word.
fn verdict(word: &str) -> Result<Verdict, String> {
    let loud = Verdict::from_name(word).filter(|verdict| verdict.says_growth());
    loud.ok_or_else(|| "give suspect, growing, likely or confirmed".to_owned())
}

/// How a question ends whose answer has these verdicts: with 3 where that was asked for and one is loud enough.
fn ends(ending: &Ending, mut verdicts: impl Iterator<Item = Verdict>) -> Result<(), Failure> {
    match ending.exit_code {
        Some(least) if verdicts.any(|verdict| verdict >= least) => Err(Failure::finding()),
        _ => Ok(()),
    }
}

/// What time it is to a history: to a daemon whose clock was set back it is later.
pub(in crate::cli) fn now_in(reader: &Reader, now: Timestamp) -> Result<Timestamp, Failure> {
    let daemon = reader.daemon_time()?;
    Ok(daemon.map_or(now, |later| later.max(now)))
}

fn window(common: &Common, now: Timestamp, zone: Zone) -> Result<(Timestamp, Timestamp), Failure> {
    let until = when::option("--until", &common.until, now, zone)?;
    let since = match &common.since {
        None => until.minus(DEFAULT_WINDOW),
        Some(word) => when::option("--since", word, now, zone)?,
    };
    if since >= until {
        let since = common.since.as_deref().unwrap_or_default();
        return Err(when::backwards(since, &common.until));
    }
    Ok((since, until))
}

/// The one signature that the first digits name.
pub(super) fn signature(reader: &Reader, digits: &str) -> Result<SignatureRow, Failure> {
    let prefix: SignaturePrefix = digits.parse().map_err(|error| {
        Failure::usage(format!("{error}")).hint(
            "`goroscope query top-growers --all` shows signatures; the first 4 digits are enough where no other begins so",
        )
    })?;
    Ok(resolve_signature(reader, &prefix)?)
}
