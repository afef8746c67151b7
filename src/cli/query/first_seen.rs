//! `goroscope query first-seen`.

use super::{Common, Context, Ending, Failure, ends, open, print};
use crate::query::first_seen;

/// Shows which stacks were seen for the first time in the window, the newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query first-seen --since yesterday --only-growing")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    ending: Ending,

    /// Rows shown; 0 for all.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// Only what grows by verdict.
    #[arg(long)]
    only_growing: bool,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let answer = first_seen(&reader, &scope, args.only_growing, args.limit)?;
    print(&answer, args.common.written, context)?;
    ends(&args.ending, answer.loudest.into_iter())
}
