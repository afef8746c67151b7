//! The rows of the list: one a signature, or several signatures drawn together; filtered and sorted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::filter::Filter;
use crate::model::Signature;
use crate::present::short_function;
use crate::query::{Board, BoardRow, Verdict, Where};

/// By what rows are drawn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Grouping {
    /// Each signature (in each service) is a row.
    #[default]
    Signature,
    /// The line to look at.
    Where,
    /// The commonest creator.
    Creator,
    /// The package of the line to look at.
    Package,
}

/// In which order rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The loudest first, as `top-growers` has them.
    #[default]
    Verdict,
    /// The largest growth first.
    Growth,
    /// The largest count first.
    Count,
    /// The fastest first.
    Rate,
    /// The longest wait first.
    Oldest,
    /// The newest first.
    FirstSeen,
    /// By name.
    Where,
}

impl Grouping {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Where => "where",
            Self::Creator => "creator",
            Self::Package => "package",
        }
    }

    /// The one that follows it.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Signature => Self::Where,
            Self::Where => Self::Creator,
            Self::Creator => Self::Package,
            Self::Package => Self::Signature,
        }
    }
}

impl Order {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Growth => "growth",
            Self::Count => "count",
            Self::Rate => "rate",
            Self::Oldest => "oldest",
            Self::FirstSeen => "first seen",
            Self::Where => "where",
        }
    }

    /// The one that follows it.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Verdict => Self::Growth,
            Self::Growth => Self::Count,
            Self::Count => Self::Rate,
            Self::Rate => Self::Oldest,
            Self::Oldest => Self::FirstSeen,
            Self::FirstSeen => Self::Where,
            Self::Where => Self::Verdict,
        }
    }
}

/// What a row is known by, wherever it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// A signature in a service.
    Signature(String, Signature),
    /// What several signatures have in common.
    Common(Grouping, String),
}

impl Key {
    const fn grouping(&self) -> Grouping {
        match self {
            Self::Signature(..) => Grouping::Signature,
            Self::Common(grouping, _) => *grouping,
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Key,
    /// Its signatures, by their place in [`Board::rows`]; the loudest first.
    pub(super) members: Vec<usize>,
    pub(super) services: BTreeSet<String>,
    pub(super) count: u64,
    pub(super) growth: i64,
    pub(super) per_hour: f64,
    pub(super) trend: Vec<Option<u64>>,
    pub(super) states: BTreeMap<String, u64>,
    pub(super) oldest: Option<u64>,
    pub(super) verdict: Verdict,
    pub(super) growing: usize,
    pub(super) instances: usize,
    /// Taken out by a rule, or by the person who looks.
    pub(super) ignored: bool,
    /// None of the instances that had it answers.
    pub(super) lost: bool,
}

/// What the person who looks has chosen.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    pub(super) filter: Filter,
    /// Only what a row of several was drawn together of.
    pub(super) within: Option<Key>,
    pub(super) grouping: Grouping,
    pub(super) order: Order,
    pub(super) reversed: bool,
    /// Signatures, however they are drawn together.
    pub(super) ignored: HashSet<Key>,
}

impl Choice {
    /// Signatures of all the board that grow by verdict, are not ignored, and can still be seen.
    pub(super) fn growing(&self, board: &Board) -> usize {
        let loud = |row: &&BoardRow| {
            let grower = &row.grower;
            grower.verdict.says_growth() && !self.ignores(row) && !board.is_lost(row)
        };
        board.rows.iter().filter(loud).count()
    }

    fn ignores(&self, row: &BoardRow) -> bool {
        let here = || self.ignored.contains(&key(row, Grouping::Signature));
        row.grower.ignored.is_some() || here()
    }

