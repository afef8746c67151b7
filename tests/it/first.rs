//! First contact: `goroscope` alone, a config to begin with, completions, and how far long work is.

use std::process::Command;

use goroscope::model::Timestamp;
use goroscope::query::{Scope, check_database, instances};
use goroscope::store::{Depth, Reader, Steps};
use tempfile::TempDir;

use crate::next_step::{CONFIG, HISTORY, told, with_history, write};
use crate::support::fake::{Behaviour, Fake};
use crate::support::prompt::Prompt;
use crate::support::said;

const GOROSCOPE: &str = env!("CARGO_BIN_EXE_goroscope");

#[test]
fn goroscope_alone_looks_where_it_is() {
    let nothing = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(said(nothing.path(), &[]), @"
    goroscope says which goroutines of a fleet of Go processes leak, since when, and where.

    Three examples:
      goroscope snapshot localhost:6060        what one process does now (it serves net/http/pprof)
      goroscope run                            watch what goroscope.toml names, and keep the history
      goroscope query top-growers --since 24h  what grew since yesterday

    Next, from this folder:
      goroscope demo                           nothing is here yet: see it work first, on a simulated fleet

    `goroscope --help` has every command.
    exit 0
    ");
    // What follows is alike.
    let next = |folder: &TempDir| {
        let said = said(folder.path(), &[]);
        let (_, next) = said.split_once("Next, ").unwrap();
        next.split_once("\n\n").unwrap().0.to_owned()
    };
    let config = tempfile::tempdir().unwrap();
    write(&config, "goroscope.toml", CONFIG);
    let mistakes = tempfile::tempdir().unwrap();
    write(&mistakes, "goroscope.toml", "[[services]]\n");
    let history = with_history();
    let found = [&config, &mistakes, &history].map(&next).join("\n");
    write(&history, "goroscope.toml", CONFIG);
    insta::assert_snapshot!(format!("{found}\n{}", next(&history)), @"
    from this folder:
      goroscope run                            goroscope.toml is here, and right: watch what it names
    from this folder:
      goroscope check config                   goroscope.toml is here, and has mistakes
    from this folder:
      goroscope query findings                 there is a database: what grows, and since when
    from this folder:
      goroscope query findings                 there is a database: what grows, and since when
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_config_from_options_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let init = "config init --service shop --target a:6060 --target https://b/x --service search --target c:6060 --interval 10s";
    insta::assert_snapshot!(told(folder.path(), &[
        init,
        "check config",
        init,
        "config init --target d:6060 --force",
        "check config",
        "config init --target d:6060 --output other.toml",
        "check config other.toml",
    ]), @"
    $ goroscope config init --service shop --target a:6060 --target https://b/x --service search --target c:6060 --interval 10s
    goroscope.toml: written, 2 services with 3 instances
    next: goroscope run
    exit 0
    $ goroscope check config
    goroscope.toml: ok, 2 services with 3 instances into goroscope.db
    exit 0
    $ goroscope config init --service shop --target a:6060 --target https://b/x --service search --target c:6060 --interval 10s
    error: `goroscope.toml` is there already
    hint: --force replaces it; --output FILE writes another one; `goroscope check config` reads it
    exit 1
    $ goroscope config init --target d:6060 --force
    goroscope.toml: written, 1 service with 1 instance
    next: goroscope run
    exit 0
    $ goroscope check config
    goroscope.toml: ok, 1 service with 1 instance into goroscope.db
    exit 0
    $ goroscope config init --target d:6060 --output other.toml
    other.toml: written, 1 service with 1 instance
    next: goroscope run --config other.toml
    exit 0
    $ goroscope check config other.toml
    other.toml: ok, 1 service with 1 instance into goroscope.db
    exit 0
    ");
    insta::assert_snapshot!(said(folder.path(), &["config", "init", "--target", "localhost:6060", "--output", "-"]), @r#"
    # What goroscope watches, and how. Lines such as `#timeout = "10s"` show a default: take the `#` away to
    # change it. `goroscope check config` says what is wrong with this file, `kill -HUP` lets a daemon take it.

    [global]
    # From one poll of an instance to the next; 100ms or more. A leak shows in a few dozen polls.
    interval = "30s"
    # Limit of one request; not above the interval. Where it is not set, a shorter interval is the limit.
    #timeout = "10s"
    # Full dumps (debug=2), which stop the target: "auto", "always" (at every poll) or "never".
    #detail = "auto"
    # Ask the garbage collector which goroutines can never wake (Go 1.27; 1.26 with
    # GOEXPERIMENT=goroutineleakprofile): "never", "on-suspect" (where a suspect is) or "always".
    #leak_profile = "never"

    [storage]
    # The database, created when it is not there; a relative path starts at the folder of this file.
    #path = "goroscope.db"
    # Snapshots are kept for this long; signatures, and when and where each was seen first, for ever.
    #raw_retention = "30d"
    # The oldest snapshots go sooner while the file holds more than this.
    #max_size = "4GiB"

    [analysis]
    # Goroutines of one process at which trouble begins: with it answers say how long it is until then. None by default.
    #max_goroutines = 100000

    [[services]]
    name = "app"
    targets = ["localhost:6060"]
    # Attributes of all instances of the service, to select and group by.
    #labels = {}
    # Where pprof is served, for targets that name no path.
    #path = "/debug/pprof"
    # "http" or "https", for targets that name no scheme.
    #scheme = "http"

    # What grows and is fine can be left out of answers; `goroscope ignore snippet SIGNATURE` writes such a rule:
    #[[ignore]]
    #top_function = "database/sql.(*DB).connectionOpener"
    #reason = "one per pool"
    exit 0
    "#);
    let mut files: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["goroscope.toml", "other.toml"]);
}

#[test]
fn a_name_in_a_config_is_what_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let name = "${HOME} \"quoted\" \\n größe";
    let init = ["config", "init", "--service", name, "--target", "a:1"];
    assert!(said(folder.path(), &init).ends_with("exit 0"));
    let file = folder.path().join("goroscope.toml");
    let config = goroscope::config::load(&file, &std::iter::empty().collect()).unwrap();
    assert_eq!(&*config.services[0].name, name);
}

#[test]
fn options_that_make_no_config() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(told(folder.path(), &[
        "config init",
        "config init --target nowhere",
        "config init --service a",
        "config init --service a:6060",
        "config init --target a:1 --service b --target c:1",
        "config init --target a:1 --target a:1",
        "config init --target a:1 --interval 1",
        "config init --target a:1 --output none/new.toml",
    ]), @"
    $ goroscope config init
    error: there is no terminal to ask on, and no --target
    hint: for example: goroscope config init --service app --target localhost:6060
    exit 2
    $ goroscope config init --target nowhere
    error: invalid value 'nowhere' for '--target <HOST:PORT>': the port is missing in `nowhere`; write it as in `nowhere:6060`
    hint: for example: goroscope config init --target localhost:6060 --probe
    hint: `goroscope config init --help` tells more
    exit 2
    $ goroscope config init --service a
    error: --service a has no --target
    hint: for example: goroscope config init --service a --target localhost:6060
    exit 2
    $ goroscope config init --service a:6060
    error: --service a:6060 has no --target
    hint: for example: goroscope config init --service app --target a:6060
    exit 2
    $ goroscope config init --target a:1 --service b --target c:1
    error: --target a:1 comes before every --service
    hint: put --service NAME before the --target options that belong to it
    exit 2
    $ goroscope config init --target a:1 --target a:1
    error: services[0].targets[1]: `a:1` is the same instance as services[0].targets[0]; remove one
    hint: nothing was written; give the option anew as the line above says
    exit 2
    $ goroscope config init --target a:1 --interval 1
    error: invalid value '1' for '--interval <DURATION>': `1` is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are
    hint: for example: goroscope config init --target localhost:6060 --probe --interval 30s
    hint: `goroscope config init --help` tells more
    exit 2
    $ goroscope config init --target a:1 --output none/new.toml
    error: failed to write `none/new.toml`: No such file or directory (os error 2)
    hint: the folder must exist and be writable; --output names another file, and - is stdout
    exit 1
    ");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn targets_are_asked_once_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let healthy = Fake::start(Behaviour::Healthy);
    let init = [
        "config",
        "init",
        "--probe",
        "--output",
        "-",
        "--target",
        &healthy.address,
    ];
    let said = said(folder.path(), &init);
    let answers = format!("{}: answers, ", healthy.address);
    assert!(
        said.contains(&answers) && said.ends_with("exit 0"),
        "{said}"
    );
    assert_eq!((healthy.requests(), healthy.details()), (1, 0));
}

fn at_a_terminal(folder: &TempDir, arguments: &[&str]) -> Prompt {
    let mut command = Command::new(GOROSCOPE);
    Prompt::open(command.args(arguments).current_dir(folder.path()))
}

#[test]
fn a_person_is_asked_for_a_config() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = at_a_terminal(&folder, &["config", "init"]);
    terminal.wait_for("[app]: ");
    terminal.type_in("my shop\r");
    terminal.wait_for("a name has no blanks; such as my-shop: ");
    terminal.wait_for("[app]: ");
    terminal.type_in("a:6060\r");
    terminal.wait_for("`a:6060` is the address of a process: give its service a name");
    terminal.wait_for("[app]: ");
    terminal.type_in("shop\r");
    terminal.wait_for("[localhost:6060]: ");
    terminal.type_in("nowhere\r");
    terminal.wait_for("the port is missing");
    terminal.wait_for("[localhost:6060]: ");
    terminal.type_in("a:6060, b:6060\r");
    terminal.wait_for("Another service, or nothing []: ");
    terminal.type_in("shop\r");
    terminal.wait_for("one of this name already");
    terminal.wait_for("[]: ");
    terminal.type_in("\r");
    terminal.wait_for("[30s]: ");
    terminal.type_in("5\r");
    terminal.wait_for("not a duration");
    terminal.wait_for("[30s]: ");
    terminal.type_in("\r");
    terminal.wait_for("[yes]: ");
    terminal.type_in("no\r");
    terminal.wait_for("1 service with 2 instances");
    assert_eq!(terminal.end().0, Some(0));
    insta::assert_snapshot!(said(folder.path(), &["check", "config"]), @"
    goroscope.toml: ok, 1 service with 2 instances into goroscope.db
    exit 0
    ");
}

#[test]
fn ctrl_c_at_a_question_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = at_a_terminal(&folder, &["config", "init"]);
    terminal.wait_for("[app]: ");
    terminal.type_in("\r");
    terminal.wait_for("[localhost:6060]: ");
    terminal.type_in("\u{3}");
    terminal.wait_for("nothing was written");
    assert_eq!(terminal.end().0, Some(130));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_end_of_the_input_at_a_question_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = at_a_terminal(&folder, &["config", "init"]);
    terminal.wait_for("[app]: ");
    terminal.type_in("\u{4}");
    terminal.wait_for("error: the input ended before the last question");
    terminal.wait_for("nothing was written");
    assert_eq!(terminal.end().0, Some(1));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What a shell prints that has the completions of a word list, the last of which is being typed.
fn completed(words: &[&str]) -> Vec<String> {
    let script = r#"
        source <("$0" completions bash) || exit
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        wired=$(complete -p goroscope)
        function=${wired#* -F }
        "${function%% *}" goroscope "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let done = Command::new("bash")
        .args(["-c", script, GOROSCOPE])
        .args(words)
        .output();
    let done = done.unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes() {
    assert_eq!(completed(&["goroscope", "que"]), ["query"]);
    assert_eq!(completed(&["goroscope", "query", "top"]), ["top-growers"]);
    assert_eq!(
        completed(&["goroscope", "config", "init", "--tar"]),
        ["--target"]
    );
    assert_eq!(completed(&["goroscope", "completions", "ba"]), ["bash"]);
    let values = |words: &[&str]| completed(&[&["goroscope"], words, &[""]].concat()).join(" ");
    insta::assert_snapshot!([
        values(&["snapshot", "--group-by"]),
        values(&["snapshot", "--detail"]),
        values(&["query", "findings", "--verdict"]),
        values(&["query", "findings", "--exit-code"]),
        values(&["query", "findings", "-o"]),
        values(&["query", "shared", "--across"]),
        values(&["query", "top-growers", "--sort"]),
        values(&["--tz"]),
    ].join("\n"), @"
    signature where creator package state label=
    auto always never
    suspect growing likely confirmed
    suspect growing likely confirmed
    table wide json ndjson csv md
    instance service label=
    rate growth count first-seen
    local utc
    ");
    // Neither a number nor a moment is a file.
    assert_eq!(values(&["query", "findings", "--since"]), "");
    assert_eq!(values(&["snapshot", "--top"]), "");
}

/// Shells that are not there are left out.
#[test]
fn other_shells_take_their_completions() {
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let folder = tempfile::tempdir().unwrap();
        let said = said(folder.path(), &["completions", shell]);
        let script = said.strip_suffix("exit 0").unwrap();
        assert!(script.contains("top-growers"), "{shell}");
        write(&folder, "script", script);
        let file = folder.path().join("script");
        if let Ok(done) = Command::new(shell).arg(check).arg(file).output() {
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
    }
}

/// A history that takes a moment, into goroscope at a terminal whose TERM is `term`.
fn slow_import(term: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "history.ndjson", HISTORY);
    let script = "(cat history.ndjson; sleep 1.6) | \"$0\" import -";
    let mut command = Command::new("sh");
    let command = command.args(["-c", script, GOROSCOPE]);
    let terminal = Prompt::open(command.current_dir(folder.path()).env("TERM", term));
    terminal.end()
}

#[test]
fn what_takes_longer_shows_how_far_it_is_and_leaves_no_trace() {
    let (code, seen) = slow_import("xterm");
    let (progress, answer) = seen.rsplit_once("\u{1b}[2K").unwrap();
    assert!(progress.contains("importing"), "{seen:?}");
    assert!(
        answer.trim_start().starts_with("2 lines: 1 snapshot"),
        "{seen:?}"
    );
    assert_eq!(code, Some(0));
    // A terminal that cannot take a line back sees the answer alone.
    let (_, seen) = slow_import("dumb");
    assert!(seen.starts_with("2 lines: 1 snapshot"), "{seen:?}");
}

#[test]
fn work_whose_amount_is_known_is_counted_to_its_end() {
    let folder = with_history();
    let database = folder.path().join("goroscope.db");
    let reader = Reader::open(&database).unwrap();
    assert_eq!(reader.steps().so_far(), None);
    let moment = |hour: i64| Timestamp::from_millis(1_795_500_000_000 + hour * 3_600_000);
    let scope = Scope {
        since: moment(0),
        until: moment(4),
        services: Vec::new(),
        instances: Vec::new(),
    };
    instances(&reader, &scope).unwrap();
    assert_eq!(reader.steps().so_far(), Some((1, 1)));
    let steps = Steps::default();
    let (answer, found) = check_database(&database, Depth::Quick, &steps).unwrap();
    let decoded: u64 = found.decoded.iter().map(|(_, rows)| rows).sum();
    assert!(answer.sound && decoded > 0);
    assert_eq!(steps.so_far(), Some((decoded, decoded)));
}
