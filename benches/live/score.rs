//! Precision and recall: what was told against what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::expected::Expected;
use crate::truth::{Kind, Look, Truth};
use crate::watched::{at_least, judge, rows, text};

const TOLD: [&str; 4] = ["SUSPECT", "GROWING", "LIKELY", "CONFIRMED"];

/// One series: what it is, and what was said of it.
struct Series {
    kind: Kind,
    command: String,
    function: String,
    verdict: String,
    evidence: Value,
}

/// Judges the databases of a run, and prints how right that is.
pub(crate) fn tell(goroscope: &OsStr, folder: &Path) -> Result<(), Box<dyn Error>> {
    let expected = Expected::read(folder)?;
    let mut truths = BTreeMap::new();
    for command in expected.commands() {
        let looked = |look: Look| folder.join(look.file(command)).is_file();
        if [Look::Warm, Look::End, Look::Proof].into_iter().all(looked) {
            let truth = Truth::read(goroscope, folder, command, &expected)?;
            truths.insert(command.to_owned(), truth);
        }
    }
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for database in databases(folder)? {
        let answer = judge(goroscope, &database, "now")?;
        for row in rows(&answer) {
            let command = text(row, "/service").to_owned();
            let Some(truth) = truths.get(&command) else {
                continue;
            };
            let signature = text(row, "/signature").to_owned();
            all.push(Series {
                kind: truth.kind(&signature, text(row, "/where/file")),
                function: text(row, "/where/function").to_owned(),
                verdict: text(row, "/verdict").to_owned(),
                evidence: row.get("evidence").cloned().unwrap_or_default(),
                command: command.clone(),
            });
            seen.insert((command, signature));
        }
    }
    for (command, truth) in &truths {
        let told = |signature: &str| seen.contains(&(command.clone(), signature.to_owned()));
        for (_, function) in truth.leaks().filter(|(signature, _)| !told(signature)) {
            all.push(Series {
                kind: Kind::Leak,
                command: command.clone(),
                function: function.to_owned(),
                verdict: "not in the answer".to_owned(),
                evidence: Value::Null,
            });
        }
    }
    table(&all);
    print!("{}", by_command(truths.keys(), &all));
    lines(&all);
    Ok(())
}

fn databases(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "db"))
        .collect())
}

fn table(all: &[Series]) {
    let count = |kind, fits: &dyn Fn(&Series) -> bool| {
        let series = all.iter().filter(|series| series.kind == kind);
        series.filter(|series| fits(series)).count()
    };
    let of = |kind| count(kind, &|_| true);
    println!(
        "\n{} series: {} leaks, {} that grow and are not proved, {} of commands that do not grow, {} beside.\n",
        all.len(),
        of(Kind::Leak),
        of(Kind::Grows),
        of(Kind::Still),
        of(Kind::Beside)
    );
    println!("| told | leaks | grow | do not grow | beside | precision | recall |");
    println!("|---|---|---|---|---|---|---|");
    for least in TOLD {
        let told = |kind| count(kind, &|series| at_least(&series.verdict, least));
        let (leaks, grow) = (told(Kind::Leak), told(Kind::Grows));
        let (still, beside) = (told(Kind::Still), told(Kind::Beside));
        println!(
            "| {least} or above | {leaks} | {grow} | {still} | {beside} | {} | {} |",
            percent(leaks + grow, leaks + grow + still + beside),
            percent(leaks, of(Kind::Leak))
        );
    }
}

fn percent(part: usize, of: usize) -> String {
    match (1000 * part).checked_div(of) {
        Some(tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
        None => "-".to_owned(),
    }
}

/// How many commands have leaks, and of how many all are found.
fn by_command<'a>(commands: impl Iterator<Item = &'a String>, all: &[Series]) -> String {
    let mut missed: BTreeMap<&str, usize> = BTreeMap::new();
    for series in all.iter().filter(|series| series.kind == Kind::Leak) {
        let is_missed = !at_least(&series.verdict, "GROWING");
        *missed.entry(&series.command).or_default() += usize::from(is_missed);
    }
    let whole = missed.values().filter(|missed| **missed == 0).count();
    let silent = commands.filter(|command| !missed.contains_key(command.as_str()));
    let silent: Vec<&str> = silent.map(String::as_str).collect();
    format!(
        "\n{} commands leaked; of {whole} every leak is told as GROWING or above. Others: {}.\n",
        missed.len(),
        silent.join(", ")
    )
}

/// What was missed, and what was wrong, one by one.
fn lines(all: &[Series]) {
    for series in all {
        let is_growing = at_least(&series.verdict, "GROWING");
        let is_suspect = at_least(&series.verdict, "SUSPECT");
        let what = match series.kind {
            Kind::Leak if !is_growing => "missed",
            Kind::Grows => "grows",
            Kind::Beside | Kind::Still if is_growing => "wrong",
            Kind::Beside | Kind::Still if is_suspect => "suspected",
            _ => continue,
        };
        let (verdict, evidence) = (&series.verdict, &series.evidence);
        println!(
            "{what}: {verdict} {} {} {evidence}",
            series.command, series.function
        );
    }
}
