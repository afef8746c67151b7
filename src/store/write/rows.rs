//! Records to rows: watches, notes, failures, and the dispatch of polls.

use std::sync::Arc;

use rusqlite::{Transaction, named_params, params};

use super::Result;
use super::hot::Hot;
use super::limit::{self, Limit};
use super::names::{Names, Place};
use super::once::{Once, is_noted};
use super::series::SeriesBook;
use super::snapshot::{Scratch, took_ms};
use crate::model::{
    Analysis, EventKind, Failure, InstanceId, Kind, Note, Outcome, Poll, Record, Timestamp, Watch,
};

/// One stored row, to be acknowledged after the commit.
pub(super) struct Ack {
    pub(super) table: &'static str,
    pub(super) id: i64,
    pub(super) instance: Arc<InstanceId>,
    pub(super) at: Timestamp,
}

/// Writes records within one transaction.
pub(super) struct Rows<'a> {
    pub(super) tx: &'a Transaction<'a>,
    pub(super) names: &'a mut Names,
    pub(super) series: &'a mut SeriesBook,
    pub(super) hot: &'a mut Hot,
    pub(super) scratch: &'a mut Scratch,
    /// Where history is imported: what is there already is not stored again.
    pub(super) once: Option<&'a mut Once>,
    pub(super) run: i64,
}

