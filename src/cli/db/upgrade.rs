//! `goroscope db upgrade`.

use std::sync::Arc;

use super::{Context, DatabaseArgs, Failure, database};
use crate::cli::progress::Amount;
use crate::group;
use crate::present::grouped;
use crate::store::{self, Steps};

/// Brings a database of an older goroscope up to this one: its schema, then its signatures.
///
/// The daemon does the same when it starts; this is for a database that no daemon writes any more.
/// Samples stay as they are, and old signatures go on to lead to the new ones. A copy of the file is
/// left beside it when the schema changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope db upgrade --db old.db")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Serves the command.
pub(super) fn upgrade(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (path, lock) = database::find_to_write(&args.database, context)?;
    let steps = Arc::new(Steps::default());
    context
        .output
        .begin("bringing it up to date", Amount::Steps(Arc::clone(&steps)));
    let done = store::recompute(&path, &lock, group::RULES, group::derived, &steps)?;
    context.output.data(&format!(
        "{}: up to date; {} of {} stacks were of older signature rules than {}, {} of them count as another signature now\n",
        path.display(),
        grouped(done.older),
        grouped(done.stacks),
        group::RULES,
        grouped(done.moved),
    ))?;
    if done.damaged > 0 {
        context.output.remark(&format!(
            "{} stacks are damaged in the file and stay as they are",
            grouped(done.damaged)
        ));
    }
    Ok(())
}
