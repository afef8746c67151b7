//! What a fleet's history costs: bytes, ingest, questions, and how long the writer is held.
//!
//! `cargo bench --bench history [-- KEY=VALUE…]`, with `instances` (100), `groups` (200), `hours` (24),
//! `mix` (model, noise), `details` (yes), `db` (a file to keep; asked again when it is there), `from`
//! (both, summaries: what growers are told from).

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a report; its figures are below 2^53"
)]

mod fleet;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fleet::{Fleet, INTERVAL_MS, Mix};
use goroscope::model::Timestamp;
use goroscope::observe::Counters;
use goroscope::query::{Scope, Sort, TopGrowersRequest, history, top_growers};
use goroscope::store::{DaemonLock, Reader, Retention, Writer};

/// 2026-11-24 00:00 UTC.
const MIDNIGHT: i64 = 1_795_478_400_000;
const HOUR_MS: i64 = 3_600_000;

/// The clock of the writer: as far as the fleet has been polled.
static NOW: AtomicI64 = AtomicI64::new(MIDNIGHT);

fn now() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::Relaxed))
}

struct Wanted {
    instances: u32,
    groups: usize,
    hours: i64,
    mix: Mix,
    details: bool,
    only_summaries: bool,
    db: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: HashMap<String, String> = std::env::args()
        .filter_map(|argument| {
            let (key, value) = argument.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        })
        .collect();
    let number = |key: &str, default: u32| {
        let value = given.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or(default)
    };
    let is = |key: &str, value: &str| given.get(key).is_some_and(|given| given == value);
    let wanted = Wanted {
        instances: number("instances", 100),
        groups: usize::try_from(number("groups", 200)).unwrap_or(200),
        hours: i64::from(number("hours", 24)),
        mix: if is("mix", "noise") {
            Mix::Noise
        } else {
            Mix::Model
        },
        details: !is("details", "no"),
        only_summaries: is("from", "summaries"),
        db: given.get("db").map(PathBuf::from),
    };
    let folder = tempfile::tempdir()?;
    let path = wanted
        .db
        .clone()
        .unwrap_or_else(|| folder.path().join("history.db"));
    let span = wanted.hours * HOUR_MS;
    if !path.exists() {
        fill(&path, &wanted)?;
    }
    ask(&path, span, wanted.only_summaries)?;
    Ok(())
}

fn fill(path: &Path, wanted: &Wanted) -> Result<(), Box<dyn std::error::Error>> {
    let span = wanted.hours * HOUR_MS;
    let mut fleet = Fleet::new(wanted.mix, wanted.instances, wanted.groups, MIDNIGHT, span);
    let keep = Retention {
        raw: Duration::from_hours(24 * 30),
        rollup: Duration::MAX,
        max_size: u64::MAX,
    };
    let lock = DaemonLock::take(path)?;
    let (writer, queue) = Writer::start(path, lock, keep, Arc::new(Counters::default()), now)?;
    for watch in fleet.watches() {
        queue.send(watch)?;
    }
    let (mut sent, mut waited, mut lives) = (0u64, Duration::ZERO, true);
    let began = Instant::now();
    for nth in 0..span / INTERVAL_MS {
        fleet.round(nth, wanted.details, |record| {
            let before = Instant::now();
            lives &= queue.send(record).is_ok();
            waited += before.elapsed();
            sent += 1;
        });
        NOW.store(MIDNIGHT + nth * INTERVAL_MS, Ordering::Relaxed);
    }
    // Every window has closed.
    NOW.store(MIDNIGHT + span + 25 * HOUR_MS, Ordering::Relaxed);
    drop(queue);
    assert!(lives && writer.join(), "everything was stored");
    let took = began.elapsed();
    println!(
        "ingest            {sent} snapshots in {:.1} s: {:.0} a second; {:.1} s of that waiting for the writer",
        took.as_secs_f64(),
        sent as f64 / took.as_secs_f64(),
        waited.as_secs_f64()
    );
    tidy(path, keep)?;
    let samples = sent as f64 * wanted.groups as f64;
    let bytes = std::fs::metadata(path)?.len();
    println!(
        "size              {bytes} bytes, {:.3} a sample",
        bytes as f64 / samples
    );
    Ok(())
}

/// What is still hot becomes blocks.
fn tidy(path: &Path, keep: Retention) -> Result<(), Box<dyn std::error::Error>> {
    let began = Instant::now();
    let lock = DaemonLock::take(path)?;
    let (writer, queue) = Writer::start(path, lock, keep, Arc::new(Counters::default()), now)?;
    let left = || -> rusqlite::Result<i64> {
        let database = rusqlite::Connection::open(path)?;
        database.query_row("SELECT count(*) FROM pulse", [], |row| row.get(0))
    };
    while left()? > 0 {
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(queue);
    assert!(writer.join(), "everything was stored");
    println!("the last blocks   {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn ask(path: &Path, span: i64, only_summaries: bool) -> Result<(), Box<dyn std::error::Error>> {
    let scope = Scope {
        since: Timestamp::from_millis(MIDNIGHT + (span - 24 * HOUR_MS).max(0)),
        until: Timestamp::from_millis(MIDNIGHT + span),
        services: Vec::new(),
        instances: Vec::new(),
    };
    let mut row = None;
    for nth in 0..6 {
        let began = Instant::now();
        let reader = Reader::open(path)?;
        let (reader, from) = match nth {
            0..3 => (reader, "summaries"),
            _ if only_summaries => (reader, "summaries"),
            _ => (reader.from_samples(), "samples"),
        };
        let request = TopGrowersRequest {
            scope: scope.clone(),
            min_growth: 3,
            all: false,
            limit: 20,
            sort: Sort::Rate,
        };
        let answer = top_growers(&reader, &request)?;
        println!(
            "top-growers       {:.1} ms from {from}, {} of {} signatures grew, {} of {} polls",
            began.elapsed().as_secs_f64() * 1e3,
            answer.matched,
            answer.total,
            answer.window.polls_ok,
            answer.window.polls_due
        );
        row = answer.rows.first().map(|row| row.signature);
    }
    let reader = Reader::open(path)?;
    let signatures = reader.signatures()?;
    let found = signatures
        .values()
        .find(|found| Some(found.signature) == row);
    let one = Scope {
        instances: vec!["checkout-7:6060".to_owned()],
        ..scope
    };
    for _ in 0..3 {
        let began = Instant::now();
        let reader = Reader::open(path)?;
        let rows = found
            .map(|found| history(&reader, &one, found))
            .transpose()?;
        println!(
            "history           {:.1} ms, {} rows",
            began.elapsed().as_secs_f64() * 1e3,
            rows.map_or(0, |answer| answer.rows.len())
        );
    }
    Ok(())
}
