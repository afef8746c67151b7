//! What a live view shows: every signature in the window, and how its instances are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::instances::{LastPoll, last_poll};
use super::judged::{Judged, judged};
use super::ladder::{Rates, Rung, TREND_POINTS, Trend, add_trend};
use super::top_growers::{Sort, TopGrowersRequest, answer};
use super::{DistinctRow, GrowerRow, QueryError, Scope, Where, WindowHead};
use crate::model::{Signature, Timestamp};
use crate::store::{InstanceRow, Reader, SignatureKey};

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// What was looked at.
    pub window: WindowHead,
    /// Goroutines of all instances that answer, at their last poll.
    pub goroutines: u64,
    /// Goroutines over the window; `None` where nothing was known.
    pub trend: Vec<Option<u64>>,
    /// Signatures that an instance which answers has goroutines of.
    pub stacks: usize,
    /// Goroutines by state, at the last pulse of each instance that answers.
    pub states: BTreeMap<String, u64>,
    /// By service and address.
    pub instances: Vec<BoardInstance>,
    /// Services in which the number of distinct signatures grows.
    pub signatures: Vec<DistinctRow>,
    /// Every signature of the window, the loudest first; those that a rule ignores too.
    pub rows: Vec<BoardRow>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardInstance {
    /// Whose.
    pub service: String,
    /// Its address.
    pub instance: String,
    /// Its labels as of now, by key.
    pub labels: BTreeMap<String, String>,
    /// The newest poll; `None` before the first.
    pub last_poll: Option<LastPoll>,
    /// That poll was before the window: in this window nothing is known of it.
    pub is_silent: bool,
    /// Goroutines at that poll, where it was good and in the window.
    pub goroutines: Option<u64>,
}

/// One that is lost is asked more rarely than a window may be long that begins anew: it stays lost for so long.
const LOST_FOR: Duration = Duration::from_mins(1);

/// One signature in one service.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardRow {
    /// What `top-growers` says of it.
    pub grower: GrowerRow,
    /// The instances that had it, by their place in [`Board::instances`].
    pub on: Vec<usize>,
    /// Its stack as it was read first, leaf first.
    pub frames: Arc<[Where]>,
}

impl Board {
    /// Whether its instances are of more than one service.
    pub fn has_several_services(&self) -> bool {
        let first = self.instances.first().map(|row| &row.service);
        self.instances.iter().any(|row| Some(&row.service) != first)
    }

    /// The instances that do not answer, each with the poll that says so.
    pub fn lost(&self) -> impl Iterator<Item = (&BoardInstance, &LastPoll)> {
        let instances = self.instances.iter();
        instances.filter_map(|row| Some((row, row.lost()?)))
    }

    /// When an instance answered last, in the window or before it.
    pub fn newest(&self) -> Option<Timestamp> {
        let polls = self
            .instances
            .iter()
            .filter_map(|row| row.last_poll.as_ref());
        polls
            .filter(|poll| poll.outcome != "failed")
            .map(|poll| poll.at)
            .max()
    }

    /// The newest moment from which on growth can be counted with all that is known now: the newest poll of every
    /// instance that answers is in a window that begins there. `None` where none answers.
    pub fn baseline(&self) -> Option<Timestamp> {
        let answering = self.instances.iter().filter(|row| row.goroutines.is_some());
        let polls = answering.filter_map(|row| row.last_poll.as_ref());
        polls.map(|poll| poll.at).min()
    }

    /// Whether none of the instances that had a signature answers.
    pub fn is_lost(&self, row: &BoardRow) -> bool {
        let instances = row.on.iter().map(|nth| self.instances.get(*nth));
        let mut lost = instances.map(|found| found.is_some_and(|found| found.lost().is_some()));
        !row.on.is_empty() && lost.all(|lost| lost)
    }
}

impl BoardInstance {
    /// Why nothing is heard of it; `None` while it answers, or before it could.
    pub fn lost(&self) -> Option<&LastPoll> {
        self.last_poll
            .as_ref()
            .filter(|poll| poll.outcome == "failed" && !self.is_silent)
    }
}

/// Stacks that were read before: they do not change, and a live view asks again and again.
#[derive(Debug, Default)]
pub struct Stacks(HashMap<SignatureKey, Arc<[Where]>>);

