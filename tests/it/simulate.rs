//! The simulated fleet: what it serves is what Go would, and the same for the same seed.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use goroscope::model::{ProcessFacts, Signature, Snapshot, Timestamp};
use goroscope::simulate::fleet::{Fleet, Moment};
use goroscope::simulate::profile::{Book, Of};
use goroscope::simulate::{load, story, text};

use crate::support::read;

const SPAN: Duration = Duration::from_secs(40);

/// Every form of a moment, read.
fn forms(fleet: &Fleet, instance: usize, moment: &Moment<'_>, of: Of) -> [Snapshot; 3] {
    let service = fleet.service_of(instance).unwrap();
    let book = Book::of(&fleet.services()[service]);
    [
        book.profile(moment, of, Timestamp::from_millis(0)),
        text::counts(moment, of),
        text::goroutines(moment, of),
    ]
    .map(|bytes| read(&bytes).unwrap())
}

fn counts(snapshot: &Snapshot) -> BTreeMap<Signature, u64> {
    let mut counts = BTreeMap::new();
    for group in &snapshot.groups {
        *counts.entry(group.signature).or_default() += group.count;
    }
    counts
}

/// Wait kinds of each signature, which `debug=1` does not tell.
fn kinds(snapshot: &Snapshot) -> BTreeMap<(Signature, Arc<str>), u64> {
    let mut kinds = BTreeMap::new();
    for group in &snapshot.groups {
        for split in &group.splits {
            *kinds
                .entry((group.signature, Arc::clone(&split.kind)))
                .or_default() += split.count;
        }
    }
    kinds
}

#[test]
fn all_forms_of_one_moment_tell_the_same() {
    for fleet in [story::shop(1, SPAN), load::fleet(2, 3, 200)] {
        for instance in 0..fleet.instances() {
            for seconds in [0, 7, 33, 5_000] {
                let elapsed = Duration::from_secs(seconds);
                let moment = fleet.moment(instance, elapsed).unwrap();
                let [debug0, debug1, debug2] = forms(&fleet, instance, &moment, Of::Goroutines);
                for snapshot in [&debug0, &debug1, &debug2] {
                    assert_eq!(snapshot.complaints, []);
                    assert_eq!(snapshot.goroutines, moment.goroutines() + 1);
                    assert_eq!(counts(snapshot), counts(&debug0), "{:?}", snapshot.form);
                    // Whoever writes the dump is left out.
                    assert_eq!(snapshot.own, 1, "{:?}", snapshot.form);
                }
                assert_eq!(kinds(&debug0), kinds(&debug2));
            }
        }
    }
}

