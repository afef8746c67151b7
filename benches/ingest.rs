//! How fast history comes in: through the writer alone, and from NDJSON.
//!
//! `cargo bench --bench ingest`. A snapshot has 200 groups of 11 frames: seven in ten stand still, two
//! in ten are busy pools, one in ten leaks. A hundred instances are polled each 30 s. Everything that
//! polling does is done: series, first sightings, commits, blocks.
#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "figures for people"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

use goroscope::dump::RawFrame;
use goroscope::group::StackBook;
use goroscope::model::{
    Form, Group, Incarnation, InstanceId, Kind, Labels, Look, Outcome, Poll, ProcessFacts, Record,
    Snapshot, Split, Stack, StartReason, Timestamp, Watch,
};
use goroscope::store::{DaemonLock, Importer, Reader};
use goroscope::transfer::{Import, Source, Wanted, export, feed};

const INSTANCES: usize = 100;
const GROUPS: usize = 200;
/// 2026-11-24 00:00 UTC.
const BEGIN: i64 = 1_795_478_400_000;
const STATES: [&str; 4] = ["chan receive", "select", "IO wait", "sleep"];

fn main() {
    // Cargo hands its own flags on; a number is how many snapshots.
    let wanted = std::env::args().find_map(|word| word.parse().ok());
    let snapshots: usize = wanted.unwrap_or(20_000);
    let folder = tempfile::tempdir();
    let Ok(folder) = folder else { return };
    let mix = Mix::new();
    writer_alone(&mix, &folder.path().join("writer.db"), snapshots);
    for (shape, waits, snapshots) in [
        (Shape::Files, false, snapshots / 10),
        (Shape::Names, false, snapshots / 5),
        (Shape::Short, false, snapshots / 2),
        (Shape::Names, true, snapshots / 5),
    ] {
        let text = ndjson(&mix, shape, waits, snapshots);
        let path = folder.path().join("history.ndjson");
        assert!(std::fs::write(&path, text).is_ok(), "the text is written");
        let database = folder.path().join(format!("{shape:?}-{waits}.db"));
        from_text(&path, &database, (shape, waits));
    }
    out_again(&folder.path().join("writer.db"));
}

/// How frames are written.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Eleven, each with its file and line.
    Files,
    /// Eleven names.
    Names,
    /// Three short names: few bytes for much to store.
    Short,
}

/// What is polled.
struct Mix {
    instances: Vec<(Arc<InstanceId>, Arc<Incarnation>)>,
    stacks: Vec<Arc<Stack>>,
    states: Vec<Arc<str>>,
    no_labels: Arc<Labels>,
}

fn functions(stack: usize) -> Vec<String> {
    let package = "github.com/acme/orders-service/internal/worker";
    (0..11)
        .map(|depth| format!("{package}.(*Job{stack}).step{depth}"))
        .collect()
}

fn file(stack: usize) -> String {
    format!("/home/build/src/github.com/acme/orders-service/internal/worker/job{stack}.go")
}

impl Mix {
    fn new() -> Self {
        let book = StackBook::default();
        let stack = |nth: usize| {
            let (functions, file) = (functions(nth), file(nth));
            let frames: Vec<RawFrame<'_>> = functions
                .iter()
                .zip(1u32..)
                .map(|(function, line)| RawFrame {
                    function: function.as_bytes(),
                    file: file.as_bytes(),
                    line,
                })
                .collect();
            book.told(&frames, None, false)
        };
        let instance = |nth: usize| {
            let id = InstanceId {
                service: format!("service-{}", nth % 5).into(),
                scheme: "http".into(),
                address: format!("host-{nth}:6060").into(),
                path: "/debug/pprof".into(),
            };
            let life = Incarnation {
                since: at(0, nth),
                reason: StartReason::FirstContact,
                facts: ProcessFacts::default(),
            };
            (Arc::new(id), Arc::new(life))
        };
        Self {
            instances: (0..INSTANCES).map(instance).collect(),
            stacks: (0..GROUPS).map(stack).collect(),
            states: STATES.iter().map(|state| book.word(state)).collect(),
            no_labels: Arc::default(),
        }
    }

