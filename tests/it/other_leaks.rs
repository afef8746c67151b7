//! Leaks of signatures and of label values: the store stays small, totals stay whole, and both are told.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use goroscope::dump::{Event, Facts, Goroutines, RawFrame, RawLabels};
use goroscope::group::{KeepLabels, StackBook, Tally};
use goroscope::model::{
    Form, Incarnation, InstanceId, Kind, Look, Outcome, Poll, ProcessFacts, Record, Snapshot,
    StartReason, Watch,
};

use crate::blocks::write;
use crate::questions::{built, instance, minute};
use crate::support::{KEEP, number, printed, said};

/// Goroutines of one function, with a label that may be empty.
struct Seen {
    function: String,
    line: u32,
    tenant: String,
    count: u64,
}

fn seen(function: impl Into<String>, count: u64) -> Seen {
    Seen {
        function: function.into(),
        line: 7,
        tenant: String::new(),
        count,
    }
}

fn snapshot(groups: &[Seen], form: Form) -> Snapshot {
    let frame = |function, line| RawFrame {
        function,
        file: b"/src/x.go",
        line,
    };
    let book = StackBook::default();
    let mut tally = Tally::new(&book, KeepLabels::All, None);
    for group in groups {
        let frames = [
            frame(&b"runtime.gopark"[..], 1),
            frame(b"runtime.chanrecv", 1),
            frame(group.function.as_bytes(), group.line),
        ];
        let label = [(&b"tenant"[..], group.tenant.as_bytes())];
        tally.add(Event::Goroutines(Goroutines {
            count: group.count,
            frames: &frames,
            elision: None,
            cut: false,
            leaf_hidden: false,
            labels: (!group.tenant.is_empty()).then_some(RawLabels::Pairs(&label)),
            block: None,
            stack: None,
        }));
    }
    tally.finish(Facts {
        form,
        leaks: false,
        truncated: false,
        process: ProcessFacts::default(),
    })
}

/// One process of one service, polled each minute.
struct Process {
    instance: Arc<InstanceId>,
    life: Arc<Incarnation>,
}

impl Process {
    fn of(service: &str) -> Self {
        Self {
            instance: instance(service, &format!("{service}-1:6060")),
            life: built("b0b0", 0, 1, StartReason::FirstContact),
        }
    }

    fn look(&self, kind: Kind, nth: i64, groups: &[Seen]) -> Record {
        let snapshot = Box::new(snapshot(groups, Form::Proto));
        Record::Poll(Box::new(Poll {
            instance: Arc::clone(&self.instance),
            at: minute(nth),
            look: Look {
                kind,
                took: Duration::from_millis(4),
                outcome: Outcome::Snapshot(Arc::clone(&self.life), snapshot),
            },
        }))
    }

    /// What it shows at each minute, all of it.
    fn history(&self, minutes: i64, groups: impl Fn(i64) -> Vec<Seen>) -> Vec<Record> {
        let mut records = vec![Record::Watch(Watch {
            instance: Arc::clone(&self.instance),
            from: minute(0),
            interval: Duration::from_mins(1),
            labels: Arc::default(),
        })];
        let polls = (0..minutes).map(|nth| self.look(Kind::Pulse, nth, &groups(nth)));
        records.extend(polls);
        records.push(Record::Unwatch {
            instance: Arc::clone(&self.instance),
            from: minute(0),
            to: minute(minutes - 1),
        });
        records
    }
}

fn store(path: &Path, records: Vec<Record>) {
    write(path, KEEP, records, || minute(0), |_| true);
}

fn ask(folder: &Path, question: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command
        .arg("query")
        .args(question)
        .args(["--tz", "utc", "--since", "2026-11-24", "--until"])
        .arg("2026-11-24 04:00")
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB");
    String::from_utf8(printed(&mut command)).unwrap()
}

/// The one row of a statement.
fn row(folder: &Path, database: &str, sql: &str) -> String {
    let said = said(folder, &["sql", "--db", database, "-o", "csv", sql]);
    said.lines().nth(1).unwrap_or(&said).to_owned()
}

