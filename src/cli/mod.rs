//! The command line: one file a command, its arguments beside the function that serves it.

mod check;
mod choice;
mod completions;
mod config;
mod database;
mod db;
mod demo;
mod export;
mod failure;
mod ignore;
mod import;
mod next_step;
mod output;
mod progress;
mod query;
mod run;
mod snapshot;
mod sql;
mod target;
mod top;
mod usage;
mod welcome;
mod when;
mod written;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use crate::config::Environment;
use crate::present::Zone;
use failure::Failure;
use next_step::Naming;
use output::Output;

/// Says which goroutines leak, since when, how fast, and on which instances of a fleet.
///
/// Polls Go processes over net/http/pprof, keeps the history of every goroutine group in one SQLite
/// file, and answers questions about it while the daemon runs and after it has died.
#[derive(Debug, Parser)]
#[command(name = "goroscope", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// When to use colour: `auto`, `always` or `never`. NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, hide_possible_values = true)]
    color: When,

    /// Columns that a table may take; 0 for as many as it needs. Where it is not given, COLUMNS or the width of the
    /// terminal; in a pipe or a file, as many as it needs.
    #[arg(long, global = true, value_name = "N")]
    width: Option<u16>,

    /// The zone of times: `local` or `utc`.
    #[arg(long, global = true, value_enum, default_value_t = Tz::Local, hide_possible_values = true)]
    tz: Tz,
}

const EXAMPLES: &str = "\
Examples:
  goroscope demo                                        see it work, on a simulated fleet
  goroscope snapshot localhost:6060                     what one process does now
  goroscope top localhost:6060                          the same, live
  goroscope run --config goroscope.toml                 watch a fleet
  goroscope query top-growers --since 24h               what grew since yesterday
  goroscope sql .tables                                 what there is to ask for in SQL

Exit codes:
  0    done
  1    an error, or a database that `db check` finds damaged
  2    arguments that cannot be followed
  3    something was found, where --exit-code or --fail-on asks for that
  4    not known, where --fail-on asks for what a dump does not tell
  78   mistakes in the config file
  130  Ctrl-C or SIGTERM, before it was done";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Run(run::Args),
    Check(check::Args),
    Config(config::Args),
    Snapshot(snapshot::Args),
    Top(top::Args),
    Query(query::Args),
    Sql(sql::Args),
    Db(db::Args),
    Ignore(ignore::Args),
    Import(import::Args),
    Export(export::Args),
    Completions(completions::Args),
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
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let typed = Cli::command().try_get_matches_from(&arguments);
    let parsed =
        typed.and_then(|typed| Ok((Cli::from_arg_matches(&typed)?, Naming::typed(&typed))));
    let (cli, naming) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return not_parsed(&error, &arguments),
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
        output: Output::new(
            colour,
            zone,
            cli.width.or(columns(&environment)),
            can_animate(&environment),
        ),
        environment,
        colour_on_stderr: output::colour_on_stderr(colour),
    };
    context.output.names(naming);
    let result = match &cli.command {
        Some(command) => command.serve(&mut context),
        None => welcome::welcome(&mut context),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let failure = usage::with_example(failure, Cli::command(), &arguments);
            context.output.failure(&failure);
            failure.code()
        }
    }
}

impl Command {
    fn serve(&self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Demo(args) => demo::demo(args, context),
            Self::Run(args) => run::run(args, context),
            Self::Check(args) => check::check(args, context),
            Self::Config(args) => config::config(args, context),
            Self::Snapshot(args) => snapshot::snapshot(args, context),
            Self::Top(args) => top::top(args, context),
            Self::Query(args) => query::query(args, context),
            Self::Sql(args) => sql::sql(args, context),
            Self::Db(args) => db::db(args, context),
            Self::Ignore(args) => ignore::ignore(args, context),
            Self::Import(args) => import::import(args, context),
            Self::Export(args) => export::export(args, context),
            Self::Completions(args) => completions::completions(args, context),
        }
    }
}

