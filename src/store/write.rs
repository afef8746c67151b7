//! The writer thread: records in, one commit a second, acknowledged after it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior, named_params, params};

use super::hot::{DetailEntry, PulseEntry, pack_detail, pack_pulse};
use super::names::{Names, Place, Word};
use super::{DaemonLock, StoreError, open};
use crate::model::{
    EventKind, Failure, Incarnation, InstanceId, Kind, Look, Note, Outcome, Poll, ProcessFacts,
    Record, Snapshot, StartReason, Timestamp, Watch,
};
use crate::observe::Counters;

/// Commits come this far apart: one fsync a second.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Without anything to store, the sign of life in `daemon_run` is renewed this often.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Records that wait for a commit; beyond them the queue itself holds as many again. Ten thousand
/// instances at 30 s give 340 a second.
const BATCH: usize = 2_048;
/// First, last and peak of series are written back this often; readers add what is newer.
const FLUSH_EVERY: Duration = Duration::from_mins(5);
/// Attempts to store the last batch before the process ends without it.
const LAST_TRIES: u32 = 3;

type Result<T> = rusqlite::Result<T>;

/// The writer thread. Ends when every sender of its queue is gone.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<()>,
}

/// A process that was known when the daemon ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Where it answered.
    pub instance: InstanceId,
    /// What was known of it.
    pub incarnation: Incarnation,
}

impl Writer {
    /// Opens (or makes) the database and starts writing. `now` tells the wall clock.
    pub fn start(
        path: &Path,
        lock: DaemonLock,
        counters: Arc<Counters>,
        now: fn() -> Timestamp,
    ) -> std::result::Result<(Self, SyncSender<Record>), StoreError> {
        let connection = open::open_writing(path)?;
        let mut session = Session::begin(connection, path, now())
            .map_err(|source| StoreError::sqlite("write", path, source))?;
        let (sender, records) = sync_channel(BATCH);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                session.run(&records, &counters, now);
                drop(lock);
            })
            .map_err(|source| StoreError::Lock {
                path: path.to_owned(),
                source,
            })?;
        Ok((Self { thread }, sender))
    }

    /// Waits until everything sent is on disk. False when the thread had panicked.
    pub fn join(self) -> bool {
        self.thread.join().is_ok()
    }
}

/// The last incarnation at every instance of a database.
pub fn remembered(path: &Path) -> std::result::Result<Vec<Remembered>, StoreError> {
    let connection = open::open_reading(path)?;
    read_remembered(&connection).map_err(|source| StoreError::sqlite("read", path, source))
}

fn read_remembered(connection: &Connection) -> Result<Vec<Remembered>> {
    let mut statement = connection.prepare(
        "SELECT service.name, scheme, address, path, max(since), reason, build.build_id, vdso,
                heap_high
         FROM incarnation
         JOIN instance ON instance.id = incarnation.instance_id
         JOIN service ON service.id = instance.service_id
         LEFT JOIN build ON build.id = incarnation.build_id
         GROUP BY incarnation.instance_id",
    )?;
    let text = |row: &rusqlite::Row<'_>, at| row.get::<_, String>(at).map(Arc::<str>::from);
    let rows = statement.query_map([], |row| {
        let reason: String = row.get(5)?;
        Ok(Remembered {
            instance: InstanceId {
                service: text(row, 0)?,
                scheme: text(row, 1)?,
                address: text(row, 2)?,
                path: text(row, 3)?,
            },
            incarnation: Incarnation {
                since: Timestamp::from_millis(row.get(4)?),
                reason: StartReason::from_name(&reason).unwrap_or(StartReason::FirstContact),
                facts: ProcessFacts {
                    build_id: row.get(6)?,
                    vdso: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
                    heap_high: row.get(8)?,
                },
            },
        })
    })?;
    rows.collect()
}

