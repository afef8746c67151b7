//! The whole corpus of real dumps where it lies beside the checkout, against counts that were made
//! independently.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use goroscope::group::by_signature;
use goroscope::model::{Signature, Snapshot};
use serde::Deserialize;

use crate::support::{read_dumps, root};

/// Files whose goroutines the independent count, which knows only whole lines, does not see.
const SEEN_BY_US: [(&str, u64); 4] = [
    ("go1.19-TestStackInLog.txt", 2),
    ("go1.22-TestStackInLog.txt", 2),
    ("go1.25-json-panic.txt", 1),
    ("go1.27-json-panic.txt", 1),
];

/// Disguises in which goroutines are counted and not all of them read.
const COUNTED_ONLY: [&str; 2] = ["wrap80", "reversed"];

/// Disguises that change the names of functions.
const RENAMED: [&str; 2] = ["md-mangled", "badutf8"];

/// One entry of a folder's `truth.json`.
#[derive(Debug, Deserialize)]
struct Truth {
    headers: Option<u64>,
    debug1_total: Option<u64>,
}

/// One entry of `synthetic/manifest.json`.
#[derive(Debug, Deserialize)]
struct Disguise {
    file: String,
    base: String,
    goroutines: u64,
    class: String,
}

fn corpus() -> PathBuf {
    root().join("../shared/corpus")
}

fn dumps(file: &Path) -> Result<Vec<Snapshot>, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let found = read_dumps(&bytes, 1 << 16).map_err(|error| error.to_string())?;
    Ok(found.into_iter().map(|(_, snapshot)| snapshot).collect())
}

/// Goroutines of a file and how many of them are in complaints.
fn counts(file: &Path) -> (u64, u64) {
    let mut sum = (0, 0);
    for snapshot in dumps(file).unwrap_or_default() {
        let grouped: u64 = snapshot.groups.iter().map(|group| group.count).sum();
        assert_eq!(
            grouped + snapshot.own + snapshot.complained,
            snapshot.goroutines,
            "{}",
            file.display()
        );
        sum.0 += snapshot.goroutines;
        sum.1 += snapshot.complained;
    }
    sum
}

#[test]
fn every_file_has_the_goroutines_that_it_has() {
    let mut wrong = Vec::new();
    for folder in [
        "go1.21",
        "go1.21/crash",
        "go1.24",
        "go1.24/crash",
        "go1.26",
        "go1.26/crash",
        "go1.27",
        "go1.27/crash",
        "services",
        "arch",
        "gotest",
        "big",
    ] {
        let folder = corpus().join(folder);
        let Ok(text) = std::fs::read_to_string(folder.join("truth.json")) else {
            continue;
        };
        let truth: BTreeMap<String, Truth> = serde_json::from_str(&text).unwrap();
        for (name, truth) in truth {
            let file = folder.join(&name);
            if !file.exists() || truth.headers.or(truth.debug1_total).is_none() {
                continue;
            }
            let expected = truth.headers.unwrap_or(0) + truth.debug1_total.unwrap_or(0);
            let found = counts(&file);
            let expected = SEEN_BY_US
                .iter()
                .find(|(seen, _)| *seen == name)
                .map_or(expected, |(_, count)| *count);
            if found != (expected, 0) {
                wrong.push(format!("{}: {expected}, found {found:?}", file.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_disguise_is_seen_through() {
    let folder = corpus().join("synthetic");
    let Ok(text) = std::fs::read_to_string(folder.join("manifest.json")) else {
        return;
    };
    let entries: Vec<Disguise> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for entry in entries {
        let file = folder.join(&entry.file);
        if !file.exists() {
            continue;
        }
        let (goroutines, complained) = counts(&file);
        let is = |names: &[&str]| names.iter().any(|name| entry.file.contains(name));
        let torn = is(&[".cut-"]);
        let read = complained <= u64::from(torn) || is(&COUNTED_ONLY);
        let base = dumps(&corpus().join(&entry.base)).unwrap();
        let same = torn
            || is(&COUNTED_ONLY)
            || is(&RENAMED)
            || dumps(&file)
                .unwrap()
                .iter()
                .all(|dump| signatures(dump) == signatures(&base[0]));
        if goroutines != entry.goroutines || !read || !same {
            wrong.push(format!(
                "{} {}: {} goroutines, found {goroutines}, {complained} in complaints, same groups: {same}",
                entry.class, entry.file, entry.goroutines
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn signatures(snapshot: &Snapshot) -> BTreeMap<Signature, u64> {
    by_signature(snapshot)
        .into_iter()
        .map(|group| (group.signature, group.count))
        .collect()
}
