//! A disk that is full: polling goes on, what is lost is counted, and it recovers by itself.
//!
//! The disk is full by a limit on the size of files, which the tests lift again.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use goroscope::collect::Queue;
use goroscope::model::Kind;
use goroscope::observe::Counters;
use goroscope::store::{DaemonLock, Writer};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::blocks::{Process, Seen, at};
use crate::support::daemon::{Daemon, first};
use crate::support::fake::{Behaviour, Fake};
use crate::support::{KEEP, number};

/// More than a batch and the queue behind it hold together.
const POLLS: i64 = 6_000;

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn limit(bytes: Option<u64>) -> Rlimit {
    let maximum = getrlimit(Resource::Fsize).maximum;
    Rlimit {
        current: bytes,
        maximum,
    }
}

/// A process with a limit of its own: does nothing in an ordinary run of the tests.
#[test]
fn a_writer_on_a_full_disk() {
    let Some(path) = std::env::var_os("GOROSCOPE_TEST_FULL") else {
        return;
    };
    let path = Path::new(&path);
    let lock = DaemonLock::take(path).unwrap();
    let counters = Arc::new(Counters::default());
    let (writer, records) =
        Writer::start(path, lock, KEEP, Arc::clone(&counters), || at(0)).unwrap();
    let queue = Queue::new(records, Arc::clone(&counters));
    let (process, watch) = Process::watched(Duration::from_secs(30));
    for record in watch {
        queue.send(record, at(0));
    }
    until("the first commit", || {
        number(path, "SELECT count(*) FROM watch") == 1
    });
    setrlimit(Resource::Fsize, limit(Some(4096))).unwrap();
    let seen = Seen {
        step: 0,
        groups: vec![(0, 0, 7)],
        truncated: false,
        complained: 0,
    };
    for tick in 0..POLLS {
        let look = process.look(Kind::Pulse, tick * 30_000, Duration::ZERO, &seen);
        queue.send(look, at(tick));
    }
    let lost = i64::try_from(counters.read().polls_lost).unwrap();
    assert!(lost > 0 && lost < POLLS, "{lost}");
    setrlimit(Resource::Fsize, limit(None)).unwrap();
    let stored = "SELECT count(*) FROM pulse";
    until("what waited is stored", || {
        number(path, stored) == POLLS - lost
    });
    // With the next record it is told how many are missing.
    let look = process.look(Kind::Pulse, POLLS * 30_000, Duration::ZERO, &seen);
    queue.send(look, at(POLLS));
    drop(queue);
    assert!(writer.join());
    assert_eq!(number(path, stored), POLLS - lost + 1);
    let told = format!("{lost} records were lost: the queue to the database was full");
    let database = rusqlite::Connection::open(path).unwrap();
    let text: String = database
        .query_row(
            "SELECT text FROM event WHERE kind = 'polls_lost'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(text, told);
    println!("recovered");
}

#[test]
fn what_does_not_fit_is_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    // A write beyond the limit is an error, not the end.
    let run = r#"trap "" XFSZ; exec "$0" --exact full::a_writer_on_a_full_disk --nocapture"#;
    let output = Command::new("sh")
        .args(["-c", run])
        .arg(std::env::current_exe().unwrap())
        .env("GOROSCOPE_TEST_FULL", folder.path().join("full.db"))
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(
        output.status.success() && told.contains("recovered"),
        "{told}"
    );
}

#[test]
fn a_daemon_on_a_full_disk_goes_on_polling_and_recovers() {
    let fake = Fake::start(Behaviour::Healthy);
    let config = format!(
        "[global]\ninterval = \"200ms\"\n[[services]]\nname = \"s\"\ntargets = [{:?}]\n",
        fake.address
    );
    let mut daemon = Daemon::begin(&config);
    daemon.wait_for_log("Stored pulse");
    let log = daemon.database().with_extension("db-wal");
    let room = 100 << 10;
    assert!(log.metadata().unwrap().len() > room, "there is room left");
    let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap());
    prlimit(pid, Resource::Fsize, limit(Some(room))).unwrap();
    daemon.wait_for_log("Cannot write to goroscope.db: ");
    let polled = fake.requests();
    until("more polls", || fake.requests() > polled + 5);
    prlimit(pid, Resource::Fsize, limit(None)).unwrap();
    daemon.wait_for_log("Writes to goroscope.db again");
    daemon.wait_for("polls after it", &["instances"], |answer| {
        first(answer)["polls_ok"].as_u64() > Some(10)
    });
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    daemon.assert_kept();
    let answer = daemon.ask(&["instances"]).unwrap();
    // What waited meanwhile was stored: nothing is missing.
    assert_eq!(first(&answer)["polls_ok"], first(&answer)["polls_due"]);
}
