//! `goroscope db info`.

use super::{Context, DatabaseArgs, Failure, database};
use crate::cli::progress::Amount;
use crate::cli::written::{Written, print};
use crate::clock;
use crate::query::describe_database;

/// Tells what a database holds: sizes per service, oldest and newest data, coverage, log, schema.
///
/// Reads sizes and bounds only, and nothing of what they are of: seconds on a file of gigabytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope db info -o json | jq .services")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    written: Written,
}

/// Serves the command.
pub(super) fn info(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let path = database::find(&args.database, context)?;
    context.output.begin("measuring", Amount::Unknown);
    let answer = describe_database(&path, clock::now())?;
    print(&answer, args.written, context)
}
