//! `goroscope demo`: what it says, that what it suggests works, and its fleet as a load.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::daemon::{Daemon, rows};
use crate::support::{printed, said};

fn goroscope(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB");
    command
}

/// One that runs beside the test, and ends with it.
struct Demo(Child);

impl Demo {
    /// Starts it, and waits until it has said so.
    fn begin(folder: &Path, arguments: &[&str], said: &str) -> Self {
        let mut command = goroscope(folder, arguments);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(said)));
        Self(child)
    }

    /// What it said to stderr, and its exit code, when it was stopped.
    fn stop(&mut self) -> String {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &pid]).status();
        assert!(sent.unwrap().success());
        let code = self.0.wait().unwrap().code().unwrap();
        let mut said = String::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        format!("{said}exit {code}")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Ended already is as good.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Tables, of which other tests tell, are left out, and signatures and counts below them masked.
fn masked(output: &str) -> String {
    let output = output.replace(env!("CARGO_BIN_EXE_goroscope"), "goroscope");
    let mut masked = Vec::new();
    let mut in_table = false;
    for line in output.lines() {
        in_table &= !line.starts_with("showing");
        let is_signature =
            |word: &str| word.len() >= 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let is_count = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
        let words = line.split(' ').map(|word| match word {
            _ if is_signature(word) => "SIGNATURE",
            "" => word,
            _ if is_count(word) && line.starts_with("showing") => "N",
            _ => word,
        });
        let line = words.collect::<Vec<_>>().join(" ");
        if !in_table {
            in_table = line.starts_with("$ ");
            masked.push(line);
            masked.extend(in_table.then(|| "(a table)".to_owned()));
        }
    }
    masked.join("\n")
}

#[test]
fn the_main_job_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let shown = said(
        folder.path(),
        &["demo", "--for", "6s", "--keep", "my shop", "--tz", "utc"],
    );
    insta::assert_snapshot!(masked(&shown), @"
    A simulated fleet: 7 instances of 3 services, all played by goroscope itself, which serves their pprof on 127.0.0.1.
    checkout leaks at a channel, search forgets its watches, and both search and billing use a library that leaks. One
      search is restarted half way, and a deploy of billing brings a new leak. Pools fill and stay, traffic comes and goes.
    Watches them for 6s, each one every 150ms, as `goroscope run` does.

    $ goroscope query top-growers --db 'my shop/goroscope.db'
    (a table)
    showing N of N (growth >= 3) among N signatures, N ignored by rule.  next: goroscope query show SIGNATURE --db 'my shop/goroscope.db'

    $ goroscope query shared --db 'my shop/goroscope.db'
    (a table)
    showing N of N signatures that grow on two or more instances, N ignored by rule.  next: goroscope query show SIGNATURE --db 'my shop/goroscope.db'

    $ goroscope query first-seen --only-growing --db 'my shop/goroscope.db'
    (a table)
    showing N of N signatures first seen in this window.  *: there when its process was looked at first.  next: goroscope query history SIGNATURE --db 'my shop/goroscope.db'

    Try next:
      goroscope query findings --verdict suspect --db 'my shop/goroscope.db'
      goroscope query instances --db 'my shop/goroscope.db'
      goroscope query show SIGNATURE --db 'my shop/goroscope.db'
      goroscope query history SIGNATURE --db 'my shop/goroscope.db'
      goroscope db info --db 'my shop/goroscope.db'
      goroscope sql .tables --db 'my shop/goroscope.db'
    and of processes of your own:
      goroscope snapshot localhost:6060
      goroscope config init

    All of this was simulated. The config and the history stay in 'my shop': deleting that folder removes all of it.
    exit 0
    ");
    for found in [
        "checkout.(*Server).reserve.func1  checkout/server.go:87",
        "retry.Do.func1  retry/retry.go:21",
        "billing.(*Invoice).lock  billing/ledger.go:212",
        "3 services, 7 instances",
        "3 restarts",
    ] {
        assert!(shown.contains(found), "{found} in:\n{shown}");
    }
    let (_, next) = shown.split_once("Try next:\n").unwrap();
    let lines = next.lines().take_while(|line| line.starts_with("  "));
    let mut tried = 0;
    for line in lines.map(str::trim) {
        // A shell takes the line as it is.
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", line]).current_dir(folder.path());
        assert!(
            !printed(shell.env_remove("GOROSCOPE_DB")).is_empty(),
            "{line}"
        );
        tried += 1;
    }
    assert_eq!(tried, 6);
    // A second one would mix two histories.
    let again = said(folder.path(), &["demo", "--keep", "my shop"]);
    insta::assert_snapshot!(again, @r"
    error: `my shop` has a goroscope.toml already
    hint: name another folder, or delete it
    exit 1
    ");
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
    let arguments = ["demo", "--for", "10m", "--keep", "shop"];
    let mut demo = Demo::begin(folder.path(), &arguments, "Watches them for 10m");
    insta::assert_snapshot!(demo.stop(), @"
    error: stopped by SIGTERM
    hint: The config and the history stay in shop: deleting that folder removes all of it.
    exit 130
    ");
    let check = said(folder.path(), &["db", "check", "--db", "shop/goroscope.db"]);
    assert!(check.ends_with("exit 0"), "{check}");
}

/// Instances share ports here, and are told apart by their paths.
#[test]
fn a_load_is_served_and_watched() {
    let folder = tempfile::tempdir().unwrap();
    let load = ["--instances", "40", "--groups", "30", "--keep", "load"];
    let arguments = [&["demo", "--serve"][..], &load].concat();
    let mut demo = Demo::begin(
        folder.path(),
        &arguments,
        "run --config load/goroscope.toml",
    );
    let config = std::fs::read_to_string(folder.path().join("load/goroscope.toml")).unwrap();
    let daemon = Daemon::begin(&config.replace("30s", "500ms"));
    let answered = |answer: &Value| {
        let rows = rows(answer).iter();
        let answered = rows.filter(|row| row["last_poll"]["outcome"] == "ok");
        answered.count() == 40
    };
    let answer = daemon.wait_for("an answer of all", &["instances"], answered);
    let names: BTreeSet<&str> = rows(&answer)
        .iter()
        .filter_map(|row| row["instance"].as_str())
        .collect();
    assert_eq!(names.len(), 40);
    let stays = "The config and the history stay in load: deleting that folder removes all of it.";
    assert_eq!(demo.stop(), format!("{stays}\nexit 0"));
}
