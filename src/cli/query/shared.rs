//! `goroscope query shared`.

use super::{Common, Context, Ending, Failure, ends, open, print};
use crate::present::text;
use crate::query::shared;

/// Shows which instances, in one service or several, share the same leak.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query shared --since 24h")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    ending: Ending,

    /// Signatures shown; 0 for all.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Instances on which it grew by less are left out.
    #[arg(long, value_name = "N", default_value_t = 3)]
    min_growth: i64,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let answer = shared(&reader, &scope, args.min_growth, args.limit)?;
    print(&answer, text::shared, args.common.output, context)?;
    ends(&args.ending, answer.rows.iter().map(|row| row.verdict))
}
