//! Every answer in every format, on real databases: at the widths of terminals, as Markdown, and as rows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::questions::{ask, history, leak};
use crate::support::{printed, root, said};

/// A history of a minute whose every name is hostile: it moves a cursor, turns text around, ends lines, cells, tags
/// and formulas, and calls people.
fn hostile() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = |word: &str| format!("={word}|`<b>@all\u{1b}[2J\u{202e}\n# {word}");
    let mut lines = String::new();
    let looks = [(0, 2), (1, 5), (2, 9), (3, 14)].map(|look| [("instance", look), ("other", look)]);
    for (instance, (nth, count)) in looks.concat() {
        let look = serde_json::json!({
            "at": format!("2026-11-24T00:0{nth}:00Z"),
            "service": name("service"),
            "instance": name(instance),
            "incarnation": "1",
            "build": name("build"),
            "interval_seconds": 60,
            "labels": {name("label"): name("value")},
            "groups": [{
                "frames": [{"function": name("main.f"), "file": name("/src/f.go"), "line": 7}],
                "count": count,
                "states": {name("state"): count},
                "created_by": name("main.start"),
                "labels": {name("key"): name("value")},
                "oldest_wait_seconds": 60,
            }],
        });
        writeln!(lines, "{look}").unwrap();
    }
    std::fs::write(folder.path().join("hostile.ndjson"), lines).unwrap();
    let imported = said(
        folder.path(),
        &["import", "hostile.ndjson", "--db", "goroscope.db"],
    );
    assert!(imported.ends_with("exit 0"), "{imported}");
    folder
}

/// The questions, each with all that it needs.
fn questions(signature: &str) -> [Vec<&str>; 8] {
    [
        vec!["top-growers"],
        vec!["findings", "--verdict=suspect"],
        vec!["first-seen"],
        vec!["shared", "--across=instance"],
        vec!["history", signature],
        vec!["show", signature],
        vec!["instances"],
        vec!["diff", "2026-11-24T00:01:00Z", "2026-11-24T00:03:00Z"],
    ]
}

