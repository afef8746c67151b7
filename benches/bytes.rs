//! What of a file a sample takes, table by table.
//!
//! `cargo bench --bench bytes [-- KEY=VALUE…]`, with `instances` (10), `groups` (200), `days` (7), `mix`
//! (model, noise), `details` (yes), `db` (a file to keep; told of again when it is there). A sample is a
//! group at a poll, whether it was there or not.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a report; its figures are below 2^53"
)]

mod fleet;
mod writing;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fleet::{Fleet, INTERVAL_MS, Mix};
use rusqlite::Connection;
use writing::{Given, HOUR_MS, MIDNIGHT, Writing};

struct Wanted {
    mix: Mix,
    instances: u32,
    groups: u32,
    span: i64,
    details: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = Given::of_command_line();
    let wanted = Wanted {
        mix: if given.is("mix", "noise") {
            Mix::Noise
        } else {
            Mix::Model
        },
        instances: given.number("instances", 10),
        groups: given.number("groups", 200),
        span: i64::from(given.number("days", 7)) * 24 * HOUR_MS,
        details: !given.is("details", "no"),
    };
    let folder = tempfile::tempdir()?;
    let path = given.database(folder.path());
    if !path.exists() {
        fill(&path, &wanted)?;
    }
    let polls = wanted.span / INTERVAL_MS * i64::from(wanted.instances);
    tell(&path, polls as f64 * f64::from(wanted.groups))?;
    Ok(())
}

fn fill(path: &Path, wanted: &Wanted) -> Result<(), Box<dyn std::error::Error>> {
    let groups = usize::try_from(wanted.groups)?;
    let mut fleet = Fleet::new(wanted.mix, wanted.instances, groups, MIDNIGHT, wanted.span);
    let mut writing = Writing::start(path, Duration::from_hours(24 * 30))?;
    fleet.watches().for_each(|watch| writing.send(watch));
    for nth in 0..wanted.span / INTERVAL_MS {
        fleet.round(nth, wanted.details, |record| writing.send(record));
        writing.reach(MIDNIGHT + nth * INTERVAL_MS)?;
    }
    let (sent, waited) = (writing.sent, writing.waited);
    let took = writing.finish(MIDNIGHT + wanted.span)?;
    println!("{sent} snapshots in {took:.1?}, {waited:.1?} of that waiting for the writer");
    Ok(())
}

fn tell(path: &Path, samples: f64) -> Result<(), Box<dyn std::error::Error>> {
    let database = Connection::open(path)?;
    let mut parts: BTreeMap<&str, i64> = BTreeMap::new();
    let mut tables = database.prepare(
        "SELECT coalesce(tbl_name, dbstat.name), sum(pgsize)
         FROM dbstat LEFT JOIN sqlite_schema ON sqlite_schema.name = dbstat.name GROUP BY 1",
    )?;
    let mut rows = tables.query([])?;
    while let Some(row) = rows.next()? {
        let table: String = row.get(0)?;
        *parts.entry(part(&table)).or_default() += row.get::<_, i64>(1)?;
    }
    let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let free = pragma("freelist_count")? * pragma("page_size")?;
    parts.insert("free pages", free);
    let whole = i64::try_from(std::fs::metadata(path)?.len())?;
    // Pages that say which others are free or belong together.
    parts.insert("map of pages", whole - parts.values().sum::<i64>());
    parts.insert("the whole file", whole);
    println!("{samples} samples");
    for (part, bytes) in parts {
        println!(
            "{part:<20}{bytes:>14} bytes {:>8.4} a sample",
            bytes as f64 / samples
        );
    }
    let (details, packed): (f64, f64) = database.query_row(
        "SELECT total(ticks), total(length(data)) FROM detail_block",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    println!(
        "{details} details of {:.0} bytes in blocks",
        packed / details
    );
    Ok(())
}

fn part(table: &str) -> &'static str {
    match table {
        "block" => "blocks",
        "summary" => "summaries",
        "detail" | "detail_block" => "details",
        "series" | "sighting" => "series, sightings",
        "pulse" => "hot pulses",
        _ if table.starts_with("rollup") => "days, hours",
        _ => "names, the rest",
    }
}
