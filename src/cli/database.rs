//! Which database a command means.

use std::path::{Path, PathBuf};

use super::Context;
use super::failure::Failure;
use crate::config;

/// The config file that is used when none is named.
const CONFIG: &str = "goroscope.toml";
/// The database that is used when nothing names one.
const DATABASE: &str = "goroscope.db";

/// Names a database.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DatabaseArgs {
    /// The database. Else GOROSCOPE_DB, else storage.path of the config, else ./goroscope.db.
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,

    /// The config file that names the database; ./goroscope.toml when it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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
    match &args.config {
        Some(file) => Ok(config::storage_path(file, &context.environment)?),
        None if Path::new(CONFIG).exists() => Ok(config::storage_path(
            Path::new(CONFIG),
            &context.environment,
        )?),
        None => Ok(PathBuf::from(DATABASE)),
    }
}
