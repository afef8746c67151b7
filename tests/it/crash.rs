//! SIGKILL at any moment: the file is whole, and everything that was acknowledged is in it.
//!
//! The killed process is this test binary again, as a writer in a hurry: its clock follows what it
//! writes, so that windows close, blocks are made and retention removes within seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use goroscope::model::{Kind, Timestamp};
use goroscope::observe::Counters;
use goroscope::observe::log::{self, LogFormat};
use goroscope::store::{DaemonLock, Reader, Retention, Writer};
use serde_json::Value;

use crate::blocks::{DAY, Process, Seen, at};
use crate::released::released;
use crate::support::said;

/// Kills in an ordinary run of the tests; `GOROSCOPE_KILL_RUNS` asks for more.
const RUNS: u64 = 12;

const STEP: i64 = 30_000;

fn runs() -> u64 {
    let runs = std::env::var_os("GOROSCOPE_KILL_RUNS");
    runs.map_or(RUNS, |runs| runs.to_str().unwrap().parse().unwrap())
}

/// The counts of a tick, which tell whether it is read back as it was written.
fn groups(tick: i64) -> Vec<(u8, u8, u64)> {
    let count = |stack: i64| u64::try_from((tick * (stack + 3)) % 97).unwrap() + 1;
    let present = (0..6).filter(|stack| (tick + stack) % 7 > 0);
    present
        .map(|stack| (u8::try_from(stack).unwrap(), 0, count(stack)))
        .collect()
}

static CLOCK: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    at(CLOCK.load(Ordering::Relaxed))
}

