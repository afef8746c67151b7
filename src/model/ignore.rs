//! Ignore rules: which growth is known and fine, by whom it was said and until when.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A rule that takes signatures out of answers: a table `[[ignore]]` of a config, kept in the database so
/// that queries ignore what the daemon does. It holds where all that it says is so.
///
/// A rule with a key that this goroscope does not know is refused: without it the rule would hold more
/// widely than it was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoreRule {
    /// A pattern of the function of `where`, the line to look at.
    pub top_function: Option<String>,
    /// A pattern of any function of the stack, its creator too.
    pub any_function: Option<String>,
    /// A pattern of the function that started the goroutines; nothing where that is not known.
    pub created_by: Option<String>,
    /// Only in this service.
    pub service: Option<String>,
    /// Only while there are at most so many goroutines, summed over the service; at least 1.
    pub max_count: Option<u64>,
    /// Why it is fine; not empty.
    pub reason: String,
    /// The last moment at which it holds.
    pub until: Option<Timestamp>,
}

impl IgnoreRule {
    /// Whether it holds no more at `at`.
    pub fn has_ended(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at > until)
    }

    /// The functions that it looks for, each with its key.
    pub fn functions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let functions = [
            ("top_function", &self.top_function),
            ("any_function", &self.any_function),
            ("created_by", &self.created_by),
        ];
        functions
            .into_iter()
            .filter_map(|(key, pattern)| Some((key, pattern.as_deref()?)))
    }
}
