//! Who is asked for a proof, and when; and who is not. Pure: state and time in, decision out.
//!
//! A proof (`goroutineleak`) is a garbage collection of the target with further rounds: milliseconds as a
//! rule, seconds in bad cases. It erases wait minutes, and it crashes a process that parks goroutines by
//! itself. What it proves holds for the build, so one instance of a build is asked at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::pause::Pause;
use super::safety::Refusal;
use crate::config::{LeakProfile, Service};
use crate::model::{InstanceId, ProcessFacts, Signature, Suspects, Timestamp};

/// A proof that takes longer is trouble,
const SLOW: Duration = Duration::from_secs(2);
/// and so is one that takes so many times as long as its pulse,
const SLOW_BESIDE_PULSE: u32 = 10;
/// where that is this long at all.
const NEVER_SLOW: Duration = Duration::from_millis(100);

/// Whoever was asked last lets the others of its build go first: for so many polls.
const POLLS_FOR_OTHERS: u32 = 2;

/// What was asked before that is forgotten: no interval is longer.
const REMEMBERED: Duration = Duration::from_hours(31 * 24);

/// Whose proofs are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// The processes of a build in a service.
    Build(Arc<str>, String),
    /// The processes at an instance, where the build is not known.
    Instance(Arc<InstanceId>),
}

impl Subject {
    /// Whose the proofs of this process are.
    pub(super) fn of(instance: &Arc<InstanceId>, process: &ProcessFacts) -> Self {
        match &process.build_id {
            Some(build) => Self::Build(Arc::clone(&instance.service), build.clone()),
            None => Self::Instance(Arc::clone(instance)),
        }
    }
}

/// The last proof of a subject.
#[derive(Debug)]
struct Turn {
    at: Timestamp,
    by: Arc<InstanceId>,
    pause: Pause,
}

/// Who was asked when, and what was said of who is not. Outlives the tasks.
#[derive(Debug, Default)]
pub struct Turns {
    subjects: HashMap<Subject, Turn>,
    instances: HashMap<Arc<InstanceId>, Timestamp>,
    /// The refusals of the process at an instance that began at this moment.
    refused: HashMap<Arc<InstanceId>, (Timestamp, HashSet<String>)>,
}

impl Turns {
    /// Whether an instance may be asked now.
    pub(super) fn is_due(
        &self,
        subject: &Subject,
        instance: &Arc<InstanceId>,
        service: &Service,
        now: Timestamp,
    ) -> bool {
        let interval = service.leak_profile_interval;
        let own = self.instances.get(instance);
        if own.is_some_and(|last| now.since(*last) < interval) {
            return false;
        }
        self.subjects.get(subject).is_none_or(|turn| {
            let others = if turn.by == *instance {
                service.interval.saturating_mul(POLLS_FOR_OTHERS)
            } else {
                Duration::ZERO
            };
            let due = turn.at.plus(interval).max(turn.pause.end());
            now >= due.plus(others)
        })
    }

    /// An instance was asked at this moment, when the process with these facts was there; told from
    /// the oldest to the newest.
    pub fn remember(&mut self, instance: &Arc<InstanceId>, process: &ProcessFacts, at: Timestamp) {
        self.note(&Subject::of(instance, process), instance, at);
    }

    /// An instance is asked now.
    pub(super) fn take(&mut self, subject: &Subject, instance: &Arc<InstanceId>, now: Timestamp) {
        self.subjects
            .retain(|_, turn| now.since(turn.at) < REMEMBERED);
        self.instances
            .retain(|_, last| now.since(*last) < REMEMBERED);
        self.note(subject, instance, now);
    }

    fn note(&mut self, subject: &Subject, instance: &Arc<InstanceId>, at: Timestamp) {
        self.instances.insert(Arc::clone(instance), at);
        let turn = self.subjects.entry(subject.clone());
        let turn = turn.or_insert_with(|| Turn {
            at,
            by: Arc::clone(instance),
            pause: Pause::default(),
        });
        (turn.at, turn.by) = (at, Arc::clone(instance));
    }

    /// The proof of a subject gave trouble: none of it for a while.
    pub(super) fn pause(&mut self, subject: &Subject, at: Timestamp) {
        if let Some(turn) = self.subjects.get_mut(subject) {
            turn.pause.begin(at);
        }
    }

    /// The proof of a subject went well.
    pub(super) fn reset(&mut self, subject: &Subject) {
        if let Some(turn) = self.subjects.get_mut(subject) {
            turn.pause.reset();
        }
    }

    /// Notes why the process at `instance` that began at `since` is not asked; false when that was
    /// noted before.
    pub fn refuse(&mut self, instance: &Arc<InstanceId>, since: Timestamp, why: String) -> bool {
        let of = self.refused.entry(Arc::clone(instance)).or_default();
        if of.0 != since {
            *of = (since, HashSet::new());
        }
        of.1.insert(why)
    }

