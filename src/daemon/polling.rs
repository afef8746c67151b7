//! Polling into a database: all of the daemon but its signals, so that a live view and a demonstration
//! are the same as the daemon.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::DaemonError;
use crate::collect::{Deps, Fetcher, Known, Lives, Queue, Supervisor, Turns, poll_service};
use crate::config::{Config, Service, Storage};
use crate::model::{Analysis, EventKind, InstanceId, Record, Signature, Suspects};
use crate::observe::Counters;
use crate::present::{Zone, rule_ended};
use crate::query::Judging;
use crate::store::{self, DaemonLock, InstanceRow, Reader, Retention, StoreError, Writer};
use crate::{clock, group};

/// Services that are polled, and the writer of what they answer. Dropped without [`Polling::stop`], tasks end
/// with their runtime, and what the writer has not committed is lost.
pub struct Polling {
    wanted: watch::Sender<Vec<Service>>,
    suspected: watch::Sender<Arc<Suspects>>,
    supervising: JoinSet<()>,
    stop: CancellationToken,
    queue: Queue,
    writer: Writer,
    counters: Arc<Counters>,
}

impl Polling {
    /// Starts polling what `config` says into `database`, which is made where it is not there; the storage path of
    /// the config is not looked at. Must be called within a runtime. Errors: the database, TLS.
    pub fn start(config: Config, database: &Path) -> Result<Self, DaemonError> {
        if !config.storage.allow_network_filesystem {
            store::refuse_network(database)?;
        }
        let lock = DaemonLock::take(database)?;
        recompute(database, &lock)?;
        let counters = Arc::new(Counters::default());
        let (writer, records) = Writer::start(
            database,
            lock,
            retention(&config.storage),
            Arc::clone(&counters),
            clock::now,
        )?;
        let queue = Queue::new(records, Arc::clone(&counters));
        // What is judged to grow gets details soon, and proofs where these are wanted.
        let (suspected, suspects) = watch::channel(Arc::new(Suspects::default()));
        let (known, turns) = remembered(database)?;
        let fetcher = Fetcher::new(config.max_concurrent_polls).map_err(DaemonError::Client)?;
        let deps = Deps {
            fetcher: Arc::new(fetcher),
            queue: queue.clone(),
            counters: Arc::clone(&counters),
            known,
            turns,
            suspects,
            fleet: instances(&config.services),
        };
        tell_analysis(&config, &queue);
        let (wanted, running) = watch::channel(config.services);
        let stop = CancellationToken::new();
        let start = move |service: Service, stop| poll_service(service, deps.clone(), stop);
        let supervisor = Supervisor::new(start, queue.clone(), Arc::clone(&counters), clock::now);
        let mut supervising = JoinSet::new();
        supervising.spawn(supervisor.run(running, stop.clone()));
        tracing::info!("Keeps the history in {}", database.display());
        Ok(Self {
            wanted,
            suspected,
            supervising,
            stop,
            queue,
            writer,
            counters,
        })
    }

    /// Polls from now on what `config` says. What its storage says is left as it is.
    pub fn reconfigure(&self, config: Config) {
        tell_analysis(&config, &self.queue);
        self.wanted.send_if_modified(|services| {
            let changed = *services != config.services;
            *services = config.services;
            changed
        });
    }

    /// Logs and stores what is said of signatures from now on, and looks sooner at what is suspected.
    pub fn judged(&self, judging: Judging) {
        self.suspected
            .send_replace(Arc::new(suspects(judging.suspects)));
        for change in judging.changes.iter().filter(|change| change.is_event) {
            let before = change.before.as_deref().unwrap_or("nothing");
            let why = change.evidence.first().map_or("", String::as_str);
            tracing::warn!(
                event = EventKind::Verdict.as_str(),
                service = %change.service,
                signature = %change.signature,
                "{} in {}: {before} -> {}: {why}",
                change.signature,
                change.service,
                change.verdict,
            );
        }
        if !judging.changes.is_empty() {
            self.send(Record::Judged(clock::now(), judging.changes));
        }
    }

    /// Stores a record beside those of polling.
    pub(super) fn send(&self, record: Record) {
        self.queue.send(record, clock::now());
    }

    /// Ends polling, without waiting for its end.
    pub fn cancel(&self) {
        self.stop.cancel();
    }

