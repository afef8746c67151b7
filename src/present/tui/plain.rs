//! The live view line by line, for pipes and screen readers: what is there, and from then on what changes.

use std::collections::HashMap;

use super::entry::{Choice, Entry, Key, entries};
use super::head::old;
use super::list::word;
use super::{Live, Look};
use crate::model::Timestamp;
use crate::present::escape;
use crate::present::words::{grouped, main_state, rate, signed, wait};
use crate::query::{Board, Verdict};

/// What was told so far.
#[derive(Debug, Default)]
pub struct Plain {
    rows: HashMap<Key, (u64, Verdict, bool)>,
    totals: Option<(u64, usize)>,
    lost: HashMap<String, bool>,
    old: bool,
    trouble: Option<String>,
}

impl Plain {
    /// The lines that are to be told now, each with its time: of all rows at first, at most `most`; then of those
    /// that grow or have another verdict, of totals that are others, and of instances that are lost or back.
    pub fn lines(&mut self, live: &Live, most: usize) -> String {
        let at = live.asked_at;
        let mut text = String::new();
        if live.trouble != self.trouble {
            self.trouble.clone_from(&live.trouble);
            if let Some(trouble) = &live.trouble {
                text += &format!("{}  no answer: {}\n", stamp(live, at), escape(trouble));
            }
        }
        let Some(board) = live.board.as_deref() else {
            return text;
        };
        text += &self.instances(board, live);
        let first = self.totals.is_none();
        let totals = (board.goroutines, board.stacks);
        if self.totals.replace(totals) != Some(totals) {
            text += &format!(
                "{}  goroutines {}  stacks {}  polls {} of {}\n",
                stamp(live, at),
                grouped(totals.0),
                grouped(totals.1 as u64),
                grouped(board.window.polls_ok),
                grouped(board.window.polls_due),
            );
        }
        let old = old(board, live, at);
        if old.is_some() != self.old {
            self.old = old.is_some();
            let told = old.unwrap_or_else(|| "polls are of now again".to_owned());
            text += &format!("{}  {told}\n", stamp(live, at));
        }
        let rows = entries(board, &Choice::default());
        let mut told = 0;
        for entry in &rows {
            let now = (entry.count, entry.verdict, entry.lost);
            let before = self.rows.insert(entry.key.clone(), now);
            let changed = before.is_none_or(|before| {
                let counted = entry.verdict.says_growth() && before.0 != now.0;
                counted || before.1 != now.1 || before.2 != now.2
            });
            if changed && told < most {
                told += 1;
                text += &line(entry, board, live);
            }
        }
        if first && rows.len() > told {
            let more = grouped((rows.len() - told) as u64);
            text += &format!(
                "{}  {more} more stacks (--top 0 tells all)\n",
                stamp(live, at)
            );
        }
        text
    }

    fn instances(&mut self, board: &Board, live: &Live) -> String {
        let mut text = String::new();
        for row in &board.instances {
            let lost = row.lost();
            let before = self.lost.insert(row.instance.clone(), lost.is_some());
            let name = escape(&row.instance);
            match (before.unwrap_or(false), lost) {
                (false, Some(poll)) => {
                    text += &format!(
                        "{}  LOST {name}: {} (the poll of {})\n",
                        stamp(live, live.asked_at),
                        escape(poll.why()),
                        live.zone.clock(poll.at),
                    );
                }
                (true, None) => {
                    text += &format!("{}  {name} answers again\n", stamp(live, live.asked_at));
                }
                _ => {}
            }
        }
        text
    }
}

fn stamp(live: &Live, at: Timestamp) -> String {
    format!("{} {}", live.zone.second(at), live.zone.offset(at))
}

fn line(entry: &Entry, board: &Board, live: &Live) -> String {
    let signature = match &entry.key {
        Key::Signature(_, signature) => super::view::short(*signature),
        Key::Common(..) => String::new(),
    };
    let site = entry.site(board).filter(|site| !site.file.is_empty());
    let place = site.map_or_else(String::new, |site| {
        format!(
            " {}:{}",
            escape(crate::present::short_file(&site.file)),
            site.line
        )
    });
    let look = Look {
        colour: false,
        ascii: false,
    };
    let service = match entry.services.first() {
        Some(service) if board.has_several_services() => format!("{} ", escape(service)),
        _ => String::new(),
    };
    look.plain(format!(
        "{}  {} {} {} {} {}/h  {}  oldest {}  {service}{}{place}\n",
        stamp(live, live.asked_at),
        word(entry),
        signature,
        grouped(entry.count),
        signed(entry.growth),
        rate(entry.per_hour),
        main_state(&entry.states),
        wait(entry.oldest),
        escape(&entry.title(board)),
    ))
}
