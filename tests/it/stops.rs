//! How the daemon starts, stops and refuses: signals, locks, files of others, and exit codes.

use std::process::Output;

use serde_json::Value;

use crate::support::daemon::{Daemon, first, rows};
use crate::support::fake::{Behaviour, Fake};
use crate::support::newest_schema;

fn config(targets: &[&Fake]) -> String {
    let targets: Vec<String> = targets
        .iter()
        .map(|fake| format!("{:?}", fake.address))
        .collect();
    format!(
        "[global]\ninterval = \"200ms\"\n[[services]]\nname = \"s\"\ntargets = [{}]\n",
        targets.join(", ")
    )
}

fn polls(daemon: &Daemon, more_than: u64) {
    daemon.wait_for("polls", &["instances"], |answer| {
        let polled = |row: &Value| row["polls_ok"].as_u64() > Some(more_than);
        !rows(answer).is_empty() && rows(answer).iter().all(polled)
    });
}

/// Exit code and stderr, with the folder's name masked.
fn refusal(daemon: &Daemon, output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let folder = daemon.folder().to_str().unwrap();
    let newest = newest_schema();
    let stderr = stderr
        .replace(&format!("reads schema {newest}"), "reads schema NEWEST")
        .replace(&format!("up to {newest}: use"), "up to NEWEST: use");
    format!(
        "exit {}\n{}",
        output.status.code().unwrap(),
        stderr.replace(folder, "FOLDER")
    )
}

#[test]
fn sigterm_and_ctrl_c_stop_it_with_everything_on_disk() {
    let fake = Fake::start(Behaviour::Healthy);
    for signal in ["TERM", "INT"] {
        let mut daemon = Daemon::begin(&config(&[&fake]).replace("200ms", "1s"));
        polls(&daemon, 1);
        daemon.signal(signal);
        assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
        daemon.assert_kept();
        let answer = daemon.ask(&["instances"]).unwrap();
        // What was broken off was not due.
        assert_eq!(first(&answer)["polls_ok"], first(&answer)["polls_due"]);
        assert!(daemon.log().contains("Stopped"));
    }
}

#[test]
fn sigkill_in_the_middle_of_writing_loses_nothing_that_was_acknowledged() {
    let fakes: Vec<Fake> = (0..8).map(|_| Fake::start(Behaviour::Healthy)).collect();
    let mut daemon = Daemon::begin(&config(&fakes.iter().collect::<Vec<_>>()));
    for round in 1..=3 {
        polls(&daemon, round * 3);
        daemon.wait_for_log("Stored pulse");
        daemon.kill();
        daemon.assert_kept();
        daemon.start();
    }
}

