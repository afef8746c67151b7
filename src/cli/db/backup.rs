//! `goroscope db backup`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::{Context, DatabaseArgs, Failure, database};
use crate::cli::failure::remedy;
use crate::cli::progress::Amount;
use crate::cli::runtime;
use crate::present::bytes;
use crate::store::{BackupError, Existing, back_up, unfinished};

/// The growing copy is measured this often.
const MEASURE_EVERY: Duration = Duration::from_millis(500);

/// Copies the database into another file, as it is at this moment, while the daemon goes on writing.
///
/// The copy is read back before it gets its name; until then it grows beside it. A copy that is broken
/// off, by Ctrl-C or a full disk, leaves nothing behind.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope db backup /var/backups/goroscope-$(date +%F).db
  goroscope db backup copy.db --db history.db")]
pub(super) struct Args {
    /// The copy.
    #[arg(value_name = "FILE")]
    to: PathBuf,

    #[command(flatten)]
    database: DatabaseArgs,

    /// Replaces FILE where it is there already.
    #[arg(long)]
    force: bool,
}

/// Serves the command.
pub(super) fn backup(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let path = database::find(&args.database, context)?;
    let existing = if args.force {
        Existing::Replaced
    } else {
        Existing::Kept
    };
    let stop = Arc::new(AtomicBool::new(false));
    let copy = {
        let (path, to, stop) = (path.clone(), args.to.clone(), Arc::clone(&stop));
        move || back_up(&path, &to, existing, &stop)
    };
    let copied = runtime()?.block_on(watched(copy, &stop, &args.to, context))?;
    context.output.data(&format!(
        "{}: backed up to {}, {}\n",
        path.display(),
        args.to.display(),
        bytes(copied)
    ))
}

/// Waits for the copy, tells how far it is where somebody looks, and passes Ctrl-C on to it.
async fn watched(
    copy: impl FnOnce() -> Result<u64, BackupError> + Send + 'static,
    stop: &AtomicBool,
    to: &Path,
    context: &mut Context,
) -> Result<u64, Failure> {
    let mut copying = tokio::task::spawn_blocking(copy);
    let growing = unfinished(to);
    let copied = Arc::new(AtomicU64::new(0));
    context
        .output
        .begin("copying", Amount::Bytes(Arc::clone(&copied)));
    let mut measure = tokio::time::interval(MEASURE_EVERY);
    loop {
        tokio::select! {
            done = &mut copying => {
                let done = done.map_err(|error| Failure::system(&error, "the copy ended"))?;
                return done.map_err(Failure::from);
            }
            pressed = tokio::signal::ctrl_c() => {
                pressed.map_err(|error| Failure::system(&error, "failed to listen for Ctrl-C"))?;
                stop.store(true, Ordering::Relaxed);
            }
            _ = measure.tick() => {
                if let Ok(file) = growing.metadata() {
                    copied.store(file.len(), Ordering::Relaxed);
                }
            }
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            BackupError::Stopped => {
                Self::interrupted("nothing is left of the unfinished copy".to_owned())
            }
            BackupError::Exists { .. } => {
                Self::error(&error).hint("--force replaces it; another name keeps it")
            }
            BackupError::InUse { .. } | BackupError::NoFile { .. } => {
                Self::error(&error).hint("name another file")
            }
            BackupError::Bad { .. } => Self::error(&error)
                .hint("`goroscope db check` tells whether the database is damaged, `goroscope export` saves what can be read"),
            BackupError::Write { ref cause, .. } => {
                let hint = remedy(cause.kind());
                Self::error(&error).hint(hint)
            }
        }
    }
}
