//! Which process answered: the same one, its successor, or one of several behind an address. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::{Incarnation, ProcessFacts, StartReason, Timestamp};

/// Polls that are looked back at for a process that returns, or for too many starts.
const WINDOW: usize = 10;
/// So many starts within the window are no restarts any more.
const MAX_STARTS: usize = 3;
/// Without a fingerprint, a fall to under half and by this many is taken for a restart.
const SUDDEN_FALL: u64 = 10;

/// The processes met at one instance.
#[derive(Debug, Clone, Default)]
pub struct Lives {
    current: Option<Arc<Incarnation>>,
    /// Who answered the last polls; `None` where that cannot be told.
    recent: VecDeque<ProcessFacts>,
    last_count: Option<u64>,
}

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answerer {
    /// The process known so far, perhaps with more known about it.
    Same(Arc<Incarnation>),
    /// A process not met before.
    New(Arc<Incarnation>),
    /// One of several.
    Several,
}

impl Lives {
    /// What is remembered from before this start of the daemon.
    pub fn remembered(current: Incarnation) -> Self {
        Self {
            current: Some(Arc::new(current)),
            ..Self::default()
        }
    }

    /// The process that answered last.
    pub(super) const fn current(&self) -> Option<&Arc<Incarnation>> {
        self.current.as_ref()
    }

    /// Notes an answer and says whose it was. `count` is the number of goroutines; `None` where only
    /// some of them were told.
    pub(super) fn note(
        &mut self,
        facts: &ProcessFacts,
        count: Option<u64>,
        at: Timestamp,
    ) -> Answerer {
        let several = self.remember(facts);
        let last_count = self.last_count;
        self.last_count = count.or(last_count);
        let Some(current) = &self.current else {
            return self.begin(facts, StartReason::FirstContact, at);
        };
        match difference(&current.facts, facts) {
            Some(_) if several => Answerer::Several,
            Some(reason) => self.begin(facts, reason, at),
            None if several => Answerer::Several,
            None if !comparable(&current.facts, facts) && fell(last_count, count) => {
                self.begin(facts, StartReason::SuddenFall, at)
            }
            None => Answerer::Same(self.learn(facts)),
        }
    }

    fn begin(&mut self, facts: &ProcessFacts, reason: StartReason, at: Timestamp) -> Answerer {
        let born = Arc::new(Incarnation {
            since: at,
            reason,
            facts: facts.clone(),
        });
        self.current = Some(Arc::clone(&born));
        Answerer::New(born)
    }

    /// Whether the last polls met a process that had been replaced, or too many of them.
    fn remember(&mut self, facts: &ProcessFacts) -> bool {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(facts.clone());
        // Runs of answers by one process each.
        let mut runs: Vec<&ProcessFacts> = Vec::new();
        for facts in &self.recent {
            match runs.last() {
                Some(last) if difference(last, facts).is_none() => {}
                _ => runs.push(facts),
            }
        }
        let returned = runs.iter().enumerate().any(|(at, run)| {
            let before = runs.iter().take(at.saturating_sub(1));
            before
                .clone()
                .any(|old| comparable(old, run) && difference(old, run).is_none())
        });
        returned || runs.len() > MAX_STARTS
    }

    /// Adds what is newly known of the current process.
    fn learn(&mut self, facts: &ProcessFacts) -> Arc<Incarnation> {
        let current = self.current.get_or_insert_with(|| {
            Arc::new(Incarnation {
                since: Timestamp::default(),
                reason: StartReason::FirstContact,
                facts: ProcessFacts::default(),
            })
        });
        let known = &current.facts;
        let merged = ProcessFacts {
            build_id: known.build_id.clone().or_else(|| facts.build_id.clone()),
            vdso: known.vdso.or(facts.vdso),
            heap_high: known.heap_high.or(facts.heap_high),
        };
        if merged != *known {
            *current = Arc::new(Incarnation {
                facts: merged,
                ..Incarnation::clone(current)
            });
        }
        Arc::clone(current)
    }
}

