//! Hints in plain words: what a growing stack of a known shape usually means, and where to look.
//!
//! Every shape here was seen in a real process (`testdata/go/patterns`, and grpc 1.85), and a hint is given
//! on its evidence alone. A timer that was never stopped is no goroutine and shows in no dump; what waits
//! in a `select` of its own says nothing of its cases: of these there is no hint.

mod pair;
mod rule;

use std::collections::BTreeMap;

use serde::Serialize;

/// A signature of one service that grows.
#[derive(Debug, Clone, Copy)]
pub struct Growing<'a> {
    /// Its functions, leaf first; those of the runtime may be there or not.
    pub functions: &'a [&'a str],
    /// The function to look at.
    pub site: &'a str,
    /// The function that made most of its goroutines, where a detail told.
    pub created_by: Option<&'a str>,
    /// Goroutines by what they wait for: wait kinds, or states as a detail prints them, which alone tell a
    /// nil channel.
    pub states: &'a BTreeMap<String, u64>,
    /// Growth over all instances of the service, goroutines.
    pub growth: i64,
    /// The last known count.
    pub last: u64,
}

/// What a growing signature usually means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// Which pattern it is, to search for.
    pub pattern: Pattern,
    /// The evidence, with its numbers. Names in it come from the target.
    pub seen: String,
    /// What that usually means.
    pub means: &'static str,
    /// Where to look, and what would be right.
    pub look: &'static str,
}

impl Hint {
    /// All of it as one paragraph.
    pub fn sentence(&self) -> String {
        format!("{}: {}. Look at {}.", self.seen, self.means, self.look)
    }
}

/// The known patterns. Names are added, never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Response bodies that are not closed.
    UnclosedBody,
    /// Connections that idle in transports of their own.
    ManyTransports,
    /// HTTP requests without an answer and without a time-out.
    UnansweredRequest,
    /// HTTP/2 connections that idle in transports of their own.
    ManyHttp2Transports,
    /// Clients of an HTTP server that keep their connections.
    IdleClients,
    /// Clients of an HTTP server that send no request, or half of one.
    SilentClients,
    /// HTTP handlers that do not return.
    StuckHandler,
    /// Connections of `grpc` that nobody closes.
    UnclosedGrpcConnection,
    /// Clients of a `grpc` server that keep their connections.
    IdleGrpcClients,
    /// Pools of `database/sql` that nobody closes.
    UnclosedDatabase,
    /// Contexts that nobody cancels.
    UncancelledContext,
    /// `signal.NotifyContext` without its stop.
    UnstoppedNotifyContext,
    /// Commands that nobody waits for.
    UnwaitedCommand,
    /// Commands that do not end.
    EndlessCommand,
    /// An `io.Pipe` whose other end is gone.
    HalfPipe,
    /// Callbacks of timers that do not return.
    StuckTimerCallback,
    /// Waits on a nil channel.
    NilChannel,
    /// `select {}`.
    EmptySelect,
    /// A mutex that is not released.
    HeldMutex,
    /// A `sync.WaitGroup` that does not come to zero.
    WaitGroup,
    /// A `sync.Cond` that nobody signals.
    Cond,
    /// Loops around `time.Sleep`.
    SleepLoop,
    /// Results that nobody receives.
    AbandonedResult,
    /// Sends to a channel that nobody receives from.
    UnreceivedSend,
    /// `for range` over a channel that nobody closes.
    UnclosedChannel,
    /// Receives from a channel that nobody sends to or closes.
    UnsentReceive,
}

impl Growing<'_> {
    /// The outermost function that is not the runtime's.
    fn root(&self) -> &str {
        let mut outermost = self.functions.iter().rev();
        let root = outermost.find(|function| !function.starts_with("runtime."));
        root.copied().unwrap_or_default()
    }

    fn has(&self, function: &str) -> bool {
        self.functions.contains(&function)
    }

    /// Whether one of its functions is a literal of this one, whatever its number.
    fn has_literal_of(&self, function: &str) -> bool {
        let literals = self.functions.iter().filter_map(|name| {
            let literal = name.strip_prefix(function)?;
            literal.strip_prefix(".func")
        });
        literals.count() > 0
    }

    /// Whether nine in ten of its goroutines wait for this.
    fn waits_for(&self, state: &str) -> bool {
        let all: u64 = self.states.values().sum();
        let waiting = self.states.get(state).copied().unwrap_or(0);
        all > 0 && waiting.saturating_mul(10) >= all.saturating_mul(9)
    }
}

/// The hint for each subject, in their order; `None` where no pattern is known. They are all the growing
/// signatures of one service: some patterns show in several of them together.
pub fn hints(subjects: &[Growing<'_>]) -> Vec<Option<Hint>> {
    let sums = pair::Sums::of(subjects);
    let hint = |subject: &Growing<'_>| {
        if subject.growth <= 0 {
            return None;
        }
        pair::hint(subject, &sums).or_else(|| rule::hint(subject))
    };
    subjects.iter().map(hint).collect()
}