/// What a series has come to since the last flush.
#[derive(Debug, Clone, Copy)]
struct SeriesState {
    last_at: Timestamp,
    last: u64,
    peak: u64,
    peak_at: Timestamp,
    dirty: bool,
}

/// One stored row, to be acknowledged after the commit.
struct Ack {
    table: &'static str,
    id: i64,
    instance: Arc<InstanceId>,
    at: Timestamp,
}

struct Session {
    connection: Connection,
    path: PathBuf,
    run: i64,
    names: Names,
    /// By signature and instance.
    series: HashMap<(i64, i64), SeriesState>,
    flushed: Instant,
    failing: bool,
}

impl Session {
    /// Notes the start of a daemon; what its predecessor left open ends at its last commit.
    fn begin(mut connection: Connection, path: &Path, now: Timestamp) -> Result<Self> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "UPDATE watch SET to_at = max(from_at, (SELECT last_commit_at FROM daemon_run
                                                    WHERE id = run_id))
             WHERE to_at IS NULL",
            [],
        )?;
        tx.execute(
            "INSERT INTO daemon_run (started_at, last_commit_at, version, pid)
             VALUES (?1, ?1, ?2, ?3)",
            params![
                now.as_millis(),
                env!("CARGO_PKG_VERSION"),
                std::process::id()
            ],
        )?;
        let run = tx.last_insert_rowid();
        tx.commit()?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            run,
            names: Names::default(),
            series: HashMap::new(),
            flushed: Instant::now(),
            failing: false,
        })
    }

    fn run(&mut self, records: &Receiver<Record>, counters: &Counters, now: fn() -> Timestamp) {
        let mut batch = Vec::new();
        let mut tries = 0;
        loop {
            let open = if self.failing {
                // The batch is full enough: leave the rest to the bounded queue.
                std::thread::sleep(COMMIT_EVERY);
                true
            } else {
                fill(records, &mut batch)
            };
            match self.store(&batch, now(), !open) {
                Ok(acks) => {
                    self.acknowledge(&acks);
                    batch.clear();
                    tries = 0;
                }
                Err(error) => {
                    self.note_failure(&error);
                    tries += 1;
                }
            }
            if !open && (batch.is_empty() || tries >= LAST_TRIES) {
                if !batch.is_empty() {
                    counters.polls_lost(batch.len() as u64, "the database could not be written");
                }
                return;
            }
        }
    }

    fn acknowledge(&mut self, acks: &[Ack]) {
        if std::mem::take(&mut self.failing) {
            tracing::info!("Writes to {} again", self.path.display());
        }
        for Ack {
            table,
            id,
            instance,
            at,
        } in acks
        {
            tracing::debug!(
                row.table = table, row.id = id, row.at = at.as_millis(), instance = %instance,
                "Stored {table} {id} of {instance}"
            );
        }
    }

    /// Polling goes on; what waits is kept, and the queue counts what does not fit.
    fn note_failure(&mut self, error: &rusqlite::Error) {
        // What the caches learnt in the transaction that failed is not in the tables.
        self.names.clear();
        self.series.clear();
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(
                error = %error,
                "Cannot write to {}: {error}; polls wait and are lost when too many do",
                self.path.display()
            );
        }
    }

    /// One transaction: the batch, the sign of life, and what is due to be flushed.
    fn store(&mut self, batch: &[Record], now: Timestamp, last: bool) -> Result<Vec<Ack>> {
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut acks = Vec::with_capacity(batch.len());
        let mut write = Write {
            tx: &tx,
            names: &mut self.names,
            series: &mut self.series,
            run: self.run,
        };
        for record in batch {
            acks.extend(write.record(record)?);
        }
        let flush = last || self.flushed.elapsed() >= FLUSH_EVERY;
        if flush {
            flush_series(&tx, &mut self.series)?;
        }
        tx.prepare_cached(
            "UPDATE daemon_run SET last_commit_at = max(last_commit_at, :now), stopped_at = :stopped
             WHERE id = :run",
        )?
        .execute(named_params! {
            ":now": now.as_millis(),
            ":stopped": last.then_some(now.as_millis()),
            ":run": self.run,
        })?;
        tx.commit()?;
        if flush {
            self.flushed = Instant::now();
        }
        Ok(acks)
    }
}

