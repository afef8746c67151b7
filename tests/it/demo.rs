//! `goroscope demo`: what it says, that what it suggests works, and its fleet as a load.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::daemon::{Daemon, rows};
use crate::support::said;

fn goroscope(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB");
    command
}

/// The words of a line as a shell would take them.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(nth, part)| match nth % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// What differs from run to run: ports, times, counts and the widths that follow from them.
fn masked(output: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_goroscope");
    let lines = output.replace(binary, "goroscope");
    let lines = lines.lines().map(|line| {
        let is_row = line.starts_with(|first: char| first.is_ascii_digit() || first == '+')
            || ["SERVICE", "checkout", "search", "billing", "#"]
                .iter()
                .any(|begin| line.starts_with(begin) && !line.contains(" leaks "));
        let is_head = line.starts_with("window") || line.starts_with("polled");
        match (is_row, is_head) {
            (_, true) => "HEAD".to_owned(),
            (true, _) if line.starts_with("FIRST") || line.contains("SERVICE") => {
                "COLUMNS".to_owned()
            }
            (true, _) => "ROW".to_owned(),
            _ => line.to_owned(),
        }
    });
    let mut masked: Vec<String> = lines.collect();
    masked.dedup();
    masked.join("\n")
}

#[test]
fn the_main_job_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let said = said(
        folder.path(),
        &["demo", "--for", "6s", "--keep", "my shop", "--tz", "utc"],
    );
    insta::assert_snapshot!(masked(&said), @"");
    for found in [
        "checkout.(*Server).reserve.func1  checkout/server.go:87",
        "retry.Do.func1  retry/retry.go:21",
        "billing.(*Invoice).lock  billing/ledger.go:212",
        "3 services, 7 instances",
        "3 restarts",
    ] {
        assert!(said.contains(found), "{found} in:\n{said}");
    }
    let (_, next) = said.split_once("Try next:\n").unwrap();
    let lines = next.lines().take_while(|line| line.starts_with("  "));
    let mut tried = 0;
    for line in lines {
        let line = line.replace('\'', "\"");
        let words = words(&line);
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let output = goroscope(folder.path(), &arguments).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {complaint}");
        assert!(!output.stdout.is_empty(), "{line}");
        tried += 1;
    }
    assert_eq!(tried, 6);
    // A second one would mix two histories.
    let again = self::said(folder.path(), &["demo", "--keep", "my shop"]);
    insta::assert_snapshot!(again, @"");
}

#[test]
fn what_cannot_be_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["demo", "--for", "1s"][..],
        &["demo", "--for", "6s", "--serve"],
        &["demo", "--groups", "3"],
        &["demo", "--instances", "0"],
    ] {
        let said = said(folder.path(), arguments);
        assert!(said.ends_with("exit 2"), "{said}");
    }
}

#[test]
fn sigterm_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = goroscope(folder.path(), &["demo", "--for", "10m", "--keep", "shop"]);
    let mut demo = demo
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    lines_until(&mut demo, "Watches them for 10m");
    terminate(&demo);
    let status = demo.wait().unwrap();
    let mut complaint = String::new();
    demo.stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint)
        .unwrap();
    insta::assert_snapshot!(format!("{complaint}exit {}", status.code().unwrap()), @"");
    assert!(said(folder.path(), &["db", "check", "--db", "shop/goroscope.db"]).ends_with("exit 0"));
}

fn lines_until(child: &mut Child, words: &str) {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(words)));
}

fn terminate(child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(sent.unwrap().success());
}

/// Two instances share a port here, and are told apart by their paths.
#[test]
fn a_load_is_served_and_watched() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "demo",
        "--serve",
        "--instances",
        "40",
        "--groups",
        "30",
        "--keep",
        "load",
    ];
    let mut demo = goroscope(folder.path(), &arguments);
    let mut demo = demo.stdout(Stdio::piped()).spawn().unwrap();
    lines_until(&mut demo, "run --config load/goroscope.toml");
    let config = std::fs::read_to_string(folder.path().join("load/goroscope.toml")).unwrap();
    assert_eq!(config.matches("/debug/pprof").count(), 40);
    let daemon = Daemon::begin(&config.replace("30s", "500ms"));
    let answered = |answer: &Value| {
        let rows = rows(answer).iter();
        rows.filter(|row| row["last_outcome"] == "ok").count() == 40
    };
    let answer = daemon.wait_for("an answer of all", &["instances"], answered);
    let names: std::collections::BTreeSet<&str> = rows(&answer)
        .iter()
        .map(|row| row["instance"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 40);
    terminate(&demo);
    assert_eq!(demo.wait().unwrap().code(), Some(0));
}
