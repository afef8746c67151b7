//! An ignore rule as TOML, ready for a config.

use chrono::Months;

use crate::model::Timestamp;
use crate::present::words::{grouped, short_place};
use crate::present::{escape, escape_toml};
use crate::query::{RuleDraft, Where};

/// A rule holds for so long: long enough to forget it, too short to forget it for good.
const HOLDS_FOR: Months = Months::new(3);

/// The table `[[ignore]]` below the stack that it is for. It holds for three months from a moment on, to the end
/// of that day; `None` where nothing names a function.
pub fn rule_draft(draft: &RuleDraft, from: Timestamp) -> Option<String> {
    Some(stack(draft) + &rule(draft, from)?)
}

fn stack(draft: &RuleDraft) -> String {
    let mut text = format!("# {}  {}\n", draft.signature, short_place(&draft.site));
    for frame in &draft.frames {
        text += &format!("#   {}\n", whole(frame));
    }
    if let Some(creator) = &draft.created_by {
        text += &format!("#   created by {}\n", escape(creator));
    }
    let peaks = draft.peaks.iter();
    let peaks = peaks.map(|(service, peak)| format!("{} in {}", grouped(*peak), escape(service)));
    let peaks: Vec<String> = peaks.collect();
    if !peaks.is_empty() {
        text += &format!("# Seen at most: {}.\n", peaks.join(", "));
    }
    text
}

/// The table alone.
pub(super) fn rule(draft: &RuleDraft, from: Timestamp) -> Option<String> {
    let mut text = "[[ignore]]\n".to_owned();
    text += &functions(draft)?;
    text += &services(draft);
    let most = draft.peaks.values().max().copied().unwrap_or(1).max(1);
    text += &format!("max_count = {}\n", most + most.div_ceil(10));
    text += "reason = \"why this is fine\"  # Say it here.\n";
    let from = from.to_utc();
    let until = from.checked_add_months(HOLDS_FOR).unwrap_or(from);
    text += &format!("until = {}\n", until.format("%Y-%m-%d"));
    Some(text)
}

/// The line to look at; else, for goroutines that have not run yet, what started them.
fn functions(draft: &RuleDraft) -> Option<String> {
    let creator = draft.created_by.as_deref();
    let creator = creator.map(|creator| format!("created_by = \"{}\"\n", escape_toml(creator)));
    if draft.site.function.is_empty() {
        return creator;
    }
    let mut keys = format!("top_function = \"{}\"\n", escape_toml(&draft.site.function));
    if let Some(root) = &draft.root {
        keys += &format!("any_function = \"{}\"\n", escape_toml(root));
    }
    if let Some(creator) = creator {
        // Only details tell creators, so with this key the rule holds on fewer instances.
        keys += &format!("# {creator}");
    }
    Some(keys)
}

/// The service, where it is one: a rule for all is for whoever knows all.
fn services(draft: &RuleDraft) -> String {
    let mut services = draft.peaks.keys();
    match (services.next(), services.next()) {
        (Some(service), None) => format!("service = \"{}\"\n", escape_toml(service)),
        _ => String::new(),
    }
}

fn whole(frame: &Where) -> String {
    let function = escape(&frame.function);
    if frame.file.is_empty() {
        return function.into_owned();
    }
    format!("{function}  {}:{}", escape(&frame.file), frame.line)
}
