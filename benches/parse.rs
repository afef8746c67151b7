//! How fast dumps are read, beside the limit: a bare newline scan of the same bytes in the same run.
//!
//! `cargo bench --bench parse`. The generated dumps are 64 MiB of text over 200 stacks of 11 frames.

use std::hint::black_box;
use std::io::Read as _;
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::BytesCount;
use flate2::read::GzDecoder;
use goroscope::dump::{Event, Facts, Reader};
use goroscope::group::{KeepLabels, StackBook, Tally};
use goroscope::model::{Form, ProcessFacts};

/// Bytes that arrive at a time, as from a socket or a file.
const CHUNK: usize = 256 << 10;

/// The dumps that are read.
const DUMPS: [&str; 5] = ["model", "labelled", "big", "zoo-1.27", "nats"];

/// Labels as Go 1.27 prints them behind the bracket.
const LABELS: &str = " {route: /api/v1/orders, tenant: \"acme corp\"}";

fn main() {
    divan::main();
}

fn dump(name: &str) -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    static LABELLED: OnceLock<Vec<u8>> = OnceLock::new();
    static BIG: OnceLock<Vec<u8>> = OnceLock::new();
    match name {
        "model" => MODEL.get_or_init(|| generate("")),
        "labelled" => LABELLED.get_or_init(|| generate(LABELS)),
        "big" => BIG.get_or_init(|| {
            let packed = include_bytes!("../testdata/dumps/big_n10000_debug2.txt.gz");
            let mut dump = Vec::new();
            let read = GzDecoder::new(&packed[..]).read_to_end(&mut dump);
            assert!(read.is_ok(), "{read:?}");
            dump
        }),
        "zoo-1.27" => include_bytes!("../testdata/dumps/go1.27_http_debug2.txt"),
        _ => include_bytes!("../testdata/dumps/nats-2.15_load_debug2.txt"),
    }
}

/// 64 MiB of goroutines over 200 stacks, in a fixed disorder.
fn generate(labels: &str) -> Vec<u8> {
    let stacks: Vec<String> = (0..200).map(stack).collect();
    let mut out = Vec::with_capacity(65 << 20);
    let mut id = 0usize;
    while out.len() < (64 << 20) - 4096 {
        id += 1;
        let minutes = id % 90 + 1;
        let header = format!("goroutine {id} [chan receive, {minutes} minutes]{labels}:\n");
        out.extend_from_slice(header.as_bytes());
        let stack = stacks.get(id * 7919 % stacks.len());
        out.extend_from_slice(stack.map_or("", String::as_str).as_bytes());
        out.push(b'\n');
    }
    out
}

fn stack(number: usize) -> String {
    let package = "github.com/acme/orders-service/internal/worker";
    let frames = (0..11).map(|depth| {
        let line = depth * 10 + 3;
        format!(
            "{package}.(*Job{number}).step{depth}(0xc000{number:06x}, {{0xc0001a2b3c, 0x1f}})\n\
             \t/home/build/src/{package}/job{number}.go:{line} +0x{depth:x}1f\n"
        )
    });
    let creator = format!(
        "created by {package}.(*Pool).start in goroutine 1\n\
         \t/home/build/src/{package}/pool.go:44 +0x1b2\n"
    );
    frames.chain([creator]).collect()
}

/// The limit: every newline found, nothing done with it.
#[divan::bench(args = DUMPS)]
fn newline_scan(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = dump(name);
    let scan = || memchr::memchr_iter(b'\n', black_box(bytes)).fold(0, |sum, at| sum ^ at);
    bencher.counter(BytesCount::of_slice(bytes)).bench(scan);
}

/// The bytes copied, for scale.
#[divan::bench(args = DUMPS)]
fn memcpy(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = dump(name);
    let mut copy = vec![0; bytes.len()];
    let bencher = bencher.counter(BytesCount::of_slice(bytes));
    bencher.bench_local(|| black_box(&mut copy).copy_from_slice(black_box(bytes)));
}

#[divan::bench(args = DUMPS)]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = dump(name);
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| {
        let mut goroutines = 0;
        read(bytes, |event| {
            if let Event::Goroutines(found) = event {
                goroutines += found.count;
            }
        });
        goroutines
    });
}

#[divan::bench(args = DUMPS)]
fn parse_and_group(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = dump(name);
    let book = StackBook::default();
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| {
        let mut tally = Tally::new(&book, KeepLabels::Keys(&[]), None);
        read(bytes, |event| tally.add(event));
        tally
    });
}

/// The same with stacks that were never met before, as `snapshot` reads them.
#[divan::bench(args = ["big", "zoo-1.27", "nats"])]
fn parse_and_group_unmet(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = dump(name);
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| {
        let book = StackBook::default();
        let mut tally = Tally::new(&book, KeepLabels::Keys(&[]), None);
        read(bytes, |event| tally.add(event));
        tally.finish(Facts {
            form: Form::Debug2,
            leaks: false,
            truncated: false,
            process: ProcessFacts::default(),
        })
    });
}

/// The pulse: gzip, protobuf, grouping.
#[divan::bench(args = ["zoo-1.27", "nats"])]
fn profile_and_group(bencher: Bencher<'_, '_>, name: &str) {
    let bytes: &[u8] = match name {
        "zoo-1.27" => include_bytes!("../testdata/dumps/go1.27_http_debug0.pb.gz"),
        _ => include_bytes!("../testdata/dumps/nats-2.15_load_debug0.pb.gz"),
    };
    let book = StackBook::default();
    bencher.bench(|| {
        let mut tally = Tally::new(&book, KeepLabels::Keys(&[]), None);
        read(bytes, |event| tally.add(event));
        tally
    });
}

fn read(bytes: &[u8], mut on: impl FnMut(Event<'_>)) {
    let mut reader = Reader::new(u64::MAX);
    for chunk in bytes.chunks(CHUNK) {
        let pushed = reader.push(black_box(chunk), &mut on);
        assert!(pushed.is_ok(), "{pushed:?}");
    }
    let facts = reader.finish(&mut on);
    assert!(facts.is_ok(), "{facts:?}");
}
