//! How far verdicts can be trusted: the judge and known detectors on series of which it is known whether
//! they leak.
//!
//! `cargo bench --bench verdicts [-- KEY=VALUE…]`, with `set` (tuning, heldout), `fleets` (100: of each
//! class, window and rate), `seed` (0), `detail` (ours, all, none), `class` (all, or a name), `show` (0: how
//! many fleets of each lot are printed with their verdict). Fleets of the two sets come from different
//! seeds, and a class is in one of them. Half of the classes leak.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a model and a report; their figures are small and not negative"
)]

mod benign;
mod chance;
mod classes;
mod course;
mod fleet;
mod leaking;
mod lot;
mod ours;
mod part;
mod peers;
mod score;
mod table;

use std::collections::HashMap;

use classes::{CLASSES, Class, Set};
use lot::{judge_all, lots};

/// Hours.
const WINDOWS: [i64; 4] = [2, 8, 24, 72];
/// What each leaking process loses an hour.
const RATES: [u32; 5] = [1, 5, 20, 100, 500];

fn main() {
    let pair = |argument: String| {
        let (key, value) = argument.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    let given: HashMap<String, String> = std::env::args().filter_map(pair).collect();
    let number = |key, default| {
        let value = given.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or(default)
    };
    let is = |key, value: &str| given.get(key).is_some_and(|given| given == value);
    let set = if is("set", "heldout") {
        Set::HeldOut
    } else {
        Set::Tuning
    };
    let fits = |class: &Class| given.get("class").is_none_or(|name| name == class.name);
    let wanted = |class: &Class| class.set == set && fits(class);
    let classes: Vec<Class> = CLASSES.into_iter().filter(wanted).collect();
    let (fleets, seed) = (number("fleets", 100), number("seed", 0));

    let judged = judge_all(&lots(&classes), fleets, seed, number("show", 0));
    println!(
        "Set {set:?}: {} classes, {fleets} fleets a class, window and rate; seed {seed}.\n",
        classes.len()
    );
    println!("{}", table::summary(&classes, &judged.detectors));
    let shown = match () {
        () if is("detail", "none") => 0,
        () if is("detail", "all") => judged.detectors.len(),
        () => 2,
    };
    for (name, scores) in judged.detectors.iter().take(shown) {
        println!("### {name}\n\n{}", table::detail(&classes, scores));
    }
    if shown > 0 {
        println!(
            "### Verdicts at the end of the window\n\n{}",
            table::words(&judged.words)
        );
    }
}
