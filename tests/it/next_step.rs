//! What is wrong, and the next step: every way in which a command can fail names what it is about and gives
//! a hint.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use goroscope::store::DaemonLock;
use tempfile::TempDir;

use crate::support::fake::{Behaviour, Fake};
use crate::support::{newest_schema, said};

pub(crate) const HISTORY: &str = r#"{"at":"2026-11-24T08:00:00Z","service":"checkout","instance":"checkout-1:6060","incarnation":"run 1","build":"5f0c2b","groups":[{"frames":["acme.io/pay.(*Client).retry","main.main"],"count":12}]}
{"at":"2026-11-24T08:00:30Z","service":"checkout","instance":"checkout-1:6060","failed":"timeout"}
"#;

pub(crate) const CONFIG: &str = "[[services]]\nname = \"app\"\ntargets = [\"localhost:6060\"]\n";

pub(crate) fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}

/// A folder with a small history.
pub(crate) fn with_history() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "history.ndjson", HISTORY);
    let told = said(folder.path(), &["import", "history.ndjson"]);
    assert!(told.ends_with("exit 0"), "{told}");
    folder
}

/// What each command line comes to, one below the other; each that fails must give a hint.
pub(crate) fn told(folder: &Path, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let said = said(folder, &words);
        assert!(
            said.ends_with("exit 0") || said.contains("hint: "),
            "{line}: {said}"
        );
        writeln!(text, "$ goroscope {line}\n{said}").unwrap();
    }
    text
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_typed_wrong() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(told(folder.path(), &[
        "quer",
        "help qery",
        "query top-grower",
        "frobnicate",
        "snapshot",
        "-x",
        "--tz mars",
        "query top-growers --sinc 3h",
        "query top-growers -n many",
        "query top-growers --since soon",
        "query top-growers --since 1h --until 2h",
        "query findings --exit-code=loud",
        "query findings -o xml",
        "query shared --across x",
        "query show",
        "query diff yesterday",
        "snapshot localhost:6060 --timeout fast",
        "snapshot localhost:6060 --timeout -5s",
        "snapshot localhost:6060 --group-by foo",
        "snapshot localhost:6060 --detail alwys",
        "snapshot localhost:6060 --fail-on garbage",
        "snapshot localhost:6060 http://localhost:6060/debug/pprof",
        "snapshot - -",
        "top --top -1",
        "demo --for x",
        "demo --for 1s",
        "demo --instances 0",
        "demo --groups 5",
        "run --log-format xml",
        "--width -1 query findings",
        "db prune",
        "db prune --older-than 1x",
        "db backup",
        "import",
        "export --since 1h --until 2h",
        "export --until later",
        "completions tcsh",
    ]), @"
    $ goroscope quer
    error: unrecognized subcommand 'quer'
    hint: did you mean `goroscope query`?
    hint: `goroscope --help` tells more
    exit 2
    $ goroscope help qery
    error: unrecognized subcommand 'qery'
    hint: did you mean `goroscope query`?
    hint: `goroscope --help` tells more
    exit 2
    $ goroscope query top-grower
    error: unrecognized subcommand 'top-grower'
    hint: did you mean `goroscope query top-growers`?
    hint: `goroscope query --help` tells more
    exit 2
    $ goroscope frobnicate
    error: unrecognized subcommand 'frobnicate'
    hint: for example: goroscope demo
    hint: `goroscope --help` tells more
    exit 2
    $ goroscope snapshot
    error: the following required arguments were not provided: <TARGET>...
    hint: for example: goroscope snapshot localhost:6060
    hint: `goroscope snapshot --help` tells more
    exit 2
    $ goroscope -x
    error: unexpected argument '-x' found
    hint: for example: goroscope demo
    hint: `goroscope --help` tells more
    exit 2
    $ goroscope --tz mars
    error: invalid value 'mars' for '--tz <TZ>': give local or utc
    hint: for example: goroscope demo --tz local
    hint: `goroscope --help` tells more
    exit 2
    $ goroscope query top-growers --sinc 3h
    error: unexpected argument '--sinc' found
    hint: did you mean `--since`?
    hint: `goroscope query top-growers --help` tells more
    exit 2
    $ goroscope query top-growers -n many
    error: invalid value 'many' for '--limit <N>': give a whole number
    hint: for example: goroscope query top-growers --since 24h --service checkout --limit 20
    hint: `goroscope query top-growers --help` tells more
    exit 2
    $ goroscope query top-growers --since soon
    error: --since: `soon` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: for example: goroscope query top-growers --since 24h --service checkout
    exit 2
    $ goroscope query top-growers --since 1h --until 2h
    error: --since 1h is not before --until 2h
    hint: --since is the earlier one: 24h is a day back from now, not from --until
    exit 2
    $ goroscope query findings --exit-code=loud
    error: invalid value 'loud' for '--exit-code[=<VERDICT>]': give suspect, growing, likely or confirmed
    hint: for example: goroscope query findings --verdict likely --exit-code=likely
    hint: `goroscope query findings --help` tells more
    exit 2
    $ goroscope query findings -o xml
    error: invalid value 'xml' for '--output <FORMAT>': give table, wide, json, ndjson, csv or md
    hint: for example: goroscope query findings --since 24h --output table
    hint: `goroscope query findings --help` tells more
    exit 2
    $ goroscope query shared --across x
    error: invalid value 'x' for '--across <WHAT>': give instance, service, or label=NAME such as label=env
    hint: for example: goroscope query shared --since 24h --across instance
    hint: `goroscope query shared --help` tells more
    exit 2
    $ goroscope query show
    error: the following required arguments were not provided: <SIGNATURE>
    hint: for example: goroscope query show 7f3a91c2
    hint: `goroscope query show --help` tells more
    exit 2
    $ goroscope query diff yesterday
    error: the following required arguments were not provided: <B>
    hint: for example: goroscope query diff yesterday now
    hint: `goroscope query diff --help` tells more
    exit 2
    $ goroscope snapshot localhost:6060 --timeout fast
    error: invalid value 'fast' for '--timeout <DURATION>': give a duration such as 500ms, 10s or 1m30s
    hint: for example: goroscope snapshot localhost:6060 --timeout 10s
    hint: `goroscope snapshot --help` tells more
    exit 2
    $ goroscope snapshot localhost:6060 --timeout -5s
    error: invalid value '-5s' for '--timeout <DURATION>': give a duration such as 500ms, 10s or 1m30s
    hint: for example: goroscope snapshot localhost:6060 --timeout 10s
    hint: `goroscope snapshot --help` tells more
    exit 2
    $ goroscope snapshot localhost:6060 --group-by foo
    error: invalid value 'foo' for '--group-by <WHAT>': give signature, where, creator, package, state, or label=NAME such as label=tenant
    hint: for example: goroscope snapshot dump.txt --top 5 --group-by package
    hint: `goroscope snapshot --help` tells more
    exit 2
    $ goroscope snapshot localhost:6060 --detail alwys
    error: invalid value 'alwys' for '--detail <DETAIL>': give auto, always or never
    hint: did you mean `always`?
    hint: for example: goroscope snapshot localhost:6060 --detail auto
    hint: `goroscope snapshot --help` tells more
    exit 2
    $ goroscope snapshot localhost:6060 --fail-on garbage
    error: invalid value 'garbage' for '--fail-on <CONDITION>': no operator; give `SUBJECT OPERATOR VALUE` such as 'count > 1000' or 'oldest >= 1h30m'; subjects: count, goroutines, total, groups, oldest, leaked, complaints; operators: > >= < <= == !=
    hint: for example: goroscope snapshot localhost:6060 --fail-on 'count > 1000' --fail-on 'oldest > 1h'
    hint: `goroscope snapshot --help` tells more
    exit 2
    $ goroscope snapshot localhost:6060 http://localhost:6060/debug/pprof
    error: http://localhost:6060/debug/pprof is named twice
    hint: name each process, file and folder once
    exit 2
    $ goroscope snapshot - -
    error: - is named twice
    hint: name each process, file and folder once
    exit 2
    $ goroscope top --top -1
    error: invalid value '-1' for '--top <N>': give 0 or more
    hint: for example: goroscope top localhost:6060 --top 20
    hint: `goroscope top --help` tells more
    exit 2
    $ goroscope demo --for x
    error: invalid value 'x' for '--for <DURATION>': give a duration from 2s to 24h, such as 2m
    hint: for example: goroscope demo --for 2m --keep shop
    hint: `goroscope demo --help` tells more
    exit 2
    $ goroscope demo --for 1s
    error: invalid value '1s' for '--for <DURATION>': give a duration from 2s to 24h, such as 2m
    hint: for example: goroscope demo --for 2m --keep shop
    hint: `goroscope demo --help` tells more
    exit 2
    $ goroscope demo --instances 0
    error: invalid value '0' for '--instances <N>': give a number from 1 to 100000
    hint: for example: goroscope demo --serve --instances 1000 --keep load
    hint: `goroscope demo --help` tells more
    exit 2
    $ goroscope demo --groups 5
    error: the following required arguments were not provided: --instances <N>
    hint: for example: goroscope demo --serve --instances 1000 --keep load
    hint: `goroscope demo --help` tells more
    exit 2
    $ goroscope run --log-format xml
    error: invalid value 'xml' for '--log-format <LOG_FORMAT>': give text or json
    hint: for example: goroscope run --config /etc/goroscope.toml --log-format json
    hint: `goroscope run --help` tells more
    exit 2
    $ goroscope --width -1 query findings
    error: invalid value '-1' for '--width <N>': give a number from 0 to 65535
    hint: for example: goroscope query findings --since 24h --width 100
    hint: `goroscope query findings --help` tells more
    exit 2
    $ goroscope db prune
    error: the following required arguments were not provided: <--older-than <AGE>|--max-size <SIZE>>
    hint: for example: goroscope db prune --older-than 7d --dry-run
    hint: `goroscope db prune --help` tells more
    exit 2
    $ goroscope db prune --older-than 1x
    error: invalid value '1x' for '--older-than <AGE>': `1x` is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are
    hint: for example: goroscope db prune --older-than 7d --dry-run
    hint: `goroscope db prune --help` tells more
    exit 2
    $ goroscope db backup
    error: the following required arguments were not provided: <FILE>
    hint: for example: goroscope db backup /var/backups/goroscope-$(date +%F).db
    hint: `goroscope db backup --help` tells more
    exit 2
    $ goroscope import
    error: the following required arguments were not provided: <PATH>...
    hint: for example: goroscope import history.ndjson.zst --db history.db
    hint: `goroscope import --help` tells more
    exit 2
    $ goroscope export --since 1h --until 2h
    error: --since 1h is not before --until 2h
    hint: --since is the earlier one: 24h is a day back from now, not from --until
    exit 2
    $ goroscope export --until later
    error: --until: `later` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: for example: goroscope export --until 24h
    exit 2
    $ goroscope completions tcsh
    error: invalid value 'tcsh' for '<SHELL>': give bash, zsh or fish
    hint: for example: goroscope completions bash > ~/.local/share/bash-completion/completions/goroscope
    hint: `goroscope completions --help` tells more
    exit 2
    ");
    // Here the help comes first.
    let said = said(folder.path(), &["check"]);
    assert!(said.contains("\n  goroscope check config"), "{said}");
    assert!(
        said.ends_with("hint: `goroscope check --help` tells more\nexit 2"),
        "{said}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn files_that_are_not_what_they_should_be() {
    let folder = with_history();
    write(&folder, "text.txt", "nothing of the kind");
    write(&folder, "begun.db", "");
    write(&folder, "bad.ndjson", "{\"at\":\"yesterday\"}\n");
    write(
        &folder,
        "bad.toml",
        "[[services]]\nname = \"a\"\ntargetz = [\"x\"]\n",
    );
    write(&folder, "good.toml", CONFIG);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (name, version) in [("newer.db", 999), ("older.db", 1)] {
        std::fs::copy(folder.path().join("goroscope.db"), folder.path().join(name)).unwrap();
        let copy = rusqlite::Connection::open(folder.path().join(name)).unwrap();
        copy.pragma_update(None, "user_version", version).unwrap();
    }
    let lock = DaemonLock::take(&folder.path().join("taken.db")).unwrap();
    std::fs::copy(
        folder.path().join("goroscope.db"),
        folder.path().join("taken.db"),
    )
    .unwrap();
    let told = told(
        folder.path(),
        &[
            "run",
            "run --config bad.toml",
            "run --config good.toml --log loud=x=y",
            "run --config good.toml --db taken.db",
            "check config",
            "check config empty",
            "query findings --db none.db",
            "query findings --db text.txt",
            "query findings --db begun.db",
            "query findings --db newer.db",
            "query findings --db older.db",
            "query findings --db empty",
            "query findings --config none.toml",
            "snapshot none.txt text.txt empty",
            "import none.ndjson",
            "import bad.ndjson",
            "import bad.ndjson --keep-going",
            "import history.ndjson --db taken.db",
            "import history.ndjson --db none/new.db",
            "db info --db text.txt",
            "db backup goroscope.db",
            "db backup goroscope.db --force",
            "db backup none/copy.db",
            "db backup empty",
            "db prune --older-than 7d --db taken.db",
            "db upgrade --db taken.db",
            "db check --db text.txt",
        ],
    );
    drop(lock);
    let schema = newest_schema();
    let told = told
        .replace(&format!("schema {schema}"), "schema NEWEST")
        .replace(&format!("up to {schema}"), "up to NEWEST")
        .replace(&format!("process {}", std::process::id()), "process PID");
    insta::assert_snapshot!(told, @r#"
    $ goroscope run
    error: failed to read config file `goroscope.toml`: No such file or directory (os error 2)
    hint: `goroscope config init` writes one; where it is elsewhere, --config FILE names it
    exit 78
    $ goroscope run --config bad.toml
    error: bad.toml:1:1: services[0].targets: this key is missing; give at least one, such as ["localhost:6060"]
    error: bad.toml:3:1: services[0].targetz: unknown key; did you mean `targets`?
    hint: `goroscope check config FILE` tells when all is right; config.example.toml has every key with its default
    exit 78
    $ goroscope run --config good.toml --log loud=x=y
    error: --log: log filter `loud=x=y` cannot be read: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
    hint: for example: goroscope run --log info,goroscope::store=debug
    exit 2
    $ goroscope run --config good.toml --db taken.db
    error: another goroscope (process PID) already writes `taken.db`
    hint: one goroscope at a time writes a database: end that one, or name another database (storage.path, --db)
    exit 1
    $ goroscope check config
    error: failed to read config file `goroscope.toml`: No such file or directory (os error 2)
    hint: `goroscope config init` writes one; where it is elsewhere, --config FILE names it
    exit 78
    $ goroscope check config empty
    error: failed to read config file `empty`: Is a directory (os error 21)
    hint: name a file
    exit 78
    $ goroscope query findings --db none.db
    error: no database at `none.db`
    hint: check how it is spelt: --db, GOROSCOPE_DB or storage.path of the config names it, and `goroscope run` makes it
    exit 1
    $ goroscope query findings --db text.txt
    error: `text.txt` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    exit 1
    $ goroscope query findings --db begun.db
    error: `begun.db` is empty
    hint: a daemon that has just begun fills it within a second: ask again; if it stays so, --db names another file
    exit 1
    $ goroscope query findings --db newer.db
    error: `newer.db` has schema 999, this goroscope knows up to NEWEST: use the newer program
    hint: `goroscope --version` tells which this is; the one that wrote the file is newer
    exit 1
    $ goroscope query findings --db older.db
    error: `older.db` has schema 1, this goroscope reads schema NEWEST
    hint: goroscope db upgrade --db older.db brings it up to date; so does the daemon when it starts
    exit 1
    $ goroscope query findings --db empty
    error: `empty` is a folder, and no database
    hint: name a file, such as empty/goroscope.db
    exit 1
    $ goroscope query findings --config none.toml
    error: failed to read config file `none.toml`: No such file or directory (os error 2)
    hint: `goroscope config init` writes one; where it is elsewhere, --config FILE names it
    exit 78
    $ goroscope snapshot none.txt text.txt empty
    error: none.txt: no such file, and no address either: the port is missing in `none.txt`; write it as in `none.txt:6060`
    error: text.txt: it cannot be read: no goroutine in it; it begins with `nothing of the kind`
    error: empty: the directory has no files
    hint: give a file, a folder, host:port, a URL, or - for stdin: goroscope snapshot localhost:6060
    hint: what is read is in docs/FORMS.md; such a dump: curl -s 'localhost:6060/debug/pprof/goroutine?debug=2' > dump.txt
    hint: folders in it are not looked into: name one of them, or a file
    exit 1
    $ goroscope import none.ndjson
    error: failed to open `none.ndjson`: No such file or directory (os error 2)
    hint: check how it is spelt, and that its folder is there; a relative name begins at the working folder
    exit 1
    $ goroscope import bad.ndjson
    1 line: 0 snapshots and 0 failed polls stored, 0 already there, 0 lines refused; 0.0 MB, 0 MB/s
    error: bad.ndjson:1:7: `at` is `yesterday`, and must be RFC 3339, as in 2026-11-24T08:00:00.000Z
    hint: nothing is stored
    hint: docs/NDJSON.md has the format; --keep-going leaves such lines out
    exit 1
    $ goroscope import bad.ndjson --keep-going
    bad.ndjson:1:7: `at` is `yesterday`, and must be RFC 3339, as in 2026-11-24T08:00:00.000Z
    1 line: 0 snapshots and 0 failed polls stored, 0 already there, 1 line refused; 0.0 MB, 0 MB/s
    error: left out: 1 line
    hint: the lines above say where and why; docs/NDJSON.md has the format
    exit 1
    $ goroscope import history.ndjson --db taken.db
    error: another goroscope (process PID) already writes `taken.db`
    hint: stop that one first, or import into another database with --db
    exit 1
    $ goroscope import history.ndjson --db none/new.db
    error: failed to lock `none/new.db.lock`: No such file or directory (os error 2)
    hint: the folder of the database must exist and be writable
    exit 1
    $ goroscope db info --db text.txt
    error: `text.txt` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    exit 1
    $ goroscope db backup goroscope.db
    error: `goroscope.db` is there already
    hint: --force replaces it; another name keeps it
    exit 1
    $ goroscope db backup goroscope.db --force
    error: `goroscope.db` is the database of a running goroscope, or the one that is to be backed up
    hint: name another file
    exit 1
    $ goroscope db backup none/copy.db
    error: failed to write the copy `none/copy.db`: No such file or directory (os error 2)
    hint: check how it is spelt, and that its folder is there; a relative name begins at the working folder
    exit 1
    $ goroscope db backup empty
    error: `empty` is no regular file
    hint: name another file
    exit 1
    $ goroscope db prune --older-than 7d --db taken.db
    error: another goroscope (process PID) already writes `taken.db`
    hint: the daemon does this by itself: storage.raw_retention and storage.max_size say how much it keeps
    exit 1
    $ goroscope db upgrade --db taken.db
    error: another goroscope (process PID) already writes `taken.db`
    hint: one goroscope at a time writes a database: end that one, or name another database (storage.path, --db)
    exit 1
    $ goroscope db check --db text.txt
    error: `text.txt` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    exit 1
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn questions_that_have_no_answer() {
    let folder = with_history();
    let history = folder.path();
    insta::assert_snapshot!(told(history, &[
        "query findings --service search",
        "query findings --instance search:1",
        "query show 12345678",
        "query show xyz",
        "query history zz",
        "query diff a b",
        "query diff build:ffff build:5f0c",
        "query diff service:checkout service:search",
        "query diff db:none.db now",
        "export --service search",
        "export --instance search:1",
        "ignore snippet 12345678",
        "sql SELEKT",
        "sql .nope",
    ]), @r#"
    $ goroscope query findings --service search
    error: no service `search` in this database; it has: checkout
    hint: `goroscope query instances` lists what there is
    exit 2
    $ goroscope query findings --instance search:1
    error: no instance `search:1` in this database
    hint: `goroscope query instances` lists what there is
    exit 2
    $ goroscope query show 12345678
    error: no signature begins with `12345678`
    hint: `goroscope query top-growers --all` shows signatures
    exit 2
    $ goroscope query show xyz
    error: `xyz` is not a signature: 4 to 32 hex digits are
    hint: `goroscope query top-growers --all` shows signatures; the first 4 digits are enough where no other begins so
    exit 2
    $ goroscope query history zz
    error: `zz` is not a signature: 4 to 32 hex digits are
    hint: `goroscope query top-growers --all` shows signatures; the first 4 digits are enough where no other begins so
    exit 2
    $ goroscope query diff a b
    error: `a` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: a side may be build:DIGITS, service:NAME or db:FILE as well
    exit 2
    $ goroscope query diff build:ffff build:5f0c
    error: no build id begins with `ffff` among: 5f0c2b
    hint: `goroscope sql "select * from lives"` shows builds, and which process was of which
    exit 2
    $ goroscope query diff service:checkout service:search
    error: no service `search` in this database; it has: checkout
    hint: `goroscope query instances` lists what there is
    exit 2
    $ goroscope query diff db:none.db now
    error: no database at `none.db`
    hint: check how it is spelt: --db, GOROSCOPE_DB or storage.path of the config names it, and `goroscope run` makes it
    exit 1
    $ goroscope export --service search
    error: no service `search` in this database
    hint: `goroscope query instances` lists what there is
    exit 2
    $ goroscope export --instance search:1
    error: no instance `search:1` in this database
    hint: `goroscope query instances` lists what there is
    exit 2
    $ goroscope ignore snippet 12345678
    error: no signature begins with `12345678`
    hint: `goroscope query top-growers --all` shows signatures
    exit 2
    $ goroscope sql SELEKT
    error: near "SELEKT": syntax error, at byte 0 of the statement: `SELEKT`
    hint: `.schema NAME` shows the columns of a table or view; `goroscope sql --help` has examples
    exit 1
    $ goroscope sql .nope
    error: no command `.nope`
    hint: `.help` names those that there are
    exit 1
    "#);
    let sql = |statement| said(history, &["sql", statement]);
    insta::assert_snapshot!([
        sql("select * from nope"),
        sql("select nope from lives"),
        sql("delete from meta"),
        sql(".schema nope"),
    ].join("\n"), @"
    error: no such table: nope
    hint: `.tables` names the tables and views, `.schema NAME` their columns: goroscope sql .tables
    exit 1
    error: no such column: nope, at byte 7 of the statement: `nope from lives`
    hint: `.tables` names the tables and views, `.schema NAME` their columns: goroscope sql .tables
    exit 1
    error: goroscope sql only reads: `meta` is not changed
    hint: a copy may be changed: `goroscope db backup copy.db`, then any SQLite; `goroscope db` and `goroscope ignore` look after the database itself
    exit 1
    error: no table or view `nope`
    hint: `.tables` names them
    exit 1
    ");
}

#[test]
fn an_import_of_nothing_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "empty.ndjson", "");
    write(&folder, "blank.ndjson", "\n  \n");
    write(&folder, "bad.ndjson", "{\"at\":\"yesterday\"}\n");
    let lines = [
        "import empty.ndjson",
        "import blank.ndjson empty.ndjson",
        "import blank.ndjson",
        "import bad.ndjson",
        "import bad.ndjson --keep-going",
    ];
    insta::assert_snapshot!(told(folder.path(), &lines), @"
    $ goroscope import empty.ndjson
    error: `empty.ndjson` is empty: there is nothing to import
    hint: nothing is stored; docs/NDJSON.md has the format, and `goroscope export` writes it
    exit 1
    $ goroscope import blank.ndjson empty.ndjson
    error: `empty.ndjson` is empty: there is nothing to import
    hint: nothing is stored; docs/NDJSON.md has the format, and `goroscope export` writes it
    exit 1
    $ goroscope import blank.ndjson
    error: no line was read: there is nothing to import
    hint: nothing is stored; docs/NDJSON.md has the format, and `goroscope export` writes it
    exit 1
    $ goroscope import bad.ndjson
    1 line: 0 snapshots and 0 failed polls stored, 0 already there, 0 lines refused; 0.0 MB, 0 MB/s
    error: bad.ndjson:1:7: `at` is `yesterday`, and must be RFC 3339, as in 2026-11-24T08:00:00.000Z
    hint: nothing is stored
    hint: docs/NDJSON.md has the format; --keep-going leaves such lines out
    exit 1
    $ goroscope import bad.ndjson --keep-going
    bad.ndjson:1:7: `at` is `yesterday`, and must be RFC 3339, as in 2026-11-24T08:00:00.000Z
    1 line: 0 snapshots and 0 failed polls stored, 0 already there, 1 line refused; 0.0 MB, 0 MB/s
    error: left out: 1 line
    hint: the lines above say where and why; docs/NDJSON.md has the format
    exit 1
    ");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    // What was there before stays, and so it is as it was.
    let history = with_history();
    write(&history, "blank.ndjson", "\n");
    let before = said(history.path(), &["export"]);
    assert!(said(history.path(), &["import", "blank.ndjson"]).ends_with("exit 1"));
    assert_eq!(said(history.path(), &["export"]), before);
}

/// One line for each way in which a target can fail.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn targets_that_give_no_goroutines() {
    let folder = tempfile::tempdir().unwrap();
    let page = || b"<!doctype html><title>Hello</title>".to_vec();
    let elsewhere = Fake::start(Behaviour::Healthy);
    let redirect = Behaviour::Redirect(format!("http://{}/", elsewhere.address));
    let mut text = String::new();
    for (what, behaviour) in [
        (
            "pprof is not imported",
            Behaviour::Answer("404 Not Found", b"404 page not found".to_vec()),
        ),
        ("a page for everything", Behaviour::Answer("200 OK", page())),
        ("nothing", Behaviour::Answer("200 OK", Vec::new())),
        (
            "a password",
            Behaviour::Answer("401 Unauthorized", Vec::new()),
        ),
        (
            "TLS is spoken",
            Behaviour::Answer(
                "400 Bad Request",
                b"Client sent an HTTP request to an HTTPS server.".to_vec(),
            ),
        ),
        (
            "a bug",
            Behaviour::Answer("500 Internal Server Error", Vec::new()),
        ),
        ("a redirect", redirect),
        ("no answer", Behaviour::HangBeforeHeaders),
        ("half an answer", Behaviour::BreakOff),
    ] {
        let fake = Fake::start(behaviour);
        let said = said(
            folder.path(),
            &["snapshot", &fake.address, "--timeout", "300ms"],
        );
        assert!(said.contains("hint: "), "{said}");
        writeln!(text, "{what}:\n{said}").unwrap();
        text = text.replace(&fake.address, "TARGET");
    }
    let text = text.replace(&elsewhere.address, "ELSEWHERE");
    insta::assert_snapshot!(text, @r#"
    pprof is not imported:
    error: TARGET: the target answered 404 Not Found: nothing serves pprof under this path; import _ "net/http/pprof" there, or name another path
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked: the program must import _ "net/http/pprof" and serve http.DefaultServeMux there; where pprof is under another path, name it: http://TARGET/PATH
    exit 1
    a page for everything:
    error: TARGET: the answer is no goroutine dump that can be read: it is HTML, not a goroutine dump
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked: the program must import _ "net/http/pprof" and serve http.DefaultServeMux there; where pprof is under another path, name it: http://TARGET/PATH
    exit 1
    nothing:
    error: TARGET: the answer is no goroutine dump that can be read: it is empty
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked: the program must import _ "net/http/pprof" and serve http.DefaultServeMux there; where pprof is under another path, name it: http://TARGET/PATH
    exit 1
    a password:
    error: TARGET: the target answered 401 Unauthorized: the target wants credentials
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked, and goroscope sends no credentials: ask a port that only trusted hosts reach, or save the answer of `curl -u USER 'http://TARGET/debug/pprof/goroutine?debug=0'` and give that file to `goroscope snapshot`
    exit 1
    TLS is spoken:
    error: TARGET: the target answered 400 Bad Request
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked; where the server speaks TLS: https://TARGET/debug/pprof
    exit 1
    a bug:
    error: TARGET: the target answered 500 Internal Server Error
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked; `curl -i 'http://TARGET/debug/pprof/goroutine?debug=0'` shows what the server says
    exit 1
    a redirect:
    error: TARGET: a redirect is not followed: it leads to another origin; configure the address that it ends at
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked; `curl -i 'http://TARGET/debug/pprof/goroutine?debug=0'` shows where it leads
    exit 1
    no answer:
    error: TARGET: no answer within 300ms
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked; --timeout 60s waits longer, and `curl -m 60 -o /dev/null 'http://TARGET/debug/pprof/goroutine?debug=0'` tells whether it answers
    exit 1
    half an answer:
    error: TARGET: the answer broke off: end of file before message length reached
    hint: http://TARGET/debug/pprof/goroutine?debug=0 was asked; try again, and see whether something between here and TARGET changes the answer: `curl -sS 'http://TARGET/debug/pprof/goroutine?debug=0' > dump`
    exit 1
    "#);
}

/// Where a server answers TLS as Go's does that speaks none.
fn without_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Ends with the test process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).unwrap();
            stream
                .write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                .unwrap();
        }
    });
    address
}

