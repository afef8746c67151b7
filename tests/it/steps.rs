//! A wall clock that steps: nothing is lost, nothing is removed, and time goes one way in every answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use goroscope::model::{Kind, Record, Timestamp};
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, IncarnationWindow, Reader, Retention, Writer};

use crate::blocks::{DAY, Process, Seen, at};

const HOUR: i64 = DAY / 24;
const STEP: i64 = 30_000;

const MONTH: Retention = Retention {
    raw: Duration::from_hours(30 * 24),
    rollup: Duration::MAX,
    max_size: u64::MAX,
};

fn pulses(process: &Process, from: i64, to: i64) -> Vec<Record> {
    let seen = Seen {
        step: 0,
        groups: vec![(0, 0, 7)],
        truncated: false,
        complained: 0,
    };
    let ticks = (from..to).step_by(usize::try_from(STEP).unwrap());
    ticks
        .map(|millis| process.look(Kind::Pulse, millis, Duration::ZERO, &seen))
        .collect()
}

/// Waits for this many pulses in rows and in blocks.
fn until(path: &Path, hot: i64, cold: i64) {
    let began = Instant::now();
    let sql = "SELECT (SELECT count(*) FROM pulse), (SELECT ifnull(sum(ticks), 0) FROM block)";
    let database = rusqlite::Connection::open(path).unwrap();
    loop {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let found: (i64, i64) = database.query_row(sql, [], row).unwrap();
        if found == (hot, cold) {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{found:?}, not {hot} and {cold}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn window(path: &Path) -> IncarnationWindow {
    let reader = Reader::open(path).unwrap();
    assert_eq!(reader.kept_since().unwrap(), None);
    let life = reader.instances().unwrap()[0].key;
    let life = reader.incarnations(life).unwrap()[0].id;
    let all = (at(-DAY), at(999 * DAY));
    let window = reader.window(life, all.0, all.1, None).unwrap();
    assert!(window.ticks.is_sorted());
    assert_eq!(window.set_aside, []);
    window
}

/// The time, the first and the last of the polls of an instance, and what is in rows and in blocks then.
type Batch = (i64, (i64, i64), (i64, i64));

/// Starts a writer on a clock, and stores batches, each once the one before it has been tidied.
fn live(path: &Path, clock: (&AtomicI64, fn() -> Timestamp), batches: &[Batch]) {
    let (process, watch) = Process::watched(Duration::from_secs(30));
    let lock = DaemonLock::take(path).unwrap();
    let counters = Arc::new(Counters::default());
    clock.0.store(0, Ordering::Relaxed);
    let (writer, queue) = Writer::start(path, lock, MONTH, counters, clock.1).unwrap();
    for record in watch {
        queue.send(record).unwrap();
    }
    for (now, (from, to), (hot, cold)) in batches {
        clock.0.store(*now, Ordering::Relaxed);
        for record in pulses(&process, *from, *to) {
            queue.send(record).unwrap();
        }
        until(path, *hot, *cold);
    }
    drop(queue);
    assert!(writer.join());
}

#[test]
fn a_clock_that_is_set_back_by_hours_loses_and_mixes_nothing() {
    static CLOCK: AtomicI64 = AtomicI64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("back.db");
    live(
        &path,
        (&CLOCK, || at(CLOCK.load(Ordering::Relaxed))),
        &[
            // Five hours: two windows of 2 h have closed.
            (5 * HOUR, (0, 5 * HOUR), (120, 480)),
            // Three hours back, and an hour of polls between those that are there.
            (3 * HOUR, (2 * HOUR + 15_000, 3 * HOUR), (240, 480)),
            // The clock comes past it all again.
            (7 * HOUR, (5 * HOUR + 15_000, 6 * HOUR), (0, 840)),
        ],
    );
    let found = window(&path);
    assert_eq!(found.ticks.len(), 840);
    assert!(found.counts.values().flatten().all(|count| *count == 7));
}

#[test]
fn a_clock_that_jumps_a_year_ahead_removes_nothing() {
    static CLOCK: AtomicI64 = AtomicI64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ahead.db");
    live(
        &path,
        (&CLOCK, || at(CLOCK.load(Ordering::Relaxed))),
        &[
            (HOUR, (0, HOUR), (120, 0)),
            // Its window is closed early.
            (366 * DAY, (HOUR, HOUR + 10 * STEP), (0, 130)),
            // Back again: the rest of the window makes a block of its own.
            (2 * HOUR, (HOUR + 10 * STEP, 2 * HOUR), (110, 130)),
            (5 * HOUR, (2 * HOUR, 2 * HOUR + STEP), (0, 241)),
        ],
    );
    assert_eq!(window(&path).ticks.len(), 241);
}
