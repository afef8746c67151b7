//! The corpora of the fuzz targets, and all inputs that once broke something, as ordinary cases.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is the library of the fuzz targets")]
mod check;

use crate::support::root;

fn replay(target: &str, one: fn(&[u8])) {
    let folder = root().join("fuzz/corpus").join(target);
    let mut inputs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let found = std::panic::catch_unwind(|| one(&std::fs::read(&path).unwrap()));
        assert!(found.is_ok(), "{}", path.display());
        inputs += 1;
    }
    assert!(inputs > 20, "{target} has {inputs} inputs");
}

#[test]
fn text() {
    replay("text", check::text);
}

#[test]
fn logs() {
    replay("logs", check::logs);
}

#[test]
fn debug1() {
    replay("debug1", check::debug1);
}

#[test]
fn protobuf() {
    replay("protobuf", check::protobuf);
}
