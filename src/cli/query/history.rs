//! `goroscope query history`.

use super::{Common, Context, Failure, open, print, signature};
use crate::query::history;

/// Shows the counts of one stack over time, with gaps and restarts as such.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query history 7f3a91c2 --since 8h")]
pub(super) struct Args {
    /// The first digits of a signature, 4 at least.
    #[arg(value_name = "SIGNATURE")]
    signature: String,

    #[command(flatten)]
    common: Common,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let signature = signature(&reader, &args.signature)?;
    let answer = history(&reader, &scope, &signature)?;
    print(&answer, args.common.written, context)
}