    fn takes(&self, row: &BoardRow, board: &Board) -> bool {
        let within = self.within.as_ref();
        let is_within = within.is_none_or(|within| key(row, within.grouping()) == *within);
        is_within && self.filter.takes(row, board)
    }
}

/// The rows of a board as they are to be drawn.
pub(super) fn entries(board: &Board, choice: &Choice) -> Vec<Entry> {
    let mut drawn: BTreeMap<Key, Entry> = BTreeMap::new();
    for (nth, row) in board.rows.iter().enumerate() {
        if !choice.takes(row, board) {
            continue;
        }
        let key = key(row, choice.grouping);
        let mut entry = Entry::of(nth, (row, board), key);
        entry.ignored = choice.ignores(row);
        match drawn.get_mut(&entry.key) {
            Some(known) => known.add(entry),
            None => drop(drawn.insert(entry.key.clone(), entry)),
        }
    }
    let mut entries: Vec<Entry> = drawn.into_values().collect();
    sort(&mut entries, board, choice);
    entries
}

pub(super) fn key(row: &BoardRow, grouping: Grouping) -> Key {
    let grower = &row.grower;
    let name = match grouping {
        Grouping::Signature => return Key::Signature(grower.service.clone(), grower.signature),
        Grouping::Where => grower.site.function.clone(),
        Grouping::Creator => grower.created_by.clone().unwrap_or_default(),
        Grouping::Package => grower.site.package().to_owned(),
    };
    Key::Common(grouping, name)
}

impl Entry {
    fn of(nth: usize, (row, board): (&BoardRow, &Board), key: Key) -> Self {
        let grower = &row.grower;
        Self {
            key,
            members: vec![nth],
            services: BTreeSet::from([grower.service.clone()]),
            count: grower.last,
            growth: grower.growth,
            per_hour: grower.per_hour,
            trend: grower.trend.clone(),
            states: grower.states.clone(),
            oldest: grower.oldest_wait_seconds,
            verdict: grower.verdict,
            growing: grower.instances_growing,
            instances: row.on.len(),
            ignored: false,
            lost: board.is_lost(row),
        }
    }

    fn add(&mut self, other: Self) {
        self.members.extend(other.members);
        self.services.extend(other.services);
        self.count += other.count;
        self.growth += other.growth;
        self.per_hour += other.per_hour;
        for (sum, point) in self.trend.iter_mut().zip(&other.trend) {
            if let Some(count) = point {
                *sum = Some(sum.unwrap_or(0) + count);
            }
        }
        for (state, count) in other.states {
            *self.states.entry(state).or_default() += count;
        }
        self.oldest = self.oldest.max(other.oldest);
        self.verdict = self.verdict.max(other.verdict);
        self.growing = self.growing.max(other.growing);
        self.instances = self.instances.max(other.instances);
        self.ignored &= other.ignored;
        self.lost &= other.lost;
    }

    /// The line to look at, or what its signatures have in common.
    pub(super) fn title(&self, board: &Board) -> String {
        match &self.key {
            Key::Common(_, name) if name.is_empty() => "(not known)".to_owned(),
            Key::Common(Grouping::Package, name) => name.clone(),
            Key::Common(_, name) => short_function(name).to_owned(),
            Key::Signature(..) => self.site(board).map_or_else(String::new, |site| {
                if site.function.is_empty() {
                    "(has not run yet)".to_owned()
                } else {
                    short_function(&site.function).to_owned()
                }
            }),
        }
    }

    /// The line to look at of the loudest of its signatures.
    pub(super) fn site<'a>(&self, board: &'a Board) -> Option<&'a Where> {
        let row = board.rows.get(*self.members.first()?)?;
        Some(&row.grower.site)
    }
}

fn sort(entries: &mut [Entry], board: &Board, choice: &Choice) {
    let first_seen = |entry: &Entry| {
        let members = entry.members.iter().filter_map(|nth| board.rows.get(*nth));
        let seen = members.filter_map(|row| row.grower.first_seen.as_ref());
        seen.map(|seen| seen.at).min()
    };
    // The board has the loudest first; what is drawn together stands where the loudest of it does.
    entries.sort_by_key(|entry| entry.members.first().copied());
    match choice.order {
        Order::Verdict => {}
        Order::Growth => entries.sort_by_key(|entry| std::cmp::Reverse(entry.growth)),
        Order::Count => entries.sort_by_key(|entry| std::cmp::Reverse(entry.count)),
        Order::Rate => entries.sort_by(|a, b| b.per_hour.total_cmp(&a.per_hour)),
        Order::Oldest => entries.sort_by_key(|entry| std::cmp::Reverse(entry.oldest)),
        Order::FirstSeen => entries.sort_by_key(|entry| std::cmp::Reverse(first_seen(entry))),
        Order::Where => entries.sort_by_cached_key(|entry| entry.title(board)),
    }
    if choice.reversed {
        entries.reverse();
    }
    // Known and fine: behind all others, whatever the order.
    entries.sort_by_key(|entry| entry.ignored);
}
