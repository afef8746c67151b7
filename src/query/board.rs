//! What a live view shows: every signature in the window, and how its instances are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::instances::{LastPoll, last_poll};
use super::judged::judged;
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
    /// Goroutines by state, at the last pulse of each instance.
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
    /// Goroutines at the newest poll, where that was good.
    pub goroutines: Option<u64>,
}

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
            .filter(|poll| poll.outcome == "failed")
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
        .map(|row| instance(reader, scope.until, row))
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
    let growers = answer(reader, &request, judged)?;
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for (state, count) in growers.rows.iter().flat_map(|row| &row.states) {
        *states.entry(state.clone()).or_default() += count;
    }
    let rows = growers.rows.into_iter().map(|grower| {
        let more = more.remove(&(grower.service.clone(), grower.signature));
        let (on, frames) = more.unwrap_or_default();
        BoardRow { grower, on, frames }
    });
    Ok(Board {
        rows: rows.collect(),
        window: growers.window,
        goroutines: instances.iter().filter_map(|row| row.goroutines).sum(),
        trend: trend.to_vec(),
        states,
        instances,
        signatures: growers.signatures,
    })
}

fn instance(
    reader: &Reader,
    until: Timestamp,
    row: &InstanceRow,
) -> Result<BoardInstance, QueryError> {
    let look = reader.last_look(row.key, until)?;
    let seen = look.as_ref().and_then(|look| look.outcome.as_ref().ok());
    Ok(BoardInstance {
        service: row.service.clone(),
        instance: row.name.clone(),
        labels: row.labels.clone(),
        goroutines: seen.map(|seen| seen.goroutines),
        last_poll: look.map(last_poll),
    })
}