/// Exit code and all that is said.
fn as_format(folder: &Path, question: &[&str], format: &str) -> String {
    let arguments = arguments(question, format);
    said(
        folder,
        &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// The data alone.
fn to_stdout(folder: &Path, question: &[&str], format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command
        .args(arguments(question, format))
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB");
    String::from_utf8(printed(&mut command)).unwrap()
}

fn arguments(question: &[&str], format: &str) -> Vec<String> {
    let window = [
        "--until",
        "2026-11-24T00:30:00Z",
        "--since",
        "2026-11-24T00:00:00Z",
    ];
    let window = if question.first() == Some(&"diff") {
        &window[..2]
    } else {
        &window[..]
    };
    let arguments = [&["query"], question, &["--tz=utc", "-o", format], window].concat();
    arguments.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_table_fits_the_terminal_and_says_what_is_not_shown() {
    let folder = history();
    assert_snapshot!(ask(&folder, &["top-growers", "--width=120"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    SIGNATURE  SERVICE  INST  LAST  GROWTH   /HOUR  TREND     STATE      FIRST SEEN        VERDICT  WHERE
    6aa95d31   pay       2/2    71     +84  +180.0  ▁▂▃▄▄▅▆█  chan send  2026-11-24 00:01  SUSPECT  pay.(*Client…ient.go:118
    not shown for want of room: #, FIRST, OLDEST (-o wide has them)
    showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  next: goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["top-growers", "--width=80"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2
      instances, 56/60 polls, 1 restart
    SIGNATURE  INST  LAST  GROWTH   /HOUR  VERDICT  WHERE
    6aa95d31    2/2    71     +84  +180.0  SUSPECT  pay.(*Client).re…y/client.go:118
    not shown for want of room: #, SERVICE, FIRST, TREND, STATE, OLDEST, FIRST SEEN
      (-o wide has them)
    showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  next:
      goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["top-growers", "--width=40"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24
      00:30:00 (+00:00)   1 service, 2
      instances, 56/60 polls, 1 restart
    SIGNATURE  GROWTH  VERDICT  WHERE
    6aa95d31      +84  SUSPECT  pay.(*…o:118
    not shown for want of room: #, SERVICE,
      INST, FIRST, LAST, /HOUR, TREND,
      STATE, OLDEST, FIRST SEEN (-o wide has
      them)
    showing 1 of 1 (growth >= 3) among 2
      signatures, 0 ignored by rule.  next:
      goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["shared", "--width=50"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00
      (+00:00)   1 service, 2 instances, 56/60 polls,
      1 restart

    6aa95d31  +84 on 2 instances of 1 service
              pay.(*Client).retry.func1
              pay/client.go:118
    SERVICE  INSTANCE    COUNT  GROWTH
    pay      pay-1:6060     58     +58
    pay      pay-2:6060     13     +26
    not shown for want of room: FIRST SEEN, BUILD (-o
      wide has them)

    showing 1 of 1 signatures that grow on two or more
      instances, 0 ignored by rule.  next:
      goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["instances", "--width=80"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2
      instances, 56/60 polls, 1 restart
    SERVICE  INSTANCE    LAST POLL            OUTCOME  GOROUTINES  POLLS  REASON
    pay      pay-1:6060  2026-11-24 00:29:00  ok               63  28/30
    pay      pay-2:6060  2026-11-24 00:29:00  ok               18  28/30  2 connect
    not shown for want of room: PROCESSES, BUILD (-o wide has them)
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let dumps = ["nats-2.15_idle_debug2.txt", "nats-2.15_load_debug0.pb.gz"]
        .map(|name| root().join("testdata/dumps").join(name));
    let dumps = dumps.each_ref().map(|path| path.to_str().unwrap());
    let side_by_side = [&["snapshot", "--tz=utc"][..], &dumps].concat();
    for folder in [history(), hostile(), crate::diff::history()] {
        let signature = leak(&folder);
        let questions = questions(&signature).map(|question| arguments(&question, "table"));
        let asked = questions
            .iter()
            .map(|asked| asked.iter().map(String::as_str).collect::<Vec<_>>())
            .chain([side_by_side.clone()]);
        for asked in asked {
            for width in (40..=200).step_by(7) {
                let width_of = format!("--width={width}");
                let said = said(folder.path(), &[&asked[..], &[&width_of]].concat());
                // What is to be copied stays whole.
                let text = said.split("\nstack, leaf first").next().unwrap();
                let is_whole = |line: &str| {
                    let line = line.trim_start();
                    line.starts_with("goroscope ") || !line.contains(' ')
                };
                let too_wide = text
                    .lines()
                    .find(|line| line.width() > width && !is_whole(line));
                assert_eq!(too_wide, None, "{asked:?} in {width}: {said}");
            }
        }
    }
}

#[test]
fn tables_of_one_answer_are_alike() {
    let folder = crate::diff::history();
    let signature = leak(&folder);
    let said = ask(&folder, &["history", &signature, "--width=60"]);
    // The first lines show how they look.
    let tables = said
        .split("\n\n")
        .map(|table| table.lines().take(5).collect::<Vec<_>>());
    let tables: Vec<String> = tables.map(|lines| lines.join("\n")).collect();
    assert_snapshot!(tables.join("\n\n"), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)
      2 services, 3 instances, 83/93 polls, 2 restarts
    6aa95d31c1c0a9d41f483bd650b6e0ef  pay.(*Client).retry.func1
      pay/client.go:118

    pay pay-1:6060
    FROM                 COUNT  NOTE
    2026-11-24 00:00:00      0
    2026-11-24 00:02:00      0
    2026-11-24 00:03:00      0

    pay pay-2:6060
    FROM                 COUNT  NOTE
    2026-11-24 00:00:00      0
    2026-11-24 00:02:00      0
    2026-11-24 00:03:00      0

    62 polls drawn together; -o json has each one.
    ");
}

#[test]
fn what_a_row_is_known_by_is_cut_last() {
    let folder = crate::diff::history();
    assert_snapshot!(ask(&folder, &["top-growers", "--width=60"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)
      2 services, 3 instances, 83/93 polls, 2 restarts
    SIGNATURE  SERVICE  GROWTH  VERDICT  WHERE
    6aa95d31   pay         +38  SUSPECT  pay.(*Clien…ient.go:118
    not shown for want of room: #, INST, FIRST, LAST, /HOUR,
      TREND, STATE, OLDEST, FIRST SEEN (-o wide has them)
    showing 1 of 1 (growth >= 3) among 3 signatures, 0 ignored
      by rule.  next: goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["top-growers", "--width=40"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24
      00:30:00 (+00:00)   2 services, 3
      instances, 83/93 polls, 2 restarts
    SIGNATURE  SERVICE  GROWTH  VERDICT
    6aa95d31   pay         +38  SUSPECT
    not shown for want of room: #, INST,
      FIRST, LAST, /HOUR, TREND, STATE,
      OLDEST, FIRST SEEN, WHERE (-o wide has
      them)
    showing 1 of 1 (growth >= 3) among 3
      signatures, 0 ignored by rule.  next:
      goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["first-seen", "--width=80"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   2 services, 3
      instances, 83/93 polls, 2 restarts
    FIRST SEEN            SIGNATURE  SERVICE  VERDICT       WHERE
    2026-11-24 00:11:00   6aa95d31   pay      SUSPECT       pay.(*Client…ient.go:118
    2026-11-24 00:00:00*  41306e12   pay      INSUFFICIENT  pay.(*pool).…lient.go:31
    2026-11-24 00:00:00*  41306e12   search   INSUFFICIENT  pay.(*pool).…lient.go:31
    not shown for want of room: INSTANCE, BUILD, LAST, GROWTH (-o wide has them)
    showing 3 of 3 signatures first seen in this window.  *: there when its process
      was looked at first.  next: goroscope query history 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["first-seen", "--width=40"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24
      00:30:00 (+00:00)   2 services, 3
      instances, 83/93 polls, 2 restarts
    FIRST SEEN         SIGNATURE  SERVICE
    2026-11-24 00:11   6aa95d31   pay
    2026-11-24 00:00*  41306e12   pay
    2026-11-24 00:00*  41306e12   search
    not shown for want of room: INSTANCE,
      BUILD, LAST, GROWTH, VERDICT, WHERE
      (-o wide has them)
    showing 3 of 3 signatures first seen in
      this window.  *: there when its
      process was looked at first.  next:
      goroscope query history 6aa95d31
    ");
}

#[test]
fn what_two_sides_have_goes_together() {
    let folder = crate::diff::history();
    let diff = [
        "query",
        "diff",
        "2026-11-24 00:05",
        "2026-11-24 00:59",
        "--tz=utc",
    ];
    let diff_in = |width| said(folder.path(), &[&diff[..], &[width]].concat());
    assert_snapshot!(diff_in("--width=80"), @"
    A  2026-11-24 00:05  2026-11-24 00:05:00 (+00:00)   2 services, 3/3 instances,
       15 goroutines, polled 2026-11-24 00:05:00
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)   2 services, 3/3 instances,
       135 goroutines, polled 2026-11-24 00:59:00
    SIGNATURE  SERVICE  A/INST  B/INST  DELTA/INST  WHERE
    6aa95d31   pay           0    57.0       +57.0  pay.(*Client).re…y/client.go:118
    41306e12   pay         5.0     7.0        +2.0  pay.(*pool).run …ay/client.go:31
    41306e12   search      5.0     7.0        +2.0  pay.(*pool).run …ay/client.go:31
    not shown for want of room: A, B, CHANGE (-o wide has them)
    showing 3 of 3 that differ per instance, among 3 signatures.  next:
      goroscope query history 6aa95d31
    exit 0
    ");
    assert_snapshot!(diff_in("--width=50"), @"
    A  2026-11-24 00:05  2026-11-24 00:05:00 (+00:00)
       2 services, 3/3 instances, 15 goroutines,
       polled 2026-11-24 00:05:00
    B  2026-11-24 00:59  2026-11-24 00:59:00 (+00:00)
       2 services, 3/3 instances, 135 goroutines,
       polled 2026-11-24 00:59:00
    SIGNATURE  SERVICE  DELTA/INST  WHERE
    6aa95d31   pay           +57.0  pay.(*Cli…t.go:118
    41306e12   pay            +2.0  pay.(*poo…nt.go:31
    41306e12   search         +2.0  pay.(*poo…nt.go:31
    not shown for want of room: A, B, A/INST, B/INST,
      CHANGE (-o wide has them)
    showing 3 of 3 that differ per instance, among 3
      signatures.  next:
      goroscope query history 6aa95d31
    exit 0
    ");
}

#[test]
fn an_answer_without_rows_says_where_to_look() {
    let folder = history();
    assert_snapshot!(ask(&folder, &["findings"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    0 new, 0 active, 0 gone, 0 ignored by rule (GROWING or above).  1 SUSPECT below that.  next: goroscope query findings --verdict suspect
    too early: nothing can be GROWING before 60 polls and five minutes behind the warm-up of a process (a tenth of its life, ten minutes at least and an hour at most)
    ");
    let ended = [
        "query",
        "diff",
        "2026-11-25 00:00",
        "2026-11-25 00:05",
        "--tz=utc",
    ];
    assert_snapshot!(said(folder.path(), &ended), @"
    A  2026-11-25 00:00  2026-11-25 00:00:00 (+00:00)   0 services, 0/0 instances, 0 goroutines
       no good poll near then; the last one was due 2026-11-24 00:29:00
    B  2026-11-25 00:05  2026-11-25 00:05:00 (+00:00)   0 services, 0/0 instances, 0 goroutines
       no good poll near then; the last one was due 2026-11-24 00:29:00
    showing 0 of 0 that differ per instance, among 0 signatures.
    nothing is known on either side.  next: goroscope query diff 2026-11-24T00:24:00Z 2026-11-24T00:29:00Z
    exit 0
    ");
    let before = [
        "query",
        "diff",
        "2026-11-20 00:00",
        "2026-11-20 00:05",
        "--tz=utc",
    ];
    assert_snapshot!(said(folder.path(), &before), @"
    A  2026-11-20 00:00  2026-11-20 00:00:00 (+00:00)   0 services, 0/0 instances, 0 goroutines
       nothing was polled up to then
    B  2026-11-20 00:05  2026-11-20 00:05:00 (+00:00)   0 services, 0/0 instances, 0 goroutines
       nothing was polled up to then
    showing 0 of 0 that differ per instance, among 0 signatures.
    nothing is known on either side.  next: goroscope db info
    exit 0
    ");
}

#[test]
fn a_table_of_sql_fits_too() {
    let folder = history();
    let of = |arguments: &[&str]| {
        let sql = "SELECT service, instance, since, reason, build FROM lives";
        said(folder.path(), &[&["sql", sql], arguments].concat())
    };
    assert_snapshot!(of(&["--width=60"]), @"
    service  instance    since                     reason
    pay      pay-1:6060  2026-11-24T00:00:00.000Z  first_contact
    pay      pay-2:6060  2026-11-24T00:00:00.000Z  first_contact
    pay      pay-2:6060  2026-11-24T00:16:00.000Z  vdso
    not shown for want of room: build (-o wide has them)
    exit 0
    ");
    assert_snapshot!(of(&["--width=60", "-o=wide"]), @"
    service  instance    since                     reason         build
    pay      pay-1:6060  2026-11-24T00:00:00.000Z  first_contact  b0b0b0b0b0b0b0b0
    pay      pay-2:6060  2026-11-24T00:00:00.000Z  first_contact  b0b0b0b0b0b0b0b0
    pay      pay-2:6060  2026-11-24T00:16:00.000Z  vdso           b0b0b0b0b0b0b0b0
    exit 0
    ");
}

#[test]
fn wide_shortens_nothing() {
    let folder = history();
    assert_snapshot!(ask(&folder, &["top-growers", "-o", "wide", "--width=80"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    #  SIGNATURE                         SERVICE  INST  FIRST  LAST  GROWTH   /HOUR  >= /HOUR  TREND     STATE      OLDEST  FIRST SEEN        VERDICT  WHERE                                                           CREATED BY
    1  6aa95d31c1c0a9d41f483bd650b6e0ef  pay       2/2      0    71     +84  +180.0    +180.0  ▁▂▃▄▄▅▆█  chan send       -  2026-11-24 00:01  SUSPECT  acme.io/pay.(*Client).retry.func1  /src/acme/pay/client.go:118  -
    showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  next: goroscope query show 6aa95d31
    ");
    assert_snapshot!(ask(&folder, &["first-seen", "-o", "wide"]), @"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart
    FIRST SEEN            SIGNATURE                         SERVICE  INSTANCE    BUILD             LAST  GROWTH  VERDICT       WHERE
    2026-11-24 00:01:00   6aa95d31c1c0a9d41f483bd650b6e0ef  pay      pay-1:6060  b0b0b0b0b0b0b0b0    71     +84  SUSPECT       acme.io/pay.(*Client).retry.func1  /src/acme/pay/client.go:118
    2026-11-24 00:00:00*  41306e127dd68964d7c8c34954ab2b76  pay      pay-1:6060  b0b0b0b0b0b0b0b0    10      +0  INSUFFICIENT  acme.io/pay.(*pool).run  /src/acme/pay/client.go:31
    showing 2 of 2 signatures first seen in this window.  *: there when its process was looked at first.  next: goroscope query history 6aa95d31
    ");
}

#[test]
fn markdown_pastes_into_an_issue() {
    let folder = history();
    let signature = leak(&folder);
    assert_snapshot!(ask(&folder, &["top-growers", "-o", "md"]), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart

    | # | SIGNATURE | SERVICE | INST | FIRST | LAST | GROWTH | /HOUR | TREND | STATE | OLDEST | FIRST SEEN | VERDICT | WHERE |
    | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | ---: | --- | --- | --- |
    | 1 | 6aa95d31 | pay | 2/2 | 0 | 71 | **+84** | +180.0 | ▁▂▃▄▄▅▆█ | chan send | - | 2026-11-24 00:01 | **SUSPECT** | pay.(\*Client).retry.func1  pay/client.go:118 |

    showing 1 of 1 (growth >= 3) among 2 signatures, 0 ignored by rule.  next: goroscope query show 6aa95d31
    "#);
    assert_snapshot!(ask(&folder, &["show", &signature, "-o", "md"]), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart\
    signature   6aa95d31c1c0a9d41f483bd650b6e0ef\
    where       pay.(\*Client).retry.func1  pay/client.go:118\
    verdict     SUSPECT in pay\
    hint        +84 to 71 goroutines in \`acme.io/pay.(\*Client).retry.func1\`, 71 of 71 in \`chan send\`: a function literal sends its result when nobody receives it any more: its maker took a time-out or another case, or returned early. Look at the function around this literal: give the channel room for the result (\`make(chan T, 1)\`), or send in a \`select\` with ctx.Done().\
    first seen  2026-11-24 00:01:00 in pay at pay-1:6060, build b0b0b0b0b0b0

    | SERVICE | INSTANCE | FIRST | LAST | GROWTH | /HOUR | TREND | OLDEST | MARKED | VERDICT |
    | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |
    | pay | pay-1:6060 | 0 | 58 | **+58** | +120.0 | ▁▁▂▃▅▅▆█ | - | 0 | **SUSPECT** |
    | pay | pay-2:6060 | 0 | 13 | **+26** | +60.0 | ▁▄▆█▁▂▅█ | - | 0 | **SUSPECT** |

    pay pay-1:6060: grew from 0 to 58 in 29m (28 pulses) and was never below 40 in the last third of that time; +120.0/h (90 %: +120.0 to +120.0); chan send 58\
    pay pay-2:6060: grew from 0 to 13 in 13m (14 pulses) and was never below 9 in the last third of that time; +60.0/h (90 %: +60.0 to +60.0); chan send 13

    ```text
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
    ```

    where this is fine, for goroscope.toml

    ```text
    [[ignore]]
    top_function = "acme.io/pay.(*Client).retry.func1"
    service = "pay"
    max_count = 79
    reason = "why this is fine"  # Say it here.
    until = 2027-02-24
    ```
    "#);
    assert_snapshot!(ask(&folder, &["shared", "-o", "md"]), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 56/60 polls, 1 restart

    6aa95d31  +84 on 2 instances of 1 service  pay.(\*Client).retry.func1  pay/client.go:118

    | SERVICE | INSTANCE | COUNT | GROWTH | FIRST SEEN | BUILD |
    | --- | --- | ---: | ---: | --- | --- |
    | pay | pay-1:6060 | 58 | **+58** | 2026-11-24 00:01 | b0b0b0b0b0b0 |
    | pay | pay-2:6060 | 13 | **+26** | 2026-11-24 00:01 | b0b0b0b0b0b0 |

    showing 1 of 1 signatures that grow on two or more instances, 0 ignored by rule.  next: goroscope query show 6aa95d31
    "#);
}

#[test]
fn csv_has_stable_names_and_raw_values() {
    let folder = history();
    let signature = leak(&folder);
    let mut answers = String::new();
    for question in questions(&signature)
        .iter()
        .filter(|question| question[0] != "diff")
    {
        let csv = as_format(folder.path(), question, "csv").replace("\r\n", "\n");
        let lines = csv.lines().filter(|line| !line.starts_with("exit"));
        // A poll a line is much; the first ones show how they look.
        let shown: Vec<&str> = lines.take(4).collect();
        writeln!(answers, "{}\n{}\n", question[0], shown.join("\n")).unwrap();
    }
    assert_snapshot!(answers, @r#"
    top-growers
    signature,service,verdict,instances_growing,instances,first,last,growth,per_hour,per_hour_low,rms,hours_to_limit,states,oldest_wait_seconds,first_seen_at,first_seen_instance,first_seen_build,proof_at_least,where_function,where_file,where_line,created_by,hint_pattern,ignored_reason,evidence,trend
    6aa95d31c1c0a9d41f483bd650b6e0ef,pay,SUSPECT,2,2,0,71,84,180.0,180.0,42.029751,,"{""chan send"":71}",,2026-11-24T00:01:00.000Z,pay-1:6060,b0b0b0b0b0b0b0b0,,acme.io/pay.(*Client).retry.func1,/src/acme/pay/client.go,118,,abandoned-result,,"[""pay-1:6060: grew from 0 to 58 in 29m (28 pulses) and was never below 40 in the last third of that time"",""pay-2:6060: grew from 0 to 13 in 13m (14 pulses) and was never below 9 in the last third of that time""]","[3,6,9,12,18,19,20,27,30,36,39,41,43,32,38,41,44,47,50,56,59,62,65,71]"

    findings
    signature,service,standing,verdict,worst,since,until,first_seen_at,first_seen_instance,first_seen_build,growth,last,per_hour_low,instances_growing,proof_at_least,where_function,where_file,where_line,hint_pattern,ignored_reason,evidence
    6aa95d31c1c0a9d41f483bd650b6e0ef,pay,new,SUSPECT,,,,2026-11-24T00:01:00.000Z,pay-1:6060,b0b0b0b0b0b0b0b0,84,71,180.0,2,,acme.io/pay.(*Client).retry.func1,/src/acme/pay/client.go,118,abandoned-result,,"[""pay-1:6060: grew from 0 to 58 in 29m (28 pulses) and was never below 40 in the last third of that time"",""pay-2:6060: grew from 0 to 13 in 13m (14 pulses) and was never below 9 in the last third of that time""]"

    first-seen
    signature,service,first_seen_at,first_seen_instance,first_seen_build,at_first_look,last,growth,verdict,where_function,where_file,where_line
    6aa95d31c1c0a9d41f483bd650b6e0ef,pay,2026-11-24T00:01:00.000Z,pay-1:6060,b0b0b0b0b0b0b0b0,false,71,84,SUSPECT,acme.io/pay.(*Client).retry.func1,/src/acme/pay/client.go,118
    41306e127dd68964d7c8c34954ab2b76,pay,2026-11-24T00:00:00.000Z,pay-1:6060,b0b0b0b0b0b0b0b0,true,10,0,INSUFFICIENT,acme.io/pay.(*pool).run,/src/acme/pay/client.go,31

    shared
    signature,service,instance,verdict,count,growth,first_seen_at,first_seen_build,where_function,where_file,where_line
    6aa95d31c1c0a9d41f483bd650b6e0ef,pay,pay-1:6060,SUSPECT,58,58,2026-11-24T00:01:00.000Z,b0b0b0b0b0b0b0b0,acme.io/pay.(*Client).retry.func1,/src/acme/pay/client.go,118
    6aa95d31c1c0a9d41f483bd650b6e0ef,pay,pay-2:6060,SUSPECT,13,26,2026-11-24T00:01:00.000Z,b0b0b0b0b0b0b0b0,acme.io/pay.(*Client).retry.func1,/src/acme/pay/client.go,118

    history
    at,service,instance,incarnation,count,unknown,states,oldest_wait_seconds,drawn_since,drawn_polls,drawn_low,drawn_high
    2026-11-24T00:00:00.000Z,pay,pay-1:6060,2026-11-24T00:00:00.000Z,0,,{},,,,,
    2026-11-24T00:01:00.000Z,pay,pay-1:6060,2026-11-24T00:00:00.000Z,2,,"{""chan send"":2}",,,,,
    2026-11-24T00:02:00.000Z,pay,pay-1:6060,2026-11-24T00:00:00.000Z,4,,"{""chan send"":4}",,,,,

    show
    service,instance,first,last,growth,per_hour,per_hour_low,per_hour_median,per_hour_high,verdict,evidence,states,oldest_wait_seconds,leaked,trend
    pay,pay-1:6060,0,58,58,120.0,120.0,120.0,120.0,SUSPECT,grew from 0 to 58 in 29m (28 pulses) and was never below 40 in the last third of that time,"{""chan send"":58}",,0,"[2,4,6,8,12,12,12,18,20,24,26,28,30,32,36,38,40,42,44,48,50,52,54,58]"
    pay,pay-2:6060,0,13,26,60.0,60.0,60.0,60.0,SUSPECT,grew from 0 to 13 in 13m (14 pulses) and was never below 9 in the last third of that time,"{""chan send"":13}",,0,"[1,2,3,4,6,7,8,9,10,12,13,13,13,0,2,3,4,5,6,8,9,10,11,13]"

    instances
    service,instance,url,labels,last_poll_at,last_poll_outcome,last_poll_reason,last_poll_message,polls_ok,polls_due,failures,failed_details,goroutines,build,incarnations
    pay,pay-1:6060,http://pay-1:6060/debug/pprof,{},2026-11-24T00:29:00.000Z,ok,,,28,30,{},{},63,b0b0b0b0b0b0b0b0,"[{""build"":""b0b0b0b0b0b0b0b0"",""reason"":""first_contact"",""since"":""2026-11-24T00:00:00.000Z""}]"
    pay,pay-2:6060,http://pay-2:6060/debug/pprof,{},2026-11-24T00:29:00.000Z,ok,,,28,30,"{""connect"":2}",{},18,b0b0b0b0b0b0b0b0,"[{""build"":""b0b0b0b0b0b0b0b0"",""reason"":""first_contact"",""since"":""2026-11-24T00:00:00.000Z""},{""build"":""b0b0b0b0b0b0b0b0"",""reason"":""vdso"",""since"":""2026-11-24T00:16:00.000Z""}]"
    "#);
}

#[test]
fn what_rows_do_not_tell_goes_to_stderr() {
    let folder = history();
    let empty = [
        "query",
        "top-growers",
        "--tz=utc",
        "-o=csv",
        "--since=2020-01-01",
        "--until=2020-01-02",
    ];
    assert_snapshot!(said(folder.path(), &empty).replace("\r\n", "<CRLF>\n"), @"
    signature,service,verdict,instances_growing,instances,first,last,growth,per_hour,per_hour_low,rms,hours_to_limit,states,oldest_wait_seconds,first_seen_at,first_seen_instance,first_seen_build,proof_at_least,where_function,where_file,where_line,created_by,hint_pattern,ignored_reason,evidence,trend<CRLF>
    window 2020-01-01 00:00 -> 2020-01-02 00:00 (+00:00)   0 services, 0 instances, 0/0 polls, 0 restarts
    nothing was polled in this window; a longer --since may have more
    exit 0
    ");
    assert_snapshot!(as_format(folder.path(), &["first-seen", "-n1"], "ndjson"), @r#"
    {"signature":"6aa95d31c1c0a9d41f483bd650b6e0ef","service":"pay","first_seen":{"at":"2026-11-24T00:01:00.000Z","instance":"pay-1:6060","build":"b0b0b0b0b0b0b0b0"},"at_first_look":false,"last":71,"growth":84,"verdict":"SUSPECT","ignored":null,"where":{"function":"acme.io/pay.(*Client).retry.func1","file":"/src/acme/pay/client.go","line":118}}
    1 of 2 rows; -n 0 writes all
    exit 0
    "#);
}

/// Every path to a value of a row, as CSV would name it.
fn paths(row: &Value, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    for record in row["instances"].as_array().into_iter().flatten() {
        paths(record, "", found);
    }
    for (key, value) in row.as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}_{key}")
        };
        paths(value, &path, found);
    }
}

#[test]
fn rows_are_those_of_the_json_and_csv_names_what_they_have() {
    let folder = hostile();
    let growers = as_format(folder.path(), &["top-growers"], "ndjson");
    let row: Value = serde_json::from_str(growers.lines().next().unwrap()).unwrap();
    let signature = row["signature"].as_str().unwrap();
    for question in questions(signature) {
        let [json, ndjson, csv] =
            ["json", "ndjson", "csv"].map(|format| to_stdout(folder.path(), &question, format));
        let answer: Value = serde_json::from_str(&json).unwrap();
        let lines = ndjson.lines().map(serde_json::from_str);
        let rows: Vec<Value> = lines.map(Result::unwrap).collect();
        assert_eq!(answer["rows"], Value::from(rows.clone()), "{question:?}");
        // One line a record, whatever the names in it are.
        let names = csv.lines().next().unwrap();
        let records = rows
            .iter()
            .map(|row| row["instances"].as_array().map_or(1, Vec::len));
        assert_eq!(
            csv.lines().count() - 1,
            records.sum::<usize>(),
            "{question:?}"
        );
        for row in &rows {
            let mut found = BTreeSet::new();
            paths(row, "", &mut found);
            for name in names.split(',') {
                let parts = [
                    "proof_",
                    "hint_",
                    "ignored_",
                    "drawn_",
                    "last_poll_",
                    "first_seen_",
                ];
                let may_be_absent = parts.iter().any(|part| name.starts_with(part));
                assert!(
                    may_be_absent || found.contains(name),
                    "{question:?}: `{name}`"
                );
            }
        }
    }
}

#[test]
fn hostile_names_are_harmless_in_every_format() {
    let folder = hostile();
    let growers = as_format(folder.path(), &["top-growers"], "ndjson");
    let row: Value = serde_json::from_str(growers.lines().next().unwrap()).unwrap();
    let signature = row["signature"].as_str().unwrap();
    for format in ["table", "wide", "json", "ndjson", "csv", "md"] {
        for question in questions(signature) {
            let said = as_format(folder.path(), &question, format);
            assert!(said.ends_with("exit 0"), "{said}");
            let touches =
                |char: char| char == '\u{202e}' || (char.is_control() && !"\r\n".contains(char));
            assert!(!said.contains(touches), "{question:?} {format}: {said}");
        }
    }
}

#[test]
fn hostile_names_are_written_as_escapes() {
    let folder = hostile();
    let growers =
        |format| as_format(folder.path(), &["top-growers"], format).replace("\r\n", "<CRLF>\n");
    assert_snapshot!(growers("table"), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 8/8 polls, 0 restarts
    polled 2026-11-24 00:00:00 -> 2026-11-24 00:03:00 only
    #  SIGNATURE  SERVICE                                        INST  FIRST  LAST  GROWTH   /HOUR  TREND     STATE                                      OLDEST  FIRST SEEN        VERDICT  WHERE
    1  f7f6e9a3   =service|`<b>@all\u{1b}[2J\u{202e}\n# service   2/2      4    28     +24  +480.0  ▁▁▂▂▂▅▅█  =state|`<b>@all\u{1b}[2J\u{202e}\n# state      1m  2026-11-24 00:00  SUSPECT  =main.f|`<b>@all\u{1b}[2J\u{202e}\n# main.f  src/f.go:7
    showing 1 of 1 (growth >= 3) among 1 signature, 0 ignored by rule.  next: goroscope query show f7f6e9a3
    exit 0
    "#);
    assert_snapshot!(growers("csv"), @r#"
    signature,service,verdict,instances_growing,instances,first,last,growth,per_hour,per_hour_low,rms,hours_to_limit,states,oldest_wait_seconds,first_seen_at,first_seen_instance,first_seen_build,proof_at_least,where_function,where_file,where_line,created_by,hint_pattern,ignored_reason,evidence,trend<CRLF>
    f7f6e9a343b711a64f0746b2f19d7c55,'=service|`<b>@all\u{1b}[2J\u{202e}\n# service,SUSPECT,2,2,4,28,24,480.0,360.0,14.0,,"{""=state|`<b>@all\u001b[2J\u202e\n# state"":28}",60,2026-11-24T00:00:00.000Z,'=instance|`<b>@all\u{1b}[2J\u{202e}\n# instance,'=build|`<b>@all\u{1b}[2J\u{202e}\n# build,,'=main.f|`<b>@all\u{1b}[2J\u{202e}\n# main.f,'=/src/f.go|`<b>@all\u{1b}[2J\u{202e}\n# /src/f.go,7,'=main.start|`<b>@all\u{1b}[2J\u{202e}\n# main.start,,,"[""=instance|`<b>@all\u001b[2J\u202e\n# instance: grew from 2 to 14 in 3m (4 pulses) and was never below 9 in the last third of that time"",""=other|`<b>@all\u001b[2J\u202e\n# other: grew from 2 to 14 in 3m (4 pulses) and was never below 9 in the last third of that time""]","[4,4,4,4,4,4,4,4,10,10,10,10,10,10,10,10,18,18,18,18,18,18,18,28]"<CRLF>
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 8/8 polls, 0 restarts
    polled 2026-11-24 00:00:00 -> 2026-11-24 00:03:00 only
    exit 0
    "#);
    assert_snapshot!(growers("md"), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 8/8 polls, 0 restarts\
    polled 2026-11-24 00:00:00 -> 2026-11-24 00:03:00 only

    | # | SIGNATURE | SERVICE | INST | FIRST | LAST | GROWTH | /HOUR | TREND | STATE | OLDEST | FIRST SEEN | VERDICT | WHERE |
    | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | ---: | --- | --- | --- |
    | 1 | f7f6e9a3 | =service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service | 2/2 | 4 | 28 | **+24** | +480.0 | ▁▁▂▂▂▅▅█ | =state\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# state | 1m | 2026-11-24 00:00 | **SUSPECT** | =main.f\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# main.f  src/f.go:7 |

    showing 1 of 1 (growth >= 3) among 1 signature, 0 ignored by rule.  next: goroscope query show f7f6e9a3
    exit 0
    "#);
    let growers: Value =
        serde_json::from_str(&to_stdout(folder.path(), &["top-growers"], "json")).unwrap();
    let signature = growers["rows"][0]["signature"].as_str().unwrap();
    assert_snapshot!(as_format(folder.path(), &["show", signature], "md"), @r#"
    window 2026-11-24 00:00:00 -> 2026-11-24 00:30:00 (+00:00)   1 service, 2 instances, 8/8 polls, 0 restarts\
    polled 2026-11-24 00:00:00 -> 2026-11-24 00:03:00 only\
    signature   f7f6e9a343b711a64f0746b2f19d7c55\
    where       =main.f\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# main.f  src/f.go:7\
    verdict     SUSPECT in =service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service\
    created by  =main.start\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# main.start\
    first seen  2026-11-24 00:00:00 in =service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service at =instance\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# instance, build =build\|\`\<b>@<!-- -->\
    labels      =key\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# key==value\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# value: 4 -> 28 (+24), 100 % of the growth

    | SERVICE | INSTANCE | FIRST | LAST | GROWTH | /HOUR | TREND | OLDEST | MARKED | VERDICT |
    | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |
    | =service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service | =instance\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# instance | 2 | 14 | **+12** | +240.0 | ▁▁▂▂▂▅▅█ | 1m | 0 | **SUSPECT** |
    | =service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service | =other\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# other | 2 | 14 | **+12** | +240.0 | ▁▁▂▂▂▅▅█ | 1m | 0 | **SUSPECT** |

    \=service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service =instance\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# instance: grew from 2 to 14 in 3m (4 pulses) and was never below 9 in the last third of that time; +240.0/h (90 %: +180.0 to +300.0); =state\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# state 14\
    \=service\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# service =other\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# other: grew from 2 to 14 in 3m (4 pulses) and was never below 9 in the last third of that time; +240.0/h (90 %: +180.0 to +300.0); =state\|\`\<b>@<!-- -->all\\u{1b}\[2J\\u{202e}\\n# state 14

    ```text
    around its first sighting at =instance|`<b>@all\u{1b}[2J\u{202e}\n# instance, 3m: 2026-11-24 00:00:00 -> 2026-11-24 00:03:00
      ▁▁▂▂▂▅▅█
      2 2 2 2 2 2 2 2 5 5 5 5 5 5 5 5 9 9 9 9 9 9 9 14

    stack, leaf first
      =main.f|`<b>@all\u{1b}[2J\u{202e}\n# main.f
          =/src/f.go|`<b>@all\u{1b}[2J\u{202e}\n# /src/f.go:7
    ```

    where this is fine, for goroscope.toml

    ```text
    [[ignore]]
    top_function = "=main.f|`<b>@all\U0000001B[2J\U0000202E\U0000000A# main.f"
    # created_by = "=main.start|`<b>@all\U0000001B[2J\U0000202E\U0000000A# main.start"
    service = "=service|`<b>@all\U0000001B[2J\U0000202E\U0000000A# service"
    max_count = 31
    reason = "why this is fine"  # Say it here.
    until = 2027-02-24
    ```
    exit 0
    "#);
}

#[test]
fn the_columns_of_csv_are_documented() {
    let folder = history();
    let signature = leak(&folder);
    let told = std::fs::read_to_string(root().join("docs/FORMATS.md")).unwrap();
    for question in questions(&signature) {
        let csv = to_stdout(folder.path(), &question, "csv");
        let names = csv.lines().next().unwrap();
        assert!(
            told.contains(&format!("{}: {names}\n", question[0])),
            "{question:?}: {names}"
        );
    }
    let dump = root().join("testdata/dumps/go1.27_http_debug2.txt");
    let csv = said(
        folder.path(),
        &["snapshot", "-o=csv", dump.to_str().unwrap()],
    );
    let names = csv.lines().next().unwrap().trim_end();
    assert!(told.contains(&format!("snapshot: {names}\n")), "{names}");
    for command in ["info", "check"] {
        let csv = said(folder.path(), &["db", command, "-o", "csv"]);
        let names = csv.lines().next().unwrap().trim_end();
        assert!(
            told.contains(&format!("db {command}: {names}\n")),
            "{command}: {names}"
        );
    }
}

#[test]
fn a_hostile_dump_is_harmless_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let name = "main.f|`<b>@all\u{1b}[2J\u{202e}";
    let header = "goroutine 1 [chan\u{1b}[2J send|<i>, 5 minutes]";
    let labels = "{\"=key|\": \"<value>\\u001b\"}";
    let dump = format!(
        "{header} {labels}:\n{name}(0x1)\n\t/src/f|<x>.go:7 +0x1\ncreated by {name} in goroutine 2\n\t/f.go:1\n"
    );
    // Twice, so that there is a report side by side as well.
    for file in ["=a|<b>.txt", "b.txt"] {
        std::fs::write(folder.path().join(file), &dump).unwrap();
    }
    for by in [
        "signature",
        "where",
        "creator",
        "package",
        "state",
        "label==key|",
    ] {
        for format in ["table", "wide", "json", "ndjson", "csv", "md"] {
            for targets in [&["b.txt"][..], &["./=a|<b>.txt", "b.txt"]] {
                let asked = [
                    "snapshot",
                    "--tz=utc",
                    "--fail-on=count > 0",
                    "--group-by",
                    by,
                    "-o",
                    format,
                ];
                let said = said(folder.path(), &[&asked[..], targets].concat());
                assert!(said.ends_with("exit 3"), "{said}");
                let touches = |char: char| {
                    char == '\u{202e}' || (char.is_control() && !"\r\n".contains(char))
                };
                assert!(!said.contains(touches), "{by} {format}: {said}");
            }
        }
    }
    let md = said(folder.path(), &["snapshot", "b.txt", "-o=md"]);
    let row = md.lines().find(|line| line.contains("main.f")).unwrap();
    assert_snapshot!(row, @r#"| 1 | chan send\|\<i> | 5m | c0a08c45 | main.f\|\`\<b>@<!-- -->all\\u{202e}  src/f\|\<x>.go:7 | main.f\|\`\<b>@<!-- -->all\\u{202e} | =key\|=\<value>\\u{1b} |"#);
}