#[test]
fn a_second_daemon_on_the_same_database_fails_at_once() {
    let fake = Fake::start(Behaviour::Healthy);
    let daemon = Daemon::begin(&config(&[&fake]));
    polls(&daemon, 0);
    let second = daemon.run(&["run", "--log", "off"]);
    let said = refusal(&daemon, &second);
    let pid: String = said.chars().filter(char::is_ascii_digit).skip(1).collect();
    insta::assert_snapshot!(said.replace(&pid, "PID"), @"
    exit 1
    error: another goroscope (process PID) already writes `goroscope.db`
    hint: one goroscope at a time writes a database: end that one, or name another database (storage.path, --db)
    ");
}

#[test]
fn sighup_takes_a_good_config_and_refuses_a_bad_one() {
    let (first, second) = (
        Fake::start(Behaviour::Healthy),
        Fake::start(Behaviour::Healthy),
    );
    let daemon = Daemon::begin(&config(&[&first]));
    polls(&daemon, 1);
    daemon.configure("[[services]]\nname = 7\n");
    daemon.signal("HUP");
    daemon.wait_for_log("Keeps the running config");
    let so_far = first.requests();
    daemon.wait_for("polls on the old config", &["instances"], |_| {
        first.requests() > so_far + 2
    });
    daemon.configure(&config(&[&first, &second]));
    daemon.signal("HUP");
    daemon.wait_for("the new instance", &["instances"], |answer| {
        rows(answer).len() == 2 && rows(answer)[1]["polls_ok"].as_u64() > Some(1)
    });
}

#[test]
fn a_question_without_a_history_says_what_to_do() {
    let fake = Fake::start(Behaviour::Healthy);
    let daemon = Daemon::begin(&config(&[&fake]));
    polls(&daemon, 0);
    let ask = |arguments: &[&str]| refusal(&daemon, &daemon.run(arguments));
    let other = daemon.folder().join("other.db");
    let other = other.to_str().unwrap();
    insta::assert_snapshot!(ask(&["query", "shared", "--db", "none.db"]), @"
    exit 1
    error: no database at `none.db`
    hint: check how it is spelt: --db, GOROSCOPE_DB or storage.path of the config names it, and `goroscope run` makes it
    ");
    std::fs::write(
        other,
        "this is no database at all, and long enough to be read as one",
    )
    .unwrap();
    insta::assert_snapshot!(ask(&["query", "shared", "--db", other]), @"
    exit 1
    error: `FOLDER/other.db` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    ");
    std::fs::remove_file(other).unwrap();
    let foreign = rusqlite::Connection::open(other).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    insta::assert_snapshot!(ask(&["query", "shared", "--db", other]), @"
    exit 1
    error: `FOLDER/other.db` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    ");
    foreign
        .pragma_update(None, "application_id", 0x676f_7273)
        .unwrap();
    foreign.pragma_update(None, "user_version", 99).unwrap();
    insta::assert_snapshot!(ask(&["query", "shared", "--db", other]), @"
    exit 1
    error: `FOLDER/other.db` has schema 99, this goroscope knows up to NEWEST: use the newer program
    hint: `goroscope --version` tells which this is; the one that wrote the file is newer
    ");
    insta::assert_snapshot!(ask(&["query", "shared", "--service", "nope"]), @"
    exit 2
    error: no service `nope` in this database; it has: s
    hint: `goroscope query instances` lists what there is
    ");
    insta::assert_snapshot!(ask(&["query", "shared", "--instance", "nope:1"]), @"
    exit 2
    error: no instance `nope:1` in this database
    hint: `goroscope query instances` lists what there is
    ");
    insta::assert_snapshot!(ask(&["query", "shared", "--since", "soon"]), @"
    exit 2
    error: --since: `soon` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: for example: goroscope query shared --since 24h
    ");
    insta::assert_snapshot!(ask(&["query", "show", "ffff0000"]), @"
    exit 2
    error: no signature begins with `ffff0000`
    hint: `goroscope query top-growers --all` shows signatures
    ");
    insta::assert_snapshot!(ask(&["query", "show", "xyz"]), @"
    exit 2
    error: `xyz` is not a signature: 4 to 32 hex digits are
    hint: `goroscope query top-growers --all` shows signatures; the first 4 digits are enough where no other begins so
    ");
    insta::assert_snapshot!(ask(&["query", "shared", "--config", "none.toml"]), @"
    exit 78
    error: failed to read config file `none.toml`: No such file or directory (os error 2)
    hint: `goroscope config init` writes one; where it is elsewhere, --config FILE names it
    ");
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    let fake = Fake::start(Behaviour::Healthy);
    let daemon = Daemon::begin(&config(&[&fake]));
    polls(&daemon, 0);
    let run = |arguments: &[&str]| refusal(&daemon, &daemon.run(arguments));
    insta::assert_snapshot!(run(&["run", "--config", "none.toml"]), @"
    exit 78
    error: failed to read config file `none.toml`: No such file or directory (os error 2)
    hint: `goroscope config init` writes one; where it is elsewhere, --config FILE names it
    ");
    insta::assert_snapshot!(run(&["run", "--db", "no/such/folder/x.db"]), @"
    exit 1
    error: failed to lock `no/such/folder/x.db.lock`: No such file or directory (os error 2)
    hint: the folder of the database must exist and be writable
    ");
    insta::assert_snapshot!(run(&["run", "--db", "x.db", "--log", "goroscope=loud"]), @r#"
    exit 2
    error: --log: log filter `goroscope=loud` cannot be read: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
    hint: for example: goroscope run --log info,goroscope::store=debug
    "#);
    daemon.configure("[global]\nintervall = \"1s\"\n");
    insta::assert_snapshot!(run(&["run"]), @"
    exit 78
    error: goroscope.toml:1:1: services: nothing is watched; add a `[[services]]` table with a `name` and `targets`
    error: goroscope.toml:2:1: global.intervall: unknown key; did you mean `interval`?
    hint: `goroscope check config FILE` tells when all is right; config.example.toml has every key with its default
    ");
    insta::assert_snapshot!(run(&["check", "config"]), @"
    exit 78
    error: goroscope.toml:1:1: services: nothing is watched; add a `[[services]]` table with a `name` and `targets`
    error: goroscope.toml:2:1: global.intervall: unknown key; did you mean `interval`?
    hint: `goroscope check config FILE` tells when all is right; config.example.toml has every key with its default
    ");
}

#[test]
fn a_snapshot_that_fails_names_every_target() {
    let fake = Fake::start(Behaviour::Answer("404 Not Found", Vec::new()));
    let daemon = Daemon::begin(&config(&[&fake]));
    std::fs::write(daemon.folder().join("notes.txt"), "nothing here").unwrap();
    let output = daemon.run(&["snapshot", &fake.address, "notes.txt", "no-such-file"]);
    let said = refusal(&daemon, &output).replace(&fake.address, "ADDRESS");
    insta::assert_snapshot!(said, @r#"
    exit 1
    error: ADDRESS: the target answered 404 Not Found: nothing serves pprof under this path; import _ "net/http/pprof" there, or name another path
    error: notes.txt: it cannot be read: no goroutine in it; it begins with `nothing here`
    error: no-such-file: no such file, and no address either: the port is missing in `no-such-file`; write it as in `no-such-file:6060`
    hint: http://ADDRESS/debug/pprof/goroutine?debug=0 was asked: the program must import _ "net/http/pprof" and serve http.DefaultServeMux there; where pprof is under another path, name it: http://ADDRESS/PATH
    hint: what is read is in docs/FORMS.md; such a dump: curl -s 'localhost:6060/debug/pprof/goroutine?debug=2' > dump.txt
    hint: give a file, a folder, host:port, a URL, or - for stdin: goroscope snapshot localhost:6060
    "#);
}

#[test]
fn a_file_of_somebody_else_is_refused_untouched_and_a_link_has_no_lock_of_its_own() {
    let fake = Fake::start(Behaviour::Healthy);
    let daemon = Daemon::begin(&config(&[&fake]));
    polls(&daemon, 0);
    let other = daemon.folder().join("other.db");
    let foreign = rusqlite::Connection::open(&other).unwrap();
    foreign.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(foreign);
    let before = std::fs::read(&other).unwrap();
    let said = refusal(&daemon, &daemon.run(&["run", "--db", "other.db"]));
    assert_eq!(
        said,
        "exit 1\nerror: `other.db` is not a goroscope database\nhint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back\n"
    );
    assert_eq!(std::fs::read(&other).unwrap(), before);
    std::os::unix::fs::symlink(daemon.database(), daemon.folder().join("link.db")).unwrap();
    let said = refusal(&daemon, &daemon.run(&["run", "--db", "link.db"]));
    assert!(said.contains("already writes `link.db`"), "{said}");
}

#[test]
fn a_database_of_an_older_goroscope_is_brought_up_to_date() {
    let fake = Fake::start(Behaviour::Healthy);
    let mut daemon = Daemon::begin(&config(&[&fake]));
    polls(&daemon, 1);
    daemon.signal("TERM");
    daemon.wait();
    std::fs::write(daemon.database(), crate::released::released("rules1.db")).unwrap();
    let asked = daemon.run(&["query", "instances"]);
    insta::assert_snapshot!(refusal(&daemon, &asked), @"
    exit 1
    error: `goroscope.db` has schema 1, this goroscope reads schema NEWEST
    hint: goroscope db upgrade --db goroscope.db brings it up to date; so does the daemon when it starts
    ");

    daemon.start();
    daemon.wait_for("polls", &["instances"], |answer| rows(answer).len() == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    let brought = "Brought 536 stacks under signature rules 2: 111 count as another signature now";
    assert!(daemon.log().contains(brought), "{}", daemon.log());
    assert!(
        daemon
            .folder()
            .join("goroscope.db.before-schema-2")
            .exists()
    );

    let newer = rusqlite::Connection::open(daemon.database()).unwrap();
    newer.execute("UPDATE stack SET rules = 9", []).unwrap();
    insta::assert_snapshot!(refusal(&daemon, &daemon.run(&["run"])), @"
    exit 1
    error: the signatures in `goroscope.db` follow rules 9, this goroscope knows up to 2: use the newer program
    hint: `goroscope --version` tells which this is; the one that wrote the file is newer
    ");
}
