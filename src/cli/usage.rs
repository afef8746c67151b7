//! Arguments that cannot be followed: what clap found wrong, and the next step.

use std::ffi::OsString;

use clap::Arg;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::failure::Failure;

/// From this likeness on (0 to 1, by Jaro and Winkler) a word is taken for a slip of another.
const ALIKE: f64 = 0.8;

/// What to tell of an `error` in `arguments`, which begin with the program's name.
pub(super) fn failure(error: &clap::Error, root: clap::Command, arguments: &[OsString]) -> Failure {
    let refused = refused(error, &root, arguments);
    let error = refused.as_ref().unwrap_or(error);
    let meant = Meant::of(root, arguments);
    let failure = Failure::usage(what(error));
    let wrong = meant.option(|option| is_about(error, option));
    let slip = slip(error, &meant);
    let failure = match &slip {
        Some(right) => failure.hint(format!("did you mean `{right}`?")),
        None => failure,
    };
    let example = match (wrong, &slip) {
        (Some(option), _) => meant.example_with(option),
        (None, Some(_)) => None,
        (None, None) => meant.first_example(),
    };
    let failure = match example {
        Some(example) => failure.hint(format!("for example: {example}")),
        None => failure,
    };
    failure.hint(format!("`{} --help` tells more", meant.path))
}

/// The failure with an example of the option whose value is wrong, where it names one.
pub(super) fn with_example(
    failure: Failure,
    root: clap::Command,
    arguments: &[OsString],
) -> Failure {
    let flag = failure.option;
    match flag.and_then(|flag| example(root, arguments, flag)) {
        Some(example) => failure.hint(format!("for example: {example}")),
        None => failure,
    }
}

/// An example of the option `flag` of the command that the arguments come to.
pub(super) fn example(root: clap::Command, arguments: &[OsString], flag: &str) -> Option<String> {
    let meant = Meant::of(root, arguments);
    let option = meant.option(|option| option.get_long() == flag.strip_prefix("--"))?;
    meant.example_with(option)
}

/// What is wrong with a value that begins like an option, such as `-1`; clap takes it for one that it does not know.
fn refused(
    error: &clap::Error,
    root: &clap::Command,
    arguments: &[OsString],
) -> Option<clap::Error> {
    let ContextValue::String(unknown) = error.get(ContextKind::InvalidArg)? else {
        return None;
    };
    let is_number = unknown
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()));
    if error.kind() != ErrorKind::UnknownArgument || !is_number {
        return None;
    }
    let begins = |word: &OsString| word.to_string_lossy().starts_with(unknown.as_str());
    let at = arguments.iter().position(begins)?;
    let mut joined = arguments.to_vec();
    let value = joined.remove(at);
    let flag = joined.get_mut(at.checked_sub(1)?)?;
    flag.push("=");
    flag.push(value);
    let again = root.clone().try_get_matches_from(joined).err()?;
    is_of_a_value(&again).then_some(again)
}

fn is_of_a_value(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation
    )
}

/// Whether the error is about this option: its value is wrong, or it is missing or in the way.
fn is_about(error: &clap::Error, option: &Arg) -> bool {
    let name = option.to_string();
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(one)) => *one == name,
        Some(ContextValue::Strings(several)) => several.contains(&name),
        _ => false,
    }
}

/// What was probably meant by a word that is a slip.
fn slip(error: &clap::Error, meant: &Meant) -> Option<String> {
    let suggested = |kind| error.get(kind).and_then(closest).map(str::to_owned);
    let name = suggested(ContextKind::SuggestedSubcommand).or_else(|| alike(error, &meant.command));
    let value = || {
        let wrong = error.get(ContextKind::InvalidValue).and_then(closest)?;
        // Clap finds `zsh` in `tcsh`.
        suggested(ContextKind::SuggestedValue)
            .filter(|right| strsim::jaro_winkler(wrong, right) >= ALIKE)
    };
    name.map(|name| format!("{} {name}", meant.path))
        .or_else(|| suggested(ContextKind::SuggestedArg))
        .or_else(value)
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
    let mut lines = first.lines().map(str::trim);
    if let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue) {
        let said = lines.next().unwrap_or_default();
        return format!("{said}: give {}", either(values));
    }
    in_own_words(&lines.collect::<Vec<_>>().join(" "), error)
}

