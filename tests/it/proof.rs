//! Proofs: what the garbage collector of a real process proves, whom it must not be asked of, and how
//! seldom.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use goroscope::collect::{Deps, Fetcher, Queue, Turns, poll_service};
use goroscope::config::{self, DetailMode, Environment, LeakProfile, Service};
use goroscope::model::{EventKind, Kind, Outcome, Record, Signature, Suspects, Timestamp};
use goroscope::observe::Counters;
use goroscope::store::Reader;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::daemon::{Daemon, first};
use crate::support::fake::{Behaviour, Fake};
use crate::support::go::Server;
use crate::support::{number, said};
use crate::transfer::{export, import};

const PATIENCE: Duration = Duration::from_mins(1);

/// One service of these instances, polled each second and asked for proofs.
fn config(service: &str, addresses: &[&str]) -> String {
    format!(
        "[global]\ninterval = \"1s\"\nleak_profile = \"always\"\n\
         [[services]]\nname = {service:?}\ntargets = {addresses:?}\n"
    )
}

/// The rows of a statement, each as one line.
fn lines(database: &Path, sql: &str) -> Vec<String> {
    let database = rusqlite::Connection::open(database).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let columns = statement.column_count();
    let line = |row: &rusqlite::Row<'_>| {
        let column = |at| row.get::<_, rusqlite::types::Value>(at).unwrap();
        let texts = (0..columns).map(|at| match column(at) {
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        });
        Ok(texts.collect::<Vec<_>>().join(" "))
    };
    let rows = statement.query_map([], line).unwrap();
    rows.map(Result::unwrap).collect()
}