    fn record(&self, nth: usize) -> Option<Record> {
        let (tick, which) = (nth / INSTANCES, nth % INSTANCES);
        let (instance, life) = self.instances.get(which)?;
        let groups: Vec<Group> = self
            .stacks
            .iter()
            .enumerate()
            .filter_map(|(stack, of)| {
                let state = self.states.get(stack % STATES.len())?;
                let count = count(which, stack, tick);
                Some(Group {
                    stack: Arc::clone(of),
                    signature: of.signature,
                    count,
                    splits: vec![Split {
                        state: Arc::clone(state),
                        kind: Arc::clone(state),
                        labels: Arc::clone(&self.no_labels),
                        count,
                    }],
                    waits: None,
                    oldest_minutes: None,
                    creators: Vec::new(),
                    leaked: 0,
                    survival: None,
                })
            })
            .collect();
        let snapshot = Snapshot {
            form: Form::Proto,
            goroutines: groups.iter().map(|group| group.count).sum(),
            own: 0,
            truncated: false,
            complaints: Vec::new(),
            complained: 0,
            notes: Vec::new(),
            groups,
            process: ProcessFacts::default(),
        };
        Some(Record::Poll(Box::new(Poll {
            instance: Arc::clone(instance),
            at: at(tick, which),
            look: Look {
                kind: Kind::Pulse,
                took: Duration::from_millis(3),
                outcome: Outcome::Snapshot(Arc::clone(life), Box::new(snapshot)),
            },
        })))
    }

    fn watch(&self, which: usize) -> Option<Record> {
        let (instance, _) = self.instances.get(which)?;
        let watch = Watch {
            instance: Arc::clone(instance),
            from: at(0, which),
            interval: Duration::from_secs(30),
            labels: Arc::clone(&self.no_labels),
        };
        let to = watch.from;
        Some(Record::Watched { watch, to })
    }
}

/// Polls are spread over the interval.
fn at(tick: usize, which: usize) -> Timestamp {
    let millis = tick * 30_000 + which * 300;
    Timestamp::from_millis(BEGIN + i64::try_from(millis).unwrap_or(0))
}

fn count(which: usize, stack: usize, tick: usize) -> u64 {
    let noise = (which * 31 + stack * 17 + tick * 7_919) % 13;
    let count = match stack % 10 {
        0 => 5 + tick / 4,
        1 | 2 => 20 + noise,
        _ => 1 + stack % 7,
    };
    count as u64
}

fn begin(path: &Path) -> Option<Importer> {
    let lock = DaemonLock::take(path).ok()?;
    Importer::begin(path, lock).ok()
}

/// Records that are made before the clock runs, a batch at a time.
fn writer_alone(mix: &Mix, path: &Path, snapshots: usize) {
    let Some(mut importer) = begin(path) else {
        return;
    };
    let mut taken = Duration::ZERO;
    let watches: Vec<Record> = (0..INSTANCES).filter_map(|nth| mix.watch(nth)).collect();
    assert!(importer.store(&watches).is_ok(), "watches are stored");
    for batch in (0..snapshots).collect::<Vec<_>>().chunks(2_000) {
        let records: Vec<Record> = batch.iter().filter_map(|nth| mix.record(*nth)).collect();
        let began = Instant::now();
        let stored = importer.store(&records);
        taken += began.elapsed();
        assert!(stored.is_ok(), "{stored:?}");
    }
    let began = Instant::now();
    let stored = importer.finish(at(1 << 20, 0));
    taken += began.elapsed();
    let seconds = taken.as_secs_f64();
    let per_second = snapshots as f64 / seconds;
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    println!(
        "writer alone: {snapshots} snapshots of {GROUPS} groups in {seconds:.2} s: {per_second:.0} \
         snapshots/s, {:.2} M groups/s, {:.3} bytes a group; {stored:?}",
        per_second * GROUPS as f64 / 1e6,
        bytes as f64 / (snapshots * GROUPS) as f64,
    );
}

