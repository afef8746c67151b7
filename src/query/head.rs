//! The head of every answer: how much of its window was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::QueryError;
use super::scope::{Observed, Pause, Scope};
use crate::analyse::{IgnoreRules, smallest_detectable_per_hour};
use crate::model::{IgnoreRule, Thresholds, Timestamp};
use crate::store::{Grain, LimitRow, Reader};

/// A daemon stores a sign of life each ten seconds: one that does not for so long cannot.
const SILENCE: Duration = Duration::from_mins(1);

/// The head of every answer: what was looked at, and how much of it there is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WindowHead {
    /// Beginning of the window.
    pub since: Timestamp,
    /// End of the window.
    pub until: Timestamp,
    /// When polling began within the window; `None` when nothing was due.
    pub polled_since: Option<Timestamp>,
    /// When it ended, or was last known to go on.
    pub polled_until: Option<Timestamp>,
    /// Retention has removed snapshots before this moment, where that lies in the window.
    pub kept_since: Option<Timestamp>,
    /// The beginning of the first day before that which is told all the same: by its lowest, highest and
    /// last counts.
    pub days_since: Option<Timestamp>,
    /// How finely processes were told, where their snapshots are kept.
    pub resolution: Resolution,
    /// When the daemon that runs stored something last, where that is long before the end of the window.
    pub daemon_silent_since: Option<Timestamp>,
    /// Due polls that gave a snapshot.
    pub polls_ok: u64,
    /// Polls that were due.
    pub polls_due: u64,
    /// Processes that were followed by another one in the window.
    pub restarts: u64,
    /// The slowest leak that this window can show as GROWING, goroutines per hour and instance; `null` where every
    /// process was seen for too short a time.
    pub min_detectable_per_hour: Option<f64>,
    /// Services that were looked at.
    pub services: usize,
    /// Instances that were looked at.
    pub instances: usize,
    /// Hex digits of a signature that tell it from every other one, at least 8.
    #[serde(skip)]
    pub digits: usize,
    /// Instances by service.
    #[serde(skip)]
    pub instances_of: BTreeMap<String, usize>,
    /// Stretches in which some instance was not polled because no daemon ran or it was not wanted,
    /// between others in which it was. They are no gaps: nothing was due.
    pub pauses: Vec<Pause>,
    /// Ignore rules of the daemon that held no more at the end of the window.
    pub rules_ended: Vec<IgnoreRule>,
    /// What the daemon was told of the analysis and is not readable: defaults stand in for it.
    pub analysis_unread: Vec<String>,
    /// Services that have brought as many signatures as they may: further ones count as one.
    pub signature_limits: Vec<LimitRow>,
}

/// Of how many processes every poll was looked at, and of how many less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// Every poll.
    pub by_poll: u64,
    /// The lowest and the last count in each ten minutes.
    pub by_ten_minutes: u64,
    /// The lowest and the last count in each day of UTC.
    pub by_day: u64,
}

impl Resolution {
    /// All processes of the window.
    pub const fn processes(&self) -> u64 {
        self.by_poll + self.by_ten_minutes + self.by_day
    }
}

/// Adds up the head of an answer, instance by instance.
#[derive(Debug)]
pub(super) struct HeadCount {
    head: WindowHead,
    /// Behind the warm-up; `None` where no process was seen for long enough.
    longest: Option<Duration>,
}

impl HeadCount {
    pub(super) fn new(scope: &Scope) -> Self {
        let head = WindowHead {
            since: scope.since,
            until: scope.until,
            polled_since: None,
            polled_until: None,
            kept_since: None,
            days_since: None,
            daemon_silent_since: None,
            resolution: Resolution::default(),
            polls_ok: 0,
            polls_due: 0,
            restarts: 0,
            min_detectable_per_hour: None,
            services: 0,
            instances: 0,
            digits: 32,
            instances_of: BTreeMap::new(),
            pauses: Vec::new(),
            rules_ended: Vec::new(),
            analysis_unread: Vec::new(),
            signature_limits: Vec::new(),
        };
        Self {
            head,
            longest: None,
        }
    }

