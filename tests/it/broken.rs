//! Inputs that once lost goroutines, counted what was none, or took for ever.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use goroscope::model::Snapshot;

use crate::support::{read, read_dumps, root};

/// Goroutines in groups, own, those of complaints, and whether the dump breaks off.
fn counted(snapshot: &Snapshot) -> (u64, u64, u64, bool) {
    let grouped = snapshot.groups.iter().map(|group| group.count).sum();
    (
        grouped,
        snapshot.own,
        snapshot.complained,
        snapshot.truncated,
    )
}

fn goroutine(id: usize, state: &str, function: &str) -> String {
    format!(
        "goroutine {id} [{state}]:\n{function}(0x1)\n\t/src/a.go:1 +0x1\n\
         created by main.main in goroutine 1\n\t/src/a.go:2 +0x1\n\n"
    )
}

fn many(count: usize) -> String {
    (2..count + 2)
        .map(|id| goroutine(id, "select", "main.f"))
        .collect()
}

/// A prefix that changes in a way that is not understood costs no goroutine that is not told.
#[test]
fn a_counter_before_every_line_loses_nothing_unsaid() {
    for form in ["{n} ", "{n}\t", "{n}:", "[   12.{n}] "] {
        let dump = many(40);
        let mut log = String::new();
        for (n, line) in dump.lines().enumerate() {
            let prefix = form.replace("{n}", &(n + 1000).to_string());
            writeln!(log, "{prefix}{line}").unwrap();
        }
        let snapshot = read(log.as_bytes()).unwrap();
        let (grouped, own, complained, _) = counted(&snapshot);
        assert_eq!(grouped + own + complained, 40, "{form:?}");
    }
}

/// Dumps appended to one file, the first of them cut off somewhere.
#[test]
fn a_dump_behind_one_that_was_cut_off_is_another() {
    let writer = "goroutine 1 [running]:\nruntime/pprof.writeGoroutineStacks({0x1, 0x2})\n\
                  \t/go/pprof.go:1 +0x1\nmain.main()\n\t/src/a.go:3 +0x1\n\n";
    let first = format!("{writer}{}", many(3));
    let second = format!("{writer}{}", many(5));
    for cut in writer.len() + 150..first.len() - 2 {
        let (begin, _) = first.split_at(cut);
        let both = format!("{begin}{second}");
        let dumps = read_dumps(both.as_bytes(), usize::MAX).unwrap();
        let told: Vec<_> = dumps
            .iter()
            .map(|(_, snapshot)| counted(snapshot))
            .collect();
        assert_eq!(told.len(), 2, "cut at {cut}: {told:?}\n{both}");
        assert_eq!(told[1], (5, 1, 0, false), "cut at {cut}");
    }
}

