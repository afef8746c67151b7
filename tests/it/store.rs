//! What is written reads back: real dumps through the writer thread and a reader.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use goroscope::group::{FullStacks, by_signature};
use goroscope::model::{
    Incarnation, InstanceId, Kind, Look, Outcome, Poll, ProcessFacts, Record, Signature, Snapshot,
    StartReason, Timestamp,
};
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, Reader, Writer};

use crate::released::released;
use crate::support::{KEEP, newest_schema, printed, read_file, root};

fn dump(name: &str) -> Snapshot {
    read_file(&root().join("testdata/dumps").join(name))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_478_400_000 + second * 1000)
}

/// Writes looks at one instance, a second apart, and waits until they are on disk.
fn write(path: &Path, looks: Vec<(Kind, Snapshot)>) {
    let lock = DaemonLock::take(path).unwrap();
    let (writer, records) =
        Writer::start(path, lock, KEEP, Arc::new(Counters::default()), || at(100)).unwrap();
    let instance = Arc::new(InstanceId {
        service: "zoo".into(),
        scheme: "http".into(),
        address: "zoo:6060".into(),
        path: "/debug/pprof".into(),
    });
    let life = Arc::new(Incarnation {
        since: at(0),
        reason: StartReason::FirstContact,
        facts: ProcessFacts::default(),
    });
    for ((kind, snapshot), second) in looks.into_iter().zip(0..) {
        let outcome = Outcome::Snapshot(Arc::clone(&life), Box::new(snapshot));
        let look = Look {
            kind,
            took: Duration::from_millis(3),
            outcome,
        };
        let poll = Poll {
            instance: Arc::clone(&instance),
            at: at(second),
            look,
        };
        records.send(Record::Poll(Box::new(poll))).unwrap();
    }
    drop(records);
    assert!(writer.join());
}

fn database() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    (folder, path)
}

/// Count and states of every signature at one tick.
type Groups = BTreeMap<Signature, (u64, BTreeMap<String, u64>)>;

fn expected(snapshot: &Snapshot) -> Groups {
    let states = |states: &BTreeMap<Arc<str>, u64>| {
        states
            .iter()
            .map(|(state, count)| (state.to_string(), *count))
            .collect()
    };
    by_signature(snapshot)
        .into_iter()
        .map(|group| (group.signature, (group.count, states(&group.states))))
        .collect()
}

#[test]
fn every_snapshot_reads_back_exactly() {
    let (_folder, path) = database();
    let pulses = ["go1.27_http_debug0.pb.gz", "nats-2.15_load_debug0.pb.gz"].map(dump);
    write(
        &path,
        pulses
            .iter()
            .cloned()
            .map(|pulse| (Kind::Pulse, pulse))
            .collect(),
    );
    let reader = Reader::open(&path).unwrap();
    let signatures = reader.signatures().unwrap();
    let life = &reader
        .incarnations(reader.instances().unwrap()[0].key)
        .unwrap()[0];
    for (second, pulse) in (0..).zip(&pulses) {
        let window = reader
            .window(life.id, at(second), at(second), None)
            .unwrap();
        assert_eq!(window.ticks, [at(second)]);
        assert_eq!(window.goroutines, [pulse.goroutines]);
        let found: Groups = window
            .counts
            .iter()
            .map(|(key, counts)| {
                let states = window.states[key]
                    .1
                    .iter()
                    .map(|(s, n)| (s.to_string(), *n))
                    .collect();
                (signatures[key].signature, (u64::from(counts[0]), states))
            })
            .collect();
        assert_eq!(found, expected(pulse));
    }
    // Over both, what is not in one of them is absent there, which is a zero.
    let both = reader.window(life.id, at(0), at(1), None).unwrap();
    assert!(both.counts.values().all(|counts| counts.len() == 2));
    assert!(both.counts.values().any(|counts| counts[1] == 0));
}

#[test]
fn a_detail_reads_back_exactly() {
    let (_folder, path) = database();
    let detail = dump("go1.26_goroutineleak_debug2.txt");
    write(&path, vec![(Kind::Detail, detail.clone())]);
    let reader = Reader::open(&path).unwrap();
    let signatures = reader.signatures().unwrap();
    let life = &reader
        .incarnations(reader.instances().unwrap()[0].key)
        .unwrap()[0];
    let read = reader
        .last_detail(life.id, (at(0), at(9)), None)
        .unwrap()
        .unwrap();
    assert_eq!(read.at, at(0));
    let found: Groups = read
        .groups
        .iter()
        .map(|(key, group)| {
            let states = group
                .states
                .iter()
                .map(|(s, n)| (s.to_string(), *n))
                .collect();
            (signatures[key].signature, (group.count, states))
        })
        .collect();
    assert_eq!(found, expected(&detail));
    let leaked: u64 = read.groups.values().map(|group| group.leaked).sum();
    assert_eq!(leaked, 45);
    let with_creator = read
        .groups
        .values()
        .filter(|group| group.creator().is_some())
        .count();
    assert!(with_creator > 30, "{with_creator}");
}

