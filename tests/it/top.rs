//! `goroscope top` itself, on a terminal and on a pipe, before real Go processes.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::questions::history;
use crate::support::go::Server;
use crate::support::said;
use crate::support::terminal::{Terminal, signal};

/// What leaks.
const LEAK: &str = "main.(*server).work.func1";

/// The row that has these words.
fn row<'a>(screen: &'a str, words: &str) -> Option<&'a str> {
    screen.lines().find(|line| line.contains(words))
}

/// The count of a row.
fn count(screen: &str, words: &str) -> Option<u64> {
    let row = row(screen, words)?.trim_start_matches('▶');
    row.split_whitespace().next()?.replace(',', "").parse().ok()
}

#[test]
fn a_leak_is_watched_from_its_first_goroutine_to_the_loss_of_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Some(Server::start("checkout"));
    let get = |server: &Option<Server>| server.as_ref().unwrap().get("/work?n=5");
    let address = server.as_ref().unwrap().address.clone();
    let arguments = ["top", &address, "--interval", "200ms"];
    let mut terminal = Terminal::start(folder.path(), &arguments, (100, 24));
    terminal.wait_for("the first rows", |screen| screen.contains("serve.Main"));
    get(&server);
    terminal.wait_for("the first leaked goroutines", |screen| {
        count(screen, LEAK) == Some(5)
    });
    for _ in 0..4 {
        get(&server);
    }
    let screen = terminal.wait_for("growth", |screen| {
        count(screen, LEAK) == Some(25)
            && row(screen, LEAK).is_some_and(|row| row.contains("SUSPECT"))
    });
    assert!(row(&screen, LEAK).unwrap().contains("+25"), "{screen}");
    assert!(
        screen.contains(": a full text, each 10 min and for new suspects"),
        "{screen}"
    );

    look_around(&mut terminal);
    terminal.press("Space");
    terminal.wait_for("a frozen screen", |screen| screen.contains("FROZEN at"));
    get(&server);
    // It would have come with the next look.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(count(&terminal.screen(), LEAK), Some(25));
    terminal.press("Space");
    terminal.wait_for("what came meanwhile", |screen| {
        count(screen, LEAK) == Some(30)
    });

    change_size(&mut terminal);
    terminal.press("b");
    terminal.wait_for("a new baseline", |screen| {
        row(screen, LEAK).is_some_and(|row| count(screen, LEAK) == Some(30) && !row.contains("+30"))
    });

    drop(server.take());
    terminal.wait_for("a lost target", |screen| {
        screen.contains("LOST 1 of 1 instance")
            && row(screen, LEAK).is_some_and(|row| row.contains("lost"))
    });
    server = Some(Server::start_at("checkout", &address));
    get(&server);
    terminal.wait_for("its successor", |screen| {
        !screen.contains("LOST") && screen.contains("1 restart") && count(screen, LEAK) == Some(5)
    });
    terminal.press("q");
    terminal.wait_for("the end", |screen| !screen.contains("goroutines"));
    terminal.ended_well();
    // The screens, for whoever reads the output of the tests.
    print!("{}", terminal.story);
}

/// Filter, order, and the detail of what leaks.
fn look_around(terminal: &mut Terminal) {
    terminal.press("/");
    terminal.press("serve.Main");
    terminal.wait_for("a filter", |screen| {
        row(screen, LEAK).is_none() && row(screen, "serve.Main").is_some()
    });
    terminal.press("Escape");
    terminal.wait_for("all rows again", |screen| row(screen, LEAK).is_some());

    terminal.press("s");
    terminal.wait_for("another order", |screen| screen.contains("s order: growth"));
    terminal.press("Enter");
    terminal.wait_for("the detail", |screen| {
        screen.contains("SUSPECT  0 -> 25 (+25)") && screen.contains("created by")
    });
    terminal.press("G");
    terminal.wait_for("its stack", |screen| {
        screen.contains("* main.(*server).work.func1")
    });
    terminal.press("Escape");
    terminal.wait_for("the list again", |screen| {
        screen.contains("s order: growth")
    });
}

