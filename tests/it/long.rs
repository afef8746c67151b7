//! Answers over long windows: from summaries, from every sample, from hot rows: the same, digit by digit.

use std::path::Path;
use std::time::Duration;

use goroscope::model::{Kind, Record};
use goroscope::query::{
    Across, Scope, Sort, TopGrowers, TopGrowersRequest, Verdict, first_seen, instances, shared,
    show, top_growers,
};
use goroscope::store::Reader;
use proptest::prelude::*;
use serde_json::Value;

use crate::blocks::{DAY, Process, Seen, at, write};
use crate::support::KEEP;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const TOOK: Duration = Duration::from_millis(3);

fn seen(groups: Vec<(u8, u8, u64)>) -> Seen {
    Seen {
        step: 0,
        groups: groups
            .into_iter()
            .filter(|(_, _, count)| *count > 0)
            .collect(),
        truncated: false,
        complained: 0,
    }
}

fn scope(since: i64, until: i64) -> Scope {
    Scope {
        since: at(since),
        until: at(until),
        services: Vec::new(),
        instances: Vec::new(),
    }
}

fn growers(reader: &Reader, scope: Scope) -> TopGrowers {
    let request = TopGrowersRequest {
        scope,
        min_growth: 0,
        all: true,
        ignored: false,
        limit: 0,
        sort: Sort::Rate,
    };
    top_growers(reader, &request).unwrap()
}

/// Every answer that is drawn from slots, as JSON.
fn answers(reader: &Reader, scope: &Scope) -> Vec<String> {
    let json = |answer: Result<Value, serde_json::Error>| format!("{:#}", answer.unwrap());
    let mut answers = vec![
        json(serde_json::to_value(growers(reader, scope.clone()))),
        json(serde_json::to_value(
            shared(reader, scope, (1, &Across::Instances), 0).unwrap(),
        )),
        json(serde_json::to_value(
            first_seen(reader, scope, false, 0).unwrap(),
        )),
        json(serde_json::to_value(instances(reader, scope).unwrap())),
    ];
    let mut signatures: Vec<_> = reader.signatures().unwrap().into_values().collect();
    signatures.sort_by_key(|row| row.signature);
    for row in signatures {
        answers.push(json(serde_json::to_value(
            show(reader, scope, &row).unwrap(),
        )));
    }
    answers
}

/// Blocks that have a summary, and all pulses that are still rows.
fn kept(path: &Path) -> (i64, i64, i64) {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT (SELECT count(*) FROM summary), (SELECT count(*) FROM block),
                      (SELECT count(*) FROM pulse)";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    database.query_row(sql, [], row).unwrap()
}

fn is_cold(path: &Path) -> bool {
    let (summaries, blocks, pulses) = kept(path);
    pulses == 0 && summaries == blocks && blocks > 0
}