/// Ends where the arguments are no command: help and version were asked for, all else is a mistake.
fn not_parsed(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let is_asked = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let is_help = is_asked || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let told = if is_help { error.print() } else { Ok(()) };
    match told {
        Ok(()) if is_asked => ExitCode::SUCCESS,
        Ok(()) => {
            let failure = usage::failure(error, Cli::command(), arguments);
            Output::new(Some(false), Zone::Local, None, false).failure(&failure);
            failure.code()
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Whether the terminal can take a line back.
fn can_animate(environment: &Environment) -> bool {
    environment.get("TERM").is_some_and(|term| term != "dumb")
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
        .map_err(|error| Failure::system(&error, "failed to start the runtime"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with the words that it is called by, the help of clap itself left out.
    fn commands() -> Vec<(String, clap::Command)> {
        let mut found = vec![("goroscope".to_owned(), Cli::command())];
        let mut at = 0;
        while let Some((path, command)) = found.get(at).cloned() {
            let below = command.get_subcommands();
            found.extend(below.map(|one| (format!("{path} {}", one.get_name()), one.clone())));
            at += 1;
        }
        found
    }

    /// The calls of goroscope in the examples of a help, without what stands beside them.
    fn calls(help: &str) -> Vec<String> {
        let examples = help.lines().skip_while(|line| !line.starts_with("Example"));
        let examples = examples.skip(1).take_while(|line| line.starts_with("  "));
        let examples = examples.map(|line| line.trim().split("  ").next().unwrap_or_default());
        let parts = examples.flat_map(|line| unquoted(line, &['|', '>', '<']));
        let calls = parts.map(|part| part.trim().to_owned());
        calls
            .filter(|part| part.starts_with("goroscope "))
            .collect()
    }

    /// The parts of a line between some characters, as a shell sees these: not within quotes, which stay.
    fn unquoted(line: &str, ends: &[char]) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut quote = None;
        for char in line.chars() {
            match (char, quote) {
                ('"' | '\'', None) => quote = Some(char),
                (_, Some(open)) if char == open => quote = None,
                _ => {}
            }
            if quote.is_none() && ends.contains(&char) {
                parts.push(String::new());
            } else {
                parts.last_mut().unwrap().push(char);
            }
        }
        parts
    }

    /// A line as a shell takes it apart, as far as examples need it.
    fn words(line: &str) -> Vec<String> {
        let words = unquoted(line, &[' ']).into_iter();
        let bare = words.map(|word| word.replace(['"', '\''], ""));
        bare.filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn every_command_says_what_it_does_and_shows_how() {
        for (path, command) in commands() {
            let about = command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            let verb = about.split(' ').next().unwrap_or_default();
            assert!(
                verb.starts_with(char::is_uppercase) && verb.ends_with('s'),
                "{path}: {about}"
            );
            assert!(about.split(' ').count() > 2, "{path}: {about}");
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let calls = calls(&help);
            let own = format!("{path} ");
            let fits = |call: &String| *call == path || call.starts_with(&own);
            assert!(
                calls.iter().any(fits),
                "{path} has no example of its own: {help}"
            );
            for call in calls {
                // A command substitution is some word.
                let call = call.replace("$(date +%F)", "2026-11-24");
                let parsed = Cli::try_parse_from(words(&call));
                assert!(parsed.is_ok(), "{call}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn every_option_says_what_it_is_for() {
        for (path, command) in commands() {
            for argument in command.get_arguments() {
                let said = argument
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let name = argument.get_id();
                assert!(
                    said.split(' ').count() > 1 || said.starts_with('`'),
                    "{path} {name}: {said}"
                );
            }
        }
    }

    #[test]
    fn every_option_that_takes_a_value_has_an_example() {
        for (path, command) in commands() {
            let takes_a_value = |option: &&clap::Arg| option.get_action().takes_values();
            for option in command.get_opts().filter(takes_a_value) {
                let arguments: Vec<OsString> = path.split(' ').map(OsString::from).collect();
                let flag = format!("--{}", option.get_long().unwrap_or_default());
                let example = usage::example(Cli::command(), &arguments, &flag).unwrap_or_default();
                let short = option.get_short().map(|short| format!(" -{short} "));
                let has_it = |call: &&String| {
                    call.contains(&flag) || short.iter().any(|short| call.contains(short))
                };
                let calls = unquoted(&example, &['|', '>', '<']);
                let call = calls.iter().find(has_it);
                let call = call.unwrap_or_else(|| panic!("{path} {flag}: {example}"));
                let parsed = Cli::try_parse_from(words(call));
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn every_exit_code_is_told() {
        let told: Vec<u8> = EXAMPLES
            .lines()
            .skip_while(|line| *line != "Exit codes:")
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        assert_eq!(told, failure::codes());
    }
}
