//! `goroscope sql`: what a statement gets from hot rows, from blocks, and from damaged ones; what it
//! may not do; and every format.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use goroscope::model::{Kind, Record};

use crate::blocks::{DAY, Process, Seen, at, write};
use crate::questions::history;
use crate::support::prompt::Prompt;
use crate::support::{KEEP, newest_schema, number, printed, root};

const HOUR: i64 = DAY / 24;

fn shell(database: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command
        .args(["sql", "--db"])
        .arg(database)
        .stdin(Stdio::null());
    command
}

/// What a statement prints as CSV, one line a row, without the heading.
fn rows(database: &Path, sql: &str) -> Vec<String> {
    let printed = printed(shell(database).args(["-o", "csv", sql]));
    let printed = String::from_utf8(printed).unwrap();
    printed.lines().skip(1).map(str::to_owned).collect()
}

/// Exit code, stdout and stderr, with the folder's name masked.
fn whole(database: &Path, arguments: &[&str]) -> String {
    let done = shell(database).args(arguments).output().unwrap();
    let folder = database.parent().unwrap().to_str().unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap().replace(folder, "FOLDER");
    let code = done.status.code().unwrap();
    format!("exit {code}\n{}{}", said(done.stdout), said(done.stderr))
}

/// Six hours of one process, a poll each half minute; one answer in fifty was cut off.
fn six_hours() -> Vec<Record> {
    let (process, mut records) = Process::watched(Duration::from_secs(30));
    for tick in 0..720u64 {
        let noise = tick * 7919 % 13;
        let groups = vec![
            (0, 0, 8),
            (1, 1, 1 + noise),
            (2, 2, tick),
            (4, 0, u64::from(noise > 9)),
            (5, 1, 1_000 + noise * 3),
        ];
        let seen = Seen {
            step: 0,
            groups: groups.into_iter().filter(|group| group.2 > 0).collect(),
            truncated: tick % 50 == 49,
            complained: 0,
        };
        let millis = i64::try_from(tick).unwrap() * 30_000;
        records.push(process.look(Kind::Pulse, millis, Duration::from_millis(3), &seen));
    }
    records
}

/// A database of rows, and one of the same in three blocks.
fn hot_and_cold(folder: &Path) -> [std::path::PathBuf; 2] {
    let [hot, cold] = ["hot.db", "cold.db"].map(|name| folder.join(name));
    let polls = |path: &Path| number(path, "SELECT count(*) FROM pulse");
    write(&hot, KEEP, six_hours(), || at(0), |path| polls(path) == 720);
    let blocks = |path: &Path| {
        number(path, "SELECT count(*) FROM block") == 3
            && polls(path) == 0
            && number(path, "SELECT count(*) FROM rollup_due") == 0
    };
    write(&cold, KEEP, six_hours(), || at(DAY + HOUR), blocks);
    [hot, cold]
}