fn in_blocks(path: &Path) -> i64 {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT ifnull(sum(ticks), 0) FROM block";
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Eleven hours of three processes, one of which restarts and one of which is late for an hour.
fn fleet(rises: &[u64], noise: &[u64]) -> (Vec<Record>, Vec<Record>) {
    let (mut records, mut late) = (Vec::new(), Vec::new());
    for nth in 0..3i64 {
        let address = format!("s-{nth}:6060");
        let (mut process, watch) = Process::at(&address, Duration::from_mins(1));
        records.extend(watch);
        for minute in 0..11 * 60 {
            if nth == 1 && minute == 7 * 60 + 13 {
                process.restart(minute * MINUTE);
            }
            let turn = usize::try_from(minute).unwrap();
            let step = |of: &[u64], every: usize| of[turn / every % of.len()];
            let leak = step(rises, 97) * u64::try_from(minute).unwrap() / 60;
            let busy = step(noise, 1);
            let burst = if turn % 7 < 2 { busy + 3 } else { 0 };
            let mut look = seen(vec![
                (0, 0, 9),
                (1, 1, leak),
                (2, 0, busy),
                (2, 2, 2),
                (3, 1, burst),
            ]);
            look.truncated = turn % 211 == 17;
            let record = process.look(Kind::Pulse, minute * MINUTE + nth * 7, TOOK, &look);
            let is_late = nth == 2 && (200..260).contains(&minute) && minute % 2 == 0;
            if is_late { &mut late } else { &mut records }.push(record);
        }
    }
    (records, late)
}

/// A daemon whose clock stood still knows of no due polls.
fn as_if_written_late(path: &Path) {
    let database = rusqlite::Connection::open(path).unwrap();
    let late = at(9 * DAY).as_millis();
    let sql = "UPDATE daemon_run SET last_commit_at = ?1";
    database.execute(sql, [late]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn summaries_tell_what_the_samples_tell(
        rises in proptest::collection::vec(0..9u64, 1..6),
        noise in proptest::collection::vec(0..40u64, 1..60),
        since in 0..5 * HOUR,
        len in 4 * HOUR..7 * HOUR,
        late_stays_hot in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (hot, cold) = (folder.path().join("hot.db"), folder.path().join("cold.db"));
        let (records, late) = fleet(&rises, &noise);
        write(&hot, KEEP, [&records[..], &late].concat(), || at(0), |_| true);
        let pulses = i64::try_from(records.len() + late.len()).unwrap() - 3;
        write(&cold, KEEP, records, || at(9 * DAY), is_cold);
        let is_done = |path: &Path| late_stays_hot || is_cold(path) && in_blocks(path) == pulses;
        write(&cold, KEEP, late, || at(9 * DAY), is_done);
        as_if_written_late(&hot);
        for scope in [scope(0, 11 * HOUR), scope(since, since + len), scope(since, since + HOUR)] {
            let told = answers(&Reader::open(&cold).unwrap(), &scope);
            let samples = answers(&Reader::open(&cold).unwrap().from_samples(), &scope);
            let rows = answers(&Reader::open(&hot).unwrap(), &scope);
            for (told, other) in told.iter().zip(&samples).chain(told.iter().zip(&rows)) {
                let lines = told.lines().zip(other.lines());
                let differ: Vec<_> = lines.filter(|(a, b)| a != b).collect();
                prop_assert!(differ.is_empty(), "{scope:?}: {differ:?}");
            }
        }
    }
}

/// Damaged summaries are not believed: the samples tell.
#[test]
fn a_damaged_summary_changes_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let (records, _) = fleet(&[3], &[1, 5, 2]);
    write(&path, KEEP, records, || at(9 * DAY), is_cold);
    let scope = scope(0, 11 * HOUR);
    let before = answers(&Reader::open(&path).unwrap(), &scope);
    let database = rusqlite::Connection::open(&path).unwrap();
    let sql = "UPDATE summary SET data = zeroblob(length(data))";
    assert!(database.execute(sql, []).unwrap() > 0);
    assert_eq!(answers(&Reader::open(&path).unwrap(), &scope), before);
}

/// Summaries that are missing are made again when the writer has time.
#[test]
fn missing_summaries_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let (records, _) = fleet(&[3], &[1, 5, 2]);
    write(&path, KEEP, records, || at(9 * DAY), is_cold);
    let whole = kept(&path);
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute("DELETE FROM summary WHERE block_id % 2 = 0", [])
        .unwrap();
    assert_ne!(kept(&path), whole);
    write(&path, KEEP, Vec::new(), || at(9 * DAY), is_cold);
    assert_eq!(kept(&path), whole);
}

/// Five goroutines an hour on one of a thousand instances, beside pools and noise on all of them.
#[test]
fn one_small_leak_among_a_thousand_instances_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let mut records = Vec::new();
    for nth in 0..1_000i64 {
        let address = format!("s-{nth}:6060");
        let (process, watch) = Process::at(&address, Duration::from_mins(30));
        records.extend(watch);
        for half in 0..48i64 {
            let leak = if nth == 617 { half * 5 / 2 } else { 0 };
            let noise = 20 + (nth * 31 + half * 7919) % 17;
            let count = |value: i64| u64::try_from(value).unwrap();
            let look = seen(vec![
                (0, 0, 8),
                (1, 1, 4 + count(leak)),
                (2, 2, count(noise)),
            ]);
            records.push(process.look(Kind::Pulse, half * 30 * MINUTE, TOOK, &look));
        }
    }
    write(&path, KEEP, records, || at(9 * DAY), is_cold);
    let scope = scope(0, DAY);
    let told = growers(&Reader::open(&path).unwrap(), scope.clone());
    let leak = told
        .rows
        .iter()
        .find(|row| row.site.function == "main.b")
        .unwrap();
    assert_eq!(
        (leak.verdict, leak.instances_growing, leak.instances),
        (Verdict::Suspect, 1, 1_000)
    );
    assert_eq!((leak.growth, leak.first, leak.last), (117, 4_000, 4_117));
    assert!(
        leak.evidence[0].starts_with("s-617:6060: "),
        "{:?}",
        leak.evidence
    );
    assert_eq!(
        told,
        growers(&Reader::open(&path).unwrap().from_samples(), scope)
    );
}
