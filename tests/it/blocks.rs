//! Hot rows and the blocks that they become tell the same.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goroscope::dump::{Event, Facts, Goroutines, RawFrame, RawLabels};
use goroscope::group::{KeepLabels, StackBook, Tally};
use goroscope::model::{
    Complaint, Form, Incarnation, InstanceId, Kind, Look, Outcome, Poll, ProcessFacts, Record,
    Snapshot, StartReason, Timestamp, Watch,
};
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, IncarnationWindow, Reader, Retention, States, Writer};
use proptest::prelude::*;

use crate::support::KEEP;

/// 2026-11-24 00:00 UTC.
const MIDNIGHT: i64 = 1_795_478_400_000;

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(MIDNIGHT + millis)
}

/// A pulse as a process might give it: stack, label and count of its groups.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Since the pulse before, milliseconds; back where a clock was set back.
    pub(crate) step: i64,
    pub(crate) groups: Vec<(u8, u8, u64)>,
    pub(crate) truncated: bool,
    pub(crate) complained: u64,
}

fn seen() -> impl Strategy<Value = Seen> {
    let step = prop_oneof![20 => 29_000..31_000i64, 1 => Just(4_000_000), 1 => Just(-90_000)];
    let group = (
        0..6u8,
        0..3u8,
        prop_oneof![8 => 1..9u64, 1 => any::<u32>().prop_map(u64::from)],
    );
    let truncated = prop_oneof![9 => Just(false), 1 => Just(true)];
    let complained = prop_oneof![9 => Just(0u64), 1 => 1..4u64];
    (
        step,
        proptest::collection::vec(group, 0..8),
        truncated,
        complained,
    )
        .prop_map(|(step, groups, truncated, complained)| Seen {
            step,
            groups,
            truncated,
            complained,
        })
}

const STACKS: [&str; 6] = ["main.a", "main.b", "main.c", "io.d", "io.e", "net.f"];
const PARKS: [&str; 3] = ["runtime.chanrecv", "runtime.selectgo", "runtime.chansend"];

fn snapshot(seen: &Seen, book: &StackBook) -> Snapshot {
    let frame = |function: &'static str| RawFrame {
        function: function.as_bytes(),
        file: b"/src/x.go",
        line: 1,
    };
    let mut tally = Tally::new(book, KeepLabels::All, None);
    for (stack, kind, count) in &seen.groups {
        let frames = [
            frame("runtime.gopark"),
            frame(PARKS[usize::from(*kind)]),
            frame(STACKS[usize::from(*stack)]),
        ];
        let label = [(&b"k"[..], &b"v"[..])];
        tally.add(Event::Goroutines(Goroutines {
            count: *count,
            frames: &frames,
            elision: None,
            cut: false,
            leaf_hidden: false,
            labels: (*stack > 3).then_some(RawLabels::Pairs(&label)),
            block: None,
            stack: None,
        }));
    }
    if seen.complained > 0 {
        tally.add(Event::Complaint(Complaint {
            line: 7,
            what: "torn".to_owned(),
            goroutines: seen.complained,
        }));
    }
    tally.finish(Facts {
        form: Form::Proto,
        leaks: false,
        truncated: seen.truncated,
        process: ProcessFacts::default(),
    })
}

/// One process that is watched.
pub(crate) struct Process {
    instance: Arc<InstanceId>,
    life: Arc<Incarnation>,
    book: StackBook,
}

impl Process {
    /// The process, and the beginning of its history.
    pub(crate) fn watched(interval: Duration) -> (Self, Vec<Record>) {
        Self::at("s:6060", interval)
    }

    /// The same at an address.
    pub(crate) fn at(address: &str, interval: Duration) -> (Self, Vec<Record>) {
        let instance = Arc::new(InstanceId {
            service: "s".into(),
            scheme: "http".into(),
            address: address.into(),
            path: "/debug/pprof".into(),
        });
        let watch = Watch {
            instance: Arc::clone(&instance),
            from: at(0),
            interval,
            labels: Arc::default(),
        };
        let life = Arc::new(Incarnation {
            since: at(0),
            reason: StartReason::FirstContact,
            facts: ProcessFacts::default(),
        });
        let process = Self {
            instance,
            life,
            book: StackBook::default(),
        };
        (process, vec![Record::Watch(watch)])
    }

    /// Another process follows, `millis` behind the beginning.
    pub(crate) fn restart(&mut self, millis: i64) {
        self.life = Arc::new(Incarnation {
            since: at(millis),
            reason: StartReason::Vdso,
            facts: ProcessFacts::default(),
        });
    }

