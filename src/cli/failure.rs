//! From an error to help: what went wrong, what to do next, and the exit code.

use std::error::Error;
use std::io::ErrorKind;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::daemon::DaemonError;
use crate::query::QueryError;
use crate::store::{SqlError, StoreError};
use crate::transfer::ExportError;

/// What kind of end it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// 1.
    Error,
    /// 2.
    Usage,
    /// 3.
    Finding,
    /// 4.
    Inconclusive,
    /// 130, as shells know it.
    Interrupted,
    /// 78, as sysexits.h and systemd know it.
    BadConfig,
    /// The reader of our output has gone: nobody to tell, and no error.
    BrokenPipe,
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    /// One sentence a line; the chain of causes in it.
    pub(super) message: String,
    /// The next steps.
    pub(super) hints: Vec<String>,
}

impl Failure {
    /// An error with its causes.
    pub(super) fn error(error: &dyn Error) -> Self {
        Self {
            kind: Kind::Error,
            message: chain(error),
            hints: Vec::new(),
        }
    }

    /// Something was asked for that cannot be meant.
    pub(super) fn usage(message: String) -> Self {
        Self {
            kind: Kind::Usage,
            message,
            hints: Vec::new(),
        }
    }

    /// Something went wrong that the message says whole.
    pub(super) fn plain(message: String) -> Self {
        Self {
            kind: Kind::Error,
            message,
            hints: Vec::new(),
        }
    }

    /// Ctrl-C ended it before its end; the hint says how far it got.
    pub(super) fn interrupted(hint: String) -> Self {
        Self {
            kind: Kind::Interrupted,
            message: "stopped by Ctrl-C".to_owned(),
            hints: vec![hint],
        }
    }

    /// The answer is all that there is to say, and not a good one.
    pub(super) fn told() -> Self {
        Self::plain(String::new())
    }

    /// The answer says it, and the exit code too, since that was asked for.
    pub(super) fn finding() -> Self {
        Self {
            kind: Kind::Finding,
            ..Self::told()
        }
    }

    /// Neither a finding nor none: what was asked for is not known, and that was said.
    pub(super) fn inconclusive() -> Self {
        Self {
            kind: Kind::Inconclusive,
            ..Self::told()
        }
    }

    /// Our output has no reader any more.
    pub(super) fn broken_pipe() -> Self {
        Self {
            kind: Kind::BrokenPipe,
            message: String::new(),
            hints: Vec::new(),
        }
    }

    /// Says before the message what was being done.
    pub(super) fn doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds a next step.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Whether nobody reads our output any more.
    pub(super) fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::BrokenPipe
    }

    /// The exit code.
    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::BrokenPipe => 0,
            Kind::Error => 1,
            Kind::Usage => 2,
            Kind::Finding => 3,
            Kind::Inconclusive => 4,
            Kind::BadConfig => 78,
            Kind::Interrupted => 130,
        })
    }
}

/// The message of an error and of everything that caused it, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(without_code(&said)) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// What SQLite says behind `Error code 11: `, which is mostly said before.
fn without_code(said: &str) -> &str {
    let behind = said.strip_prefix("Error code ");
    let words = behind.and_then(|behind| behind.split_once(": "));
    words.map_or(said, |(_, words)| words)
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let hint = match &error {
            ConfigError::Read { .. } => {
                "config.example.toml shows a whole one; --config names another file"
            }
            ConfigError::Mistakes(_) => "config.example.toml has every key with its default",
        };
        Self {
            kind: Kind::BadConfig,
            ..Self::error(&error)
        }
        .hint(hint)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::error(&error);
        if error.is_damage() {
            return failure
                .hint("`goroscope db check` tells what is damaged; what cannot be read comes back from a backup only, \
                       what can be is saved by `goroscope export`");
        }
        match error {
            StoreError::NotOurs { .. } => failure
                .hint("where it was one, its beginning is damaged, and only a backup brings it back"),
            StoreError::Missing { .. } => failure.hint(
                "`goroscope run --config FILE` makes it; --db or GOROSCOPE_DB names another one",
            ),
            StoreError::Older { path, .. } => failure.hint(format!(
                "goroscope db upgrade --db {} brings it up to date; so does the daemon when it starts",
                path.display()
            )),
            StoreError::Locked { .. } => failure
                .hint("one daemon writes a database; give the other one its own storage.path"),
            StoreError::Lock { .. } => {
                failure.hint("the folder of the database must exist and be writable")
            }
            _ => failure,
        }
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Store(error) => error.into(),
            SqlError::Wrong(ref mistake) if mistake.starts_with("no such") => Self::error(&error).hint(
                "`.tables` names the tables and views, `.schema NAME` their columns: goroscope sql .tables",
            ),
            SqlError::Refused(_) | SqlError::Wrong(_) => Self::error(&error),
            SqlError::Interrupted => Self {
                kind: Kind::Interrupted,
                ..Self::error(&error)
            },
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Store(error) => error.into(),
            other => Self {
                kind: Kind::Usage,
                ..Self::error(&other)
            },
        }
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Unknown { .. } => Self {
                kind: Kind::Usage,
                ..Self::error(&error)
            }
            .hint("`goroscope query instances` lists what there is"),
            ExportError::Write(ref cause) if cause.kind() == ErrorKind::BrokenPipe => {
                Self::broken_pipe()
            }
            ExportError::Write(_) => Self::error(&error),
        }
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Store(error) => error.into(),
            other => Self::error(&other),
        }
    }
}
