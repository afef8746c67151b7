//! Whole answers over one small history: a leak, a busy pool, a restart, a failure and a gap.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use goroscope::dump::{Event, Facts, Goroutines, RawFrame};
use goroscope::group::{KeepLabels, StackBook, Tally};
use goroscope::model::{
    Failure, FailureReason, Form, Incarnation, InstanceId, Kind, Look, Outcome, Poll, ProcessFacts,
    Record, StartReason, Timestamp, Watch,
};
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, Writer};

use crate::support::{KEEP, printed};

/// 2026-11-24 00:00 UTC.
const MIDNIGHT: i64 = 1_795_478_400_000;
const MINUTE: i64 = 60_000;

pub(crate) fn minute(nth: i64) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT + nth * MINUTE)
}

pub(crate) fn instance(service: &str, address: &str) -> Arc<InstanceId> {
    Arc::new(InstanceId {
        service: service.into(),
        scheme: "http".into(),
        address: address.into(),
        path: "/debug/pprof".into(),
    })
}

fn process(since: i64, vdso: u64, reason: StartReason) -> Arc<Incarnation> {
    built("b0b0b0b0b0b0b0b0", since, vdso, reason)
}

/// A process of a build.
pub(crate) fn built(build: &str, since: i64, vdso: u64, reason: StartReason) -> Arc<Incarnation> {
    let build_id = Some(build.to_owned());
    let facts = ProcessFacts {
        build_id,
        vdso: Some(vdso),
        heap_high: None,
    };
    Arc::new(Incarnation {
        since: minute(since),
        reason,
        facts,
    })
}

/// A pulse with `leak` goroutines in the leak and `busy` in the pool.
pub(crate) fn pulse(
    at: &Arc<InstanceId>,
    nth: i64,
    life: &Arc<Incarnation>,
    leak: u64,
    busy: u64,
) -> Record {
    let frame = |function: &'static str, file: &'static str, line| RawFrame {
        function: function.as_bytes(),
        file: file.as_bytes(),
        line,
    };
    let (park, go) = (
        frame("runtime.gopark", "/go/proc.go", 474),
        "/src/acme/pay/client.go",
    );
    let send = frame("runtime.chansend", "/go/chan.go", 283);
    let leaking = [
        park,
        send,
        frame("acme.io/pay.(*Client).retry.func1", go, 118),
    ];
    let receive = frame("runtime.chanrecv", "/go/chan.go", 667);
    let pooled = [park, receive, frame("acme.io/pay.(*pool).run", go, 31)];
    let book = StackBook::default();
    let mut tally = Tally::new(&book, KeepLabels::All, None);
    for (count, frames) in [(leak, &leaking), (busy, &pooled)] {
        let elision = None;
        let (cut, labels, block) = (false, None, None);
        tally.add(Event::Goroutines(Goroutines {
            count,
            frames,
            elision,
            cut,
            leaf_hidden: false,
            labels,
            block,
            stack: None,
        }));
    }
    let process = life.facts.clone();
    let snapshot = tally.finish(Facts {
        form: Form::Proto,
        leaks: false,
        truncated: false,
        process,
    });
    poll(
        at,
        nth,
        Outcome::Snapshot(Arc::clone(life), Box::new(snapshot)),
    )
}

pub(crate) fn poll(at: &Arc<InstanceId>, nth: i64, outcome: Outcome) -> Record {
    let look = Look {
        kind: Kind::Pulse,
        took: Duration::from_millis(4),
        outcome,
    };
    Record::Poll(Box::new(Poll {
        instance: Arc::clone(at),
        at: minute(nth),
        look,
    }))
}

/// Half an hour of two instances of one service, a poll a minute.
pub(crate) fn history() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let lock = DaemonLock::take(&path).unwrap();
    let (writer, records) = Writer::start(&path, lock, KEEP, Arc::new(Counters::default()), || {
        minute(30)
    })
    .unwrap();
    let (one, two) = (instance("pay", "pay-1:6060"), instance("pay", "pay-2:6060"));
    let first = process(0, 1, StartReason::FirstContact);
    let (old, new) = (first.clone(), process(16, 2, StartReason::Vdso));
    let send = |record| records.send(record).unwrap();
    for instance in [&one, &two] {
        send(Record::Watch(Watch {
            instance: Arc::clone(instance),
            from: minute(0),
            interval: Duration::from_mins(1),
            labels: Arc::default(),
        }));
    }
    for nth in 0..30 {
        let busy = [4, 9, 2, 7, 5][usize::try_from(nth % 5).unwrap()];
        let leak = u64::try_from(nth).unwrap();
        // Two polls of the first instance were due and not made.
        if nth != 7 && nth != 8 {
            send(pulse(&one, nth, &first, 2 * leak, busy));
        }
        send(match nth {
            0..=13 => pulse(&two, nth, &old, leak, busy),
            14 | 15 => {
                let reason = FailureReason::Connect;
                let message = "no connection: Connection refused (os error 111)".to_owned();
                poll(&two, nth, Outcome::Failed(Failure { reason, message }))
            }
            _ => pulse(&two, nth, &new, leak - 16, busy),
        });
    }
    for instance in [one, two] {
        let (from, to) = (minute(0), minute(29));
        send(Record::Unwatch { instance, from, to });
    }
    drop(records);
    assert!(writer.join());
    folder
}

