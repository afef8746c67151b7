//! `goroscope query instances`.

use super::{Common, Context, Failure, open, print};
use crate::query::instances;

/// Shows every instance: how its last poll ended and why, how much was seen, and its restarts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query instances --since 1h")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let answer = instances(&reader, &scope)?;
    print(&answer, args.common.written, context)
}
