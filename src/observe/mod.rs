//! goroscope on itself: one call is one log line and one count, so that the two cannot drift.
//!
//! Levels: `error` = someone must act; `warn` = we went on, worse; `info` = rare and high level;
//! what happens on every poll is `debug`. A state is logged when it changes, not on every poll.

pub mod log;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{EventKind, InstanceId};

/// Counts of what happened since the start of the process.
#[derive(Debug, Default)]
pub struct Counters {
    polls_ok: AtomicU64,
    polls_failed: AtomicU64,
    polls_lost: AtomicU64,
    task_panics: AtomicU64,
    groups_merged: AtomicU64,
}

/// A reading of the [`Counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Looks that gave a snapshot.
    pub polls_ok: u64,
    /// Looks that failed.
    pub polls_failed: u64,
    /// Looks that could not be stored.
    pub polls_lost: u64,
    /// Polling tasks that panicked.
    pub task_panics: u64,
    /// Groups of snapshots that count as something else, since their services are at their limit of signatures.
    pub groups_merged: u64,
}

impl Counters {
    /// The counts now.
    pub fn read(&self) -> Reading {
        Reading {
            polls_ok: self.polls_ok.load(Ordering::Relaxed),
            polls_failed: self.polls_failed.load(Ordering::Relaxed),
            polls_lost: self.polls_lost.load(Ordering::Relaxed),
            task_panics: self.task_panics.load(Ordering::Relaxed),
            groups_merged: self.groups_merged.load(Ordering::Relaxed),
        }
    }

    /// A look gave a snapshot.
    pub fn poll_ok(&self, instance: &InstanceId, kind: &str, goroutines: u64, millis: u128) {
        self.polls_ok.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(
            instance = %instance, kind, goroutines, duration_ms = millis,
            "Read {goroutines} goroutines of {instance}"
        );
    }

    /// A look failed; `changed` when the one before it had ended otherwise.
    pub fn poll_failed(&self, instance: &InstanceId, reason: &str, message: &str, changed: bool) {
        self.polls_failed.fetch_add(1, Ordering::Relaxed);
        if changed {
            tracing::warn!(instance = %instance, reason, "Could not poll {instance}: {message}");
        } else {
            tracing::debug!(instance = %instance, reason, "Still cannot poll {instance}: {message}");
        }
    }

    /// Looks were made and could not be stored. Returns how many there were in all.
    pub fn polls_lost(&self, count: u64, why: &str) -> u64 {
        let before = self.polls_lost.fetch_add(count, Ordering::Relaxed);
        tracing::error!(lost = before + count, "Lost {count} polls: {why}");
        before + count
    }

    /// Groups of one commit count as something else.
    pub fn groups_merged(&self, count: u64) {
        if count > 0 {
            self.groups_merged.fetch_add(count, Ordering::Relaxed);
            tracing::debug!(
                count,
                "Counted {count} groups beyond the limit of signatures"
            );
        }
    }

    /// A polling task panicked.
    pub fn task_panicked(&self, service: &str, message: &str) {
        self.task_panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            service,
            event = EventKind::TaskPanic.as_str(),
            "The polling task of {service} panicked and starts again: {message}"
        );
    }
}