    /// Whether the writer has ended by itself: nothing is stored any more.
    pub fn has_lost_its_writer(&self) -> bool {
        self.writer.has_ended()
    }

    /// Waits until every task has ended; may be asked again and again.
    pub(super) async fn ended(&mut self) {
        while self.supervising.join_next().await.is_some() {}
    }

    /// Ends polling, and waits until all of it is on disk. Errors: something could not be written.
    pub async fn stop(mut self) -> Result<(), DaemonError> {
        self.cancel();
        self.ended().await;
        drop(self.queue);
        finish(self.writer, &self.counters).await
    }
}

/// Everything is polled out; waits until it is on disk.
async fn finish(writer: Writer, counters: &Counters) -> Result<(), DaemonError> {
    let joined = tokio::task::spawn_blocking(move || writer.join()).await;
    let counts = counters.read();
    tracing::info!(
        polls_ok = counts.polls_ok,
        polls_failed = counts.polls_failed,
        polls_lost = counts.polls_lost,
        task_panics = counts.task_panics,
        "Stopped"
    );
    if joined.unwrap_or(false) {
        Ok(())
    } else {
        Err(DaemonError::Unwritten)
    }
}

/// Queries go by what the database has, so what the config says goes there.
fn tell_analysis(config: &Config, queue: &Queue) {
    let now = clock::now();
    for rule in config.ignore.iter().filter(|rule| rule.has_ended(now)) {
        let told = rule_ended(rule, Zone::Utc);
        tracing::warn!("In the config, {told}");
    }
    queue.send(Record::MaxSignatures(config.storage.max_signatures), now);
    let analysis = Analysis {
        thresholds: config.analysis,
        ignore: config.ignore.clone(),
    };
    queue.send(Record::Analysis(Box::new(analysis)), now);
}

fn suspects(growing: Vec<(InstanceRow, Vec<Signature>)>) -> Suspects {
    let pairs = growing.into_iter().flat_map(|(row, signatures)| {
        let instance = Arc::new(InstanceId {
            service: row.service.into(),
            scheme: row.scheme.into(),
            address: row.address.into(),
            path: row.path.into(),
        });
        let pair = move |signature| (Arc::clone(&instance), signature);
        signatures.into_iter().map(pair)
    });
    pairs.collect()
}

/// Instances of all services together.
fn instances(services: &[Service]) -> usize {
    let of_each = services.iter().map(|service| service.instances.len());
    of_each.sum()
}

fn retention(storage: &Storage) -> Retention {
    Retention {
        raw: storage.raw_retention,
        rollup: storage.rollup_retention,
        max_size: storage.max_size,
    }
}

/// Brings signatures that an older goroscope made under the rules of this one.
fn recompute(database: &Path, lock: &DaemonLock) -> Result<(), StoreError> {
    let done = store::recompute(
        database,
        lock,
        group::RULES,
        group::derived,
        &store::Steps::default(),
    )?;
    if done.older > 0 {
        tracing::info!(
            "Brought {} stacks under signature rules {}: {} count as another signature now",
            done.older,
            group::RULES,
            done.moved
        );
    }
    if done.damaged > 0 {
        tracing::warn!(
            "{} stacks in the database are damaged and keep their old signatures",
            done.damaged
        );
    }
    Ok(())
}

/// What the database remembers of the processes that answered last, and of their proofs.
fn remembered(database: &Path) -> Result<(Known, Arc<Mutex<Turns>>), StoreError> {
    let reader = Reader::open(database)?;
    let mut turns = Turns::default();
    // What was refused is told once of each process.
    for refusal in reader.refusals()? {
        turns.refuse(&Arc::new(refusal.instance), refusal.since, refusal.text);
    }
    let mut found = reader.remembered()?;
    found.sort_by_key(|found| found.proof_at);
    let mut lives = HashMap::with_capacity(found.len());
    for found in found {
        let instance = Arc::new(found.instance);
        if let Some(at) = found.proof_at {
            turns.remember(&instance, &found.incarnation.facts, at);
        }
        lives.insert(instance, Lives::remembered(found.incarnation));
    }
    Ok((Arc::new(Mutex::new(lives)), Arc::new(Mutex::new(turns))))
}
