//! The dumps of one input, each tallied for itself.

use super::{KeepLabels, StackBook, Tally};
use crate::dump::{Event, Facts};
use crate::model::Snapshot;

/// Builds one snapshot for each dump of an input.
#[derive(Debug)]
pub struct Tallies<'a> {
    book: &'a StackBook,
    keep: KeepLabels<'a>,
    /// First line and tally of each dump, by its number.
    dumps: Vec<(u64, Tally<'a>)>,
    current: usize,
}

impl<'a> Tallies<'a> {
    /// No dumps yet.
    pub const fn new(book: &'a StackBook, keep: KeepLabels<'a>) -> Self {
        Self {
            book,
            keep,
            dumps: Vec::new(),
            current: 0,
        }
    }

    /// Counts what was read.
    pub fn add(&mut self, event: Event<'_>) {
        if let Event::Dump { number, line } = event {
            self.current = number;
            self.reach(line);
            return;
        }
        self.reach(1);
        if let Some((_, tally)) = self.dumps.get_mut(self.current) {
            tally.add(event);
        }
    }

    /// Makes the current dump, if it is new, beginning at `line`.
    fn reach(&mut self, line: u64) {
        while self.dumps.len() <= self.current {
            self.dumps
                .push((line, Tally::new(self.book, self.keep, None)));
        }
    }

    /// Ends the input: each dump with the line, from 1, where it begins.
    pub fn finish(mut self, facts: Vec<Facts>) -> Vec<(u64, Snapshot)> {
        self.current = facts.len().saturating_sub(1);
        self.reach(1);
        let dumps = self.dumps.into_iter().zip(facts);
        let mut ended: Vec<_> = dumps
            .map(|((line, tally), facts)| (line, tally.finish(facts)))
            .collect();
        // Those of several sources in one log were found in another order than they begin.
        ended.sort_by_key(|(line, _)| *line);
        ended
    }
}
