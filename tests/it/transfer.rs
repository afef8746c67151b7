//! A history that is exported and imported is the same history, and what is wrong with lines is said.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use goroscope::dump::{Block, Event, Facts, Goroutines, RawFrame, RawLabels};
use goroscope::group::{FullStacks, KeepLabels, StackBook, Survivors, Tally};
use goroscope::model::{
    Complaint, Elision, EventKind, Failure, FailureReason, Form, Incarnation, InstanceId, Kind,
    Labels, Look, Note, Outcome, Poll, ProcessFacts, Record, Snapshot, StartReason, Timestamp,
    Watch,
};
use proptest::prelude::*;

use crate::blocks::{DAY, at, write};
use crate::support::{KEEP, number, printed};

/// Goroutines as a process might have them.
#[derive(Debug, Clone)]
struct Crowd {
    stack: usize,
    state: usize,
    label: usize,
    creator: usize,
    count: u64,
    minutes: Option<u64>,
    leaked: bool,
    id: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Look {
        kinds: &'static [Kind],
        form: Form,
        groups: Vec<Crowd>,
        took: u64,
        truncated: bool,
        complaint: Option<u64>,
        own: bool,
        /// Milliseconds that it comes late.
        late: i64,
    },
    Fail(Kind, usize),
    Restart(Option<u32>),
    Relabel(u8, u64),
    Note(usize),
}

