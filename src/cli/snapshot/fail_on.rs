//! Conditions that make a snapshot a finding: `count > 1000`.

use std::time::Duration;

use crate::cli::when::time_span;
use crate::model::Form;
use crate::present::{escape, grouped, short_function};
use crate::query::snapshot::SnapshotAnswer;
use crate::query::{Bundle, GroupBy, bundles};

/// Rows told one by one.
const TOLD: usize = 5;

const HELP: &str = "give `SUBJECT OPERATOR VALUE` such as 'count > 1000' or 'oldest >= 1h30m'; subjects: count, goroutines, \
                    total, groups, oldest, leaked, complaints; operators: > >= < <= == !=";

/// What holds, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// As it was written.
    text: String,
    subject: Subject,
    operator: Operator,
    /// Seconds where it is of a wait.
    value: u64,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Met {
    No,
    /// The dump does not tell.
    Unknown,
    Yes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Goroutines of each row.
    Count,
    /// A figure of the dump.
    Dump(Figure),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Goroutines,
    Groups,
    Oldest,
    Leaked,
    Complaints,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    More,
    AtLeast,
    Less,
    AtMost,
    Equal,
    Other,
}

/// Longer ones first: `>=` begins with `>`.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("==", Operator::Equal),
    ("!=", Operator::Other),
    (">", Operator::More),
    ("<", Operator::Less),
];

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, String> {
    let ends = text
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| format!("no operator; {HELP}"))?;
    let (subject, rest) = text.split_at(ends);
    let subject = match subject.trim() {
        "count" => Subject::Count,
        "goroutines" | "total" => Subject::Dump(Figure::Goroutines),
        "groups" => Subject::Dump(Figure::Groups),
        "oldest" => Subject::Dump(Figure::Oldest),
        "leaked" => Subject::Dump(Figure::Leaked),
        "complaints" => Subject::Dump(Figure::Complaints),
        other => return Err(format!("`{other}` is no subject; {HELP}")),
    };
    let known = OPERATORS
        .iter()
        .find_map(|(word, operator)| Some((*operator, rest.strip_prefix(word)?.trim())));
    let (operator, value) =
        known.ok_or_else(|| format!("`{rest}` begins with no operator; {HELP}"))?;
    if value.is_empty() {
        return Err(format!("no value behind the operator; {HELP}"));
    }
    let value = match subject {
        Subject::Dump(Figure::Oldest) => {
            let wait = time_span(value)
                .map_err(|_| format!("`{value}` is no duration such as 10m, 1h30m or 24h"))?;
            wait.as_secs()
        }
        _ => value
            .replace([',', '_'], "")
            .parse()
            .map_err(|_| format!("`{value}` is no whole number such as 1000"))?,
    };
    Ok(Condition {
        text: text.trim().to_owned(),
        subject,
        operator,
        value,
    })
}

impl Condition {
    /// Whether it holds for a dump, and what there is to say of that.
    pub(super) fn of(&self, snapshot: &SnapshotAnswer, by: &GroupBy) -> (Met, Vec<String>) {
        let Subject::Dump(figure) = self.subject else {
            return self.of_rows(&bundles(std::slice::from_ref(snapshot), by), by);
        };
        let Some(found) = figure.of(snapshot, by) else {
            let unknown = format!("{}: not known: {}", self.text, figure.untold());
            return (Met::Unknown, vec![unknown]);
        };
        if !self.operator.holds(found, self.value) {
            return (Met::No, Vec::new());
        }
        let found = match figure {
            Figure::Oldest => humantime::format_duration(Duration::from_secs(found)).to_string(),
            _ => grouped(found),
        };
        (Met::Yes, vec![format!("{} holds: {found}", self.text)])
    }

    fn of_rows(&self, bundles: &[Bundle], by: &GroupBy) -> (Met, Vec<String>) {
        let holds = |bundle: &&Bundle| self.operator.holds(bundle.count, self.value);
        let met: Vec<&Bundle> = bundles.iter().filter(holds).collect();
        let line = |bundle: &&Bundle| {
            let (count, name) = (grouped(bundle.count), named(bundle, by));
            format!("{} holds: {count} {name}", self.text)
        };
        let mut said: Vec<String> = met.iter().take(TOLD).map(line).collect();
        match met.len() {
            0 => (Met::No, said),
            all => {
                if all > TOLD {
                    said.push(format!(
                        "{} holds for {} more",
                        self.text,
                        grouped((all - TOLD) as u64)
                    ));
                }
                (Met::Yes, said)
            }
        }
    }
}

/// A row in words.
fn named(bundle: &Bundle, by: &GroupBy) -> String {
    let function = escape(short_function(&bundle.site.function)).into_owned();
    match by {
        GroupBy::Signature => {
            let digits: String = bundle.key.chars().take(8).collect();
            format!("{digits} {function}")
        }
        _ => format!("with {by} `{}`, most in {function}", escape(&bundle.key)),
    }
}

impl Figure {
    /// What a dump has of it; `None` where it does not tell.
    fn of(self, snapshot: &SnapshotAnswer, by: &GroupBy) -> Option<u64> {
        let groups = snapshot.groups.iter();
        match self {
            Self::Goroutines => Some(snapshot.goroutines),
            Self::Groups => Some(bundles(std::slice::from_ref(snapshot), by).len() as u64),
            Self::Oldest => {
                let oldest = groups.filter_map(|group| group.oldest_wait_seconds).max();
                let tells = matches!(snapshot.form, Form::Debug2 | Form::Log);
                oldest.or_else(|| tells.then_some(0))
            }
            // Without a mark nobody has looked, or nothing was found: dumps of both are alike.
            Self::Leaked => {
                Some(groups.map(|group| group.leaked).sum()).filter(|leaked| *leaked > 0)
            }
            Self::Complaints => Some(snapshot.complaints.len() as u64),
        }
    }

    /// Why a dump may not tell it, and what does.
    const fn untold(self) -> &'static str {
        match self {
            Self::Oldest => "only debug=2 tells waits (--detail always asks for it)",
            Self::Leaked => {
                "no goroutine is marked as leaked, and only a garbage collection that looks for leaks marks them: give \
                 the answer of /debug/pprof/goroutineleak (Go 1.27; 1.26 with GOEXPERIMENT=goroutineleakprofile)"
            }
            Self::Goroutines | Self::Groups | Self::Complaints => "the dump does not have it",
        }
    }
}

impl Operator {
    const fn holds(self, found: u64, value: u64) -> bool {
        match self {
            Self::More => found > value,
            Self::AtLeast => found >= value,
            Self::Less => found < value,
            Self::AtMost => found <= value,
            Self::Equal => found == value,
            Self::Other => found != value,
        }
    }
}