/// Ten new functions each minute beside a known leak, in a service that may bring fifty signatures.
fn generated() -> Vec<Record> {
    let mut records = vec![Record::MaxSignatures(50)];
    records.extend(Process::of("gen").history(240, |nth| {
        let new = (0..10).map(|more| seen(format!("gen.f{}", nth * 10 + more), 1));
        let leak = u64::try_from(nth).unwrap() / 2;
        let known = [seen("main.leak", leak + 1), seen("main.serve", 30)];
        known.into_iter().chain(new).collect()
    }));
    records
}

#[test]
fn beyond_the_limit_totals_are_exact_and_a_known_leak_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    store(&path, generated());
    // The one that stands for all others is beside them.
    assert_eq!(number(&path, "SELECT count(*) FROM signature"), 51);
    assert_eq!(number(&path, "SELECT count(*) FROM stack"), 51);
    let events = "SELECT count(*) FROM events WHERE kind = 'signature_limit'";
    assert_eq!(number(&path, events), 1);
    // Each snapshot has 10 + 30 + the leak.
    let whole = "SELECT count(*) FROM tick JOIN (SELECT incarnation_id, at, sum(count) AS count \
                 FROM sample GROUP BY 1, 2) USING (incarnation_id, at) \
                 WHERE count = goroutines AND count >= 41";
    assert_eq!(row(folder.path(), "goroscope.db", whole), "240");
    insta::assert_snapshot!(ask(folder.path(), &["top-growers"]), @"
    window 2026-11-24 00:00 -> 2026-11-24 04:00 (+00:00)   1 service, 1 instance, 240/240 polls, 0 restarts, leaks from +1.7/h on can be GROWING
    gen, since 2026-11-24 00:04:00: it has brought 50 signatures, its limit: goroutines of further ones count as `(signatures beyond the limit)`
    #  SIGNATURE  SERVICE  INST  FIRST  LAST  GROWTH  /HOUR  TREND     STATE         OLDEST  FIRST SEEN        VERDICT  WHERE
    1  d8941107   gen       1/1      1   120    +119  +29.9  ▁▂▃▄▅▆▇█  chan receive       -  2026-11-24 00:00  GROWING  main.leak  src/x.go:7
    showing 1 of 1 (growth >= 3) among 51 signatures, 0 ignored by rule.  next: goroscope query show d8941107
    ");
    insta::assert_snapshot!(said(folder.path(), &["db", "info"]).lines().nth(2).unwrap(), @"gen, since 2026-11-24 00:04:00: it has brought 50 signatures, its limit: goroutines of further ones count as `(signatures beyond the limit)`");
}

#[test]
fn a_leak_in_ever_new_stacks_is_one_of_the_signature_beyond_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = vec![Record::MaxSignatures(50)];
    records.extend(Process::of("gen").history(240, |nth| {
        (0..=nth)
            .map(|new| seen(format!("gen.f{new}"), 1))
            .collect()
    }));
    store(&path, records);
    insta::assert_snapshot!(ask(folder.path(), &["findings"]), @"
    window 2026-11-24 00:00 -> 2026-11-24 04:00 (+00:00)   1 service, 1 instance, 240/240 polls, 0 restarts, leaks from +1.7/h on can be GROWING
    gen, since 2026-11-24 00:50:00: it has brought 50 signatures, its limit: goroutines of further ones count as `(signatures beyond the limit)`
    FINDING  VERDICT  SINCE  SIGNATURE  SERVICE  ON  LAST  GROWTH  >= /HOUR  FIRST SEEN        WHERE
    new      GROWING  -      7255af51   gen       1   190    +190     +47.7  2026-11-24 00:50  (signatures beyond the limit)
    7255af51 gen: hint: +190 to 190 goroutines in `(signatures beyond the limit)`, 190 of 190 in `chan receive`: nobody sends to the channel or closes it; a loop around time.After or a ticker looks the same. Look at who should send or close, on errors too; and who starts this again and again.
    7255af51 gen: gen-1:6060: its lowest count rose from 0 to 173 in 3h 35m (216 pulses behind the warm-up): 100 % of all its movement, 1.1 times as fast in the last third as over the whole, the largest step 10 % of it
    1 new, 0 active, 0 gone, 0 ignored by rule (GROWING or above).  next: goroscope query show 7255af51
    ");
}

