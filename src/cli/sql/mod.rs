//! `goroscope sql`: SQL over the database, read-only.

mod answers;
mod field;
mod session;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;

use super::Context;
use super::database::{self, DatabaseArgs};
use super::failure::Failure;
use super::written::Written;
use crate::store::Shell;
use answers::Answers;
use session::{Lines, Session};

/// Asks the database in SQL, read-only: a statement, a script on stdin, or a shell.
///
/// Tables are singular and hold row ids and milliseconds; views are plural and hold names and times
/// as text. `samples` has every count of every snapshot, `ticks` every poll that was answered; both
/// are decoded from the packed history as they are read, by process and time. docs/STORAGE.md has
/// them all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope sql .tables
  goroscope sql \"select function, max(count) from samples where service = 'pay' group by 1\"
  goroscope sql -o csv < report.sql > report.csv")]
pub(super) struct Args {
    /// One or several statements, which all see the same moment; else stdin, or a shell.
    #[arg(value_name = "STATEMENT", allow_hyphen_values = true)]
    statement: Option<String>,

    #[command(flatten)]
    database: DatabaseArgs,

    #[command(flatten)]
    written: Written,

    /// Rows of each answer that a table shows; 0 shows all. The other formats always write all.
    #[arg(short = 'n', long, value_name = "ROWS", default_value_t = 1_000)]
    limit: usize,
}

/// Serves the command.
pub(super) fn sql(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let path = database::find(&args.database, context)?;
    let stop = stop_on_interrupt()?;
    let shell = Shell::open(&path, Arc::clone(&stop))?;
    let is_typed = std::io::stdin().is_terminal() && context.output.is_terminal();
    let answers = Answers::new(args.written.output, args.limit, &mut context.output);
    if let Some(statement) = &args.statement {
        let shell = shell.at_one_moment()?;
        return Session::new(&shell, answers, stop).give(statement);
    }
    let mut session = Session::new(&shell, answers, stop);
    if is_typed {
        session.talk(&mut Lines::typed()?, &path)
    } else {
        session.obey(&mut Lines::piped())
    }
}

/// Set by Ctrl-C; a second one before that was seen ends the program at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&stop))
        .and_then(|_| signal_hook::flag::register(SIGINT, Arc::clone(&stop)))
        .map_err(|error| Failure::system(&error, "failed to listen for signals"))?;
    Ok(stop)
}
