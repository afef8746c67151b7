//! Patterns that show in several signatures of a service together.

use super::{Growing, Hint, Pattern};

const READ_LOOP: &str = "net/http.(*persistConn).readLoop";
const WRITE_LOOP: &str = "net/http.(*persistConn).writeLoop";
const ROUND_TRIP: &str = "net/http.(*persistConn).roundTrip";
const WATCH_CONTEXT: &str = "os/exec.(*Cmd).watchCtx";
const COMMAND_WAIT: &str = "os/exec.(*Cmd).Wait";
const GRPC_CLIENT: &str = "google.golang.org/grpc/internal/transport.NewHTTP2Client";
const GRPC_WRITER: &str = "google.golang.org/grpc/internal/transport.(*loopyWriter).run";
const GRPC_READER: &str = "google.golang.org/grpc/internal/transport.(*http2Client).reader";
const GRPC_SERIALIZER: &str = "google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run";

/// Growth by role, goroutines.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Writers of HTTP/1 connections.
    write_loops: i64,
    /// Readers that wait for the program to read or close a body.
    unread: i64,
    /// Readers that wait for the server.
    listening: i64,
    /// Requests that wait for an answer.
    round_trips: i64,
    /// Watchers of a command's context.
    watched_commands: i64,
    /// Those who wait for a command to end.
    awaited_commands: i64,
    grpc_writers: i64,
    grpc_readers: i64,
}

impl Sums {
    pub(super) fn of(subjects: &[Growing<'_>]) -> Self {
        let mut sums = Self::default();
        for subject in subjects.iter().filter(|subject| subject.growth > 0) {
            let roles = [
                (&mut sums.write_loops, subject.root() == WRITE_LOOP),
                (&mut sums.unread, is_unread(subject)),
                (&mut sums.listening, is_listening(subject)),
                (&mut sums.round_trips, subject.has(ROUND_TRIP)),
                (&mut sums.watched_commands, subject.has(WATCH_CONTEXT)),
                (&mut sums.awaited_commands, subject.has(COMMAND_WAIT)),
                (&mut sums.grpc_writers, is_grpc_writer(subject)),
                (&mut sums.grpc_readers, subject.root() == GRPC_READER),
            ];
            for (sum, _) in roles.into_iter().filter(|(_, plays)| *plays) {
                *sum = sum.saturating_add(subject.growth);
            }
        }
        sums
    }
}

/// A reader that has handed a body on waits in a select of its own, not for the network.
fn is_unread(subject: &Growing<'_>) -> bool {
    subject.root() == READ_LOOP && subject.site == READ_LOOP && subject.waits_for("select")
}

fn is_listening(subject: &Growing<'_>) -> bool {
    let peeks = subject.has("bufio.(*Reader).Peek") && subject.waits_for("IO wait");
    subject.root() == READ_LOOP && peeks
}

fn is_grpc_writer(subject: &Growing<'_>) -> bool {
    subject.has(GRPC_WRITER) && subject.has_literal_of(GRPC_CLIENT)
}

/// Whether two grow by the same, within a tenth.
fn one_to_one(a: i64, b: i64) -> bool {
    a > 0 && b > 0 && a.abs_diff(b) <= a.max(b).unsigned_abs() / 10
}

/// The hint that follows from the sums.
pub(super) fn hint(subject: &Growing<'_>, sums: &Sums) -> Option<Hint> {
    match subject.root() {
        READ_LOOP | WRITE_LOOP => client_connection(subject, sums),
        WATCH_CONTEXT => Some(command(sums)),
        GRPC_READER | GRPC_SERIALIZER => grpc_connection(sums),
        _ if is_grpc_writer(subject) => grpc_connection(sums),
        _ => None,
    }
}

fn client_connection(subject: &Growing<'_>, sums: &Sums) -> Option<Hint> {
    let readers = sums.unread.saturating_add(sums.listening);
    if !one_to_one(sums.write_loops, readers) {
        return None;
    }
    // A writer goes with the commoner kind of reader.
    let unread =
        is_unread(subject) || (subject.root() == WRITE_LOOP && sums.unread >= sums.listening);
    let requests_wait = sums.round_trips.saturating_mul(2) >= sums.listening;
    let (pattern, means, look) = if unread {
        (
            Pattern::UnclosedBody,
            "responses whose body was neither closed nor read to its end keep their connection (a stream \
             that is still being read does too)",
            "every call of an http.Client: `defer resp.Body.Close()` behind each that gives no error",
        )
    } else if requests_wait {
        (
            Pattern::UnansweredRequest,
            "requests wait for answers that do not come, and nothing limits how long",
            "the callers of `(*persistConn).roundTrip`: give them `Client.Timeout` or a context with a \
             deadline",
        )
    } else {
        (
            Pattern::ManyTransports,
            "connections idle in many transports: an http.Transport, or a client with one, is made for each \
             request (a shared one keeps two idle connections a host)",
            "where http.Transport is made: make it once, or call CloseIdleConnections; set IdleConnTimeout",
        )
    };
    Some(Hint {
        pattern,
        seen: format!(
            "client connections of net/http grow one to one, {:+} in `writeLoop` and {:+} in `readLoop`: {:+} \
             hold a body, {:+} wait for the server, where {:+} requests wait for an answer",
            sums.write_loops, readers, sums.unread, sums.listening, sums.round_trips
        ),
        means,
        look,
    })
}

fn command(sums: &Sums) -> Hint {
    let seen = format!(
        "{:+} goroutines watch the context of a command of os/exec, {:+} wait for one to end",
        sums.watched_commands, sums.awaited_commands
    );
    if one_to_one(sums.watched_commands, sums.awaited_commands) {
        return Hint {
            pattern: Pattern::EndlessCommand,
            seen,
            means: "commands are started that do not end",
            look: "the callers of `(*Cmd).Wait`: cancel the context, or give it a deadline",
        };
    }
    Hint {
        pattern: Pattern::UnwaitedCommand,
        seen,
        means: "commands are started and nobody waits for them: their watchers stay, and so do zombies",
        look: "every call of `(*Cmd).Start`: call `Wait` too, on every path",
    }
}

fn grpc_connection(sums: &Sums) -> Option<Hint> {
    one_to_one(sums.grpc_writers, sums.grpc_readers).then(|| Hint {
        pattern: Pattern::UnclosedGrpcConnection,
        seen: format!(
            "client connections of grpc grow one to one, {:+} in `loopyWriter` and {:+} in `reader`",
            sums.grpc_writers, sums.grpc_readers
        ),
        means: "a grpc.ClientConn is made for each call or so, and not closed",
        look: "every call of grpc.NewClient and grpc.Dial: make one a server and share it, or `defer \
               conn.Close()`",
    })
}
