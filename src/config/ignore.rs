//! The ignore rules of a config as meant.

use toml::value::Datetime;

use super::mistake::quoted;
use super::resolve::Resolver;
use super::table::Entry;
use super::{Service, file};
use crate::model::{IgnoreRule, Timestamp};

impl Resolver<'_> {
    /// What the `written` rules mean where these are the `services`.
    pub(super) fn ignore(
        &mut self,
        written: &[file::Ignore],
        services: &[Service],
    ) -> Vec<IgnoreRule> {
        written
            .iter()
            .map(|rule| self.rule(rule, services))
            .collect()
    }

    fn rule(&mut self, written: &file::Ignore, services: &[Service]) -> IgnoreRule {
        let functions = [
            &written.top_function,
            &written.any_function,
            &written.created_by,
        ];
        if functions.iter().all(|function| function.is_absent()) {
            const WANTED: &str =
                "this ignores everything; add `top_function`, `any_function` or `created_by`";
            self.found
                .doubtful(written.at, &written.key, WANTED.to_owned());
        }
        let [top_function, any_function, created_by] =
            functions.map(|function| self.text(function, pattern));
        IgnoreRule {
            top_function,
            any_function,
            created_by,
            service: self.text(&written.service, |name| known(name, services)),
            max_count: self.goroutines(&written.max_count),
            reason: self.reason(written),
            until: self.last_moment(&written.until),
        }
    }

    fn reason(&mut self, rule: &file::Ignore) -> String {
        const WANTED: &str = "say why this is fine, such as \"one per pool\"";
        if rule.reason.is_absent() {
            let key = format!("{}.reason", rule.key);
            self.found
                .doubtful(rule.at, &key, format!("this key is missing; {WANTED}"));
        }
        let reason = self.text(&rule.reason, |reason| {
            if reason.trim().is_empty() {
                Err(format!("the reason is empty; {WANTED}"))
            } else if reason.chars().any(char::is_control) {
                let reason = quoted(reason);
                Err(format!("{reason} has control characters; leave them out"))
            } else {
                Ok(reason.to_owned())
            }
        });
        reason.unwrap_or_default()
    }

    /// A day holds to its end; without an offset, times are UTC, as days of answers are.
    fn last_moment(&mut self, entry: &Entry<Datetime>) -> Option<Timestamp> {
        let written = entry.written()?;
        let at = written.value;
        let whole = match (at.time, at.offset) {
            (None, _) => format!("{at}T23:59:59.999Z"),
            (Some(_), None) => format!("{at}Z"),
            (Some(_), Some(_)) => at.to_string(),
        };
        let moment = Timestamp::from_rfc3339(&whole)
            .ok_or_else(|| format!("{at} is no moment; write it as in 2027-03-31T18:00:00Z"));
        self.noted(written, moment)
    }
}

/// A pattern of functions that leaves some out.
fn pattern(word: &str) -> Result<String, String> {
    if word.is_empty() {
        Err("the function is empty; write it as Go prints it, with its package".to_owned())
    } else if word.contains('*') && word.chars().all(|c| "*./".contains(c)) {
        Err(format!(
            "{} is every function; name one, or its package",
            quoted(word)
        ))
    } else {
        Ok(word.to_owned())
    }
}

fn known(name: &str, services: &[Service]) -> Result<String, String> {
    let mut names = services.iter().map(|service| &*service.name);
    // A name that could not be read may be this one.
    if names.any(|known| known == name || known.is_empty()) {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = services.iter().map(|service| &*service.name).collect();
    Err(format!(
        "there is no service {}; there is: {}",
        quoted(name),
        known.join(", ")
    ))
}
