//! Commands that answers and hints tell: they are about the database that was asked for, so they name it again.

use std::borrow::Cow;
use std::ffi::OsStr;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::present::{Page, escape};

/// Commands that are about a database.
const ASKING: [&str; 5] = ["query", "sql", "db", "ignore", "export"];
/// The options that say which.
const NAMING: [&str; 2] = ["db", "config"];

/// What names the database, as it was typed: ` --db old.db`, or nothing where the next command finds it by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Naming(String);

impl Naming {
    /// What a command line had.
    pub(super) fn typed(matches: &ArgMatches) -> Self {
        let mut last = matches;
        while let Some((_, deeper)) = last.subcommand() {
            last = deeper;
        }
        let mut naming = Self::default();
        for option in NAMING {
            // Commands that do not know the option have none.
            let values = last.try_get_raw(option).ok().flatten();
            let is_typed = || last.value_source(option) == Some(ValueSource::CommandLine);
            if let Some(value) = values.filter(|_| is_typed()).and_then(Iterator::last) {
                naming.add(option, value);
            }
        }
        naming
    }

    /// A database.
    pub(super) fn of(database: &OsStr) -> Self {
        let mut naming = Self::default();
        naming.add("db", database);
        naming
    }

    fn add(&mut self, option: &str, value: &OsStr) {
        self.0 += &format!(" --{option} {}", shell_word(value));
    }

    /// An answer for people.
    pub(super) fn in_page(&self, page: Page) -> Page {
        page.with_lines(|lines| self.in_lines(lines).into_owned())
    }

    /// Lines that may end in a command.
    fn in_lines<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() || !text.contains(": goroscope ") {
            return text.into();
        }
        let lines = text.split_inclusive('\n').map(|line| {
            let told = line.trim_end_matches('\n');
            match told.rsplit_once(": ") {
                Some((_, command)) if Self::fits(command) => {
                    line.replace(told, &(told.to_owned() + &self.0))
                }
                _ => line.to_owned(),
            }
        });
        lines.collect::<String>().into()
    }

    /// A hint, in which commands stand between backticks.
    pub(super) fn in_hint<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return text.into();
        }
        let parts = text.split('`').enumerate().map(|(nth, part)| {
            if nth % 2 == 1 && Self::fits(part) {
                part.to_owned() + &self.0
            } else {
                part.to_owned()
            }
        });
        parts.collect::<Vec<_>>().join("`").into()
    }

    /// Whether a command asks a database, and does not say which.
    fn fits(command: &str) -> bool {
        let mut words = command.split(' ');
        let is_asking = words.next() == Some("goroscope")
            && words.next().is_some_and(|word| ASKING.contains(&word));
        // Without a word more it is no command yet.
        let mut words = words.peekable();
        is_asking && words.peek().is_some() && !words.any(|word| ["--db", "--help"].contains(&word))
    }
}

/// A word as a shell takes it.
pub(super) fn shell_word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:@%,=".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", escape(&text).replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_database_again() {
        let naming = Naming::of(OsStr::new("my night.db"));
        let answer = "showing 1 of 2.  next: goroscope query show SIGNATURE\nf: goroscope top\n";
        assert_eq!(
            naming.in_lines(answer),
            "showing 1 of 2.  next: goroscope query show SIGNATURE --db 'my night.db'\nf: goroscope top\n"
        );
        assert_eq!(
            naming.in_hint(
                "`goroscope db check` or `goroscope snapshot localhost:6060`, `goroscope db`"
            ),
            "`goroscope db check --db 'my night.db'` or `goroscope snapshot localhost:6060`, `goroscope db`"
        );
        let named = "`goroscope db upgrade --db a.db`";
        assert_eq!(naming.in_hint(named), named);
        assert_eq!(Naming::default().in_lines(answer), answer);
    }
}
