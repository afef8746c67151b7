//! Hints on real dumps: every pattern as `testdata/go/patterns` and grpc show it.

use std::collections::BTreeMap;

use goroscope::analyse::{Growing, Hint, Pattern, hints};
use goroscope::group::{SignatureGroup, by_signature};

use crate::support::{read_file, root};

/// The groups of a dump, and for each its hint when all of them had grown from nothing. Profiles have no
/// states as printed: what they have is the wait kind.
fn hinted(file: &str) -> Vec<(SignatureGroup, Option<Hint>)> {
    hinted_without(file, "")
}

/// The same without the stacks that have this function.
fn hinted_without(file: &str, function: &str) -> Vec<(SignatureGroup, Option<Hint>)> {
    let mut groups = by_signature(&read_file(&root().join("testdata/dumps").join(file)));
    groups.retain(|group| !has(group, function));
    let functions: Vec<Vec<&str>> = groups
        .iter()
        .map(|group| {
            group
                .stack
                .frames
                .iter()
                .map(|frame| &*frame.function)
                .collect()
        })
        .collect();
    let states: Vec<BTreeMap<String, u64>> = groups
        .iter()
        .map(|group| {
            let states = group.states.iter();
            states
                .map(|(state, count)| (state.to_string(), *count))
                .collect()
        })
        .collect();
    let subjects: Vec<Growing<'_>> = groups
        .iter()
        .zip(functions.iter().zip(&states))
        .map(|(group, (functions, states))| Growing {
            functions,
            site: group.stack.site().map_or("", |frame| &frame.function),
            created_by: group.created_by.as_deref(),
            states,
            growth: group.count.cast_signed(),
            last: group.count,
        })
        .collect();
    let hints = hints(&subjects);
    groups.into_iter().zip(hints).collect()
}

fn has(group: &SignatureGroup, function: &str) -> bool {
    let mut frames = group.stack.frames.iter();
    frames.any(|frame| &*frame.function == function)
}

