//! Every form of a dump, from real processes, with counts that were made independently.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use goroscope::group::{FullStacks, by_signature};
use goroscope::model::{Labels, Signature, Snapshot};
use serde::Deserialize;

use crate::support::{read, read_file, read_in_chunks, root};

/// One entry of `testdata/dumps/manifest.json`.
#[derive(Debug, Deserialize)]
struct Entry {
    file: String,
    form: String,
    goroutines: u64,
}

fn dumps() -> PathBuf {
    root().join("testdata/dumps")
}

fn manifest() -> Vec<Entry> {
    let text = std::fs::read_to_string(dumps().join("manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What was read is all there is: groups, own and complaints add up.
fn assert_adds_up(snapshot: &Snapshot, name: &str) {
    let grouped: u64 = snapshot.groups.iter().map(|group| group.count).sum();
    let parts = grouped + snapshot.own + snapshot.complained;
    assert_eq!(parts, snapshot.goroutines, "{name}");
    for group in &snapshot.groups {
        let split: u64 = group.splits.iter().map(|split| split.count).sum();
        assert_eq!(split, group.count, "{name}");
        if let Some(waits) = group.waits {
            assert_eq!(waits.iter().sum::<u64>(), group.count, "{name}");
        }
    }
}

fn counts(snapshot: &Snapshot) -> BTreeMap<Signature, u64> {
    by_signature(snapshot)
        .into_iter()
        .map(|group| (group.signature, group.count))
        .collect()
}

/// Function of the line to look at -> count.
fn sites(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let mut sites = BTreeMap::new();
    for group in &snapshot.groups {
        let site = group.stack.site().map_or("", |frame| &frame.function);
        *sites.entry(site.to_owned()).or_default() += group.count;
    }
    sites
}

#[test]
fn no_goroutine_is_lost() {
    let mut files = 0;
    for entry in manifest() {
        // A panic message that is a perfect goroutine cannot be told from one before Go 1.23.
        if entry.file == "go1.21_crash_fakehdr.txt" {
            continue;
        }
        let snapshot = read_file(&dumps().join(&entry.file));
        assert_adds_up(&snapshot, &entry.file);
        assert_eq!(snapshot.goroutines, entry.goroutines, "{}", entry.file);
        assert_eq!(snapshot.complaints, [], "{}", entry.file);
        assert_eq!(snapshot.form.as_str(), entry.form, "{}", entry.file);
        files += 1;
    }
    assert_eq!(files, 104);
}

#[test]
fn however_the_bytes_arrive_the_groups_are_the_same() {
    for name in [
        "go1.27_http_debug2.txt",
        "go1.27_http_debug0.pb.gz",
        "go1.26_labels_debug2.txt",
    ] {
        let bytes = std::fs::read(dumps().join(name)).unwrap();
        let whole = read(&bytes).unwrap();
        for size in [1, 7, 4096, 65_536, 100_000] {
            assert_eq!(
                read_in_chunks(&bytes, size).unwrap(),
                whole,
                "{name} by {size}"
            );
        }
    }
}

/// All forms of one process, taken one after the other over HTTP: all that may differ is what the
/// requests themselves left behind.
#[test]
fn all_forms_of_one_process_give_the_same_signatures() {
    let pairs = [
        ("go1.24_http", 214, false),
        ("go1.26_http", 219, false),
        ("go1.27_http", 222, true),
        ("depth_go1.27", 62, true),
        ("caddy-2.11_load", 22, true),
        ("nats-2.15_load", 47, true),
        ("nats-2.15_idle", 47, true),
        ("etcd-3.4_load", 53, true),
        ("node-exporter-1.5_idle", 17, true),
        ("prometheus-2.42_idle", 47, true),
        ("victoria-metrics-1.79_load", 62, true),
    ];
    for (name, goroutines, has_debug1) in pairs {
        let text = read_file(&dumps().join(format!("{name}_debug2.txt")));
        let debug0 = dumps().join(format!("{name}_debug0.pb.gz"));
        let debug1 = has_debug1.then(|| dumps().join(format!("{name}_debug1.txt")));
        for file in [Some(debug0), debug1].into_iter().flatten() {
            let profile = read_file(&file);
            assert_eq!(
                (text.goroutines, profile.goroutines),
                (goroutines, goroutines),
                "{name}"
            );
            let (text, profile) = (counts(&text), counts(&profile));
            let differ: Vec<&Signature> = text
                .keys()
                .chain(profile.keys())
                .filter(|signature| text.get(signature) != profile.get(signature))
                .collect();
            // A connection's goroutines at most: its background read and, on the client's side, its
            // write loop, met at different steps.
            assert!(differ.len() <= 4, "{}: {differ:?}", file.display());
        }
    }
}

#[test]
fn a_stack_that_a_profile_cut_off_counts_as_the_full_one() {
    let text = read_file(&dumps().join("depth_go1.21_debug2.txt"));
    for form in ["debug0.pb.gz", "debug1.txt"] {
        cut_stacks_resolve(
            &text,
            &read_file(&dumps().join(format!("depth_go1.21_{form}"))),
        );
    }
}

/// Full stacks learned from `text` tell what the cut ones of `profile` are.
fn cut_stacks_resolve(text: &Snapshot, profile: &Snapshot) {
    let mut full = FullStacks::default();
    for group in &text.groups {
        full.learn(&group.stack);
    }
    let expected = counts(text);
    let mut resolved: BTreeMap<String, bool> = BTreeMap::new();
    for group in profile.groups.iter().filter(|group| group.stack.cut) {
        let signature = full.resolve(&group.stack);
        let site = group.stack.site().unwrap().function.to_string();
        resolved.insert(site, expected.get(&signature) == Some(&group.count));
    }
    // Two full stacks begin like the one of 61 frames: it keeps a signature of its own.
    let expected = [
        ("main.park101", true),
        ("main.park200", true),
        ("main.park33", true),
        ("main.park61", false),
    ];
    for (site, is_full) in expected {
        assert_eq!(resolved.get(site), Some(&is_full), "{site} in {resolved:?}");
    }
}

#[test]
fn wait_kinds_of_a_profile_are_those_of_its_text() {
    for version in ["1.21", "1.24", "1.26", "1.27"] {
        let kinds = |name: String| {
            let snapshot = read_file(&dumps().join(name));
            let mut kinds: BTreeMap<(Signature, Arc<str>), u64> = BTreeMap::new();
            for group in snapshot.groups {
                for split in group.splits {
                    *kinds.entry((group.signature, split.kind)).or_default() += split.count;
                }
            }
            kinds
        };
        let text = kinds(format!("go{version}_http_debug2.txt"));
        let profile = kinds(format!("go{version}_http_debug0.pb.gz"));
        let in_both = |wanted: &Signature| {
            let has = |kinds: &BTreeMap<_, _>| kinds.keys().any(|(known, _)| known == wanted);
            has(&text) && has(&profile)
        };
        // Stacks that the profile cut off have other signatures up to Go 1.22.
        let compared = text.iter().filter(|((signature, _), _)| in_both(signature));
        let (mut all, mut same) = (0, 0);
        for (key, count) in compared {
            all += count;
            same += profile.get(key).copied().unwrap_or_default().min(*count);
        }
        assert!(all > 180 && all - same <= 4, "{version}: {same} of {all}");
    }
}

/// Up to Go 1.20 all that waits at a semaphore is printed as `semacquire`.
#[test]
fn states_of_old_versions_compare_with_those_of_new_ones() {
    for (state, functions, kind) in [
        (
            "semacquire",
            "sync.runtime_SemacquireMutex sync.(*Mutex).lockSlow sync.(*Mutex).Lock",
            "sync.Mutex.Lock",
        ),
        (
            "semacquire",
            "sync.runtime_SemacquireMutex sync.(*RWMutex).RLock",
            "sync.RWMutex.RLock",
        ),
        (
            "semacquire",
            "sync.runtime_SemacquireMutex sync.(*RWMutex).Lock",
            "sync.RWMutex.Lock",
        ),
        (
            "semacquire",
            "sync.runtime_Semacquire sync.(*WaitGroup).Wait",
            "sync.WaitGroup.Wait",
        ),
        // The mutex further down is not what it waits for.
        (
            "semacquire",
            "internal/poll.runtime_Semacquire internal/poll.(*fdMutex).rwlock sync.(*Mutex).Lock",
            "semacquire",
        ),
        ("sync.Mutex.Lock", "sync.(*Mutex).Lock", "sync.Mutex.Lock"),
        ("chan receive (nil chan)", "main.f", "chan receive"),
        ("select (durable)", "main.f", "select"),
        ("runnable", "main.f", "active"),
    ] {
        let frames = functions.split(' ').chain(["main.main"]);
        let frames = frames.map(|name| format!("{name}(0x1)\n\t/x.go:1 +0x1\n"));
        let dump = format!("goroutine 1 [{state}]:\n{}", frames.collect::<String>());
        let snapshot = read(dump.as_bytes()).unwrap();
        let split = &snapshot.groups[0].splits[0];
        assert_eq!(
            (&*split.state, &*split.kind),
            (state, kind),
            "{functions:?}"
        );
    }
}

#[test]
fn labels_are_read_in_every_place_and_spelling() {
    let labelled = |name: &str| {
        let snapshot = read_file(&dumps().join(name));
        let mut sets: BTreeMap<Arc<Labels>, u64> = BTreeMap::new();
        for split in snapshot.groups.into_iter().flat_map(|group| group.splits) {
            *sets.entry(split.labels).or_default() += split.count;
        }
        sets.remove(&Labels::new());
        sets
    };
    let outside = labelled("go1.27_http_debug2.txt");
    let inside = labelled("go1.26_labels_debug2.txt");
    let set = |pairs: &[(&str, &str)]| -> Labels {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    for wanted in [
        set(&[("service", "checkout"), ("tenant", "acme")]),
        set(&[("q", "say \"hi\"")]),
        set(&[(
            "nl",
            "x\ngoroutine 999 [running]:\nmain.fake()\n\t/x.go:1 +0x1",
        )]),
        set(&[("b", "]:")]),
        set(&[("ev", "")]),
        set(&[("größe", "日本語 \u{1f389}")]),
    ] {
        assert!(
            outside.contains_key(&wanted),
            "outside the bracket: {wanted:?}"
        );
        assert!(
            inside.contains_key(&wanted),
            "inside the bracket: {wanted:?}"
        );
    }
    // The profile knows them as well, but for bytes that are not UTF-8.
    let profile = labelled("go1.27_http_debug0.pb.gz");
    let common = outside
        .keys()
        .filter(|set| profile.contains_key(*set))
        .count();
    assert!(common >= outside.len() - 2, "{common} of {}", outside.len());
    let counted = labelled("go1.27_http_debug1.txt");
    assert!(counted.keys().eq(profile.keys()), "{counted:?}");
}

#[test]
fn a_goroutine_that_cannot_be_read_costs_one_and_says_where() {
    let dump = b"goroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1\n\n\
        goroutine 2 [select]:\nmain.torn(0x1)\n\n\
        goroutine 3 [select, 5 minutes]:\nmain.ok()\n\t/x.go:9 +0x1\n\
        created by main.main in goroutine 1\n\t/x.go:3 +0x1\n\n\
        goroutine 4 [chan rec";
    let snapshot = read(dump).unwrap();
    assert_adds_up(&snapshot, "torn");
    let complaints: Vec<(u64, &str)> = snapshot
        .complaints
        .iter()
        .map(|found| (found.line, found.what.as_str()))
        .collect();
    assert_eq!(
        complaints,
        [
            (6, "function without a file line"),
            (14, "goroutine header breaks off in its state")
        ]
    );
    // A header that is not whole is no goroutine yet; that the dump breaks off is said.
    assert_eq!((snapshot.goroutines, snapshot.groups.len()), (3, 2));
    assert!(snapshot.truncated);
}

#[test]
fn what_is_no_dump_says_what_it_is() {
    for (bytes, message) in [
        (&b""[..], "it is empty"),
        (
            b"<!DOCTYPE html><html></html>",
            "it is HTML, not a goroutine dump",
        ),
        (
            b"hello\x1b[2J",
            "no goroutine in it; it begins with `hello\\u{1b}[2J`",
        ),
        (
            b"\x1f\x8b\x08garbage",
            "its gzip data is broken or breaks off",
        ),
        (
            b"\x00\x01\x02",
            "no goroutine in it; it begins with `\\0\\u{1}\\u{2}`",
        ),
        (
            b"\x0a\x04\x08\x01",
            "the profile cannot be decoded: it breaks off",
        ),
        (
            b"\x28\xb5\x2f\xfdgarbage",
            "its zstd data is broken or breaks off",
        ),
    ] {
        assert_eq!(read(bytes).unwrap_err().to_string(), message);
    }
}

#[test]
fn the_line_to_look_at_is_the_programs_own() {
    let sites = sites(&read_file(&dumps().join("depth_go1.27_debug2.txt")));
    for own in ["main.park20", "main.park33", "main.park200"] {
        assert!(sites.contains_key(own), "{own} in {sites:?}");
    }
    assert!(!sites.keys().any(|site| site.starts_with("runtime.gopark")));
}
