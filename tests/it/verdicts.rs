//! What the daemon says of a leak, from its first hours to the build that has it no more.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use goroscope::model::{
    Analysis, Kind, Outcome, Record, StartReason, Thresholds, Timestamp, Watch,
};
use goroscope::query::{Judging, Verdict, judge};
use goroscope::store::Reader;

use crate::blocks::write;
use crate::questions::{built, instance, minute, pulse};
use crate::support::{KEEP, number, printed};

const HOUR: i64 = 60;

/// Two instances of one service, polled each minute. Their build leaks fifteen an hour for ten hours; the next one
/// does not.
fn night() -> Vec<Record> {
    let mut records = Vec::new();
    for address in ["pay-1:6060", "pay-2:6060"] {
        let instance = instance("pay", address);
        records.push(Record::Watch(Watch {
            instance: Arc::clone(&instance),
            from: minute(0),
            interval: Duration::from_mins(1),
            labels: Arc::default(),
        }));
        let leaks = built("aaaa", 0, 1, StartReason::FirstContact);
        let mended = built("bbbb", 10 * HOUR, 2, StartReason::Vdso);
        for nth in 0..40 * HOUR {
            let busy = [4, 9, 2, 7, 5][usize::try_from(nth % 5).unwrap()];
            let leaked = u64::try_from(nth / 4).unwrap();
            records.push(match nth {
                ..600 => pulse(&instance, nth, &leaks, leaked, busy),
                _ => pulse(&instance, nth, &mended, 0, busy),
            });
        }
        records.push(Record::Unwatch {
            instance,
            from: minute(0),
            to: minute(40 * HOUR - 1),
        });
    }
    records
}

/// Stores records, all of which are there when the last one is.
fn store(path: &Path, records: Vec<Record>) {
    write(path, KEEP, records, || minute(0), |_| true);
}

/// What is said at a moment, stored as the daemon does.
fn judged(path: &Path, at: Timestamp) -> Vec<String> {
    let Judging { changes, .. } =
        judge(&Reader::open(path).unwrap(), at, Verdict::Growing).unwrap();
    let told = |before: &Option<String>| before.clone().unwrap_or_else(|| "nothing".to_owned());
    let lines = changes
        .iter()
        .map(|change| format!("{} -> {}", told(&change.before), change.verdict));
    let lines = lines.collect();
    store(path, vec![Record::Judged(at, changes)]);
    lines
}

fn question(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command.arg("query").args(words);
    command.current_dir(folder).env_remove("GOROSCOPE_DB");
    command
}

fn findings(folder: &Path, until: &str) -> String {
    let words = ["findings", "--tz", "utc", "--until", until];
    String::from_utf8(printed(&mut question(folder, &words))).unwrap()
}

/// An answer as JSON.
fn asked(folder: &Path, words: &[&str]) -> serde_json::Value {
    let answer = printed(question(folder, words).args(["-o", "json"]));
    serde_json::from_slice(&answer).unwrap()
}

