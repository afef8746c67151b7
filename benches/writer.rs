//! How long the writer is held by what is not a poll, and what storing costs in CPU time.
//!
//! `cargo bench --bench writer [-- KEY=VALUE…]`, with `instances` (100), `groups` (200), `minutes` that
//! are polled as fast as they come (12960: nine days, so that details are thinned as well), `keep` hours
//! of snapshots (36), `jump` hours of the clock after them (0), `real` minutes that are polled as slowly
//! as in earnest (0), `mix` (model, noise), `details` (yes), `db` (a file to keep).

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a report; its figures are below 2^53"
)]

mod fleet;
mod held;
mod writing;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleet::{Fleet, INTERVAL_MS, Mix};
use goroscope::model::{Kind, Record};
use held::{Held, TIDY};
use writing::{Given, HOUR_MS, MIDNIGHT, Writing, reach};

/// Snapshots in a second of ten thousand instances that are polled each 30 s.
const FULL: f64 = 10_000.0 / 30.0;

struct Wanted {
    /// Rounds of polls at full speed, and after them in real time.
    fast: i64,
    real: i64,
    jump: i64,
    instances: u32,
    details: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    held::listen();
    let given = Given::of_command_line();
    let rounds = |key, default| i64::from(given.number(key, default)) * 60_000 / INTERVAL_MS;
    let wanted = Wanted {
        fast: rounds("minutes", 12_960),
        real: rounds("real", 0),
        jump: i64::from(given.number("jump", 0)) * HOUR_MS,
        instances: given.number("instances", 100),
        details: !given.is("details", "no"),
    };
    let mix = if given.is("mix", "noise") {
        Mix::Noise
    } else {
        Mix::Model
    };
    let groups = usize::try_from(given.number("groups", 200))?;
    let span = (wanted.fast + wanted.real) * INTERVAL_MS;
    let mut fleet = Fleet::new(mix, wanted.instances, groups, MIDNIGHT, span);
    let folder = tempfile::tempdir()?;
    let path = given.database(folder.path());
    let keep = Duration::from_hours(given.number("keep", 36).into());
    let mut writing = Writing::start(&path, keep)?;
    fleet.watches().for_each(|watch| writing.send(watch));
    fast(&mut fleet, &mut writing, &wanted)?;
    let polled = writing.sent;
    report("at full speed", held::take(), polled);
    if wanted.real > 0 {
        in_real_time(&mut fleet, &mut writing, &wanted);
        report("in real time", held::take(), writing.sent - polled);
    }
    let sent = writing.sent;
    let took = writing.finish(MIDNIGHT + wanted.jump + span)?;
    println!("{sent} snapshots in {:.1} s", took.as_secs_f64());
    report("the last blocks and days", held::take(), 0);
    Ok(())
}

fn fast(fleet: &mut Fleet, writing: &mut Writing, wanted: &Wanted) -> rusqlite::Result<()> {
    for nth in 0..wanted.fast {
        fleet.round(nth, wanted.details, |record| writing.send(record));
        writing.reach(MIDNIGHT + nth * INTERVAL_MS)?;
    }
    Ok(())
}

/// Polls as in earnest, an instance after the other.
fn in_real_time(fleet: &mut Fleet, writing: &mut Writing, wanted: &Wanted) {
    let step = Duration::from_millis(INTERVAL_MS.unsigned_abs()) / wanted.instances;
    let (began, mut polls) = (Instant::now(), 0);
    for nth in wanted.fast..wanted.fast + wanted.real {
        let at = MIDNIGHT + wanted.jump + nth * INTERVAL_MS;
        fleet.round(nth, wanted.details, |record| {
            let is_pulse = matches!(&record, Record::Poll(poll) if poll.look.kind == Kind::Pulse);
            polls += u32::from(is_pulse);
            std::thread::sleep((step * polls).saturating_sub(began.elapsed()));
            reach(at);
            writing.send(record);
        });
    }
}

/// Of each span how often it was, how long on the clock, the most CPU time that one took, and that of all
/// per snapshot. On a machine that does other things, too, the clock tells more of these.
fn report(what: &str, held: Held, snapshots: u64) {
    println!(
        "{what}: {snapshots} snapshots\n{:<12}{:>9}{:>12}{:>16}{:>14}{:>14}",
        "span", "times", "99.9 %", "longest", "most CPU", "CPU/snapshot"
    );
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / snapshots.max(1) as f64;
    let mut rest = held.cpu;
    for (name, mut step) in held.steps {
        step.times.sort_unstable();
        let most = step.times.iter().rev().nth(step.times.len() / 1_000);
        let (most, _) = most.copied().unwrap_or_default();
        let (longest, _) = step.times.last().copied().unwrap_or_default();
        let used = step.times.iter().map(|(_, used)| *used).max();
        rest = rest.saturating_sub(step.cpu);
        println!(
            "{name:<12}{:>9}{:>9.1} ms{:>13.1} ms{:>11.1} ms{:>11.2} us",
            step.times.len(),
            millis(most),
            millis(longest),
            millis(used.unwrap_or_default()),
            micros(step.cpu),
        );
    }
    println!("taking records, and freeing them: {:.2} us", micros(rest));
    println!(
        "all: {:.2} us, {:.2} % of a core for 10,000 instances",
        micros(held.cpu),
        micros(held.cpu) * FULL / 1e4
    );
    let mut parts: BTreeMap<&str, Duration> = BTreeMap::new();
    for (name, took) in held.longest {
        *parts.entry(name).or_default() += took;
    }
    println!("the longest {TIDY}: {parts:.1?}\n");
}
