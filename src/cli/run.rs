//! `goroscope run`: the daemon.

use std::path::PathBuf;

use super::failure::Failure;
use super::{Context, database, runtime};
use crate::observe::log::{self, LogFormat};
use crate::{config, daemon};

/// Polls the configured services until SIGTERM or Ctrl-C.
///
/// SIGHUP reads the config again; a file with mistakes is refused and the running config stays.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope run
  goroscope run --config /etc/goroscope.toml --log-format json
  goroscope run --log info,goroscope::store=debug")]
pub(super) struct Args {
    /// What to watch, and how.
    #[arg(long, value_name = "FILE", default_value = "goroscope.toml")]
    config: PathBuf,

    /// The database. Else GOROSCOPE_DB, else storage.path of the config.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// What to log: a level, or directives such as `info,goroscope::store=debug`.
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "info",
        env = "GOROSCOPE_LOG"
    )]
    log: String,

    /// How log lines look: `text` or `json`.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, hide_possible_values = true)]
    log_format: LogFormat,
}

/// Serves the command.
pub(super) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let config = config::load(&args.config, &context.environment)?;
    log::start(&args.log, args.log_format, context.colour_on_stderr)
        .map_err(|error| Failure::wrong_value("--log", &error))?;
    let database =
        database::named(args.db.as_deref(), context).unwrap_or_else(|| config.storage.path.clone());
    let (file, environment) = (args.config.clone(), context.environment.clone());
    let reload = Box::new(move || config::load(&file, &environment));
    let runtime = runtime()?;
    let ended = runtime.block_on(daemon::run(config, database, reload));
    // The judge may be at work still, and reads only: nobody waits for it.
    runtime.shutdown_background();
    Ok(ended?)
}
