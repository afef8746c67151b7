//! Dumps on their way: what loggers, terminals and editors do to them.
//!
//! One real dump of Go 1.27 (labels, bubbles, elision, blanks in paths) goes through every mill; what
//! comes out must give the same groups.

use std::collections::BTreeMap;
use std::io::Write as _;

use goroscope::group::by_signature;
use goroscope::model::{Form, Labels, Signature, Snapshot};
use proptest::prelude::*;

use crate::support::{read, read_dumps, root};

fn base() -> Vec<u8> {
    std::fs::read(root().join("testdata/dumps/go1.27_http_debug2.txt")).unwrap()
}

fn counts(snapshot: &Snapshot) -> BTreeMap<Signature, u64> {
    by_signature(snapshot)
        .into_iter()
        .map(|group| (group.signature, group.count))
        .collect()
}

fn label_sets(snapshot: &Snapshot) -> BTreeMap<Labels, u64> {
    let mut sets = BTreeMap::new();
    for split in snapshot.groups.iter().flat_map(|group| &group.splits) {
        *sets.entry(Labels::clone(&split.labels)).or_default() += split.count;
    }
    sets
}

/// Every line, without its end, through `mill`.
fn lines(dump: &[u8], mut mill: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    for line in dump
        .strip_suffix(b"\n")
        .unwrap()
        .split(|byte| *byte == b'\n')
    {
        out.extend(mill(line));
        out.push(b'\n');
    }
    out
}

fn prefixed(dump: &[u8], prefix: &str) -> Vec<u8> {
    lines(dump, |line| [prefix.as_bytes(), line].concat())
}

/// A prefix with a time that moves on, as RFC 3339 with nanoseconds.
fn timed(dump: &[u8], behind: &str) -> Vec<u8> {
    let mut nanos = 7u32;
    lines(dump, |line| {
        nanos = (nanos + 104_729) % 1_000_000_000;
        let prefix = format!("2026-11-23T22:00:04.{nanos:09}Z{behind}");
        [prefix.as_bytes(), line].concat()
    })
}