#[test]
fn details_count_beyond_the_limit_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let process = Process::of("gen");
    let groups: Vec<Seen> = (0..80).map(|nth| seen(format!("gen.f{nth}"), 2)).collect();
    let records = vec![
        Record::MaxSignatures(50),
        process.look(Kind::Pulse, 0, &[seen("main.serve", 1)]),
        process.look(Kind::Detail, 0, &groups),
    ];
    store(&path, records);
    assert_eq!(number(&path, "SELECT count(*) FROM signature"), 51);
    let reader = goroscope::store::Reader::open(&path).unwrap();
    let detail = reader.last_detail(1, (minute(0), minute(1)), None).unwrap();
    let groups = detail.unwrap().groups;
    assert_eq!(groups.len(), 50);
    assert_eq!(groups.values().map(|group| group.count).sum::<u64>(), 160);
}

/// Lines of generated code differ for ever: beyond ten stacks for each signature they are not kept.
#[test]
fn stacks_of_known_signatures_have_a_limit_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = vec![Record::MaxSignatures(2)];
    records.extend(Process::of("gen").history(60, |nth| {
        let line = u32::try_from(nth).unwrap();
        let moves = Seen {
            line,
            ..seen("gen.moves", 3)
        };
        let other = Seen {
            line: line + 100,
            ..seen("gen.moves", 2)
        };
        vec![moves, other]
    }));
    store(&path, records);
    assert_eq!(number(&path, "SELECT count(*) FROM signature"), 1);
    assert_eq!(number(&path, "SELECT count(*) FROM stack"), 20);
    let sum =
        "SELECT sum(count), min(count) FROM (SELECT sum(count) AS count FROM sample GROUP BY at)";
    assert_eq!(row(folder.path(), "goroscope.db", sum), "300,5");
    let events = "SELECT text FROM events WHERE kind = 'signature_limit'";
    insta::assert_snapshot!(row(folder.path(), "goroscope.db", events), @r#""it has brought 20 stacks, its limit: further ones count as the newest known one of their signature, whose lines may be others""#);
}

/// A label that never comes twice, such as the id of a request.
#[test]
fn label_sets_have_a_limit_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let process = Process::of("gen");
    let mut records = vec![Record::MaxSignatures(3)];
    for nth in 0..20 {
        let requests: Vec<Seen> = (0..5)
            .map(|more| Seen {
                tenant: format!("request-{}", nth * 5 + more),
                ..seen("gen.serve", 2)
            })
            .collect();
        records.push(process.look(Kind::Pulse, nth, &requests));
        records.push(process.look(Kind::Detail, nth, &requests));
    }
    store(&path, records);
    // Thirty, and `(other)`.
    assert_eq!(number(&path, "SELECT count(*) FROM label_set"), 31);
    let sum = "SELECT sum(count), count(DISTINCT at) FROM sample";
    assert_eq!(row(folder.path(), "goroscope.db", sum), "200,20");
    let other = "SELECT sum(count), max(count) FROM samples WHERE labels LIKE '%(other)%'";
    assert_eq!(row(folder.path(), "goroscope.db", other), "140,10");
    let events = "SELECT text FROM events WHERE kind = 'signature_limit'";
    insta::assert_snapshot!(row(folder.path(), "goroscope.db", events), @r#""the database has 30 rows of `label_set`, its limit: further ones count as `(other)`""#);
}

