//! Ignore rules: what they match, how they are kept in the database, and what is said of them.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use goroscope::analyse::{IgnoreRules, Subject, is_meant};
use goroscope::config::{self, Environment};
use goroscope::model::{Analysis, Frame, IgnoreRule, Record, Thresholds, Timestamp};
use goroscope::observe::Counters;
use goroscope::present::{escape_toml, text};
use goroscope::query::{RuleDraft, Where};
use goroscope::store::{DaemonLock, Reader, Writer};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::questions::{history, minute};
use crate::support::daemon::Daemon;
use crate::support::{KEEP, said};

fn frames(functions: &[&str]) -> Vec<Frame> {
    let frame = |function: &&str| Frame {
        function: (*function).into(),
        file: "/src/main.go".into(),
        line: 1,
    };
    functions.iter().map(frame).collect()
}

/// A rule from its JSON, as it is kept in the database, with a reason.
fn rule(keys: &str) -> IgnoreRule {
    serde_json::from_str(&format!(r#"{{"reason": "fine", {keys}}}"#)).unwrap()
}

#[test]
fn patterns_and_functions() {
    let functions = [
        "net.(*netFD).Read",
        "net.(*conn).Read",
        "net.conn.Read",
        "main.work",
        "main.work.func1",
        "example.com/main.work",
    ];
    let patterns = [
        "main.work",
        "main.work*",
        "*main.work",
        "main.*",
        "*.func1",
        "net.(*netFD).Read",
        // A `*` behind `(` is no wildcard; a second one is.
        "net.(*).Read",
        "net.(**).Read",
        "net.*Read",
        "net.*.Read",
        "*e*k*",
        "main.work**",
        "work",
        "",
    ];
    let mut told = String::new();
    for pattern in patterns {
        let meant = functions.iter().filter(|name| is_meant(pattern, name));
        let meant: Vec<&str> = meant.copied().collect();
        writeln!(told, "{pattern:18} {}", meant.join("  ").trim_end()).unwrap();
    }
    assert_snapshot!(told, @"
    main.work          main.work
    main.work*         main.work  main.work.func1
    *main.work         main.work  example.com/main.work
    main.*             main.work  main.work.func1
    *.func1            main.work.func1
    net.(*netFD).Read  net.(*netFD).Read
    net.(*).Read       
    net.(**).Read      net.(*netFD).Read  net.(*conn).Read
    net.*Read          net.(*netFD).Read  net.(*conn).Read  net.conn.Read
    net.*.Read         net.(*netFD).Read  net.(*conn).Read  net.conn.Read
    *e*k*              example.com/main.work
    main.work**        main.work  main.work.func1
    work
    ");
}

proptest! {
    /// Every name is a pattern of itself, whatever stars are in it.
    #[test]
    fn a_name_means_itself(name in "[a-c.(*)\\[\\]]{0,12}") {
        prop_assert!(is_meant(&name, &name));
    }

    /// What stands for characters may stand for any of them, at any place but behind `(`.
    #[test]
    fn a_wildcard_stands_for_anything(
        before in "[a-c.*]{0,4}", between in "[a-c.(*)]{0,4}", after in "[a-c.*]{0,4}",
    ) {
        let pattern = format!("{before}*{after}");
        let name = format!("{before}{between}{after}");
        prop_assert!(is_meant(&pattern, &name));
    }
}

/// A signature of one service: a stack of three, `main.work` to look at, started by `main.start`.
fn holding(rules: &[&str], count: u64, created_by: Option<&str>, at: &str) -> String {
    let frames = frames(&["runtime.gopark", "main.work", "main.(*pool).run"]);
    let rules = IgnoreRules::new(rules.iter().map(|keys| rule(keys)).collect());
    let subject = Subject {
        service: "checkout",
        frames: &frames,
        where_function: "main.work",
        created_by,
        count,
    };
    let at = Timestamp::from_rfc3339(at).unwrap();
    rules.rule_for(&subject, at).map_or_else(
        || "-".to_owned(),
        |rule| serde_json::to_string(rule).unwrap(),
    )
}

#[test]
fn all_that_a_rule_says_must_hold() {
    let mut told = String::new();
    for keys in [
        r#""top_function": "main.work""#,
        r#""top_function": "main.(*pool).run""#,
        r#""any_function": "main.(*pool).run""#,
        r#""any_function": "runtime.*""#,
        r#""any_function": "main.start""#,
        r#""created_by": "main.start""#,
        r#""created_by": "main.work""#,
        r#""top_function": "main.work", "created_by": "main.other""#,
        r#""top_function": "main.work", "service": "checkout""#,
        r#""top_function": "main.work", "service": "billing""#,
        r#""top_function": "main.work", "max_count": 4"#,
        r#""top_function": "main.work", "max_count": 3"#,
        r#""top_function": "main.work", "until": "2026-11-24T08:00:00Z""#,
        r#""top_function": "main.work", "until": "2026-11-24T07:59:59.999Z""#,
    ] {
        let known = holding(&[keys], 4, Some("main.start"), "2026-11-24T08:00:00Z");
        let unknown = holding(&[keys], 4, None, "2026-11-24T08:00:00Z");
        let say = |held: &str| if held == "-" { "no" } else { "yes" };
        writeln!(told, "{:3} {:3} {keys}", say(&known), say(&unknown)).unwrap();
    }
    assert_snapshot!(told, @r#"
    yes yes "top_function": "main.work"
    no  no  "top_function": "main.(*pool).run"
    yes yes "any_function": "main.(*pool).run"
    yes yes "any_function": "runtime.*"
    yes no  "any_function": "main.start"
    yes no  "created_by": "main.start"
    no  no  "created_by": "main.work"
    no  no  "top_function": "main.work", "created_by": "main.other"
    yes yes "top_function": "main.work", "service": "checkout"
    no  no  "top_function": "main.work", "service": "billing"
    yes yes "top_function": "main.work", "max_count": 4
    no  no  "top_function": "main.work", "max_count": 3
    yes yes "top_function": "main.work", "until": "2026-11-24T08:00:00Z"
    no  no  "top_function": "main.work", "until": "2026-11-24T07:59:59.999Z"
    "#);
}

#[test]
fn the_first_rule_that_holds_is_the_reason() {
    let rules = [
        r#""top_function": "main.work", "until": "2026-11-23T08:00:00Z""#,
        r#""any_function": "main.*", "max_count": 9"#,
        r#""any_function": "main.*""#,
    ];
    let few = holding(&rules, 9, None, "2026-11-24T08:00:00Z");
    let many = holding(&rules, 10, None, "2026-11-24T08:00:00Z");
    assert_snapshot!(format!("{few}\n{many}"), @r#"
    {"top_function":null,"any_function":"main.*","created_by":null,"service":null,"max_count":9,"reason":"fine","until":null}
    {"top_function":null,"any_function":"main.*","created_by":null,"service":null,"max_count":null,"reason":"fine","until":null}
    "#);
}

/// Stores what answers go by, as a daemon does.
fn tell(database: &Path, analysis: Analysis) {
    let lock = DaemonLock::take(database).unwrap();
    let now = || minute(30);
    let (writer, records) =
        Writer::start(database, lock, KEEP, Arc::new(Counters::default()), now).unwrap();
    records.send(Record::Analysis(Box::new(analysis))).unwrap();
    drop(records);
    assert!(writer.join());
}

/// Thresholds and rules that a database has, and what of them cannot be read.
fn known(database: &Path) -> String {
    let reader = Reader::open(database).unwrap();
    let thresholds = reader.thresholds().unwrap();
    let usual = thresholds == Thresholds::default();
    let mut told = format!(
        "min_growth {}, all as usual: {usual}\n",
        thresholds.min_growth
    );
    for rule in reader.ignore_rules().unwrap() {
        writeln!(told, "{}", serde_json::to_string(rule).unwrap()).unwrap();
    }
    for unread in reader.unread_analysis().unwrap() {
        writeln!(told, "{}: {}", unread.key, unread.why).unwrap();
    }
    told
}

#[test]
fn a_database_keeps_what_it_was_told_last() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("goroscope.db");
    tell(&database, Analysis::default());
    let mut told = known(&database);
    tell(
        &database,
        Analysis {
            thresholds: Thresholds {
                min_growth: 10,
                ..Thresholds::default()
            },
            ignore: vec![rule(r#""top_function": "main.work", "max_count": 4"#)],
        },
    );
    told += &known(&database);
    let sql = rusqlite::Connection::open(&database).unwrap();
    sql.execute_batch(
        r#"UPDATE meta SET value = '{"min_growth": 7, "of_a_later_goroscope": 1}' WHERE key = 'analysis';
           UPDATE meta SET value = '[{"reason": "fine", "only_on": "mondays"}]' WHERE key = 'ignore'"#,
    )
    .unwrap();
    told += &known(&database);
    sql.execute_batch("DELETE FROM meta").unwrap();
    told += &known(&database);
    assert_snapshot!(told, @r#"
    min_growth 3, all as usual: true
    min_growth 10, all as usual: false
    {"top_function":"main.work","any_function":null,"created_by":null,"service":null,"max_count":4,"reason":"fine","until":null}
    min_growth 7, all as usual: false
    ignore: unknown field `only_on`, expected one of `top_function`, `any_function`, `created_by`, `service`, `max_count`, `reason`, `until` at line 1 column 29
    min_growth 3, all as usual: true
    "#);
}

/// The database of a daemon that was told `config`, and then perhaps another one by SIGHUP.
fn known_to_a_daemon(config: &str, reloaded: Option<&str>) -> String {
    // Nothing answers there, which is no matter here.
    const SERVICE: &str = "[[services]]\nname = 'pay'\ntargets = ['127.0.0.1:1']\n";
    let mut daemon = Daemon::begin(&format!("{config}\n{SERVICE}"));
    daemon.wait_for_log("Keeps the history");
    if let Some(config) = reloaded {
        daemon.configure(&format!("{config}\n{SERVICE}"));
        daemon.signal("HUP");
        daemon.wait_for_log("Read the config again");
    }
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    known(&daemon.database())
}

#[test]
fn a_daemon_tells_its_config_at_start_and_at_reload() {
    let first = "
        analysis.min_growth = 10
        [[ignore]]
        any_function = 'main.*'
        reason = 'a pool'";
    let second = "
        analysis.min_growth = 20
        [[ignore]]
        created_by = 'main.main'
        reason = 'another pool'";
    assert_snapshot!(known_to_a_daemon(first, None), @r#"
    min_growth 10, all as usual: false
    {"top_function":null,"any_function":"main.*","created_by":null,"service":null,"max_count":null,"reason":"a pool","until":null}
    "#);
    assert_snapshot!(known_to_a_daemon(first, Some(second)), @r#"
    min_growth 20, all as usual: false
    {"top_function":null,"any_function":null,"created_by":"main.main","service":null,"max_count":null,"reason":"another pool","until":null}
    "#);
    assert_snapshot!(known_to_a_daemon(first, Some("")), @"min_growth 3, all as usual: true");
}

#[test]
fn rules_that_have_ended_are_told_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let config = r#"
        [[services]]
        name = "pay"
        targets = ["pay-1:6060"]
        [[ignore]]
        top_function = "acme.io/pay.(*pool).run"
        reason = "a pool"
        until = 2020-03-31
        [[ignore]]
        any_function = "acme.io/pay.*"
        created_by = "main.\u001b[2J"
        reason = "a launch"
        until = 2020-03-31T12:00:00+02:00
        [[ignore]]
        any_function = "acme.io/pay.*"
        reason = "for ever"
    "#;
    std::fs::write(folder.path().join("goroscope.toml"), config).unwrap();
    assert_snapshot!(said(folder.path(), &["check", "config", "--tz", "utc"]), @r"
    goroscope.toml: ok, 1 service with 1 instance into goroscope.db
    warning: ignore[0]: the ignore rule of top_function `acme.io/pay.(*pool).run` (a pool) holds no more since 2020-03-31 23:59 (+00:00)
    warning: ignore[1]: the ignore rule of any_function `acme.io/pay.*` and created_by `main.\u{1b}[2J` (a launch) holds no more since 2020-03-31 10:00 (+00:00)
    exit 0
    ");
}

#[test]
fn rules_that_have_ended_and_unreadable_ones_are_told_by_answers() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let ended = r#""any_function": "acme.io/*", "until": "2026-11-23T23:59:59.999Z""#;
    let held = r#""any_function": "main.*", "until": "2026-11-24T23:59:59.999Z""#;
    tell(
        &database,
        Analysis {
            thresholds: Thresholds::default(),
            ignore: vec![rule(ended), rule(held)],
        },
    );
    let question = [
        "query",
        "instances",
        "--tz",
        "utc",
        "--since",
        "2026-11-24",
        "--until",
        "2026-11-24 00:30",
    ];
    assert_snapshot!(said(folder.path(), &question), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    the ignore rule of any_function `acme.io/*` (fine) holds no more since 2026-11-23 23:59 (+00:00)
    SERVICE  INSTANCE    LAST POLL            OUTCOME  GOROUTINES  POLLS  PROCESSES  BUILD         REASON
    pay      pay-1:6060  2026-11-24 00:29:00  ok               63  28/30          1  b0b0b0b0b0b0
    pay      pay-2:6060  2026-11-24 00:29:00  ok               18  28/30          2  b0b0b0b0b0b0  2 connect
    exit 0
    ");
    let sql = rusqlite::Connection::open(&database).unwrap();
    sql.execute_batch("UPDATE meta SET value = '{' WHERE key IN ('analysis', 'ignore')")
        .unwrap();
    assert_snapshot!(said(folder.path(), &question), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    what the daemon keeps as `analysis` (EOF while parsing an object at line 1 column 1) cannot be read, so defaults stand in for it
    what the daemon keeps as `ignore` (invalid type: map, expected a sequence at line 1 column 0) cannot be read, so defaults stand in for it
    SERVICE  INSTANCE    LAST POLL            OUTCOME  GOROUTINES  POLLS  PROCESSES  BUILD         REASON
    pay      pay-1:6060  2026-11-24 00:29:00  ok               63  28/30          1  b0b0b0b0b0b0
    pay      pay-2:6060  2026-11-24 00:29:00  ok               18  28/30          2  b0b0b0b0b0b0  2 connect
    exit 0
    ");
}

/// What `ignore snippet` prints, with its date masked; it must be a rule to our own config.
fn snippet(folder: &Path, signature: &str) -> (String, IgnoreRule) {
    let said = said(folder, &["ignore", "snippet", signature]);
    let text = said.strip_suffix("exit 0").unwrap();
    let config = format!("[[services]]\nname = 'pay'\ntargets = ['pay-1:6060']\n{text}");
    let config = config::parse(
        &config,
        Path::new("goroscope.toml"),
        &Environment::default(),
    );
    let rule = config.unwrap().ignore.remove(0);
    let (before, until) = text.split_once("until = ").unwrap();
    let digits = until.trim_end().replace(|c: char| c.is_ascii_digit(), "0");
    (format!("{before}until = {digits}\n"), rule)
}

#[test]
fn a_snippet_is_a_rule_for_the_signature() {
    let folder = history();
    let (text, rule) = snippet(folder.path(), "6aa95d31");
    assert_snapshot!(text, @r#"
    # 6aa95d31c1c0a9d41f483bd650b6e0ef  pay.(*Client).retry.func1  pay/client.go:118
    #   runtime.gopark  /go/proc.go:474
    #   runtime.chansend  /go/chan.go:283
    #   acme.io/pay.(*Client).retry.func1  /src/acme/pay/client.go:118
    # Seen at most: 71 in pay.
    [[ignore]]
    top_function = "acme.io/pay.(*Client).retry.func1"
    service = "pay"
    max_count = 79
    reason = "why this is fine"  # Say it here.
    until = 0000-00-00
    "#);
    let rules = IgnoreRules::new(vec![rule]);
    let subject = |service, count| Subject {
        service,
        frames: &[],
        where_function: "acme.io/pay.(*Client).retry.func1",
        created_by: None,
        count,
    };
    let holds = |service, count| {
        rules
            .rule_for(&subject(service, count), minute(30))
            .is_some()
    };
    assert!(holds("pay", 71) && !holds("pay", 1_000) && !holds("billing", 71));
}

/// A draft for a line in `function`, in goroutines that began in `root`, in these services.
fn draft(
    function: &str,
    root: Option<&str>,
    created_by: Option<&str>,
    peaks: &[(&str, u64)],
) -> String {
    let site = Where {
        function: function.to_owned(),
        file: "/src/main.go".to_owned(),
        line: 7,
    };
    let draft = RuleDraft {
        signature: "6aa95d31c1c0a9d41f483bd650b6e0ef".parse().unwrap(),
        frames: vec![site.clone()],
        site,
        root: root.map(str::to_owned),
        created_by: created_by.map(str::to_owned),
        peaks: peaks
            .iter()
            .map(|(name, peak)| ((*name).to_owned(), *peak))
            .collect(),
    };
    text::rule_draft(&draft, minute(0)).unwrap_or_else(|| "no rule\n".to_owned())
}

#[test]
fn snippets_with_creators_of_several_services_and_without_functions() {
    let several = [("billing", 1_200), ("search", 9)];
    let drafts = [
        draft(
            "main.work",
            Some("main.(*pool).run"),
            Some("main.start"),
            &several,
        ),
        draft("", None, Some("main.start"), &[]),
        draft("", None, None, &[("pay", 1)]),
    ];
    assert_snapshot!(drafts.join("\n"), @r#"
    # 6aa95d31c1c0a9d41f483bd650b6e0ef  main.work  src/main.go:7
    #   main.work  /src/main.go:7
    #   created by main.start
    # Seen at most: 1,200 in billing, 9 in search.
    [[ignore]]
    top_function = "main.work"
    any_function = "main.(*pool).run"
    # created_by = "main.start"
    max_count = 1320
    reason = "why this is fine"  # Say it here.
    until = 2027-02-24

    # 6aa95d31c1c0a9d41f483bd650b6e0ef  (has not run yet)
    #     /src/main.go:7
    #   created by main.start
    [[ignore]]
    created_by = "main.start"
    max_count = 2
    reason = "why this is fine"  # Say it here.
    until = 2027-02-24

    no rule
    "#);
}

proptest! {
    /// Whatever a target calls its functions, a snippet is of one function and no more.
    #[test]
    fn a_function_in_a_snippet_is_read_back(function in "[^*][ -~\u{7f}-\u{9f}\u{202e}\u{fffff}\n\r$\"\\\\]{0,20}") {
        let rule = format!("top_function = \"{}\"\nreason = 'x'", escape_toml(&function));
        let config = format!("[[services]]\nname = 'pay'\ntargets = ['a:1']\n[[ignore]]\n{rule}");
        let config = config::parse(&config, Path::new("a.toml"), &Environment::default());
        prop_assert_eq!(&config.unwrap().ignore[0].top_function, &Some(function));
    }
}

#[test]
fn a_snippet_of_nothing_is_an_error() {
    let folder = history();
    assert_snapshot!(said(folder.path(), &["ignore", "snippet", "ffff"]), @"
    error: no signature begins with `ffff`
    hint: `goroscope query top-growers --all` shows signatures
    exit 2
    ");
    assert_snapshot!(said(folder.path(), &["ignore", "snippet", "x"]), @"
    error: `x` is not a signature: 4 to 32 hex digits are
    hint: `goroscope query top-growers --all` shows signatures; the first 4 digits are enough where no other begins so
    exit 2
    ");
}

/// What `top-growers` says of the half hour of the leak, where a rule of the leak says `keys` too.
fn growers(keys: &str, arguments: &[&str]) -> String {
    let folder = history();
    let leak = r#""top_function": "acme.io/pay.(*Client).retry.func1""#;
    tell(
        &folder.path().join("goroscope.db"),
        Analysis {
            thresholds: Thresholds::default(),
            ignore: vec![rule(&format!("{leak}, {keys}"))],
        },
    );
    let question = [
        "query",
        "top-growers",
        "--tz",
        "utc",
        "--since",
        "2026-11-24",
        "--until",
        "2026-11-24 00:30",
    ];
    said(folder.path(), &[&question, arguments].concat())
}

#[test]
fn top_growers_leave_out_what_a_rule_ignores() {
    let keys = r#""max_count": 71, "until": "2026-11-30T23:59:59.999Z""#;
    assert_snapshot!(growers(keys, &[]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    showing 0 of 0 (growth >= 3) among 2 signatures, 1 ignored by rule.  nothing else grew and stayed.
    too early: nothing can be GROWING before 60 polls and five minutes behind the warm-up of a process (a tenth of its life, ten minutes at least and an hour at most)
    exit 0
    ");
    assert_snapshot!(growers(keys, &["--ignored"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    #  SIGNATURE  SERVICE  INST  FIRST  LAST  GROWTH   /HOUR  TREND     STATE      OLDEST  FIRST SEEN        VERDICT  WHERE
    1  6aa95d31   pay       2/2      0    71     +84  +180.0  ▁▂▃▄▄▅▆█  chan send       -  2026-11-24 00:01  SUSPECT  pay.(*Client).retry.func1  pay/client.go:118
    6aa95d31 in pay is ignored, until 2026-11-30 23:59: fine
    showing 1 of 1 (growth >= 3) among 2 signatures, 1 ignored by rule.  next: goroscope query show 6aa95d31
    exit 0
    ");
    let json = growers(keys, &["--ignored", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(json.trim_end_matches("exit 0")).unwrap();
    assert_snapshot!(json["rows"][0]["ignored"], @r#"{"reason":"fine","until":"2026-11-30T23:59:59.999Z"}"#);
    // One goroutine more than the rule allows for.
    assert_snapshot!(growers(r#""max_count": 70"#, &[]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    #  SIGNATURE  SERVICE  INST  FIRST  LAST  GROWTH   /HOUR  TREND     STATE      OLDEST  FIRST SEEN        VERDICT  WHERE
    1  6aa95d31   pay       2/2      0    71     +84  +180.0  ▁▂▃▄▄▅▆█  chan send       -  2026-11-24 00:01  SUSPECT  pay.(*Client).retry.func1  pay/client.go:118
    showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  next: goroscope query show 6aa95d31
    exit 0
    ");
}

/// A leak of twenty polls that `main.start` has started, beside one that `main.other` has.
#[test]
fn the_creator_is_looked_up_where_a_rule_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = String::new();
    for nth in 0..20 {
        let group = |function: &str, creator: &str| {
            format!(
                r#"{{"frames":["{function}"],"count":{},"states":{{"select":{}}},"created_by":"{creator}"}}"#,
                nth + 1,
                nth + 1
            )
        };
        writeln!(
            lines,
            r#"{{"at":"2026-11-24T00:{nth:02}:00Z","service":"pay","instance":"pay-1:6060","incarnation":"1","groups":[{},{}]}}"#,
            group("main.work", "main.start"),
            group("main.toil", "main.other"),
        )
        .unwrap();
    }
    std::fs::write(folder.path().join("history.ndjson"), lines).unwrap();
    said(folder.path(), &["import", "history.ndjson"]);
    let answer = |keys: &str| {
        let analysis = Analysis {
            thresholds: Thresholds::default(),
            ignore: vec![rule(keys)],
        };
        tell(&folder.path().join("goroscope.db"), analysis);
        let question = "query top-growers --since 2026-11-24 --until 2026-11-25 --tz utc -o json";
        let question: Vec<&str> = question.split(' ').collect();
        let answer = said(folder.path(), &question);
        let answer: serde_json::Value =
            serde_json::from_str(answer.trim_end_matches("exit 0")).unwrap();
        let rows = answer["rows"].as_array().unwrap().iter();
        let rows: Vec<&str> = rows
            .filter_map(|row| row["where"]["function"].as_str())
            .collect();
        format!(
            "{keys}: {} ignored, not {}",
            answer["ignored"],
            rows.join(" and ")
        )
    };
    let answers = [
        r#""created_by": "main.start""#,
        r#""any_function": "main.st*""#,
        r#""any_function": "main.t*""#,
        r#""created_by": "main.*", "max_count": 19"#,
        r#""created_by": "main.nobody""#,
    ]
    .map(answer);
    assert_snapshot!(answers.join("\n"), @r#"
    "created_by": "main.start": 1 ignored, not main.toil
    "any_function": "main.st*": 1 ignored, not main.toil
    "any_function": "main.t*": 1 ignored, not main.work
    "created_by": "main.*", "max_count": 19: 0 ignored, not main.work and main.toil
    "created_by": "main.nobody": 0 ignored, not main.work and main.toil
    "#);
}
