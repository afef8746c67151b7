//! `goroscope query show`.

use super::{Common, Context, Ending, Failure, ends, open, print, signature};
use crate::query::show;

/// Shows everything that is known of one stack: frames, sightings, and its growth on each instance.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query show 7f3a91c2")]
pub(super) struct Args {
    /// The first digits of a signature, 4 at least.
    #[arg(value_name = "SIGNATURE")]
    signature: String,

    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    ending: Ending,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let signature = signature(&reader, &args.signature)?;
    let answer = show(&reader, &scope, &signature)?;
    print(&answer, args.common.written, context)?;
    let found = answer
        .services
        .iter()
        .filter(|service| service.ignored.is_none());
    ends(&args.ending, found.map(|service| service.verdict))
}
