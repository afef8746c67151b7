//! Which ignore rule holds for a signature, by its functions, its service and its count.
//!
//! A pattern is a function as Go prints it, with its whole package. `*` in it stands for any characters,
//! also for none, but for a `*` right behind `(`: that one is part of a name such as
//! `net.(*netFD).Read`. So every name is a pattern of itself, and `net.(**).Read` means the method of any
//! pointer.

use crate::model::{Frame, IgnoreRule, Timestamp};

/// What rules are held against: one signature in one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Whose.
    pub service: &'a str,
    /// The stack, leaf first.
    pub frames: &'a [Frame],
    /// The function of `where`, the line to look at.
    pub where_function: &'a str,
    /// The function that started the goroutines, where it is known.
    pub created_by: Option<&'a str>,
    /// How many there are, summed over the service.
    pub count: u64,
}

/// The ignore rules of a config, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRules(Vec<IgnoreRule>);

impl IgnoreRules {
    /// These rules.
    pub const fn new(rules: Vec<IgnoreRule>) -> Self {
        Self(rules)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first rule that holds for `subject` at `at`.
    pub fn rule_for(&self, subject: &Subject<'_>, at: Timestamp) -> Option<&IgnoreRule> {
        self.holding(at).find(|rule| holds(rule, subject))
    }

    /// Whether a rule asks for frames that are not the line to look at.
    pub fn ask_for_frames(&self, at: Timestamp) -> bool {
        self.holding(at).any(|rule| rule.any_function.is_some())
    }

    /// Whether a rule asks for what started the goroutines, and this would be an answer.
    pub fn ask_for_creator(&self, creator: &str, at: Timestamp) -> bool {
        self.holding(at).any(|rule| {
            let mut patterns = rule.created_by.iter().chain(&rule.any_function);
            patterns.any(|pattern| is_meant(pattern, creator))
        })
    }

    /// The rules that hold no more.
    pub fn ended(&self, at: Timestamp) -> impl Iterator<Item = &IgnoreRule> {
        self.0.iter().filter(move |rule| rule.has_ended(at))
    }

    fn holding(&self, at: Timestamp) -> impl Iterator<Item = &IgnoreRule> {
        self.0.iter().filter(move |rule| !rule.has_ended(at))
    }
}

/// Whether all that a rule says is so. What is not known matches nothing.
fn holds(rule: &IgnoreRule, subject: &Subject<'_>) -> bool {
    let Subject {
        service,
        frames,
        where_function,
        created_by,
        count,
    } = *subject;
    let is_any = |pattern: &str| {
        let functions = frames.iter().map(|frame| &*frame.function);
        let mut functions = functions.chain(created_by);
        functions.any(|function| is_meant(pattern, function))
    };
    let is_creator = |pattern: &str| created_by.is_some_and(|creator| is_meant(pattern, creator));
    let is_top = |pattern: &str| is_meant(pattern, where_function);
    rule.service.as_ref().is_none_or(|name| name == service)
        && rule.max_count.is_none_or(|most| count <= most)
        && rule.top_function.as_deref().is_none_or(is_top)
        && rule.created_by.as_deref().is_none_or(is_creator)
        && rule.any_function.as_deref().is_none_or(is_any)
}

/// Whether a function is one that a pattern means.
pub fn is_meant(pattern: &str, function: &str) -> bool {
    let (beginning, mut more) = to_wildcard(pattern);
    let Some(mut left) = function.strip_prefix(beginning) else {
        return false;
    };
    while let Some(pattern) = more {
        let (piece, behind) = to_wildcard(pattern);
        if behind.is_none() {
            return left.ends_with(piece);
        }
        // The first place is as good as any later one, since a wildcard follows.
        let Some((_, after)) = left.split_once(piece) else {
            return false;
        };
        (left, more) = (after, behind);
    }
    left.is_empty()
}

/// A pattern up to its first wildcard, and what follows that.
fn to_wildcard(pattern: &str) -> (&str, Option<&str>) {
    let mut before = None;
    for (at, char) in pattern.char_indices() {
        if char == '*' && before != Some('(') {
            let (piece, rest) = pattern.split_at(at);
            return (piece, rest.strip_prefix('*'));
        }
        before = Some(char);
    }
    (pattern, None)
}