fn replaced(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, from.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn json_string(text: &[u8]) -> String {
    serde_json::to_string(&String::from_utf8_lossy(text)).unwrap()
}

fn html(text: &[u8]) -> Vec<u8> {
    [
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("\"", "&quot;"),
        ("'", "&#x27;"),
    ]
    .iter()
    .fold(text.to_vec(), |text, (from, to)| replaced(&text, from, to))
}

/// Name, what the mill made, and the form that it should be seen as.
#[expect(clippy::too_many_lines, reason = "a table")]
fn mills() -> Vec<(&'static str, Vec<u8>, Form)> {
    use Form::{Debug2, Log};
    let dump = base();
    let utf16 = |bytes: fn(u16) -> [u8; 2], bom: &[u8]| -> Vec<u8> {
        let text = String::from_utf8_lossy(&dump).into_owned();
        bom.iter()
            .copied()
            .chain(text.encode_utf16().flat_map(bytes))
            .collect()
    };
    let gzip = {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zip.write_all(&dump).unwrap();
        zip.finish().unwrap()
    };
    let syslog = "Nov 23 22:01:02 host app[1234]: ";
    let klog = "E1123 22:01:02.123456       1 runtime.go:79] ";
    vec![
        ("crlf", replaced(&dump, "\n", "\r\n"), Debug2),
        ("bom", [b"\xef\xbb\xbf", dump.as_slice()].concat(), Debug2),
        ("utf-16 le", utf16(u16::to_le_bytes, b"\xff\xfe"), Debug2),
        ("utf-16 be", utf16(u16::to_be_bytes, b"\xfe\xff"), Debug2),
        (
            "utf-16 without a mark",
            utf16(u16::to_le_bytes, b""),
            Debug2,
        ),
        ("gzip", gzip, Debug2),
        (
            "zstd",
            zstd::encode_all(dump.as_slice(), 3).unwrap(),
            Debug2,
        ),
        ("docker compose", prefixed(&dump, "web-1  | "), Log),
        (
            "docker compose, coloured",
            prefixed(&dump, "\x1b[36mweb-1  |\x1b[0m "),
            Log,
        ),
        ("cri", timed(&dump, " stderr F "), Log),
        ("kubectl --timestamps", timed(&dump, " "), Log),
        ("journald", prefixed(&dump, syslog), Log),
        (
            "journald, blanks for tabs",
            prefixed(&replaced(&dump, "\t", "        "), syslog),
            Log,
        ),
        (
            "journald, no indentation",
            prefixed(&replaced(&dump, "\n\t", "\n"), syslog),
            Log,
        ),
        (
            "rsyslog",
            prefixed(&replaced(&dump, "\t", "#011"), syslog),
            Log,
        ),
        ("klog", prefixed(&dump, klog), Log),
        (
            "terraform",
            prefixed(&dump, "2026/11/23 22:01:02 [DEBUG] provider-x: "),
            Log,
        ),
        ("quoted", prefixed(&dump, "> "), Log),
        (
            "indented",
            lines(&dump, |line| {
                let indent = if line.is_empty() { "" } else { "    " };
                [indent.as_bytes(), line].concat()
            }),
            Log,
        ),
        ("html", html(&dump), Debug2),
        ("tabs as four blanks", replaced(&dump, "\t", "    "), Debug2),
        ("no indentation", replaced(&dump, "\n\t", "\n"), Debug2),
        ("trailing blanks", replaced(&dump, "\n", "  \t\n"), Debug2),
        ("no blank lines", replaced(&dump, "\n\n", "\n"), Debug2),
        (
            "blank lines everywhere",
            replaced(&dump, "\n", "\n\n"),
            Debug2,
        ),
        (
            "coloured",
            lines(&dump, |line| [b"\x1b[31m", line, b"\x1b[0m"].concat()),
            Log,
        ),
        (
            "fence",
            [b"Look:\n\n```\n", dump.as_slice(), b"```\nthanks\n"].concat(),
            Log,
        ),
        (
            "curl -i",
            [
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
                dump.as_slice(),
            ]
            .concat(),
            Debug2,
        ),
        (
            "docker json-file",
            lines(&dump, |line| {
                let log = json_string(&[line, b"\n"].concat());
                format!(
                    "{{\"log\":{log},\"stream\":\"stderr\",\"time\":\"2026-11-23T22:00:14.5Z\"}}"
                )
                .into_bytes()
            }),
            Log,
        ),
        (
            "go test -json",
            lines(&dump, |line| {
                let log = json_string(&[line, b"\n"].concat());
                format!("{{\"Time\":\"2026-11-23T22:27:48.7Z\",\"Action\":\"output\",\"Package\":\"p\",\"Output\":{log}}}").into_bytes()
            }),
            Log,
        ),
        (
            "one string",
            format!("{{\"level\":\"error\",\"msg\":{}}}\n", json_string(&dump)).into_bytes(),
            Log,
        ),
        (
            "one string in a cri log",
            format!(
                "2026-11-23T22:00:04.5Z stderr F {{\"level\":\"error\",\"msg\":{}}}\n",
                json_string(&dump)
            )
            .into_bytes(),
            Log,
        ),
        (
            "one string in docker's json",
            {
                let inner = format!("{{\"msg\":{}}}\n", json_string(&dump));
                format!(
                    "{{\"log\":{},\"stream\":\"stderr\"}}\n",
                    json_string(inner.as_bytes())
                )
                .into_bytes()
            },
            Log,
        ),
        (
            "lines of a log in between",
            {
                let mut number = 0;
                lines(&dump, |line| {
                    number += 1;
                    let noise: &[u8] = if number % 37 == 19 {
                        b"\n2026/11/23 22:01:02 GET /healthz 200"
                    } else {
                        b""
                    };
                    [line, noise].concat()
                })
            },
            Log,
        ),
    ]
}

#[test]
fn a_dump_is_read_whatever_it_wears() {
    let expected = read(&base()).unwrap();
    for (name, bytes, form) in mills() {
        let dumps = read_dumps(&bytes, 1 << 16).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(dumps.len(), 1, "{name}");
        let found = &dumps[0].1;
        assert_eq!(found.complaints, [], "{name}");
        assert_eq!(
            (found.goroutines, found.own, found.form),
            (222, 1, form),
            "{name}"
        );
        assert!(counts(found) == counts(&expected), "{name}");
        assert!(label_sets(found) == label_sets(&expected), "{name}");
    }
}

#[test]
fn dumps_of_two_containers_are_told_apart() {
    let dump = base();
    let both: Vec<Vec<u8>> = ["web-1  | ", "web-2  | "]
        .iter()
        .map(|prefix| prefixed(&dump, prefix))
        .collect();
    let mut mixed = Vec::new();
    for (one, two) in both[0]
        .split_inclusive(|b| *b == b'\n')
        .zip(both[1].split_inclusive(|b| *b == b'\n'))
    {
        mixed.extend_from_slice(one);
        mixed.extend_from_slice(two);
    }
    let dumps = read_dumps(&mixed, 4096).unwrap();
    let goroutines: Vec<u64> = dumps.iter().map(|(_, dump)| dump.goroutines).collect();
    assert_eq!(goroutines, [222, 222]);
    assert_eq!(dumps[0].1.groups.len(), dumps[1].1.groups.len());
}

#[test]
fn several_dumps_in_one_file_are_each_a_snapshot() {
    let dump = base();
    let log = [
        b"starting\n".as_slice(),
        b"panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1\nexit status 2\n",
        b"2026/11/23 22:09:50 http: panic serving 127.0.0.1:1: oops\ngoroutine 7 [running]:\nmain.serve()\n\t/x.go:2 +0x1\ncreated by main.main in goroutine 1\n\t/x.go:3 +0x1\n",
        &dump,
        b"\n",
        &dump,
    ]
    .concat();
    let dumps = read_dumps(&log, 4096).unwrap();
    let found: Vec<(u64, u64)> = dumps
        .iter()
        .map(|(line, dump)| (*line, dump.goroutines))
        .collect();
    assert_eq!(found, [(4, 1), (9, 1), (14, 222), (4916, 222)]);
}

#[test]
fn a_log_of_endless_panics_is_bounded_and_loses_none() {
    let one = "2026/11/23 http: panic serving 127.0.0.1:1: oops\ngoroutine 7 [running]:\nmain.serve()\n\t/x.go:2 +0x1\ncreated by main.main in goroutine 1\n\t/x.go:3 +0x1\n";
    let dumps = read_dumps(one.repeat(5_000).as_bytes(), 1 << 16).unwrap();
    let last = &dumps.last().unwrap().1;
    assert_eq!((dumps.len(), last.goroutines), (4_096, 905));
    assert_eq!(
        last.complaints[0].what,
        "more than 4096 dumps in one input: those from here on are counted as one"
    );
}

/// Since Go 1.23 the lines of a panic message are indented, whatever it looks like.
#[test]
fn a_goroutine_in_a_panic_message_is_none() {
    let crash = std::fs::read(root().join("testdata/dumps/go1.27_crash_fakehdr.txt")).unwrap();
    let json = format!("{{\"msg\":{}}}\n", json_string(&crash)).into_bytes();
    let spaced = replaced(&crash, "\t", "    ");
    for (name, bytes) in [
        ("plain", crash.clone()),
        ("docker compose", prefixed(&crash, "web-1  | ")),
        ("kubectl --timestamps", timed(&crash, " ")),
        ("one string", json),
        ("tabs as blanks", spaced),
    ] {
        let snapshot = read(&bytes).unwrap();
        assert_eq!(
            (snapshot.goroutines, &*snapshot.complaints),
            (1, &[][..]),
            "{name}"
        );
    }
}

#[test]
fn a_complaint_names_the_line_of_the_file() {
    let dump = b"goroutine 1 [running]:\nmain.main()\n\t/x.go:1 +0x1\n\ngoroutine 2 [select]:\nmain.torn(0x1)\n\ngoroutine 3 [select]:\nmain.ok()\n\t/x.go:9 +0x1\ncreated by main.main\n\t/x.go:3\n";
    let log = [b"one\ntwo\n".as_slice(), &prefixed(dump, "web-1  | ")].concat();
    let log = replaced(
        &log,
        "web-1  | main.torn",
        "db-1   | other\nweb-1  | main.torn",
    );
    let snapshot = read(&log).unwrap();
    let lines: Vec<u64> = snapshot.complaints.iter().map(|found| found.line).collect();
    assert_eq!((lines, snapshot.goroutines), (vec![9], 3));
}

/// Cut at every byte of its first 8 KiB, a dump gives groups that it has or an honest complaint,
/// bare and in the log of a container.
#[test]
fn a_dump_may_break_off_anywhere() {
    let dump = std::fs::read(root().join("testdata/dumps/nats-2.15_load_debug2.txt")).unwrap();
    let whole = counts(&read(&dump).unwrap());
    for (dump, header) in [
        (dump.clone(), "\ngoroutine "),
        (prefixed(&dump, "web-1  | "), "\nweb-1  | goroutine "),
    ] {
        for cut in 1..8 << 10 {
            cut_at(&dump, cut, header, &whole);
        }
    }
}

fn cut_at(dump: &[u8], cut: usize, header: &str, whole: &BTreeMap<Signature, u64>) {
    let (kept, lost) = dump.split_at(cut);
    let Ok(snapshot) = read(kept) else {
        // Not even one whole header.
        assert!(cut < 40, "{cut}");
        return;
    };
    let grouped: u64 = snapshot.groups.iter().map(|group| group.count).sum();
    let parts = grouped + snapshot.own + snapshot.complained;
    assert_eq!(parts, snapshot.goroutines, "{cut}");
    let begun = memchr::memmem::find_iter(kept, header.as_bytes()).count() as u64 + 1;
    let counted = snapshot.goroutines;
    assert!(counted == begun || counted + 1 == begun, "{cut}");
    for (signature, count) in counts(&snapshot) {
        let known = whole.get(&signature).is_some_and(|all| count <= *all);
        assert!(
            known,
            "cut at {cut}: {:?}",
            String::from_utf8_lossy(&kept[cut.saturating_sub(80)..])
        );
    }
    let at_a_block = kept.ends_with(b"\n") || lost.starts_with(b"\n");
    assert!(
        snapshot.truncated || at_a_block || snapshot.complaints.is_empty() || cut < 64,
        "{cut}"
    );
}

/// State, notes behind it, frames (function, file, line) and creator.
type Goroutine = (String, String, Vec<(String, String, u32)>, Option<String>);

/// A goroutine as Go prints it.
fn goroutine() -> impl Strategy<Value = Goroutine> {
    let name = "[a-z]{1,8}(/[a-z.%0-9]{1,8}){0,2}\\.(\\(\\*?[A-Z][a-zπ]{0,6}(\\[\\.\\.\\.\\])?\\)\\.)?[a-zA-Z]{1,9}(\\.func[1-9](\\.[1-9]){0,2}|-fm|-range1)?";
    let file = "(/|C:/)[a-zA-Z0-9 ()é:+._-]{1,20}\\.(go|s)";
    let frame = (name, file, 1u32..100_000);
    let state = prop::sample::select(vec![
        "select",
        "chan receive (nil chan)",
        "IO wait",
        "sync.Mutex.Lock",
        "sleep (durable)",
        "syscall",
    ]);
    (
        state.prop_map(str::to_owned),
        "(, [1-9][0-9]{0,3} minutes)?(, locked to thread)?",
        prop::collection::vec(frame, 1..60),
        prop::option::of(name),
    )
}

fn print(id: usize, goroutine: &Goroutine) -> String {
    let (state, notes, frames, creator) = goroutine;
    let mut out = format!("goroutine {id} [{state}{notes}]:\n");
    for (at, (name, file, line)) in frames.iter().enumerate() {
        out += &format!("{name}({{0xc00001{at:04x}, 0x0?}}, ...)\n\t{file}:{line} +0x{at:x}\n");
    }
    let root = if creator.is_some() {
        ""
    } else {
        "main.main()\n\t/main.go:1 +0x1\n"
    };
    out += root;
    if let Some(name) = creator {
        out += &format!("created by {name} in goroutine 1\n\t/x.go:3 +0x1\n");
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_go_prints_is_read_back(goroutines in prop::collection::vec(goroutine(), 1..8)) {
        let blocks: Vec<String> = goroutines.iter().enumerate().map(|(at, found)| print(at + 1, found)).collect();
        let snapshot = read(blocks.join("\n").as_bytes()).unwrap();
        prop_assert_eq!(&snapshot.complaints, &[]);
        prop_assert_eq!(snapshot.goroutines, goroutines.len() as u64);
        for (state, _, frames, creator) in &goroutines {
            let found = snapshot.groups.iter().any(|group| {
                let own = group.stack.frames.iter().zip(frames).all(|(a, b)| *a.function == *b.0 && *a.file == *b.1 && a.line == b.2);
                own && group.stack.frames.len() == frames.len() + usize::from(creator.is_none())
                    && group.splits.iter().any(|split| *split.state == **state)
                    && group.creators.iter().any(|(name, _)| name.as_deref() == creator.as_deref())
            });
            prop_assert!(found, "{state} {frames:?}");
        }
    }

    #[test]
    fn the_order_of_blocks_is_nothing(one in prop_oneof![9 => 0usize..222, 1 => Just(2)], two in prop_oneof![9 => 0usize..222, 1 => Just(221)]) {
        let dump = base();
        let text: Vec<&[u8]> = {
            let mut blocks = Vec::new();
            let mut rest = dump.as_slice();
            while let Some(at) = memchr::memmem::find(rest, b"\n\n") {
                blocks.push(&rest[..=at]);
                rest = &rest[at + 2..];
            }
            blocks.push(rest);
            // The writer of the dump stays first: it begins one.
            let last = blocks.len() - 1;
            blocks.swap(one.clamp(1, last), two.clamp(1, last));
            blocks
        };
        let swapped = read(&text.join(b"\n".as_slice())).unwrap();
        let last = text.last().copied().unwrap_or_default();
        if swapped.complained == 0 {
            prop_assert_eq!(counts(&swapped), counts(&read(&dump).unwrap()));
        } else {
            // One without a creator at the end may have lost it: that is told.
            prop_assert!(memchr::memmem::find(last, b"created by").is_none());
            prop_assert_eq!((swapped.goroutines, swapped.complained), (222, 1));
        }
    }
}

/// Every mill, in chunks that cut lines, escapes and characters anywhere.
#[test]
fn chunks_change_nothing() {
    for (name, bytes, _) in mills() {
        let whole = read_dumps(&bytes, usize::MAX).unwrap();
        for size in [1_009, 70_001] {
            let same = read_dumps(&bytes, size).unwrap() == whole;
            assert!(same, "{name} in chunks of {size}");
        }
    }
}
