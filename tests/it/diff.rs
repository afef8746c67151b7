//! Two times, builds, services and databases, compared as a whole answer each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use goroscope::model::{
    Failure, FailureReason, Incarnation, Outcome, ProcessFacts, Record, StartReason, Watch,
};
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, Writer};

use crate::questions::{self, instance, minute, poll, pulse};
use crate::support::{KEEP, said};

/// A build with its leak, goroutines a minute.
const BUILDS: [(&str, u64); 3] = [("aaaa0001", 0), ("b0b00002", 1), ("b0de0003", 3)];

fn process(since: i64, build: usize) -> Arc<Incarnation> {
    let reason = match build {
        0 => StartReason::FirstContact,
        _ => StartReason::Build,
    };
    let facts = ProcessFacts {
        build_id: Some(BUILDS[build].0.to_owned()),
        vdso: None,
        heap_high: None,
    };
    Arc::new(Incarnation {
        since: minute(since),
        reason,
        facts,
    })
}

/// An hour, a poll a minute: `pay` is deployed twice, one instance after the other; the second one fails for
/// ten minutes; `search` stands still, and its pool is another one.
pub(crate) fn history() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let lock = DaemonLock::take(&path).unwrap();
    let counters = Arc::new(Counters::default());
    let (writer, records) = Writer::start(&path, lock, KEEP, counters, || minute(60)).unwrap();
    let send = |record| records.send(record).unwrap();
    let instances = [
        (instance("pay", "pay-1:6060"), vec![0, 10, 35]),
        (instance("pay", "pay-2:6060"), vec![0, 12, 45]),
        (instance("search", "search-1:6060"), vec![0]),
    ];
    for (at, starts) in &instances {
        send(Record::Watch(Watch {
            instance: Arc::clone(at),
            from: minute(0),
            interval: Duration::from_mins(1),
            labels: Arc::default(),
        }));
        let lives: Vec<_> = starts
            .iter()
            .enumerate()
            .map(|(nth, at)| process(*at, nth))
            .collect();
        for nth in 0..60 {
            let build = starts.iter().rposition(|start| *start <= nth).unwrap();
            let age = u64::try_from(nth - starts[build]).unwrap();
            let busy = if nth == 59 { 7 } else { 5 };
            let fails = &*at.address == "pay-2:6060" && (20..30).contains(&nth);
            send(if fails {
                let reason = FailureReason::Connect;
                let message = "no connection".to_owned();
                poll(at, nth, Outcome::Failed(Failure { reason, message }))
            } else {
                pulse(at, nth, &lives[build], BUILDS[build].1 * age, busy)
            });
        }
    }
    for (instance, _) in instances {
        let (from, to) = (minute(0), minute(59));
        send(Record::Unwatch { instance, from, to });
    }
    drop(records);
    assert!(writer.join());
    folder
}

fn ask(folder: &Path, arguments: &[&str]) -> String {
    let until = ["--tz", "utc", "--until", "2026-11-24 01:00"];
    said(folder, &[&["query", "diff"], arguments, &until].concat())
}

