//! What the user wrote, and what it means.
//!
//! Reading order: [`mod@file`] takes the TOML as written ([`table`], [`keys`]); [`resolve`],
//! [`analysis`], [`service`] and [`ignore`] say what is meant, with [`expand`], [`quantity`] and
//! [`target`] for the words inside values; [`span`] and [`mistake`] point at what is wrong. All of it
//! is pure but for reading the one file: the environment is an argument. No key is accepted that would
//! have no effect.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{IgnoreRule, InstanceId, Thresholds};

mod analysis;
mod expand;
mod file;
mod ignore;
mod keys;
mod mistake;
mod quantity;
mod resolve;
mod service;
mod span;
mod table;
mod target;
mod watching;

pub use keys::KEYS;
pub use mistake::{Mistake, Mistakes};
pub use quantity::{parse_age, parse_size};
pub use target::{BadTarget, Target, parse_target};
pub use watching::Watching;

use file::File;
use mistake::Found;
use resolve::Resolver;
use span::Lines;

/// Everything the daemon is told, resolved: no value is left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How many polls may read an answer at the same time, 1 to 65,536.
    pub max_concurrent_polls: usize,
    /// Where the history is kept.
    pub storage: Storage,
    /// What verdicts rest on.
    pub analysis: Thresholds,
    /// What is watched, in the order of the file; at least one, with distinct names.
    pub services: Vec<Service>,
    /// Which growth is known and fine, in the order of the file.
    pub ignore: Vec<IgnoreRule>,
}

/// Where the history is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The database file; a relative path has been taken from the folder of the config file.
    pub path: PathBuf,
    /// Snapshots are kept for this long, 1 hour to 10 years.
    pub raw_retention: Duration,
    /// Days and hours are kept for this long, 1 hour to 10 years.
    pub rollup_retention: Duration,
    /// The oldest snapshots go while the file holds more bytes, 1 MiB to 1 TiB.
    pub max_size: u64,
    /// Signatures that each service may bring, 1,000 to 1,000,000: further ones count as one.
    pub max_signatures: u64,
    /// The database may lie on a network filesystem, where SQLite can corrupt it.
    pub allow_network_filesystem: bool,
}

/// The part of [`Storage`] that a command which looks after the database needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As in [`Storage`].
    pub path: PathBuf,
    /// As in [`Storage`].
    pub allow_network_filesystem: bool,
}

/// A named set of processes that run the same program, and how they are polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Distinct within a config, not empty, without control characters.
    pub name: Arc<str>,
    /// In the order of the file; at least one, each once.
    pub instances: Vec<Instance>,
    /// From one poll to the next, 100 ms to 30 days.
    pub interval: Duration,
    /// Limit of one request, 1 ms up to `interval` (or longer, in a live view).
    pub timeout: Duration,
    /// Most decompressed bytes of one answer, 1 to 2^40 (1 TiB).
    pub body_size_limit: u64,
    /// Whether `debug=2` is asked for.
    pub detail: DetailMode,
    /// From one detail to the next, 100 ms to 30 days.
    pub detail_interval: Duration,
    /// No detail while it would stop the target for longer than this, 1 us to 30 days.
    pub detail_max_stop: Duration,
    /// Whether the garbage collector is asked which goroutines can never wake.
    pub leak_profile: LeakProfile,
    /// From one such proof to the next, 10 minutes to 30 days.
    pub leak_profile_interval: Duration,
    /// Keys of the pprof labels that are kept; a lone `*` keeps all.
    pub keep_labels: Arc<[String]>,
}

/// One process address of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// What it is known by.
    pub id: Arc<InstanceId>,
    /// The labels of its service, as configured.
    pub labels: Arc<BTreeMap<String, String>>,
}

/// When `goroutine?debug=2`, which stops the target's world, is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailMode {
    /// Each `detail_interval`, while the predicted stop stays within `detail_max_stop`.
    Auto,
    /// At every poll.
    Always,
    /// Not at all.
    Never,
}

/// When `goroutineleak`, which runs a garbage collection, is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeakProfile {
    /// Not at all.
    Never,
    /// Each `leak_profile_interval`, of an instance with a suspect.
    OnSuspect,
    /// Each `leak_profile_interval`.
    Always,
}

/// The environment variables that `${NAME}` may name. Not `Debug`: values may be secret.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The value of the variable; `None` when it is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read at all.
    #[error("failed to read config file `{}`", path.display())]
    Read {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file can be read but not followed.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

/// Reads the config file at `path`. Errors: no such file, or every mistake in it.
pub fn load(path: &Path, env: &Environment) -> Result<Config, ConfigError> {
    let text = read(path)?;
    Ok(parse(&text, path, env)?)
}

/// Resolves the `text` of a config file at `path` (which is not read). Errors: every mistake in
/// it, in line order.
pub fn parse(text: &str, path: &Path, env: &Environment) -> Result<Config, Mistakes> {
    let mut found = Found::default();
    let lines = Lines::of(text.as_bytes());
    let file = File::read(text, &mut found);
    let mut resolver = Resolver {
        folder: folder(path),
        env,
        lines: &lines,
        found: &mut found,
    };
    let config = resolver.config(&file);
    found.into_result(path, &lines, config)
}

/// The database that the config file at `path` names, which is all that a query needs of it:
/// mistakes outside `[storage]` are not looked at. Errors: no such file, or `storage.path` is
/// wrong or hidden by a syntax error.
pub fn place(path: &Path, env: &Environment) -> Result<Place, ConfigError> {
    let text = read(path)?;
    let mut found = Found::default();
    let lines = Lines::of(text.as_bytes());
    let storage = file::Storage::read_only(&text, &lines, &mut found);
    let mut resolver = Resolver {
        folder: folder(path),
        env,
        lines: &lines,
        found: &mut found,
    };
    let place = resolver.place(&storage);
    Ok(found.into_result(path, &lines, place)?)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = std::fs::read(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ConfigError::Mistakes(Mistakes::not_utf8(path, error.as_bytes(), at))
    })
}

/// Relative paths in the file start here; an empty path is the working folder.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new(""))
}