impl Rows<'_> {
    pub(super) fn record(&mut self, record: &Record) -> Result<Option<Ack>> {
        match record {
            Record::Poll(poll) => self.poll(poll),
            Record::Watch(watch) => self.watch(watch).map(|()| None),
            Record::Unwatch { instance, from, to } => {
                let ids = self.names.instance(self.tx, instance, *from)?;
                self.tx
                    .prepare_cached(
                        "UPDATE watch SET to_at = ?3
                         WHERE instance_id = ?1 AND from_at = ?2 AND to_at IS NULL",
                    )?
                    .execute(params![ids.instance, from.as_millis(), to.as_millis()])
                    .map(|_| None)
            }
            Record::Watched { watch, to } => self.watched(watch, *to).map(|()| None),
            Record::Note(note) => self.note(note, None).map(|()| None),
            Record::Known(known) => self.known(known).map(|()| None),
            Record::Judged(at, judgements) => self.judged(*at, judgements).map(|()| None),
            Record::Analysis(analysis) => self.analysis(analysis).map(|()| None),
            Record::MaxSignatures(most) => {
                self.names.limit = Limit::of(*most);
                self.names.limit.keep(self.tx).map(|()| None)
            }
        }
    }

    /// What cannot be written as JSON, which nothing is, would be told to readers as unreadable.
    fn analysis(&self, analysis: &Analysis) -> Result<()> {
        let thresholds = serde_json::to_string(&analysis.thresholds).unwrap_or_default();
        let ignore = serde_json::to_string(&analysis.ignore).unwrap_or_default();
        self.tx
            .prepare_cached(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('analysis', ?1), ('ignore', ?2)",
            )?
            .execute([thresholds, ignore])
            .map(drop)
    }

    fn watch(&mut self, watch: &Watch) -> Result<()> {
        let ids = self.names.instance(self.tx, &watch.instance, watch.from)?;
        self.end_watch(ids.instance, watch.from)?;
        self.version_met(watch, (ids.service, ids.instance))?;
        self.tx
            .prepare_cached(
                "INSERT INTO watch (run_id, instance_id, from_at, interval_ms)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                self.run,
                ids.instance,
                watch.from.as_millis(),
                i64::try_from(watch.interval.as_millis()).unwrap_or(i64::MAX),
            ])?;
        let labels = serde_json::to_string(&*watch.labels).unwrap_or_default();
        self.tx
            .prepare_cached(
                "INSERT INTO instance_label (instance_id, from_at, labels)
                 SELECT :instance, :from, :labels
                 WHERE :labels IS NOT (SELECT labels FROM instance_label
                                       WHERE instance_id = :instance
                                       ORDER BY from_at DESC LIMIT 1)
                 ON CONFLICT DO UPDATE SET labels = excluded.labels",
            )?
            .execute(named_params! {
                ":instance": ids.instance,
                ":from": watch.from.as_millis(),
                ":labels": labels,
            })
            .map(drop)
    }

    /// The whole of a watch, or more of one that was told before.
    fn watched(&mut self, watch: &Watch, to: Timestamp) -> Result<()> {
        let ids = self.names.instance(self.tx, &watch.instance, watch.from)?;
        let interval = i64::try_from(watch.interval.as_millis()).unwrap_or(i64::MAX);
        let (from, to) = (watch.from.as_millis(), to.as_millis());
        let known = self
            .tx
            .prepare_cached(
                "UPDATE watch SET to_at = max(coalesce(to_at, ?3), ?3)
                 WHERE instance_id = ?1 AND from_at = ?2 AND interval_ms = ?4",
            )?
            .execute(params![ids.instance, from, to, interval])?;
        if known > 0 {
            return Ok(());
        }
        self.tx
            .prepare_cached(
                "INSERT INTO watch (run_id, instance_id, from_at, to_at, interval_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.run, ids.instance, from, to, interval])?;
        let labels = serde_json::to_string(&*watch.labels).unwrap_or_default();
        self.tx
            .prepare_cached(
                "INSERT INTO instance_label (instance_id, from_at, labels)
                 SELECT ?1, ?2, ?3
                 WHERE ?3 IS NOT (SELECT labels FROM instance_label
                                  WHERE instance_id = ?1 AND from_at <= ?2
                                  ORDER BY from_at DESC LIMIT 1)
                 ON CONFLICT DO UPDATE SET labels = excluded.labels",
            )?
            .execute(params![ids.instance, from, labels])
            .map(drop)
    }

    /// Ends what is still open: a task that panicked could not.
    fn end_watch(&self, instance: i64, at: Timestamp) -> Result<()> {
        self.tx
            .prepare_cached(
                "UPDATE watch SET to_at = ?2
                 WHERE instance_id = ?1 AND to_at IS NULL AND from_at < ?2",
            )?
            .execute(params![instance, at.as_millis()])
            .map(drop)
    }

    pub(super) fn note(&mut self, note: &Note, signature: Option<i64>) -> Result<()> {
        let ids = match &note.instance {
            Some(instance) => Some(self.names.instance(self.tx, instance, note.at)?),
            None => None,
        };
        let instance = ids.map(|ids| ids.instance);
        if self.once.is_some() && is_noted(self.tx, note, instance, signature)? {
            return Ok(());
        }
        self.event(
            note.at,
            note.kind,
            (ids.map(|ids| ids.service), instance),
            signature,
            &note.text,
        )
    }

    pub(super) fn event(
        &self,
        at: Timestamp,
        kind: EventKind,
        (service, instance): (Option<i64>, Option<i64>),
        signature: Option<i64>,
        text: &str,
    ) -> Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO event (at, kind, service_id, instance_id, signature_id, text)
                 VALUES (:at, :kind, :service, :instance, :signature, :text)",
            )?
            .execute(named_params! {
                ":at": at.as_millis(),
                ":kind": kind.as_str(),
                ":service": service,
                ":instance": instance,
                ":signature": signature,
                ":text": text,
            })
            .map(drop)
    }

    /// Stores a poll; `None` when it is there already.
    fn poll(&mut self, poll: &Poll) -> Result<Option<Ack>> {
        let ids = self.names.instance(self.tx, &poll.instance, poll.at)?;
        let (table, id) = match &poll.look.outcome {
            Outcome::Failed(failure) => {
                if let Some(once) = &mut self.once
                    && once.has_failure(self.tx, ids.instance, poll)?
                {
                    return Ok(None);
                }
                if poll.look.kind == Kind::Proof {
                    self.asked(ids.instance, poll.at)?;
                }
                ("failure", self.failure(ids.instance, poll, failure)?)
            }
            Outcome::Snapshot(incarnation, snapshot) => {
                let life = self.names.incarnation(self.tx, ids.instance, incarnation)?;
                let place = Place {
                    ids,
                    incarnation: life.id,
                    at: poll.at,
                };
                if let Some(once) = &mut self.once
                    && once.has_snapshot(self.tx, life.id, poll)?
                {
                    return Ok(None);
                }
                if self.once.is_none() {
                    self.build_met(place, life.build)?;
                }
                match poll.look.kind {
                    Kind::Pulse => (
                        "pulse",
                        self.pulse(place, life.build, &poll.look, snapshot)?,
                    ),
                    Kind::Detail | Kind::Proof => (
                        "detail",
                        self.detail(place, life.build, &poll.look, snapshot)?,
                    ),
                }
            }
        };
        Ok(Some(Ack {
            table,
            id,
            instance: Arc::clone(&poll.instance),
            at: poll.at,
        }))
    }

    /// Tells of a service that has come to its limit of signatures or stacks, once.
    pub(super) fn tell_limit(&mut self, place: Place) -> Result<()> {
        for text in self.names.limit.take_news(place.ids.service) {
            let kind = EventKind::SignatureLimit;
            let (service, instance) = (place.ids.service, place.ids.instance);
            let was_told: bool = self
                .tx
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM event
                                    WHERE kind = ?1 AND service_id = ?2 AND text = ?3)",
                )?
                .query_row(params![kind.as_str(), service, text], |row| row.get(0))?;
            if !was_told {
                self.event(place.at, kind, (Some(service), Some(instance)), None, &text)?;
                self.tx.execute(
                    "INSERT INTO meta VALUES (?1, '1') ON CONFLICT DO NOTHING",
                    [limit::REACHED],
                )?;
                let name: String = self.tx.query_row(
                    "SELECT name FROM service WHERE id = ?1",
                    [service],
                    |row| row.get(0),
                )?;
                tracing::warn!(event = kind.as_str(), service = name, "{name}: {text}");
            }
        }
        Ok(())
    }

    fn failure(&self, instance: i64, poll: &Poll, failure: &Failure) -> Result<i64> {
        self.tx
            .prepare_cached(
                "INSERT INTO failure (instance_id, at, took_ms, kind, reason, message)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .insert(params![
                instance,
                poll.at.as_millis(),
                took_ms(&poll.look),
                poll.look.kind.as_str(),
                failure.reason.as_str(),
                failure.message,
            ])
    }
}
