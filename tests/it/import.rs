//! Importing as a person meets it: what is taken, what is refused, and what is said.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{printed, root};

fn goroscope(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command.current_dir(folder).env_remove("GOROSCOPE_DB");
    command
}

/// A folder with these lines in `h.ndjson`.
fn folder(lines: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("h.ndjson"), lines).unwrap();
    folder
}

/// Exit code and what was said; figures of speed are masked.
fn said(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let masked: Vec<&str> = stderr
        .lines()
        .map(|line| line.rsplit_once(" MB, ").map_or(line, |(head, _)| head))
        .collect();
    format!(
        "exit {}\n{}",
        output.status.code().unwrap(),
        masked.join("\n")
    )
}

fn import(folder: &tempfile::TempDir, arguments: &[&str]) -> String {
    let mut command = goroscope(folder.path());
    command.arg("import").args(arguments).args(["--db", "h.db"]);
    said(&command.output().unwrap())
}

fn export(folder: &tempfile::TempDir) -> Vec<serde_json::Value> {
    let mut command = goroscope(folder.path());
    command.args(["export", "--db", "h.db"]);
    let text = String::from_utf8(printed(&mut command)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A pulse of one instance, `minute` minutes past eight.
fn look(minute: u32, incarnation: &str, count: u32) -> String {
    format!(
        "{{\"at\":\"2026-11-24T08:{minute:02}:00Z\",\"service\":\"s\",\"instance\":\"h:6060\",\
         \"incarnation\":\"{incarnation}\",\"groups\":[{{\"frames\":[\"main.a\",\"main.main\"],\
         \"count\":{count},\"states\":{{\"select\":{count}}},\"oldest_wait_seconds\":null}}]}}\n"
    )
}

fn looks(minutes: std::ops::Range<u32>) -> String {
    minutes
        .map(|minute| look(minute, "one", minute + 1))
        .collect()
}

/// Whether all that one value has is in the other.
fn is_in(part: &serde_json::Value, whole: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (part, whole) {
        (Object(part), Object(whole)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|other| is_in(value, other))),
        (Array(part), Array(whole)) => {
            part.len() == whole.len()
                && part
                    .iter()
                    .all(|value| whole.iter().any(|other| is_in(value, other)))
        }
        _ => part == whole,
    }
}

/// Every field of the documented lines is known, and comes out as it went in.
#[test]
fn the_documented_lines_come_out_as_they_went_in() {
    let document = std::fs::read_to_string(root().join("docs/NDJSON.md")).unwrap();
    let blocks = document.split("```json\n").skip(1);
    let lines: String = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert_eq!(lines.lines().count(), 3);
    let folder = folder(&lines);
    insta::assert_snapshot!(import(&folder, &["h.ndjson"]), @"
    exit 0
    3 lines: 3 snapshots and 1 failed poll stored, 0 already there, 0 lines refused; 0.0
    ");
    let written = export(&folder);
    for line in lines.lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        let fields = line.as_object_mut().unwrap();
        // These are lines of their own in an export, or are not written where they say nothing.
        for told_elsewhere in ["since", "reason", "goroutines", "truncated"] {
            fields.remove(told_elsewhere);
        }
        let at = fields["at"]
            .as_str()
            .unwrap()
            .replace("00Z", "00.000Z")
            .replace("30Z", "30.000Z");
        fields.insert("at".to_owned(), at.into());
        assert!(
            written.iter().any(|other| is_in(&line, other)),
            "{line}\n{written:#?}"
        );
    }
    let process = &written[2]["process"];
    assert_eq!(process["since"], "2026-11-24T08:00:58.000Z");
    assert_eq!(process["reason"], "build");
}

#[test]
fn what_was_due_follows_from_what_was_polled() {
    let folder = folder(&(looks(0..10) + &looks(15..30)));
    import(&folder, &["h.ndjson"]);
    let mut command = goroscope(folder.path());
    command.args(["query", "top-growers", "--db", "h.db", "--tz", "utc"]);
    command.args(["--since", "2026-11-24 08:00", "--until", "2026-11-24 09:00"]);
    insta::assert_snapshot!(String::from_utf8(printed(&mut command)).unwrap(), @"
    window 2026-11-24 08:00 -> 2026-11-24 09:00 (+00:00)   1 service, 1 instance, 25/30 polls, 0 restarts
    polled 2026-11-24 08:00:00 -> 2026-11-24 08:29:00 only
    #  SIGNATURE  SERVICE  INST  FIRST  LAST  GROWTH  /HOUR  TREND     STATE   OLDEST  FIRST SEEN        VERDICT  WHERE
    1  73075577   s         1/1      1    30     +29  +60.0  ▁▂▂▂▅▅▆█  select       -  2026-11-24 08:00  SUSPECT  main.a
    showing 1 of 1 (growth >= 3) among 1 signature, 0 ignored by rule.  next: goroscope query show 73075577 --db h.db
    ");
}

#[test]
fn the_same_lines_are_not_stored_twice() {
    let folder = folder(&looks(0..10));
    insta::assert_snapshot!(import(&folder, &["h.ndjson", "h.ndjson"]), @"
    exit 0
    20 lines: 10 snapshots and 0 failed polls stored, 10 already there, 0 lines refused; 0.0
    ");
    // History beside history, older and younger; one of it is there.
    let first = export(&folder);
    let more = looks(5..6) + &look(20, "two", 3) + &look(30, "one", 4);
    std::fs::write(folder.path().join("more.ndjson"), more).unwrap();
    insta::assert_snapshot!(import(&folder, &["more.ndjson"]), @"
    exit 0
    3 lines: 2 snapshots and 0 failed polls stored, 1 already there, 0 lines refused; 0.0
    ");
    assert!(export(&folder).len() > first.len());
    let older = looks(0..3)
        .replace("2026-11-24", "2026-11-20")
        .replace("\"one\"", "\"zero\"");
    std::fs::write(folder.path().join("older.ndjson"), older).unwrap();
    import(&folder, &["older.ndjson"]);
    let sighting = export(&folder)
        .into_iter()
        .find(|line| line.get("sighting").is_some());
    let first_at = &sighting.unwrap()["sighting"]["first_at"];
    assert_eq!(first_at, "2026-11-20T08:00:00.000Z");
}

#[test]
fn compressed_files_and_stdin_are_read() {
    let lines = looks(0..20);
    let (first, second) = lines.split_at(lines.find("08:10").unwrap() - 18);
    let folder = folder("");
    let path = |name| folder.path().join(name);
    std::fs::write(
        path("b.zst"),
        zstd::encode_all(second.as_bytes(), 3).unwrap(),
    )
    .unwrap();
    let file = std::fs::File::create(path("a.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(first.as_bytes()).unwrap();
    packed.finish().unwrap();
    let mut command = goroscope(folder.path());
    command.args(["import", "a.gz", "-", "b.zst", "--db", "h.db"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let more = "\u{feff}\n\n".to_owned() + look(40, "one", 9).trim_end();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(more.as_bytes())
        .unwrap();
    insta::assert_snapshot!(said(&child.wait_with_output().unwrap()), @"
    exit 0
    21 lines: 21 snapshots and 0 failed polls stored, 0 already there, 0 lines refused; 0.0
    ");
}

#[test]
fn a_line_that_is_wrong_says_where_and_what_would_be_right() {
    let good = look(0, "one", 3);
    let mistakes = [
        good.replace("\"service\"", "\"sevice\""),
        good.replace("\"incarnation\":\"one\",", ""),
        good.replace("2026-11-24T08:00:00Z", "yesterday"),
        good.replace("2026-11-24T08:00:00Z", "9999-11-24T08:00:00Z"),
        good.replace("\"count\":3", "\"count\":4"),
        good.replace("\"count\":3", "\"count\":-3"),
        good.replace("\"count\":3", "\"count\":4294967296"),
        good.replace("\"groups\"", "\"failed\":\"time out\",\"groups\""),
        good.replace("\"groups\"", "\"failed\":\"timeout\",\"groups\""),
        good.replace("\"groups\"", "\"kind\":\"puls\",\"groups\""),
        good.replace("h:6060", "http://h:6060/debug/pprof"),
        good.replace("\"main.a\"", "7"),
        good.replace("\"frames\"", "\"frame\""),
        good.replace("]}\n", "]\n"),
        good.replace("]}\n", ""),
        good.replace("main.a", "main\u{7}a"),
        "null\n".to_owned(),
        "{\"watch\":{\"service\":\"s\"}}\n".to_owned(),
    ];
    let mut all = String::new();
    for mistake in mistakes {
        let folder = folder(&(good.clone() + &mistake));
        let said = import(&folder, &["h.ndjson"]);
        all += said
            .lines()
            .find(|line| line.starts_with("error: "))
            .unwrap();
        all.push('\n');
    }
    let folder = folder(&(good + "{\"at\":\"\u{fffd}\"}\n"));
    let path = folder.path().join("h.ndjson");
    let mut bytes = std::fs::read(&path).unwrap();
    let torn = bytes.len() - 6;
    bytes[torn] = 0xff;
    std::fs::write(path, bytes).unwrap();
    all += &import(&folder, &["h.ndjson"]);
    insta::assert_snapshot!(all, @r"
    error: h.ndjson:2:30: `service` is missing; `sevice` is not known: did you mean `service`?
    error: h.ndjson:2:1: `incarnation` is missing
    error: h.ndjson:2:7: `at` is `yesterday`, and must be RFC 3339, as in 2026-11-24T08:00:00.000Z
    error: h.ndjson:2:7: `at` is `9999-11-24T08:00:00Z`, and must be after 1970 and before 2200
    error: h.ndjson:2:94: the states of a group add up to 3, and its count is 4
    error: h.ndjson:2:135: expected a whole number from 0 to 9007199254740992
    error: h.ndjson:2:94: `count` of a group is 4294967296, and no more than 4294967295 are told
    error: h.ndjson:2:93: `failed` is `time out`, and must be one of connect, timeout, not_found, unauthorized, http_status, redirect, too_large, not_a_dump, malformed, interrupted, several_processes, internal; did you mean `timeout`?
    error: h.ndjson:2:112: a look that failed has no groups: one of `failed` and `groups` must go
    error: h.ndjson:2:91: `kind` is `puls`, and must be one of pulse, detail, proof; did you mean `pulse`?
    error: h.ndjson:2:55: `instance` is `http://h:6060/debug/pprof`, and must be host:port; `scheme` and `path` are fields of their own
    error: h.ndjson:2:105: invalid type: integer `7`, expected a function's name, or an object with `function`, `file` and `line`
    error: h.ndjson:2:94: `frames` of a group is missing
    error: h.ndjson:2:187: expected a comma or the end of the object; the line ends here
    error: h.ndjson:2:186: expected a comma or the end of the array; the line ends here
    error: h.ndjson:2:110: control character (\u0000-\u001F) found while parsing a string
    error: h.ndjson:2:1: expected an object
    error: h.ndjson:2:24: missing field `from`
    exit 1
    2 lines: 1 snapshot and 0 failed polls stored, 0 already there, 0 lines refused; 0.0
    error: h.ndjson:2:8: this is not UTF-8, which JSON must be
    hint: lines up to 1 of h.ndjson are stored; the same command stores the rest, and nothing twice
    hint: docs/NDJSON.md has the format; --keep-going leaves such lines out
    ");
}

#[test]
fn what_came_before_a_mistake_is_stored_and_the_rest_later() {
    let lines = looks(0..5) + "{\"at\":7}\n" + &looks(5..10);
    let folder = folder(&lines);
    insta::assert_snapshot!(import(&folder, &["h.ndjson"]), @"
    exit 1
    6 lines: 5 snapshots and 0 failed polls stored, 0 already there, 0 lines refused; 0.0
    error: h.ndjson:6:7: expected a string
    hint: lines up to 5 of h.ndjson are stored; the same command stores the rest, and nothing twice
    hint: docs/NDJSON.md has the format; --keep-going leaves such lines out
    ");
    insta::assert_snapshot!(import(&folder, &["--keep-going", "h.ndjson"]), @"
    exit 1
    h.ndjson:6:7: expected a string
    11 lines: 5 snapshots and 0 failed polls stored, 5 already there, 1 line refused; 0.0
    error: left out: 1 line
    hint: the lines above say where and why; docs/NDJSON.md has the format
    ");
}

#[test]
fn what_a_newer_goroscope_writes_is_passed_over_and_told() {
    let newer = looks(0..2)
        .replace("\"groups\"", "\"weather\":{\"sun\":[1]},\"groups\"")
        .replace("\"count\"", "\"mood\":1,\"count\"");
    let folder = folder(&(newer + "{\"mark\":{\"at\":\"now\"}}\n"));
    insta::assert_snapshot!(import(&folder, &["h.ndjson"]), @"
    exit 0
    warning: field `groups.mood` is not known and was left out, 2 times
    warning: field `weather` is not known and was left out, 2 times
    warning: lines of kind `mark` are not known and were left out, 1 of them
    3 lines: 2 snapshots and 0 failed polls stored, 0 already there, 0 lines refused; 0.0
    ");
}

#[test]
fn a_database_that_a_daemon_writes_is_refused() {
    let folder = folder(&looks(0..2));
    import(&folder, &["h.ndjson"]);
    let lock = goroscope::store::DaemonLock::take(&folder.path().join("h.db")).unwrap();
    let said = import(&folder, &["h.ndjson"]);
    drop(lock);
    let masked = said.replace(&std::process::id().to_string(), "PID");
    insta::assert_snapshot!(masked, @"
    exit 1
    error: another goroscope (process PID) already writes `h.db`
    hint: stop that one first, or import into another database with --db
    ");
    insta::assert_snapshot!(import(&folder, &["absent.ndjson"]), @"
    exit 1
    error: failed to open `absent.ndjson`: No such file or directory (os error 2)
    hint: check how it is spelt, and that its folder is there; a relative name begins at the working folder
    ");
}

/// Polls of an hour, for a process that takes as long as it is let.
fn endless(child: &mut std::process::Child, until: impl Fn() -> bool) {
    let mut stdin = child.stdin.take().unwrap();
    let began = Instant::now();
    for second in 0.. {
        let at = format!(
            "2026-11-{:02}T{:02}:{:02}",
            1 + second / 86_400,
            second / 3_600 % 24,
            second / 60 % 60
        );
        let line = look(0, "one", 1 + second % 50);
        let line = line.replace("2026-11-24T08:00:00Z", &format!("{at}:{:02}Z", second % 60));
        if until() || stdin.write_all(line.as_bytes()).is_err() {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "it goes on");
    }
}

/// An import of what comes on its stdin.
#[cfg(unix)]
fn importing(folder: &Path) -> std::process::Child {
    goroscope(folder)
        .args(["import", "-", "--db", "h.db"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_and_says_how_far_it_got() {
    let folder = folder("");
    let mut child = importing(folder.path());
    let database = folder.path().join("h.db");
    let stored = || {
        let open = rusqlite::Connection::open(&database);
        let count = |on: rusqlite::Connection| {
            on.query_row("SELECT count(*) FROM pulse", [], |row| row.get::<_, i64>(0))
        };
        open.and_then(count).is_ok_and(|count| count > 0)
    };
    let sent = std::cell::Cell::new(false);
    let id = child.id().to_string();
    endless(&mut child, || {
        if !sent.get() && stored() {
            printed(Command::new("kill").args(["-INT", &id]));
            sent.set(true);
        }
        false
    });
    let said = said(&child.wait_with_output().unwrap());
    let (first, hint) = said.split_once("error: ").unwrap();
    assert!(first.starts_with("exit 130\n"), "{said}");
    assert!(
        hint.starts_with("stopped by Ctrl-C\nhint: lines up to "),
        "{said}"
    );
    let upto: i64 = hint
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap();
    let rows = "SELECT (SELECT count(*) FROM pulse) + (SELECT ifnull(sum(ticks), 0) FROM block)";
    let on = rusqlite::Connection::open(&database).unwrap();
    let kept: i64 = on.query_row(rows, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, upto);
    // What was not read was not due.
    let due = "SELECT (to_at - from_at) / interval_ms + 1 FROM watch";
    let due: i64 = on.query_row(due, [], |row| row.get(0)).unwrap();
    assert_eq!(due, upto);
}

/// Whoever writes to stdin may have nothing to say for long.
#[cfg(unix)]
#[test]
fn ctrl_c_stops_it_while_it_waits_for_lines() {
    let folder = folder("");
    let mut child = importing(folder.path());
    let stdin = child.stdin.take().unwrap();
    while !folder.path().join("h.db").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    printed(Command::new("kill").args(["-INT", &child.id().to_string()]));
    let said = said(&child.wait_with_output().unwrap());
    drop(stdin);
    insta::assert_snapshot!(said, @"
    exit 130
    0 lines: 0 snapshots and 0 failed polls stored, 0 already there, 0 lines refused; 0.0
    error: stopped by Ctrl-C
    hint: nothing is stored
    ");
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_ends_it() {
    let folder = folder("");
    let mut command = Command::new("sh");
    let limited = format!(
        "ulimit -f 3000; exec {} import - --db h.db",
        env!("CARGO_BIN_EXE_goroscope")
    );
    command
        .args(["-c", &limited])
        .current_dir(folder.path())
        .env_remove("GOROSCOPE_DB");
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    endless(&mut child, || false);
    let said = said(&child.wait_with_output().unwrap());
    assert!(
        said.starts_with("exit 1\nerror: failed to write `h.db`: "),
        "{said}"
    );
    assert!(
        said.contains("hint: lines up to ") || said.contains("hint: nothing is stored"),
        "{said}"
    );
}

#[test]
fn names_that_an_export_cannot_find_are_told() {
    let folder = folder(&looks(0..2));
    import(&folder, &["h.ndjson"]);
    let mut all = String::new();
    for arguments in [
        ["--service", "t"],
        ["--instance", "h:1"],
        ["--since", "soon"],
    ] {
        let mut command = goroscope(folder.path());
        command.args(["export", "--db", "h.db"]).args(arguments);
        all += &said(&command.output().unwrap());
        all.push('\n');
    }
    insta::assert_snapshot!(all, @"
    exit 2
    error: no service `t` in this database
    hint: `goroscope query instances --db h.db` lists what there is
    exit 2
    error: no instance `h:1` in this database
    hint: `goroscope query instances --db h.db` lists what there is
    exit 2
    error: --since: `soon` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: for example: goroscope export --since 24h --service checkout | jq .groups
    ");
}