/// An export of a history and its import are the same, and an import has the same limit.
#[test]
fn an_import_goes_by_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from.db");
    let mut records = generated();
    records[0] = Record::MaxSignatures(1_000_000);
    store(&from, records);
    assert_eq!(number(&from, "SELECT count(*) FROM signature"), 2_402);
    let lines = said(folder.path(), &["export", "--db", "from.db"]);
    std::fs::write(
        folder.path().join("lines.ndjson"),
        lines.replace("exit 0", ""),
    )
    .unwrap();
    let to = folder.path().join("to.db");
    store(&to, vec![Record::MaxSignatures(50)]);
    said(folder.path(), &["import", "lines.ndjson", "--db", "to.db"]);
    assert_eq!(number(&to, "SELECT count(*) FROM signature"), 51);
    let sum = "SELECT sum(count) FROM sample";
    let sums = ["from.db", "to.db"].map(|database| row(folder.path(), database, sum));
    assert_eq!(sums[0], sums[1]);
    // What stands for the others is what anyone would make of its frame.
    let lines = said(folder.path(), &["export", "--db", "to.db"]);
    std::fs::write(
        folder.path().join("lines.ndjson"),
        lines.replace("exit 0", ""),
    )
    .unwrap();
    said(
        folder.path(),
        &["import", "lines.ndjson", "--db", "again.db"],
    );
    let beyond =
        "SELECT signature, count(*), sum(count) FROM samples WHERE function LIKE '(%' GROUP BY 1";
    let sums = ["to.db", "again.db"].map(|database| row(folder.path(), database, beyond));
    assert_eq!(sums[0], sums[1]);
    assert_eq!(
        number(
            &folder.path().join("again.db"),
            "SELECT count(*) FROM stack"
        ),
        51
    );
}

