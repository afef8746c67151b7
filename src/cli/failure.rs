//! From an error to help: what went wrong, what to do next, and the exit code.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::daemon::DaemonError;
use crate::query::QueryError;
use crate::store::{Obstacle, SqlError, StoreError};
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

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::Finding => 3,
            Self::Inconclusive => 4,
            Self::BadConfig => 78,
            Self::Interrupted => 130,
        }
    }
}

/// Every exit code, in order.
#[cfg(test)]
pub(super) fn codes() -> Vec<u8> {
    let kinds = [
        Kind::BrokenPipe,
        Kind::Error,
        Kind::Usage,
        Kind::Finding,
        Kind::Inconclusive,
        Kind::BadConfig,
        Kind::Interrupted,
    ];
    kinds.map(Kind::code).to_vec()
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    /// One sentence a line; the chain of causes in it.
    pub(super) message: String,
    /// The next steps.
    pub(super) hints: Vec<String>,
    /// The option whose value is wrong, such as `--since`: an example of it is the next step.
    pub(super) option: Option<&'static str>,
}

impl Failure {
    /// An error with its causes.
    pub(super) fn error(error: &dyn Error) -> Self {
        Self {
            kind: Kind::Error,
            message: chain(error),
            hints: Vec::new(),
            option: None,
        }
    }

    /// The system did not do what was needed while `doing`.
    pub(super) fn system(error: &(dyn Error + 'static), doing: &str) -> Self {
        let of_io = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let hint = match of_io {
            Some(kind) => remedy(kind),
            None => BUG,
        };
        Self::error(error).doing(doing).hint(hint)
    }

    /// A mistake of goroscope itself, which the message says whole.
    pub(super) fn bug(message: &str) -> Self {
        Self::plain(message.to_owned()).hint(BUG)
    }

    /// Something was asked for that cannot be meant.
    pub(super) fn usage(message: String) -> Self {
        Self {
            kind: Kind::Usage,
            message,
            hints: Vec::new(),
            option: None,
        }
    }

    /// The value of an option cannot be meant, which the message says; what would be right too.
    pub(super) fn wrong_value(option: &'static str, message: &str) -> Self {
        Self {
            option: Some(option),
            ..Self::usage(format!("{option}: {message}"))
        }
    }

    /// Something went wrong that the message says whole.
    pub(super) fn plain(message: String) -> Self {
        Self {
            kind: Kind::Error,
            message,
            hints: Vec::new(),
            option: None,
        }
    }

    /// Ctrl-C ended it before its end; the hint says how far it got.
    pub(super) fn interrupted(hint: String) -> Self {
        Self::stopped_by("Ctrl-C", hint)
    }

    /// A signal ended it before its end; the hint says how far it got.
    pub(super) fn stopped_by(signal: &str, hint: String) -> Self {
        Self {
            kind: Kind::Interrupted,
            message: format!("stopped by {signal}"),
            hints: vec![hint],
            option: None,
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
            option: None,
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
        ExitCode::from(self.kind.code())
    }
}

/// What to do about what is goroscope's own fault.
const BUG: &str = "this should not happen: please report it, with what was asked";

/// The next step after what the system said of a file or stream.
pub(super) fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => {
            "check how it is spelt, and that its folder is there; a relative name begins at the working folder"
        }
        ErrorKind::PermissionDenied => "give this user the right to it, or name another file",
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => "name a file",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on that disk, or write to another one"
        }
        ErrorKind::AlreadyExists => "there is something of this name already: name another one",
        ErrorKind::ReadOnlyFilesystem => "name a file on a disk that can be written",
        _ => "the system said so; try again, and see its log if it stays",
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
            ConfigError::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
                "`goroscope config init` writes one; where it is elsewhere, --config FILE names it"
            }
            ConfigError::Read { source, .. } => remedy(source.kind()),
            ConfigError::Mistakes(_) => {
                "`goroscope check config FILE` tells when all is right; config.example.toml has every key with its default"
            }
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
        match &error {
            StoreError::Empty { .. } => failure.hint(
                "a daemon that has just begun fills it within a second: ask again; if it stays so, --db names another file",
            ),
            StoreError::Folder { path } => failure.hint(format!(
                "name a file, such as {}",
                path.join("goroscope.db").display()
            )),
            StoreError::NotOurs { .. } => failure
                .hint("name another file; where this was a database, its beginning is damaged, and only a backup brings it back"),
            StoreError::Missing { .. } => failure.hint(
                "check how it is spelt: --db, GOROSCOPE_DB or storage.path of the config names it, and `goroscope run` makes it",
            ),
            StoreError::Older { path, .. } => failure.hint(format!(
                "goroscope db upgrade --db {} brings it up to date; so does the daemon when it starts",
                path.display()
            )),
            StoreError::Newer { .. } | StoreError::NewerRules { .. } => failure.hint(
                "`goroscope --version` tells which this is; the one that wrote the file is newer",
            ),
            StoreError::Locked { .. } => failure
                .hint("one goroscope at a time writes a database: end that one, or name another database (storage.path, --db)"),
            StoreError::Lock { .. } => {
                failure.hint("the folder of the database must exist and be writable")
            }
            StoreError::BackUp { source, .. } => failure.hint(remedy(source.kind())),
            StoreError::Network { .. } => {
                failure.hint("storage.path in the config, --db or GOROSCOPE_DB names another place")
            }
            StoreError::OldSqlite { .. } => {
                failure.hint("build goroscope anew: it brings a SQLite of its own")
            }
            StoreError::Damaged { .. } | StoreError::Sqlite { .. } => failure.hint(past(&error)),
        }
    }
}

