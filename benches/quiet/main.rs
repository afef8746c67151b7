//! The negative control: real servers under changing load that do not leak, and what the judge says of them.
//!
//! `cargo bench --bench quiet [-- KEY=VALUE…]`, with `minutes` (60), `seed` (0), `db` (a file to keep), `judge`
//! (a database of an earlier run: nothing is started), `goroscope` (another binary that judges). Needs Linux and
//! the servers: `apt-get install prometheus etcd-server nats-server caddy victoria-metrics
//! prometheus-node-exporter`.
//!
//! The servers listen on loopback only. Clients come and go in numbers that change every two to five minutes, up
//! and down, with calm phases; servers are told to read their configuration again. goroscope polls each second.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a report; its figures are small"
)]

#[path = "../watched/mod.rs"]
mod watched;

mod clients;
mod load;
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta};
use load::Load;
use serde_json::Value;
use servers::Servers;
use watched::{Process, at_least, judge, rows, text};

fn main() -> Result<(), Box<dyn Error>> {
    let given = watched::given();
    let number = |key, default| watched::number(&given, key, default);
    let goroscope = watched::goroscope(&given);
    if let Some(database) = given.get("judge") {
        return tell(&goroscope, Path::new(database));
    }
    let folder = tempfile::tempdir()?;
    let database = match given.get("db") {
        Some(kept) => std::path::absolute(kept)?,
        None => folder.path().join("quiet.db"),
    };
    let run = Run {
        goroscope,
        database,
        length: Duration::from_mins(number("minutes", 60)),
        seed: number("seed", 0),
    };
    run.watch(folder.path())?;
    tell(&run.goroscope, &run.database)
}

/// As often as the daemon does.
const JUDGED_EVERY: TimeDelta = TimeDelta::minutes(5);

struct Run {
    goroscope: OsString,
    database: PathBuf,
    length: Duration,
    seed: u64,
}

impl Run {
    /// Starts everything, waits, and ends everything.
    fn watch(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let mut servers = Servers::start(folder)?;
        let config = folder.join("goroscope.toml");
        std::fs::write(&config, servers.watched(&self.database))?;
        let arguments = ["run", "--config", &config.to_string_lossy()].map(str::to_owned);
        let log = folder.join("goroscope.log");
        let mut daemon = Process::start(&self.goroscope, &arguments, &log)?;
        let began = Instant::now();
        let load = Load::start(&servers, self.seed);
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut reload = rng.u64(60..180);
        while began.elapsed() < self.length {
            std::thread::sleep(Duration::from_secs(1));
            if !daemon.runs() {
                return Err(daemon.said().into());
            }
            servers.all_run()?;
            if began.elapsed().as_secs() > reload {
                reload += rng.u64(120..480);
                servers.reload(&mut rng)?;
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / seconds;
        for (name, cpu) in servers.cpu() {
            println!("{name}: {:.1} % of a core", share(cpu));
        }
        println!("goroscope: {:.1} % of a core", share(daemon.cpu()));
        let own = watched::cpu_of("self").unwrap_or_default();
        println!("load: {:.1} % of a core, {}\n", share(own), load.end());
        Ok(())
    }
}

/// How many series of a server there are, and what was said of them.
#[derive(Default)]
struct Told {
    series: usize,
    judged: usize,
    suspect: usize,
    growing: usize,
}

fn tell(goroscope: &OsStr, database: &Path) -> Result<(), Box<dyn Error>> {
    let answer = judge(goroscope, database, "now")?;
    table(rows(&answer));
    let moment = |at| DateTime::parse_from_rfc3339(text(&answer, at));
    let (begin, end) = (
        moment("/window/polled_since")?,
        moment("/window/polled_until")?,
    );
    let (mut judgements, mut alarms) = (0, BTreeSet::new());
    let mut until = begin + JUDGED_EVERY;
    while until < end {
        let answer = judge(goroscope, database, &until.to_rfc3339())?;
        let told = rows(&answer).iter();
        let told = told.filter(|row| at_least(text(row, "/verdict"), "GROWING"));
        let who = |row: &Value| ["/service", "/signature"].map(|at| text(row, at).to_owned());
        alarms.extend(told.map(|row| (who(row), row.to_string())));
        judgements += 1;
        until += JUDGED_EVERY;
    }
    let series: BTreeSet<_> = alarms.iter().map(|(who, _)| who).collect();
    println!(
        "\nJudged {judgements} times on the way: {} series were GROWING or above at some time.",
        series.len()
    );
    for (_, row) in &alarms {
        println!("  {row}");
    }
    Ok(())
}

fn table(rows: &[Value]) {
    let mut servers: BTreeMap<&str, Told> = BTreeMap::new();
    for row in rows {
        let verdict = text(row, "/verdict");
        for name in [text(row, "/service"), "~all"] {
            let told = servers.entry(name).or_default();
            told.series += 1;
            told.judged += usize::from(verdict != "INSUFFICIENT");
            told.suspect += usize::from(verdict == "SUSPECT");
            told.growing += usize::from(at_least(verdict, "GROWING"));
        }
    }
    println!("| server | series | judged | SUSPECT | GROWING or above |\n|---|---|---|---|---|");
    for (name, told) in servers {
        println!(
            "| {} | {} | {} ({:.1} %) | {} | {} |",
            name.trim_start_matches('~'),
            told.series,
            told.judged,
            100.0 * told.judged as f64 / told.series as f64,
            told.suspect,
            told.growing
        );
    }
    for row in rows {
        let verdict = text(row, "/verdict");
        if at_least(verdict, "SUSPECT") {
            let number = |at: &str| row.get(at).and_then(Value::as_i64).unwrap_or_default();
            println!(
                "\n{verdict} {} {} {}, {} to {}\n  {}\n  {}",
                text(row, "/service"),
                text(row, "/signature"),
                text(row, "/where/function"),
                number("first"),
                number("last"),
                row.get("evidence").unwrap_or(&Value::Null),
                row.get("trend").unwrap_or(&Value::Null)
            );
        }
    }
}
