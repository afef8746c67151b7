//! What the tests share.

pub(crate) mod daemon;
pub(crate) mod fake;
pub(crate) mod go;
pub(crate) mod terminal;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use goroscope::dump::{DumpError, Reader};
use goroscope::group::{KeepLabels, StackBook, Tallies, Tally};
use goroscope::model::Snapshot;
use goroscope::store::Retention;

/// Nothing that a test writes is too old or too much.
pub(crate) const KEEP: Retention = Retention {
    raw: Duration::MAX,
    rollup: Duration::MAX,
    max_size: u64::MAX,
};

/// The repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The newest schema, as messages tell it.
pub(crate) fn newest_schema() -> usize {
    std::fs::read_dir(root().join("migrations"))
        .unwrap()
        .count()
}

/// The one number that a statement gives.
pub(crate) fn number(database: &Path, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(database).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Exit code and all that `goroscope` says in a folder, whose name is masked.
pub(crate) fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_goroscope"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB")
        .output()
        .unwrap();
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let said = format!("{}exit {}", texts.concat(), output.status.code().unwrap());
    said.replace(folder.to_str().unwrap(), "FOLDER")
}

/// What a command that must succeed wrote to stdout.
pub(crate) fn printed(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{complaint}");
    done.stdout
}

/// Reads dump bytes as `snapshot` does.
pub(crate) fn read(bytes: &[u8]) -> Result<Snapshot, DumpError> {
    read_in_chunks(bytes, usize::MAX)
}

/// Reads dump bytes that arrive in chunks of `size`.
pub(crate) fn read_in_chunks(bytes: &[u8], size: usize) -> Result<Snapshot, DumpError> {
    let book = StackBook::default();
    let mut tally = Tally::new(&book, KeepLabels::All, None);
    let mut reader = Reader::new(1 << 30);
    for chunk in bytes.chunks(size.min(bytes.len().max(1))) {
        reader.push(chunk, &mut |event| tally.add(event))?;
    }
    let mut facts = reader.finish(&mut |event| tally.add(event))?;
    Ok(tally.finish(facts.swap_remove(0)))
}

/// Reads bytes that may hold several dumps, which arrive in chunks of `size`.
pub(crate) fn read_dumps(bytes: &[u8], size: usize) -> Result<Vec<(u64, Snapshot)>, DumpError> {
    let book = StackBook::default();
    let mut tallies = Tallies::new(&book, KeepLabels::All);
    let mut reader = Reader::new(1 << 30);
    for chunk in bytes.chunks(size.min(bytes.len().max(1))) {
        reader.push(chunk, &mut |event| tallies.add(event))?;
    }
    let facts = reader.finish(&mut |event| tallies.add(event))?;
    Ok(tallies.finish(facts))
}

/// Reads a dump file.
pub(crate) fn read_file(path: &Path) -> Snapshot {
    let bytes = std::fs::read(path).unwrap();
    read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
