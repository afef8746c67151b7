//! `goroscope db`: whole output over the database of `released::ten_hours`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use goroscope::store::{DaemonLock, Prune, Pruned, Reader, Retention, prune};

use crate::questions::minute;
use crate::released::ten_hours;
use crate::support::daemon::{Daemon, first};
use crate::support::fake::{Behaviour, Fake};
use crate::support::said;

fn sql(folder: &Path, sql: &str) {
    let database = rusqlite::Connection::open(folder.join("goroscope.db")).unwrap();
    database.execute_batch(sql).unwrap();
}

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        // Every reader may make these.
        .filter(|name| !name.ends_with("-shm") && !name.ends_with("-wal"))
        .collect();
    names.sort();
    names
}

/// Without what changes with the schema, and with the time: the coverage of the last day.
fn masked(text: &str) -> String {
    let newest = crate::support::newest_schema();
    let coverage = text.lines().find_map(|line| line.find("  LAST 24 H"));
    let lines = text.lines().map(|line| {
        let is_row = line.starts_with("pay") || line.starts_with("SERVICE");
        line.get(..coverage.unwrap())
            .filter(|_| is_row)
            .unwrap_or(line)
    });
    let text: Vec<&str> = lines.map(str::trim_end).collect();
    text.join("\n")
        .replace(&format!("schema {newest},"), "schema NEWEST,")
}