/// One line a signature: its count, what is hinted at, and where it is.
fn told(file: &str) -> String {
    let mut lines: Vec<String> = hinted(file)
        .into_iter()
        .map(|(group, hint)| {
            let pattern = hint.map(|hint| serde_json::to_value(hint.pattern).unwrap());
            let pattern = pattern
                .as_ref()
                .and_then(|name| name.as_str())
                .unwrap_or("-");
            let mut frames = group.stack.frames.iter().map(|frame| &*frame.function);
            let root = frames.rfind(|function| !function.starts_with("runtime."));
            let site = group.stack.site().map_or("", |frame| &frame.function);
            format!(
                "{:<24} {:>2} {site} < {}",
                pattern,
                group.count,
                root.unwrap_or("")
            )
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

/// What is hinted at in the stacks that begin with this function, as a sentence.
fn sentence(file: &str, function: &str) -> String {
    let found = hinted(file).into_iter().filter(|(group, _)| {
        group
            .stack
            .identifying()
            .any(|frame| &*frame.function == function)
    });
    let told = found
        .filter_map(|(_, hint)| hint)
        .map(|hint| hint.sentence());
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_pattern_has_its_name() {
    insta::assert_snapshot!(told("patterns_go1.26_debug2.txt"), @"
    -                         1 net.(*netFD).accept < example.com/fleet/internal/serve.Main.func1
    -                         1 net.(*netFD).accept < net/http/httptest.(*Server).goServe.func1
    -                         1 os/signal.loop < os/signal.loop
    -                         3 main.tickerSelect.func1 < main.tickerSelect.func1
    -                         3 net.(*netFD).accept < main.listen.func1
    -                         3 net.(*netFD).accept < net/http.(*Server).Serve
    abandoned-result          3 main.abandonedResult.func1 < main.abandonedResult.func1
    cond                      3 main.condForEver.func1 < main.condForEver.func1
    empty-select              3 main.selectNothing.func1 < main.selectNothing.func1
    endless-command           3 os.(*File).read < os/exec.(*Cmd).Start.func2
    endless-command           3 os.(*File).read < os/exec.(*Cmd).Start.func2
    endless-command           3 os.(*Process).pidfdWait.func1 < main.commandOutput.func1
    half-pipe                 3 io.(*pipe).read < main.pipeReader.func1
    half-pipe                 3 io.(*pipe).write < main.pipeWriter.func1
    held-mutex                1 main.writeLockForEver.func1 < main.writeLockForEver.func1
    held-mutex                2 main.writeLockForEver.func1 < main.writeLockForEver.func1
    held-mutex                3 main.lockForEver.func1 < main.lockForEver.func1
    held-mutex                3 main.readLockForEver.func1 < main.readLockForEver.func1
    idle-clients              3 net.(*netFD).Read < net/http.(*conn).serve
    idle-clients              3 net.(*netFD).Read < net/http.(*http2serverConn).readFrames
    idle-clients              3 net/http.(*http2serverConn).serve < net/http.(*conn).serve
    many-http2-transports     3 net.(*netFD).Read < net/http.(*http2ClientConn).readLoop
    nil-channel               3 main.nilRange.func1 < main.nilRange.func1
    nil-channel               3 main.nilReceive.func1 < main.nilReceive.func1
    nil-channel               3 main.nilSend.func1 < main.nilSend.func1
    silent-clients            3 net.(*netFD).Read < net/http.(*conn).serve
    sleep-loop                3 main.poll < main.poll
    stuck-handler             3 main.neverAnswer < net/http.(*conn).serve
    stuck-handler             4 net.(*netFD).Read < net/http.(*connReader).backgroundRead
    stuck-timer-callback      3 main.stuckCallback < main.stuckCallback
    unanswered-request        3 net/http.(*persistConn).roundTrip < main.noResponse.func1.1
    unanswered-request        6 net.(*netFD).Read < net/http.(*persistConn).readLoop
    unanswered-request        9 net/http.(*persistConn).writeLoop < net/http.(*persistConn).writeLoop
    uncancelled-context       3 context.(*cancelCtx).propagateCancel.func2 < context.(*cancelCtx).propagateCancel.func2
    unclosed-body             3 net/http.(*persistConn).readLoop < net/http.(*persistConn).readLoop
    unclosed-database         3 database/sql.(*DB).connectionOpener < database/sql.(*DB).connectionOpener
    unreceived-send           3 main.produce < main.produce
    unsent-receive            1 example.com/fleet/internal/serve.Main < main.main
    unsent-receive            3 main.afterLoop.func1 < main.afterLoop.func1
    unsent-receive            3 main.receiveForEver.func1 < main.receiveForEver.func1
    unsent-receive            3 main.tickerRange.func1 < main.tickerRange.func1
    unsent-receive            3 main.work < main.work
    unstopped-notify-context  4 os/signal.NotifyContext.func1 < os/signal.NotifyContext.func1
    unwaited-command          6 os/exec.(*Cmd).watchCtx < os/exec.(*Cmd).watchCtx
    wait-group                3 main.waitGroup.func1 < main.waitGroup.func1
    ");
}

#[test]
fn a_profile_tells_the_same_but_for_nil_channels_and_creators() {
    insta::assert_snapshot!(told("patterns_go1.26_debug0.pb.gz"), @"
    -                         1  < 
    -                         1 net.(*netFD).accept < example.com/fleet/internal/serve.Main.func1
    -                         1 net.(*netFD).accept < net/http/httptest.(*Server).goServe.func1
    -                         1 os/signal.loop < os/signal.loop
    -                         3 main.tickerSelect.func1 < main.tickerSelect.func1
    -                         3 net.(*netFD).accept < main.listen.func1
    -                         3 net.(*netFD).accept < net/http.(*Server).Serve
    abandoned-result          3 main.abandonedResult.func1 < main.abandonedResult.func1
    abandoned-result          3 main.nilSend.func1 < main.nilSend.func1
    cond                      3 main.condForEver.func1 < main.condForEver.func1
    empty-select              3 main.selectNothing.func1 < main.selectNothing.func1
    endless-command           3 os.(*File).read < os/exec.(*Cmd).Start.func2
    endless-command           3 os.(*File).read < os/exec.(*Cmd).Start.func2
    endless-command           3 os.(*Process).pidfdWait.func1 < main.commandOutput.func1
    half-pipe                 3 io.(*pipe).read < main.pipeReader.func1
    half-pipe                 3 io.(*pipe).write < main.pipeWriter.func1
    held-mutex                1 main.writeLockForEver.func1 < main.writeLockForEver.func1
    held-mutex                2 main.writeLockForEver.func1 < main.writeLockForEver.func1
    held-mutex                3 main.lockForEver.func1 < main.lockForEver.func1
    held-mutex                3 main.readLockForEver.func1 < main.readLockForEver.func1
    idle-clients              3 net.(*netFD).Read < net/http.(*conn).serve
    idle-clients              3 net.(*netFD).Read < net/http.(*http2serverConn).readFrames
    idle-clients              3 net/http.(*http2serverConn).serve < net/http.(*conn).serve
    many-http2-transports     3 net.(*netFD).Read < net/http.(*http2ClientConn).readLoop
    silent-clients            3 net.(*netFD).Read < net/http.(*conn).serve
    sleep-loop                3 main.poll < main.poll
    stuck-handler             3 main.neverAnswer < net/http.(*conn).serve
    stuck-handler             3 net.(*netFD).Read < net/http.(*connReader).backgroundRead
    unanswered-request        3 net/http.(*persistConn).roundTrip < main.noResponse.func1.1
    unanswered-request        6 net.(*netFD).Read < net/http.(*persistConn).readLoop
    unanswered-request        9 net/http.(*persistConn).writeLoop < net/http.(*persistConn).writeLoop
    uncancelled-context       3 context.(*cancelCtx).propagateCancel.func2 < context.(*cancelCtx).propagateCancel.func2
    unclosed-body             3 net/http.(*persistConn).readLoop < net/http.(*persistConn).readLoop
    unclosed-channel          3 main.nilRange.func1 < main.nilRange.func1
    unclosed-channel          3 main.tickerRange.func1 < main.tickerRange.func1
    unclosed-channel          3 main.work < main.work
    unclosed-database         3 database/sql.(*DB).connectionOpener < database/sql.(*DB).connectionOpener
    unreceived-send           3 main.produce < main.produce
    unsent-receive            1 example.com/fleet/internal/serve.Main < main.main
    unsent-receive            3 main.afterLoop.func1 < main.afterLoop.func1
    unsent-receive            3 main.nilReceive.func1 < main.nilReceive.func1
    unsent-receive            3 main.receiveForEver.func1 < main.receiveForEver.func1
    unsent-receive            3 main.stuckCallback < main.stuckCallback
    unstopped-notify-context  4 os/signal.NotifyContext.func1 < os/signal.NotifyContext.func1
    unwaited-command          6 os/exec.(*Cmd).watchCtx < os/exec.(*Cmd).watchCtx
    wait-group                3 main.waitGroup.func1 < main.waitGroup.func1
    ");
}

/// How many goroutines have each hint, in threes: the request for the dump has some of its own.
fn counts(version: &str) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (group, hint) in hinted(&format!("patterns_go{version}_debug2.txt")) {
        if let Some(hint) = hint {
            let pattern = format!("{:?}", hint.pattern);
            *counts.entry(pattern).or_default() += group.count / 3 * 3;
        }
    }
    counts.retain(|_, count| *count > 0);
    counts
}

#[test]
fn hints_are_the_same_from_go_1_21_to_1_27() {
    assert_eq!(counts("1.21"), counts("1.26"));
    assert_eq!(counts("1.27"), counts("1.26"));
}

#[test]
fn grpc_connections() {
    insta::assert_snapshot!(told("grpc-1.85_debug2.txt"), @"
    -                         1 net.(*netFD).accept < google.golang.org/grpc.(*Server).Serve
    -                         1 net.(*netFD).accept < main.main
    -                         1 net/http.(*connReader).startBackgroundRead.gowrap2 < net/http.(*connReader).startBackgroundRead.gowrap2
    idle-grpc-clients         4 google.golang.org/grpc/internal/transport.(*controlBuffer).get < google.golang.org/grpc/internal/transport.NewServerTransport.func3
    idle-grpc-clients         4 google.golang.org/grpc/internal/transport.(*http2Server).keepalive < google.golang.org/grpc/internal/transport.(*http2Server).keepalive
    idle-grpc-clients         4 net.(*rawConn).Read < google.golang.org/grpc.(*Server).handleRawConn.func1
    unclosed-grpc-connection  4 google.golang.org/grpc/internal/transport.(*controlBuffer).get < google.golang.org/grpc/internal/transport.NewHTTP2Client.func6
    unclosed-grpc-connection  4 net.(*rawConn).Read < google.golang.org/grpc/internal/transport.(*http2Client).reader
    unclosed-grpc-connection 12 google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run < google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run
    ");
}

#[test]
fn hints_tell_their_numbers() {
    let patterns = "patterns_go1.26_debug2.txt";
    insta::assert_snapshot!(sentence(patterns, "net/http.(*persistConn).readLoop"), @"
    client connections of net/http grow one to one, +9 in `writeLoop` and +9 in `readLoop`: +3 hold a body, +6 wait for the server, where +3 requests wait for an answer: requests wait for answers that do not come, and nothing limits how long. Look at the callers of `(*persistConn).roundTrip`: give them `Client.Timeout` or a context with a deadline.
    client connections of net/http grow one to one, +9 in `writeLoop` and +9 in `readLoop`: +3 hold a body, +6 wait for the server, where +3 requests wait for an answer: responses whose body was neither closed nor read to its end keep their connection (a stream that is still being read does too). Look at every call of an http.Client: `defer resp.Body.Close()` behind each that gives no error.
    ");
    insta::assert_snapshot!(sentence(patterns, "main.abandonedResult.func1"), @"+3 to 3 goroutines in `main.abandonedResult.func1`, 3 of 3 in `chan send`, made by `main.abandonedResult`: a function literal sends its result when nobody receives it any more: its maker took a time-out or another case, or returned early. Look at the function around this literal: give the channel room for the result (`make(chan T, 1)`), or send in a `select` with ctx.Done().");
    insta::assert_snapshot!(sentence(patterns, "os/exec.(*Cmd).watchCtx"), @"+6 goroutines watch the context of a command of os/exec, +3 wait for one to end: commands are started and nobody waits for them: their watchers stay, and so do zombies. Look at every call of `(*Cmd).Start`: call `Wait` too, on every path.");
    insta::assert_snapshot!(sentence("grpc-1.85_debug2.txt", "google.golang.org/grpc/internal/transport.(*http2Client).reader"), @"client connections of grpc grow one to one, +4 in `loopyWriter` and +4 in `reader`: a grpc.ClientConn is made for each call or so, and not closed. Look at every call of grpc.NewClient and grpc.Dial: make one a server and share it, or `defer conn.Close()`.");
}

/// What one signature means depends on what grows beside it.
#[test]
fn connections_without_requests_are_of_many_transports() {
    let file = "patterns_go1.26_debug2.txt";
    let found = hinted_without(file, "net/http.(*persistConn).roundTrip");
    let loops = found.iter().filter(|(group, _)| {
        has(group, "net/http.(*persistConn).readLoop")
            || has(group, "net/http.(*persistConn).writeLoop")
    });
    let mut told: Vec<(u64, Pattern)> = loops
        .map(|(group, hint)| (group.count, hint.as_ref().unwrap().pattern))
        .collect();
    told.sort_by_key(|(count, _)| *count);
    let (unclosed, many) = (Pattern::UnclosedBody, Pattern::ManyTransports);
    assert_eq!(told, [(3, unclosed), (6, many), (9, many)]);

    let alone = hinted_without(file, "net/http.(*persistConn).writeLoop");
    let reader = alone
        .iter()
        .find(|(group, _)| has(group, "net/http.(*persistConn).readLoop"));
    assert_eq!(reader.unwrap().1, None);
}

/// A server that is well has hints on its connections at most: nothing of it grows, and a hint is given
/// on what grows alone.
#[test]
fn what_does_not_grow_has_no_hint() {
    let states = BTreeMap::from([("chan send".to_owned(), 4)]);
    let subject = |growth| Growing {
        functions: &["main.f.func1"],
        site: "main.f.func1",
        created_by: None,
        states: &states,
        growth,
        last: 4,
    };
    let told = hints(&[subject(-1), subject(0), subject(1)]);
    assert_eq!(
        told.iter().map(Option::is_some).collect::<Vec<_>>(),
        [false, false, true]
    );
}

/// A reader that has no writer beside it is not what a connection of net/http looks like.
#[test]
fn one_to_one_is_within_a_tenth() {
    let states = BTreeMap::from([("select".to_owned(), 100)]);
    let loops = |name, growth| Growing {
        functions: name,
        site: name[0],
        created_by: None,
        states: &states,
        growth,
        last: 100,
    };
    let (read, write) = (
        &["net/http.(*persistConn).readLoop"],
        &["net/http.(*persistConn).writeLoop"],
    );
    for (growth, given) in [
        (90, true),
        (89, false),
        (0, false),
        (110, true),
        (112, false),
    ] {
        let told = hints(&[loops(read, 100), loops(write, growth)]);
        assert_eq!(told[0].is_some(), given, "{growth}");
    }
}