/// The process that is killed: does nothing in an ordinary run of the tests.
#[test]
fn a_writer_in_a_hurry() {
    let Some(path) = std::env::var_os("GOROSCOPE_TEST_HURRY") else {
        return;
    };
    let first = std::env::var_os("GOROSCOPE_TEST_TICK").unwrap();
    let first: i64 = first.to_str().unwrap().parse().unwrap();
    log::start("info,goroscope::store=debug", LogFormat::Json, false).unwrap();
    CLOCK.store(first * STEP, Ordering::Relaxed);
    let path = Path::new(&path);
    let lock = DaemonLock::take(path).unwrap();
    let keep = Retention {
        raw: Duration::from_hours(40),
        rollup: Duration::MAX,
        max_size: u64::MAX,
    };
    let (_writer, records) =
        Writer::start(path, lock, keep, Arc::new(Counters::default()), clock).unwrap();
    let (process, watch) = Process::watched(Duration::from_secs(30));
    for record in watch {
        records.send(record).unwrap();
    }
    for tick in first.. {
        CLOCK.store(tick * STEP, Ordering::Relaxed);
        let seen = Seen {
            step: 0,
            groups: groups(tick),
            truncated: false,
            complained: 0,
        };
        for kind in [Kind::Pulse, Kind::Detail] {
            if kind == Kind::Pulse || tick % 20 == 0 {
                let look = process.look(kind, tick * STEP, Duration::ZERO, &seen);
                records.send(look).unwrap();
            }
        }
        if tick % 16 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Moments acknowledged in a log, by table. Its last line may be torn.
fn acknowledged(log: &str) -> BTreeMap<String, Vec<i64>> {
    let mut moments: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in lines {
        if let (Some(table), Some(at)) = (line["row.table"].as_str(), line["row.at"].as_i64()) {
            moments.entry(table.to_owned()).or_default().push(at);
        }
    }
    moments
}

/// One life and death of the writer: what it acknowledged.
fn killed_after(folder: &Path, first: i64, millis: u64) -> BTreeMap<String, Vec<i64>> {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::a_writer_in_a_hurry", "--nocapture"])
        .env("GOROSCOPE_TEST_HURRY", folder.join("goroscope.db"))
        .env("GOROSCOPE_TEST_TICK", first.to_string())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(millis));
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    acknowledged(&log)
}

/// What is read back since the moment from which everything is kept: counts by tick.
fn read_back(path: &Path) -> (Timestamp, BTreeMap<Timestamp, BTreeMap<String, u32>>) {
    let reader = Reader::open(path).unwrap();
    let kept = reader.kept_since().unwrap().unwrap_or(at(0));
    let life = reader.instances().unwrap()[0].key;
    let life = reader.incarnations(life).unwrap()[0].id;
    let window = reader.window(life, kept, at(9_999 * DAY), None).unwrap();
    assert_eq!(window.set_aside, []);
    let names = reader.signatures().unwrap();
    let mut ticks = BTreeMap::new();
    for (nth, tick) in window.ticks.iter().enumerate() {
        let here = window.counts.iter().filter(|(_, counts)| counts[nth] > 0);
        let counts = here.map(|(key, counts)| (names[key].site.function.to_string(), counts[nth]));
        let twice = ticks.insert(*tick, counts.collect());
        assert!(twice.is_none(), "{tick:?} is there twice");
    }
    (kept, ticks)
}

fn written(tick: i64) -> BTreeMap<String, u32> {
    let names = ["main.a", "main.b", "main.c", "io.d", "io.e", "net.f"];
    let groups = groups(tick).into_iter();
    groups
        .map(|(stack, _, count)| {
            let name = names[usize::from(stack)].to_owned();
            (name, u32::try_from(count).unwrap())
        })
        .collect()
}

/// Every detail that was acknowledged is there as it was written, in a row or a block; the number of
/// blocks, of pulses and of details.
fn assert_details(path: &Path, what: &str, acknowledged: &BTreeMap<String, Vec<i64>>) -> [i64; 2] {
    let reader = Reader::open(path).unwrap();
    let life = reader.instances().unwrap()[0].key;
    let life = reader.incarnations(life).unwrap()[0].id;
    let details = reader
        .details(life, (at(0), at(9_999 * DAY)), None)
        .unwrap();
    let names = reader.signatures().unwrap();
    for detail in &details {
        let tick = (detail.at.as_millis() - at(0).as_millis()) / STEP;
        let count = |count: u64| u32::try_from(count).unwrap();
        let groups = detail.groups.iter();
        let counts: BTreeMap<_, _> = groups
            .map(|(key, group)| (names[key].site.function.to_string(), count(group.count)))
            .collect();
        assert_eq!(counts, written(tick), "{what}: the detail of tick {tick}");
    }
    let moments: BTreeSet<i64> = details.iter().map(|detail| detail.at.as_millis()).collect();
    // Older ones are thinned.
    let kept = moments.last().map_or(0, |newest| newest - 6 * DAY);
    let told = acknowledged.get("detail").into_iter().flatten();
    for moment in told.filter(|moment| **moment >= kept) {
        assert!(
            moments.contains(moment),
            "{what}: the detail of {moment} is lost"
        );
    }
    let database = rusqlite::Connection::open(path).unwrap();
    ["block", "detail_block"].map(|table| {
        let sql = format!("SELECT count(*) FROM {table}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    })
}

fn assert_sound(path: &Path, what: &str) {
    let database = rusqlite::Connection::open(path).unwrap();
    let sound: String = database
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok", "{what}");
}

#[test]
fn kills_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let (mut next, mut all, mut blocks) = (0, 0, [0, 0]);
    for run in 0..runs() {
        // Spread over the life of a writer, in no order, and the same each time.
        let millis = 60 + run * 2_654_435_761 % 1_600;
        let what = format!("run {run}, killed after {millis} ms");
        let acknowledged = killed_after(folder.path(), next, millis);
        if !path.exists() || acknowledged.is_empty() && next == 0 {
            continue;
        }
        assert_sound(&path, &what);
        let (kept, read) = read_back(&path);
        let pulses = acknowledged.get("pulse").cloned().unwrap_or_default();
        all += pulses.len();
        for moment in pulses {
            let moment = Timestamp::from_millis(moment);
            assert!(
                moment < kept || read.contains_key(&moment),
                "{what}: {moment:?} is lost"
            );
        }
        for (moment, counts) in &read {
            let tick = (moment.as_millis() - at(0).as_millis()) / STEP;
            assert_eq!(*counts, written(tick), "{what}: tick {tick}");
        }
        let newest = read
            .keys()
            .last()
            .map_or(-1, |newest| (newest.as_millis() - at(0).as_millis()) / STEP);
        next = next.max(newest + 1);
        let [pulses, details] = assert_details(&path, &what, &acknowledged);
        blocks = [blocks[0].max(pulses), blocks[1].max(details)];
    }
    let (kept, read) = read_back(&path);
    println!(
        "{all} acknowledged, {} read, {blocks:?} blocks, since {kept:?}",
        read.len()
    );
    // All of it happened: blocks were made, and retention removed some.
    assert!(
        all > 1_000 && blocks.iter().all(|blocks| *blocks > 0) && kept > at(0),
        "{all} {blocks:?} {kept:?}"
    );
}

#[test]
fn kills_while_it_migrates_leave_the_old_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let question = [
        "query",
        "first-seen",
        "--since",
        "2026-11-24",
        "--until",
        "2026-11-25",
    ];
    let answer = || said(folder.path(), &[&question[..], &["-o", "json"]].concat());
    std::fs::write(&path, released("rules1.db")).unwrap();
    let began = std::time::Instant::now();
    said(folder.path(), &["db", "upgrade"]);
    let whole = began.elapsed();
    let wanted = answer();
    assert!(wanted.ends_with("exit 0"), "{wanted}");
    let runs = u32::try_from(runs()).unwrap();
    for run in 0..runs {
        for left in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(left.unwrap().path()).unwrap();
        }
        std::fs::write(&path, released("rules1.db")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
            .args(["db", "upgrade"])
            .current_dir(folder.path())
            .env_remove("GOROSCOPE_DB")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let moment = whole * (2 * run + 1) / (2 * runs);
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let what = format!("killed after {moment:?} of {whole:?}");
        assert_sound(&path, &what);
        let upgraded = said(folder.path(), &["db", "upgrade"]);
        assert!(upgraded.ends_with("exit 0"), "{what}: {upgraded}");
        assert_eq!(answer(), wanted, "{what}");
    }
}
