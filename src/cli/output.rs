//! The only writer to stdout and stderr: data to the one, all else to the other.

use std::io::{ErrorKind, IsTerminal as _, Stderr, Stdout, Write as _};

use serde::Serialize;

use super::failure::Failure;
use super::next_step::Naming;
use super::progress::{Amount, Progress};
use crate::present::{Draw, Page, Zone, escape, escape_json};

/// Where a command's words go.
pub(super) struct Output {
    draw: Draw,
    terminal: bool,
    /// Whether somebody looks at stderr, on a terminal that can take a line back.
    watched: bool,
    progress: Option<Progress>,
    /// What names the database in commands that are told.
    naming: Naming,
    stdout: Stdout,
    stderr: Stderr,
}

impl Output {
    /// `colour`: forced on or off, else by whether stdout is a terminal. `width`: of tables, 0 for as wide as
    /// they are, else that of the terminal. `animate`: whether a terminal can take a line back.
    pub(super) fn new(colour: Option<bool>, zone: Zone, width: Option<u16>, animate: bool) -> Self {
        let terminal = is_terminal();
        let known = || rustix::termios::tcgetwinsize(std::io::stdout());
        let width = width.or_else(|| known().ok().map(|size| size.ws_col));
        Self {
            draw: Draw {
                // Terminals that do not know their width say 0.
                width: width.filter(|width| *width > 0),
                wide: false,
                colour: colour.unwrap_or(terminal),
                zone,
            },
            terminal,
            watched: animate && std::io::stderr().is_terminal(),
            progress: None,
            naming: Naming::default(),
            stdout: std::io::stdout(),
            stderr: std::io::stderr(),
        }
    }

    /// From now on commands in answers and hints name the database so.
    pub(super) fn names(&mut self, naming: Naming) {
        self.naming = naming;
    }

    /// How answers are to be drawn.
    pub(super) const fn draw(&self) -> Draw {
        self.draw
    }

    /// Whether stdout is a terminal.
    pub(super) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Tells how far the work `what` is, once it has taken a second, until something else is written or
    /// [`Self::done`] is called; only where somebody looks.
    pub(super) fn begin(&mut self, what: &'static str, amount: Amount) {
        self.done();
        if self.watched {
            self.progress = Progress::begin(what, amount);
        }
    }

    /// Takes away what tells how far the work is.
    pub(super) fn done(&mut self) {
        self.progress = None;
    }

    /// Writes data to stdout.
    pub(super) fn data(&mut self, text: &str) -> Result<(), Failure> {
        self.done();
        let mut stdout = self.stdout.lock();
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::broken_pipe(),
            _ => Failure::system(&error, "failed to write to stdout"),
        })
    }

    /// Writes an answer for people to stdout.
    pub(super) fn page(&mut self, page: Page, draw: Draw) -> Result<(), Failure> {
        let text = self.naming.in_page(page).text(draw);
        self.data(&text)
    }

    /// Writes an answer to be pasted to stdout.
    pub(super) fn markdown(&mut self, page: Page) -> Result<(), Failure> {
        let text = self.naming.in_page(page).markdown();
        self.data(&text)
    }

    /// Writes an answer to stdout as one line of JSON.
    pub(super) fn json(&mut self, answer: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(answer)
            .map_err(|error| Failure::system(&error, "failed to write JSON"))?;
        self.data(&(escape_json(&json).into_owned() + "\n"))
    }

    /// Stdout, for data that is too much for one text.
    pub(super) fn stream(&mut self) -> &mut dyn std::io::Write {
        if self.terminal {
            self.done();
        }
        &mut self.stdout
    }

    /// Writes a remark to stderr.
    pub(super) fn remark(&mut self, text: &str) {
        // With stderr gone there is nobody left to tell.
        let mut write = || drop(writeln!(self.stderr, "{text}"));
        match &self.progress {
            Some(progress) => progress.aside(write),
            None => write(),
        }
    }

    /// Writes what went wrong, and the next steps, to stderr.
    pub(super) fn failure(&mut self, failure: &Failure) {
        self.done();
        debug_assert!(
            failure.message.is_empty() || !failure.hints.is_empty(),
            "no hint: {}",
            failure.message
        );
        for line in failure.message.lines() {
            self.remark(&format!("error: {}", escape(line)));
        }
        for hint in &failure.hints {
            let hint = self.naming.in_hint(hint);
            self.remark(&format!("hint: {}", escape(&hint)));
        }
    }
}

/// Stdout, for a view that takes the whole screen.
pub(super) fn screen() -> Stdout {
    std::io::stdout()
}

/// Whether stdout is a terminal.
pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether log lines may be coloured.
pub(super) fn colour_on_stderr(colour: Option<bool>) -> bool {
    colour.unwrap_or_else(|| std::io::stderr().is_terminal())
}