/// What a question in that folder prints.
pub(crate) fn ask(folder: &tempfile::TempDir, question: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command
        .arg("query")
        .args(question)
        .args([
            "--tz",
            "utc",
            "--since",
            "2026-11-24",
            "--until",
            "2026-11-24 00:30",
        ])
        .current_dir(folder.path())
        .env_remove("GOROSCOPE_DB");
    String::from_utf8(printed(&mut command)).unwrap()
}

/// The signature of the leak.
pub(crate) fn leak(folder: &tempfile::TempDir) -> String {
    let growers: serde_json::Value =
        serde_json::from_str(&ask(folder, &["top-growers", "-o", "json"])).unwrap();
    growers["rows"][0]["signature"].as_str().unwrap().to_owned()
}

#[test]
fn top_growers() {
    let folder = history();
    insta::assert_snapshot!(ask(&folder, &["top-growers"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    #  SIGNATURE  SERVICE  INST  FIRST  LAST  GROWTH   /HOUR  TREND     STATE      OLDEST  FIRST SEEN        VERDICT  WHERE
    1  6aa95d31   pay       2/2      0    71     +84  +180.0  ▁▂▃▄▄▅▆█  chan send       -  2026-11-24 00:01  SUSPECT  pay.(*Client).retry.func1  pay/client.go:118
    showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  next: goroscope query show 6aa95d31
    ");
    insta::assert_snapshot!(ask(&folder, &["top-growers", "--all", "--min-growth=-100"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    #  SIGNATURE  SERVICE  INST  FIRST  LAST  GROWTH   /HOUR  TREND     STATE         OLDEST  FIRST SEEN        VERDICT       WHERE
    1  6aa95d31   pay       2/2      0    71     +84  +180.0  ▁▂▃▄▄▅▆█  chan send          -  2026-11-24 00:01  SUSPECT       pay.(*Client).retry.func1  pay/client.go:118
    2  41306e12   pay       0/2      8    10      +0   -0.24  ▅▃▁▃▅█▁▂  chan receive       -  2026-11-24 00:00  INSUFFICIENT  pay.(*pool).run  pay/client.go:31
    showing 2 of 2 (growth >= -100) among 2 signatures, 0 ignored by rule.  next: goroscope query show 6aa95d31
    ");
    insta::assert_snapshot!(ask(&folder, &["top-growers", "-o", "json"]), @r#"{"schema":"goroscope.top-growers/v1","window":{"since":"2026-11-24T00:00:00.000Z","until":"2026-11-24T00:30:00.000Z","polled_since":"2026-11-24T00:00:00.000Z","polled_until":"2026-11-24T00:29:00.000Z","kept_since":null,"days_since":null,"resolution":{"by_poll":3,"by_ten_minutes":0,"by_day":0},"daemon_silent_since":null,"polls_ok":56,"polls_due":60,"restarts":1,"min_detectable_per_hour":null,"services":1,"instances":2,"pauses":[],"rules_ended":[],"analysis_unread":[],"signature_limits":[]},"total":2,"matched":1,"shown":1,"ignored":0,"min_growth":3,"signatures":[],"rows":[{"signature":"6aa95d31c1c0a9d41f483bd650b6e0ef","service":"pay","instances_growing":2,"instances":2,"first":0,"last":71,"growth":84,"per_hour":180.0,"per_hour_low":180.0,"rms":42.02975136733502,"hours_to_limit":null,"states":{"chan send":71},"oldest_wait_seconds":null,"first_seen":{"at":"2026-11-24T00:01:00.000Z","instance":"pay-1:6060","build":"b0b0b0b0b0b0b0b0"},"verdict":"SUSPECT","proof":null,"evidence":["pay-1:6060: grew from 0 to 58 in 29m (28 pulses) and was never below 40 in the last third of that time","pay-2:6060: grew from 0 to 13 in 13m (14 pulses) and was never below 9 in the last third of that time"],"hint":{"pattern":"abandoned-result","seen":"+84 to 71 goroutines in `acme.io/pay.(*Client).retry.func1`, 71 of 71 in `chan send`","means":"a function literal sends its result when nobody receives it any more: its maker took a time-out or another case, or returned early","look":"the function around this literal: give the channel room for the result (`make(chan T, 1)`), or send in a `select` with ctx.Done()"},"where":{"function":"acme.io/pay.(*Client).retry.func1","file":"/src/acme/pay/client.go","line":118},"labels":[],"created_by":null,"trend":[3,6,9,12,18,19,20,27,30,36,39,41,43,32,38,41,44,47,50,56,59,62,65,71],"ignored":null}]}"#);
}

#[test]
fn shared() {
    insta::assert_snapshot!(ask(&history(), &["shared"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart

    6aa95d31  +84 on 2 instances of 1 service  pay.(*Client).retry.func1  pay/client.go:118
    SERVICE  INSTANCE    COUNT  GROWTH  FIRST SEEN        BUILD
    pay      pay-1:6060     58     +58  2026-11-24 00:01  b0b0b0b0b0b0
    pay      pay-2:6060     13     +26  2026-11-24 00:01  b0b0b0b0b0b0

    showing 1 of 1 signatures that grow on two or more instances, 0 ignored by rule.  next: goroscope query show 6aa95d31
    ");
}

#[test]
fn first_seen() {
    insta::assert_snapshot!(ask(&history(), &["first-seen"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    FIRST SEEN            SIGNATURE  SERVICE  INSTANCE    BUILD         LAST  GROWTH  VERDICT       WHERE
    2026-11-24 00:01:00   6aa95d31   pay      pay-1:6060  b0b0b0b0b0b0    71     +84  SUSPECT       pay.(*Client).retry.func1  pay/client.go:118
    2026-11-24 00:00:00*  41306e12   pay      pay-1:6060  b0b0b0b0b0b0    10      +0  INSUFFICIENT  pay.(*pool).run  pay/client.go:31
    showing 2 of 2 signatures first seen in this window.  *: there when its process was looked at first.  next: goroscope query history 6aa95d31
    ");
}

#[test]
fn show() {
    let folder = history();
    let signature = leak(&folder);
    insta::assert_snapshot!(ask(&folder, &["show", signature.get(..4).unwrap()]), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    signature   6aa95d31c1c0a9d41f483bd650b6e0ef
    where       pay.(*Client).retry.func1  pay/client.go:118
    verdict     SUSPECT in pay
    hint        +84 to 71 goroutines in `acme.io/pay.(*Client).retry.func1`, 71 of 71 in `chan send`: a function literal sends its result when nobody receives it any more: its maker took a time-out or another case, or returned early. Look at the function around this literal: give the channel room for the result (`make(chan T, 1)`), or send in a `select` with ctx.Done().
    first seen  2026-11-24 00:01:00 in pay at pay-1:6060, build b0b0b0b0b0b0

    SERVICE  INSTANCE    FIRST  LAST  GROWTH   /HOUR  TREND     OLDEST  MARKED  VERDICT
    pay      pay-1:6060      0    58     +58  +120.0  ▁▁▂▃▅▅▆█       -       0  SUSPECT
    pay      pay-2:6060      0    13     +26   +60.0  ▁▄▆█▁▂▅█       -       0  SUSPECT
    pay pay-1:6060: grew from 0 to 58 in 29m (28 pulses) and was never below 40 in the last third of that time; +120.0/h (90 %: +120.0 to +120.0); chan send 58
    pay pay-2:6060: grew from 0 to 13 in 13m (14 pulses) and was never below 9 in the last third of that time; +60.0/h (90 %: +60.0 to +60.0); chan send 13

    around its first sighting at pay-1:6060, 29m: 2026-11-24 00:00:00 -> 2026-11-24 00:29:00
      ▁▁▂▃▅▅▆█
      2 4 6 8 12 12 12 18 20 24 26 28 30 32 36 38 40 42 44 48 50 52 54 58

    stack, leaf first
      runtime.gopark
          /go/proc.go:474
      runtime.chansend
          /go/chan.go:283
      acme.io/pay.(*Client).retry.func1
          /src/acme/pay/client.go:118

    where this is fine, for goroscope.toml
    [[ignore]]
    top_function = "acme.io/pay.(*Client).retry.func1"
    service = "pay"
    max_count = 79
    reason = "why this is fine"  # Say it here.
    until = 2027-02-24
    "#);
}

#[test]
fn gaps_failures_and_restarts_are_not_zeros() {
    let folder = history();
    let signature = leak(&folder);
    insta::assert_snapshot!(ask(&folder, &["history", signature.get(..8).unwrap()]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    6aa95d31c1c0a9d41f483bd650b6e0ef  pay.(*Client).retry.func1  pay/client.go:118

    pay pay-1:6060
    FROM                 POLLS  COUNT  LOWEST  HIGHEST  NOTE
    2026-11-24 00:00:00      2      2       0        2
    2026-11-24 00:02:00      1      4       4        4
    2026-11-24 00:03:00      1      6       6        6
    2026-11-24 00:04:00      1      8       8        8
    2026-11-24 00:05:00      2     12      10       12
    2026-11-24 00:07:00      0      ?       ?        ?  1 unknown (not_made)
    2026-11-24 00:08:00      0      ?       ?        ?  1 unknown (not_made)
    2026-11-24 00:09:00      1     18      18       18
    2026-11-24 00:10:00      2     22      20       22
    2026-11-24 00:12:00      1     24      24       24
    2026-11-24 00:13:00      1     26      26       26
    2026-11-24 00:14:00      1     28      28       28
    2026-11-24 00:15:00      2     32      30       32
    2026-11-24 00:17:00      1     34      34       34
    2026-11-24 00:18:00      1     36      36       36
    2026-11-24 00:19:00      1     38      38       38
    2026-11-24 00:20:00      2     42      40       42
    2026-11-24 00:22:00      1     44      44       44
    2026-11-24 00:23:00      1     46      46       46
    2026-11-24 00:24:00      1     48      48       48
    2026-11-24 00:25:00      2     52      50       52
    2026-11-24 00:27:00      1     54      54       54
    2026-11-24 00:28:00      1     56      56       56
    2026-11-24 00:29:00      1     58      58       58

    pay pay-2:6060
    FROM                 POLLS  COUNT  LOWEST  HIGHEST  NOTE
    2026-11-24 00:00:00      2      1       0        1
    2026-11-24 00:02:00      1      2       2        2
    2026-11-24 00:03:00      1      3       3        3
    2026-11-24 00:04:00      1      4       4        4
    2026-11-24 00:05:00      2      6       5        6
    2026-11-24 00:07:00      1      7       7        7
    2026-11-24 00:08:00      1      8       8        8
    2026-11-24 00:09:00      1      9       9        9
    2026-11-24 00:10:00      2     11      10       11
    2026-11-24 00:12:00      1     12      12       12
    2026-11-24 00:13:00      1     13      13       13
    2026-11-24 00:14:00      0      ?       ?        ?  1 unknown (connect)
    2026-11-24 00:15:00      0      ?       ?        ?  1 unknown (connect)
    2026-11-24 00:16:00      1      0       0        0  restarted, first seen 2026-11-24 00:16:00
    2026-11-24 00:17:00      1      1       1        1
    2026-11-24 00:18:00      1      2       2        2
    2026-11-24 00:19:00      1      3       3        3
    2026-11-24 00:20:00      2      5       4        5
    2026-11-24 00:22:00      1      6       6        6
    2026-11-24 00:23:00      1      7       7        7
    2026-11-24 00:24:00      1      8       8        8
    2026-11-24 00:25:00      2     10       9       10
    2026-11-24 00:27:00      1     11      11       11
    2026-11-24 00:28:00      1     12      12       12
    2026-11-24 00:29:00      1     13      13       13

    60 polls drawn together; -o json has each one.
    ");
}

#[test]
fn every_unknown_poll_has_its_reason() {
    let folder = history();
    let signature = leak(&folder);
    let history: serde_json::Value =
        serde_json::from_str(&ask(&folder, &["history", &signature, "-o", "json"])).unwrap();
    let unknown: Vec<String> = history["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !row["unknown"].is_null())
        .map(|row| format!("{} {} {}", row["instance"], row["at"], row["unknown"]))
        .collect();
    insta::assert_snapshot!(unknown.join("\n"), @r#"
    "pay-1:6060" "2026-11-24T00:07:00.000Z" "not_made"
    "pay-1:6060" "2026-11-24T00:08:00.000Z" "not_made"
    "pay-2:6060" "2026-11-24T00:14:00.000Z" "connect"
    "pay-2:6060" "2026-11-24T00:15:00.000Z" "connect"
    "#);
}

#[test]
fn instances() {
    insta::assert_snapshot!(ask(&history(), &["instances"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    SERVICE  INSTANCE    LAST POLL            OUTCOME  GOROUTINES  POLLS  PROCESSES  BUILD         REASON
    pay      pay-1:6060  2026-11-24 00:29:00  ok               63  28/30          1  b0b0b0b0b0b0
    pay      pay-2:6060  2026-11-24 00:29:00  ok               18  28/30          2  b0b0b0b0b0b0  2 connect
    ");
}