#[test]
fn distinct_signatures_that_stay_are_a_leak() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let mut records = Process::of("gen").history(240, |nth| {
        let own = (0..nth / 3).map(|new| seen(format!("gen.f{new}"), 1));
        own.chain([seen("main.serve", 9)]).collect()
    });
    records.extend(Process::of("pay").history(240, |nth| {
        let busy = (0..20 + nth % 7).map(|busy| seen(format!("pay.f{busy}"), 1));
        busy.collect()
    }));
    store(&path, records);
    insta::assert_snapshot!(ask(folder.path(), &["findings"]), @"
    window 2026-11-24 00:00 -> 2026-11-24 04:00 (+00:00)   2 services, 2 instances, 480/480 polls, 0 restarts, leaks from +1.7/h on can be GROWING
    gen: distinct signatures in one process went from 1 to 80 (+19.8/h): GROWING: gen-1:6060: its lowest count rose from 9 to 75 in 3h 35m (216 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 9 % of it
    0 new, 0 active, 0 gone, 0 ignored by rule (GROWING or above).
    polled for 3h 59m: slower leaks than +1.7/h an instance do not show in that time
    ");
    insta::assert_snapshot!(ask(folder.path(), &["top-growers", "-o", "json"]), @r#"{"schema":"goroscope.top-growers/v1","window":{"since":"2026-11-24T00:00:00.000Z","until":"2026-11-24T04:00:00.000Z","polled_since":"2026-11-24T00:00:00.000Z","polled_until":"2026-11-24T03:59:00.000Z","kept_since":null,"days_since":null,"resolution":{"by_poll":2,"by_ten_minutes":0,"by_day":0},"daemon_silent_since":null,"polls_ok":480,"polls_due":480,"restarts":0,"min_detectable_per_hour":1.744186046511628,"services":2,"instances":2,"pauses":[],"rules_ended":[],"analysis_unread":[],"signature_limits":[]},"total":106,"matched":0,"shown":0,"ignored":0,"min_growth":3,"signatures":[{"service":"gen","counted":"at_once","instance":"gen-1:6060","instances_growing":1,"first":1,"last":80,"growth":79,"per_hour":19.832635983263597,"verdict":"GROWING","evidence":["gen-1:6060: its lowest count rose from 9 to 75 in 3h 35m (216 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 9 % of it"]}],"rows":[]}"#);
}

#[test]
fn new_signatures_that_come_and_go_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    store(&path, {
        Process::of("gen").history(240, |nth| {
            vec![seen("main.serve", 9), seen(format!("gen.f{nth}"), 1)]
        })
    });
    insta::assert_snapshot!(ask(folder.path(), &["top-growers"]), @"
    window 2026-11-24 00:00 -> 2026-11-24 04:00 (+00:00)   1 service, 1 instance, 240/240 polls, 0 restarts, leaks from +1.7/h on can be GROWING
    gen: signatures ever seen went from 61 to 241 (+60.3/h): SUSPECT: 180 signatures were seen for the first time within 2h 59m, 60 of them in the last third of it; 61 were known before
    showing 0 of 0 (growth >= 3) among 241 signatures, 0 ignored by rule.  nothing grew and stayed.
    polled for 3h 59m: slower leaks than +1.7/h an instance do not show in that time
    ");
}

#[test]
fn the_label_value_that_carries_the_growth() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    store(&path, {
        Process::of("pay").history(240, |nth| {
            let count = u64::try_from(nth).unwrap();
            let of = |tenant, count| Seen {
                tenant: String::from(tenant),
                ..seen("pay.wait", count)
            };
            vec![
                of("acme", count + 1),
                of("globex", 5 + count / 12),
                of("", 40),
            ]
        })
    });
    let signature = ask(folder.path(), &["top-growers"]);
    let signature = signature
        .split_whitespace()
        .find(|word| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit()));
    let shown = ask(folder.path(), &["show", signature.unwrap()]);
    insta::assert_snapshot!(shown, @r#"
    window 2026-11-24 00:00 -> 2026-11-24 04:00 (+00:00)   1 service, 1 instance, 240/240 polls, 0 restarts, leaks from +1.7/h on can be GROWING
    signature   44e256313499e107c1e441ee5dcc5c3e
    where       pay.wait  src/x.go:7
    verdict     GROWING in pay
    hint        +258 to 304 goroutines in `pay.wait`, 304 of 304 in `chan receive`: nobody sends to the channel or closes it; a loop around time.After or a ticker looks the same. Look at who should send or close, on errors too; and who starts this again and again.
    first seen  2026-11-24 00:00:00 in pay at pay-1:6060, build b0b0
    labels      tenant=acme: 1 -> 240 (+239), 93 % of the growth
    labels      tenant=globex: 5 -> 24 (+19), 7 % of the growth
    labels      no labels: 40 -> 40 (+0)

    SERVICE  INSTANCE    FIRST  LAST  GROWTH  /HOUR  TREND     OLDEST  MARKED  VERDICT
    pay      pay-1:6060     46   304    +258  +64.8  ▁▁▃▃▅▅▇█       -       0  GROWING
    pay pay-1:6060: its lowest count rose from 72 to 286 in 3h 35m (216 pulses behind the warm-up): 100 % of all its movement, 1.0 times as fast in the last third as over the whole, the largest step 9 % of it; +65.0/h (90 %: +64.8 to +65.1); chan receive 304

    around its first sighting at pay-1:6060, 1h: 2026-11-24 00:00:00 -> 2026-11-24 01:00:00
      ▁▁▂▃▄▅▆█
      48 50 53 55 59 61 64 66 69 72 75 77 80 82 86 88 91 93 96 99 102 104 107 111

    stack, leaf first
      runtime.gopark
          /src/x.go:1
      runtime.chanrecv
          /src/x.go:1
      pay.wait
          /src/x.go:7

    where this is fine, for goroscope.toml
    [[ignore]]
    top_function = "pay.wait"
    service = "pay"
    max_count = 335
    reason = "why this is fine"  # Say it here.
    until = 2027-02-24
    "#);
    let json = ask(folder.path(), &["show", signature.unwrap(), "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    insta::assert_snapshot!(json["labels"], @r#"[{"first":1,"growth":239,"last":240,"set":{"tenant":"acme"},"share":0.9263565891472868},{"first":5,"growth":19,"last":24,"set":{"tenant":"globex"},"share":0.07364341085271318},{"first":40,"growth":0,"last":40,"set":{},"share":0.0}]"#);
}
