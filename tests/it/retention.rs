//! What is too old or too much goes; what must stay stays.

use std::path::Path;
use std::time::Duration;

use goroscope::model::{Kind, Record};
use goroscope::store::{Reader, Retention};

use crate::blocks::{DAY, Process, Seen, at, write};
use crate::support::number;

const HOUR: i64 = DAY / 24;

/// Forty days of a poll each quarter of an hour, and a detail with each.
fn forty_days() -> Vec<Record> {
    let (process, mut records) = Process::watched(Duration::from_mins(15));
    for tick in 0..40 * 24 * 4u32 {
        let count = 3 + u64::from(tick % 5);
        let seen = Seen {
            step: 0,
            groups: (0..6).map(|stack| (stack, 0, count)).collect(),
            truncated: false,
            complained: 0,
        };
        for kind in [Kind::Pulse, Kind::Detail] {
            let millis = i64::from(tick) * HOUR / 4;
            records.push(process.look(kind, millis, Duration::from_millis(3), &seen));
        }
    }
    records
}

fn details(path: &Path, from: i64, to: i64) -> i64 {
    let (from, to) = (at(from * DAY).as_millis(), at(to * DAY).as_millis());
    // No block goes over the end of a day.
    let sql = format!(
        "SELECT (SELECT count(*) FROM detail WHERE at >= {from} AND at < {to})
              + (SELECT ifnull(sum(ticks), 0) FROM detail_block WHERE from_at >= {from} AND to_at < {to})"
    );
    number(path, &sql)
}

#[test]
fn what_is_too_old_goes_and_details_are_thinned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let keep = Retention {
        raw: Duration::from_hours(30 * 24),
        rollup: Duration::MAX,
        max_size: u64::MAX,
    };
    // Ten days of two a day, 23 of one an hour, seven of all.
    let thinned = 10 * 2 + 23 * 24 + 7 * 96;
    write(
        &path,
        keep,
        forty_days(),
        || at(40 * DAY),
        |path| details(path, 0, 40) == thinned && number(path, "SELECT count(*) FROM pulse") <= 96,
    );
    assert_eq!(details(&path, 0, 10), 10 * 2);
    assert_eq!(details(&path, 10, 33), 23 * 24);
    assert_eq!(details(&path, 33, 40), 7 * 96);
    let oldest = number(&path, "SELECT min(to_at) FROM block");
    assert!(oldest >= at(10 * DAY).as_millis());
    // Sightings are older than any snapshot that is left.
    let reader = Reader::open(&path).unwrap();
    let sightings = reader.sightings(None).unwrap();
    assert_eq!(sightings.len(), 6);
    assert!(sightings.iter().all(|sighting| sighting.first_at == at(0)));
    assert_eq!(reader.kept_since().unwrap(), Some(at(10 * DAY)));
    // Of what has gone days are left: it is asked for, but not a part of a day.
    let instance = reader.instances().unwrap()[0].key;
    let due = reader.due(instance, at(HOUR), at(40 * DAY)).unwrap();
    assert_eq!(due[0].from, at(DAY));
}

#[test]
fn a_file_that_is_too_large_loses_its_oldest_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let keep = Retention {
        raw: Duration::MAX,
        rollup: Duration::MAX,
        max_size: 300 << 10,
    };
    let used = "SELECT (page_count - freelist_count) * page_size
                FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let newest = at(40 * DAY - HOUR / 4).as_millis();
    write(
        &path,
        keep,
        forty_days(),
        || at(40 * DAY),
        |path| {
            number(path, "SELECT ifnull(max(at), 0) FROM detail") == newest
                && number(path, used) <= 300 << 10
                && number(path, "SELECT count(*) FROM meta WHERE key = 'raw_since'") == 1
        },
    );
    let kept = Reader::open(&path).unwrap().kept_since().unwrap();
    assert!(kept.is_some_and(|kept| kept > at(DAY)), "{kept:?}");
    let polled = "SELECT max((SELECT ifnull(max(at), 0) FROM pulse),
                             (SELECT ifnull(max(to_at), 0) FROM block))";
    assert_eq!(number(&path, polled), newest);
}