#[test]
fn two_times() {
    let folder = history();
    let times = ["2026-11-24 00:05", "2026-11-24 00:59"];
    insta::assert_snapshot!(ask(folder.path(), &times), @"
    A  2026-11-24 00:05  2026-11-24 00:05:00 (+00:00)   2 services, 3/3 instances, 15 goroutines, polled 2026-11-24 00:05:00
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)   2 services, 3/3 instances, 135 goroutines, polled 2026-11-24 00:59:00
    SIGNATURE  SERVICE   A    B  A/INST  B/INST  DELTA/INST  CHANGE    WHERE
    6aa95d31   pay       0  114       0    57.0       +57.0  new in B  pay.(*Client).retry.func1  pay/client.go:118
    41306e12   pay      10   14     5.0     7.0        +2.0            pay.(*pool).run  pay/client.go:31
    41306e12   search    5    7     5.0     7.0        +2.0            pay.(*pool).run  pay/client.go:31
    showing 3 of 3 that differ per instance, among 3 signatures.  next: goroscope query history 6aa95d31
    exit 0
    ");
    insta::assert_snapshot!(ask(folder.path(), &[&times[..], &["-o", "json", "--service", "pay"]].concat()), @r#"
    {"schema":"goroscope.diff/v1","a":{"asked":"2026-11-24 00:05","at":"2026-11-24T00:05:00.000Z","build":null,"polled_since":"2026-11-24T00:05:00.000Z","polled_until":"2026-11-24T00:05:00.000Z","by_day":false,"last_due":null,"services":1,"wanted":2,"known":2,"left_out":0,"unknown":[],"goroutines":10},"b":{"asked":"2026-11-24 00:59","at":"2026-11-24T00:59:00.000Z","build":null,"polled_since":"2026-11-24T00:59:00.000Z","polled_until":"2026-11-24T00:59:00.000Z","by_day":false,"last_due":null,"services":1,"wanted":2,"known":2,"left_out":0,"unknown":[],"goroutines":128},"basis":"moment","age_seconds":null,"uncompared":[],"total":2,"differ":2,"shown":2,"rows":[{"signature":"6aa95d31c1c0a9d41f483bd650b6e0ef","service":"pay","a":{"count":0,"per_instance":0.0,"per_hour":null},"b":{"count":114,"per_instance":57.0,"per_hour":null},"delta":114,"delta_per_instance":57.0,"new_in_b":true,"gone_in_b":false,"where":{"function":"acme.io/pay.(*Client).retry.func1","file":"/src/acme/pay/client.go","line":118}},{"signature":"41306e127dd68964d7c8c34954ab2b76","service":"pay","a":{"count":10,"per_instance":5.0,"per_hour":null},"b":{"count":14,"per_instance":7.0,"per_hour":null},"delta":4,"delta_per_instance":2.0,"new_in_b":false,"gone_in_b":false,"where":{"function":"acme.io/pay.(*pool).run","file":"/src/acme/pay/client.go","line":31}}]}
    exit 0
    "#);
}

#[test]
fn what_is_unknown_is_no_zero() {
    let folder = history();
    let times = ["2026-11-24 00:26", "2026-11-24 00:59"];
    insta::assert_snapshot!(ask(folder.path(), &times), @"
    A  2026-11-24 00:26  2026-11-24 00:26:00 (+00:00)   2 services, 2/3 instances, 26 goroutines, polled 2026-11-24 00:26:00
       unknown: pay pay-2:6060
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)   2 services, 3/3 instances, 135 goroutines, polled 2026-11-24 00:59:00
    SIGNATURE  SERVICE   A    B  A/INST  B/INST  DELTA/INST  CHANGE  WHERE
    6aa95d31   pay      16  114    16.0    57.0       +41.0          pay.(*Client).retry.func1  pay/client.go:118
    41306e12   pay       5   14     5.0     7.0        +2.0          pay.(*pool).run  pay/client.go:31
    41306e12   search    5    7     5.0     7.0        +2.0          pay.(*pool).run  pay/client.go:31
    showing 3 of 3 that differ per instance, among 3 signatures.  next: goroscope query history 6aa95d31
    exit 0
    ");
    let before = ["2026-11-23", "2026-11-24 00:59"];
    insta::assert_snapshot!(ask(folder.path(), &before), @"
    A  2026-11-23  2026-11-23 00:00:00 (+00:00)   0 services, 0/0 instances, 0 goroutines
       nothing was polled up to then
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)   2 services, 3/3 instances, 135 goroutines, polled 2026-11-24 00:59:00
    service pay is known in B only: not compared
    service search is known in B only: not compared
    showing 0 of 0 that differ per instance, among 0 signatures.
    exit 0
    ");
    let only_failing = [&times[..], &["--instance", "pay-2:6060"]].concat();
    insta::assert_snapshot!(ask(folder.path(), &only_failing), @"
    A  2026-11-24 00:26  2026-11-24 00:26:00 (+00:00)   0 services, 0/1 instance, 0 goroutines
       no good poll near then; the last one was due 2026-11-24 00:26:00
       unknown: pay pay-2:6060
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)   1 service, 1/1 instance, 49 goroutines, polled 2026-11-24 00:59:00
    service pay is known in B only: not compared
    showing 0 of 0 that differ per instance, among 0 signatures.
    exit 0
    ");
}

#[test]
fn two_builds_at_the_same_age() {
    let folder = history();
    insta::assert_snapshot!(ask(folder.path(), &["build:b0b0", "build:b0de"]), @"
    A  build:b0b0  build b0b00002   1 service, 1/2 processes, 19 goroutines, polled 2026-11-24 00:24:00 (+00:00)
       unknown: pay pay-2:6060
    B  build:b0de  build b0de0003   1 service, 2/2 processes, 96 goroutines, polled 2026-11-24 00:49:00 to 2026-11-24 00:59:00 (+00:00)
    counts when each process was 14m old, as half of those of both builds became; /H is growth an hour and process over their whole lives
    SIGNATURE  SERVICE   A   B  A/INST  B/INST  DELTA/INST    A/H     B/H  CHANGE  WHERE
    6aa95d31   pay      14  84    14.0    42.0       +28.0  +60.0  +180.0          pay.(*Client).retry.func1  pay/client.go:118
    41306e12   pay       5  12     5.0     6.0        +1.0      0    +6.3          pay.(*pool).run  pay/client.go:31
    showing 2 of 2 that differ per instance, among 2 signatures.  next: goroscope query history 6aa95d31
    exit 0
    ");
    // While the second deploy is under way.
    let early = [
        "query",
        "diff",
        "build:b0b0",
        "build:b0de",
        "--tz",
        "utc",
        "--until",
        "2026-11-24 00:40",
    ];
    insta::assert_snapshot!(said(folder.path(), &early), @"
    A  build:b0b0  build b0b00002   1 service, 2/2 processes, 20 goroutines, polled 2026-11-24 00:15:00 to 2026-11-24 00:17:00 (+00:00)
    B  build:b0de  build b0de0003   1 service, 1/1 process, 20 goroutines, polled 2026-11-24 00:40:00 (+00:00)
    counts when each process was 5m old, as half of those of both builds became; /H is growth an hour and process over their whole lives
    SIGNATURE  SERVICE   A   B  A/INST  B/INST  DELTA/INST    A/H     B/H  CHANGE  WHERE
    6aa95d31   pay      10  15     5.0    15.0       +10.0  +60.0  +180.0          pay.(*Client).retry.func1  pay/client.go:118
    showing 1 of 1 that differ per instance, among 2 signatures.  next: goroscope query history 6aa95d31
    exit 0
    ");
}

#[test]
fn builds_whose_start_nobody_saw() {
    insta::assert_snapshot!(ask(history().path(), &["build:aaaa", "build:b0b0", "--service", "pay"]), @"
    A  build:aaaa  build aaaa0001   1 service, 2/2 processes, 10 goroutines, polled 2026-11-24 00:09:00 to 2026-11-24 00:11:00 (+00:00)
    B  build:b0b0  build b0b00002   1 service, 2/2 processes, 66 goroutines, polled 2026-11-24 00:34:00 to 2026-11-24 00:44:00 (+00:00)
    last counts of each process, whose ages differ: no process was seen starting on both sides; compare /H, growth an hour and process
    SIGNATURE  SERVICE  A   B  A/INST  B/INST  DELTA/INST  A/H    B/H  CHANGE    WHERE
    6aa95d31   pay      0  56       0    28.0       +28.0    0  +60.0  new in B  pay.(*Client).retry.func1  pay/client.go:118
    showing 1 of 1 that differ per instance, among 2 signatures.  next: goroscope query history 6aa95d31
    exit 0
    ");
}

#[test]
fn two_services() {
    insta::assert_snapshot!(ask(history().path(), &["service:search", "service:pay"]), @"
    A  service:search  2026-11-24 00:59:00 (+00:00)   1 service, 1/1 instance, 7 goroutines, polled 2026-11-24 00:59:00
    B  service:pay  2026-11-24 00:59:00 (+00:00)   1 service, 2/2 instances, 128 goroutines, polled 2026-11-24 00:59:00
    SIGNATURE  A    B  A/INST  B/INST  DELTA/INST  CHANGE    WHERE
    6aa95d31   0  114       0    57.0       +57.0  new in B  pay.(*Client).retry.func1  pay/client.go:118
    showing 1 of 1 that differ per instance, among 2 signatures.  next: goroscope query history 6aa95d31
    exit 0
    ");
}

#[test]
fn two_databases() {
    let (folder, before) = (history(), questions::history());
    let file = before.path().join("goroscope.db");
    std::fs::copy(file, folder.path().join("before.db")).unwrap();
    insta::assert_snapshot!(ask(folder.path(), &["db:before.db", "db:goroscope.db"]), @"
    A  db:before.db  2026-11-24 00:29:00 (+00:00)   1 service, 2/2 instances, 81 goroutines, polled 2026-11-24 00:29:00
    B  db:goroscope.db  2026-11-24 00:59:00 (+00:00)   2 services, 3/3 instances, 135 goroutines, polled 2026-11-24 00:59:00
    service search is known in B only: not compared
    SIGNATURE  SERVICE   A    B  A/INST  B/INST  DELTA/INST  CHANGE  WHERE
    6aa95d31   pay      71  114    35.5    57.0       +21.5          pay.(*Client).retry.func1  pay/client.go:118
    41306e12   pay      10   14     5.0     7.0        +2.0          pay.(*pool).run  pay/client.go:31
    showing 2 of 2 that differ per instance, among 2 signatures.
    exit 0
    ");
    insta::assert_snapshot!(ask(folder.path(), &["db:before.db", "2026-11-24 00:59", "--service", "pay"]), @"
    A  db:before.db  2026-11-24 00:29:00 (+00:00)   1 service, 2/2 instances, 81 goroutines, polled 2026-11-24 00:29:00
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)   1 service, 2/2 instances, 128 goroutines, polled 2026-11-24 00:59:00
    SIGNATURE  SERVICE   A    B  A/INST  B/INST  DELTA/INST  CHANGE  WHERE
    6aa95d31   pay      71  114    35.5    57.0       +21.5          pay.(*Client).retry.func1  pay/client.go:118
    41306e12   pay      10   14     5.0     7.0        +2.0          pay.(*pool).run  pay/client.go:31
    showing 2 of 2 that differ per instance, among 2 signatures.
    exit 0
    ");
}

#[test]
fn sides_that_mean_nothing() {
    let folder = history();
    let wrong = [
        ["soon", "now"],
        ["build:b0", "now"],
        ["build:ffff", "now"],
        ["build:", "now"],
        ["service:nobody", "now"],
        ["db:none.db", "db:goroscope.db"],
    ];
    let said = wrong.map(|sides| ask(folder.path(), &sides));
    insta::assert_snapshot!(said.join("\n\n"), @r#"
    error: `soon` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: a side may be build:DIGITS, service:NAME or db:FILE as well
    exit 2

    error: `b0` begins several build ids: b0b00002, b0de0003; give more digits
    hint: `goroscope sql "select * from lives"` shows builds, and which process was of which
    exit 2

    error: no build id begins with `ffff` among: aaaa0001, b0b00002, b0de0003
    hint: `goroscope sql "select * from lives"` shows builds, and which process was of which
    exit 2

    error: `` begins several build ids: aaaa0001, b0b00002, b0de0003; give more digits
    hint: `goroscope sql "select * from lives"` shows builds, and which process was of which
    exit 2

    error: no service `nobody` in this database; it has: pay, search
    hint: `goroscope query instances` lists what there is
    exit 2

    error: no database at `none.db`
    hint: check how it is spelt: --db, GOROSCOPE_DB or storage.path of the config names it, and `goroscope run` makes it
    exit 1
    "#);
}

#[test]
fn a_time_may_begin_with_a_minus() {
    let folder = history();
    for sides in [["-2h", "now"], ["2h", "now"], ["-2h", "-1h"]] {
        let said = said(
            folder.path(),
            &[&["query", "diff", "-n", "3", "-o", "json"], &sides[..]].concat(),
        );
        assert!(said.ends_with("exit 0"), "{said}");
    }
}