    pub(super) fn add(&mut self, scope: &Scope, observed: &Observed) {
        self.head.polls_due += observed.polls_due;
        self.head.polls_ok += observed.polls_ok;
        self.head.restarts += observed.restarts(scope);
        for life in &observed.lives {
            let resolution = &mut self.head.resolution;
            *match life.grain {
                Grain::Poll => &mut resolution.by_poll,
                Grain::Slot => &mut resolution.by_ten_minutes,
                Grain::Day => &mut resolution.by_day,
            } += 1;
        }
        if !observed.due.is_empty() || !observed.lives.is_empty() {
            self.head.instances += 1;
            let service = observed.instance.service.clone();
            *self.head.instances_of.entry(service).or_default() += 1;
            self.head.pauses.extend(observed.pauses());
        }
        let begun = observed
            .due
            .iter()
            .map(|span| span.from.max(scope.since))
            .min();
        self.head.polled_since = begun.into_iter().chain(self.head.polled_since).min();
        let ended = observed
            .due
            .iter()
            .map(|span| span.to.min(scope.until))
            .max();
        self.head.polled_until = ended.max(self.head.polled_until);
        self.longest = self.longest.max(observed.judged_for(scope));
    }

    pub(super) fn finish(
        mut self,
        reader: &Reader,
        thresholds: &Thresholds,
    ) -> Result<WindowHead, QueryError> {
        self.head.digits = distinguishing_digits(reader)?;
        let kept = reader.kept_since()?;
        self.head.kept_since = kept.filter(|kept| *kept > self.head.since);
        let days = reader.days(self.head.since, self.head.until)?;
        self.head.days_since = days.map(|(from, _)| from);
        let stored = reader.daemon_time()?;
        self.head.daemon_silent_since = stored.filter(|at| self.head.until.since(*at) > SILENCE);
        self.head.services = self.head.instances_of.len();
        let mut limits = reader.limits()?;
        limits.retain(|row| {
            row.since <= self.head.until && self.head.instances_of.contains_key(&row.service)
        });
        self.head.signature_limits = limits;
        self.head.pauses = merged(std::mem::take(&mut self.head.pauses));
        self.head.min_detectable_per_hour = self
            .longest
            .map(|seen| smallest_detectable_per_hour(seen, thresholds));
        let rules = IgnoreRules::new(reader.ignore_rules()?.to_vec());
        self.head.rules_ended = rules.ended(self.head.until).cloned().collect();
        let unread = reader.unread_analysis()?.iter();
        let unread = unread.map(|unread| format!("`{}` ({})", unread.key, unread.why));
        self.head.analysis_unread = unread.collect();
        Ok(self.head)
    }
}

/// Pauses that overlap, drawn together: a daemon that was down shows once, not once an instance.
fn merged(mut pauses: Vec<Pause>) -> Vec<Pause> {
    pauses.sort_unstable();
    let mut merged: Vec<Pause> = Vec::new();
    for pause in pauses {
        match merged.last_mut() {
            Some(last) if pause.from <= last.to => last.to = last.to.max(pause.to),
            _ => merged.push(pause),
        }
    }
    merged
}

/// How many hex digits tell every signature of the database from every other one.
pub(super) fn distinguishing_digits(reader: &Reader) -> Result<usize, QueryError> {
    const LEAST: usize = 8;
    let mut names: Vec<String> = reader
        .signatures()?
        .values()
        .map(|row| row.signature.to_string())
        .collect();
    names.sort_unstable();
    let neighbours = names.iter().zip(names.iter().skip(1));
    let common = neighbours
        .map(|(a, b)| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count())
        .max()
        .unwrap_or(0);
    Ok(LEAST.max(common + 1))
}
