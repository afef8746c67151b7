//! One task a service: running = wanted, and none is ever missing for long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Queue;
use super::failure::panic_message;
use crate::config::Service;
use crate::model::{EventKind, Note, Record, Timestamp};
use crate::observe::Counters;

/// A task that panicked starts again after this long, doubled each time up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// Keeps one task a wanted service running. `F` makes the task's future.
pub struct Supervisor<F> {
    start: F,
    queue: Queue,
    counters: Arc<Counters>,
    now: fn() -> Timestamp,
    tasks: JoinSet<()>,
    running: HashMap<Arc<str>, Running>,
    names: HashMap<Id, Arc<str>>,
}

/// The handle of a task, and what it was started with.
struct Running {
    service: Service,
    stop: CancellationToken,
    /// What takes its place once it has ended.
    successor: Option<Service>,
    panics: u32,
}

/// What the supervisor waits for.
enum Happened {
    WantedChanged,
    TaskEnded(Id, Result<(), JoinError>),
    Stop,
}

impl<F, Task> Supervisor<F>
where
    F: Fn(Service, CancellationToken) -> Task,
    Task: Future<Output = ()> + Send + 'static,
{
    /// A supervisor with nothing to do yet.
    pub fn new(start: F, queue: Queue, counters: Arc<Counters>, now: fn() -> Timestamp) -> Self {
        Self {
            start,
            queue,
            counters,
            now,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// Makes running equal to wanted, over and over, until told to stop; then ends every task.
    pub async fn run(mut self, mut wanted: watch::Receiver<Vec<Service>>, stop: CancellationToken) {
        let services = wanted.borrow_and_update().clone();
        self.reconcile(services);
        loop {
            let happened = tokio::select! {
                () = stop.cancelled() => Happened::Stop,
                Ok(()) = wanted.changed() => Happened::WantedChanged,
                Some(ended) = self.tasks.join_next_with_id() => match ended {
                    Ok((id, ())) => Happened::TaskEnded(id, Ok(())),
                    Err(error) => Happened::TaskEnded(error.id(), Err(error)),
                },
            };
            match happened {
                Happened::Stop => break,
                Happened::WantedChanged => {
                    let services = wanted.borrow_and_update().clone();
                    self.reconcile(services);
                }
                Happened::TaskEnded(id, ended) => self.note_end(id, ended),
            }
        }
        for running in self.running.values() {
            running.stop.cancel();
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// Starts what is wanted and not running, stops what is running and not wanted. Equal means
    /// untouched. A task that is replaced ends first: never two requests to one instance.
    fn reconcile(&mut self, wanted: Vec<Service>) {
        for (name, running) in &mut self.running {
            let stays = wanted.iter().any(|service| service == &running.service);
            if !stays && !running.stop.is_cancelled() {
                tracing::info!(service = %name, "Stops polling {name}");
                running.stop.cancel();
            }
            running.successor = None;
        }
        for service in wanted {
            match self.running.get_mut(&service.name) {
                None => self.spawn(service, 0),
                Some(running) if running.stop.is_cancelled() => running.successor = Some(service),
                Some(_) => {}
            }
        }
    }

    /// Starts a task; one that panicked before waits first.
    fn spawn(&mut self, service: Service, panics: u32) {
        let instances = service.instances.len();
        tracing::info!(
            service = %service.name, instances,
            "Polls {} every {}, instances: {instances}",
            service.name, humantime::format_duration(service.interval)
        );
        let name = Arc::clone(&service.name);
        let stop = CancellationToken::new();
        let task = (self.start)(service.clone(), stop.clone());
        let pause = match panics {
            0 => Duration::ZERO,
            _ => FIRST_PAUSE
                .saturating_mul(1 << (panics - 1).min(16))
                .min(MAX_PAUSE),
        };
        let stopped = stop.clone();
        let handle = self.tasks.spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            task.await;
        });
        self.names.insert(handle.id(), Arc::clone(&name));
        self.running.insert(
            name,
            Running {
                service,
                stop,
                successor: None,
                panics,
            },
        );
    }

    /// A task has ended: on request, or by a panic, which starts it again.
    fn note_end(&mut self, id: Id, ended: Result<(), JoinError>) {
        let Some(running) = self
            .names
            .remove(&id)
            .and_then(|name| self.running.remove(&name))
        else {
            return;
        };
        if let Err(Ok(payload)) = ended.map_err(JoinError::try_into_panic) {
            self.note_panic(&running.service.name, panic_message(&*payload));
            if !running.stop.is_cancelled() {
                self.spawn(running.service, running.panics.saturating_add(1));
                return;
            }
        }
        if let Some(successor) = running.successor {
            self.spawn(successor, 0);
        }
    }

    fn note_panic(&self, name: &str, message: &str) {
        self.counters.task_panicked(name, message);
        let text = format!("the polling task of {name} panicked and starts again: {message}");
        let at = (self.now)();
        let note = Note {
            at,
            kind: EventKind::TaskPanic,
            instance: None,
            text,
        };
        self.queue.send(Record::Note(note), at);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::config::{DetailMode, LeakProfile};

    fn service(name: &str) -> Service {
        Service {
            name: name.into(),
            instances: Vec::new(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            body_size_limit: 1,
            detail: DetailMode::Never,
            detail_interval: Duration::from_secs(1),
            detail_max_stop: Duration::from_secs(1),
            leak_profile: LeakProfile::Never,
            leak_profile_interval: Duration::from_hours(1),
            keep_labels: Arc::new([]),
        }
    }

    /// A service that panics at its first start, and one beside it.
    #[tokio::test]
    async fn a_task_that_panics_is_counted_noted_and_started_again() {
        let (sender, records) = sync_channel(16);
        let counters = Arc::new(Counters::default());
        let queue = Queue::new(sender, Arc::clone(&counters));
        let starts = Arc::new(AtomicU32::new(0));
        let stop = CancellationToken::new();
        let (begun, all) = (Arc::clone(&starts), stop.clone());
        let start = move |service: Service, stopped: CancellationToken| {
            let (begun, all) = (Arc::clone(&begun), all.clone());
            async move {
                if &*service.name == "shaky" {
                    assert!(begun.fetch_add(1, Ordering::SeqCst) > 0, "a bug");
                    // It is back: the test is over.
                    all.cancel();
                }
                stopped.cancelled().await;
            }
        };
        let now = || Timestamp::from_millis(7);
        let supervisor = Supervisor::new(start, queue, Arc::clone(&counters), now);
        let (_wanted, running) = watch::channel(vec![service("shaky"), service("calm")]);
        supervisor.run(running, stop).await;
        assert_eq!(starts.load(Ordering::SeqCst), 2);
        assert_eq!(counters.read().task_panics, 1);
        let Ok(Record::Note(note)) = records.try_recv() else {
            panic!("no note of the panic");
        };
        assert_eq!(note.kind, EventKind::TaskPanic);
        assert!(
            note.text.contains("shaky") && note.text.contains("a bug"),
            "{}",
            note.text
        );
    }
}