/// The same as lines; with waits, each is a detail as well.
fn ndjson(mix: &Mix, shape: Shape, waits: bool, snapshots: usize) -> String {
    let frames: Vec<String> = (0..GROUPS).map(|stack| frames(stack, shape)).collect();
    let mut text = String::new();
    for nth in 0..snapshots {
        let (tick, which) = (nth / INSTANCES, nth % INSTANCES);
        let Some((instance, _)) = mix.instances.get(which) else {
            continue;
        };
        text += &format!(
            "{{\"at\":\"{}\",\"service\":\"{}\",\"instance\":\"{}\",\"incarnation\":\"one\",\
             \"interval_seconds\":30,\"groups\":[",
            at(tick, which).to_rfc3339(),
            instance.service,
            instance.address,
        );
        for (stack, frames) in frames.iter().enumerate() {
            let count = count(which, stack, tick);
            let state = STATES.get(stack % STATES.len()).unwrap_or(&"");
            text += &format!(
                "{}{{\"frames\":{frames},\"count\":{count},\"states\":{{\"{state}\":{count}}},\
                 \"oldest_wait_seconds\":{}}}",
                if stack > 0 { "," } else { "" },
                if waits { "120" } else { "null" },
            );
        }
        text += "]}\n";
    }
    text
}

fn frames(stack: usize, shape: Shape) -> String {
    let file = file(stack);
    let named = |(function, line): (&String, usize)| match shape {
        Shape::Files => {
            format!("{{\"function\":\"{function}\",\"file\":\"{file}\",\"line\":{line}}}")
        }
        Shape::Names => format!("\"{function}\""),
        Shape::Short => format!("\"main.f{}\"", stack + line),
    };
    let functions = functions(stack);
    let shown = if matches!(shape, Shape::Short) { 3 } else { 11 };
    let frames: Vec<String> = functions.iter().take(shown).zip(1..).map(named).collect();
    format!("[{}]", frames.join(","))
}

/// As `goroscope import` does it: lines are read in one thread and stored in another.
fn from_text(text: &Path, path: &Path, (shape, waits): (Shape, bool)) {
    let (mut bytes, mut snapshots) = (0, 0);
    let began = Instant::now();
    let alone = {
        let mut import = Import::default();
        let sources = [Source::new(text, &Arc::new(AtomicU64::new(0)))];
        let fed = feed(
            &mut import,
            &sources,
            false,
            &AtomicBool::new(false),
            |_| true,
        );
        assert!(fed.is_ok(), "{fed:?}");
        began.elapsed().as_secs_f64()
    };
    let Some(mut importer) = begin(path) else {
        return;
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let (sender, batches) = sync_channel(1);
        let (stored, returned) = channel::<Vec<Record>>();
        scope.spawn(move || {
            let mut import = Import::default();
            let sources = [Source::new(text, &Arc::new(AtomicU64::new(0)))];
            let stop = AtomicBool::new(false);
            let fed = feed(&mut import, &sources, false, &stop, |batch| {
                returned.try_iter().for_each(drop);
                sender.send(batch).is_ok()
            });
            assert!(fed.is_ok(), "{fed:?}");
        });
        for batch in batches {
            bytes += batch.bytes;
            snapshots += batch.lines;
            let result = importer.store(&batch.records);
            assert!(result.is_ok(), "{result:?}");
            drop(stored.send(batch.records));
        }
    });
    let finished = importer.finish(at(1 << 20, 0));
    assert!(finished.is_ok(), "{finished:?}");
    let (seconds, megabytes) = (began.elapsed().as_secs_f64(), bytes as f64 / 1e6);
    println!(
        "NDJSON, {shape:?}{}: {megabytes:.0} MB in {seconds:.2} s: {:.0} MB/s, {:.0} snapshots/s; read \
         and not stored {:.0} MB/s",
        if waits { " with waits" } else { "" },
        megabytes / seconds,
        snapshots as f64 / seconds,
        megabytes / alone,
    );
}

/// What was stored by the writer alone, as lines.
fn out_again(path: &Path) {
    struct Counted(u64);

    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let Ok(reader) = Reader::open(path) else {
        return;
    };
    let mut counted = Counted(0);
    let began = Instant::now();
    let exported = export(&reader, &Wanted::default(), &mut counted);
    let megabytes = counted.0 as f64 / 1e6;
    println!(
        "export: {megabytes:.0} MB: {:.0} MB/s; {exported:?}",
        megabytes / began.elapsed().as_secs_f64()
    );
}
