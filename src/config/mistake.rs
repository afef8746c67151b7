//! Mistakes in a config file: found in any order, told together in the order of the lines.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::span::Lines;

/// One thing in a config file that cannot be followed, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line in the file, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// The key, such as `services[0].timeout`; empty where the TOML itself is broken.
    pub key: String,
    /// What is wrong and what would be right, in one line.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// Every mistake in one config file, in line order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    path: PathBuf,
    list: Vec<Mistake>,
}

impl Mistakes {
    /// The file they are in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The mistakes, in line order; at least one.
    pub fn as_slice(&self) -> &[Mistake] {
        &self.list
    }

    /// The one mistake of a file that is no text: `at` is the first byte that is not UTF-8.
    pub(super) fn not_utf8(path: &Path, text: &[u8], at: usize) -> Self {
        let mut found = Found::default();
        found.syntax(
            at,
            "this byte is not UTF-8; save the file as UTF-8".to_owned(),
        );
        found.into_mistakes(path, &Lines::of(text))
    }
}

/// One mistake a line, each with the file, line and column that an editor can open.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{}:{mistake}", self.path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Mistakes as they are found.
#[derive(Default)]
pub(super) struct Found(Vec<Finding>);

struct Finding {
    kind: Kind,
    /// Byte in the text.
    at: usize,
    key: String,
    what: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Syntax,
    Wrong,
    Doubtful,
}

impl Found {
    /// Notes that the TOML itself is broken at byte `at`.
    pub(super) fn syntax(&mut self, at: usize, what: String) {
        self.note(Kind::Syntax, at, "", what);
    }

    /// Notes that what is written at byte `at` is wrong.
    pub(super) fn wrong(&mut self, at: usize, key: &str, what: String) {
        self.note(Kind::Wrong, at, key, what);
    }

    /// Notes what is wrong unless broken TOML made it look so: a key that is not there (`at` is
    /// the table that should have it), or one that stands in another table than it belongs in.
    pub(super) fn doubtful(&mut self, at: usize, key: &str, what: String) {
        self.note(Kind::Doubtful, at, key, what);
    }

    /// `value` if nothing was found, else all that was.
    pub(super) fn into_result<T>(
        self,
        path: &Path,
        lines: &Lines<'_>,
        value: T,
    ) -> Result<T, Mistakes> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.into_mistakes(path, lines))
        }
    }

    fn note(&mut self, kind: Kind, at: usize, key: &str, what: String) {
        self.0.push(Finding {
            kind,
            at,
            key: key.to_owned(),
            what,
        });
    }

    /// In line order. What only follows from broken TOML is left out: all that is doubtful, a
    /// value on a broken line (it is a guess of the parser), and the second break in a line.
    fn into_mistakes(self, path: &Path, lines: &Lines<'_>) -> Mistakes {
        let broken: BTreeSet<usize> = (self.0.iter())
            .filter(|finding| finding.kind == Kind::Syntax)
            .map(|finding| lines.position(finding.at).line)
            .collect();
        let follows = |kind: Kind, line: usize| match kind {
            Kind::Syntax => false,
            Kind::Wrong => broken.contains(&line),
            Kind::Doubtful => !broken.is_empty(),
        };

        let mut list = Vec::with_capacity(self.0.len());
        for finding in self.0 {
            let position = lines.position(finding.at);
            if !follows(finding.kind, position.line) {
                list.push(Mistake {
                    line: position.line,
                    column: position.column,
                    key: finding.key,
                    what: finding.what,
                });
            }
        }
        list.sort_by_key(|mistake| (mistake.line, mistake.column));
        list.dedup_by(|next, first| {
            let are_breaks = next.key.is_empty() && first.key.is_empty();
            next == first || (are_breaks && next.line == first.line)
        });
        Mistakes {
            path: path.to_owned(),
            list,
        }
    }
}

/// Most characters of a user's word that a message repeats.
const LONGEST_SHOWN: usize = 80;

/// `word` in backticks, safe for a terminal: one line, no control characters, not endless.
pub(super) fn quoted(word: &str) -> String {
    let mut shown = String::from("`");
    for character in word.chars().take(LONGEST_SHOWN) {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    if word.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}
