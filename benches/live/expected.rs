//! Which functions leak: the list in Go's own test of the leak profile.

use std::error::Error;
use std::path::Path;

/// The name of the list in a run's folder.
pub(crate) const FILE: &str = "goroutineleakprofile_test.go";

/// A function that leaks.
struct Leak {
    name: String,
    /// Whether the name can go on.
    is_prefix: bool,
}

pub(crate) struct Expected(Vec<(String, Vec<Leak>)>);

impl Expected {
    /// Reads entries: `makeTest` or `makeFlakyTest` with a name in quotes and patterns in backticks.
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let listed = std::fs::read_to_string(folder.join(FILE))?;
        let mut commands: Vec<(String, Vec<Leak>)> = Vec::new();
        let lines = listed.lines().map(str::trim);
        for line in lines.filter(|line| !line.starts_with("//")) {
            let named = ["makeTest(\"", "makeFlakyTest(\""];
            let entry = named.iter().find_map(|start| line.strip_prefix(start));
            if let Some((name, _)) = entry.and_then(|entry| entry.split_once('"')) {
                commands.push((name.to_owned(), Vec::new()));
            }
            if let (Some((_, leaks)), Some(pattern)) = (commands.last_mut(), pattern(line)) {
                leaks.push(Leak::new(pattern));
            }
        }
        Ok(Self(commands))
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether one of these frames is a function that leaks in this command.
    pub(crate) fn leaks(&self, command: &str, frames: &[String]) -> bool {
        let (of, leaks) = (|name: &String| name == command, self.0.iter());
        let mut leaks = leaks
            .filter(|(name, _)| of(name))
            .flat_map(|(_, leaks)| leaks);
        leaks.any(|leak| frames.iter().any(|frame| leak.is(frame)))
    }
}

/// What a line has in backticks.
fn pattern(line: &str) -> Option<&str> {
    let (_, pattern) = line.split_once('`')?;
    Some(pattern.split_once('`')?.0)
}

impl Leak {
    /// Of a regular expression for `FUNCTION(ARGUMENTS) [STATE]`.
    fn new(pattern: &str) -> Self {
        let function = pattern.split(".*").next().unwrap_or_default();
        Self {
            is_prefix: !function.ends_with(r"\("),
            name: function.trim_end_matches(r"\(").replace('\\', ""),
        }
    }

    fn is(&self, function: &str) -> bool {
        let fits = |rest: &str| rest.is_empty() || self.is_prefix;
        let mut found = function.match_indices(&self.name);
        found.any(|(at, name)| function.get(at + name.len()..).is_some_and(fits))
    }
}