#[test]
fn a_leak_from_its_first_hours_to_the_build_that_has_it_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    store(&path, night());
    assert_eq!(judged(&path, minute(30)), ["nothing -> SUSPECT"]);
    assert_eq!(judged(&path, minute(2 * HOUR)), ["SUSPECT -> GROWING"]);
    // Nothing new is nothing to store.
    assert_eq!(judged(&path, minute(2 * HOUR + 5)), [""; 0]);
    insta::assert_snapshot!(findings(folder.path(), "2026-11-24 09:00"), @"
    window 2026-11-23 09:00 -> 2026-11-24 09:00 (+00:00)   1 service, 2 instances, 1,082/1,082 polls, 0 restarts, leaks from +0.78/h on can be GROWING
    polled 2026-11-24 00:00:00 -> 2026-11-24 09:00:00 only
    FINDING  VERDICT  SINCE             SIGNATURE  SERVICE  ON  LAST  GROWTH  >= /HOUR  FIRST SEEN        WHERE
    new      GROWING  2026-11-24 02:00  6aa95d31   pay       2   270    +270     +30.0  2026-11-24 00:04  pay.(*Client).retry.func1  pay/client.go:118
    6aa95d31 pay: hint: +270 to 270 goroutines in `acme.io/pay.(*Client).retry.func1`, 270 of 270 in `chan send`: a function literal sends its result when nobody receives it any more: its maker took a time-out or another case, or returned early. Look at the function around this literal: give the channel room for the result (`make(chan T, 1)`), or send in a `select` with ctx.Done().
    6aa95d31 pay: it grows on 2 instances and in 2 processes
    6aa95d31 pay: pay-1:6060: its lowest count rose from 15 to 125 in 8h (481 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 9 % of it
    6aa95d31 pay: pay-2:6060: its lowest count rose from 15 to 125 in 8h (481 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 9 % of it
    1 new, 0 active, 0 gone, 0 ignored by rule (GROWING or above).  next: goroscope query show 6aa95d31
    ");
    // A window that is too short to say so ends nothing.
    let short = asked(
        folder.path(),
        &[
            "findings",
            "--since",
            "2026-11-24T02:10:00Z",
            "--until",
            "2026-11-24T02:20:00Z",
        ],
    );
    let short = &short["rows"][0];
    assert_eq!(
        (&short["standing"], &short["verdict"]),
        (&"active".into(), &"GROWING".into())
    );
    // A restart is no recovery, and too little of the next process is none either.
    assert_eq!(judged(&path, minute(10 * HOUR + 5)), [""; 0]);
    assert_eq!(judged(&path, minute(12 * HOUR)), ["GROWING -> GONE"]);
    insta::assert_snapshot!(findings(folder.path(), "2026-11-24 12:30"), @"
    window 2026-11-23 12:30 -> 2026-11-24 12:30 (+00:00)   1 service, 2 instances, 1,502/1,502 polls, 2 restarts, leaks from +0.70/h on can be GROWING
    polled 2026-11-24 00:00:00 -> 2026-11-24 12:30:00 only
    FINDING  VERDICT  SINCE                                 SIGNATURE  SERVICE  ON  LAST  GROWTH  >= /HOUR  FIRST SEEN        WHERE
    gone     GONE     2026-11-24 02:00 -> 2026-11-24 12:00  6aa95d31   pay       0     0    +298         -  2026-11-24 00:04  pay.(*Client).retry.func1  pay/client.go:118
    6aa95d31 pay: no process has it any more since build bbbb
    6aa95d31 pay: it grows on 2 instances and in 2 processes
    6aa95d31 pay: pay-1:6060: its lowest count rose from 3 to 27 in 1h 48m (109 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 12 % of it
    6aa95d31 pay: pay-2:6060: its lowest count rose from 3 to 27 in 1h 48m (109 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 12 % of it
    2026-11-24 10:00 pay deployed build aaaa -> bbbb, first met at pay-1:6060: goroscope query diff build:aaaa build:bbbb
    0 new, 0 active, 1 gone, 0 ignored by rule (GROWING or above).  next: goroscope query show 6aa95d31
    ");
    // When the window has nothing of it left, it stays what it was.
    assert_eq!(judged(&path, minute(39 * HOUR)), [""; 0]);
    let events = "SELECT count(*) FROM events WHERE kind = 'verdict'";
    assert_eq!(number(&path, events), 2);
    let gone = "SELECT count(*) FROM verdicts WHERE verdict = 'GONE' AND until IS NULL";
    assert_eq!(number(&path, gone), 1);
    insta::assert_snapshot!(findings(folder.path(), "2026-11-25 15:00"), @"
    window 2026-11-24 15:00 -> 2026-11-25 15:00 (+00:00)   1 service, 2 instances, 2,882/2,882 polls, 0 restarts, leaks from +0.26/h on can be GROWING
    0 new, 0 active, 0 gone, 0 ignored by rule (GROWING or above).
    polled for 1d: slower leaks than +0.26/h an instance do not show in that time
    ");
}

/// What stands still in the next build for so long that it would show is over, though some are there.
#[test]
fn a_leak_that_is_mended_is_gone_though_some_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = night();
    for nth in 10 * HOUR..40 * HOUR {
        for (instance, record) in records.iter_mut().filter_map(|record| match record {
            Record::Poll(poll) if poll.at == minute(nth) => {
                Some((Arc::clone(&poll.instance), record))
            }
            _ => None,
        }) {
            let mended = built("bbbb", 10 * HOUR, 2, StartReason::Vdso);
            *record = pulse(&instance, nth, &mended, 5, 4);
        }
    }
    store(&path, records);
    let said = |until: &str| {
        let answer = asked(folder.path(), &["show", "6aa95d31", "--until", until]);
        answer["services"][0]["verdict"].clone()
    };
    // An hour behind its warm-up ten more would have come twice over.
    assert_eq!(said("2026-11-24T11:00:00Z"), "GROWING");
    assert_eq!(said("2026-11-24T12:30:00Z"), "GONE");
}

#[test]
fn the_exit_code_tells_what_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    store(&path, night());
    let code = |words: &[&str]| {
        let mut command = question(folder.path(), words);
        if !words.contains(&"--until") {
            command.args(["--until", "2026-11-24T09:00:00Z"]);
        }
        command.output().unwrap().status.code().unwrap()
    };
    assert_eq!(code(&["top-growers"]), 0);
    assert_eq!(code(&["top-growers", "--exit-code"]), 3);
    assert_eq!(code(&["findings", "--exit-code=growing"]), 3);
    assert_eq!(code(&["findings", "--exit-code=likely"]), 0);
    assert_eq!(code(&["shared", "--exit-code=suspect"]), 3);
    assert_eq!(code(&["findings", "--exit-code=steady"]), 2);
    assert_eq!(code(&["first-seen", "-n", "1", "--exit-code"]), 3);
    let early = [
        "findings",
        "--exit-code=suspect",
        "--until",
        "2026-11-24T00:30:00Z",
    ];
    assert_eq!(code(&early), 3);
    assert_eq!(code(&["shared", "--across", "zone"]), 2);
}

#[test]
fn a_leak_is_shared_across_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = night();
    for (record, zone) in records.iter_mut().filter_map(watch).zip(["eu", "us"]) {
        record.labels = Arc::new([("zone".to_owned(), zone.to_owned())].into());
    }
    store(&path, records);
    let shared = |across: &str| {
        let until = "2026-11-24T09:00:00Z";
        let answer = asked(
            folder.path(),
            &["shared", "--across", across, "--until", until],
        );
        answer["rows"][0]["across"].to_string()
    };
    assert_eq!(shared("instance"), r#"["pay pay-1:6060","pay pay-2:6060"]"#);
    assert_eq!(shared("label=zone"), r#"["eu","us"]"#);
    assert_eq!(shared("label=env"), "null");
    assert_eq!(shared("service"), "null");
}

fn watch(record: &mut Record) -> Option<&mut Watch> {
    match record {
        Record::Watch(watch) => Some(watch),
        _ => None,
    }
}

#[test]
fn a_limit_is_told_before_it_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = night();
    let thresholds = Thresholds {
        max_goroutines: Some(200),
        ..Thresholds::default()
    };
    let ignore = Vec::new();
    records.push(Record::Analysis(Box::new(Analysis { thresholds, ignore })));
    store(&path, records);
    let words = ["top-growers", "--tz", "utc", "--until", "2026-11-24 09:00"];
    let answer = String::from_utf8(printed(&mut question(folder.path(), &words))).unwrap();
    insta::assert_snapshot!(answer.lines().last().unwrap(), @"showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  6aa95d31 reaches analysis.max_goroutines in 4h 4m.  next: goroscope query show 6aa95d31");
}

/// A proof of a build holds for all of its processes, and stays when a later one finds fewer; what does not grow is
/// proved and no more than that.
#[test]
fn what_is_proved_and_grows_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = night();
    let one = instance("pay", "pay-1:6060");
    let life = built("aaaa", 0, 1, StartReason::FirstContact);
    for (nth, found) in [(3 * HOUR, 40), (4 * HOUR, 1)] {
        let Record::Poll(mut poll) = pulse(&one, nth, &life, found, 2) else {
            unreachable!("a pulse is a poll");
        };
        poll.at = minute(nth).plus(Duration::from_secs(1));
        poll.look.kind = Kind::Proof;
        if let Outcome::Snapshot(_, snapshot) = &mut poll.look.outcome {
            for group in &mut snapshot.groups {
                group.leaked = group.count;
            }
        }
        records.push(Record::Poll(poll));
    }
    store(&path, records);
    let window = [
        "--since",
        "2026-11-24T00:00:00Z",
        "--until",
        "2026-11-24T09:00:00Z",
    ];
    let words = [
        &["top-growers", "--all", "--min-growth=-9"],
        window.as_slice(),
    ];
    let answer = asked(folder.path(), &words.concat());
    let told = |nth: usize| {
        let row = &answer["rows"][nth];
        let proof = &row["proof"];
        (
            row["verdict"].clone(),
            proof["at_least"].clone(),
            row["evidence"][0].clone(),
        )
    };
    insta::assert_debug_snapshot!((told(0), told(1)), @r#"
    (
        (
            String("CONFIRMED"),
            Number(40),
            String("the garbage collector has proved that 40 of them at least can never wake"),
        ),
        (
            String("STEADY"),
            Number(2),
            String("pay-2:6060: its lowest counts lie between 2 and 4 and do not go on rising, in 541 pulses"),
        ),
    )
    "#);
}