    /// A look at it, `millis` behind the beginning.
    pub(crate) fn look(&self, kind: Kind, millis: i64, took: Duration, seen: &Seen) -> Record {
        let snapshot = Box::new(snapshot(seen, &self.book));
        let look = Look {
            kind,
            took,
            outcome: Outcome::Snapshot(Arc::clone(&self.life), snapshot),
        };
        Record::Poll(Box::new(Poll {
            instance: Arc::clone(&self.instance),
            at: at(millis),
            look,
        }))
    }
}

fn records(pulses: &[Seen]) -> Vec<Record> {
    let (process, mut records) = Process::watched(Duration::from_secs(30));
    let mut now = 0;
    for seen in pulses {
        now = (now + seen.step).max(0);
        let took = Duration::from_millis(seen.step.unsigned_abs() % 50);
        records.push(process.look(Kind::Pulse, now, took, seen));
    }
    records
}

/// Takes the lock. A process that another test starts has it too, until it runs its program.
fn lock(path: &Path) -> DaemonLock {
    let began = Instant::now();
    loop {
        match DaemonLock::take(path) {
            Ok(lock) => return lock,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Writes records under a clock, and waits until `done` of the database.
pub(crate) fn write(
    path: &Path,
    keep: Retention,
    records: Vec<Record>,
    now: fn() -> Timestamp,
    done: impl Fn(&Path) -> bool,
) {
    let lock = lock(path);
    let (writer, queue) =
        Writer::start(path, lock, keep, Arc::new(Counters::default()), now).unwrap();
    for record in records {
        queue.send(record).unwrap();
    }
    let began = Instant::now();
    while !done(path) {
        assert!(began.elapsed() < Duration::from_mins(1), "it is never done");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(queue);
    assert!(writer.join());
}

/// Pulses that are rows, and pulses in blocks.
fn kept(path: &Path) -> (i64, i64) {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT (SELECT count(*) FROM pulse), (SELECT ifnull(sum(ticks), 0) FROM block)";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    database.query_row(sql, [], row).unwrap()
}

/// What a reader tells of the pulses between two moments, by names.
type Told = (
    IncarnationWindow,
    BTreeMap<String, HashMap<Timestamp, States>>,
);

fn told(path: &Path, since: i64, until: i64) -> Told {
    let reader = Reader::open(path).unwrap();
    let life = reader.instances().unwrap()[0].key;
    let life = reader.incarnations(life).unwrap()[0].id;
    let window = reader.window(life, at(since), at(until), None).unwrap();
    let signatures = reader.signatures().unwrap();
    let states = signatures.into_iter().map(|(key, row)| {
        let states = reader.states_over_time(life, at(since), at(until), key);
        (row.site.function.to_string(), states.unwrap())
    });
    (window, states.collect())
}

pub(crate) const DAY: i64 = 86_400_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// One database keeps its rows hot, the other makes blocks of them, some of them late.
    #[test]
    fn a_block_reads_back_as_the_rows_that_it_was_made_of(
        pulses in proptest::collection::vec(seen(), 1..90),
        more in proptest::collection::vec(seen(), 0..20),
        (since, len) in (0..3_000_000i64, 0..3_000_000i64),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (hot, cold) = (folder.path().join("hot.db"), folder.path().join("cold.db"));
        let all = records(&pulses);
        let late = records(&more);
        let mut stored = 0;
        for batch in [&all, &late] {
            stored += i64::try_from(batch.len()).unwrap() - 1;
            write(&hot, KEEP, batch.clone(), || at(0), |_| true);
            write(&cold, KEEP, batch.clone(), || at(9 * DAY), |path| kept(path) == (0, stored));
        }
        prop_assert_eq!(kept(&hot), (stored, 0));
        for (since, until) in [(0, DAY), (since, since + len)] {
            let (cold, hot) = (told(&cold, since, until), told(&hot, since, until));
            prop_assert_eq!(cold.0.set_aside, hot.0.set_aside);
            prop_assert_eq!(cold.0.ticks, hot.0.ticks);
            prop_assert_eq!(cold.0.goroutines, hot.0.goroutines);
            prop_assert_eq!(cold.0.counts, hot.0.counts);
            prop_assert_eq!(cold.0.states, hot.0.states);
            prop_assert_eq!(cold.1, hot.1);
        }
    }
}