#[test]
fn rows_and_the_blocks_that_they_become_give_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    let [hot, cold] = hot_and_cold(folder.path());
    let (early, late) = (at(HOUR).as_millis(), at(3 * HOUR).as_millis());
    for sql in [
        "SELECT * FROM sample ORDER BY at, stack_id, state_id, labels_id".to_owned(),
        "SELECT * FROM tick".to_owned(),
        format!("SELECT at, stack_id, count FROM sample WHERE at > {early} AND at <= {late} ORDER BY 1, 2"),
        format!("SELECT at, stack_id, count FROM sample({early}, {late}) ORDER BY 1, 2"),
        "SELECT at, count FROM sample('2026-11-24 01:00', '2026-11-24T01:30:00Z') ORDER BY 1, 2"
            .to_owned(),
        format!("SELECT stack_id, count FROM sample WHERE at = {early} ORDER BY 1"),
        format!("SELECT stack_id, count FROM sample WHERE at = {early}.0 ORDER BY 1"),
        "SELECT at, count FROM sample WHERE stack_id = 3 ORDER BY at".to_owned(),
        "SELECT at, count FROM sample WHERE signature_id IN (2, 3) ORDER BY at, 2".to_owned(),
        "SELECT at, count FROM sample WHERE signature =
           (SELECT upper(signature) FROM signatures WHERE function = 'main.c') ORDER BY at".to_owned(),
        "SELECT at, count FROM sample WHERE signature LIKE
           (SELECT substr(signature, 1, 8) || '%' FROM signatures WHERE function = 'main.c') ORDER BY at"
            .to_owned(),
        "SELECT function, kind, labels, count(*), sum(count), max(time) FROM samples
         WHERE service = 's' AND instance = 's:6060' GROUP BY 1, 2, 3".to_owned(),
        "SELECT time, form, goroutines, unknown FROM ticks WHERE unknown IS NOT NULL".to_owned(),
    ] {
        let (from_rows, from_blocks) = (rows(&hot, &sql), rows(&cold, &sql));
        assert!(!from_rows.is_empty(), "{sql}");
        assert_eq!(from_rows, from_blocks, "{sql}");
    }
    // Nothing that a target cut off is compared, and nothing is zero.
    let (good, all) = (720 - 14, 720);
    let ticks = "SELECT count(*), count(*) FILTER (WHERE unknown IS NULL) FROM tick";
    assert_eq!(rows(&cold, ticks), [format!("{all},{good}")]);
    let constant = "SELECT count(*), min(count), max(count) FROM samples WHERE function = 'main.a'";
    assert_eq!(rows(&cold, constant), [format!("{good},8,8")]);
    let none = "SELECT count(*) FROM sample WHERE count < 1 OR at IS NULL OR incarnation_id = NULL";
    assert_eq!(rows(&cold, none), ["0"]);
    // The process is compared as SQLite compares integers.
    for (id, found) in [
        ("1", 720),
        ("1.0", 720),
        ("'1'", 720),
        ("2", 0),
        ("1.5", 0),
        ("x'31'", 0),
    ] {
        let sql = format!("SELECT count(*) FROM tick WHERE incarnation_id = {id}");
        assert_eq!(rows(&cold, &sql), [found.to_string()], "{id}");
    }
}

