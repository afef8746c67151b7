//! The bounded queue to whoever stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::model::{EventKind, Note, Record, Timestamp};
use crate::observe::Counters;

/// Hands records on without ever waiting: a full queue must not stop polling. What does not fit is
/// counted, and the count itself becomes a record as soon as there is room.
#[derive(Debug, Clone)]
pub struct Queue {
    records: SyncSender<Record>,
    lost: Arc<AtomicU64>,
    counters: Arc<Counters>,
}

impl Queue {
    /// A queue that ends in `records`.
    pub fn new(records: SyncSender<Record>, counters: Arc<Counters>) -> Self {
        Self {
            records,
            lost: Arc::default(),
            counters,
        }
    }

    /// Hands a record on, or counts it as lost.
    pub fn send(&self, record: Record, now: Timestamp) {
        self.tell_of_losses(now);
        match self.records.try_send(record) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.lose("the queue to the database is full"),
            Err(TrySendError::Disconnected(_)) => self.lose("the database writer has stopped"),
        }
    }

    fn lose(&self, why: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.counters.polls_lost(1, why);
    }

    fn tell_of_losses(&self, now: Timestamp) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        let note = Note {
            at: now,
            kind: EventKind::PollsLost,
            instance: None,
            text: format!("{lost} records were lost: the queue to the database was full"),
        };
        if self.records.try_send(Record::Note(note)).is_err() {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }
}
