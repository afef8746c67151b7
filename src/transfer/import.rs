//! From lines to what the store takes: everything that polling would have handed over.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::cursor::Cursor;
use super::fact::{
    At, Event, Fact, HOUR_MS, PATH, Process, Proof, SCHEME, SignatureFact, StackFact, WatchFact,
};
use super::groups::Groups;
use super::line::{Line, LookLine};
use super::lives::Lives;
use super::unknown::Unknown;
use super::watches::Watching;
use super::{Mistake, line};
use crate::group::{FullStacks, RULES};
use crate::model::{
    Complaint, Elision, Failure, Form, Incarnation, InstanceId, Kind, Known, Look, Note, Outcome,
    Poll, ProcessFacts, Record, Signature, Slot, Snapshot, Stack, Timestamp, Watch,
};
use crate::store::LifeRow;

/// Turns lines into records; knows the processes that were met so far.
#[derive(Debug, Default)]
pub struct Import {
    groups: Groups,
    instances: Vec<Instance>,
    by_name: FxHashMap<String, usize>,
    name: String,
    /// What cut stacks are the tops of, by service.
    full: FxHashMap<Arc<str>, FullStacks>,
    /// Watches that are told, with their ends, which are told last: the import may be broken off.
    watches: Vec<(Watch, Timestamp)>,
    newest: Timestamp,
    unknown: Unknown,
    records: Vec<Record>,
    waiting_groups: usize,
}

#[derive(Debug)]
struct Instance {
    id: Arc<InstanceId>,
    lives: Lives,
    watching: Watching,
    /// What was due is told: nothing follows from the polls.
    is_told: bool,
}

impl Import {
    /// An import into a history that has these processes.
    pub fn new(known: Vec<LifeRow>) -> Self {
        let mut import = Self::default();
        for row in known {
            let nth = import.instance(&At::from(&*row.instance));
            if let Some(instance) = import.instances.get_mut(nth) {
                instance.lives.add(row.name, &row.incarnation);
            }
        }
        import
    }

    /// Reads a line, without its end.
    pub fn line(&mut self, text: &[u8]) -> Result<(), Mistake> {
        let text = std::str::from_utf8(text).map_err(|error| {
            let what = "this is not UTF-8, which JSON must be".to_owned();
            Mistake::new(error.valid_up_to(), what)
        })?;
        match Line::read(text, &mut self.groups, &mut self.unknown)? {
            Line::Look(look) => self.look(*look),
            Line::Fact(fact) => self.fact(fact),
            Line::Unknown => Ok(()),
        }
    }

    /// What came of the lines since this was asked last.
    pub fn take(&mut self) -> Vec<Record> {
        self.waiting_groups = 0;
        std::mem::take(&mut self.records)
    }

    /// How many records wait to be taken, and how many groups are in them.
    pub const fn waiting(&self) -> (usize, usize) {
        (self.records.len(), self.waiting_groups)
    }

    /// What is told when no more lines come. Where an import was broken off, nothing was due behind
    /// the newest look that it has come to.
    pub fn finish(&mut self, is_whole: bool) -> Vec<Record> {
        for instance in &mut self.instances {
            instance.watching.end(&instance.id, &mut self.records);
        }
        for (watch, to) in std::mem::take(&mut self.watches) {
            let to = if is_whole {
                to
            } else {
                to.min(self.newest.max(watch.from))
            };
            self.records.push(Record::Watched { watch, to });
        }
        self.take()
    }

    /// What lines had that is not known.
    pub const fn unknown(&self) -> &Unknown {
        &self.unknown
    }

    /// The place of an instance in the list of them.
    fn instance(&mut self, at: &At) -> usize {
        self.place(&at.service, &at.instance, &at.scheme, &at.path)
    }

    fn place(&mut self, service: &str, address: &str, scheme: &str, path: &str) -> usize {
        self.name.clear();
        for part in [service, address, scheme, path] {
            self.name.push_str(part);
            self.name.push('\0');
        }
        if let Some(known) = self.by_name.get(&self.name) {
            return *known;
        }
        self.instances.push(Instance {
            id: Arc::new(InstanceId {
                service: service.into(),
                scheme: scheme.into(),
                address: address.into(),
                path: path.into(),
            }),
            lives: Lives::default(),
            watching: Watching::default(),
            is_told: false,
        });
        let nth = self.instances.len() - 1;
        self.by_name.insert(self.name.clone(), nth);
        nth
    }

