//! The command line: one file a command, its arguments beside the function that serves it.

mod check;
mod database;
mod db;
mod export;
mod failure;
mod ignore;
mod import;
mod output;
mod query;
mod run;
mod snapshot;
mod sql;
mod top;
mod when;
mod written;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::Environment;
use crate::present::Zone;
use failure::Failure;
use output::Output;

/// Says which goroutines leak, since when, how fast, and on which instances of a fleet.
///
/// Polls Go processes over net/http/pprof, keeps the history of every goroutine group in one SQLite
/// file, and answers questions about it while the daemon runs and after it has died.
#[derive(Debug, Parser)]
#[command(name = "goroscope", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colour. NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, hide_possible_values = true)]
    color: When,

    /// Columns that a table may take; 0 for as many as it needs. The terminal's (or COLUMNS) where it is not given.
    #[arg(long, global = true, value_name = "N")]
    width: Option<u16>,

    /// The zone of times: `local` or `utc`.
    #[arg(long, global = true, value_enum, default_value_t = Tz::Local, hide_possible_values = true)]
    tz: Tz,
}

const EXAMPLES: &str = "\
Examples:
  goroscope snapshot localhost:6060                     what one process does now
  goroscope top localhost:6060                          the same, live
  goroscope run --config goroscope.toml                 watch a fleet
  goroscope query top-growers --since 24h               what grew since yesterday
  goroscope sql .tables                                 what there is to ask for in SQL

Exit codes: 0 ok, 1 error, 2 usage, 3 found (--exit-code, --fail-on), 4 not known
(--fail-on), 78 bad config, 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Snapshot(snapshot::Args),
    Top(top::Args),
    Query(query::Args),
    Sql(sql::Args),
    Db(db::Args),
    Ignore(ignore::Args),
    Import(import::Args),
    Export(export::Args),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tz {
    Local,
    Utc,
}

/// What every command works with.
struct Context {
    output: Output,
    environment: Environment,
    colour_on_stderr: bool,
}

/// Runs the command line; `arguments` begin with the program's name.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> ExitCode {
    let environment: Environment = environment.into_iter().collect();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; everything else is a usage error.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return if error.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::FAILURE
            };
        }
    };
    let no_colour = environment
        .get("NO_COLOR")
        .is_some_and(|value| !value.is_empty());
    let colour = match cli.color {
        When::Always => Some(true),
        When::Never => Some(false),
        When::Auto if no_colour || environment.get("TERM") == Some("dumb") => Some(false),
        When::Auto => None,
    };
    let zone = match cli.tz {
        Tz::Local => Zone::Local,
        Tz::Utc => Zone::Utc,
    };
    let mut context = Context {
        output: Output::new(colour, zone, cli.width.or(columns(&environment))),
        environment,
        colour_on_stderr: output::colour_on_stderr(colour),
    };
    let result = match cli.command {
        Command::Run(args) => run::run(&args, &context),
        Command::Check(args) => check::check(&args, &mut context),
        Command::Snapshot(args) => snapshot::snapshot(&args, &mut context),
        Command::Top(args) => top::top(&args, &mut context),
        Command::Query(args) => query::query(&args, &mut context),
        Command::Sql(args) => sql::sql(&args, &mut context),
        Command::Db(args) => db::db(&args, &mut context),
        Command::Ignore(args) => ignore::ignore(&args, &mut context),
        Command::Import(args) => import::import(&args, &mut context),
        Command::Export(args) => export::export(&args, &mut context),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.output.failure(&failure);
            failure.code()
        }
    }
}

/// What the environment says of the terminal's width.
fn columns(environment: &Environment) -> Option<u16> {
    let is_watched = output::is_terminal();
    let columns = environment.get("COLUMNS").filter(|_| is_watched)?;
    columns.parse().ok().filter(|columns| *columns > 0)
}

/// A runtime for commands that make requests.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::error(&error).doing("failed to start the runtime"))
}