impl Stacks {
    fn of(&mut self, reader: &Reader, key: SignatureKey) -> Result<Arc<[Where]>, QueryError> {
        if let Some(known) = self.0.get(&key) {
            return Ok(Arc::clone(known));
        }
        let frames = reader.frames(key)?;
        let frames: Arc<[Where]> = frames.iter().map(Where::from).collect();
        self.0.insert(key, Arc::clone(&frames));
        Ok(frames)
    }
}

/// Of a row: the instances that had it, and its stack.
type More = (Vec<usize>, Arc<[Where]>);

/// Answers.
pub fn board(reader: &Reader, scope: &Scope, stacks: &mut Stacks) -> Result<Board, QueryError> {
    let mut trend: Trend = [None; TREND_POINTS];
    let add = |rung: &Rung| add_trend(&mut trend, &rung.trend);
    let judged = judged(reader, scope, (None, Rates::Growing), add)?;
    let instances: Vec<BoardInstance> = judged
        .instances
        .iter()
        .map(|row| instance(reader, scope, row))
        .collect::<Result<_, _>>()?;
    let signatures = reader.signatures()?;
    let mut more: HashMap<(String, Signature), More> = HashMap::new();
    for (service, known) in &judged.services {
        for (key, subject) in known {
            if let Some(row) = signatures.get(key) {
                let of = (service.clone(), row.signature);
                more.insert(of, (subject.instances.clone(), stacks.of(reader, *key)?));
            }
        }
    }
    let request = TopGrowersRequest {
        scope: scope.clone(),
        min_growth: i64::MIN,
        all: true,
        ignored: true,
        limit: 0,
        sort: Sort::Rate,
    };
    let gone = states_of_lost(reader, scope, (&judged, &instances))?;
    let growers = answer(reader, &request, judged)?;
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for (state, count) in growers.rows.iter().flat_map(|row| &row.states) {
        *states.entry(state.clone()).or_default() += count;
    }
    for (state, count) in gone {
        states
            .entry(state)
            .and_modify(|sum| *sum = sum.saturating_sub(count));
    }
    states.retain(|_, count| *count > 0);
    let rows = growers.rows.into_iter().map(|grower| {
        let more = more.remove(&(grower.service.clone(), grower.signature));
        let (on, frames) = more.unwrap_or_default();
        BoardRow { grower, on, frames }
    });
    let mut board = Board {
        rows: rows.collect(),
        stacks: 0,
        window: growers.window,
        goroutines: instances.iter().filter_map(|row| row.goroutines).sum(),
        trend: trend.to_vec(),
        states,
        instances,
        signatures: growers.signatures,
    };
    let there = |row: &&BoardRow| row.grower.last > 0 && !board.is_lost(row);
    board.stacks = board.rows.iter().filter(there).count();
    Ok(board)
}

/// Goroutines by state that lost instances had last: rows have them, sums of what is there do not.
fn states_of_lost(
    reader: &Reader,
    scope: &Scope,
    (judged, instances): (&Judged, &[BoardInstance]),
) -> Result<BTreeMap<String, u64>, QueryError> {
    let is_lost = |nth: &usize| instances.get(*nth).is_some_and(|row| row.lost().is_some());
    let mut asked = Vec::new();
    for (service, known) in &judged.services {
        for (key, subject) in known {
            let lost = subject.instances.iter().copied().filter(is_lost);
            asked.extend(lost.map(|nth| (service.as_str(), *key, nth)));
        }
    }
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for now in judged.now(reader, scope, asked)?.into_values() {
        for (state, count) in now.states {
            *states.entry(state).or_default() += count;
        }
    }
    Ok(states)
}

fn instance(
    reader: &Reader,
    scope: &Scope,
    row: &InstanceRow,
) -> Result<BoardInstance, QueryError> {
    let look = reader.last_look(row.key, scope.until)?;
    let is_silent = look.as_ref().is_some_and(|look| match look.outcome {
        Ok(_) => look.at < scope.since,
        Err(_) => look.at.plus(LOST_FOR) < scope.since,
    });
    // What was seen before the window is not in its rows, and so in none of its sums.
    let heard = look.as_ref().filter(|_| !is_silent);
    let seen = heard.and_then(|look| look.outcome.as_ref().ok());
    Ok(BoardInstance {
        service: row.service.clone(),
        instance: row.name.clone(),
        labels: row.labels.clone(),
        goroutines: seen.map(|seen| seen.goroutines),
        is_silent,
        last_poll: look.map(last_poll),
    })
}
