//! One source, built with Go 1.21 to 1.27: what keeps its signature and what cannot.
//!
//! `testdata/go/names` parks one goroutine in a function of its own for each way in which Go makes
//! names. `docs/NAMES.md` has all of these names, `docs/SIGNATURE.md` why some cannot be folded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use flate2::read::GzDecoder;

use goroscope::model::{Signature, Stack};

use crate::support::{read, read_file, root};

const VERSIONS: [&str; 7] = ["1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"];
const FORMS: [&str; 3] = ["debug2.txt", "debug1.txt", "debug0.pb.gz"];

/// What has more than one signature from Go 1.21 to 1.27, under the numbers of `docs/SIGNATURE.md`.
const NOT_FOLDED: [(&str, &[&str]); 6] = [
    (
        "1: closures of inlined functions",
        &[
            "GenericGo",
            "GenericInlined",
            "GenericOfGeneric",
            "GenericParamMethod",
            "GenericValueIn",
            "Inlined",
            "InlinedBehind",
            "InlinedCallback",
            "InlinedDeep",
            "InlinedFar",
            "InlinedFarGeneric",
            "InlinedFarMethod",
            "InlinedFarSecond",
            "InlinedInClosure",
            "InlinedLoop",
            "InlinedMethod",
            "InlinedNested",
            "InlinedSecond",
            "InlinedTwice",
            "OnceFunc",
            "OnceValue",
            "Promoted",
            "ViaLater",
        ],
    ),
    (
        "2: literals called in place",
        &[
            "CalledNow",
            "EscapesInPlace",
            "Mixed",
            "NeedsLater",
            "NestedInPlace",
        ],
    ),
    (
        "3: range over functions",
        &[
            "RangeClosure",
            "RangeClosureAround",
            "RangeDefer",
            "RangeDeferPanic",
            "RangeGeneric",
            "RangeGo",
            "RangeInPlace",
            "RangeInRangeClosure",
            "RangeInlinedClosure",
            "RangeNested",
            "RangeNestedClosure",
            "RangeNestedSecond",
            "RangeSeq",
        ],
    ),
    (
        "4: deferred builtins that panic, Go 1.21",
        &[
            "DeferNil",
            "DeferPanic",
            "DeferPanicInClosure",
            "DeferPanicMixed",
        ],
    ),
    ("5: dead code, Go 1.21", &["DeadBranch"]),
    ("6: variables that need later ones, Go 1.21", &["Alone"]),
];

/// Marker -> the stacks that it is the leaf of, in one dump.
fn markers(version: &str, form: &str) -> BTreeMap<String, Vec<Stack>> {
    let file = root().join(format!("testdata/dumps/names_go{version}_{form}"));
    let mut markers: BTreeMap<String, Vec<Stack>> = BTreeMap::new();
    for group in read_file(&file).groups {
        let leaf = group.stack.identifying().next();
        let marker = leaf.and_then(|leaf| leaf.function.strip_prefix("main.park"));
        if let Some(marker) = marker {
            let stacks = markers.entry(marker.to_owned()).or_default();
            stacks.push((*group.stack).clone());
        }
    }
    markers
}

#[test]
fn one_source_keeps_its_signatures_over_all_versions_and_forms() {
    let mut signatures: BTreeMap<String, BTreeSet<Signature>> = BTreeMap::new();
    for version in VERSIONS {
        for form in FORMS {
            for (marker, stacks) in markers(version, form) {
                let found = stacks.iter().map(|stack| stack.signature);
                signatures.entry(marker).or_default().extend(found);
            }
        }
    }
    assert_eq!(signatures.len(), 111);
    let several: BTreeSet<&str> = signatures
        .iter()
        .filter(|(_, found)| found.len() > 1)
        .map(|(marker, _)| &**marker)
        .collect();
    let expected: BTreeSet<&str> = NOT_FOLDED
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    assert_eq!(several, expected);
}

#[test]
fn the_forms_of_one_process_agree_in_every_version() {
    for version in VERSIONS {
        let of = |form| -> BTreeMap<String, BTreeSet<Signature>> {
            let stacks = markers(version, form).into_iter();
            stacks
                .map(|(marker, stacks)| (marker, stacks.iter().map(|s| s.signature).collect()))
                .collect()
        };
        let text = of(FORMS[0]);
        assert!(text.len() >= 92, "{version}: {}", text.len());
        assert_eq!(of(FORMS[1]), text, "{version}");
        assert_eq!(of(FORMS[2]), text, "{version}");
    }
}