/// The next step after an error of SQLite that is no damage.
fn past(error: &StoreError) -> &'static str {
    match error.obstacle() {
        Some(Obstacle::Busy) => {
            "another program holds the file: try again, or end that one (`fuser FILE` names it)"
        }
        Some(Obstacle::Full) => {
            "make room on that disk, or write to another one; `goroscope db prune` makes a database smaller"
        }
        Some(Obstacle::Denied) => {
            "it must be a file, and it and its folder readable for this user; writable too for what changes it"
        }
        None => "`goroscope db check` tells whether the file is sound",
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Store(error) => error.into(),
            SqlError::Wrong(ref mistake) if mistake.starts_with("no such") => Self::error(&error).hint(
                "`.tables` names the tables and views, `.schema NAME` their columns: goroscope sql .tables",
            ),
            SqlError::Wrong(_) => Self::error(&error)
                .hint("`.schema NAME` shows the columns of a table or view; `goroscope sql --help` has examples"),
            SqlError::Refused(_) => Self::error(&error).hint(
                "a copy may be changed: `goroscope db backup copy.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself",
            ),
            SqlError::Interrupted => Self {
                kind: Kind::Interrupted,
                ..Self::error(&error)
            }
            .hint("a WHERE on service, instance and time reads less"),
        }
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        let hint = match &error {
            QueryError::Store(_) => None,
            QueryError::NoService { .. } | QueryError::NoInstance { .. } => {
                Some("`goroscope query instances` lists what there is")
            }
            QueryError::NoSignature { .. } => {
                Some("`goroscope query top-growers --all` shows signatures")
            }
            QueryError::NoBuild { .. } | QueryError::AmbiguousBuild { .. } => Some(
                "`goroscope sql \"select * from lives\"` shows builds, and which process was of which",
            ),
            QueryError::Ambiguous { .. } => {
                Some("give the signature whole, as JSON (-o json) has it")
            }
        };
        match (error, hint) {
            (QueryError::Store(error), _) => error.into(),
            (other, hint) => Self {
                kind: Kind::Usage,
                hints: hint.map(str::to_owned).into_iter().collect(),
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
            ExportError::Write(ref cause) => Self::error(&error).hint(remedy(cause.kind())),
        }
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Store(error) => error.into(),
            DaemonError::Client(_) => {
                Self::error(&error).hint("TLS needs the certificates of the system (ca-certificates)")
            }
            DaemonError::Signals(ref cause) => Self::error(&error).hint(remedy(cause.kind())),
            DaemonError::Unwritten => {
                Self::error(&error).hint("the log lines before this say why; `goroscope db check` tells whether the file is sound")
            }
        }
    }
}
