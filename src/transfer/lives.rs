//! The processes that a history tells of, and what it calls them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Mistake;
use super::line::LookLine;
use crate::model::{
    EventKind, Incarnation, InstanceId, Known, Note, ProcessFacts, Record, StartReason, Timestamp,
};

/// The processes of one instance.
#[derive(Debug, Default)]
pub(super) struct Lives {
    by_name: FxHashMap<Arc<str>, Arc<Incarnation>>,
    /// The last one that was asked for: mostly the next one too.
    last: Option<(Arc<str>, Arc<Incarnation>)>,
}

impl Lives {
    /// Adds a process that is known already, under what it is called and under its beginning.
    pub(super) fn add(&mut self, name: Option<Arc<str>>, incarnation: &Arc<Incarnation>) {
        let begins = incarnation.since.to_rfc3339().into();
        for name in name.into_iter().chain([begins]) {
            self.by_name.insert(name, Arc::clone(incarnation));
        }
        self.last = None;
    }

    /// The process of a look; one that was not heard of begins with it.
    pub(super) fn of(
        &mut self,
        instance: &Arc<InstanceId>,
        look: &LookLine<'_>,
        out: &mut Vec<Record>,
    ) -> Result<Arc<Incarnation>, Mistake> {
        let Some((name, at)) = &look.incarnation else {
            return Err(Mistake::new(0, "`incarnation` is missing".to_owned()));
        };
        if let Some((last, known)) = &self.last
            && **last == **name
            && knows(known, look)
        {
            return Ok(Arc::clone(known));
        }
        let found = self.by_name.get_key_value(&**name);
        let (name, incarnation) = match found {
            Some((name, known)) => (Arc::clone(name), learnt(known, look)?),
            None => self.begin(instance, (&**name, *at), look, out)?,
        };
        self.by_name
            .insert(Arc::clone(&name), Arc::clone(&incarnation));
        self.last = Some((name, Arc::clone(&incarnation)));
        Ok(incarnation)
    }

    fn begin(
        &self,
        instance: &Arc<InstanceId>,
        (name, at): (&str, usize),
        look: &LookLine<'_>,
        out: &mut Vec<Record>,
    ) -> Result<(Arc<str>, Arc<Incarnation>), Mistake> {
        let name: Arc<str> = name.into();
        let since = look.since.unwrap_or(look.at);
        if self.by_name.values().any(|other| other.since == since) {
            let what = format!(
                "incarnation `{name}` begins at {}, and so does another one of {instance}: give \
                 it another `since`",
                since.to_rfc3339()
            );
            return Err(Mistake::new(at, what));
        }
        let build = look.build.as_ref().map(|(build, _)| build.to_string());
        let before = self.by_name.values().filter(|other| other.since < since);
        let before = before.max_by_key(|other| other.since);
        let incarnation = Arc::new(Incarnation {
            since,
            reason: look.reason.unwrap_or_else(|| {
                let told = |known: &Arc<Incarnation>| known.facts.build_id.is_some();
                match before {
                    None => StartReason::FirstContact,
                    Some(known)
                        if told(known) && build.is_some() && known.facts.build_id != build =>
                    {
                        StartReason::Build
                    }
                    Some(_) => StartReason::Imported,
                }
            }),
            facts: ProcessFacts {
                build_id: build,
                ..ProcessFacts::default()
            },
        });
        let is_called = *name != *since.to_rfc3339();
        out.push(Record::Known(Box::new(Known::Incarnation {
            instance: Arc::clone(instance),
            incarnation: Arc::clone(&incarnation),
            name: is_called.then(|| Arc::clone(&name)),
        })));
        if before.is_some() {
            out.push(Record::Note(restart(instance, since, incarnation.reason)));
        }
        Ok((name, incarnation))
    }
}

/// What polling notes of a process that follows another one.
fn restart(instance: &Arc<InstanceId>, at: Timestamp, reason: StartReason) -> Note {
    Note {
        at,
        kind: EventKind::Restart,
        instance: Some(Arc::clone(instance)),
        text: format!("another process answers ({})", reason.as_str()),
    }
}

/// Whether a look tells nothing new of its process, and nothing else.
fn knows(known: &Incarnation, look: &LookLine<'_>) -> bool {
    let told = look.build.as_ref().map(|(build, _)| &**build);
    told.is_none() || told == known.facts.build_id.as_deref()
}

/// What is known of a process behind a look at it.
fn learnt(known: &Arc<Incarnation>, look: &LookLine<'_>) -> Result<Arc<Incarnation>, Mistake> {
    let Some((build, at)) = &look.build else {
        return Ok(Arc::clone(known));
    };
    match &known.facts.build_id {
        Some(known_build) if **known_build == **build => Ok(Arc::clone(known)),
        Some(other) => Err(Mistake::new(
            *at,
            format!(
                "`build` is `{build}`, and was `{other}` before: another build is another \
                 incarnation"
            ),
        )),
        None => {
            let mut learnt = Incarnation::clone(known);
            learnt.facts.build_id = Some(build.to_string());
            Ok(Arc::new(learnt))
        }
    }
}