fn crowd() -> impl Strategy<Value = Crowd> {
    let minutes = prop_oneof![3 => Just(None), 2 => (0..2_000u64).prop_map(Some)];
    (
        0..STACKS,
        0..STATES.len(),
        0..4usize,
        0..4usize,
        1..6u64,
        minutes,
        prop::bool::weighted(0.1),
        0..40u64,
    )
        .prop_map(
            |(stack, state, label, creator, count, minutes, leaked, id)| Crowd {
                stack,
                state,
                label,
                creator,
                count,
                minutes,
                leaked,
                id,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = prop_oneof![
        6 => Just(&[Kind::Pulse][..]),
        3 => Just(&[Kind::Detail][..]),
        2 => Just(&[Kind::Pulse, Kind::Detail][..]),
        2 => Just(&[Kind::Proof][..]),
    ];
    let form = prop::sample::select(Form::ALL.to_vec());
    let complaint = prop::option::weighted(0.1, 1..5u64);
    let late = prop_oneof![9 => Just(0i64), 1 => 1..5_000i64];
    let look = (
        kinds,
        form,
        prop::collection::vec(crowd(), 0..7),
        0..500u64,
        prop::bool::weighted(0.1),
        complaint,
        any::<bool>(),
        late,
    );
    let look = look.prop_map(
        |(kinds, form, groups, took, truncated, complaint, own, late)| Step::Look {
            kinds,
            form,
            groups,
            took,
            truncated,
            complaint,
            own,
            late,
        },
    );
    prop_oneof![
        30 => look,
        3 => (prop::sample::select(Kind::ALL.to_vec()), 0..12usize)
            .prop_map(|(kind, reason)| Step::Fail(kind, reason)),
        2 => prop::option::of(any::<u32>()).prop_map(Step::Restart),
        2 => (0..3u8, 5..90u64).prop_map(|(label, seconds)| Step::Relabel(label, seconds)),
        1 => (0..EventKind::ALL.len()).prop_map(Step::Note),
    ]
}

/// Stacks 0 to 5 are plain, two of them differ in a line only; the others are deep, cut, and elided.
const STACKS: usize = 10;
const STATES: [(&str, &str); 5] = [
    ("runtime.chanrecv", "chan receive"),
    ("runtime.selectgo", "select"),
    ("sync.runtime_Semacquire", "semacquire"),
    ("runtime.chansend", "chan send (nil chan)"),
    ("", "runnable"),
];
const NAMES: [&str; 6] = [
    "main.a",
    "main.a",
    "main.(*T).b\"quoted\\",
    "acme.io/pay.c[...]",
    "main.λ.func1",
    "sync.(*Mutex).Lock",
];

fn frames(stack: usize, park: &'static str) -> Vec<RawFrame<'static>> {
    let frame = |function: &'static str, line| RawFrame {
        function: function.as_bytes(),
        file: b"/src/\xc3\xbc.go",
        line,
    };
    let mut frames = Vec::new();
    if !park.is_empty() {
        frames.extend([frame("runtime.gopark", 474), frame(park, 7)]);
    }
    let line = u32::try_from(stack).unwrap();
    if let Some(name) = NAMES.get(stack) {
        frames.push(frame(name, line + 1));
        frames.push(RawFrame {
            function: b"main.main",
            file: b"",
            line: 0,
        });
        return frames;
    }
    let depth = if stack == 7 { 30 } else { 60 };
    frames.extend((0..depth).map(|nth| frame("main.deep", nth)));
    frames
}

/// One instance that is polled.
struct Polled {
    instance: Arc<InstanceId>,
    life: Arc<Incarnation>,
    labels: Arc<Labels>,
    from: Timestamp,
    /// Some look has given a snapshot.
    answered: bool,
    survivors: Survivors,
    now: i64,
}

/// Makes records of steps, as polling would.
struct Simulation {
    book: StackBook,
    full: FullStacks,
    polled: Vec<Polled>,
    records: Vec<Record>,
}

impl Simulation {
    fn new() -> Self {
        let instances = [
            ("pay", "http", "pay-1:6060", "/debug/pprof"),
            ("pay", "http", "pay-2:6060", "/debug/pprof"),
            ("search \"x\"", "https", "search:443", "/internal/pprof"),
        ];
        let polled = instances.map(|(service, scheme, address, path)| {
            let instance = Arc::new(InstanceId {
                service: service.into(),
                scheme: scheme.into(),
                address: address.into(),
                path: path.into(),
            });
            Polled {
                instance,
                life: life(at(0), 0, StartReason::FirstContact),
                labels: Arc::default(),
                from: at(0),
                survivors: Survivors::default(),
                answered: false,
                now: 0,
            }
        });
        let mut simulation = Self {
            book: StackBook::default(),
            full: FullStacks::default(),
            polled: Vec::from(polled),
            records: Vec::new(),
        };
        for nth in 0..3 {
            simulation.watch(nth, 30);
        }
        simulation
    }

    fn watch(&mut self, nth: usize, seconds: u64) {
        let polled = &mut self.polled[nth];
        polled.from = at(polled.now);
        self.records.push(Record::Watch(Watch {
            instance: Arc::clone(&polled.instance),
            from: polled.from,
            interval: Duration::from_secs(seconds),
            labels: Arc::clone(&polled.labels),
        }));
    }

    fn unwatch(&mut self, nth: usize) {
        let polled = &self.polled[nth];
        self.records.push(Record::Unwatch {
            instance: Arc::clone(&polled.instance),
            from: polled.from,
            to: at(polled.now),
        });
    }

    fn step(&mut self, nth: usize, gap: i64, step: &Step) {
        self.polled[nth].now += 10_000 + gap;
        let now = self.polled[nth].now;
        match step {
            Step::Look { kinds, late, .. } => {
                // A late one is of the same process, and at a time that no other has.
                let since = self.polled[nth].life.since;
                let made = at(now - late).max(Timestamp::from_millis(since.as_millis() + 1));
                for kind in *kinds {
                    let snapshot = self.snapshot(nth, *kind, step);
                    let life = Arc::clone(&self.polled[nth].life);
                    let outcome = Outcome::Snapshot(life, Box::new(snapshot));
                    self.poll(nth, *kind, made, step, outcome);
                }
            }
            Step::Fail(kind, reason) => {
                // Nobody is asked for a proof who has not answered yet.
                let is_early = *kind == Kind::Proof && !self.polled[nth].answered;
                let kind = if is_early { Kind::Pulse } else { *kind };
                let reason = FailureReason::ALL[*reason];
                let message = format!("it \"failed\": {}", reason.as_str());
                let outcome = Outcome::Failed(Failure { reason, message });
                self.poll(nth, kind, at(now), step, outcome);
            }
            Step::Restart(vdso) => {
                let reason = if vdso.is_some() {
                    StartReason::Vdso
                } else {
                    StartReason::SuddenFall
                };
                let polled = &mut self.polled[nth];
                polled.survivors.forget();
                polled.life = life(at(now), vdso.unwrap_or(0), reason);
                let first = Step::Look {
                    kinds: &[Kind::Pulse],
                    form: Form::Proto,
                    groups: Vec::new(),
                    took: 3,
                    truncated: false,
                    complaint: None,
                    own: false,
                    late: 0,
                };
                let snapshot = self.snapshot(nth, Kind::Pulse, &first);
                let life = Arc::clone(&self.polled[nth].life);
                self.poll(
                    nth,
                    Kind::Pulse,
                    at(now),
                    &first,
                    Outcome::Snapshot(life, Box::new(snapshot)),
                );
                self.note(EventKind::Restart, nth, "another process answers");
            }
            Step::Relabel(label, seconds) => {
                self.unwatch(nth);
                let labels = [("v".to_owned(), label.to_string())];
                self.polled[nth].labels =
                    Arc::new(labels.into_iter().take(usize::from(*label)).collect());
                self.polled[nth].now += 40_000;
                self.watch(nth, *seconds);
            }
            Step::Note(kind) => self.note(EventKind::ALL[*kind], nth, "something \\ happened"),
        }
    }

    fn note(&mut self, kind: EventKind, nth: usize, text: &str) {
        let polled = &self.polled[nth];
        let whole_daemon = matches!(kind, EventKind::ClockStep | EventKind::PollsLost);
        self.records.push(Record::Note(Note {
            at: at(polled.now),
            kind,
            instance: (!whole_daemon).then(|| Arc::clone(&polled.instance)),
            text: format!("{text} at {}", polled.now),
        }));
    }

    fn poll(&mut self, nth: usize, kind: Kind, made: Timestamp, step: &Step, outcome: Outcome) {
        let took = match step {
            Step::Look { took, .. } => *took,
            _ => 0,
        };
        self.polled[nth].answered |= matches!(outcome, Outcome::Snapshot(..));
        self.records.push(Record::Poll(Box::new(Poll {
            instance: Arc::clone(&self.polled[nth].instance),
            at: made,
            look: Look {
                kind,
                took: Duration::from_millis(took),
                outcome,
            },
        })));
    }

    fn snapshot(&mut self, nth: usize, kind: Kind, step: &Step) -> Snapshot {
        let Step::Look {
            form,
            groups,
            truncated,
            complaint,
            own,
            ..
        } = step
        else {
            panic!("no look")
        };
        let polled = &mut self.polled[nth];
        let survivors = (kind == Kind::Detail).then_some(&mut polled.survivors);
        let mut tally = Tally::new(&self.book, KeepLabels::All, survivors);
        for crowd in groups {
            add(&mut tally, kind, crowd);
        }
        if *own {
            let writer = [RawFrame {
                function: b"runtime/pprof.writeGoroutine",
                file: b"",
                line: 0,
            }];
            tally.add(Event::Goroutines(goroutines(&writer)));
        }
        if let Some(lost) = complaint {
            tally.add(Event::Complaint(Complaint {
                line: 7,
                what: "torn \"here\"".to_owned(),
                goroutines: *lost,
            }));
        }
        let mut snapshot = tally.finish(Facts {
            form: *form,
            leaks: false,
            truncated: *truncated,
            process: ProcessFacts::default(),
        });
        for group in &snapshot.groups {
            self.full.learn(&group.stack);
        }
        for group in &mut snapshot.groups {
            group.signature = self.full.resolve(&group.stack);
        }
        snapshot
    }
}

fn life(since: Timestamp, vdso: u32, reason: StartReason) -> Arc<Incarnation> {
    let facts = ProcessFacts {
        build_id: (!vdso.is_multiple_of(3)).then(|| format!("b{}", vdso % 3)),
        vdso: (vdso > 0).then(|| u64::from(vdso) << 32 | 0xfff),
        heap_high: (!vdso.is_multiple_of(2)).then_some(vdso),
    };
    Arc::new(Incarnation {
        since,
        reason,
        facts,
    })
}

const fn goroutines<'a>(frames: &'a [RawFrame<'a>]) -> Goroutines<'a> {
    Goroutines {
        count: 1,
        frames,
        elision: None,
        cut: false,
        leaf_hidden: false,
        labels: None,
        block: None,
        stack: None,
    }
}

fn add(tally: &mut Tally<'_>, kind: Kind, crowd: &Crowd) {
    let (park, state) = STATES[crowd.state];
    let frames = frames(crowd.stack, park);
    let value = [b"a", b"b", b"\""][crowd.label % 3];
    let label = [(&b"k"[..], &value[..])];
    let whole = Goroutines {
        count: crowd.count,
        elision: (crowd.stack == 8).then_some(Elision {
            after: 50,
            frames: (crowd.state > 1).then_some(70),
        }),
        cut: crowd.stack == 7,
        labels: (crowd.label > 0).then_some(RawLabels::Pairs(&label)),
        ..goroutines(&frames)
    };
    if kind == Kind::Pulse {
        tally.add(Event::Goroutines(whole));
        return;
    }
    for nth in 0..crowd.count {
        tally.add(Event::Goroutines(Goroutines {
            count: 1,
            block: Some(Block {
                id: crowd.id + nth,
                state: state.as_bytes(),
                minutes: crowd.minutes,
                leaked: crowd.leaked,
                creator: [None, Some(&b"main.main"[..]), Some(b"main.\"start\"")]
                    [crowd.creator % 3],
            }),
            ..whole
        }));
    }
}

fn goroscope(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command.current_dir(folder).env_remove("GOROSCOPE_DB");
    command
}

pub(crate) fn export(folder: &Path, database: &str, more: &[&str]) -> String {
    let mut command = goroscope(folder);
    command
        .args(["export", "--format", "ndjson", "--db", database])
        .args(more);
    String::from_utf8(printed(&mut command)).unwrap()
}

pub(crate) fn import(folder: &Path, paths: &[&str], database: &str) -> String {
    let mut command = goroscope(folder);
    command.arg("import").args(paths).args(["--db", database]);
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    said
}

/// Every answer, as JSON.
fn answers(folder: &Path, database: &str) -> String {
    let ask = |question: &[&str]| {
        let mut command = goroscope(folder);
        command.arg("query").args(question);
        command.args([
            "-o",
            "json",
            "--db",
            database,
            "--since",
            "2026-11-23",
            "--until",
            "2026-11-26",
        ]);
        String::from_utf8(printed(&mut command)).unwrap()
    };
    let growers = ask(&["top-growers", "--all", "--min-growth=-1000000"]);
    let mut answers = growers.clone();
    for question in ["first-seen", "shared", "instances"] {
        answers += &ask(&[question]);
    }
    let rows: serde_json::Value = serde_json::from_str(&growers).unwrap();
    for row in rows["rows"].as_array().unwrap().iter().take(4) {
        let signature = row["signature"].as_str().unwrap();
        answers += &ask(&["history", signature]);
        answers += &ask(&["show", signature]);
    }
    answers
}

/// The tables that polling builds up, by names: row ids may differ.
fn tables(path: &Path) -> String {
    const LIFE: &str = "(SELECT s.name || i.address || l.since FROM incarnation l
        JOIN instance i ON i.id = l.instance_id JOIN service s ON s.id = i.service_id WHERE l.id = ";
    let statements = [
        "SELECT hex(stack.hash), hex(signature.hash), stack.rules, cut, elided_after, elided_frames,
             site, stack.frames, (SELECT name FROM service WHERE id = service_id)
         FROM stack JOIN signature ON signature.id = signature_id ORDER BY stack.id".to_owned(),
        format!("SELECT hex(hash), rules, where_function, where_file, where_line, frames, first_at,
             last_at, {LIFE} first_incarnation_id) FROM signature ORDER BY id"),
        "SELECT hex(signature_alias.hash), hex(signature.hash) FROM signature_alias
         JOIN signature ON signature.id = signature_id ORDER BY 1".to_owned(),
        format!("SELECT hex(hash), address, series.first_at, series.last_at, last, peak, peak_at,
             {LIFE} series.first_incarnation_id)
         FROM series JOIN signature ON signature.id = signature_id
         JOIN instance ON instance.id = instance_id ORDER BY 1, 2"),
        format!("SELECT hex(hash), service.name, build.build_id, sighting.first_at,
             {LIFE} incarnation_id)
         FROM sighting JOIN signature ON signature.id = signature_id
         JOIN service ON service.id = service_id LEFT JOIN build ON build.id = sighting.build_id
         ORDER BY 1, 2, 3"),
        format!("SELECT hex(stack.hash), hex(signature.hash), service.name, build.build_id, proof.first_at,
             proof.last_at, count, last, {LIFE} incarnation_id)
         FROM proof JOIN stack ON stack.id = stack_id JOIN signature ON signature.id = signature_id
         JOIN service ON service.id = proof.service_id LEFT JOIN build ON build.id = proof.build_id
         ORDER BY 1, 3, 4, 5, 9"),
        "SELECT address, since, reason, build.build_id, build.first_at, vdso, heap_high, proof_at,
             incarnation.name
         FROM incarnation JOIN instance ON instance.id = instance_id
         LEFT JOIN build ON build.id = incarnation.build_id ORDER BY incarnation.id".to_owned(),
        "SELECT address, from_at, coalesce(to_at, last_commit_at), interval_ms
         FROM watch JOIN instance ON instance.id = instance_id
         JOIN daemon_run ON daemon_run.id = run_id ORDER BY 1, 2, watch.id".to_owned(),
        "SELECT address, from_at, labels FROM instance_label
         JOIN instance ON instance.id = instance_id ORDER BY 1, 2".to_owned(),
        "SELECT at, kind, (SELECT name FROM service WHERE id = event.service_id), address, hex(hash), text
         FROM event LEFT JOIN instance ON instance.id = instance_id
         LEFT JOIN signature ON signature.id = signature_id ORDER BY 1, 2, 6, 4, 5".to_owned(),
    ];
    let database = rusqlite::Connection::open(path).unwrap();
    let mut text = String::new();
    for sql in statements {
        let mut statement = database.prepare(&sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let value: rusqlite::types::Value = row.get(column).unwrap();
                write!(text, "{value:?} ").unwrap();
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

/// The first lines in which two texts differ.
fn difference(a: &str, b: &str) -> Option<(String, String)> {
    let mut lines = a.lines().zip(b.lines());
    let lines = lines.find(|(a, b)| a != b);
    let owned = lines.map(|(a, b)| (a.to_owned(), b.to_owned()));
    let lengths = || (a.lines().count().to_string(), b.lines().count().to_string());
    owned.or_else(|| (a != b).then(lengths))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Two daemons poll, one after the other; half of the databases have made blocks of all pulses.
    #[test]
    fn an_import_of_an_export_is_the_same_history(
        steps in prop::collection::vec((0..3usize, 0..60_000i64, step()), 1..120),
        cold in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("polled.db");
        let mut simulation = Simulation::new();
        let (first, second) = steps.split_at(steps.len() / 2);
        for steps in [first, second] {
            for (nth, gap, step) in steps {
                simulation.step(*nth, *gap, step);
            }
            let records = std::mem::take(&mut simulation.records);
            write(&path, KEEP, records, || at(DAY / 10), |_| true);
        }
        let folder = folder.path();
        let text = export(folder, "polled.db", &[]);
        if cold {
            // In blocks of windows, and then of the day.
            let rows = "SELECT (SELECT count(*) FROM pulse) + (SELECT count(*) FROM detail)";
            let windows = "SELECT count(*) FROM detail_block WHERE thinned = 0";
            let steps = [(rows, (|| at(DAY + 120_000)) as fn() -> Timestamp), (windows, || at(2 * DAY))];
            for (left, now) in steps {
                write(&path, KEEP, Vec::new(), now, |path| number(path, left) == 0);
                prop_assert_eq!(difference(&export(folder, "polled.db", &[]), &text), None);
            }
        }
        std::fs::write(folder.join("all.ndjson"), &text).unwrap();
        import(folder, &["all.ndjson"], "imported.db");
        prop_assert_eq!(difference(&export(folder, "imported.db", &[]), &text), None);
        prop_assert_eq!(difference(&tables(&folder.join("imported.db")), &tables(&path)), None);
        prop_assert_eq!(difference(&answers(folder, "imported.db"), &answers(folder, "polled.db")), None);
        // Nothing comes twice.
        let again = import(folder, &["all.ndjson"], "imported.db");
        prop_assert!(again.contains(": 0 snapshots and 0 failed polls stored"), "{}", again);
        prop_assert_eq!(difference(&export(folder, "imported.db", &[]), &text), None);
        prop_assert_eq!(difference(&tables(&folder.join("imported.db")), &tables(&path)), None);
        // A part of it is the same part.
        let part = ["--service", "pay", "--since", "2026-11-24T00:05:00Z", "--until", "2026-11-24T00:30:00Z"];
        let text = export(folder, "polled.db", &part);
        std::fs::write(folder.join("part.ndjson"), &text).unwrap();
        import(folder, &["part.ndjson"], "part.db");
        prop_assert_eq!(difference(&export(folder, "part.db", &part), &text), None);
    }
}
