//! What was due, from what was polled, where a history does not tell it.
//!
//! A watch begins with the first poll of an instance and ends with the last one. Its interval is what
//! `interval_seconds` says; where no line says it, the usual time between two polls, and then a stretch
//! of ten of these without a poll was not missed but not wanted.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{InstanceId, Labels, Record, Timestamp, Watch};

/// Polls that are looked at together.
const CHUNK: usize = 64;
/// The interval where a single poll tells none.
const DEFAULT_MS: i64 = 30_000;
/// Without an interval that was told, nobody polled for as many of them.
const PAUSE: i64 = 10;

/// What one instance was watched for.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// As the lines say, so far.
    interval_ms: Option<i64>,
    labels: Arc<Labels>,
    /// Polls that are not looked at yet.
    polls: Vec<i64>,
    span: Option<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
    interval_ms: i64,
}

impl Watching {
    /// Notes a poll, and what its line says of the instance; records go to `out`.
    pub(super) fn note(
        &mut self,
        instance: &Arc<InstanceId>,
        at: Timestamp,
        (interval_ms, labels): (Option<u64>, Option<&Arc<Labels>>),
        out: &mut Vec<Record>,
    ) {
        let interval_ms = interval_ms.and_then(|ms| i64::try_from(ms).ok());
        let other_interval = interval_ms.is_some() && interval_ms != self.interval_ms;
        let other_labels = labels.is_some_and(|labels| **labels != *self.labels);
        if other_interval || other_labels {
            self.end(instance, out);
            self.interval_ms = interval_ms.or(self.interval_ms);
            self.labels = labels.map_or_else(|| Arc::clone(&self.labels), Arc::clone);
        }
        self.polls.push(at.as_millis());
        if self.polls.len() >= CHUNK {
            self.look(instance, out);
        }
    }

    /// Ends what is watched.
    pub(super) fn end(&mut self, instance: &Arc<InstanceId>, out: &mut Vec<Record>) {
        self.look(instance, out);
        self.span = None;
    }

    /// Looks at the polls that were noted.
    fn look(&mut self, instance: &Arc<InstanceId>, out: &mut Vec<Record>) {
        let mut polls = std::mem::take(&mut self.polls);
        polls.sort_unstable();
        let interval = self.interval_ms.unwrap_or_else(|| self.usual(&polls));
        for (nth, at) in polls.iter().enumerate() {
            let goes_on = self.span.filter(|span| {
                let gap = at - span.to;
                let paused = self.interval_ms.is_none() && gap > PAUSE * interval;
                span.interval_ms == interval && *at >= span.from && !paused
            });
            if let Some(span) = goes_on {
                let to = span.to.max(*at);
                self.span = Some(Span { to, ..span });
                continue;
            }
            self.tell(instance, out);
            let ahead = polls.get(nth..).unwrap_or_default();
            self.span = Some(Span {
                from: at - early(ahead, interval),
                to: *at,
                interval_ms: interval,
            });
        }
        self.tell(instance, out);
        polls.clear();
        self.polls = polls;
    }

    /// The usual time between polls; what it was so far, where that is about the same.
    fn usual(&self, polls: &[i64]) -> i64 {
        let mut gaps: Vec<i64> = polls
            .iter()
            .zip(polls.iter().skip(1))
            .map(|(before, after)| after - before)
            .filter(|gap| *gap > 0)
            .collect();
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2).copied();
        let so_far = self.span.map(|span| span.interval_ms);
        match (median, so_far) {
            (Some(median), Some(so_far)) if (median - so_far).abs() * 4 > so_far => median,
            (_, Some(so_far)) => so_far,
            (median, None) => median.unwrap_or(DEFAULT_MS),
        }
    }

    fn tell(&self, instance: &Arc<InstanceId>, out: &mut Vec<Record>) {
        let Some(span) = self.span else { return };
        let watch = Watch {
            instance: Arc::clone(instance),
            from: Timestamp::from_millis(span.from),
            interval: Duration::from_millis(span.interval_ms.unsigned_abs()),
            labels: Arc::clone(&self.labels),
        };
        let to = Timestamp::from_millis(span.to);
        out.push(Record::Watched { watch, to });
    }
}

/// How much earlier than on a grid from the first of them on some poll was made: the grid begins so
/// much earlier, so that each falls behind its tick. At most half an interval.
fn early(polls: &[i64], interval: i64) -> i64 {
    let Some(first) = polls.first() else { return 0 };
    let early = |at: &i64| {
        let behind = (at - first).rem_euclid(interval);
        if behind * 2 > interval {
            interval - behind
        } else {
            0
        }
    };
    polls.iter().map(early).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beginning, end and interval of each watch, in seconds.
    fn watches(polls: &[i64], interval: Option<u64>) -> Vec<(i64, i64, u64)> {
        let instance = Arc::new(InstanceId {
            service: "s".into(),
            scheme: "http".into(),
            address: "s:1".into(),
            path: "/debug/pprof".into(),
        });
        let mut watching = Watching::default();
        let mut told = Vec::new();
        for at in polls {
            let at = Timestamp::from_millis(at * 1_000);
            watching.note(&instance, at, (interval, None), &mut told);
        }
        watching.end(&instance, &mut told);
        let mut ends = std::collections::BTreeMap::new();
        for record in told {
            if let Record::Watched { watch, to } = record {
                let interval = watch.interval.as_secs();
                ends.insert((watch.from, interval), to);
            }
        }
        let seconds = |at: Timestamp| at.as_millis() / 1_000;
        ends.into_iter()
            .map(|((from, interval), to)| (seconds(from), seconds(to), interval))
            .collect()
    }

    #[test]
    fn the_usual_spacing_is_the_interval() {
        let polls: Vec<i64> = (0..200).map(|nth| 1_000 + nth * 30).collect();
        assert_eq!(watches(&polls, None), [(1_000, 6_970, 30)]);
        // A few that are missing were missed; where nothing was polled for long, nothing was due.
        let polls = [0, 30, 60, 150, 180, 3_000, 3_030, 3_060];
        assert_eq!(watches(&polls, None), [(0, 180, 30), (3_000, 3_060, 30)]);
        assert_eq!(watches(&[7], None), [(7, 7, 30)]);
    }

    #[test]
    fn an_interval_that_is_told_holds() {
        let polls = [0, 10, 20, 3_000, 3_010];
        assert_eq!(watches(&polls, Some(10_000)), [(0, 3_010, 10)]);
    }

    #[test]
    fn another_spacing_is_another_watch() {
        let mut polls: Vec<i64> = (0..64).map(|nth| nth * 30).collect();
        polls.extend((1..=64).map(|nth| 63 * 30 + nth * 60));
        let found = watches(&polls, None);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].2, found[1].2), (30, 60));
    }

    #[test]
    fn polls_that_come_a_little_early_are_in_their_ticks() {
        let polls = [100, 129, 160, 190, 219, 250];
        assert_eq!(watches(&polls, None), [(99, 250, 30)]);
    }
}