/// As small as it works, and large.
fn change_size(terminal: &mut Terminal) {
    terminal.resize((40, 10));
    terminal.wait_for("a small screen", |screen| {
        let fits = screen.trim_end().lines().count() == 10
            && screen.lines().all(|line| line.chars().count() <= 40);
        fits && count(screen, "main.") == Some(30)
    });
    terminal.resize((120, 30));
    terminal.wait_for("a large screen", |screen| screen.contains("SIGNATURE"));
}

#[test]
fn the_terminal_is_given_back_however_it_ends() {
    let folder = history();
    let database = folder.path().join("goroscope.db");
    let arguments = [
        "top",
        "--db",
        database.to_str().unwrap(),
        "--since",
        "2026-11-24T00:00:00Z",
    ];
    let begin = || {
        let mut terminal = Terminal::emulated(folder.path(), &arguments, (80, 24));
        terminal.wait_for("the list", |screen| {
            screen.contains("pay.(*Client).retry.func1")
        });
        assert!(!terminal.is_given_back());
        terminal
    };
    for end in ["q", "C-c", "TERM", "HUP"] {
        let mut terminal = begin();
        match end {
            "q" | "C-c" => terminal.press(end),
            name => signal(terminal.child().id(), name),
        }
        let status = terminal.child().wait().unwrap();
        assert!(status.success(), "{end}: {status}");
        terminal.wait_for("the terminal", |_| true);
        wait_until("it is given back", || terminal.is_given_back());
    }
    for stop in ["C-z", "TSTP"] {
        let mut terminal = begin();
        match stop {
            "C-z" => terminal.press(stop),
            name => signal(terminal.child().id(), name),
        }
        wait_until("it is given back", || terminal.is_given_back());
        let process = terminal.child().id();
        wait_until("it stands still", || state(process) == 'T');
        signal(process, "CONT");
        wait_until("it is taken again", || !terminal.is_given_back());
        terminal.wait_for("the list", |screen| {
            screen.contains("pay.(*Client).retry.func1")
        });
        terminal.press("q");
        assert!(terminal.child().wait().unwrap().success());
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}: never");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The letter that the kernel has for what a process does.
fn state(process: u32) -> char {
    let done = Command::new("ps")
        .args(["-o", "state=", "-p", &process.to_string()])
        .output()
        .unwrap();
    String::from_utf8(done.stdout)
        .unwrap()
        .chars()
        .next()
        .unwrap()
}

#[test]
fn without_a_terminal_it_tells_lines_and_keeps_a_history_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start("checkout");
    let arguments = [
        "top",
        &server.address,
        "--interval",
        "100ms",
        "--looks",
        "8",
        "--keep",
        "soak.db",
    ];
    let told = said(folder.path(), &arguments);
    assert!(
        told.contains("main.") || told.contains("serve.Main"),
        "{told}"
    );
    assert!(told.contains("goroutines "), "{told}");
    assert!(
        told.ends_with("kept in soak.db; next: goroscope query top-growers --db soak.db\nexit 0"),
        "{told}"
    );
    let asked = said(
        folder.path(),
        &["query", "top-growers", "--db", "soak.db", "--all"],
    );
    assert!(
        asked.contains("1 service, 1 instance") && asked.ends_with("exit 0"),
        "{asked}"
    );
    // A reader that goes away ends it, and so does SIGTERM.
    let mut child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
        .args(["top", &server.address, "--interval", "100ms"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut one = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut one).unwrap();
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
}

/// The first full text has nothing of a leak that begins behind it.
#[test]
fn a_new_suspect_brings_a_full_text() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start("checkout");
    let mut child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
        .args(["top", &server.address, "--interval", "200ms"])
        .args(["--plain", "--keep", "soak.db"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let all = ["query", "top-growers", "--db", "soak.db", "-o", "json"];
    wait_until("what started the leak", || {
        server.get("/work?n=1");
        std::thread::sleep(Duration::from_millis(200));
        let found = said(folder.path(), &all);
        found.contains(r#""created_by":"main.(*server).work""#)
    });
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_cannot_be_watched_is_told_before_the_screen_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.txt"), "goroutine 1 [running]:\n").unwrap();
    let told = [
        &["top"][..],
        &["top", "localhost"],
        &["top", "dump.txt"],
        &["top", "localhost:1", "http://localhost:1"],
        &["top", "localhost:1", "--interval", "10ms"],
        &["top", "--since", "soon"],
        &["top", "localhost:1", "--since", "1h"],
    ]
    .map(|arguments| {
        format!(
            "$ goroscope {}\n{}",
            arguments.join(" "),
            said(folder.path(), arguments)
        )
    });
    insta::assert_snapshot!(told.join("\n\n"), @"
    $ goroscope top
    error: no database at `goroscope.db`
    hint: check how it is spelt: --db, GOROSCOPE_DB or storage.path of the config names it, and `goroscope run` makes it
    hint: `goroscope top localhost:6060` looks at a process without a database
    exit 1

    $ goroscope top localhost
    error: localhost: the port is missing in `localhost`; write it as in `localhost:6060`
    hint: for example: goroscope top localhost:6060
    exit 2

    $ goroscope top dump.txt
    error: dump.txt: the port is missing in `dump.txt`; write it as in `dump.txt:6060`
    hint: a file is read by `goroscope snapshot dump.txt`
    exit 2

    $ goroscope top localhost:1 http://localhost:1
    error: http://localhost:1 is named twice
    hint: name each process once; the address tells them apart
    exit 2

    $ goroscope top localhost:1 --interval 10ms
    error: --interval is below 100ms: polling would be the load that it measures
    hint: for example: --interval 1s
    exit 2

    $ goroscope top --since soon
    error: --since: `soon` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is
    hint: for example: goroscope top --db goroscope.db --since 24h
    exit 2

    $ goroscope top localhost:1 --since 1h
    error: the argument '[TARGET]...' cannot be used with '--since <WHEN>'
    hint: for example: goroscope top localhost:6060
    hint: `goroscope top --help` tells more
    exit 2
    ");
}

#[test]
fn a_limit_a_file_or_a_target_that_cannot_be_meant_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dump.txt"), "goroutine 1 [running]:\n").unwrap();
    let told = [
        &["top", ""][..],
        &["top", "localhost:1", "--timeout", "0s"],
        &["top", "localhost:1", "--db", "old.db"],
        &["top", "--keep", "new.db"],
        &["top", "localhost:1", "--keep", "."],
        &["top", "localhost:1", "--keep", "dump.txt"],
    ]
    .map(|arguments| said(folder.path(), arguments));
    // Nothing is left beside a file of somebody else.
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    insta::assert_snapshot!(told.join("\n\n"), @"
    error: '': the host is missing; write `localhost:6060`
    hint: for example: goroscope top localhost:6060
    exit 2

    error: invalid value '0s' for '--timeout <DURATION>': nothing answers in no time; give 1s or more for a busy process
    hint: for example: goroscope top localhost:6060 --timeout 10s
    hint: `goroscope top --help` tells more
    exit 2

    error: --db and --config name a history to read, and a TARGET is polled anew
    hint: --keep FILE keeps what is polled; without TARGET the history is shown
    exit 2

    error: --keep keeps what a TARGET tells, and none is named
    hint: for example: goroscope top localhost:6060 --keep soak.db
    exit 2

    error: `.` is a folder, and no database
    hint: name a file, such as ./goroscope.db
    exit 1

    error: `dump.txt` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    exit 1
    ");
    // Nobody answers, and nothing more was to be told. Times are of now.
    let looked = said(
        folder.path(),
        &["top", "localhost:1", "--looks", "1", "--tz", "utc"],
    );
    let looked = looked.replace(|char: char| char.is_ascii_digit(), "9");
    insta::assert_snapshot!(looked, @"
    9999-99-99 99:99:99 +99:99  LOST localhost:9: no connection: Connection refused (os error 999) (the poll of 99:99:99)
    9999-99-99 99:99:99 +99:99  goroutines 9  stacks 9  polls 9 of 9
    error: localhost:9 did not answer
    hint: `goroscope snapshot localhost:9` says more
    exit 9
    ");
}