/// The signature of a stack of these functions, leaf first, as a profile names them.
fn signature_of<'a>(functions: impl IntoIterator<Item = &'a str>) -> Signature {
    let mut dump = String::from("goroutine profile: total 1\n1 @ 0x1\n");
    for function in functions {
        writeln!(dump, "#\t0x1\t{function}+0x1\t/x.go:1").unwrap();
    }
    dump.push('\n');
    let snapshot = read(dump.as_bytes()).unwrap();
    assert_eq!(snapshot.groups.len(), 1, "{dump}");
    snapshot.groups[0].signature
}

/// Names without what stands in brackets: what instantiations of one generic function share.
fn names(stack: &Stack) -> Vec<String> {
    let plain = |name: &str| {
        let mut depth = 0usize;
        name.chars()
            .filter(|c| {
                depth += usize::from(*c == '[');
                let outside = depth == 0;
                depth -= usize::from(*c == ']');
                outside
            })
            .collect()
    };
    stack
        .identifying()
        .skip(1)
        .map(|frame| plain(&frame.function))
        .collect()
}

#[test]
fn no_two_markers_of_one_build_are_folded_into_one() {
    for version in VERSIONS {
        for form in FORMS {
            let mut known: BTreeMap<Signature, Vec<String>> = BTreeMap::new();
            for stack in markers(version, form).into_values().flatten() {
                let names = names(&stack);
                if names.is_empty() {
                    continue;
                }
                let functions = stack.identifying().skip(1).map(|frame| &*frame.function);
                let first = known
                    .entry(signature_of(functions))
                    .or_insert_with(|| names.clone());
                assert_eq!(*first, names, "{version} {form}");
            }
        }
    }
}

/// All closures and wrappers of `cmd/go` and `cmd/compile`, each with the line where it begins: the
/// names that are folded into one must be of one place.
#[test]
fn the_closures_of_a_large_build_keep_apart() {
    for (build, functions, folded) in [
        ("go_go1.21", 1542, 5),
        ("compile_go1.26", 3368, 6),
        ("go_go1.27", 2022, 26),
    ] {
        let file = File::open(root().join(format!("testdata/symbols/{build}.tsv.gz"))).unwrap();
        let mut symbols = String::new();
        GzDecoder::new(file).read_to_string(&mut symbols).unwrap();
        let mut places: BTreeMap<Signature, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for symbol in symbols.lines() {
            let (name, place) = symbol.split_once('\t').unwrap();
            let names = places.entry(signature_of([name])).or_default();
            names.entry(place).or_default().insert(name);
        }
        let apart = |names: &&BTreeMap<_, _>| names.len() > 1;
        assert_eq!(places.values().find(apart), None, "{build}");
        let several = |names: &&BTreeMap<_, BTreeSet<_>>| names.values().any(|n| n.len() > 1);
        assert_eq!(symbols.lines().count(), functions, "{build}");
        assert_eq!(places.values().filter(several).count(), folded, "{build}");
    }
}

#[test]
fn rules_fold_what_is_one_and_nothing_else() {
    let one = |function: &str| signature_of([function]);
    for (a, b) in [
        // debug=0 has the type arguments, debug=2 has not; generic methods are new in Go 1.27.
        ("main.F[int].G[go.shape.int].func1", "main.F[...].func1"),
        ("main.F[map[string][]int].func1", "main.F[...].func1"),
        (
            "main.(*Box[int]).Map[[]string].func1",
            "main.(*Box[...]).Map[...].func1",
        ),
        ("main.F.func1.func2", "main.F.func1.2"),
        ("main.F.1", "main.F.func1"),
        ("a.b/c%2ed.T.M-fm.T.M.func1", "a.b/c%2ed.T.M.func1"),
        ("main.(*T).M.T.M.func1.2", "main.T.M.func1.2"),
        ("main.glob..func3.1", "main.init.func3.1"),
    ] {
        assert_eq!(one(a), one(b), "{a} and {b}");
    }
    for (a, b) in [
        ("main.Box[...].Map[...]", "main.Box[...]"),
        ("main.init.2.func1", "main.init.func2.func1"),
        ("main.map.init.0", "main.map.init.func0"),
        ("main.(*T).M.U.M.func1", "main.U.M.func1"),
        ("main.T.M-fm.T.N.func1", "main.T.N.func1"),
        ("main.F-range1.1", "main.F.func1"),
        ("main.F.gowrap1", "main.F.func1"),
        ("main.F.gowrap1.G.1", "main.G.1"),
        ("main.F]", "main.F"),
        ("main.F[", "main.F"),
        ("main.", "main"),
    ] {
        assert_ne!(one(a), one(b), "{a} and {b}");
    }
    // The function that was inlined into the wrapper is on the stack: then it is its closure.
    let copy = ["main.F.gowrap1.G.1", "main.run", "main.G", "main.F"];
    let plain = ["main.G.func1", "main.run", "main.G", "main.F"];
    assert_eq!(signature_of(copy), signature_of(plain));
}
