//! `goroscope` alone: what it is, three things to try, and the next step from here.

use std::path::Path;

use super::database::{self, CONFIG, DatabaseArgs};
use super::failure::Failure;
use super::{Context, knows};
use crate::config;

/// What was found in the working folder and in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Here {
    config: Found,
    /// Whether there is a database, where queries would look for it.
    database: bool,
    /// Whether this program has a demonstration.
    demo: bool,
}

/// The config file of this folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    No,
    WithMistakes,
    Good,
}

/// Says hello. Nothing was asked for and nothing failed: it is an answer, on stdout, with exit code 0, as
/// it is of `cargo`, `gh` and `kubectl`.
pub(super) fn welcome(context: &mut Context) -> Result<(), Failure> {
    let named = DatabaseArgs::default();
    let config = match config::load(Path::new(CONFIG), &context.environment) {
        Ok(_) => Found::Good,
        Err(_) if Path::new(CONFIG).exists() => Found::WithMistakes,
        Err(_) => Found::No,
    };
    let here = Here {
        config,
        database: database::find(&named, context).is_ok_and(|path| path.exists()),
        demo: knows("demo"),
    };
    context.output.data(&text(&here))
}

fn text(here: &Here) -> String {
    let demo = if here.demo {
        "  goroscope demo                           a fleet that leaks, simulated, in under a minute\n"
    } else {
        ""
    };
    let next: Vec<String> = next(here)
        .iter()
        .map(|(command, why)| format!("  {command:<40} {why}\n"))
        .collect();
    format!(
        "goroscope says which goroutines of a fleet of Go processes leak, since when, and where.\n\
         \n\
         Try:\n\
         \x20 goroscope snapshot localhost:6060        what one process does now (it serves net/http/pprof)\n\
         {demo}\
         \x20 goroscope run                            watch what goroscope.toml names, and keep the history\n\
         \x20 goroscope query top-growers --since 24h  what grew since yesterday\n\
         \n\
         Next, from this folder:\n\
         {}\
         \n\
         `goroscope --help` has every command.\n",
        next.concat()
    )
}

/// The commands that lead on, each with what it does.
fn next(here: &Here) -> Vec<(&'static str, &'static str)> {
    let check = (
        "goroscope check config",
        "goroscope.toml is here, and has mistakes",
    );
    let run = (
        "goroscope run",
        "goroscope.toml is here, and right: watch what it names",
    );
    let findings = (
        "goroscope query findings",
        "there is a database: what grows, and since when",
    );
    let init = (
        "goroscope config init",
        "write a goroscope.toml, from a few questions",
    );
    let demo = ("goroscope demo", "nothing is here yet: see it work first");
    match (here.config, here.database) {
        (Found::WithMistakes, false) => vec![check],
        (Found::WithMistakes, true) => vec![findings, check],
        (Found::Good, true) => vec![findings, run],
        (Found::Good, false) => vec![run],
        (Found::No, true) => vec![findings],
        (Found::No, false) if here.demo => vec![demo, init],
        (Found::No, false) => vec![init],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demonstration_comes_first_where_there_is_nothing() {
        let here = |config, database| Here {
            config,
            database,
            demo: true,
        };
        let first = |here: &Here| next(here).first().map(|(command, _)| *command);
        assert_eq!(first(&here(Found::No, false)), Some("goroscope demo"));
        assert!(text(&here(Found::No, false)).contains("  goroscope demo  "));
        assert_eq!(first(&here(Found::Good, false)), Some("goroscope run"));
        assert_eq!(
            first(&here(Found::Good, true)),
            Some("goroscope query findings")
        );
    }
}