/// What tells two processes apart; `None` when nothing that both show does.
fn difference(old: &ProcessFacts, new: &ProcessFacts) -> Option<StartReason> {
    let differ = |same: Option<bool>| same == Some(false);
    if differ(both(old.build_id.as_ref(), new.build_id.as_ref())) {
        return Some(StartReason::Build);
    }
    if differ(both(old.vdso, new.vdso)) {
        return Some(StartReason::Vdso);
    }
    differ(both(old.heap_high, new.heap_high)).then_some(StartReason::HeapBits)
}

/// Whether two looks show anything that is drawn anew at every start.
fn comparable(old: &ProcessFacts, new: &ProcessFacts) -> bool {
    both(old.vdso, new.vdso).is_some() || both(old.heap_high, new.heap_high).is_some()
}

fn both<T: PartialEq>(old: Option<T>, new: Option<T>) -> Option<bool> {
    Some(old? == new?)
}

fn fell(before: Option<u64>, now: Option<u64>) -> bool {
    let both = before.zip(now);
    both.is_some_and(|(before, now)| now < before / 2 && before - now >= SUDDEN_FALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(vdso: u64) -> ProcessFacts {
        ProcessFacts {
            vdso: Some(vdso),
            ..ProcessFacts::default()
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// One letter a poll: S same, N new, V several.
    fn story(answers: &[u64]) -> String {
        let mut lives = Lives::default();
        answers
            .iter()
            .zip(0i64..)
            .map(
                |(vdso, ms)| match lives.note(&process(*vdso), Some(5), at(ms)) {
                    Answerer::Same(_) => 'S',
                    Answerer::New(_) => 'N',
                    Answerer::Several => 'V',
                },
            )
            .collect()
    }

    #[test]
    fn a_restart_is_a_new_incarnation() {
        assert_eq!(story(&[1, 1, 1, 2, 2, 2]), "NSSNSS");
    }

    #[test]
    fn a_process_that_returns_means_several_behind_one_address() {
        assert_eq!(story(&[1, 2, 1, 2, 1, 2]), "NNVVVV");
    }

    #[test]
    fn round_robin_over_many_is_told_too() {
        assert_eq!(story(&[1, 2, 3, 4, 5, 6, 7, 8]), "NNNVVVVV");
    }

    #[test]
    fn one_process_alone_for_ten_polls_ends_it() {
        assert_eq!(
            story(&[1, 2, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]),
            "NNVVVVVVVVVSS"
        );
    }

    #[test]
    fn a_deploy_says_so() {
        let mut lives = Lives::default();
        let build = |id: &str, vdso| ProcessFacts {
            build_id: Some(id.into()),
            ..process(vdso)
        };
        lives.note(&build("a", 1), Some(5), at(0));
        let Answerer::New(born) = lives.note(&build("b", 2), Some(5), at(1)) else {
            panic!()
        };
        assert_eq!(born.reason, StartReason::Build);
    }

    #[test]
    fn without_a_fingerprint_only_a_sudden_fall_is_taken_for_a_restart() {
        let mut lives = Lives::default();
        let unknown = ProcessFacts::default();
        lives.note(&unknown, Some(1_000), at(0));
        assert!(matches!(
            lives.note(&unknown, Some(600), at(1)),
            Answerer::Same(_)
        ));
        let Answerer::New(born) = lives.note(&unknown, Some(20), at(2)) else {
            panic!()
        };
        assert_eq!(born.reason, StartReason::SuddenFall);
    }

    #[test]
    fn what_a_detail_adds_is_kept() {
        let mut lives = Lives::default();
        lives.note(&process(1), Some(5), at(0));
        let heap = ProcessFacts {
            heap_high: Some(7),
            ..ProcessFacts::default()
        };
        let Answerer::Same(known) = lives.note(&heap, Some(5), at(1)) else {
            panic!()
        };
        assert_eq!(
            (known.facts.vdso, known.facts.heap_high),
            (Some(1), Some(7))
        );
    }
}
