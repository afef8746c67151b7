//! Asking an instance for a proof: what `proof` decides, done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;

use super::policy::Urgency;
use super::proof::{self, Subject};
use super::request::Request;
use super::safety::{Refusal, parks_by_itself};
use super::service::{Instanced, lock};
use crate::clock;
use crate::config::LeakProfile;
use crate::model::{EventKind, Failure, FailureReason, Outcome, Snapshot, Suspects, Timestamp};

/// The right to ask for a proof, while no other instance of the service is.
pub(super) struct Turn<'a> {
    subject: Subject,
    _permit: SemaphorePermit<'a>,
}

impl<'a> Instanced<'a> {
    /// Whether a proof may follow a pulse now, as far as that is known before it.
    pub(super) fn may_prove(&self, now: Timestamp) -> bool {
        if !proof::is_wanted(&self.shared.service, &self.id, &self.suspects()) {
            return false;
        }
        let Some(process) = self.lives.current() else {
            return false;
        };
        let turns = lock(&self.shared.deps.turns);
        let subject = Subject::of(&self.id, &process.facts);
        self.safety.refusal().is_none()
            && !turns.has_refused(&self.id, process.since, &Refusal::NoProfile)
            && turns.is_due(&subject, &self.id, &self.shared.service, now)
    }

    /// The turn of this instance, when it has come and the pulse before has shown nothing against it.
    pub(super) fn turn(&self) -> Option<Turn<'a>> {
        if !self.safety.is_known() || !self.may_prove(clock::now()) {
            return None;
        }
        let process = self.lives.current()?;
        Some(Turn {
            subject: Subject::of(&self.id, &process.facts),
            _permit: self.shared.proving.try_acquire().ok()?,
        })
    }

    /// Asks for a proof.
    pub(super) async fn prove(&mut self, turn: Turn<'a>) {
        lock(&self.shared.deps.turns).take(&turn.subject, &self.id, clock::now());
        self.look(Request::Proof).await;
    }

    /// Notes what a good pulse says of whether a proof is safe.
    pub(super) fn watch_over(&mut self, pulse: &Snapshot) {
        if self.shared.service.leak_profile == LeakProfile::Never {
            return;
        }
        self.safety.see(pulse);
        let is_wanted = proof::is_wanted(&self.shared.service, &self.id, &self.suspects());
        if let Some(refusal) = self.safety.refusal().filter(|_| is_wanted) {
            self.refuse(&refusal);
        }
    }

    /// Notes how a proof ended.
    pub(super) fn note_proof(&self, outcome: &Outcome, took: Duration, at: Timestamp) {
        let Some(process) = self.lives.current() else {
            return;
        };
        let trouble = match outcome {
            Outcome::Failed(Failure {
                reason: FailureReason::NotFound,
                ..
            }) => return self.refuse(&Refusal::NoProfile),
            Outcome::Failed(_) => Some(Refusal::Failed),
            Outcome::Snapshot(..) => proof::is_slow(took, self.pulse_took).then_some(Refusal::Slow),
        };
        let subject = Subject::of(&self.id, &process.facts);
        let mut turns = lock(&self.shared.deps.turns);
        match trouble {
            None => turns.reset(&subject),
            Some(refusal) => {
                turns.pause(&subject, at);
                drop(turns);
                self.refuse(&refusal);
            }
        }
    }

    /// Tells once of a process why it is not asked.
    fn refuse(&self, refusal: &Refusal) {
        let Some(process) = self.lives.current() else {
            return;
        };
        let text = refusal.to_string();
        if lock(&self.shared.deps.turns).refuse(&self.id, process.since, text.clone()) {
            self.note(EventKind::ProofRefused, clock::now(), text);
        }
    }

    /// What may bring a detail on.
    pub(super) fn urgency(&self, has_turn: bool) -> Urgency {
        if has_turn {
            Urgency::BeforeProof
        } else if proof::has_fresh(self.suspects().of(&self.id), &self.detailed) {
            Urgency::FreshSuspect
        } else {
            Urgency::None
        }
    }

    /// A detail has told of all that is suspected here now.
    pub(super) fn note_suspects(&mut self) {
        let suspects = self.suspects();
        self.detailed = suspects.of(&self.id).cloned().unwrap_or_default();
    }

    fn suspects(&self) -> Arc<Suspects> {
        Arc::clone(&self.shared.deps.suspects.borrow())
    }
}

/// The failure of a proof: a 404 means something else than that of a pulse.
pub(super) fn explained(failure: Failure) -> Failure {
    match failure.reason {
        FailureReason::NotFound => Failure {
            message: Refusal::NoProfile.to_string(),
            ..failure
        },
        _ => failure,
    }
}

/// Marks what is proved: all of it, but for goroutines that the program parks by itself, which the
/// collector takes for leaked and are not.
pub(super) fn mark(proof: &mut Snapshot) {
    for group in &mut proof.groups {
        if parks_by_itself(&group.stack).is_none() {
            group.leaked = group.count;
        }
    }
}