    /// Whether this was noted of the process.
    pub(super) fn has_refused(
        &self,
        instance: &InstanceId,
        since: Timestamp,
        why: &Refusal,
    ) -> bool {
        let of = self.refused.get(instance);
        of.is_some_and(|(began, told)| *began == since && told.contains(&why.to_string()))
    }
}

/// Whether a proof that took so long was too much for the target.
pub(super) fn is_slow(proof: Duration, pulse: Duration) -> bool {
    proof > SLOW || proof > NEVER_SLOW.max(pulse.saturating_mul(SLOW_BESIDE_PULSE))
}

/// Whether proofs of an instance are wanted at all.
pub(super) fn is_wanted(service: &Service, instance: &InstanceId, suspects: &Suspects) -> bool {
    match service.leak_profile {
        LeakProfile::Never => false,
        LeakProfile::OnSuspect => suspects.of(instance).is_some(),
        LeakProfile::Always => true,
    }
}

/// Whether some of these suspects were not among those `known`.
pub(super) fn has_fresh(
    suspected: Option<&HashSet<Signature>>,
    known: &HashSet<Signature>,
) -> bool {
    suspected.is_some_and(|suspected| !suspected.is_subset(known))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{self, Environment};

    const MINUTE: Duration = Duration::from_mins(1);

    fn service(interval: &str) -> Service {
        let text = format!(
            "[global]\ninterval = '1m'\nleak_profile = 'always'\nleak_profile_interval = '{interval}'\n\
             [[services]]\nname = 's'\ntargets = ['a:1']"
        );
        let config = config::parse(&text, Path::new("x.toml"), &Environment::default());
        config.unwrap().services.swap_remove(0)
    }

    fn instance(address: &str) -> Arc<InstanceId> {
        Arc::new(InstanceId {
            service: "s".into(),
            scheme: "http".into(),
            address: address.into(),
            path: "/".into(),
        })
    }

    /// Who is asked in so many hours of polls each minute, and in which minute; `took` is how long the
    /// proofs take.
    fn asked(
        builds: &[(&str, Option<&str>)],
        service: &Service,
        hours: u32,
        took: Duration,
    ) -> String {
        let mut turns = Turns::default();
        let mut told = Vec::new();
        for minute in 0..hours * 60 {
            // Each has a phase of its own within the minute.
            for (phase, (name, build)) in (0..).zip(builds) {
                let now = Timestamp::default().plus(MINUTE * minute + Duration::from_secs(phase));
                let id = instance(name);
                let facts = ProcessFacts {
                    build_id: build.map(str::to_owned),
                    ..ProcessFacts::default()
                };
                let subject = Subject::of(&id, &facts);
                if !turns.is_due(&subject, &id, service, now) {
                    continue;
                }
                turns.take(&subject, &id, now);
                if is_slow(took, Duration::ZERO) {
                    turns.pause(&subject, now);
                } else {
                    turns.reset(&subject);
                }
                told.push(format!("{name}{minute}"));
            }
        }
        told.join(" ")
    }

    #[test]
    fn the_instances_of_a_build_take_turns() {
        let three = [("a", Some("x")), ("b", Some("x")), ("c", Some("x"))];
        let service = service("1h");
        insta::assert_snapshot!(asked(&three, &service, 6, Duration::ZERO), @"a0 b60 c120 a181 b241 c301");
        let two = [("a", Some("x")), ("b", Some("y"))];
        insta::assert_snapshot!(asked(&two, &service, 3, Duration::ZERO), @"a0 b0 a62 b62 a124 b124");
        // Where builds are not known, what one proves says nothing of another.
        let unknown = [("a", None), ("b", None)];
        insta::assert_snapshot!(asked(&unknown, &service, 3, Duration::ZERO), @"a0 b0 a62 b62 a124 b124");
    }

    #[test]
    fn after_trouble_the_whole_build_is_left_alone_for_longer_each_time() {
        let two = [("a", Some("x")), ("b", Some("x"))];
        let service = service("10m");
        insta::assert_snapshot!(asked(&two, &service, 24, SLOW * 2), @"a0 b60 a181 b421 a902");
    }

    #[test]
    fn slow_is_seconds_or_ten_pulses() {
        let ms = Duration::from_millis;
        assert!(!is_slow(ms(90), ms(1)));
        assert!(is_slow(ms(110), ms(1)));
        assert!(!is_slow(ms(1_900), ms(200)));
        assert!(is_slow(ms(2_100), ms(900)));
    }

    #[test]
    fn a_refusal_is_told_once_of_a_process() {
        let (mut turns, a) = (Turns::default(), instance("a"));
        let at = Timestamp::from_millis;
        let why = Refusal::NoProfile.to_string();
        assert!(turns.refuse(&a, at(1), why.clone()));
        assert!(!turns.refuse(&a, at(1), why.clone()));
        assert!(turns.has_refused(&a, at(1), &Refusal::NoProfile));
        assert!(turns.refuse(&a, at(1), Refusal::Unread.to_string()));
        // Its successor may be of another Go.
        assert!(!turns.has_refused(&a, at(2), &Refusal::NoProfile));
        assert!(turns.refuse(&a, at(2), why));
    }
}