#[test]
fn addresses_where_nobody_answers() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let plain = without_tls();
    let lines = [
        format!("snapshot {closed}"),
        format!("snapshot https://{plain}"),
        // No name is that long, which the resolver knows without asking anybody.
        format!("snapshot {}:6060", "x".repeat(64)),
        "snapshot ftp://a:1 a:b".to_owned(),
    ];
    let told = told(
        folder.path(),
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let told = told.replace(&closed.port().to_string(), "PORT");
    let told = told.replace(&plain.to_string(), "PLAIN");
    let told = told.replace(&"x".repeat(64), "NOBODY");
    // Why there is no such host, each system says in its own words.
    let told: Vec<&str> = told
        .lines()
        .map(|line| {
            line.split_once("address information")
                .map_or(line, |(before, _)| before)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    $ goroscope snapshot 127.0.0.1:PORT
    error: 127.0.0.1:PORT: no connection: Connection refused (os error 111)
    hint: is the process running, and does it serve pprof on port PORT? `curl -sS 'http://127.0.0.1:PORT/debug/pprof/goroutine?debug=0'` asks the same
    exit 1
    $ goroscope snapshot https://PLAIN
    error: https://PLAIN: no connection: received corrupt message of type InvalidContentType
    hint: the server must speak TLS and have a certificate that this system trusts; without TLS: http://PLAIN/debug/pprof
    exit 1
    $ goroscope snapshot NOBODY:6060
    error: NOBODY:6060: no connection: failed to lookup 
    hint: nobody here knows the name `NOBODY`: check how it is spelt, or give the IP address
    exit 1
    $ goroscope snapshot ftp://a:1 a:b
    error: ftp://a:1: no such file, and no address either: the scheme `ftp` is unknown; write `http` or `https`
    error: a:b: no such file, and no address either: `b` is not a port; 1 to 65535 are
    hint: give a file, a folder, host:port, a URL, or - for stdin: goroscope snapshot localhost:6060
    exit 1
    ");
}
