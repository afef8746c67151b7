//! Patterns that one signature shows by itself.

use super::{Growing, Hint, Pattern};

const SERVE: &str = "net/http.(*conn).serve";
/// Up to Go 1.26, and since 1.27.
const HTTP2_SERVE: [&str; 2] = [
    "net/http.(*http2serverConn).serve",
    "net/http/internal/http2.(*serverConn).serve",
];
const HTTP2_READ: [&str; 2] = [
    "net/http.(*http2serverConn).readFrames",
    "net/http/internal/http2.(*serverConn).readFrames",
];
const HTTP2_CLIENT: [&str; 2] = [
    "net/http.(*http2ClientConn).readLoop",
    "net/http/internal/http2.(*ClientConn).readLoop",
];

/// A shape of stacks, and what it usually means.
struct Rule {
    pattern: Pattern,
    fits: fn(&Growing<'_>) -> bool,
    means: &'static str,
    look: &'static str,
}

/// The first that fits counts: what the standard library does stands before what a channel says.
const RULES: [Rule; 25] = [
    Rule {
        pattern: Pattern::StuckHandler,
        fits: |subject| subject.root() == SERVE && subject.has("net/http.serverHandler.ServeHTTP"),
        means: "handlers of HTTP requests do not return, so their requests stay unanswered",
        look: "what this handler waits for: `r.Context().Done()` ends when the client has gone",
    },
    Rule {
        pattern: Pattern::StuckHandler,
        fits: |subject| subject.root() == "net/http.(*connReader).backgroundRead",
        means: "one for each HTTP request being served: handlers do not return",
        look: "the stacks above `net/http.(*conn).serve` that grow beside this one",
    },
    Rule {
        pattern: Pattern::SilentClients,
        fits: |subject| {
            let reads = subject.has("net/http.(*conn).readRequest");
            subject.root() == SERVE && reads && subject.waits_for("IO wait")
        },
        means: "clients connect and send no request, or half of one, and nothing limits how long",
        look: "http.Server: set ReadHeaderTimeout; and who the clients are (probes, port scans, pools that \
               connect ahead)",
    },
    Rule {
        pattern: Pattern::IdleClients,
        fits: |subject| {
            let idles = subject.has("bufio.(*Reader).Peek") && subject.waits_for("IO wait");
            subject.root() == SERVE && idles
        },
        means: "clients keep connections open between requests, and nothing limits how long",
        look: "http.Server: set IdleTimeout; and the clients, which may make a transport for each request",
    },
    Rule {
        pattern: Pattern::IdleClients,
        fits: |subject| {
            let serves = HTTP2_SERVE.iter().any(|serve| subject.has(serve));
            serves || HTTP2_READ.contains(&subject.root())
        },
        means: "clients keep HTTP/2 connections open, and nothing limits how long",
        look: "http.Server: set IdleTimeout; and the clients, which may make a transport for each request",
    },
    Rule {
        pattern: Pattern::UnansweredRequest,
        fits: |subject| subject.has("net/http.(*persistConn).roundTrip"),
        means: "requests wait for answers that do not come, and nothing limits how long",
        look: "the caller at the end of this stack: give it `Client.Timeout` or a context with a deadline",
    },
    Rule {
        pattern: Pattern::ManyHttp2Transports,
        fits: |subject| HTTP2_CLIENT.contains(&subject.root()),
        means: "HTTP/2 connections stay open, one a transport and host: a transport is made for each request",
        look: "where http.Transport is made: make it once, or call CloseIdleConnections; set IdleConnTimeout",
    },
    Rule {
        pattern: Pattern::UnclosedDatabase,
        fits: |subject| subject.has("database/sql.(*DB).connectionOpener"),
        means: "each sql.DB has one of these until it is closed: sql.Open is called again and again",
        look: "every call of sql.Open: a DB is a pool, to be opened once; else `defer db.Close()`",
    },
    Rule {
        pattern: Pattern::UncancelledContext,
        fits: |subject| subject.has_literal_of("context.(*cancelCtx).propagateCancel"),
        means: "contexts are made below one of another make (not of package context), which is never done, and \
                nobody cancels them",
        look: "context.WithCancel, WithTimeout and the like below that context: `defer cancel()`",
    },
    Rule {
        pattern: Pattern::UnstoppedNotifyContext,
        fits: |subject| subject.has_literal_of("os/signal.NotifyContext"),
        means: "signal.NotifyContext is called again and again, and its stop is not",
        look: "every call of signal.NotifyContext: `defer stop()`",
    },
    Rule {
        pattern: Pattern::EndlessCommand,
        fits: |subject| {
            let waits = subject.has("os/exec.(*Cmd).Wait");
            waits || subject.has_literal_of("os/exec.(*Cmd).writerDescriptor")
        },
        means: "commands do not end, or a child of theirs keeps their output open",
        look: "the command: exec.CommandContext with a deadline, and `Cmd.WaitDelay` for output that stays open",
    },
    Rule {
        pattern: Pattern::HalfPipe,
        fits: |subject| subject.site == "io.(*pipe).write",
        means: "the reader of an io.Pipe has gone without closing it",
        look: "who reads: `CloseWithError` on every path, errors above all",
    },
    Rule {
        pattern: Pattern::HalfPipe,
        fits: |subject| subject.site == "io.(*pipe).read",
        means: "the writer of an io.Pipe has gone without closing it",
        look: "who writes: `CloseWithError` on every path, errors above all",
    },
    Rule {
        pattern: Pattern::IdleGrpcClients,
        fits: is_grpc_server,
        means: "clients keep connections to this grpc server open, and nothing limits how long",
        look: "keepalive.ServerParameters (MaxConnectionIdle, MaxConnectionAge); and the clients, which may \
               make a connection for each call",
    },
    Rule {
        pattern: Pattern::StuckTimerCallback,
        fits: |subject| subject.created_by == Some("time.goFunc"),
        means: "callbacks of time.AfterFunc do not return",
        look: "what the callback waits for",
    },
    Rule {
        pattern: Pattern::NilChannel,
        fits: |subject| {
            subject.waits_for("chan receive (nil chan)")
                || subject.waits_for("chan send (nil chan)")
        },
        means: "a nil channel never becomes ready: these goroutines can never go on",
        look: "where the channel should have been made",
    },
    Rule {
        pattern: Pattern::EmptySelect,
        fits: |subject| subject.waits_for("select (no cases)"),
        means: "`select {}` never ends: these goroutines can never go on",
        look: "who starts this, and why more than once",
    },
    Rule {
        pattern: Pattern::HeldMutex,
        fits: |subject| {
            let locks = ["sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock"];
            locks.iter().any(|lock| subject.waits_for(lock))
        },
        means: "the lock is held and not released: an Unlock is missing on some path, its holder is stuck, or \
                two wait for each other",
        look: "who locks the same mutex: `defer mu.Unlock()`; the holder is not in this stack",
    },
    Rule {
        pattern: Pattern::WaitGroup,
        fits: |subject| subject.has("sync.(*WaitGroup).Wait"),
        means: "the group does not come to zero: a Done is missing on some path, or what it waits for is stuck",
        look: "what the group waits for: it grows beside this, or returned without `defer wg.Done()`",
    },
    Rule {
        pattern: Pattern::Cond,
        fits: |subject| subject.has("sync.(*Cond).Wait"),
        means: "nobody signals the condition any more",
        look: "who should call Signal or Broadcast, on closing too",
    },
    Rule {
        pattern: Pattern::SleepLoop,
        fits: |subject| subject.has("time.Sleep") && subject.waits_for("sleep"),
        means: "goroutines that sleep become more: a loop around time.Sleep that is started again and again and \
                has no way out",
        look: "this loop: end it by a context (`select` on ctx.Done() and a timer), and who starts it",
    },
    Rule {
        pattern: Pattern::AbandonedResult,
        fits: is_abandoned_result,
        means: "a function literal sends its result when nobody receives it any more: its maker took a time-out \
                or another case, or returned early",
        look: "the function around this literal: give the channel room for the result (`make(chan T, 1)`), or \
               send in a `select` with ctx.Done()",
    },
    Rule {
        pattern: Pattern::UnreceivedSend,
        fits: |subject| subject.waits_for("chan send"),
        means: "nobody receives from the channel any more",
        look: "who receives, and returned early; send in a `select` with ctx.Done()",
    },
    Rule {
        pattern: Pattern::UnclosedChannel,
        fits: |subject| subject.has("runtime.chanrecv2") && subject.waits_for("chan receive"),
        means: "`for range` (or `v, ok :=`) over a channel that nobody closes; a ticker's is never closed, not \
                even by Stop",
        look: "who sends: close the channel when done; and who starts this again and again",
    },
    Rule {
        pattern: Pattern::UnsentReceive,
        fits: |subject| subject.waits_for("chan receive"),
        means: "nobody sends to the channel or closes it; a loop around time.After or a ticker looks the same",
        look: "who should send or close, on errors too; and who starts this again and again",
    },
];

fn is_grpc_server(subject: &Growing<'_>) -> bool {
    let of_server = [
        "google.golang.org/grpc/internal/transport.(*http2Server).keepalive",
        "google.golang.org/grpc/internal/transport.(*http2Server).HandleStreams",
    ];
    of_server.iter().any(|function| subject.has(function))
        || subject.has_literal_of("google.golang.org/grpc/internal/transport.NewServerTransport")
}

/// A literal that was started as a goroutine by the function that it stands in, and sends.
fn is_abandoned_result(subject: &Growing<'_>) -> bool {
    let Some(around) = around(subject.site) else {
        return false;
    };
    let made_there = subject.created_by.is_none_or(|creator| creator == around);
    made_there && subject.root() == subject.site && subject.waits_for("chan send")
}

/// The function that a literal stands in: `main.f` of `main.f.func1`; `None` of what is no literal.
fn around(function: &str) -> Option<&str> {
    let (outer, last) = function.rsplit_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = last.strip_prefix("func").unwrap_or(last);
    is_number(number).then_some(outer)
}

/// The hint of the first rule that fits.
pub(super) fn hint(subject: &Growing<'_>) -> Option<Hint> {
    let rule = RULES.iter().find(|rule| (rule.fits)(subject))?;
    let all: u64 = subject.states.values().sum();
    let commonest = subject.states.iter().max_by_key(|(_, count)| **count);
    let waits = commonest.map_or_else(String::new, |(state, count)| {
        format!(", {count} of {all} in `{state}`")
    });
    let made = subject
        .created_by
        .map_or_else(String::new, |creator| format!(", made by `{creator}`"));
    let (site, growth, last) = (subject.site, subject.growth, subject.last);
    Some(Hint {
        pattern: rule.pattern,
        seen: format!("{growth:+} to {last} goroutines in `{site}`{waits}{made}"),
        means: rule.means,
        look: rule.look,
    })
}