/// The plan of a statement, a line a step.
fn plan(database: &Path, sql: &str) -> String {
    let steps = rows(database, &format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = steps
        .iter()
        .map(|step| step.splitn(4, ',').nth(3).unwrap().to_owned());
    steps.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_a_statement_asks_for_is_pushed_down() {
    let folder = tempfile::tempdir().unwrap();
    let [_, cold] = hot_and_cold(folder.path());
    let plans = [
        "SELECT count FROM sample WHERE incarnation_id = 1 AND at BETWEEN 5 AND 9 AND signature_id = 2",
        "SELECT count FROM sample(5, 9) WHERE signature LIKE '6aa9%'",
        "SELECT goroutines FROM tick WHERE instance_id = 1 AND at > 5 AND at < 9",
        "SELECT sum(count) FROM samples WHERE service = 's' AND at > 5",
        "SELECT function, sum(count) FROM samples WHERE instance_id = 1 AND signature LIKE '6a%' GROUP BY 1",
        "SELECT goroutines FROM ticks WHERE service = 's' AND instance = 's:6060' AND at >= 5",
        "SELECT max(at) FROM lives JOIN tick USING (incarnation_id) WHERE lives.instance = 's:6060'",
    ]
    .map(|sql| format!("{sql}\n{}\n", plan(&cold, sql)));
    insta::assert_snapshot!(plans.join("\n"), @"
    SELECT count FROM sample WHERE incarnation_id = 1 AND at BETWEEN 5 AND 9 AND signature_id = 2
    SCAN sample VIRTUAL TABLE INDEX 16405:incarnation_id= signature_id= at>= at<=

    SELECT count FROM sample(5, 9) WHERE signature LIKE '6aa9%'
    SCAN sample VIRTUAL TABLE INDEX 114720:since until signature-LIKE

    SELECT goroutines FROM tick WHERE instance_id = 1 AND at > 5 AND at < 9
    SCAN tick VIRTUAL TABLE INDEX 38:instance_id= at> at<

    SELECT sum(count) FROM samples WHERE service = 's' AND at > 5
    SEARCH service USING COVERING INDEX sqlite_autoindex_service_1 (name=?)
    SEARCH instance USING COVERING INDEX sqlite_autoindex_instance_1 (service_id=?)
    SEARCH incarnation USING INDEX sqlite_autoindex_incarnation_1 (instance_id=?)
    SEARCH build USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
    SCAN sample VIRTUAL TABLE INDEX 16389:incarnation_id= at>

    SELECT function, sum(count) FROM samples WHERE instance_id = 1 AND signature LIKE '6a%' GROUP BY 1
    SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH service USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH incarnation USING INDEX sqlite_autoindex_incarnation_1 (instance_id=?)
    SEARCH build USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
    SCAN sample VIRTUAL TABLE INDEX 16481:incarnation_id= signature-LIKE
    USE TEMP B-TREE FOR GROUP BY

    SELECT goroutines FROM ticks WHERE service = 's' AND instance = 's:6060' AND at >= 5
    SEARCH service USING COVERING INDEX sqlite_autoindex_service_1 (name=?)
    SEARCH instance USING COVERING INDEX sqlite_autoindex_instance_1 (service_id=?)
    SEARCH incarnation USING INDEX sqlite_autoindex_incarnation_1 (instance_id=?)
    SCAN tick VIRTUAL TABLE INDEX 37:incarnation_id= at>=

    SELECT max(at) FROM lives JOIN tick USING (incarnation_id) WHERE lives.instance = 's:6060'
    SEARCH incarnation
    SEARCH instance USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH service USING INTEGER PRIMARY KEY (rowid=?)
    SEARCH build USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
    SEARCH tick VIRTUAL TABLE INDEX 5:incarnation_id=
    ");
}

#[test]
fn damage_is_told_and_touches_only_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let [hot, cold] = hot_and_cold(folder.path());
    let before =
        "SELECT at, stack_id, count FROM sample WHERE at < unixepoch('2026-11-24 02:00') * 1000";
    let whole = rows(&cold, before);
    let edit = |path: &Path, sql: &str| {
        assert_eq!(
            rusqlite::Connection::open(path)
                .unwrap()
                .execute(sql, [])
                .unwrap(),
            1
        );
    };
    edit(
        &cold,
        "UPDATE block SET data = zeroblob(length(data)) WHERE id = 2",
    );
    edit(&hot, "UPDATE pulse SET groups = x'01ff' WHERE id = 300");
    assert_eq!(rows(&cold, before), whole);
    let told =
        "SELECT unknown, count(*), min(time), max(time), max(goroutines) FROM ticks GROUP BY 1";
    insta::assert_snapshot!(rows(&cold, told).join("\n"), @"
    ,471,2026-11-24T00:00:00.000Z,2026-11-24T05:59:30.000Z,1768
    damaged,240,2026-11-24T02:00:00.000Z,2026-11-24T03:59:30.000Z,
    truncated,9,2026-11-24T00:24:30.000Z,2026-11-24T05:49:30.000Z,1736
    ");
    insta::assert_snapshot!(rows(&hot, told).join("\n"), @"
    ,706,2026-11-24T00:00:00.000Z,2026-11-24T05:59:30.000Z,1768
    damaged,1,2026-11-24T02:29:30.000Z,2026-11-24T02:29:30.000Z,1308
    truncated,13,2026-11-24T00:24:30.000Z,2026-11-24T05:49:30.000Z,1736
    ");
    // Where a pulse is unknown there is no sample, and where there is a sample none is unknown.
    let both = "SELECT count(*) FROM tick JOIN sample USING (incarnation_id, at) WHERE unknown IS NOT NULL";
    assert_eq!(rows(&cold, both), ["0"]);
    assert_eq!(rows(&hot, both), ["0"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn it_only_reads() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let refused = [
        "DELETE FROM pulse",
        "UPDATE signature SET first_at = 0",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "DROP VIEW lives",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "PRAGMA user_version = 9",
        "PRAGMA query_only = OFF",
        "SELECT load_extension('x')",
        "BEGIN",
        "SELECT 1; INSERT INTO meta VALUES ('a', 'b')",
    ]
    .map(|sql| format!("{sql}\n{}", whole(&database, &[sql])));
    insta::assert_snapshot!(refused.join("\n"), @"
    DELETE FROM pulse
    exit 1
    error: goroscope sql only reads: `pulse` is not changed
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    UPDATE signature SET first_at = 0
    exit 1
    error: goroscope sql only reads: `signature` is not changed
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    CREATE TABLE x (a)
    exit 1
    error: goroscope sql only reads: nothing is made, changed or dropped
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    CREATE TEMP TABLE x (a)
    exit 1
    error: goroscope sql only reads: nothing is made, changed or dropped
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    DROP VIEW lives
    exit 1
    error: goroscope sql only reads: nothing is made, changed or dropped
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    ATTACH 'other.db' AS other
    exit 1
    error: goroscope sql reads one database: none is attached, and nothing is copied out of it by SQL
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    VACUUM INTO 'copy.db'
    exit 1
    error: goroscope sql only reads: nothing is made, changed or copied
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    PRAGMA user_version = 9
    exit 1
    error: goroscope sql only takes PRAGMAs that change nothing, and `user_version` is not known as one
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    PRAGMA query_only = OFF
    exit 1
    error: goroscope sql only takes PRAGMAs that change nothing, and `query_only` is not known as one
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    SELECT load_extension('x')
    exit 1
    error: goroscope sql loads no extensions
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    BEGIN
    exit 1
    error: goroscope sql has no transactions: each statement sees one moment, and all that are given as one argument see the same
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself

    SELECT 1; INSERT INTO meta VALUES ('a', 'b')
    exit 1
    1
    1
    error: goroscope sql only reads: `meta` is not changed
    hint: a copy may be changed: `goroscope db backup copy.db --db FOLDER/goroscope.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself
    ");
    assert_eq!(
        rows(&database, "PRAGMA user_version"),
        [newest_schema().to_string()]
    );
    assert!(!folder.path().join("copy.db").exists());
}

#[test]
fn mistakes_are_shown_with_their_place() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let mistakes = [
        "SELECT cuont FROM sample",
        "SELECT * FROM sampel",
        "SELECT 1 +",
        "SELECT * FROM sample('soon')",
        "SELECT abs(-9223372036854775808)",
        "SELECT hex(zeroblob(40000000))",
        ".schema nothing",
        ".tabels",
    ]
    .map(|sql| format!("{sql}\n{}", whole(&database, &[sql])));
    insta::assert_snapshot!(mistakes.join("\n"), @"
    SELECT cuont FROM sample
    exit 1
    error: no such column: cuont, at byte 7 of the statement: `cuont FROM sample`
    hint: `.tables` names the tables and views, `.schema NAME` their columns: goroscope sql .tables

    SELECT * FROM sampel
    exit 1
    error: no such table: sampel
    hint: `.tables` names the tables and views, `.schema NAME` their columns: goroscope sql .tables

    SELECT 1 +
    exit 1
    error: incomplete input
    hint: `.schema NAME` shows the columns of a table or view; `goroscope sql --help` has examples

    SELECT * FROM sample('soon')
    exit 1
    error: since: `soon` is no time; milliseconds since 1970, or text like `2026-11-24 08:00` (UTC), are
    hint: `.schema NAME` shows the columns of a table or view; `goroscope sql --help` has examples

    SELECT abs(-9223372036854775808)
    exit 1
    error: integer overflow
    hint: `.schema NAME` shows the columns of a table or view; `goroscope sql --help` has examples

    SELECT hex(zeroblob(40000000))
    exit 1
    error: failed to read `FOLDER/goroscope.db`: string or blob too big
    hint: `goroscope db check --db FOLDER/goroscope.db` tells whether the file is sound

    .schema nothing
    exit 1
    error: no table or view `nothing`
    hint: `.tables` names them

    .tabels
    exit 1
    error: no command `.tabels`
    hint: `.help` names those that there are
    ");
}

/// Values that hurt: a formula, markup, bytes, a cursor movement, nothing.
const HOSTILE: &str = "SELECT '=1+1' AS formula, 'a|b <i>' AS \"mark*up\", x'00ff' AS bytes,
                       char(27) || '[2J' AS text, NULL AS none, 2.5 AS number, 7 AS number
                       UNION ALL SELECT 'a,\"b\"', 'c' || char(10), x'', '', 1, -1e300, -5";

#[test]
fn every_format_holds_what_it_is_given() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let formats = ["table", "json", "ndjson", "csv", "md"]
        .map(|format| format!("{format}\n{}", whole(&database, &["-o", format, HOSTILE])));
    let shown = formats.join("\n").replace("\r\n", "<CRLF>\n");
    insta::assert_snapshot!(shown.replace('\u{1b}', "<ESC>"), @r#"
    table
    exit 0
    formula  mark*up  bytes    text       none  number  number
    =1+1     a|b <i>  x'00ff'  \u{1b}[2J  NULL     2.5       7
    a,"b"    c\n      x''                    1  -1e300      -5

    json
    exit 0
    {"schema":"goroscope.sql/v1","columns":["formula","mark*up","bytes","text","none","number","number_2"],"rows":[{"formula":"=1+1","mark*up":"a|b <i>","bytes":"x'00ff'","text":"\u001b[2J","none":null,"number":2.5,"number_2":7},{"formula":"a,\"b\"","mark*up":"c\n","bytes":"x''","text":"","none":1,"number":-1e300,"number_2":-5}]}

    ndjson
    exit 0
    {"formula":"=1+1","mark*up":"a|b <i>","bytes":"x'00ff'","text":"\u001b[2J","none":null,"number":2.5,"number_2":7}
    {"formula":"a,\"b\"","mark*up":"c\n","bytes":"x''","text":"","none":1,"number":-1e300,"number_2":-5}

    csv
    exit 0
    formula,mark*up,bytes,text,none,number,number<CRLF>
    '=1+1,a|b <i>,x'00ff',<ESC>[2J,,2.5,7<CRLF>
    "a,""b""","c
    ",x'',"",1,-1e300,-5<CRLF>

    md
    exit 0
    | formula | mark\*up | bytes | text | none | number | number |
    |---|---|---|---|---|---|---|
    | =1+1 | a\|b \<i> | x'00ff' | \\u{1b}\[2J | NULL | 2.5 | 7 |
    | a,"b" | c\\n | x'' |  | 1 | -1e300 | -5 |
    "#);
}

#[test]
fn a_table_says_what_it_leaves_out() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let sql = "SELECT function, count FROM samples ORDER BY at, 1; SELECT 1 WHERE 0";
    insta::assert_snapshot!(whole(&database, &["-n", "3", sql]), @"
    exit 0
    function                           count
    acme.io/pay.(*pool).run                4
    acme.io/pay.(*pool).run                4
    acme.io/pay.(*Client).retry.func1      2
    ... 106 more rows (-n 0 shows all; -o csv and -o ndjson write them as they come)

    no rows
    ");
    let shown = printed(shell(&database).args(["-n", "0", sql]));
    let shown = String::from_utf8(shown).unwrap();
    // A heading, the rows, an empty line, and `no rows`.
    let samples: usize = rows(&database, "SELECT count(*) FROM sample")[0]
        .parse()
        .unwrap();
    assert_eq!(shown.lines().count(), 1 + samples + 2);
}

/// Runs a script on stdin.
fn script(database: &Path, text: &str) -> String {
    let mut child = shell(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap();
    let code = done.status.code().unwrap();
    format!("exit {code}\n{}{}", said(done.stdout), said(done.stderr))
}

#[test]
fn a_script_runs_to_its_end_or_to_its_first_mistake() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let text = "-- a remark; no statement\nSELECT service,\n  ';' AS text\nFROM restarts; SELECT 2;\n.schema restarts\n/* ; */ SELECT 3";
    insta::assert_snapshot!(script(&database, text), @"
    exit 0
    service  text
    pay      ;

    2
    2
    CREATE VIEW restarts AS
    SELECT service, instance, since AS time, reason, build, incarnation_id
    FROM lives WHERE reason <> 'first_contact';

    3
    3
    ");
    let text = "SELECT 1;\n\nSELECT\n  nothing;\nSELECT 2;\n";
    insta::assert_snapshot!(script(&database, text), @r#"
    exit 1
    1
    1
    error: line 3 of stdin: near "nothing": syntax error, at byte 9 of the statement: `nothing;`
    hint: `.schema NAME` shows the columns of a table or view; `goroscope sql --help` has examples
    "#);
}

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn ctrl_c_stops_a_statement() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let mut child = shell(&database)
        .args(["-o", "ndjson", &format!("SELECT 1 AS a; {ENDLESS}")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its first answer says that it runs.
    let mut first = [0; 8];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    assert_eq!(&first, b"{\"a\":1}\n");
    interrupt(&child);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    insta::assert_snapshot!(String::from_utf8(done.stderr).unwrap(), @"
    error: interrupted: the answer is not whole
    hint: a WHERE on service, instance and time reads less
    ");
}

#[test]
fn a_person_at_a_terminal_is_asked_again_after_each_statement() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let mut terminal = Prompt::open(&mut shell(&database));
    terminal.wait_for("sql> ");
    terminal.type_in("SELECT count(*) + 1000\r");
    terminal.wait_for("...> ");
    terminal.type_in("FROM lives;\r");
    terminal.wait_for("1003");
    terminal.wait_for("sql> ");
    // Up: the statement before comes back.
    terminal.type_in("\u{1b}[A\r");
    terminal.wait_for("1003");
    terminal.wait_for("sql> ");
    terminal.type_in("SELEKT;\r");
    terminal.wait_for("syntax error");
    terminal.wait_for("sql> ");
    terminal.type_in(".tables\r");
    terminal.wait_for("restarts");
    terminal.wait_for("sql> ");
    // Ctrl-C drops what was typed, and stops what runs; the session goes on.
    terminal.type_in("SELECT dropped\u{3}");
    terminal.wait_for("sql> ");
    terminal.type_in(&format!("SELECT 'be' || 'gun'; {ENDLESS};\r"));
    terminal.wait_for("begun");
    interrupt(&terminal.child);
    terminal.wait_for("interrupted");
    terminal.wait_for("sql> ");
    // No statement runs: the daemon can cut its log back.
    let writer = rusqlite::Connection::open(&database).unwrap();
    writer
        .execute("INSERT INTO meta VALUES ('a', 'b')", [])
        .unwrap();
    let busy: i64 = writer
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(busy, 0);
    terminal.type_in(".quit\r");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
}

/// One statement sees one moment, also where it reads the same pulses in several ways.
#[test]
fn statements_given_together_see_the_same_moment() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let slow = "SELECT count(*) FROM pulse;
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT max(i) > 0 FROM n;
                SELECT count(*) FROM tick";
    let mut child = shell(&database)
        .args(["-o", "csv", slow])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut said = vec![0; "count(*)\r\n56\r\n".len()];
    stdout.read_exact(&mut said).unwrap();
    let writer = rusqlite::Connection::open(&database).unwrap();
    writer
        .execute("DELETE FROM pulse WHERE id > 10", [])
        .unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(rest.ends_with("\r\n56\r\n"), "{rest}");
    assert_eq!(rows(&database, "SELECT count(*) FROM tick"), ["10"]);
}

/// The statements in the blocks of a document that are SQL.
fn statements(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let blocks = text.split("```sql\n").skip(1);
    let blocks = blocks.map(|block| block.split_once("```").unwrap().0);
    let statements = blocks.flat_map(|block| block.split_inclusive(";\n"));
    statements
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

#[test]
fn every_statement_of_the_documents_runs_and_answers() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let all = statements("docs/STORAGE.md");
    assert!(all.len() >= 10, "{}", all.len());
    for sql in all {
        assert!(!rows(&database, &sql).is_empty(), "{sql}");
    }
}

/// Views that need no functions of ours are for every SQLite shell.
#[test]
fn plain_views_are_plain_sql() {
    let folder = history();
    let [_, cold] = hot_and_cold(folder.path());
    let [all, days] = [folder.path().join("goroscope.db"), cold]
        .map(|path| rusqlite::Connection::open(path).unwrap());
    let mut views = all
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")
        .unwrap();
    let views = views.query_map([], |row| row.get(0)).unwrap();
    let views: Vec<String> = views.map(Result::unwrap).collect();
    assert_eq!(views.len(), 13);
    all.execute_batch("INSERT INTO proof SELECT min(id), 1, 0, 1, 0, 0, 1, 1 FROM stack")
        .unwrap();
    for view in views {
        // The day of the first is not over.
        let database = match view.as_str() {
            "days" | "hours" => &days,
            _ => &all,
        };
        let sql = format!("SELECT * FROM {view}");
        let read = database.prepare(&sql).unwrap().exists([]).unwrap();
        // Nothing has happened that is worth an event but the restart.
        // Nothing has been judged.
        assert!(read || view == "verdicts", "{view} is empty");
    }
}