/// Gathers records for one commit; false when no more can come.
fn fill(records: &Receiver<Record>, batch: &mut Vec<Record>) -> bool {
    match records.recv_timeout(HEARTBEAT) {
        Ok(record) => batch.push(record),
        Err(RecvTimeoutError::Timeout) => return true,
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    let until = Instant::now() + COMMIT_EVERY;
    while batch.len() < BATCH {
        let wait = until.saturating_duration_since(Instant::now());
        match records.recv_timeout(wait) {
            Ok(record) => batch.push(record),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

/// Writes records within one transaction.
struct Write<'a> {
    tx: &'a Transaction<'a>,
    names: &'a mut Names,
    series: &'a mut HashMap<(i64, i64), SeriesState>,
    run: i64,
}

impl Write<'_> {
    fn record(&mut self, record: &Record) -> Result<Option<Ack>> {
        match record {
            Record::Poll(poll) => self.poll(poll).map(Some),
            Record::Watch(watch) => self.watch(watch).map(|()| None),
            Record::Unwatch(instance, at) => {
                let ids = self.names.instance(self.tx, instance, *at)?;
                self.end_watch(ids.instance, *at).map(|()| None)
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

    fn end_watch(&self, instance: i64, at: Timestamp) -> Result<()> {
        self.tx
            .prepare_cached(
                "UPDATE watch SET to_at = max(from_at, ?2)
                 WHERE instance_id = ?1 AND to_at IS NULL",
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

    fn event(
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

    fn pulse(&mut self, place: Place, build: i64, look: &Look, snapshot: &Snapshot) -> Result<i64> {
        let mut entries = Vec::with_capacity(snapshot.groups.len());
        let mut counts: HashMap<i64, u64> = HashMap::with_capacity(snapshot.groups.len());
        for group in &snapshot.groups {
            let ids = self.names.stack(self.tx, group, place)?;
            *counts.entry(ids.signature).or_default() += group.count;
            for split in &group.splits {
                entries.push(PulseEntry {
                    stack: ids.stack,
                    state: self.names.word(self.tx, Word::State, &split.state)?,
                    labels: self.names.labels(self.tx, &split.labels)?,
                    count: split.count,
                });
            }
        }
        if !snapshot.truncated {
            for (signature, count) in counts {
                self.see(signature, count, build, place)?;
            }
        }
        self.tx
            .prepare_cached(
                "INSERT INTO pulse (incarnation_id, at, took_ms, form, goroutines, own,
                                    complained, truncated, complaints, groups)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .insert(params![
                place.incarnation,
                place.at.as_millis(),
                took_ms(look),
                snapshot.form.as_str(),
                stored(snapshot.goroutines),
                stored(snapshot.own),
                stored(snapshot.complained),
                snapshot.truncated,
                complaints(snapshot),
                pack_pulse(&mut entries),
            ])
    }

    /// Notes that a signature is there: first sightings at once, the rest at the next flush.
    fn see(&mut self, signature: i64, count: u64, build: i64, place: Place) -> Result<()> {
        let key = (signature, place.ids.instance);
        let at = place.at;
        if let Some(series) = self.series.get_mut(&key) {
            series.last_at = at;
            series.last = count;
            if count > series.peak {
                (series.peak, series.peak_at) = (count, at);
            }
            series.dirty = true;
        } else {
            let state = SeriesState {
                last_at: at,
                last: count,
                peak: count,
                peak_at: at,
                dirty: true,
            };
            self.series.insert(key, state);
            self.insert_series(signature, count, place)?;
        }
        if self
            .names
            .sightings
            .insert((signature, place.ids.service, build))
        {
            self.insert_sighting(signature, build, place)?;
        }
        Ok(())
    }

    fn insert_series(&self, signature: i64, count: u64, place: Place) -> Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO series (signature_id, instance_id, first_at, first_incarnation_id,
                                     last_at, last, peak, peak_at)
                 VALUES (:signature, :instance, :at, :incarnation, :at, :count, :count, :at)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(named_params! {
                ":signature": signature,
                ":instance": place.ids.instance,
                ":at": place.at.as_millis(),
                ":incarnation": place.incarnation,
                ":count": stored(count),
            })
            .map(drop)
    }

    fn insert_sighting(&self, signature: i64, build: i64, place: Place) -> Result<()> {
        let known: bool = self
            .tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM sighting WHERE signature_id = ?1 AND service_id = ?2)")?
            .query_row(params![signature, place.ids.service], |row| row.get(0))?;
        self.tx
            .prepare_cached(
                "INSERT INTO sighting (signature_id, service_id, build_id, first_at, incarnation_id)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                signature,
                place.ids.service,
                build,
                place.at.as_millis(),
                place.incarnation
            ])?;
        // What a process shows at its first look is where we came in, not news.
        let came_in: bool = self
            .tx
            .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM pulse WHERE incarnation_id = ?1)")?
            .query_row([place.incarnation], |row| row.get(0))?;
        if !known && !came_in {
            let ids = Some((place.ids.service, place.ids.instance));
            let text = "seen for the first time in this service";
            self.event(
                place.at,
                EventKind::NewSignature,
                ids,
                Some(signature),
                text,
            )?;
        }
        Ok(())
    }

    fn detail(&mut self, place: Place, look: &Look, snapshot: &Snapshot) -> Result<i64> {
        let mut entries = Vec::with_capacity(snapshot.groups.len());
        for group in &snapshot.groups {
            let ids = self.names.stack(self.tx, group, place)?;
            let mut splits = Vec::with_capacity(group.splits.len());
            for split in &group.splits {
                let state = self.names.word(self.tx, Word::State, &split.state)?;
                splits.push((
                    state,
                    self.names.labels(self.tx, &split.labels)?,
                    split.count,
                ));
            }
            let mut creators = Vec::with_capacity(group.creators.len());
            for (creator, count) in &group.creators {
                let id = match creator {
                    Some(creator) => self.names.word(self.tx, Word::Creator, creator)?,
                    None => 0,
                };
                creators.push((id, *count));
            }
            entries.push(DetailEntry {
                stack: ids.stack,
                count: group.count,
                splits,
                waits: group.waits,
                oldest_minutes: group.oldest_minutes,
                leaked: group.leaked,
                creators,
                survival: group
                    .survival
                    .map(|survival| (survival.sampled, survival.alive)),
            });
        }
        let body = pack_detail(&mut entries)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.tx
            .prepare_cached(
                "INSERT INTO detail (incarnation_id, at, took_ms, kind, form, goroutines, own,
                                     complained, truncated, complaints, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .insert(params![
                place.incarnation,
                place.at.as_millis(),
                took_ms(look),
                look.kind.as_str(),
                snapshot.form.as_str(),
                stored(snapshot.goroutines),
                stored(snapshot.own),
                stored(snapshot.complained),
                snapshot.truncated,
                complaints(snapshot),
                body,
            ])
    }
}

fn flush_series(tx: &Transaction<'_>, series: &mut HashMap<(i64, i64), SeriesState>) -> Result<()> {
    let mut update_series = tx.prepare_cached(
        "UPDATE series SET last_at = :at, last = :last,
             peak = max(peak, :peak),
             peak_at = CASE WHEN :peak > peak THEN :peak_at ELSE peak_at END
         WHERE signature_id = :signature AND instance_id = :instance",
    )?;
    let mut newest: HashMap<i64, Timestamp> = HashMap::new();
    for ((signature, instance), state) in series.iter_mut().filter(|(_, state)| state.dirty) {
        update_series.execute(named_params! {
            ":at": state.last_at.as_millis(),
            ":last": stored(state.last),
            ":peak": stored(state.peak),
            ":peak_at": state.peak_at.as_millis(),
            ":signature": signature,
            ":instance": instance,
        })?;
        let last = newest.entry(*signature).or_default();
        *last = (*last).max(state.last_at);
        state.dirty = false;
    }
    let mut update_signature =
        tx.prepare_cached("UPDATE signature SET last_at = max(last_at, ?2) WHERE id = ?1")?;
    for (signature, at) in newest {
        update_signature.execute(params![signature, at.as_millis()])?;
    }
    Ok(())
}

/// A cut stack has turned out to be the top of a full one: it counts as that from now on, for all
/// its history, since samples refer to stacks. An old signature without stacks becomes an alias.
pub(super) fn repoint(tx: &Transaction<'_>, stack: i64, old: i64, new: i64) -> Result<()> {
    tx.execute(
        "UPDATE stack SET signature_id = ?2 WHERE id = ?1",
        [stack, new],
    )?;
    let used: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM stack WHERE signature_id = ?1)",
        [old],
        |row| row.get(0),
    )?;
    if used {
        return Ok(());
    }
    for statement in [
        "INSERT INTO series SELECT ?2, instance_id, first_at, first_incarnation_id, last_at, last,
                                   peak, peak_at
         FROM series AS old WHERE signature_id = ?1
         ON CONFLICT DO UPDATE SET
             first_incarnation_id = CASE WHEN excluded.first_at < first_at
                 THEN excluded.first_incarnation_id ELSE first_incarnation_id END,
             first_at = min(first_at, excluded.first_at),
             last_at = max(last_at, excluded.last_at),
             peak_at = CASE WHEN excluded.peak > peak THEN excluded.peak_at ELSE peak_at END,
             peak = max(peak, excluded.peak)",
        "INSERT INTO sighting SELECT ?2, service_id, build_id, first_at, incarnation_id
         FROM sighting AS old WHERE signature_id = ?1
         ON CONFLICT DO UPDATE SET
             incarnation_id = CASE WHEN excluded.first_at < first_at
                 THEN excluded.incarnation_id ELSE incarnation_id END,
             first_at = min(first_at, excluded.first_at)",
        "UPDATE signature SET
             first_incarnation_id = (SELECT first_incarnation_id FROM signature WHERE id = ?1),
             first_at = (SELECT first_at FROM signature WHERE id = ?1)
         WHERE id = ?2 AND first_at > (SELECT first_at FROM signature WHERE id = ?1)",
        "INSERT INTO signature_alias SELECT hash, ?2 FROM signature WHERE id = ?1
         ON CONFLICT DO UPDATE SET signature_id = excluded.signature_id",
        "UPDATE signature_alias SET signature_id = ?2 WHERE signature_id = ?1",
        "UPDATE event SET signature_id = ?2 WHERE signature_id = ?1",
        "DELETE FROM series WHERE signature_id = ?1 AND ?2 = ?2",
        "DELETE FROM sighting WHERE signature_id = ?1 AND ?2 = ?2",
        "DELETE FROM signature WHERE id = ?1 AND ?2 = ?2",
    ] {
        tx.execute(statement, [old, new])?;
    }
    Ok(())
}

fn took_ms(look: &Look) -> i64 {
    i64::try_from(look.took.as_millis()).unwrap_or(i64::MAX)
}

/// Counts beyond 2^63 do not occur; SQLite could not hold them.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The complaints as JSON; NULL when there are none.
fn complaints(snapshot: &Snapshot) -> Option<String> {
    if snapshot.complaints.is_empty() {
        return None;
    }
    serde_json::to_string(&snapshot.complaints).ok()
}
