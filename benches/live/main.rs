//! Real leaks: the leaking commands of Go's own tree, each in a process beside work that does not leak, and
//! what the judge says of every series.
//!
//! `cargo bench --bench live [-- KEY=VALUE…]`, with `minutes` (18, of each batch), `commands` (all, or
//! `NilRecv,Select`), `batch` (43 processes at a time), `rate` (90: goroutines that a process leaks a minute at
//! most, and a quarter of it at least; those that leak many at once are called once a minute), `seed` (0),
//! `proof` (a value for `leak_profile`), `folder` (to keep), `judge` (a folder of an earlier run: nothing is
//! started), `goroscope` (another binary that polls and judges). Needs Linux; `testdata/leaks.sh` fetches Go.
//!
//! The floor test leaves ten minutes out as warm-up and asks for 60 pulses in 12 blocks after it, so a
//! batch of less than twelve minutes is told as SUSPECT at most.

#![expect(clippy::print_stdout, reason = "a report")]

#[path = "../watched/mod.rs"]
mod watched;

mod batch;
mod expected;
mod score;
mod truth;

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use batch::Batch;
use expected::Expected;

/// What all batches have in common.
struct Run {
    goroscope: OsString,
    folder: PathBuf,
    /// The program with the commands.
    program: PathBuf,
    length: Duration,
    /// Goroutines a minute.
    rate: u64,
    /// What the config says of `leak_profile`.
    proof: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let given = watched::given();
    let number = |key, default| watched::number(&given, key, default);
    let goroscope = watched::goroscope(&given);
    if let Some(folder) = given.get("judge") {
        return score::tell(&goroscope, Path::new(folder));
    }
    let temporary = tempfile::tempdir()?;
    let folder = match given.get("folder") {
        Some(kept) => std::path::absolute(kept)?,
        None => temporary.path().to_owned(),
    };
    std::fs::create_dir_all(&folder)?;
    let run = Run {
        program: build(&folder)?,
        goroscope,
        folder,
        length: Duration::from_mins(number("minutes", 18)),
        rate: number("rate", 90),
        proof: given.get("proof").cloned(),
    };
    let all = Expected::read(&run.folder)?;
    let wanted = given.get("commands").filter(|wanted| *wanted != "all");
    let is_wanted = |name: &&str| wanted.is_none_or(|list| list.split(',').any(|one| one == *name));
    let names: Vec<&str> = all.commands().filter(is_wanted).collect();
    let seed = number("seed", 0);
    let size = usize::try_from(number("batch", 43))?.max(1);
    let batches = names.len().div_ceil(size);
    for nth in 0..batches {
        // Those that leak much at once are next to each other in the list.
        let names: Vec<&str> = names.iter().skip(nth).step_by(batches).copied().collect();
        println!("batch {} of {batches}: {} commands", nth + 1, names.len());
        let batch = Batch::start(&run, nth, &names, seed + nth as u64)?;
        batch.watch(&run)?;
    }
    score::tell(&run.goroscope, &run.folder)
}

/// Builds the commands, and lays the list of functions that leak into the folder.
fn build(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let program = folder.join("leaks");
    let built = Command::new("bash")
        .arg("testdata/leaks.sh")
        .arg(&program)
        .arg("--expected")
        .output()?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into());
    }
    let listed = String::from_utf8(built.stdout)?;
    std::fs::copy(listed.trim(), folder.join(expected::FILE))?;
    Ok(program)
}
