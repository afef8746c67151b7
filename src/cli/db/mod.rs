//! `goroscope db`: the database itself.

mod backup;
mod check;
mod info;
mod prune;
mod upgrade;

use clap::Subcommand;

use super::Context;
use super::database::{self, DatabaseArgs};
use super::failure::Failure;

/// Looks after the database.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope db info
  goroscope db check --quick
  goroscope db backup /var/backups/goroscope.db")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Info(info::Args),
    Check(check::Args),
    Backup(backup::Args),
    Prune(prune::Args),
    Upgrade(upgrade::Args),
}

/// Serves the command.
pub(super) fn db(args: &Args, context: &mut Context) -> Result<(), Failure> {
    match &args.what {
        What::Info(args) => info::info(args, context),
        What::Check(args) => check::check(args, context),
        What::Backup(args) => backup::backup(args, context),
        What::Prune(args) => prune::prune(args, context),
        What::Upgrade(args) => upgrade::upgrade(args, context),
    }
}
