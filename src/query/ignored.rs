//! Which signatures an ignore rule takes out of an answer, and why.

use std::sync::Arc;

use serde::Serialize;

use super::QueryError;
use crate::analyse::{IgnoreRules, Subject};
use crate::model::{Frame, Timestamp};
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
    /// Functions that a rule looks for and that have started goroutines.
    creators: Vec<Arc<str>>,
}

impl<'r> Ignoring<'r> {
    /// Reads the rules; `at` is the end of the window of the answer.
    pub fn at(reader: &'r Reader, at: Timestamp) -> Result<Self, QueryError> {
        let rules = IgnoreRules::new(reader.ignore_rules()?.to_vec());
        let dictionary = reader.dictionary()?;
        let creators = dictionary.creators();
        let creators = creators.filter(|creator| rules.ask_for_creator(creator, at));
        Ok(Self {
            reader,
            creators: creators.cloned().collect(),
            rules,
            at,
        })
    }

    /// Whether there are no rules.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether it depends on the creator if a rule holds for a signature in a service, which has `count`
    /// goroutines of it. Creators are read from details, which takes time: so this is asked first.
    pub fn depends_on_creator(
        &self,
        service: &str,
        signature: &SignatureRow,
        count: u64,
    ) -> Result<bool, QueryError> {
        if self.creators.is_empty() {
            return Ok(false);
        }
        let frames = self.frames(signature)?;
        let holds = |created_by| {
            let subject = subject(service, signature, &frames, created_by, count);
            self.rules.rule_for(&subject, self.at).is_some()
        };
        Ok(!holds(None) && self.creators.iter().any(|creator| holds(Some(creator))))
    }

    /// The rule that holds for a signature in a service, which has `count` goroutines of it.
    pub fn ignored(
        &self,
        service: &str,
        signature: &SignatureRow,
        created_by: Option<&str>,
        count: u64,
    ) -> Result<Option<Ignored>, QueryError> {
        let frames = self.frames(signature)?;
        let subject = subject(service, signature, &frames, created_by, count);
        let rule = self.rules.rule_for(&subject, self.at);
        Ok(rule.map(|rule| Ignored {
            reason: rule.reason.clone(),
            until: rule.until,
        }))
    }

    /// The stack, where a rule asks for it.
    fn frames(&self, signature: &SignatureRow) -> Result<Vec<Frame>, QueryError> {
        if self.rules.ask_for_frames(self.at) {
            Ok(self.reader.frames(signature.key)?)
        } else {
            Ok(Vec::new())
        }
    }
}

fn subject<'a>(
    service: &'a str,
    signature: &'a SignatureRow,
    frames: &'a [Frame],
    created_by: Option<&'a str>,
    count: u64,
) -> Subject<'a> {
    Subject {
        service,
        frames,
        where_function: &signature.site.function,
        created_by,
        count,
    }
}
