//! `goroscope query findings`.

use super::{Common, Context, Ending, Failure, ends, open, print};
use crate::query::{Verdict, findings};

/// Shows what is wrong: everything that grows, since when, what of it is new, and what is over.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope query findings --since 24h
  goroscope query findings --verdict likely --exit-code=likely")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    ending: Ending,

    /// The quietest verdict that is a finding: suspect, growing, likely or confirmed.
    #[arg(long, value_name = "VERDICT", default_value = "growing", value_parser = super::LOUD, hide_possible_values = true)]
    verdict: Verdict,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    // What the exit code is to tell is shown.
    let least = args
        .ending
        .exit_code
        .map_or(args.verdict, |asked| asked.min(args.verdict));
    let answer = findings(&reader, &scope, least)?;
    print(&answer, args.common.written, context)?;
    let found = answer.rows.iter().filter(|row| row.ignored.is_none());
    let distinct = answer.signatures.iter().map(|row| row.verdict);
    ends(&args.ending, found.map(|row| row.verdict).chain(distinct))
}
