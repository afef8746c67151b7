//! What really happened: the harness' own looks at a process, as debug=1 tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::expected::Expected;
use crate::watched::text;

/// What the floors of a leak rise by at least.
const GROWN: i64 = 5;

/// When a look is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Begin,
    /// After what the judge leaves out.
    Warm,
    End,
    /// What the garbage collector says, at the end.
    Proof,
}

impl Look {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Proof => "/debug/pprof/goroutineleak?debug=1",
            _ => "/debug/pprof/goroutine?debug=1",
        }
    }

    pub(crate) fn file(self, command: &str) -> String {
        format!("{command}.{self:?}.txt").to_lowercase()
    }
}

/// What a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Listed as a leak or proved by the garbage collector, and grown.
    Leak,
    /// The command's, grown, and neither listed nor proved.
    Grows,
    /// The command's, not grown.
    Still,
    /// Of the work beside.
    Beside,
}

/// The series of one process.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    listed: BTreeSet<String>,
    /// Of the command's series how much each grew since the warm-up.
    grown: BTreeMap<String, i64>,
    proved: BTreeSet<String>,
    functions: BTreeMap<String, String>,
}

/// Whether a file is one of Go's tree.
fn is_of_command(file: &str) -> bool {
    let name = file.rsplit_once("leaks/").map(|(_, name)| name);
    name.is_some_and(|name| name != "server.go")
}

impl Truth {
    pub(crate) fn read(
        goroscope: &OsStr,
        folder: &Path,
        command: &str,
        expected: &Expected,
    ) -> Result<Self, Box<dyn Error>> {
        let groups = |look: Look| groups(goroscope, &folder.join(look.file(command)));
        let mut truth = Self::default();
        for (sign, look) in [(-1, Look::Warm), (1, Look::End)] {
            for group in groups(look)? {
                let signature = text(&group, "/signature").to_owned();
                let count = group.get("count").and_then(Value::as_i64);
                let frames = group.get("frames").and_then(Value::as_array);
                let frames = frames.map(Vec::as_slice).unwrap_or_default();
                let all = |at| frames.iter().map(move |frame| text(frame, at));
                if !all("/file").any(is_of_command) {
                    continue;
                }
                let functions: Vec<String> = all("/function").map(str::to_owned).collect();
                if expected.leaks(command, &functions) {
                    truth.listed.insert(signature.clone());
                }
                let function = text(&group, "/where/function").to_owned();
                truth.functions.insert(signature.clone(), function);
                *truth.grown.entry(signature).or_default() += sign * count.unwrap_or_default();
            }
        }
        let proved = groups(Look::Proof)?;
        let proved = proved.iter().map(|group| text(group, "/signature"));
        truth.proved = proved.map(str::to_owned).collect();
        Ok(truth)
    }

    /// What the series is; where no look saw it, by the file where it waits.
    pub(crate) fn kind(&self, signature: &str, file: &str) -> Kind {
        match self.grown.get(signature) {
            Some(grown) if *grown >= GROWN => {
                let is_leak = self.listed.contains(signature) || self.proved.contains(signature);
                if is_leak { Kind::Leak } else { Kind::Grows }
            }
            Some(_) => Kind::Still,
            None if is_of_command(file) => Kind::Still,
            None => Kind::Beside,
        }
    }

    /// Signatures and functions of all that leaks.
    pub(crate) fn leaks(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.functions.iter();
        let leaks = all.filter(|(signature, _)| self.kind(signature, "") == Kind::Leak);
        leaks.map(|(signature, function)| (signature.as_str(), function.as_str()))
    }
}

/// The groups of a kept look.
fn groups(goroscope: &OsStr, file: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    // Nothing proved is no dump for goroscope.
    if std::fs::read_to_string(file)?.starts_with("goroutineleak profile: total 0") {
        return Ok(Vec::new());
    }
    let answered = Command::new(goroscope)
        .arg("snapshot")
        .arg(file)
        .args(["--output", "json"])
        .output()?;
    if !answered.status.success() {
        return Err(String::from_utf8_lossy(&answered.stderr).into());
    }
    let answer: Value = serde_json::from_slice(&answered.stdout)?;
    let groups = answer.get("groups").and_then(Value::as_array);
    Ok(groups.cloned().unwrap_or_default())
}
