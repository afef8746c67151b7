//! Lines to statements: typed, piped, or given.

use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::super::failure::Failure;
use super::super::progress::Amount;
use super::answers::Answers;
use crate::present::escape;
use crate::store::Shell;

/// Longer than anybody writes a statement.
const LONGEST: usize = 1 << 20;

const HELP: &str = "\
A statement ends with `;` and may go over several lines. Ctrl-C stops one that runs.
.tables         the tables and views
.schema [NAME]  how they were made: their columns
.help           this
.quit           ends; so does Ctrl-D
";

/// Where lines come from.
pub(super) enum Lines {
    Typed(Box<DefaultEditor>),
    Piped(std::io::StdinLock<'static>),
}

enum Line {
    Text(String),
    /// Ctrl-C at the prompt: what was typed is dropped.
    Dropped,
    End,
}

impl Lines {
    /// Lines of a person at a terminal, with editing, and a history of this session.
    pub(super) fn typed() -> Result<Self, Failure> {
        let editor = DefaultEditor::new().map_err(|error| unreadable(&error))?;
        Ok(Self::Typed(Box::new(editor)))
    }

    /// Lines of a script.
    pub(super) fn piped() -> Self {
        Self::Piped(std::io::stdin().lock())
    }

    fn next(&mut self, prompt: &str) -> Result<Line, Failure> {
        match self {
            Self::Typed(editor) => match editor.readline(prompt) {
                Ok(line) => Ok(Line::Text(line)),
                Err(ReadlineError::Interrupted) => Ok(Line::Dropped),
                Err(ReadlineError::Eof) => Ok(Line::End),
                Err(error) => Err(unreadable(&error)),
            },
            Self::Piped(stdin) => {
                let mut line = String::new();
                match stdin.read_line(&mut line) {
                    Ok(0) => Ok(Line::End),
                    Ok(_) => {
                        // The line is put together again with its neighbours.
                        line.truncate(line.trim_end_matches(['\n', '\r']).len());
                        Ok(Line::Text(line))
                    }
                    Err(error) => Err(unreadable(&error)),
                }
            }
        }
    }

    /// Notes a whole statement, to be called up again.
    fn remember(&mut self, statement: &str) {
        if let Self::Typed(editor) = self {
            // Without a history the session goes on.
            let _forgotten = editor.add_history_entry(statement.trim_end());
        }
    }
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::system(error, "failed to read stdin")
}

/// Statements that are not whole yet.
#[derive(Default)]
struct Pending {
    text: String,
    /// The line that it began at.
    line: usize,
}

/// A shell that is given statements.
pub(super) struct Session<'a> {
    shell: &'a Shell,
    answers: Answers<'a>,
    stop: Arc<AtomicBool>,
}

impl<'a> Session<'a> {
    pub(super) fn new(shell: &'a Shell, answers: Answers<'a>, stop: Arc<AtomicBool>) -> Self {
        Self {
            shell,
            answers,
            stop,
        }
    }

    /// Runs what was given as a whole.
    pub(super) fn give(&mut self, text: &str) -> Result<(), Failure> {
        if text.trim_start().starts_with('.') {
            return self.command(text.trim()).map(drop);
        }
        self.answers.output.begin("running", Amount::Unknown);
        let done = self.shell.run(text, &mut self.answers);
        self.answers.output.done();
        // What came before it went wrong is worth having.
        self.answers.flush()?;
        done
    }

    /// Runs a script to its end, or to what goes wrong first.
    pub(super) fn obey(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let mut pending = Pending::default();
        for number in 1.. {
            match lines.next("")? {
                Line::Text(line) if pending.text.is_empty() && line.starts_with('.') => {
                    if !self.command(line.trim())? {
                        return Ok(());
                    }
                }
                Line::Text(line) => {
                    if pending.add(&line, number)? {
                        self.give_from(&std::mem::take(&mut pending))?;
                    }
                }
                Line::Dropped | Line::End => break,
            }
        }
        self.give_from(&pending)
    }

    fn give_from(&mut self, pending: &Pending) -> Result<(), Failure> {
        let at = format!("line {} of stdin", pending.line);
        self.give(&pending.text).map_err(|failure| {
            if failure.is_broken_pipe() {
                return failure;
            }
            failure.doing(&at)
        })
    }

    /// Asks and answers until the person has had enough.
    pub(super) fn talk(&mut self, lines: &mut Lines, path: &Path) -> Result<(), Failure> {
        self.answers.output.remark(&format!(
            "{}, read-only. `.tables` names what there is, `.help` the rest.",
            escape(&path.display().to_string())
        ));
        let mut pending = Pending::default();
        loop {
            let prompt = if pending.text.is_empty() {
                "sql> "
            } else {
                "...> "
            };
            let done = match lines.next(prompt)? {
                Line::End => return Ok(()),
                Line::Dropped => {
                    pending = Pending::default();
                    Ok(())
                }
                Line::Text(line) if pending.text.is_empty() && line.starts_with('.') => {
                    lines.remember(&line);
                    match self.command(line.trim()) {
                        Ok(true) => Ok(()),
                        Ok(false) => return Ok(()),
                        Err(failure) => Err(failure),
                    }
                }
                Line::Text(line) => pending.add(&line, 0).and_then(|whole| {
                    if !whole {
                        return Ok(());
                    }
                    let statement = std::mem::take(&mut pending).text;
                    lines.remember(&statement);
                    // A Ctrl-C that came before it does not mean this statement.
                    self.stop.store(false, Ordering::Relaxed);
                    self.give(&statement)
                }),
            };
            match done {
                Err(failure) if failure.is_broken_pipe() => return Err(failure),
                Err(failure) => self.answers.output.failure(&failure),
                Ok(()) => {}
            }
            self.stop.store(false, Ordering::Relaxed);
        }
    }

    /// Does what begins with a dot; whether the session goes on.
    fn command(&mut self, line: &str) -> Result<bool, Failure> {
        let mut words = line.trim_end_matches(';').split_whitespace();
        match (words.next().unwrap_or_default(), words.next()) {
            (".quit" | ".exit", None) => return Ok(false),
            (".help", None) => self.answers.output.data(HELP)?,
            (".tables", None) => self.shell.tables(&mut self.answers)?,
            (".schema", name) => {
                let found = self.shell.definitions(name)?;
                if found.is_empty() {
                    let name = name.unwrap_or_default();
                    let none = Failure::plain(format!("no table or view `{name}`"));
                    return Err(none.hint("`.tables` names them"));
                }
                for line in found.iter().flat_map(|definition| definition.lines()) {
                    self.answers.output.data(&format!("{}\n", escape(line)))?;
                }
            }
            _ => {
                let unknown = Failure::plain(format!("no command `{line}`"));
                return Err(unknown.hint("`.help` names those that there are"));
            }
        }
        Ok(true)
    }
}

impl Pending {
    /// Adds a line; whether the statements are whole now.
    fn add(&mut self, line: &str, number: usize) -> Result<bool, Failure> {
        if self.text.trim().is_empty() {
            self.text.clear();
            self.line = number;
        }
        self.text += line;
        self.text.push('\n');
        if self.text.len() > LONGEST {
            *self = Self::default();
            return Err(Failure::plain(format!(
                "a statement goes on for more than {} KiB without a `;`",
                LONGEST >> 10
            ))
            .hint("end each statement with `;`"));
        }
        // Nothing else can end one.
        Ok((line.contains(';') || line.contains("*/")) && Shell::is_whole(&self.text))
    }
}
