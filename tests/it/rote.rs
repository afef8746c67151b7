//! Stacks that come again are known by rote; that must never change what is read.

use std::collections::BTreeMap;

use goroscope::model::Snapshot;

use crate::support::{read, root};

/// What stands for a group: its stack, and all that is told of it.
type Groups = BTreeMap<u128, (u64, BTreeMap<String, u64>, BTreeMap<String, u64>, [u64; 5])>;

fn add(groups: &mut Groups, snapshot: Snapshot) {
    for group in snapshot.groups {
        let sum = groups.entry(group.stack.hash).or_default();
        sum.0 += group.count;
        for split in group.splits {
            let state = format!("{} {:?}", split.state, split.labels);
            *sum.1.entry(state).or_default() += split.count;
        }
        for (creator, count) in group.creators {
            *sum.2.entry(format!("{creator:?}")).or_default() += count;
        }
        for (sum, count) in sum.3.iter_mut().zip(group.waits.unwrap_or_default()) {
            *sum += count;
        }
    }
}

/// A goroutine that ends every piece, so that no piece breaks off in a broken block.
const LAST: &str = "goroutine 1 [select]:\nmain.main()\n\t/src/main.go:9 +0x1\n\n";

/// The blocks of every text dump in the test data, none of which wrote its dump.
fn blocks() -> Vec<String> {
    let mut blocks = Vec::new();
    for file in std::fs::read_dir(root().join("testdata/dumps")).unwrap() {
        let path = file.unwrap().path();
        if !path.to_string_lossy().ends_with("_debug2.txt") {
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&text);
        for block in text.split("\n\n") {
            let body = block.split_once('\n').map_or("", |(_, body)| body);
            if block.starts_with("goroutine ") && !block.contains("[running") && !body.is_empty() {
                blocks.push(format!("{}\n\n", block.trim_end()));
            }
        }
    }
    blocks.sort();
    blocks
}

/// The block as goroutine `id`.
fn renumbered(block: &str, id: usize) -> String {
    let behind = block.strip_prefix("goroutine ").unwrap();
    let (_, behind) = behind.split_once(' ').unwrap();
    format!("goroutine {id} {behind}")
}

/// Groups, goroutines that could not be read, and why not.
fn told(dump: &str) -> (Groups, u64, Vec<String>) {
    let snapshot = read(dump.as_bytes()).unwrap();
    let complaints = snapshot.complaints.iter();
    let complaints = complaints.map(|complaint| complaint.what.clone()).collect();
    let complained = snapshot.complained;
    let mut groups = Groups::new();
    add(&mut groups, snapshot);
    (groups, complained, complaints)
}

/// Takes the goroutines of `known` off.
fn less(groups: &mut Groups, known: &Groups) {
    for (hash, (count, states, creators, waits)) in known {
        let group = groups.get_mut(hash).unwrap();
        group.0 -= count;
        for (state, count) in states {
            *group.1.get_mut(state).unwrap() -= count;
        }
        for (creator, count) in creators {
            *group.2.get_mut(creator).unwrap() -= count;
        }
        for (sum, count) in group.3.iter_mut().zip(waits) {
            *sum -= count;
        }
        group.1.retain(|_, count| *count > 0);
        group.2.retain(|_, count| *count > 0);
    }
    groups.retain(|_, group| group.0 > 0);
}

#[test]
fn what_is_known_by_rote_is_what_would_be_read() {
    let blocks = blocks();
    assert!(blocks.len() > 3_000, "{}", blocks.len());
    let (mut whole, mut piece) = (String::new(), String::new());
    let mut expected = Groups::new();
    for number in 0..blocks.len() * 4 {
        let block = renumbered(&blocks[number * 7 % blocks.len()], number + 100);
        whole.push_str(&block);
        piece.push_str(&block);
        // Pieces are smaller than what must have passed before anything is remembered.
        if piece.len() > 100 << 10 {
            whole.push_str(LAST);
            piece.push_str(LAST);
            add(&mut expected, read(piece.as_bytes()).unwrap());
            piece.clear();
        }
    }
    whole.truncate(whole.len() - piece.len());
    let (found, complained, _) = told(&whole);
    assert_eq!(complained, 0);
    for (hash, group) in &expected {
        assert_eq!(found.get(hash), Some(group));
    }
    assert_eq!(found.len(), expected.len());
}

/// A stack with one byte changed, behind a dump that has it unchanged many times.
#[test]
fn a_stack_that_is_only_like_a_known_one_is_read() {
    let blocks: Vec<String> = blocks().into_iter().step_by(37).collect();
    let first = renumbered(LAST, 99);
    let mut known = first.clone();
    for number in (0..).take_while(|number| number % blocks.len() > 0 || number / blocks.len() < 7)
    {
        known.push_str(&renumbered(&blocks[number % blocks.len()], number + 100));
    }
    let (groups, complained, _) = told(&known);
    let (first_groups, ..) = told(&first);
    assert!(known.len() > 400 << 10, "{}", known.len());
    let mut broken = 0;
    for number in 0..600 {
        let block = &blocks[number % blocks.len()];
        let mut changed = block.clone().into_bytes();
        let at = number.wrapping_mul(0x9e37_79b9) >> 7;
        let at = 10 + at % (changed.len() - 12);
        changed[at] = b"()\t. :x0\n"[number % 9];
        let changed = renumbered(&String::from_utf8_lossy(&changed), 1_000_000) + LAST;
        let (mut found, found_complained, found_what) = told(&format!("{known}{changed}"));
        let (mut expected, expected_complained, what) = told(&format!("{first}{changed}"));
        assert_eq!(
            found_complained - complained,
            expected_complained,
            "{changed}"
        );
        assert_eq!(found_what, what, "{changed}");
        less(&mut found, &groups);
        less(&mut expected, &first_groups);
        assert_eq!(found, expected, "{changed}");
        broken += expected_complained;
    }
    assert!(broken > 30, "{broken}");
}
