//! Broken pages of a real file: a clear message, the rest readable, nothing that panics or hangs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use goroscope::model::{Kind, Record};
use goroscope::store::{Reader, Retention};

use crate::blocks::{DAY, Process, Seen, at, write};
use crate::released::ten_hours;
use crate::support::{KEEP, number, said};

const PAGE: usize = 4096;

/// Numbers that look random and are the same each time.
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.to_le_bytes()[3]
    }
}

/// Exit code and words of a command, which must end by itself.
fn ended(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("GOROSCOPE_DB")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_mins(1) {
            child.kill().unwrap();
            panic!("{arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), told)
}

const QUESTIONS: [&[&str]; 8] = [
    &["db", "check", "--quick"],
    &["query", "history", "6aa95d31", "--since", "2026-11-24"],
    &["query", "top-growers", "--since", "2026-11-24"],
    &["query", "first-seen", "--since", "2026-11-24"],
    &["query", "shared", "--since", "2026-11-24"],
    &["query", "show", "6aa95d31", "--since", "2026-11-24"],
    &["query", "instances", "--since", "2026-11-24"],
    &["db", "info"],
];

/// Every page of the file in turn, one overwritten with noise, the next with zeros.
#[test]
fn every_command_ends_well_whatever_page_is_broken() {
    let folder = ten_hours();
    let path = folder.path().join("goroscope.db");
    let whole = std::fs::read(&path).unwrap();
    let mut noise = Noise(0x60_7266);
    let (mut failed, mut answered) = (0, 0);
    for (page, begin) in (0..whole.len()).step_by(PAGE).enumerate() {
        let mut broken = whole.clone();
        for byte in &mut broken[begin..begin + PAGE] {
            *byte = if page % 2 == 0 { noise.byte() } else { 0 };
        }
        std::fs::write(&path, &broken).unwrap();
        // Half of the questions at each page: each command meets each kind of page.
        for question in QUESTIONS.iter().skip(page % 2).step_by(2) {
            let (code, told) = ended(folder.path(), question);
            let what = format!("page {page}, {question:?}: exit {code}\n{told}");
            assert!([0, 1, 2].contains(&code), "{what}");
            assert!(!told.contains("panicked"), "{what}");
            if code == 1 && !told.is_empty() {
                assert!(told.contains("goroscope.db"), "{what}");
                assert!(told.contains("\nhint: "), "{what}");
                failed += 1;
            } else {
                answered += 1;
            }
            // A check may have moved rows, or begun a log.
            std::fs::write(&path, &broken).unwrap();
            for ending in ["-wal", "-shm"] {
                let _none = std::fs::remove_file(format!("{}{ending}", path.display()));
            }
        }
    }
    assert!(failed > 0 && answered > 0, "{failed} {answered}");
}

#[test]
fn a_broken_beginning_and_a_file_cut_short_are_told() {
    let folder = ten_hours();
    let path = folder.path().join("goroscope.db");
    let whole = std::fs::read(&path).unwrap();
    let mut broken = whole.clone();
    broken[..100].fill(0x5a);
    std::fs::write(&path, broken).unwrap();
    insta::assert_snapshot!(said(folder.path(), &["db", "info"]), @"
    error: `goroscope.db` is not a goroscope database
    hint: name another file; where this was a database, its beginning is damaged, and only a backup brings it back
    exit 1
    ");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    insta::assert_snapshot!(said(folder.path(), &["query", "instances"]), @"
    error: failed to open `goroscope.db`: database disk image is malformed
    hint: `goroscope db check` tells what is damaged; what cannot be read comes back from a backup only, what can be is saved by `goroscope export`
    exit 1
    ");
}

/// Two windows of pulses whose blocks fill several pages each.
fn two_large_blocks() -> Vec<Record> {
    let (process, mut records) = Process::watched(Duration::from_secs(30));
    let mut noise = Noise(7);
    for tick in 0..480 {
        let groups = (0..6).flat_map(|stack| (0..3).map(move |kind| (stack, kind)));
        let groups = groups
            .map(|(stack, kind)| {
                let count = [(); 3].map(|()| u64::from(noise.byte()) + 1);
                (stack, kind, count.iter().product())
            })
            .collect();
        let seen = Seen {
            step: 0,
            groups,
            truncated: false,
            complained: 0,
        };
        records.push(process.look(Kind::Pulse, tick * 30_000, Duration::ZERO, &seen));
    }
    records
}

/// Two blocks, of which one cannot be read.
fn one_broken_page() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let is_done = |path: &Path| number(path, "SELECT count(*) FROM block") == 2;
    write(&path, KEEP, two_large_blocks(), || at(DAY), is_done);
    let page = number(
        &path,
        "SELECT pageno FROM dbstat WHERE name = 'block' AND pagetype = 'overflow'
         ORDER BY path LIMIT 1",
    );
    let mut bytes = std::fs::read(&path).unwrap();
    let begin = (usize::try_from(page).unwrap() - 1) * PAGE;
    bytes[begin..begin + PAGE].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    (folder, path)
}

#[test]
fn one_page_that_cannot_be_read_costs_its_block_and_nothing_else() {
    let (folder, path) = one_broken_page();
    let window = || {
        let reader = Reader::open(&path).unwrap();
        let life = reader.instances().unwrap()[0].key;
        let life = reader.incarnations(life).unwrap()[0].id;
        reader.window(life, at(0), at(DAY), None).unwrap()
    };
    let found = window();
    assert_eq!(found.ticks.len(), 240);
    assert_eq!(found.set_aside.len(), 240);
    assert!(found.set_aside.iter().all(|(_, why)| *why == "damaged"));
    let checked = said(folder.path(), &["db", "check", "--quick", "--tz", "utc"]);
    // Before the table is what SQLite says, by page numbers.
    let (pages, rows) = checked.split_once("TABLE  ").unwrap();
    assert!(pages.contains("invalid page number"), "{pages}");
    insta::assert_snapshot!(rows, @"
    ROW  FROM                 TO                   PULSES  DAMAGE
    block    1  2026-11-24 00:00:00  2026-11-24 01:59:30     240  its pages cannot be read
    times are in +00:00
    goroscope.db: decoded 2 blocks, 2 summaries, 0 pulses, 0 detail blocks, 0 details, 18 stacks
    moved 1 damaged row into quarantine: a gap from now on, all else is as it was
    the file itself was damaged as well: check it again, and restore a backup if it still is
    exit 1
    ");
    assert_eq!(window(), found);
    // With the row, what was broken has gone.
    let checked = said(folder.path(), &["db", "check"]);
    assert!(checked.ends_with("sound\nexit 0"), "{checked}");
}

#[test]
fn retention_goes_on_over_a_page_that_cannot_be_read() {
    let (_folder, path) = one_broken_page();
    let keep = Retention {
        raw: Duration::from_hours(1),
        rollup: Duration::MAX,
        max_size: u64::MAX,
    };
    let is_done = |path: &Path| number(path, "SELECT count(*) FROM block") == 0;
    write(&path, keep, Vec::new(), || at(DAY), is_done);
}

/// Details of two hours in each of two blocks, of which the later one is damaged.
#[test]
fn a_damaged_block_of_details_is_told_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goroscope.db");
    let (process, mut records) = Process::watched(Duration::from_secs(30));
    for nth in 0..24i64 {
        let seen = Seen {
            step: 0,
            groups: vec![(0, 0, 1 + nth.unsigned_abs())],
            truncated: false,
            complained: 0,
        };
        records.push(process.look(Kind::Detail, nth * 600_000, Duration::ZERO, &seen));
    }
    let is_done = |path: &Path| number(path, "SELECT count(*) FROM detail_block") == 2;
    write(&path, KEEP, records, || at(DAY - 1), is_done);
    let newest = || {
        let reader = Reader::open(&path).unwrap();
        let life = reader.instances().unwrap()[0].key;
        let life = reader.incarnations(life).unwrap()[0].id;
        let detail = reader.last_detail(life, (at(0), at(DAY)), None).unwrap();
        detail.map(|detail| detail.groups.into_values().next().unwrap().count)
    };
    assert_eq!(newest(), Some(24));
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("UPDATE detail_block SET data = zeroblob(length(data)) WHERE id = 2")
        .unwrap();
    drop(database);
    assert_eq!(newest(), Some(12));
    // The day is brought together around it, and thinned a week later.
    let is_thinned = |path: &Path| number(path, "SELECT min(thinned) FROM detail_block") == 2;
    write(&path, KEEP, Vec::new(), || at(9 * DAY), is_thinned);
    assert_eq!(newest(), Some(7));
    insta::assert_snapshot!(said(folder.path(), &["db", "check", "--quick", "--tz", "utc"]), @"
    TABLE         ROW  FROM                 TO                   PULSES  DAMAGE
    detail_block    2  2026-11-24 02:00:00  2026-11-24 03:50:00       0  its checksum is wrong
    times are in +00:00
    goroscope.db: decoded 0 blocks, 0 summaries, 0 pulses, 2 detail blocks, 0 details, 1 stack
    moved 1 damaged row into quarantine: a gap from now on, all else is as it was
    exit 1
    ");
    insta::assert_snapshot!(said(folder.path(), &["db", "check", "--quick", "--tz", "utc"]), @"
    goroscope.db: decoded 0 blocks, 0 summaries, 0 pulses, 1 detail block, 0 details, 1 stack
    in quarantine since earlier checks: 1 row with 0 pulses
    sound
    exit 0
    ");
    assert_eq!(newest(), Some(7));
}
