//! Days and hours tell what the snapshots told, and go on to when these have gone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use goroscope::model::{Kind, Record, Timestamp};
use goroscope::query::{
    Compared, Diff, DiffSideAsked, HistoryRow, Scope, Sort, TopGrowersRequest, Verdict, diff,
    history, top_growers,
};
use goroscope::store::{Reader, Retention};
use proptest::prelude::*;

use crate::blocks::{DAY, Process, Seen, at, write};
use crate::support::{KEEP, printed};
use crate::transfer::{export, import};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAYS: i64 = 12;
const TOOK: Duration = Duration::from_millis(3);
/// What `blocks` calls the stacks 0 to 3.
const STACKS: [&str; 4] = ["main.a", "main.b", "main.c", "io.d"];

/// A good pulse, as it is to be told.
#[derive(Debug, Clone)]
struct Told {
    address: String,
    /// Which process there.
    life: usize,
    millis: i64,
    counts: [u64; 4],
}

/// What a fleet gives over twelve days: records in order, those that come late, and what they tell.
struct Fleet {
    records: Vec<Record>,
    late: Vec<Record>,
    told: Vec<Told>,
}

/// Three processes, polled about each 13 minutes: one restarts at noon of the fifth day and at midnight of
/// the ninth, one is not seen on the seventh, and of one the third day comes late in part.
fn fleet(rises: &[u64], noise: &[u64]) -> Fleet {
    let mut fleet = Fleet {
        records: Vec::new(),
        late: Vec::new(),
        told: Vec::new(),
    };
    for nth in 0..3i64 {
        let address = format!("s-{nth}:6060");
        let (mut process, watch) = Process::at(&address, Duration::from_mins(1));
        fleet.records.extend(watch);
        let mut life = 0;
        for turn in 0..DAYS * 24 * 60 / 13 {
            let millis = turn * 13 * MINUTE + nth * 7;
            let day = millis / DAY;
            for restart in [4 * DAY + 12 * HOUR, 8 * DAY] {
                if nth == 0 && (millis - 13 * MINUTE..millis).contains(&(restart - 1)) {
                    process.restart(millis);
                    life += 1;
                }
            }
            if nth == 1 && day == 6 {
                continue;
            }
            let place = usize::try_from(turn).unwrap();
            let of = |from: &[u64]| from[place % from.len()];
            let leak = rises[usize::try_from(day).unwrap() % rises.len()]
                * u64::try_from(turn / 60).unwrap();
            let burst = if place.is_multiple_of(11) {
                of(noise)
            } else {
                0
            };
            let counts = [9, leak, of(noise), burst];
            let groups = (0u8..).zip(counts).map(|(stack, count)| (stack, 0, count));
            let truncated = turn % 211 == 17;
            let look = Seen {
                step: 0,
                groups: groups.filter(|(_, _, count)| *count > 0).collect(),
                truncated,
                complained: 0,
            };
            let record = process.look(Kind::Pulse, millis, TOOK, &look);
            let is_late = nth == 2 && day == 2 && turn % 3 == 0;
            if is_late {
                &mut fleet.late
            } else {
                &mut fleet.records
            }
            .push(record);
            if !truncated {
                let address = address.clone();
                fleet.told.push(Told {
                    address,
                    life,
                    millis,
                    counts,
                });
            }
        }
    }
    fleet
}

/// No block is waiting for its day, and there are as many polls in days.
fn is_drawn(path: &Path, polls: usize) -> bool {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT (SELECT count(*) FROM pulse) + (SELECT count(*) FROM rollup_due),
                      (SELECT ifnull(sum(pulses), 0) FROM rollup_life)";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (open, drawn): (i64, i64) = database.query_row(sql, [], row).unwrap();
    open == 0 && usize::try_from(drawn).unwrap() == polls
}

fn now() -> Timestamp {
    at(DAYS * DAY + HOUR)
}

/// Address, process, day, function: first, low, high and last count, and pulses.
type Days = BTreeMap<(String, usize, i64, String), [i64; 5]>;

