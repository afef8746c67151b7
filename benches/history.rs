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
mod writing;

use std::path::Path;
use std::time::{Duration, Instant};

use fleet::{Fleet, INTERVAL_MS, Mix};
use goroscope::model::Timestamp;
use goroscope::query::{Scope, Sort, TopGrowersRequest, history, top_growers};
use goroscope::store::Reader;
use writing::{Given, HOUR_MS, MIDNIGHT, Writing};

struct Wanted {
    instances: u32,
    groups: usize,
    hours: i64,
    mix: Mix,
    details: bool,
    only_summaries: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = Given::of_command_line();
    let wanted = Wanted {
        instances: given.number("instances", 100),
        groups: usize::try_from(given.number("groups", 200))?,
        hours: i64::from(given.number("hours", 24)),
        mix: if given.is("mix", "noise") {
            Mix::Noise
        } else {
            Mix::Model
        },
        details: !given.is("details", "no"),
        only_summaries: given.is("from", "summaries"),
    };
    let folder = tempfile::tempdir()?;
    let path = given.database(folder.path());
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
    let mut writing = Writing::start(path, Duration::from_hours(24 * 30))?;
    fleet.watches().for_each(|watch| writing.send(watch));
    for nth in 0..span / INTERVAL_MS {
        fleet.round(nth, wanted.details, |record| writing.send(record));
        writing.reach(MIDNIGHT + nth * INTERVAL_MS)?;
    }
    let (sent, waited) = (writing.sent, writing.waited);
    let took = writing.finish(MIDNIGHT + span)?;
    println!(
        "ingest            {sent} snapshots in {:.1} s: {:.0} a second; {:.1} s of that waiting for the writer",
        took.as_secs_f64(),
        sent as f64 / took.as_secs_f64(),
        waited.as_secs_f64()
    );
    let polls = span / INTERVAL_MS * i64::from(wanted.instances);
    let samples = polls as f64 * wanted.groups as f64;
    let bytes = std::fs::metadata(path)?.len();
    println!(
        "size              {bytes} bytes, {:.3} a sample",
        bytes as f64 / samples
    );
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
            ignored: false,
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
