//! `snapshot` as text: what the original's report says, and what it leaves out.

use super::table;
use crate::present::column::{numbers, words};
use crate::present::words::{grouped, main_state, place, plural, states, wait};
use crate::present::{Draw, Sheet, escape};
use crate::query::snapshot::SnapshotAnswer;

/// One dump; at most `top` groups, 0 for all.
pub fn snapshot(answer: &SnapshotAnswer, top: usize, draw: Draw) -> String {
    let mut text = format!(
        "{}  {} ({})  {}\n",
        escape(&answer.source),
        draw.zone.second(answer.taken_at),
        draw.zone.offset(answer.taken_at),
        answer.form.as_str(),
    );
    text += &format!(
        "goroutines: {}   distinct stacks: {}",
        grouped(answer.goroutines),
        grouped(answer.groups.len() as u64)
    );
    if answer.own > 0 {
        text += &format!("   left out: {} (it wrote this dump)", answer.own);
    }
    let unread: u64 = answer
        .complaints
        .iter()
        .map(|complaint| complaint.goroutines)
        .sum();
    if unread > 0 {
        text += &format!("   not read: {}", grouped(unread));
    }
    text += "\n";
    for note in &answer.notes {
        text += &format!("note: {}\n", escape(note));
    }
    if !answer.states.is_empty() {
        text += &format!("states: {}\n", states(&answer.states));
    }
    text.push('\n');
    text += &table::draw(&sheet(answer, top), draw);
    let shown = if top == 0 {
        answer.groups.len()
    } else {
        top.min(answer.groups.len())
    };
    let more = answer.groups.len() - shown;
    if more > 0 {
        text += &format!(
            "... {} (--top 0 shows all)\n",
            plural(more as u64, "more stack")
        );
    }
    for complaint in answer.complaints.iter().take(COMPLAINTS) {
        text += &format!("line {}: {}", complaint.line, escape(&complaint.what));
        if complaint.goroutines > 0 {
            text += &format!(" ({})", plural(complaint.goroutines, "goroutine"));
        }
        text += "\n";
    }
    if let Some(more) = answer
        .complaints
        .len()
        .checked_sub(COMPLAINTS)
        .filter(|more| *more > 0)
    {
        text += &format!(
            "... {}; -o json has them\n",
            plural(more as u64, "more complaint")
        );
    }
    text
}

/// Complaints printed in full.
const COMPLAINTS: usize = 5;

fn sheet(answer: &SnapshotAnswer, top: usize) -> Sheet {
    let columns = vec![
        numbers("COUNT"),
        words("STATE"),
        numbers("OLDEST"),
        words("SIGNATURE"),
        words("WHERE"),
    ];
    let limit = if top == 0 { usize::MAX } else { top };
    let rows = answer.groups.iter().take(limit).map(|group| {
        let mut place = place(&group.site);
        if let Some(creator) = &group.created_by {
            let creator = escape(crate::present::short_function(creator));
            place += &format!("  (by {creator})");
        }
        if group.leaked > 0 {
            place += &format!("  [leaked: {}]", grouped(group.leaked));
        }
        vec![
            grouped(group.count).into(),
            main_state(&group.states).into(),
            wait(group.oldest_wait_seconds).into(),
            group
                .signature
                .to_string()
                .chars()
                .take(8)
                .collect::<String>()
                .into(),
            place.into(),
        ]
    });
    Sheet {
        columns,
        rows: rows.collect(),
    }
}
