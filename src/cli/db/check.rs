//! `goroscope db check`.

use std::sync::Arc;

use super::{Context, DatabaseArgs, Failure, database};
use crate::cli::progress::Amount;
use crate::cli::written::{Written, print};
use crate::clock;
use crate::query::check_database;
use crate::store::{DaemonLock, Damage, Depth, Steps, take_out};

/// Checks a database: the file, every checksum, every snapshot decoded, every reference.
///
/// What is damaged is moved into quarantine, so that it is a gap and nothing else is lost; while a
/// daemon writes the database it is only told. Exit code 1 when something is damaged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope db check --quick")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,

    /// Does not compare indexes with their tables, which takes the longest; decodes everything all
    /// the same.
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    written: Written,
}

/// Serves the command.
pub(super) fn check(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let path = database::find(&args.database, context)?;
    let depth = if args.quick {
        Depth::Quick
    } else {
        Depth::Full
    };
    let steps = Arc::new(Steps::default());
    context
        .output
        .begin("checking", Amount::Steps(Arc::clone(&steps)));
    let (mut answer, found) = check_database(&path, depth, &steps)?;
    if found.rows.iter().any(Damage::is_movable) {
        match database::find_to_write(&args.database, context) {
            Ok((_, lock)) => {
                let taken = take_out(&path, &lock, &found.rows, clock::now())?;
                (answer.moved, answer.made_again) = (taken.out, taken.derived);
            }
            Err(_) if !DaemonLock::is_free(&path) => answer.daemon_runs = true,
            Err(failure) => context
                .output
                .remark(&format!("nothing can be moved: {}", failure.message)),
        }
    }
    print(&answer, args.written, context)?;
    if answer.sound {
        Ok(())
    } else {
        Err(Failure::told())
    }
}
