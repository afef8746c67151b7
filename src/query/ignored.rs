//! Which signatures an ignore rule takes out of an answer, and why.

use serde::Serialize;

use super::QueryError;
use crate::analyse::{IgnoreRules, Subject};
use crate::model::Timestamp;
use crate::store::{Reader, SignatureRow};

/// Why a signature is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// What the rule says of it.
    pub reason: String,
    /// The last moment at which the rule holds.
    pub until: Option<Timestamp>,
}

/// The ignore rules of the daemon, as they are at a moment.
#[derive(Debug)]
pub struct Ignoring<'r> {
    reader: &'r Reader,
    rules: IgnoreRules,
    at: Timestamp,
}

impl<'r> Ignoring<'r> {
    /// Reads the rules; `at` is the end of the window of the answer.
    pub fn at(reader: &'r Reader, at: Timestamp) -> Result<Self, QueryError> {
        let rules = IgnoreRules::new(reader.ignore_rules()?.to_vec());
        Ok(Self { reader, rules, at })
    }

    /// Whether creators are to be known: they are read from details, which takes time.
    pub fn asks_for_creators(&self) -> bool {
        self.rules.ask_for_creators(self.at)
    }

    /// The rule that holds for a signature in a service, which has `count` goroutines of it.
    pub fn ignored(
        &self,
        service: &str,
        signature: &SignatureRow,
        created_by: Option<&str>,
        count: u64,
    ) -> Result<Option<Ignored>, QueryError> {
        let frames = if self.rules.ask_for_frames(self.at) {
            self.reader.frames(signature.key)?
        } else {
            Vec::new()
        };
        let subject = Subject {
            service,
            frames: &frames,
            where_function: &signature.site.function,
            created_by,
            count,
        };
        let rule = self.rules.rule_for(&subject, self.at);
        Ok(rule.map(|rule| Ignored {
            reason: rule.reason.clone(),
            until: rule.until,
        }))
    }
}