    fn look(&mut self, mut look: LookLine<'_>) -> Result<(), Mistake> {
        let scheme = look.scheme.as_deref().unwrap_or(SCHEME);
        let path = look.path.as_deref().unwrap_or(PATH);
        let nth = self.place(&look.service, &look.address, scheme, path);
        let labels = match look.labels {
            Some(labels) => Some(self.groups.labels(labels)?),
            None => None,
        };
        let kind = look.kind.unwrap_or(Kind::Pulse);
        let read = match look.failed {
            Some(_) => None,
            None => Some(self.snapshot(&mut look, kind)?),
        };
        let Some(instance) = self.instances.get_mut(nth) else {
            return Ok(());
        };
        let out = &mut self.records;
        let polls = match (look.failed, read) {
            (Some(reason), _) => {
                let message = look.message.to_string();
                vec![(kind, Outcome::Failed(Failure { reason, message }))]
            }
            (None, None) => Vec::new(),
            (None, Some((snapshot, is_detailed))) => {
                let life = instance.lives.of(&instance.id, &look, out)?;
                outcomes(kind, life, snapshot, is_detailed)
            }
        };
        if !instance.is_told && kind == Kind::Pulse {
            let told = (look.interval_ms, labels.as_ref());
            instance.watching.note(&instance.id, look.at, told, out);
        }
        self.newest = self.newest.max(look.at);
        out.extend(polls.into_iter().map(|(kind, outcome)| {
            Record::Poll(Box::new(Poll {
                instance: Arc::clone(&instance.id),
                at: look.at,
                look: Look {
                    kind,
                    took: Duration::from_millis(look.took_ms),
                    outcome,
                },
            }))
        }));
        Ok(())
    }

    /// The snapshot of a look, and whether it tells what only a detail can know.
    fn snapshot(
        &mut self,
        look: &mut LookLine<'_>,
        kind: Kind,
    ) -> Result<(Snapshot, bool), Mistake> {
        let Some((mut read, _)) = look.groups.take() else {
            return Err(Mistake::new(0, "`groups` is missing".to_owned()));
        };
        if read.is_deep() {
            let full = self.full.entry((*look.service).into()).or_default();
            read.resolve(full);
        }
        let complaints: Vec<Complaint> = match look.complaints {
            Some(mut complaints) => complaints.parsed()?,
            None => Vec::new(),
        };
        self.waiting_groups += read.groups.len();
        let groups = read.groups.iter().map(|group| group.count);
        let all = groups.fold(
            look.own.saturating_add(look.complained),
            u64::saturating_add,
        );
        let usual = if kind == Kind::Pulse && !read.is_detailed {
            Form::Proto
        } else {
            Form::Debug2
        };
        let snapshot = Snapshot {
            form: look.form.unwrap_or(usual),
            goroutines: look.goroutines.unwrap_or(all),
            own: look.own,
            truncated: look.truncated,
            complaints,
            complained: look.complained,
            notes: Vec::new(),
            groups: read.groups,
            process: ProcessFacts::default(),
        };
        Ok((snapshot, read.is_detailed))
    }

    fn fact(&mut self, fact: Fact) -> Result<(), Mistake> {
        let known = match fact {
            Fact::History(history) => match history.kept_since {
                Some(at) => Known::KeptSince {
                    at,
                    days: history.days_since,
                },
                None => return Ok(()),
            },
            Fact::Process(process) => return self.process(&process),
            Fact::Watch(watch) => return self.watch(&watch),
            // What other rules call by other names comes with the looks themselves.
            Fact::Signature(signature) if signature.rules != RULES => return Ok(()),
            Fact::Signature(fact) => signature(fact),
            Fact::Alias(alias) => Known::Alias {
                old: alias.signature,
                new: alias.now,
            },
            Fact::Stack(fact) => self.stack(fact),
            Fact::Sighting(sighting) => Known::Sighting {
                signature: sighting.signature,
                build: sighting.build,
                first_at: sighting.first_at,
                first: sighting.first.life(),
            },
            Fact::Proof(fact) => self.proof(*fact),
            Fact::Series(series) => Known::Series {
                signature: series.signature,
                first_at: series.first_at,
                first: series.first.life(),
                last_at: series.last_at,
                last: series.last,
                peak: series.peak,
                peak_at: series.peak_at,
            },
            Fact::Last(last) => Known::Last {
                signature: last.signature,
                at: last.at,
            },
            Fact::Day(day) => Known::Day {
                life: day.of.life(),
                day: day.at.as_millis().div_euclid(24 * HOUR_MS),
                slot: Slot {
                    first_at: day.first_at,
                    last_at: day.last_at,
                    pulses: day.pulses,
                    goroutines: day.goroutines,
                },
                counts: day.counts,
            },
            Fact::Hour(hour) => Known::Hour {
                service: hour.service,
                hour: hour.at.as_millis().div_euclid(HOUR_MS),
                counts: hour.counts,
            },
            Fact::Event(event) => happened(event),
        };
        self.records.push(Record::Known(Box::new(known)));
        Ok(())
    }

