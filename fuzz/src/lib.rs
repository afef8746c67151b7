//! What must hold for any input, and how each target makes its input. `tests/it/fuzzed.rs` replays
//! the corpora through the same functions.

use goroscope::dump::Reader;
use goroscope::group::{KeepLabels, StackBook, Tallies};
use goroscope::model::Snapshot;

/// Bytes that a reader of an input may take.
const LIMIT: u64 = 16 << 20;

fn read(bytes: &[u8], chunk: usize) -> Option<Vec<(u64, Snapshot)>> {
    let book = StackBook::default();
    let mut tallies = Tallies::new(&book, KeepLabels::All);
    let mut reader = Reader::new(LIMIT);
    for piece in bytes.chunks(chunk) {
        reader.push(piece, &mut |event| tallies.add(event)).ok()?;
    }
    let facts = reader.finish(&mut |event| tallies.add(event)).ok()?;
    Some(tallies.finish(facts))
}

/// Reads the input whole and in chunks: nothing panics, both give the same, and all counts add up.
///
/// # Panics
/// When that does not hold.
pub fn check(bytes: &[u8]) {
    let whole = read(bytes, usize::MAX);
    let chunk = usize::from(bytes.last().copied().unwrap_or(0)) % 61 + 1;
    assert!(
        whole == read(bytes, chunk),
        "chunks of {chunk} change what is read"
    );
    for (_, snapshot) in whole.unwrap_or_default() {
        let grouped = snapshot
            .groups
            .iter()
            .fold(0u64, |sum, group| sum.saturating_add(group.count));
        let parts = grouped
            .saturating_add(snapshot.own)
            .saturating_add(snapshot.complained);
        assert_eq!(parts, snapshot.goroutines, "goroutines are lost");
    }
}

/// Text that begins as a dump does.
pub fn text(bytes: &[u8]) {
    check(&[b"goroutine 1 [running]:\n", bytes].concat());
}

/// A dump inside a log whose prefix is the first line of the input.
pub fn logs(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let prefix = lines.next().unwrap_or_default();
    let log: Vec<Vec<u8>> = lines.map(|line| [prefix, line].concat()).collect();
    check(&log.join(b"\n".as_slice()));
}

/// A `debug=1` profile.
pub fn debug1(bytes: &[u8]) {
    check(&[b"goroutine profile: total 9\n", bytes].concat());
}

/// A profile, not compressed.
pub fn protobuf(bytes: &[u8]) {
    check(&[b"\x0a\x04\x08\x01\x10\x02", bytes].concat());
}