/// What is said of a number, which the standard library and clap say without what would be right.
fn in_own_words(said: &str, error: &clap::Error) -> String {
    if let Some((before, range)) = said.rsplit_once(" is not in ")
        && let Some((least, most)) = range.split_once("..=")
        && let Some((before, _)) = before.rsplit_once(": ")
    {
        return format!("{before}: give a number from {least} to {most}");
    }
    let wrong = error.get(ContextKind::InvalidValue).and_then(closest);
    let right = match wrong {
        Some(wrong) if wrong.starts_with('-') => "give 0 or more",
        _ => "give a whole number",
    };
    said.replace("invalid digit found in string", right)
        .replace("cannot parse integer from empty string", right)
        .replace(
            "number too large to fit in target type",
            "give a smaller number",
        )
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words {
        [several @ .., last] if !several.is_empty() => {
            format!("{} or {last}", several.join(", "))
        }
        _ => words.concat(),
    }
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

/// The command that arguments come to.
struct Meant {
    /// How it is called.
    path: String,
    command: clap::Command,
    root: clap::Command,
}

impl Meant {
    fn of(mut root: clap::Command, arguments: &[OsString]) -> Self {
        // Only then options have their names as errors tell them, and commands the options of all.
        root.build();
        let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
        // What `help` is asked for is what is meant.
        let words = words.filter(|word| *word != "help");
        let begin = (root.get_name().to_owned(), root.clone());
        let (path, command) = words.fold(begin, |(path, command), word| {
            match command.find_subcommand(word).cloned() {
                Some(next) => (format!("{path} {}", next.get_name()), next),
                None => (path, command),
            }
        });
        Self {
            path,
            command,
            root,
        }
    }

    /// The first option that is so.
    fn option(&self, is_so: impl Fn(&Arg) -> bool) -> Option<&Arg> {
        self.command.get_opts().find(|option| is_so(option))
    }

    /// The examples of its help that are calls of goroscope, without what stands beside them.
    fn examples(&self) -> Vec<String> {
        let help = self.command.get_after_help();
        let help = help.map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().map(str::trim);
        let lines = lines.filter(|line| line.starts_with("goroscope "));
        let calls = lines.map(|line| line.split("  ").next().unwrap_or(line).to_owned());
        calls.collect()
    }

    fn first_example(&self) -> Option<String> {
        self.examples().into_iter().next()
    }

    /// An example that has an option: one of the help, else the first of these that the option may stand behind.
    fn example_with(&self, option: &Arg) -> Option<String> {
        let flag = format!("--{}", option.get_long()?);
        let short = option.get_short().map(|short| format!("-{short}"));
        let examples = self.examples();
        let has_it = |example: &&String| {
            let mut words = example.split([' ', '=']);
            words.any(|word| word == flag || Some(word) == short.as_deref())
        };
        if let Some(example) = examples.iter().find(has_it) {
            return Some(example.clone());
        }
        let value = value_of(option);
        let joint = if option.is_require_equals_set() {
            '='
        } else {
            ' '
        };
        // What a shell does with the answer is left out.
        let alone = examples
            .iter()
            .map(|example| {
                example
                    .split_once(" |")
                    .map_or(&**example, |(call, _)| call)
            })
            .map(|example| example.split_once(" >").map_or(example, |(call, _)| call));
        let mut longer = alone.map(|example| format!("{example} {flag}{joint}{value}"));
        longer.find(|example| self.takes(example))
    }

    /// Whether a line of words without quotes can be followed.
    fn takes(&self, line: &str) -> bool {
        let words = line.split(' ');
        self.root.clone().try_get_matches_from(words).is_ok()
    }
}

/// A value that an option takes.
fn value_of(option: &Arg) -> String {
    let usual = option.get_default_values().first();
    let usual = usual.map(|usual| usual.to_string_lossy().into_owned());
    let known = option.get_possible_values();
    let known = known.first().map(|value| value.get_name().to_owned());
    let name = option.get_value_names().and_then(<[_]>::first);
    usual.or(known).unwrap_or_else(|| {
        match name.map(clap::builder::Str::as_str) {
            Some("N") => "100",
            Some("WHEN") => "24h",
            Some("DURATION") => "30s",
            Some("AGE") => "7d",
            Some("SIZE") => "1GiB",
            Some("ADDRESS") => "checkout-1:6060",
            Some("NAME") => "checkout",
            _ => "goroscope.db",
        }
        .to_owned()
    })
}