    fn process(&mut self, process: &Process) -> Result<(), Mistake> {
        let vdso = match &process.vdso {
            Some(text) => Some(hexadecimal(text)?),
            None => None,
        };
        let nth = self.instance(&process.at);
        let incarnation = Arc::new(Incarnation {
            since: process.since,
            reason: process.reason,
            facts: ProcessFacts {
                build_id: process.build.clone(),
                vdso,
                heap_high: process.heap_high,
            },
        });
        let is_called = *process.incarnation != *process.since.to_rfc3339();
        let name = is_called.then(|| Arc::clone(&process.incarnation));
        if let Some(instance) = self.instances.get_mut(nth) {
            instance.lives.add(name.clone(), &incarnation);
            self.records
                .push(Record::Known(Box::new(Known::Incarnation {
                    instance: Arc::clone(&instance.id),
                    incarnation,
                    name,
                })));
        }
        Ok(())
    }

    fn watch(&mut self, watch: &WatchFact) -> Result<(), Mistake> {
        let interval = watch.interval_seconds.to_string();
        let interval = line::interval(&mut Cursor::new(&interval))?;
        let nth = self.instance(&watch.at);
        let Some(instance) = self.instances.get_mut(nth) else {
            return Ok(());
        };
        instance.is_told = true;
        let told = Watch {
            instance: Arc::clone(&instance.id),
            from: watch.from,
            interval: Duration::from_millis(interval),
            labels: Arc::new(watch.labels.clone()),
        };
        self.records.push(Record::Watched {
            watch: told.clone(),
            to: watch.from.min(watch.to),
        });
        self.watches.push((told, watch.to));
        Ok(())
    }

    /// A stack, what it counts as, and the only service where it does.
    fn read_stack(&self, fact: StackFact) -> (Arc<Stack>, Signature, Option<Arc<str>>) {
        let elision = fact.elided_after.map(|after| Elision {
            after: usize::try_from(after).unwrap_or(usize::MAX),
            frames: fact.elided_frames,
        });
        let stack = self.groups.stack(&fact.frames, elision, fact.cut);
        // Which full stack a cut one is the top of is told; all else follows from the frames.
        let signature = if fact.cut {
            fact.signature
        } else {
            stack.signature
        };
        (stack, signature, fact.service.filter(|_| fact.cut))
    }

    fn stack(&self, fact: StackFact) -> Known {
        let (stack, signature, service) = self.read_stack(fact);
        Known::Stack {
            stack,
            signature,
            service,
        }
    }

    fn proof(&self, fact: Proof) -> Known {
        let (stack, signature, service) = self.read_stack(fact.stack);
        Known::Proof {
            stack,
            signature,
            service,
            build: fact.build,
            first: fact.first.life(),
            first_at: fact.first_at,
            last_at: fact.last_at,
            count: fact.count,
            last: fact.last,
        }
    }
}

/// A look is stored as what it is of; a pulse that tells what only a detail can know is both, as
/// when `detail` is `always`.
fn outcomes(
    kind: Kind,
    life: Arc<Incarnation>,
    snapshot: Snapshot,
    is_detailed: bool,
) -> Vec<(Kind, Outcome)> {
    let mut outcomes = Vec::with_capacity(2);
    if kind == Kind::Pulse && is_detailed {
        let copy = Box::new(snapshot.clone());
        outcomes.push((Kind::Pulse, Outcome::Snapshot(Arc::clone(&life), copy)));
        outcomes.push((Kind::Detail, Outcome::Snapshot(life, Box::new(snapshot))));
    } else {
        outcomes.push((kind, Outcome::Snapshot(life, Box::new(snapshot))));
    }
    outcomes
}

fn signature(fact: SignatureFact) -> Known {
    Known::Signature {
        signature: fact.signature,
        rules: fact.rules,
        site: fact.r#where.into_frame(),
        frames: fact.frames.join("\n"),
        first_at: fact.first_at,
        first: fact.first.life(),
    }
}

fn happened(event: Event) -> Known {
    Known::Event {
        note: Note {
            at: event.at,
            kind: event.kind,
            instance: event.target.as_ref().map(At::id),
            text: event.text,
        },
        signature: event.signature,
    }
}

fn hexadecimal(text: &str) -> Result<u64, Mistake> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|_| {
        let what = format!("`vdso` is `{text}`, and must be hexadecimal, as in 0x7ffd1000");
        Mistake::new(0, what)
    })
}
