//! Schema versions: forward only, each in one transaction, with a backup before it.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// `gors`: tells our files from other SQLite files.
const APPLICATION_ID: i32 = 0x676f_7273;

/// Every schema, oldest first; its number is its place, from 1.
const MIGRATIONS: [&str; 11] = [
    include_str!("../../migrations/0001_init.sql"),
    include_str!("../../migrations/0002_wait_kind.sql"),
    include_str!("../../migrations/0003_block.sql"),
    include_str!("../../migrations/0004_rollup.sql"),
    include_str!("../../migrations/0005_incarnation_name.sql"),
    include_str!("../../migrations/0006_views.sql"),
    include_str!("../../migrations/0007_quarantine.sql"),
    include_str!("../../migrations/0008_days.sql"),
    include_str!("../../migrations/0009_detail_block.sql"),
    include_str!("../../migrations/0010_verdict.sql"),
    include_str!("../../migrations/0011_proof.sql"),
];

/// The schema that this program writes and reads.
pub(super) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// What a file is.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let read = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get(0));
    Ok((read("application_id")?, read("user_version")?))
}

/// Refuses files of others and of newer programs; `Ok` holds the version.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i32, StoreError> {
    let (application, version) =
        version(connection).map_err(|source| StoreError::opening(path, source))?;
    if application != APPLICATION_ID {
        let path = path.to_owned();
        return Err(match tables(connection) {
            Ok(0) => StoreError::Empty { path },
            _ => StoreError::NotOurs { path },
        });
    }
    if version > newest() {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            version,
            known: newest(),
        });
    }
    Ok(version)
}

fn tables(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

/// The schema of a database that is to be written; 0 for a new, empty file. Touches nothing.
pub(super) fn check_writing(connection: &Connection, path: &Path) -> Result<i32, StoreError> {
    if tables(connection).map_err(|source| StoreError::opening(path, source))? == 0 {
        return Ok(0);
    }
    check(connection, path)
}

/// Brings a database of this schema to the newest one.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    version: i32,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::sqlite("migrate", path, source);
    for (number, sql) in (1i32..).zip(MIGRATIONS) {
        if number <= version {
            continue;
        }
        if version > 0 {
            back_up(connection, path, number)?;
        }
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        transaction.execute_batch(sql).map_err(failed)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(failed)?;
        transaction
            .pragma_update(None, "user_version", number)
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
        // A new file is simply made.
        if version > 0 {
            tracing::info!(
                schema = number,
                "Brought {} to schema {number}",
                path.display()
            );
        }
    }
    Ok(())
}

/// A consistent copy beside the file, named after the schema that it is from.
fn back_up(connection: &Connection, path: &Path, next: i32) -> Result<(), StoreError> {
    let copy = format!("{}.before-schema-{next}", path.display());
    // A copy that was not finished is none: it gets its name when it is whole.
    let unfinished = format!("{copy}.unfinished");
    let io = |source| StoreError::BackUp {
        path: path.to_owned(),
        source,
    };
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    connection
        .execute("VACUUM INTO ?1", [&unfinished])
        .map_err(|source| StoreError::sqlite("back up", path, source))?;
    std::fs::rename(&unfinished, &copy).map_err(io)?;
    tracing::info!("Backed {} up to {copy}", path.display());
    Ok(())
}
