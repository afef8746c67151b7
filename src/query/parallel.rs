//! One thread reads, all cores work, and what they made is taken in the order in which it was read.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::QueryError;

/// Jobs that wait for each worker: enough that none is idle, few enough that memory stays small.
const WAITING: usize = 2;

/// What is done before its turn waits, up to this many; then reading waits too.
const EARLY: usize = 64;

/// Does `work` on every job that `read` gives, on all cores, and hands what it made to `take`, in
/// order. The first error ends it.
pub(super) fn in_parallel<J: Send, D: Send>(
    read: impl Iterator<Item = Result<J, QueryError>>,
    work: impl Fn(usize, J) -> D + Sync,
    mut take: impl FnMut(usize, D),
) -> Result<(), QueryError> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (jobs, queue) = sync_channel::<(usize, J)>(workers * WAITING);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        // Gone at the end, however it comes: then the workers end.
        let jobs = jobs;
        // Not more than waits and is worked on: what is done is taken after each job that is sent.
        let (finished, done) = channel();
        for _ in 0..workers {
            let (queue, work, finished) = (&queue, &work, finished.clone());
            scope.spawn(move || serve(queue, work, &finished));
        }
        drop(finished);
        let mut ordered = Ordered::default();
        for (nth, job) in read.enumerate() {
            // Only gone when a worker has panicked: the scope tells of it.
            if jobs.send((nth, job?)).is_err() {
                break;
            }
            for (nth, made) in done.try_iter() {
                ordered.take(nth, made, &mut take);
            }
            while ordered.early.len() >= EARLY {
                let Ok((nth, made)) = done.recv() else { break };
                ordered.take(nth, made, &mut take);
            }
        }
        drop(jobs);
        for (nth, made) in done {
            ordered.take(nth, made, &mut take);
        }
        Ok(())
    })
}

fn serve<J, D>(
    queue: &Mutex<Receiver<(usize, J)>>,
    work: &impl Fn(usize, J) -> D,
    finished: &Sender<(usize, D)>,
) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((nth, job)) = next else { return };
        if finished.send((nth, work(nth, job))).is_err() {
            return;
        }
    }
}

/// What came early waits for what was read before it.
struct Ordered<D> {
    next: usize,
    early: BTreeMap<usize, D>,
}

impl<D> Default for Ordered<D> {
    fn default() -> Self {
        Self {
            next: 0,
            early: BTreeMap::new(),
        }
    }
}

impl<D> Ordered<D> {
    fn take(&mut self, nth: usize, made: D, take: &mut impl FnMut(usize, D)) {
        self.early.insert(nth, made);
        while let Some(made) = self.early.remove(&self.next) {
            take(self.next, made);
            self.next += 1;
        }
    }
}
