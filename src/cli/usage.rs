//! Arguments that cannot be followed: what clap found wrong, and the next step.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::failure::Failure;

/// From this likeness on (0 to 1, by Jaro and Winkler) a word is taken for a slip of another.
const ALIKE: f64 = 0.8;

/// What to tell of an `error` in `arguments`, which begin with the program's name.
pub(super) fn failure(error: &clap::Error, root: clap::Command, arguments: &[OsString]) -> Failure {
    let (path, command) = meant(root, arguments);
    let failure = Failure::usage(what(error));
    let failure = match (slip(error, &path, &command), first_example(&command)) {
        (Some(meant), _) => failure.hint(format!("did you mean `{meant}`?")),
        (None, Some(example)) => failure.hint(format!("for example: {example}")),
        (None, None) => failure,
    };
    failure.hint(format!("`{path} --help` tells more"))
}

/// What was probably meant by a word that is a slip.
fn slip(error: &clap::Error, path: &str, command: &clap::Command) -> Option<String> {
    let suggested = |kind| error.get(kind).and_then(closest).map(str::to_owned);
    let name = suggested(ContextKind::SuggestedSubcommand).or_else(|| alike(error, command));
    name.map(|name| format!("{path} {name}"))
        .or_else(|| suggested(ContextKind::SuggestedArg))
        .or_else(|| suggested(ContextKind::SuggestedValue))
}

/// Clap's own words, in one line; nothing where the help was printed in their place.
fn what(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return String::new();
    }
    let text = error.to_string();
    // Behind the first empty line are tips and the usage.
    let (first, _) = text.split_once("\n\n").unwrap_or((&text, ""));
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let lines: Vec<&str> = first.lines().map(str::trim).collect();
    // The only words of the standard library here, and they do not say what would be right.
    lines
        .join(" ")
        .replace("invalid digit found in string", "give a whole number")
}

/// The likeliest of what clap suggests, which it names last.
fn closest(suggested: &ContextValue) -> Option<&str> {
    match suggested {
        ContextValue::String(one) => Some(one),
        ContextValue::Strings(several) => several.last().map(String::as_str),
        _ => None,
    }
}

/// The command that was probably meant where clap suggests none, as behind `help`.
fn alike(error: &clap::Error, command: &clap::Command) -> Option<String> {
    let ContextValue::String(wrong) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    let names = command.get_subcommands().map(clap::Command::get_name);
    let (_, name) = names
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(name.to_owned())
}

/// The command that the arguments come to, and how it is called.
fn meant(root: clap::Command, arguments: &[OsString]) -> (String, clap::Command) {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let begin = (root.get_name().to_owned(), root);
    words.fold(begin, |(path, command), word| {
        match command.find_subcommand(word).cloned() {
            Some(next) => (format!("{path} {}", next.get_name()), next),
            None => (path, command),
        }
    })
}

/// The first example of a command's help that is a call of goroscope alone.
fn first_example(command: &clap::Command) -> Option<String> {
    let help = command.get_after_help()?.to_string();
    let mut lines = help.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with("goroscope "))?;
    // What an example is for may stand beside it.
    let (example, _) = line.split_once("  ").unwrap_or((line, ""));
    Some(example.to_owned())
}
