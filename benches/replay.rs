//! A day of polls of real dumps: read, grouped, stored.
//!
//! `cargo bench --bench replay [-- KEY=VALUE…]`, with `copies` (5), `hours` (24), `details` (yes), `db` (a file
//! to keep).
//!
//! Each real server of `testdata/dumps`, idle and under load, stands for so many instances. Each 30 s its
//! debug=0 profile is read again, each ten minutes its debug=2 text. Between polls, stacks of one goroutine
//! stay as they are, larger ones vary about their real count as a Poisson process does, and one stack in
//! twenty gains one goroutine each half hour. Goroutines that stay wait longer and longer.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a report; its figures are below 2^53"
)]

mod held;
mod replayed;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goroscope::dump::{Event, Reader};
use goroscope::group::{KeepLabels, StackBook, Survivors, Tally};
use goroscope::model::{
    Incarnation, InstanceId, Kind, Look, Outcome, Poll, ProcessFacts, Record, Snapshot,
    StartReason, Timestamp, Watch,
};
use replayed::{Profile, Text};
use writing::{Given, HOUR_MS, MIDNIGHT, Writing};

const INTERVAL_MS: i64 = 30_000;
/// Polls between details.
const DETAIL_EVERY: i64 = 20;
const SERVERS: [&str; 6] = [
    "caddy-2.11",
    "etcd-3.4",
    "nats-2.15",
    "node-exporter-1.5",
    "prometheus-2.42",
    "victoria-metrics-1.79",
];

/// One process, whose dumps come again and again.
struct Process {
    instance: Arc<InstanceId>,
    life: Arc<Incarnation>,
    profile: Arc<Profile>,
    text: Arc<Text>,
    survivors: Survivors,
    phase: i64,
    rng: fastrand::Rng,
}

/// What reading has come to.
#[derive(Default)]
struct Read {
    bytes: usize,
    took: Duration,
    samples: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    held::listen();
    let given = Given::of_command_line();
    let has_details = !given.is("details", "no");
    let rounds = i64::from(given.number("hours", 24)) * HOUR_MS / INTERVAL_MS;
    let folder = tempfile::tempdir()?;
    let path = given.database(folder.path());
    let mut processes = processes(given.number("copies", 5))?;
    let mut writing = Writing::start(&path, Duration::from_hours(24 * 30))?;
    for process in &processes {
        writing.send(Record::Watch(Watch {
            instance: Arc::clone(&process.instance),
            from: process.life.since,
            interval: Duration::from_millis(INTERVAL_MS.unsigned_abs()),
            labels: Arc::default(),
        }));
    }
    let (book, mut pulses, mut details) = (StackBook::default(), Read::default(), Read::default());
    for nth in 0..rounds {
        for (of, process) in (0i64..).zip(&mut processes) {
            let millis = nth * INTERVAL_MS + process.rng.i64(0..20);
            writing.send(process.pulse(&book, millis, &mut pulses)?);
            if has_details && (nth + of) % DETAIL_EVERY == 0 {
                writing.send(process.detail(&book, millis, &mut details)?);
            }
        }
        writing.reach(MIDNIGHT + nth * INTERVAL_MS)?;
    }
    let sent = writing.sent;
    writing.finish(MIDNIGHT + rounds * INTERVAL_MS)?;
    for (what, read) in [("pulses", &pulses), ("details", &details)] {
        println!(
            "{what}: {} groups in {} bytes read in {:.2?}",
            read.samples, read.bytes, read.took
        );
    }
    tell(&path, sent, (pulses, details))?;
    Ok(())
}