#[test]
fn compressed_data_that_breaks_off_gives_what_is_there() {
    let dump = many(4_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(dump.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(dump.as_bytes(), 1).unwrap();
    for whole in [gzip, zstd] {
        assert_eq!(counted(&read(&whole).unwrap()), (4_000, 0, 0, false));
        for cut in [whole.len() * 2 / 3, whole.len() - 1] {
            let snapshot = read(&whole[..cut]).unwrap();
            assert!(snapshot.truncated, "{cut} of {}", whole.len());
            assert!(snapshot.goroutines <= 4_000);
        }
    }
    // A profile is one thing: half of it is none.
    let profile = std::fs::read(root().join("testdata/dumps/go1.27_http_debug0.pb.gz")).unwrap();
    assert!(read(&profile[..profile.len() / 2]).is_err());
}

#[test]
fn a_panic_that_holds_a_stack_is_one_crash() {
    let crash = |message: &str| {
        let stack = "goroutine 1 [running]:\n\tmain.f()\n\t\t/src/a.go:1 +0x1\n";
        format!("{message}{stack}\n{}", goroutine(7, "running", "main.main"))
    };
    for message in [
        "panic: ",
        "panic: boom ",
        "progress 50% panic: x\n\t",
        "Working... panic: x\n\t",
    ] {
        let snapshot = read(crash(message).as_bytes()).unwrap();
        assert_eq!(snapshot.goroutines, 1, "{message:?}");
    }
    // Who only tells of a panic begins nothing, and hides nothing.
    let told = "2026/01/01 00:00:00 recovered from panic: boom\nfoo\n";
    let dump = format!(
        "{}{told}{}",
        many(2),
        many(3).replace("goroutine ", "goroutine 9")
    );
    let dumps = read_dumps(dump.as_bytes(), usize::MAX).unwrap();
    assert_eq!(dumps.len(), 1);
    assert_eq!(dumps[0].1.goroutines, 5);
    let indented: String = many(3).lines().fold(told.to_owned(), |mut log, line| {
        writeln!(log, "    {line}").unwrap();
        log
    });
    assert_eq!(read(indented.as_bytes()).unwrap().goroutines, 3);
}

#[test]
fn dumps_of_runtime_stack_are_told_apart() {
    let dump = |id, rest: usize| {
        let own = goroutine(id, "running", "main.dump");
        format!("{own}{}", many(rest))
    };
    let both = format!("{}{}", dump(34, 3), dump(51, 5));
    let dumps = read_dumps(both.as_bytes(), usize::MAX).unwrap();
    let sizes: Vec<u64> = dumps
        .iter()
        .map(|(_, snapshot)| snapshot.goroutines)
        .collect();
    assert_eq!(sizes, [4, 6]);
}

/// The order of goroutines of one stack says nothing of how they wait.
#[test]
fn a_stack_that_came_before_keeps_its_wait_kind() {
    let waits = "sync.runtime_Semacquire(0x1)\n\t/go/sema.go:1 +0x1\nsync.(*WaitGroup).Wait(0x1)\n\
                 \t/go/wg.go:1 +0x1\nmain.f";
    let half = |state: &str, from: usize| -> String {
        (from..from + 6)
            .map(|id| goroutine(id, state, waits))
            .collect()
    };
    for dump in [
        half("runnable", 2) + &half("semacquire", 20),
        half("semacquire", 2) + &half("runnable", 20),
    ] {
        let snapshot = read(dump.as_bytes()).unwrap();
        let splits = &snapshot.groups[0].splits;
        let mut kinds: Vec<(&str, u64)> = splits.iter().map(|s| (&*s.kind, s.count)).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, [("active", 6), ("sync.WaitGroup.Wait", 6)]);
    }
}

#[test]
fn counts_that_cannot_be_are_none() {
    let lie = "goroutine profile: total 18446744073709551615\n\
               18446744073709551615 @ 0x1\n#\t0x1\tmain.f+0x1\t/a.go:1\n\n\
               2 @ 0x2\n#\t0x2\tmain.g+0x1\t/a.go:2\n\n";
    let snapshot = read(lie.as_bytes()).unwrap();
    assert_eq!(counted(&snapshot), (2, 0, 0, false));
    assert_eq!(
        snapshot.complaints[0].what,
        "record with an impossible count"
    );
    let profile = std::fs::read(root().join("testdata/dumps/nats-2.15_load_debug0.pb.gz")).unwrap();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&profile[..]), &mut plain)
        .unwrap();
    let told = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(
        told(&[&plain[..], &plain[..]].concat()),
        "the profile cannot be decoded: several profiles stand one behind the other: give them one by one"
    );
    assert_eq!(
        told(&plain[..200]),
        "the profile cannot be decoded: it breaks off"
    );
}

/// More sources in one log than are held apart at a time.
#[test]
fn two_hundred_pods_in_one_log() {
    let mut log = String::new();
    for pod in 0..200 {
        for line in many(3).lines() {
            writeln!(log, "[pod/web-{pod}/app] {line}").unwrap();
        }
    }
    let dumps = read_dumps(log.as_bytes(), usize::MAX).unwrap();
    let goroutines: u64 = dumps.iter().map(|(_, snapshot)| snapshot.goroutines).sum();
    assert_eq!((dumps.len(), goroutines), (200, 600));
    assert!(dumps.is_sorted_by_key(|(line, _)| *line));
}

/// Megabytes that are made to be read again and again end in seconds, or the test is killed.
#[test]
fn no_input_takes_more_than_its_length() {
    let header = "\"goroutine 1 [a] {\"k\": ".repeat(100_000);
    let open = "goroutine 1 [".repeat(600_000);
    let quoted = "goroutine 1 [\"a labels:{".repeat(100_000);
    let wrapped = {
        let frames = "a.b.gowrap1.c.1()\n\t/a.go:1 +0x1\n".repeat(30_000);
        format!("goroutine 1 [select]:\n{frames}\n")
    };
    for (name, input) in [
        ("header", header),
        ("open", open),
        ("quoted", quoted),
        ("wrapped", wrapped),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(input.as_bytes()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
            .arg("snapshot")
            .arg(file.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Quadratic work would take minutes here.
        for _ in 0..600 {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let ended = child.try_wait().unwrap();
        if ended.is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(ended.is_some(), "{name} is still being read");
    }
}
