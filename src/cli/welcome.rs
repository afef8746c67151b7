//! `goroscope` alone: what it is, three things to try, and the next step from here.

use std::path::Path;

use super::Context;
use super::database::{self, CONFIG, DatabaseArgs};
use super::failure::Failure;
use crate::config;

/// What was found in the working folder and in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Here {
    config: Found,
    /// Whether there is a database, where queries would look for it.
    database: bool,
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
    };
    context.output.data(&text(here))
}

fn text(here: Here) -> String {
    let (command, why) = next(here);
    format!(
        "goroscope says which goroutines of a fleet of Go processes leak, since when, and where.\n\
         \n\
         Three examples:\n\
         \x20 goroscope snapshot localhost:6060        what one process does now (it serves net/http/pprof)\n\
         \x20 goroscope run                            watch what goroscope.toml names, and keep the history\n\
         \x20 goroscope query top-growers --since 24h  what grew since yesterday\n\
         \n\
         Next, from this folder:\n\
         \x20 {command:<40} {why}\n\
         \n\
         `goroscope --help` has every command.\n"
    )
}

/// The command that leads on, and why.
const fn next(here: Here) -> (&'static str, &'static str) {
    match (here.config, here.database) {
        (Found::WithMistakes, _) => (
            "goroscope check config",
            "goroscope.toml is here, and has mistakes",
        ),
        (_, true) => (
            "goroscope query findings",
            "there is a database: what grows, and since when",
        ),
        (Found::Good, false) => (
            "goroscope run",
            "goroscope.toml is here, and right: watch what it names",
        ),
        (Found::No, false) => (
            "goroscope demo",
            "nothing is here yet: see it work first, on a simulated fleet",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_goes_by_what_is_here() {
        let next = |config, database| next(Here { config, database }).0;
        assert_eq!(next(Found::No, false), "goroscope demo");
        assert_eq!(next(Found::No, true), "goroscope query findings");
        assert_eq!(next(Found::Good, false), "goroscope run");
        assert_eq!(next(Found::Good, true), "goroscope query findings");
        assert_eq!(next(Found::WithMistakes, true), "goroscope check config");
    }
}
