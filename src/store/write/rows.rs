//! Records to rows: watches, notes, failures, and the dispatch of polls.

use std::sync::Arc;

use rusqlite::{Transaction, named_params, params};

use super::Result;
use super::compact::Hot;
use super::names::{Names, Place};
use super::series::SeriesBook;
use super::snapshot::took_ms;
use crate::model::{
    EventKind, Failure, InstanceId, Kind, Note, Outcome, Poll, Record, Timestamp, Watch,
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
    pub(super) run: i64,
}

impl Rows<'_> {
    pub(super) fn record(&mut self, record: &Record) -> Result<Option<Ack>> {
        match record {
            Record::Poll(poll) => self.poll(poll).map(Some),
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
            Record::Note(note) => self.note(note).map(|()| None),
        }
    }

    fn watch(&mut self, watch: &Watch) -> Result<()> {
        let ids = self.names.instance(self.tx, &watch.instance, watch.from)?;
        self.end_watch(ids.instance, watch.from)?;
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

    fn note(&mut self, note: &Note) -> Result<()> {
        let ids = match &note.instance {
            Some(instance) => Some(self.names.instance(self.tx, instance, note.at)?),
            None => None,
        };
        self.event(
            note.at,
            note.kind,
            ids.map(|ids| (ids.service, ids.instance)),
            None,
            &note.text,
        )
    }

    pub(super) fn event(
        &self,
        at: Timestamp,
        kind: EventKind,
        place: Option<(i64, i64)>,
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
                ":service": place.map(|(service, _)| service),
                ":instance": place.map(|(_, instance)| instance),
                ":signature": signature,
                ":text": text,
            })
            .map(drop)
    }

    fn poll(&mut self, poll: &Poll) -> Result<Ack> {
        let ids = self.names.instance(self.tx, &poll.instance, poll.at)?;
        let (table, id) = match &poll.look.outcome {
            Outcome::Failed(failure) => ("failure", self.failure(ids.instance, poll, failure)?),
            Outcome::Snapshot(incarnation, snapshot) => {
                let life = self.names.incarnation(self.tx, ids.instance, incarnation)?;
                let place = Place {
                    ids,
                    incarnation: life.id,
                    at: poll.at,
                };
                match poll.look.kind {
                    Kind::Pulse => (
                        "pulse",
                        self.pulse(place, life.build, &poll.look, snapshot)?,
                    ),
                    Kind::Detail => ("detail", self.detail(place, &poll.look, snapshot)?),
                }
            }
        };
        Ok(Ack {
            table,
            id,
            instance: Arc::clone(&poll.instance),
            at: poll.at,
        })
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