fn processes(copies: u32) -> Result<Vec<Process>, Box<dyn std::error::Error>> {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut processes = Vec::new();
    for server in SERVERS {
        for load in ["idle", "load"] {
            let dump = |form: &str| {
                let name = format!("{server}_{load}_{form}");
                std::fs::read(Path::new("testdata/dumps").join(name))
            };
            let profile = Arc::new(Profile::of(&dump("debug0.pb.gz")?)?);
            let text = Arc::new(Text::of(&String::from_utf8(dump("debug2.txt")?)?));
            for copy in 0..copies {
                let phase = rng.i64(0..INTERVAL_MS);
                processes.push(Process {
                    instance: Arc::new(InstanceId {
                        service: server.into(),
                        scheme: "http".into(),
                        address: format!("{load}-{copy}:6060").into(),
                        path: "/debug/pprof".into(),
                    }),
                    life: Arc::new(Incarnation {
                        since: Timestamp::from_millis(MIDNIGHT + phase),
                        reason: StartReason::FirstContact,
                        facts: ProcessFacts::default(),
                    }),
                    profile: Arc::clone(&profile),
                    text: Arc::clone(&text),
                    survivors: Survivors::default(),
                    phase,
                    rng: fastrand::Rng::with_seed(rng.u64(..)),
                });
            }
        }
    }
    Ok(processes)
}

impl Process {
    fn pulse(
        &mut self,
        book: &StackBook,
        millis: i64,
        on: &mut Read,
    ) -> Result<Record, Box<dyn std::error::Error>> {
        let body = self.profile.again(millis, &mut self.rng);
        let snapshot = read(&body, Tally::new(book, KeepLabels::Keys(&[]), None), on)?;
        Ok(self.look(millis, Kind::Pulse, snapshot))
    }

    fn detail(
        &mut self,
        book: &StackBook,
        millis: i64,
        on: &mut Read,
    ) -> Result<Record, Box<dyn std::error::Error>> {
        let body = self.text.again(millis, &mut self.rng);
        let survivors = Some(&mut self.survivors);
        let tally = Tally::new(book, KeepLabels::Keys(&[]), survivors);
        let snapshot = read(body.as_bytes(), tally, on)?;
        Ok(self.look(millis + 400, Kind::Detail, snapshot))
    }

    fn look(&mut self, millis: i64, kind: Kind, snapshot: Snapshot) -> Record {
        let look = Look {
            kind,
            took: Duration::from_millis(self.rng.u64(2..6)),
            outcome: Outcome::Snapshot(Arc::clone(&self.life), Box::new(snapshot)),
        };
        Record::Poll(Box::new(Poll {
            instance: Arc::clone(&self.instance),
            at: Timestamp::from_millis(MIDNIGHT + self.phase + millis),
            look,
        }))
    }
}

fn read(
    body: &[u8],
    mut tally: Tally<'_>,
    on: &mut Read,
) -> Result<Snapshot, Box<dyn std::error::Error>> {
    let began = Instant::now();
    let mut reader = Reader::new(64 << 20);
    reader.push(body, &mut |event: Event<'_>| tally.add(event))?;
    let facts = reader.finish(&mut |event: Event<'_>| tally.add(event))?;
    let facts = facts.into_iter().next().ok_or("no dump")?;
    let snapshot = tally.finish(facts);
    on.took += began.elapsed();
    on.bytes += body.len();
    on.samples += snapshot.groups.len();
    assert_eq!(snapshot.complained, 0, "{:?}", snapshot.complaints);
    Ok(snapshot)
}

fn tell(
    path: &Path,
    sent: u64,
    (pulses, details): (Read, Read),
) -> Result<(), Box<dyn std::error::Error>> {
    let stored = held::take().cpu;
    let both = stored + pulses.took + details.took;
    println!(
        "{sent} snapshots: {:.0} a second of the writer's CPU time, {:.0} a second with reading",
        sent as f64 / stored.as_secs_f64(),
        sent as f64 / both.as_secs_f64()
    );
    let database = rusqlite::Connection::open(path)?;
    let bytes = std::fs::metadata(path)?.len();
    let detail: i64 = database.query_row(
        "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'detail%'",
        [],
        |row| row.get(0),
    )?;
    println!(
        "{bytes} bytes, {:.3} a sample; of that {:.3} in details",
        bytes as f64 / pulses.samples as f64,
        detail as f64 / pulses.samples as f64
    );
    Ok(())
}
