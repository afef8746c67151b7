//! The arrows between the rooms, as `docs/ARCHITECTURE.md` draws them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Room -> the rooms that it may name. `daemon` may name all but `cli`, `cli` all.
const ARROWS: [(&str, &[&str]); 15] = [
    ("model", &[]),
    ("clock", &["model"]),
    ("observe", &["model"]),
    ("config", &["model"]),
    ("dump", &["model"]),
    ("group", &["model", "dump"]),
    ("analyse", &["model"]),
    (
        "collect",
        &["model", "config", "dump", "group", "observe", "clock"],
    ),
    ("store", &["model", "observe"]),
    ("transfer", &["model", "dump", "group", "store"]),
    ("query", &["model", "store", "analyse", "group"]),
    ("present", &["model", "query"]),
    ("simulate", &["model", "clock"]),
    (
        "daemon",
        &[
            "model", "clock", "observe", "config", "dump", "group", "analyse", "collect", "store",
            "query", "present",
        ],
    ),
    (
        "cli",
        &[
            "model", "clock", "observe", "config", "dump", "group", "analyse", "collect", "store",
            "transfer", "query", "present", "simulate", "daemon",
        ],
    ),
];

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every source file with the room that it is in.
fn sources() -> Vec<(String, PathBuf, String)> {
    let source = root().join("src");
    let mut files = Vec::new();
    files_below(&source, &mut files);
    let room = |path: &PathBuf| {
        let inside = path.strip_prefix(&source).unwrap();
        let first = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        first.trim_end_matches(".rs").to_owned()
    };
    files
        .into_iter()
        .map(|path| {
            (
                room(&path),
                path.clone(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect()
}

/// The rooms that a file names, in code and in doc links alike.
fn named(text: &str) -> BTreeSet<&str> {
    let ends = |c: char| !c.is_ascii_lowercase() && c != '_';
    text.split("crate::")
        .skip(1)
        .flat_map(|rest| {
            // `use crate::{config, daemon};` names several.
            let list = rest
                .strip_prefix('{')
                .and_then(|list| list.split('}').next());
            list.map_or_else(
                || vec![rest],
                |list| list.split(',').map(str::trim).collect(),
            )
        })
        .filter_map(|rest| rest.split(ends).next())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn every_arrow_is_allowed() {
    for (room, path, text) in sources() {
        if room == "lib" || room == "main" {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| *known == room)
            .unwrap_or_else(|| panic!("`{room}` is a room without arrows: {}", path.display()));
        for name in named(&text) {
            let fine = name == room || allowed.contains(&name);
            assert!(
                fine,
                "{} names `{name}`: no arrow goes there",
                path.display()
            );
        }
    }
}

#[test]
fn the_arrows_are_read_at_all() {
    let text =
        "use crate::{config, daemon};\nuse crate::model::Frame;\nlet x = crate::store::open();";
    assert_eq!(
        named(text),
        BTreeSet::from(["config", "daemon", "model", "store"])
    );
}

#[test]
fn only_the_store_knows_sql() {
    for (room, path, text) in sources() {
        let speaks = text.contains("rusqlite") || text.contains("SELECT ");
        assert!(!speaks || room == "store", "{} speaks SQL", path.display());
    }
}

#[test]
fn only_the_output_writes_to_the_terminal() {
    for (_, path, text) in sources() {
        let writes = text.contains("println!(") || text.contains("io::stdout()");
        assert!(
            !writes || path.ends_with("cli/output.rs"),
            "{} writes",
            path.display()
        );
    }
}