/// A cut stack that turns out to be the top of a full one counts as that for all its history, and
/// its old name still leads there.
#[test]
fn a_cut_stack_is_pointed_to_its_full_one_later() {
    let (_folder, path) = database();
    let unresolved = dump("depth_go1.21_debug0.pb.gz");
    let detail = dump("depth_go1.21_debug2.txt");
    let mut full = FullStacks::default();
    for group in &detail.groups {
        full.learn(&group.stack);
    }
    let mut resolved = unresolved.clone();
    for group in &mut resolved.groups {
        group.signature = full.resolve(&group.stack);
    }
    let changed: Vec<(Signature, Signature)> = unresolved
        .groups
        .iter()
        .zip(&resolved.groups)
        .map(|(old, new)| (old.signature, new.signature))
        .filter(|(old, new)| old != new)
        .collect();
    assert!(changed.len() >= 3, "{changed:?}");
    write(
        &path,
        vec![
            (Kind::Pulse, unresolved),
            (Kind::Detail, detail),
            (Kind::Pulse, resolved.clone()),
        ],
    );
    let reader = Reader::open(&path).unwrap();
    let life = &reader
        .incarnations(reader.instances().unwrap()[0].key)
        .unwrap()[0];
    let window = reader.window(life.id, at(0), at(9), None).unwrap();
    for (old, new) in changed {
        let prefix = old.to_string().parse().unwrap();
        let found = reader.signatures_with_prefix(&prefix, 2).unwrap();
        let names: Vec<Signature> = found.iter().map(|row| row.signature).collect();
        assert_eq!(names, [new]);
        assert_eq!(found[0].first_at, at(0));
        let count = resolved
            .groups
            .iter()
            .find(|group| group.signature == new)
            .unwrap()
            .count;
        let count = u32::try_from(count).unwrap();
        assert_eq!(window.counts[&found[0].key], [count, count]);
    }
}

/// What is known of a signature.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    first_at: Timestamp,
    series: Vec<Timestamp>,
    sightings: Vec<Timestamp>,
    /// At every tick.
    counts: Vec<u32>,
}

fn told(path: &Path) -> BTreeMap<Signature, Told> {
    let reader = Reader::open(path).unwrap();
    let life = &reader
        .incarnations(reader.instances().unwrap()[0].key)
        .unwrap()[0];
    let window = reader.window(life.id, at(0), at(9), None).unwrap();
    let signatures = reader.signatures().unwrap();
    signatures
        .into_values()
        .map(|row| {
            let series = reader.series(row.key).unwrap();
            let sightings = reader.sightings(Some(row.key)).unwrap();
            let told = Told {
                first_at: row.first_at,
                series: series.iter().map(|row| row.first_at).collect(),
                sightings: sightings.iter().map(|row| row.first_at).collect(),
                counts: window.counts.get(&row.key).cloned().unwrap_or_default(),
            };
            (row.signature, told)
        })
        .collect()
}

/// Signatures and first sightings, whatever the schema.
fn signatures_of_old(path: &Path) -> BTreeMap<Signature, Timestamp> {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut statement = database
        .prepare("SELECT hash, first_at FROM signature")
        .unwrap();
    let rows = statement.query_map([], |row| {
        let first_at = Timestamp::from_millis(row.get(1)?);
        Ok((Signature::from_bytes(row.get(0)?), first_at))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// A database of signature rules 1, brought under today's, tells what one written today tells.
#[test]
fn a_database_of_older_rules_is_recomputed() {
    let (_folder, old) = database();
    std::fs::write(&old, released("rules1.db")).unwrap();
    let before = signatures_of_old(&old);
    assert_eq!(
        Reader::open(&old).unwrap_err().to_string(),
        format!(
            "`{}` has schema 1, this goroscope reads schema {}",
            old.display(),
            newest_schema()
        )
    );
    let upgrade = |database: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
        command.args(["db", "upgrade", "--db"]).arg(database);
        String::from_utf8(printed(&mut command)).unwrap()
    };
    let name = old.display();
    assert_eq!(
        upgrade(&old),
        format!(
            "{name}: up to date; 536 of 536 stacks were of older signature rules than 2, 111 of them count as another signature now\n"
        )
    );
    assert_eq!(
        upgrade(&old),
        format!(
            "{name}: up to date; 0 of 536 stacks were of older signature rules than 2, 0 of them count as another signature now\n"
        )
    );

    let (_other_folder, new) = database();
    let looks = ["1.21", "1.24", "1.27"].into_iter().flat_map(|version| {
        let pulse = dump(&format!("names_go{version}_debug0.pb.gz"));
        let detail = dump(&format!("names_go{version}_debug2.txt"));
        [(Kind::Pulse, pulse), (Kind::Detail, detail)]
    });
    write(&new, looks.collect());
    let after = told(&old);
    assert_eq!(after, told(&new));
    assert!(after.len() < before.len());

    // Whoever wrote an old signature down still finds what it has become.
    let reader = Reader::open(&old).unwrap();
    for (signature, first_at) in &before {
        let prefix = signature.to_string().parse().unwrap();
        let found = reader.signatures_with_prefix(&prefix, 2).unwrap();
        assert_eq!(found.len(), 1, "{signature}");
        assert!(found[0].first_at <= *first_at, "{signature}");
    }
}