fn wait_for(daemon: &Daemon, what: &str, is_there: impl Fn(&Path) -> bool) {
    daemon.wait_for_log("Stored pulse");
    let begun = Instant::now();
    while !is_there(&daemon.database()) {
        assert!(begun.elapsed() < PATIENCE, "no {what}:\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until four more polls are kept.
fn wait_for_polls(daemon: &Daemon) {
    let polls = |answer: &serde_json::Value| first(answer)["polls_ok"].as_u64();
    let before = daemon.ask(&["instances"]).as_ref().and_then(polls);
    daemon.wait_for("four more polls", &["instances"], |answer| {
        polls(answer) > before.map(|polls| polls + 4)
    });
}

const REFUSALS: &str = "SELECT kind, service, text FROM events WHERE kind = 'proof_refused'";

#[test]
fn what_the_garbage_collector_proves_is_kept_under_the_signature_of_pulses() {
    let leaky = Server::start_with("search", "1.27");
    leaky.get("/index?n=5");
    let mut daemon = Daemon::begin(&config("search", &[&leaky.address]));
    wait_for(&daemon, "proof", |database| {
        number(database, "SELECT count(*) FROM proof") > 0
    });
    // Its successor does not begin anew.
    daemon.kill();
    daemon.start();
    wait_for_polls(&daemon);
    let database = daemon.database();
    insta::assert_debug_snapshot!(lines(&database, "SELECT function, service, at_least FROM proofs"), @r#"
    [
        "main.(*shard).watch search Integer(5)",
    ]
    "#);
    // The same signature as that of the pulses, in the same process and build.
    let same = "SELECT count(*) FROM proofs JOIN shares USING (signature_id) JOIN lives USING (incarnation_id)
                WHERE shares.peak = at_least AND proofs.build = lives.build";
    assert_eq!(number(&database, same), 1);
    assert_eq!(number(&database, "SELECT count(*) FROM incarnation"), 1);
    // The detail comes first: behind the proof its waits are gone.
    let kinds = lines(&database, "SELECT kind FROM detail ORDER BY at");
    assert_eq!(kinds, ["detail", "detail", "proof", "detail"]);
    assert_eq!(lines(&database, REFUSALS), [""; 0]);
    let reader = Reader::open(&database).unwrap();
    let [proof] = &reader.proofs().unwrap()[..] else {
        panic!("not one proof");
    };
    assert_eq!((&*proof.service, proof.at_least), ("search", 5));
    assert_eq!(proof.instance, leaky.address);
    assert!(
        proof.build.is_some() && proof.first_at == proof.last_at && proof.since < proof.first_at
    );
}

#[test]
fn a_proof_of_nothing_is_one() {
    let healthy = Server::start_with("billing", "1.27");
    let daemon = Daemon::begin(&config("billing", &[&healthy.address]));
    wait_for(&daemon, "proof", |database| {
        number(
            database,
            "SELECT count(*) FROM detail WHERE kind = 'proof' AND goroutines = 0",
        ) > 0
    });
    wait_for_polls(&daemon);
    assert_eq!(number(&daemon.database(), "SELECT count(*) FROM proof"), 0);
    assert_eq!(
        number(&daemon.database(), "SELECT count(*) FROM incarnation"),
        1
    );
}

#[test]
fn an_older_go_is_asked_once_and_that_is_told_once() {
    let old = Server::start_with("search", "1.26");
    let mut daemon = Daemon::begin(&config("search", &[&old.address]));
    wait_for(&daemon, "refusal", |database| {
        !lines(database, REFUSALS).is_empty()
    });
    wait_for_polls(&daemon);
    daemon.signal("TERM");
    daemon.wait();
    daemon.start();
    wait_for_polls(&daemon);
    let database = daemon.database();
    insta::assert_snapshot!(lines(&database, REFUSALS).join("\n"), @"proof_refused search no proof: it serves no leak profile (Go 1.27 has one, and Go 1.26 when built with GOEXPERIMENT=goroutineleakprofile)");
    assert_eq!(
        lines(&database, "SELECT kind, reason FROM failures"),
        ["proof not_found"]
    );
    // It is no poll that failed.
    let answer = daemon.ask(&["instances"]).unwrap();
    assert_eq!(first(&answer)["last_poll"]["outcome"], "ok", "{answer:#}");
    assert!(!daemon.log().contains("WARN"), "{}", daemon.log());
}

#[test]
fn a_process_that_parks_goroutines_by_itself_is_never_asked() {
    let mut parker = Server::start_with("parker", "1.27");
    let daemon = Daemon::begin(&config("parker", &[&parker.address]));
    wait_for(&daemon, "refusal", |database| {
        !lines(database, REFUSALS).is_empty()
    });
    wait_for_polls(&daemon);
    let database = daemon.database();
    insta::assert_snapshot!(lines(&database, REFUSALS).join("\n"), @"proof_refused parker no proof: main.park parks goroutines by itself, and a leak profile would crash the process when they wake");
    assert_eq!(
        number(
            &database,
            "SELECT count(*) FROM detail WHERE kind = 'proof'"
        ),
        0
    );
    assert_eq!(number(&database, "SELECT count(*) FROM failure"), 0);
    // It lives, and would not had it been asked.
    parker.get("/leaked");
    let asked = parker.send("/debug/pprof/goroutineleak?debug=1");
    parker.wait_for_end();
    drop(asked);
}

/// The one service of a config, polled ten times a second; with time for whoever shares the machine.
fn service(addresses: &[&str]) -> Service {
    let text = config("s", addresses);
    let config = config::parse(&text, Path::new("x.toml"), &Environment::default());
    Service {
        interval: Duration::from_millis(100),
        ..config.unwrap().services.swap_remove(0)
    }
}

/// Polls a service until enough has come; what came of it.
async fn polled(
    service: Service,
    suspects: Suspects,
    mut is_enough: impl FnMut(&[Record]) -> bool,
) -> Vec<Record> {
    let (sender, records) = sync_channel(10_000);
    let counters = Arc::new(Counters::default());
    let (_judged, suspects) = watch::channel(Arc::new(suspects));
    let deps = Deps {
        fetcher: Arc::new(Fetcher::new(8).unwrap()),
        queue: Queue::new(sender, Arc::clone(&counters)),
        counters,
        known: Arc::default(),
        turns: Arc::new(Mutex::new(Turns::default())),
        suspects,
        fleet: service.instances.len(),
    };
    let stop = CancellationToken::new();
    let polling = poll_service(service, deps, stop.clone());
    let mut kept = Vec::new();
    let watching = async {
        let begun = Instant::now();
        while !is_enough(&kept) {
            assert!(begun.elapsed() < PATIENCE, "{kept:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            kept.extend(records.try_iter());
        }
        stop.cancel();
    };
    tokio::join!(polling, watching);
    kept
}

/// How many looks of this kind there are, and how many of them failed.
fn looks(records: &[Record], kind: Kind) -> (usize, usize) {
    let looks = records.iter().filter_map(|record| match record {
        Record::Poll(poll) if poll.look.kind == kind => Some(&poll.look),
        _ => None,
    });
    let failed = |look: &&goroscope::model::Look| matches!(look.outcome, Outcome::Failed(_));
    (looks.clone().count(), looks.filter(failed).count())
}

fn refusals(records: &[Record]) -> Vec<&str> {
    let notes = records.iter().filter_map(|record| match record {
        Record::Note(note) if note.kind == EventKind::ProofRefused => Some(&*note.text),
        _ => None,
    });
    notes.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_instance_of_a_build_is_asked() {
    let fakes = [(); 3].map(|()| Fake::start(Behaviour::Healthy));
    let addresses = fakes.each_ref().map(|fake| &*fake.address);
    let records = polled(service(&addresses), Suspects::default(), |kept| {
        looks(kept, Kind::Pulse).0 > 60
    })
    .await;
    assert_eq!(looks(&records, Kind::Proof), (1, 0));
    assert_eq!(fakes.iter().map(Fake::proofs).sum::<usize>(), 1);
    assert_eq!(fakes.iter().map(Fake::most_at_once).max(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_fails_is_no_poll_that_failed_and_the_build_is_left_alone() {
    let fakes = [(); 2].map(|()| Fake::start(Behaviour::HangInProof));
    let addresses = fakes.each_ref().map(|fake| &*fake.address);
    let records = polled(service(&addresses), Suspects::default(), |kept| {
        looks(kept, Kind::Proof).0 > 0 && looks(kept, Kind::Pulse).0 > 60
    })
    .await;
    assert_eq!(looks(&records, Kind::Proof), (1, 1));
    assert_eq!(looks(&records, Kind::Pulse).1, 0);
    assert_eq!(
        refusals(&records),
        ["no proof for an hour or more: the last one failed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_suspect_only_an_instance_with_one_is_asked() {
    let fakes = [(); 2].map(|()| Fake::start(Behaviour::Healthy));
    let addresses = fakes.each_ref().map(|fake| &*fake.address);
    let service = Service {
        leak_profile: LeakProfile::OnSuspect,
        ..service(&addresses)
    };
    let suspect = (Arc::clone(&service.instances[1].id), Signature::default());
    let records = polled(service, [suspect].into_iter().collect(), |kept| {
        looks(kept, Kind::Proof).0 > 0 && looks(kept, Kind::Pulse).0 > 60
    })
    .await;
    assert_eq!(fakes.each_ref().map(Fake::proofs), [0, 1]);
    // One at first contact, and one before the proof.
    assert_eq!(fakes.each_ref().map(Fake::details), [1, 2]);
    assert_eq!(refusals(&records), [""; 0]);
}

/// Details that serve as pulses do not show who parks by itself: for a proof both are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn where_details_serve_as_pulses_a_pulse_comes_before_the_proof() {
    let fake = Fake::start(Behaviour::Healthy);
    let service = Service {
        detail: DetailMode::Always,
        ..service(&[&fake.address])
    };
    let records = polled(service, Suspects::default(), |kept| {
        looks(kept, Kind::Detail).0 > 10
    })
    .await;
    assert_eq!(looks(&records, Kind::Proof), (1, 0));
    let kinds = records.iter().filter_map(|record| match record {
        Record::Poll(poll) => Some((poll.at, poll.look.kind)),
        _ => None,
    });
    let kinds: Vec<_> = kinds.collect();
    let proof = kinds
        .iter()
        .position(|(_, kind)| *kind == Kind::Proof)
        .unwrap();
    let before = &kinds[proof - 2..proof];
    assert!(
        matches!(before, [(_, Kind::Pulse), (_, Kind::Detail)]),
        "{kinds:?}"
    );
    assert_ne!(before[0].0, before[1].0);
    // Behind it one request is both again.
    let [pulse, detail, ..] = &kinds[proof + 1..] else {
        panic!("{kinds:?}");
    };
    assert_eq!(
        (pulse.1, detail.1, pulse.0),
        (Kind::Pulse, Kind::Detail, detail.0)
    );
}

/// A proof of one group for each count, all of one signature: `line` is where the first one waits.
fn proof(minute: u32, instance: &str, life: &str, build: Option<&str>, counts: &[u64]) -> String {
    let groups = counts.iter().zip(1..).map(|(count, line)| {
        format!(
            r#"{{"frames":[{{"function":"main.wait","file":"/f.go","line":{line}}}],"count":{count},"states":{{"chan send":{count}}},"leaked":{count}}}"#
        )
    });
    let groups = groups.collect::<Vec<_>>().join(",");
    let build = build.map_or(String::new(), |build| format!(r#""build":"{build}","#));
    format!(
        r#"{{"at":"2026-11-24T08:{minute:02}:00Z","kind":"proof","service":"pay","instance":"{instance}:1","incarnation":"{life}",{build}"groups":[{groups}]}}"#
    )
}

/// Proofs of a build are one, those of processes of unknown builds are each their own; and they outlive
/// the looks.
#[test]
fn proofs_add_up_by_build_and_outlive_their_looks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let looks = [
        proof(0, "a", "1", Some("x"), &[3, 2]),
        proof(1, "b", "1", Some("x"), &[4]),
        proof(2, "a", "1", Some("x"), &[]),
        proof(3, "c", "1", Some("y"), &[7]),
        proof(4, "d", "1", None, &[1]),
        proof(5, "d", "2", None, &[2]),
        proof(6, "d", "2", None, &[1, 1]),
    ];
    std::fs::write(folder.join("proofs.ndjson"), looks.join("\n")).unwrap();
    import(folder, &["proofs.ndjson"], "proofs.db");
    let told = |database: &str| {
        let reader = Reader::open(&folder.join(database)).unwrap();
        let rows = reader.proofs().unwrap();
        let lines = rows.iter().map(|row| {
            let minute = |at: Timestamp| at.to_utc().format("%H:%M").to_string();
            let (first, last) = (minute(row.first_at), minute(row.last_at));
            let build = row.build.as_deref().unwrap_or("-");
            format!("{build} {} {first} {last}: {}", row.instance, row.at_least)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told("proofs.db"), @"
    x a:1 08:00 08:01: 4
    y c:1 08:03 08:03: 7
    - d:1 08:04 08:04: 1
    - d:1 08:05 08:06: 2
    ");
    let database = rusqlite::Connection::open(folder.join("proofs.db")).unwrap();
    let asked = "SELECT sum((proof_at - 1795507200000) / 60000) FROM incarnation";
    assert_eq!(number(&folder.join("proofs.db"), asked), 2 + 1 + 3 + 4 + 6);
    database.execute_batch("DELETE FROM detail").unwrap();
    drop(database);
    let text = export(folder, "proofs.db", &[]);
    std::fs::write(folder.join("rest.ndjson"), &text).unwrap();
    import(folder, &["rest.ndjson", "proofs.ndjson"], "again.db");
    assert_eq!(told("again.db"), told("proofs.db"));
    import(folder, &["rest.ndjson"], "rest.db");
    assert_eq!(told("rest.db"), told("proofs.db"));
    assert_eq!(export(folder, "rest.db", &[]), text);
    assert!(said(folder, &["db", "check", "--db", "rest.db"]).ends_with("sound\nexit 0"));
}