fn expected_days(told: &[Told]) -> Days {
    let mut days = Days::new();
    let mut places: BTreeMap<_, Vec<&Told>> = BTreeMap::new();
    for pulse in told {
        let place = (pulse.address.clone(), pulse.life, pulse.millis / DAY);
        places.entry(place).or_default().push(pulse);
    }
    for ((address, life, day), pulses) in places {
        for (stack, name) in STACKS.iter().enumerate() {
            let counts: Vec<u64> = pulses.iter().map(|pulse| pulse.counts[stack]).collect();
            if counts.iter().any(|count| *count > 0) {
                let row = [
                    counts[0],
                    *counts.iter().min().unwrap(),
                    *counts.iter().max().unwrap(),
                    *counts.last().unwrap(),
                    counts.len() as u64,
                ]
                .map(|count| i64::try_from(count).unwrap());
                days.insert((address.clone(), life, day, (*name).to_owned()), row);
            }
        }
    }
    days
}

fn stored_days(path: &Path) -> Days {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT instance, (SELECT count(*) FROM incarnation AS before
                                 WHERE before.instance_id = incarnation.instance_id
                                   AND before.since < incarnation.since),
                      unixepoch(day) / 86400, function, first, low, high, last, pulses
               FROM days JOIN incarnation ON incarnation.id = incarnation_id";
    let mut statement = database.prepare(sql).unwrap();
    let begin = at(0).as_millis() / DAY;
    let rows = statement.query_map([], |row| {
        let life: i64 = row.get(1)?;
        let place = (
            row.get(0)?,
            usize::try_from(life).unwrap(),
            row.get::<_, i64>(2)? - begin,
            row.get(3)?,
        );
        Ok((
            place,
            [
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
                row.get(7)?,
                row.get(8)?,
            ],
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// Hour, function: instances, sum of lowest and sum of last counts.
type Hours = BTreeMap<(i64, String), [i64; 3]>;

fn expected_hours(told: &[Told]) -> Hours {
    let mut hours = Hours::new();
    // Of each instance in an hour the process that was there at its end.
    let mut places: BTreeMap<(i64, String), Vec<&Told>> = BTreeMap::new();
    for pulse in told {
        let place = (pulse.millis / HOUR, pulse.address.clone());
        places.entry(place).or_default().push(pulse);
    }
    for ((hour, _), pulses) in places {
        let life = pulses.iter().map(|pulse| pulse.life).max().unwrap();
        for (stack, name) in STACKS.iter().enumerate() {
            let of_last = pulses.iter().filter(|pulse| pulse.life == life);
            let counts: Vec<u64> = of_last.map(|pulse| pulse.counts[stack]).collect();
            let last = i64::try_from(*counts.last().unwrap()).unwrap();
            if last > 0 {
                let low = i64::try_from(*counts.iter().min().unwrap()).unwrap();
                let row = hours.entry((hour, (*name).to_owned())).or_default();
                for (sum, more) in row.iter_mut().zip([1, low, last]) {
                    *sum += more;
                }
            }
        }
    }
    hours
}

fn stored_hours(path: &Path) -> Hours {
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT unixepoch(hour) / 3600, function, instances, low, last FROM hours
               WHERE instances > 0";
    let mut statement = database.prepare(sql).unwrap();
    let begin = at(0).as_millis() / HOUR;
    let rows = statement.query_map([], |row| {
        let place = (row.get::<_, i64>(0)? - begin, row.get(1)?);
        Ok((place, [row.get(2)?, row.get(3)?, row.get(4)?]))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn scope(since: i64, until: i64) -> Scope {
    Scope {
        since: at(since),
        until: at(until),
        services: Vec::new(),
        instances: Vec::new(),
    }
}

/// Top-growers as JSON.
fn growers(reader: &Reader, scope: Scope) -> serde_json::Value {
    let request = TopGrowersRequest {
        scope,
        min_growth: 0,
        all: true,
        ignored: false,
        limit: 0,
        sort: Sort::Rate,
    };
    serde_json::to_value(top_growers(reader, &request).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn days_and_hours_are_what_the_snapshots_were(
        rises in proptest::collection::vec(0..9u64, 1..6),
        noise in proptest::collection::vec(0..40u64, 1..60),
        since in 0..2 * DAY,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let Fleet { records, late, told } = fleet(&rises, &noise);
        let is_late = |pulse: &&Told| {
            pulse.address == "s-2:6060" && pulse.millis / DAY == 2 && pulse.millis / (13 * MINUTE) % 3 == 0
        };
        let in_time = told.len() - told.iter().filter(is_late).count();
        write(&path, KEEP, records, now, |path| is_drawn(path, in_time));
        write(&path, KEEP, late, now, |path| is_drawn(path, told.len()));
        prop_assert_eq!(stored_days(&path), expected_days(&told));
        prop_assert_eq!(stored_hours(&path), expected_hours(&told));

        let scope = scope(since, DAYS * DAY);
        let days = growers(&Reader::open(&path).unwrap(), scope.clone());
        let samples = growers(&Reader::open(&path).unwrap().from_samples(), scope);
        prop_assert_eq!(&days["window"]["resolution"]["by_day"], 2);
        prop_assert_eq!(days, samples);
    }
}

/// Twelve days of a leak, of which the snapshots of nine go in the end.
fn whole() -> (tempfile::TempDir, Vec<Told>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let Fleet {
        records,
        late,
        told,
    } = fleet(&[1], &[3, 7, 5]);
    let records = [records, late].concat();
    write(&path, KEEP, records, now, |path| is_drawn(path, told.len()));
    (folder, told)
}

fn without_snapshots(folder: &Path) -> Reader {
    let path = folder.join("history.db");
    let keep = Retention {
        raw: Duration::from_hours(3 * 24 + 1),
        ..KEEP
    };
    let kept = |path: &Path| Reader::open(path).unwrap().kept_since().unwrap();
    write(&path, keep, Vec::new(), now, |path| {
        kept(path) == Some(at(9 * DAY))
    });
    Reader::open(&path).unwrap()
}

/// The whole time, in whole days.
fn all() -> Scope {
    scope(0, DAYS * DAY - 1)
}

/// The leak shows as before, over the restarts of one process and the gap of another.
#[test]
fn what_has_gone_is_told_by_days() {
    let (folder, told) = whole();
    let reader = Reader::open(&folder.path().join("history.db")).unwrap();
    let before = growers(&reader, all());
    drop(reader);
    let after = growers(&without_snapshots(folder.path()), all());
    assert_eq!(after["window"]["kept_since"], "2026-12-03T00:00:00.000Z");
    assert_eq!(after["window"]["days_since"], "2026-11-24T00:00:00.000Z");
    assert_eq!(after["window"]["polls_ok"], told.len());
    let leak = |answer: &serde_json::Value| {
        let rows = answer["rows"].as_array().unwrap();
        let leak = rows.iter().find(|row| row["where"]["function"] == "main.b");
        let keys = ["verdict", "instances_growing", "growth", "first", "last"];
        keys.map(|key| leak.unwrap()[key].clone())
    };
    assert_eq!(leak(&after), leak(&before));
    assert_eq!(leak(&after)[0], Verdict::Likely.as_str());
}

#[test]
fn a_history_goes_on_to_before_the_oldest_snapshot() {
    let (folder, _) = whole();
    let reader = without_snapshots(folder.path());
    let mut signatures = reader.signatures().unwrap().into_values();
    let leak = signatures.find(|row| row.site.function.as_ref() == "main.b");
    let told = history(&reader, &all(), &leak.unwrap()).unwrap();
    let of = |instance| told.rows.iter().filter(move |row| row.instance == instance);
    let line = |row: &HistoryRow| {
        let at = row.at.to_rfc3339();
        match row.drawn {
            Some(day) => format!("{at}: {} polls, {} to {}", day.polls, day.low, day.high),
            None => format!("{at}: {:?}", row.unknown),
        }
    };
    let days = of("s-1:6060").take_while(|row| row.at < at(9 * DAY));
    let lines: Vec<_> = days.map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    2026-11-24T23:50:00.007Z: 110 polls, 0 to 1
    2026-11-25T23:53:00.007Z: 111 polls, 1 to 3
    2026-11-26T23:56:00.007Z: 110 polls, 3 to 5
    2026-11-27T23:59:00.007Z: 110 polls, 5 to 7
    2026-11-28T23:49:00.007Z: 110 polls, 7 to 9
    2026-11-29T23:52:00.007Z: 110 polls, 9 to 11
    2026-11-30T00:00:00.000Z: Some("no_snapshot")
    2026-12-01T23:58:00.007Z: 110 polls, 12 to 14
    2026-12-02T23:48:00.007Z: 110 polls, 14 to 16
    "#);
    let lives: BTreeSet<_> = of("s-0:6060").filter_map(|row| row.incarnation).collect();
    assert_eq!(lives.len(), 3);
}

/// An export tells days and hours too, and an import of it answers as the history that it is of.
#[test]
fn days_go_into_an_export_and_come_back() {
    let (folder, _) = whole();
    let before = growers(&without_snapshots(folder.path()), all());
    let folder = folder.path();
    let text = export(folder, "history.db", &[]);
    assert!(text.contains("{\"day\":") && text.contains("{\"hour\":"));
    std::fs::write(folder.join("all.ndjson"), &text).unwrap();
    for _ in 0..2 {
        import(folder, &["all.ndjson"], "copy.db");
        let copy = Reader::open(&folder.join("copy.db")).unwrap();
        assert_eq!(growers(&copy, all()), before);
        assert_eq!(export(folder, "copy.db", &[]), text);
    }
    let gone = at(9 * DAY).as_millis();
    for sql in [
        format!(
            "SELECT service, instance, day, signature, first, low, high, last, pulses, goroutines
                 FROM days WHERE unixepoch(day) * 1000 < {gone} ORDER BY 1, 2, 3, 4"
        ),
        format!(
            "SELECT service, hour, signature, instances, low, last
                 FROM hours WHERE unixepoch(hour) * 1000 < {gone} ORDER BY 1, 2, 3"
        ),
    ] {
        let rows = |database: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_goroscope"));
            command
                .args(["sql", "-o", "csv", "--db"])
                .arg(folder.join(database));
            String::from_utf8(printed(command.arg(&sql))).unwrap()
        };
        assert_eq!(rows("copy.db"), rows("history.db"));
    }
}

/// Days go as well, much later, and what has gone is not asked for.
#[test]
fn days_go_when_they_are_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let Fleet { records, told, .. } = fleet(&[1], &[3]);
    let keep = Retention {
        raw: Duration::from_hours(3 * 24),
        rollup: Duration::from_hours(8 * 24),
        ..KEEP
    };
    let stay: Vec<_> = told
        .iter()
        .filter(|pulse| pulse.millis >= 4 * DAY)
        .collect();
    let lives: BTreeSet<_> = stay
        .iter()
        .map(|pulse| (&pulse.address, pulse.life, pulse.millis / DAY))
        .collect();
    let is_gone = |path: &Path| {
        let database = rusqlite::Connection::open(path).unwrap();
        let sql =
            "SELECT (SELECT min(day) FROM rollup_day), (SELECT min(hour) / 24 FROM rollup_hour),
                          (SELECT min(day) FROM rollup_life), (SELECT count(*) FROM rollup_due),
                          (SELECT count(*) FROM rollup_life)";
        let found: [Option<i64>; 5] = database
            .query_row(sql, [], |row| {
                Ok([0, 1, 2, 3, 4].map(|column| row.get(column).unwrap()))
            })
            .unwrap();
        let fourth = Some(at(4 * DAY).as_millis() / DAY);
        let all = i64::try_from(lives.len()).ok();
        found == [fourth, fourth, fourth, Some(0), all]
    };
    write(&path, keep, records, now, is_gone);
    let answer = growers(&Reader::open(&path).unwrap(), scope(0, DAYS * DAY - 1));
    assert_eq!(answer["window"]["days_since"], "2026-11-28T00:00:00.000Z");
    assert_eq!(answer["window"]["polls_ok"], stay.len());
}

/// Two moments, each just behind a poll of all three instances: the last one of the fifth day, and one of the
/// eleventh.
fn compared(reader: &Reader) -> Diff {
    let moment = |turn: i64| Compared::Time(at(turn * 13 * MINUTE + 20));
    let (a, b) = (moment(553), moment(1218));
    let sides = [("then", &a), ("later", &b)].map(|(word, compared)| DiffSideAsked {
        word,
        compared,
        reader,
    });
    diff(sides, &all(), 0).unwrap()
}

#[test]
fn a_moment_whose_snapshots_have_gone_is_compared_by_days() {
    let (folder, _) = whole();
    let whole = compared(&Reader::open(&folder.path().join("history.db")).unwrap());
    let gone = compared(&without_snapshots(folder.path()));
    assert_eq!(
        (whole.a.by_day, whole.a.known, whole.differ > 0),
        (false, 3, true)
    );
    assert_eq!((gone.a.by_day, gone.b.by_day), (true, false));
    assert_eq!(
        (whole.a.goroutines, whole.rows),
        (gone.a.goroutines, gone.rows)
    );
}