#[test]
fn info_tells_what_there_is() {
    let folder = ten_hours();
    let info = said(folder.path(), &["db", "info", "--tz", "utc"]);
    insta::assert_snapshot!(masked(&info), @"
    goroscope.db: 296.0 KiB, of them 0 B free, and 0 B in the log
    schema NEWEST, 2 signatures under rules 2
    1 daemon run; none writes it now, the last one did until 2026-11-24 10:00:00 (+00:00)
    SERVICE  INST  PROCESSES  SNAPSHOTS  IN BLOCKS  DETAILS  FAILURES  SAMPLES    BYTES  B/SAMPLE  OLDEST               NEWEST
    pay         2          3      1,196        957       10         2    1,914  3.2 KiB      0.25  2026-11-24 00:00:00  2026-11-24 09:59:00
    samples: snapshots times series, and bytes for each, are of blocks alone
    exit 0
    ");
    let lock = DaemonLock::take(&folder.path().join("goroscope.db")).unwrap();
    let info = said(folder.path(), &["db", "info", "--tz", "utc"]);
    assert!(info.contains("writes it since"), "{info}");
    drop(lock);
    let info = said(folder.path(), &["db", "info", "-o", "json"]);
    assert!(
        info.starts_with(r#"{"schema":"goroscope.db-info/v1","path":"goroscope.db","file_bytes":"#)
    );
}

#[test]
fn a_sound_database_is_sound() {
    let folder = ten_hours();
    insta::assert_snapshot!(said(folder.path(), &["db", "check"]), @"
    goroscope.db: decoded 5 blocks, 0 summaries, 239 pulses, 0 detail blocks, 10 details, 2 stacks
    sound
    exit 0
    ");
    insta::assert_snapshot!(said(folder.path(), &["db", "check", "--quick", "-o", "json"]), @r#"
    {"schema":"goroscope.db-check/v1","path":"goroscope.db","sound":true,"file":[],"references":[],"damaged":0,"rows":[],"moved":0,"made_again":0,"daemon_runs":false,"quarantined_rows":0,"quarantined_pulses":0,"decoded":[["block",5],["summary",0],["pulse",239],["detail_block",0],["detail",10],["stack",2]]}
    exit 0
    "#);
}

#[test]
fn damaged_rows_are_told_while_a_daemon_writes_and_moved_when_none_does() {
    let folder = ten_hours();
    let path = folder.path();
    sql(
        path,
        "UPDATE block SET data = zeroblob(length(data)) WHERE id = 2;
         UPDATE pulse SET groups = x'01ff' WHERE id = (SELECT min(id) FROM pulse);
         UPDATE detail SET body = x'00' WHERE id = (SELECT max(id) FROM detail);
         INSERT INTO summary VALUES (1, 7, x'00')",
    );
    let history = [
        "query",
        "history",
        "6aa95d31",
        "--instance",
        "pay-1:6060",
        "--tz",
        "utc",
    ];
    let window = ["--since", "2026-11-24 00:00", "--until", "2026-11-24 10:00"];
    let history = || said(path, &[&history[..], &window[..], &["-o", "json"]].concat());
    let before = history();
    let lock = DaemonLock::take(&path.join("goroscope.db")).unwrap();
    insta::assert_snapshot!(said(path, &["db", "check", "--tz", "utc"]), @"
    TABLE    ROW  FROM                 TO                   PULSES  DAMAGE
    block      2  2026-11-24 00:00:00  2026-11-24 03:59:00     240  its checksum is wrong
    summary    1  2026-11-24 00:00:00  2026-11-24 03:59:00       0  its checksum is wrong
    pulse    958  2026-11-24 08:00:00  2026-11-24 08:00:00       1  it cannot be unpacked
    detail    10  2026-11-24 09:00:00  2026-11-24 09:00:00       0  it cannot be unpacked
    times are in +00:00
    goroscope.db: decoded 5 blocks, 1 summary, 239 pulses, 0 detail blocks, 10 details, 2 stacks
    a daemon writes this database, so nothing was moved: every answer passes over what is damaged as a gap; run this again while no daemon runs
    exit 1
    ");
    drop(lock);
    insta::assert_snapshot!(said(path, &["db", "check", "--tz", "utc"]), @"
    TABLE    ROW  FROM                 TO                   PULSES  DAMAGE
    block      2  2026-11-24 00:00:00  2026-11-24 03:59:00     240  its checksum is wrong
    summary    1  2026-11-24 00:00:00  2026-11-24 03:59:00       0  its checksum is wrong
    pulse    958  2026-11-24 08:00:00  2026-11-24 08:00:00       1  it cannot be unpacked
    detail    10  2026-11-24 09:00:00  2026-11-24 09:00:00       0  it cannot be unpacked
    times are in +00:00
    goroscope.db: decoded 5 blocks, 1 summary, 239 pulses, 0 detail blocks, 10 details, 2 stacks
    moved 3 damaged rows into quarantine: a gap from now on, all else is as it was
    deleted 1 damaged summary: nothing is lost, the next daemon makes a summary again from its block
    exit 1
    ");
    insta::assert_snapshot!(said(path, &["db", "check", "--tz", "utc"]), @"
    goroscope.db: decoded 4 blocks, 0 summaries, 238 pulses, 0 detail blocks, 9 details, 2 stacks
    in quarantine since earlier checks: 3 rows with 241 pulses
    sound
    exit 0
    ");
    // In quarantine it is the gap that it was before.
    assert!(before.contains("damaged"), "{before}");
    assert_eq!(history(), before);
    let info = said(path, &["db", "info"]);
    assert!(info.contains("3 damaged rows in quarantine"), "{info}");
}

#[test]
fn references_that_lead_nowhere_are_told() {
    let folder = ten_hours();
    sql(
        folder.path(),
        "PRAGMA foreign_keys = OFF; DELETE FROM stack WHERE id = 1",
    );
    insta::assert_snapshot!(said(folder.path(), &["db", "check", "--tz", "utc"]), @"
    5 rows of `block` count stacks that are not there
    239 rows of `pulse` count stacks that are not there
    10 rows of `detail` count stacks that are not there
    goroscope.db: decoded 5 blocks, 0 summaries, 239 pulses, 0 detail blocks, 10 details, 1 stack
    the file itself is damaged: restore a backup (goroscope db backup makes one), or save what can be read: goroscope export > saved.ndjson, goroscope import saved.ndjson --db new.db
    exit 1
    ");
}

#[test]
fn a_backup_is_whole_and_replaces_nothing_unasked() {
    let folder = ten_hours();
    let path = folder.path();
    let backup = |arguments: &[&str]| said(path, &[&["db", "backup"], arguments].concat());
    let made = backup(&["copy.db"]);
    assert!(
        made.starts_with("goroscope.db: backed up to copy.db, "),
        "{made}"
    );
    insta::assert_snapshot!(backup(&["copy.db"]), @"
    error: `copy.db` is there already
    hint: --force replaces it; another name keeps it
    exit 1
    ");
    assert_eq!(backup(&["copy.db", "--force"]), made);
    insta::assert_snapshot!(backup(&["goroscope.db", "--force"]), @"
    error: `goroscope.db` is the database of a running goroscope, or the one that is to be backed up
    hint: name another file
    exit 1
    ");
    std::os::unix::fs::symlink("copy.db", path.join("link.db")).unwrap();
    insta::assert_snapshot!(backup(&["link.db", "--force"]), @"
    error: `link.db` is no regular file
    hint: name another file
    exit 1
    ");
    insta::assert_snapshot!(backup(&["no/such/folder/copy.db"]), @"
    error: failed to write the copy `no/such/folder/copy.db`: No such file or directory (os error 2)
    hint: check how it is spelt, and that its folder is there; a relative name begins at the working folder
    exit 1
    ");
    let question = [
        "query",
        "shared",
        "--since",
        "2026-11-24",
        "--until",
        "2026-11-24 10:00",
    ];
    let of = |database: &str| said(path, &[&question[..], &["--db", database]].concat());
    let of_copy = of("copy.db").replace("--db copy.db", "--db goroscope.db");
    assert_eq!(of_copy, of("goroscope.db"));
    let checked = said(path, &["db", "check", "--db", "copy.db"]);
    assert!(checked.ends_with("sound\nexit 0"), "{checked}");
}

/// A database that takes a while to copy.
fn large() -> tempfile::TempDir {
    let folder = ten_hours();
    sql(
        folder.path(),
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO detail (incarnation_id, at, took_ms, kind, form, goroutines, own, complained,
                             truncated, body)
         SELECT 1, i, 1, 'detail', 'debug2', 1, 1, 0, 0, randomblob(100000) FROM n",
    );
    folder
}

#[test]
fn a_backup_that_is_broken_off_leaves_nothing_behind() {
    let folder = large();
    let path = folder.path();
    let before = names(path);
    let full = Command::new("sh")
        .args([
            "-c",
            r#"trap "" XFSZ; ulimit -f 20000; exec "$0" db backup copy.db"#,
        ])
        .arg(env!("CARGO_BIN_EXE_goroscope"))
        .current_dir(path)
        .env_remove("GOROSCOPE_DB")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{told}");
    assert!(
        told.starts_with("error: failed to back up `goroscope.db`: "),
        "{told}"
    );
    assert_eq!(names(path), before);

    let copying = Command::new(env!("CARGO_BIN_EXE_goroscope"))
        .args(["db", "backup", "copy.db"])
        .current_dir(path)
        .env_remove("GOROSCOPE_DB")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while names(path) == before {
        assert!(began.elapsed() < Duration::from_mins(1), "it never begins");
    }
    let pid = copying.id().to_string();
    let sent = Command::new("kill").args(["-s", "INT", &pid]).status();
    assert!(sent.unwrap().success());
    let ended = copying.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{told}");
    assert_eq!(
        told,
        "error: stopped by Ctrl-C\nhint: nothing is left of the unfinished copy\n"
    );
    assert_eq!(names(path), before);
}

/// Every number as `N`.
fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let number = word.trim_start_matches(|c: char| c.is_ascii_digit() || ",.-:".contains(c));
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        masked += &if is_number {
            format!("N{number}")
        } else {
            word.to_owned()
        };
    }
    masked
}

#[test]
fn prune_refuses_and_tells() {
    let folder = ten_hours();
    let path = folder.path();
    let prune = |arguments: &[&str]| {
        let said = said(path, &[&["db", "prune", "--tz", "utc"], arguments].concat());
        said.replace(&std::process::id().to_string(), "PID")
    };
    insta::assert_snapshot!(prune(&[]).lines().next().unwrap(), @"error: the following required arguments were not provided: <--older-than <AGE>|--max-size <SIZE>>");
    insta::assert_snapshot!(prune(&["--max-size", "lots"]).lines().next().unwrap(), @"error: invalid value 'lots' for '--max-size <SIZE>': `lots` is not a size; `64MiB`, `512KiB`, `1GiB`, `10MB` and a plain number of bytes are");
    insta::assert_snapshot!(prune(&["--older-than", "1s"]).lines().next().unwrap(), @"error: invalid value '1s' for '--older-than <AGE>': 1s is too short; make it 1m or more");
    let lock = DaemonLock::take(&path.join("goroscope.db")).unwrap();
    insta::assert_snapshot!(prune(&["--max-size", "1MiB"]), @"
    error: another goroscope (process PID) already writes `goroscope.db`
    hint: the daemon does this by itself: storage.raw_retention and storage.max_size say how much it keeps
    exit 1
    ");
    drop(lock);
    let all = ["--max-size", "1"];
    insta::assert_snapshot!(without_numbers(&prune(&[&all[..], &["--dry-run"]].concat())), @"
    goroscope.db: N snapshots, N details and N failure would go, and with them N KiB of N KiB; snapshots are kept since N N (+00:00)
    N KiB is more than N B: the rest is not snapshots, or is the newest of them
    exit N
    ");
    insta::assert_snapshot!(without_numbers(&prune(&all)), @"
    goroscope.db: N snapshots, N details and N failure went, and with them N KiB; the file has N KiB now; snapshots are kept since N N (+00:00)
    N KiB is more than N B: the rest is not snapshots, or is the newest of them
    exit N
    ");
}

#[test]
fn pruning_removes_what_it_told_and_gives_the_space_back() {
    let folder = large();
    let path = folder.path().join("goroscope.db");
    let size = || path.metadata().unwrap().len();
    let before = size();
    let lock = DaemonLock::take(&path).unwrap();
    let keep = Retention {
        raw: Duration::from_hours(5),
        rollup: Duration::MAX,
        max_size: 1 << 20,
    };
    // Ten hours of history end here.
    let now = minute(600);
    let told = prune(&path, &lock, keep, now, Prune::DryRun).unwrap();
    assert_eq!(size(), before);
    let went = prune(&path, &lock, keep, now, Prune::Really).unwrap();
    let rows = |pruned: &Pruned| (pruned.pulses, pruned.details, pruned.failures);
    assert_eq!(rows(&told), rows(&went));
    // The first two windows of 4 h but for the one that a restart parted, and all that fills the file.
    assert_eq!(rows(&went), (479, 1_995, 0));
    assert_eq!(went.kept_since, Some(minute(300)));
    assert!(size() < 1 << 20, "{}", size());
    drop(lock);
    let database = rusqlite::Connection::open(&path).unwrap();
    let sound: String = database
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn coverage_counts_what_was_due_and_what_is_kept() {
    let folder = ten_hours();
    let reader = Reader::open(&folder.path().join("goroscope.db")).unwrap();
    for (since, ok, due) in [
        (0, 1_196, 1_200),
        (120, 957, 960),
        (500, 199, 200),
        (700, 0, 0),
    ] {
        let info = reader.info(minute(since), minute(since + 1_440)).unwrap();
        let service = &info.services[0];
        assert_eq!(
            (service.polls_ok, service.polls_due),
            (ok, due),
            "since {since}"
        );
    }
}

#[test]
fn a_backup_is_one_moment_of_a_daemon_that_goes_on_writing() {
    let fake = Fake::start(Behaviour::Healthy);
    let config = format!(
        "[global]\ninterval = \"100ms\"\n[[services]]\nname = \"s\"\ntargets = [{:?}]\n",
        fake.address
    );
    let daemon = Daemon::begin(&config);
    daemon.wait_for_log("Stored pulse");
    let mut kept = 0;
    for nth in 0..5 {
        let copy = format!("copy-{nth}.db");
        let acknowledged = daemon.acknowledged()["pulse"].len();
        let made = said(daemon.folder(), &["db", "backup", &copy]);
        assert!(made.ends_with("exit 0"), "{made}");
        let checked = said(daemon.folder(), &["db", "check", "--db", &copy]);
        assert!(checked.ends_with("sound\nexit 0"), "{checked}");
        let database = rusqlite::Connection::open(daemon.folder().join(copy)).unwrap();
        let pulses = "SELECT count(*) FROM pulse";
        let pulses: i64 = database.query_row(pulses, [], |row| row.get(0)).unwrap();
        let pulses = usize::try_from(pulses).unwrap();
        assert!(pulses >= acknowledged, "{pulses} of {acknowledged}");
        kept = kept.max(pulses);
        daemon.wait_for("more polls", &["instances"], |answer| {
            first(answer)["polls_ok"].as_u64() > Some(kept as u64)
        });
    }
}
