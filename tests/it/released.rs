//! A database of each released schema is brought up to date, and answers as it did before.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::{printed, root};

/// Every database in `testdata/databases`, which tells how each was made, with its schema.
const RELEASED: [(&str, i32); 2] = [("rules1", 1), ("schema3", 3)];

/// A packed file of `testdata/databases`.
pub(crate) fn released(name: &str) -> Vec<u8> {
    let packed = root().join(format!("testdata/databases/{name}.gz"));
    let mut bytes = Vec::new();
    let mut file = GzDecoder::new(File::open(packed).unwrap());
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The database of schema 3 as `goroscope.db` in a folder, brought up to date.
pub(crate) fn ten_hours() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    std::fs::write(&path, released("schema3.db")).unwrap();
    upgrade(&path);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap().path();
        if file.to_str().unwrap().contains(".before-schema-") {
            std::fs::remove_file(file).unwrap();
        }
    }
    folder
}

fn upgrade(path: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    printed(command.args(["db", "upgrade", "--db"]).arg(path));
}

fn answer(path: &Path, question: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command.args(["query", question]);
    if question == "history" {
        command.arg("6aa95d31");
    }
    let window = ["2026-11-24T00:00:00Z", "2026-11-24T10:00:00Z"];
    command.args(["-o", "json", "--since", window[0], "--until", window[1]]);
    serde_json::from_slice(&printed(command.arg("--db").arg(path))).unwrap()
}

/// Where `now` has something else than `before`; fields may have been added.
fn changed(at: &str, before: &Value, now: &Value) -> Vec<String> {
    match (before, now) {
        (Value::Object(before), Value::Object(_)) => before
            .iter()
            .flat_map(|(key, before)| changed(&format!("{at}.{key}"), before, &now[key]))
            .collect(),
        (Value::Array(before), Value::Array(rows)) if before.len() == rows.len() => before
            .iter()
            .zip(rows)
            .enumerate()
            .flat_map(|(nth, (before, now))| changed(&format!("{at}[{nth}]"), before, now))
            .collect(),
        (before, now) if before == now => Vec::new(),
        (before, now) => vec![format!("{at}: {before} -> {now}")],
    }
}

/// What is known stays; what follows from it gets better.
fn is_judgement(change: &str) -> bool {
    let judged = [
        "verdict",
        "evidence",
        "per_hour_low",
        "min_detectable_per_hour",
    ];
    let (key, _) = change.split_once(':').unwrap();
    judged.iter().any(|name| {
        let (of_row, in_list) = (format!(".{name}"), format!(".{name}["));
        key.ends_with(&of_row) || key.contains(&in_list)
    })
}

#[test]
fn a_database_of_each_released_schema_answers_as_before() {
    for (name, schema) in RELEASED {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        std::fs::write(&path, released(&format!("{name}.db"))).unwrap();
        let old = rusqlite::Connection::open(&path).unwrap();
        let found: i32 = old
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(found, schema);
        drop(old);
        upgrade(&path);
        let answers: Value =
            serde_json::from_slice(&released(&format!("{name}.answers.json"))).unwrap();
        for (question, before) in answers.as_object().unwrap() {
            let now = answer(&path, question);
            let mut changed = changed(question, before, &now);
            changed.retain(|change| !is_judgement(change));
            let none: [String; 0] = [];
            assert_eq!(changed, none, "{name}");
        }
        let checked = crate::support::said(folder.path(), &["db", "check", "--db", "old.db"]);
        assert!(checked.ends_with("sound\nexit 0"), "{checked}");
    }
}
