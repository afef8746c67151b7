//! How long the writer is held, by what, and what that costs: read off its spans, on its own thread.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tracing::{Metadata, Subscriber, span::Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Everything that the writer does beside storing polls.
pub(crate) const TIDY: &str = "tidy";

/// What is known of one kind of span.
#[derive(Debug, Default, Clone)]
pub(crate) struct Step {
    /// Of each one the time on the clock, and the CPU time in it; spans within it included.
    pub(crate) times: Vec<(Duration, Duration)>,
    /// CPU time of all, without the spans within.
    pub(crate) cpu: Duration,
}

#[derive(Debug, Default, Clone)]
pub(crate) struct Held {
    pub(crate) steps: BTreeMap<&'static str, Step>,
    /// CPU time of the whole thread.
    pub(crate) cpu: Duration,
    /// What the longest tidying was made of.
    pub(crate) longest: Vec<(&'static str, Duration)>,
    within: Vec<(&'static str, Duration)>,
    open: Vec<Open>,
    /// The CPU time that a thread had at the end of its last span.
    last: Option<(ThreadId, Duration)>,
}

#[derive(Debug, Clone)]
struct Open {
    name: &'static str,
    began: Instant,
    cpu: Duration,
    /// CPU time of the spans within.
    inner: Duration,
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);

fn held() -> MutexGuard<'static, Option<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen.
pub(crate) fn listen() {
    tracing_subscriber::registry().with(Spans).init();
}

/// What was heard since the last call.
pub(crate) fn take() -> Held {
    let mut held = held();
    let next = held.as_ref().map(|held| Held {
        open: held.open.clone(),
        last: held.last,
        ..Held::default()
    });
    std::mem::replace(&mut *held, next).unwrap_or_default()
}

struct Spans;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() && metadata.target().starts_with("goroscope::store::write")
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(metadata) = context.metadata(id) {
            held().get_or_insert_default().enter(metadata.name());
        }
    }

    fn on_exit(&self, _: &Id, _: Context<'_, S>) {
        held().get_or_insert_default().exit();
    }
}

impl Held {
    fn enter(&mut self, name: &'static str) {
        self.open.push(Open {
            name,
            began: Instant::now(),
            cpu: cpu(),
            inner: Duration::ZERO,
        });
    }

    fn exit(&mut self) {
        let (now, Some(open)) = (cpu(), self.open.pop()) else {
            return;
        };
        let (took, used) = (open.began.elapsed(), now.saturating_sub(open.cpu));
        let step = self.steps.entry(open.name).or_default();
        step.times.push((took, used));
        step.cpu += used.saturating_sub(open.inner);
        if let Some(outer) = self.open.last_mut() {
            outer.inner += used;
            self.within.push((open.name, took));
            return;
        }
        let thread = std::thread::current().id();
        let known = self.last.filter(|(last, _)| *last == thread);
        let before = known.map_or(Duration::ZERO, |(_, before)| before);
        self.cpu += now.saturating_sub(before);
        self.last = Some((thread, now));
        let within = std::mem::take(&mut self.within);
        let tidied = self.steps.get(TIDY).map_or(&[][..], |step| &step.times);
        if open.name == TIDY && tidied.iter().all(|(other, _)| *other <= took) {
            self.longest = within;
        }
    }
}

/// CPU time of this thread so far.
fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(spent.tv_nsec).unwrap_or(0))
}
