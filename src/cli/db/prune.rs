//! `goroscope db prune`.

use std::time::Duration;

use super::{Context, DatabaseArgs, Failure, database};
use crate::cli::progress::Amount;
use crate::clock;
use crate::config::{parse_age, parse_size};
use crate::present::{bytes, plural};
use crate::store::{self, DaemonLock, Prune, Pruned, Retention};

/// Removes old snapshots now, and gives their space back to the file system.
///
/// For a database that no daemon writes: a running one does the same by itself, by
/// `storage.raw_retention` and `storage.max_size`. Details are thinned with age as it thins them: all of a
/// week stay, then one an hour, after a month two a day. Days, signatures, when and where each was seen
/// first, and events stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  goroscope db prune --older-than 7d --dry-run
  goroscope db prune --max-size 1GiB")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    keep: Keep,

    /// Only tells what would go.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Keep {
    /// Removes pulses and failures that are older: 7d, 36h.
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    older_than: Option<Duration>,

    /// Removes the oldest while the file holds more than this: 1GiB, 500MB.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<u64>,
}

/// Serves the command.
pub(super) fn prune(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let named = database::find(&args.database, context)?;
    let found = database::find_to_write(&args.database, context);
    let (path, lock) = found.map_err(|failure| {
        if DaemonLock::is_free(&named) {
            return failure;
        }
        Failure::plain(failure.message).hint(
            "the daemon does this by itself: storage.raw_retention and storage.max_size say how much it keeps",
        )
    })?;
    let keep = Retention {
        raw: args.keep.older_than.unwrap_or(Duration::MAX),
        rollup: Duration::MAX,
        max_size: args.keep.max_size.unwrap_or(u64::MAX),
    };
    let how = if args.dry_run {
        Prune::DryRun
    } else {
        Prune::Really
    };
    context.output.begin("removing", Amount::Unknown);
    let pruned = store::prune(&path, &lock, keep, clock::now(), how)?;
    let zone = context.output.draw().zone;
    let kept = pruned.kept_since.map_or_else(String::new, |kept| {
        format!(
            "; snapshots are kept since {} ({})",
            zone.second(kept),
            zone.offset(kept)
        )
    });
    let text = told(&pruned, how);
    context
        .output
        .data(&format!("{}: {text}{kept}\n", path.display()))?;
    if let Some(limit) = args
        .keep
        .max_size
        .filter(|limit| *limit < pruned.used_after)
    {
        context.output.remark(&format!(
            "{} is more than {}: the rest is not snapshots, or is the newest of them",
            bytes(pruned.used_after),
            bytes(limit)
        ));
    }
    Ok(())
}

fn told(pruned: &Pruned, how: Prune) -> String {
    let rows = format!(
        "{}, {} and {}",
        plural(pruned.pulses, "snapshot"),
        plural(pruned.details, "detail"),
        plural(pruned.failures, "failure")
    );
    let freed = bytes(pruned.used_before.saturating_sub(pruned.used_after));
    match how {
        Prune::DryRun => format!(
            "{rows} would go, and with them {freed} of {}",
            bytes(pruned.used_before)
        ),
        Prune::Really => format!(
            "{rows} went, and with them {freed}; the file has {} now",
            bytes(pruned.file_after)
        ),
    }
}
