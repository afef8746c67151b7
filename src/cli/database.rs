//! Which database a command means.

use std::path::{Path, PathBuf};

use super::Context;
use super::failure::Failure;
use crate::config::{self, Place};
use crate::store::{self, DaemonLock};

/// The config file that is used when none is named.
pub(super) const CONFIG: &str = "goroscope.toml";
/// The database that is used when nothing names one.
const DATABASE: &str = "goroscope.db";

/// Names a database.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct DatabaseArgs {
    /// The database. Else GOROSCOPE_DB, else storage.path of the config, else ./goroscope.db.
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,

    /// The config file that names the database; ./goroscope.toml when it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl DatabaseArgs {
    /// Whether an option says which.
    pub(super) const fn is_named(&self) -> bool {
        self.db.is_some() || self.config.is_some()
    }
}

/// `--db`, else `GOROSCOPE_DB`; these stand above every config file.
pub(super) fn named(db: Option<&Path>, context: &Context) -> Option<PathBuf> {
    let variable = context
        .environment
        .get("GOROSCOPE_DB")
        .filter(|path| !path.is_empty());
    db.map(Path::to_owned)
        .or_else(|| variable.map(PathBuf::from))
}

/// The database that the arguments mean.
pub(super) fn find(args: &DatabaseArgs, context: &Context) -> Result<PathBuf, Failure> {
    if let Some(path) = named(args.db.as_deref(), context) {
        return Ok(path);
    }
    let place = configured(args, context)?;
    Ok(place.map_or_else(|| PathBuf::from(DATABASE), |place| place.path))
}

/// The database that the arguments mean, to be written: it is one, and no daemon writes it.
pub(super) fn find_to_write(
    args: &DatabaseArgs,
    context: &Context,
) -> Result<(PathBuf, DaemonLock), Failure> {
    let path = find(args, context)?;
    store::schema(&path)?;
    if !configured(args, context)?.is_some_and(|place| place.allow_network_filesystem) {
        store::refuse_network(&path)?;
    }
    let lock = DaemonLock::take(&path)?;
    Ok((path, lock))
}

fn configured(args: &DatabaseArgs, context: &Context) -> Result<Option<Place>, Failure> {
    let file = match &args.config {
        Some(file) => file,
        None if Path::new(CONFIG).exists() => Path::new(CONFIG),
        None => return Ok(None),
    };
    Ok(Some(config::place(file, &context.environment)?))
}