#[test]
fn labels_and_waits_are_told() {
    let fleet = story::shop(1, Duration::from_hours(1));
    let billing = fleet.instances() - 1;
    let moment = fleet.moment(billing, Duration::from_mins(30)).unwrap();
    let [debug0, debug1, debug2] = forms(&fleet, billing, &moment, Of::Goroutines);
    let labelled = [debug0, debug1, debug2.clone()].map(|snapshot| {
        let splits = snapshot.groups.into_iter().flat_map(|group| group.splits);
        let labelled = splits.filter(|split| !split.labels.is_empty());
        labelled
            .map(|split| (split.labels, split.count))
            .collect::<Vec<_>>()
    });
    insta::assert_snapshot!(format!("{:?}", labelled[0]), @r#"[({"op": "charge card"}, 57)]"#);
    assert_eq!(labelled[0], labelled[1]);
    assert_eq!(labelled[0], labelled[2]);
    let is_leak = |function: &str| function.starts_with("example.com/retry.");
    let mut groups = debug2.groups.iter();
    let leak = groups.find(|group| is_leak(&group.stack.site().unwrap().function));
    let told = leak.map(|group| (group.waits, group.oldest_minutes, &group.creators));
    insta::assert_snapshot!(format!("{told:?}"), @r#"Some((Some([2, 17, 38, 0, 0]), Some(29), [(Some("example.com/retry.Do"), 57)]))"#);
}

#[test]
fn a_leak_profile_has_what_never_wakes() {
    let fleet = story::shop(1, SPAN);
    let moment = fleet.moment(3, Duration::from_secs(30)).unwrap();
    let [debug0, debug1, debug2] = forms(&fleet, 3, &moment, Of::Leaks);
    assert_eq!(counts(&debug0), counts(&debug1));
    let marked: u64 = debug2.groups.iter().map(|group| group.leaked).sum();
    assert_eq!((marked, debug0.groups.len()), (debug0.goroutines, 2));
}

/// What tells processes apart, over the story.
fn facts(fleet: &Fleet, instance: usize) -> Vec<ProcessFacts> {
    let mut lives: Vec<ProcessFacts> = Vec::new();
    for seconds in 0..40 {
        let moment = fleet
            .moment(instance, Duration::from_secs(seconds))
            .unwrap();
        let [debug0, _, debug2] = forms(fleet, instance, &moment, Of::Goroutines);
        let facts = ProcessFacts {
            heap_high: debug2.process.heap_high,
            ..debug0.process
        };
        if lives.last() != Some(&facts) {
            lives.push(facts);
        }
    }
    lives
}

#[test]
fn a_restart_and_a_deploy_are_recognised() {
    let fleet = story::shop(1, SPAN);
    let checkout = facts(&fleet, 0);
    assert_eq!(checkout.len(), 1);
    assert_eq!(checkout[0].heap_high, None);
    let restarted = facts(&fleet, 4);
    assert_eq!(restarted.len(), 2);
    assert_eq!(restarted[0].build_id, restarted[1].build_id);
    assert!(restarted[0].vdso.is_some() && restarted[0].vdso != restarted[1].vdso);
    assert!(restarted[0].heap_high.is_some() && restarted[0].heap_high != restarted[1].heap_high);
    let deployed = facts(&fleet, 5);
    assert_eq!(deployed.len(), 2);
    assert_ne!(deployed[0].build_id, deployed[1].build_id);
    assert_eq!(deployed[1].build_id, facts(&fleet, 6)[1].build_id);
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_one_others() {
    let bytes = |seed| {
        let fleet = load::fleet(seed, 2, 50);
        let moment = fleet.moment(1, Duration::from_secs(1_234)).unwrap();
        let book = Book::of(&fleet.services()[0]);
        let at = Timestamp::from_millis(0);
        (
            book.profile(&moment, Of::Goroutines, at),
            text::goroutines(&moment, Of::Goroutines),
        )
    };
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7).0, bytes(8).0);
    assert_ne!(bytes(7).1, bytes(8).1);
}

/// A group that stays keeps its goroutines, one that comes and goes does not.
#[test]
fn goroutines_of_leaks_and_pools_stay() {
    let fleet = story::shop(1, SPAN);
    let ids = |seconds| {
        let moment = fleet.moment(0, Duration::from_secs(seconds)).unwrap();
        let text = String::from_utf8(text::goroutines(&moment, Of::Goroutines)).unwrap();
        let blocks = text.split("\n\n").skip(1);
        let of = |function: &str| {
            let blocks = blocks.clone().filter(|block| block.contains(function));
            let ids = blocks.map(|block| block.split(' ').nth(1).unwrap().parse::<u64>().unwrap());
            ids.collect::<Vec<_>>()
        };
        (of("reserve.func1"), of("(*Server).handle("))
    };
    let ((leaked, requests), (later, others)) = (ids(10), ids(20));
    assert!(later.len() > leaked.len() && leaked.iter().all(|id| later.contains(id)));
    assert!(!requests.is_empty() && !requests.iter().any(|id| others.contains(id)));
}

/// Go writes one gzip member; what is compressed once and what is not are in one as well.
#[test]
fn a_profile_is_one_gzip_member() {
    let fleet = load::fleet(1, 1, 3_000);
    let moment = fleet.moment(0, Duration::from_mins(1)).unwrap();
    let zipped =
        Book::of(&fleet.services()[0]).profile(&moment, Of::Goroutines, Timestamp::from_millis(0));
    let mut unzipped = Vec::new();
    let mut member = flate2::bufread::GzDecoder::new(zipped.as_slice());
    member.read_to_end(&mut unzipped).unwrap();
    assert_eq!(member.into_inner(), b"");
    // More than one stored block.
    assert!(unzipped.len() > 0xffff, "{}", unzipped.len());
}
