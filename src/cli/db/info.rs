//! `goroscope db info`.

use super::{Context, DatabaseArgs, Failure, database};
use crate::cli::progress::Amount;
use crate::cli::query::{Format, print};
use crate::clock;
use crate::present::text;
use crate::query::describe_database;

/// Tells what a database holds: sizes per service, oldest and newest data, coverage, log, schema.
///
/// Reads sizes and bounds only, and nothing of what they are of: seconds on a file of gigabytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope db info -o json | jq .services")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,

    /// `table` or `json`.
    #[arg(short, long, value_enum, default_value_t = Format::Table, hide_possible_values = true)]
    output: Format,
}

/// Serves the command.
pub(super) fn info(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let path = database::find(&args.database, context)?;
    context.output.begin("measuring", Amount::Unknown);
    let answer = describe_database(&path, clock::now())?;
    print(&answer, text::database_info, args.output, context)
}
