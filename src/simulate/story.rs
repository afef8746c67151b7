//! The fleet of `goroscope demo`: three services of a shop, with what leaks and what only looks like it.

use std::time::Duration;

use super::course::Course;
use super::fleet::{Fleet, Go, Group, Rhythm, Service};
use super::stack::{Frame, Stack, Wait, serve};

/// Three services of seven instances, whose story takes `span` and then goes on:
///
/// - `checkout` (three, Go 1.25): requests whose caller gave up leave a goroutine at a channel;
/// - `search` (two, Go 1.27): watches that are never closed, and one instance that restarts half way;
/// - `billing` (two, Go 1.27): a new build at two thirds, and a pool of connections that fills and stays;
/// - `search` and `billing` use the same leaking library.
pub fn shop(seed: u64, span: Duration) -> Fleet {
    // So many over the story.
    let leaks = |goroutines: f64| Course::Leaks {
        per_hour: goroutines * 3600.0 / span.as_secs_f64().max(1.0),
    };
    let restarted = Rhythm {
        first: span / 2,
        every: span * 24,
    };
    let deployed = Rhythm {
        first: span * 2 / 3,
        every: span * 24,
    };
    // What leaks is restarted at last, so that a fleet that is served for long stays as large as it is.
    let at_last = Rhythm {
        first: span * 24,
        every: span * 24,
    };
    Fleet::new(
        seed,
        vec![
            Service {
                name: "checkout".to_owned(),
                go: Go::V1_25,
                groups: of_all(span)
                    .into_iter()
                    .chain(checkout(leaks(90.0), span))
                    .collect(),
                deploys: None,
                restarts: vec![Some(at_last); 3],
            },
            Service {
                name: "search".to_owned(),
                go: Go::V1_27,
                groups: of_all(span)
                    .into_iter()
                    .chain(search(leaks(40.0), span))
                    .chain([retries(leaks(60.0))])
                    .collect(),
                deploys: None,
                restarts: vec![Some(at_last), Some(restarted)],
            },
            Service {
                name: "billing".to_owned(),
                go: Go::V1_27,
                groups: of_all(span)
                    .into_iter()
                    .chain(billing(span))
                    .chain([retries(leaks(120.0))])
                    .collect(),
                deploys: Some(deployed),
                restarts: vec![None; 2],
            },
        ],
    )
}

/// What every server of Go has.
fn of_all(span: Duration) -> Vec<Group> {
    let peek = [
        Frame::new("net/http.(*connReader).Read", "net/http/server.go", 856),
        Frame::new("bufio.(*Reader).fill", "bufio/bufio.go", 113),
        Frame::new("bufio.(*Reader).Peek", "bufio/bufio.go", 152),
        Frame::new("net/http.(*conn).serve", "net/http/server.go", 2193),
    ];
    let background = Frame::new(
        "net/http.(*connReader).backgroundRead",
        "net/http/server.go",
        746,
    );
    let started = Frame::new(
        "net/http.(*connReader).startBackgroundRead",
        "net/http/server.go",
        742,
    );
    let main = [
        Frame::new("net/http.(*Server).Serve", "net/http/server.go", 3574),
        Frame::new(
            "net/http.(*Server).ListenAndServe",
            "net/http/server.go",
            3493,
        ),
        Frame::new("main.main", "example.com/shop/main.go", 61),
        Frame::new("runtime.main", "runtime/proc.go", 302),
    ];
    let keep_alive = Course::Traffic {
        mean: 24.0,
        swing: 0.5,
        period: span / 2,
    };
    vec![
        group(Wait::ACCEPT.within(&main, None), Course::Steady(1)),
        group(Wait::READ.within(&peek, Some(serve())), keep_alive),
        group(
            Wait::READ.within(&[background], Some(started)),
            Course::Steady(1),
        ),
    ]
}

fn checkout(leak: Course, span: Duration) -> Vec<Group> {
    let package = "example.com/shop/checkout";
    let own = |function: &str, line: u32| own(package, "server.go", function, line);
    let handler = [
        own("(*Server).handle", 118),
        Frame::new("net/http.HandlerFunc.ServeHTTP", "net/http/server.go", 2358),
        Frame::new(
            "net/http.serverHandler.ServeHTTP",
            "net/http/server.go",
            3436,
        ),
        Frame::new("net/http.(*conn).serve", "net/http/server.go", 2157),
    ];
    let requests = Course::Traffic {
        mean: 12.0,
        swing: 0.8,
        period: span / 3,
    };
    vec![
        group(
            Wait::CHAN_SEND.within(
                &[own("(*Server).reserve.func1", 87)],
                Some(own("(*Server).reserve", 84)),
            ),
            leak,
        ),
        group(Wait::SELECT.within(&handler, Some(serve())), requests),
        group(
            Wait::CHAN_RECEIVE.within(&[own("(*Server).worker", 141)], Some(own("NewServer", 42))),
            Course::Steady(16),
        ),
        group(
            Wait::MUTEX.within(
                &[own("(*Stock).take", 203), own("(*Server).worker", 144)],
                Some(own("NewServer", 42)),
            ),
            Course::Bursts(3.0),
        ),
        group(
            Wait::SLEEP.within(&[own("(*Server).report", 160)], Some(own("NewServer", 44))),
            Course::Steady(1),
        ),
    ]
}

fn search(leak: Course, span: Duration) -> Vec<Group> {
    let package = "example.com/shop/search";
    let own = |function: &str, line: u32| own(package, "shard.go", function, line);
    let queries = Course::Traffic {
        mean: 30.0,
        swing: 0.6,
        period: span / 2,
    };
    vec![
        group(
            Wait::SELECT.within(
                &[own("(*Shard).watch", 60)],
                Some(own("(*Shard).Subscribe", 52)),
            ),
            leak,
        ),
        group(
            Wait::SELECT.within(
                &[own("(*Shard).query", 95), own("(*Index).fan.func1", 31)],
                Some(own("(*Index).fan", 28)),
            ),
            queries,
        ),
        group(
            Wait::WAIT_GROUP.within(
                &[own("(*Index).merge", 77)],
                Some(own("(*Index).Start", 19)),
            ),
            Course::Steady(4),
        ),
    ]
}

fn billing(span: Duration) -> Vec<Group> {
    let package = "example.com/shop/billing";
    let own = |function: &str, line: u32| own(package, "ledger.go", function, line);
    let pool = Course::Fills {
        size: 32,
        within: span / 4,
    };
    let dial = |line: u32| {
        Frame::new(
            "net/http.(*Transport).dialConn",
            "net/http/transport.go",
            line,
        )
    };
    let idle = [
        Frame::new(
            "net/http.(*persistConn).Read",
            "net/http/transport.go",
            2300,
        ),
        Frame::new("bufio.(*Reader).fill", "bufio/bufio.go", 113),
        Frame::new("bufio.(*Reader).Peek", "bufio/bufio.go", 152),
        Frame::new(
            "net/http.(*persistConn).readLoop",
            "net/http/transport.go",
            2493,
        ),
    ];
    let write = Frame::new(
        "net/http.(*persistConn).writeLoop",
        "net/http/transport.go",
        2833,
    );
    let opener = Frame::new(
        "database/sql.(*DB).connectionOpener",
        "database/sql/sql.go",
        1266,
    );
    let open = Frame::new("database/sql.OpenDB", "database/sql/sql.go", 846);
    vec![
        group(Wait::READ.within(&idle, Some(dial(2123))), pool),
        group(Wait::SELECT.within(&[write], Some(dial(2124))), pool),
        group(
            Wait::SELECT.within(&[opener], Some(open)),
            Course::Steady(1),
        ),
        group(
            Wait::CHAN_RECEIVE.within(&[own("(*Ledger).post", 133)], Some(own("Open", 40))),
            Course::Steady(8),
        ),
    ]
}

/// The library that two services use: each retry that is given up leaves a goroutine. It labels them.
fn retries(leak: Course) -> Group {
    let own = |function: &str, line: u32| own("example.com/retry", "retry.go", function, line);
    Group {
        labels: vec![("op".to_owned(), "charge card".to_owned())],
        ..group(
            Wait::CHAN_SEND.within(&[own("Do.func1", 21)], Some(own("Do", 19))),
            leak,
        )
    }
}

fn own(package: &str, file: &str, function: &str, line: u32) -> Frame {
    Frame::new(
        &format!("{package}.{function}"),
        &format!("{package}/{file}"),
        line,
    )
}

const fn group(stack: Stack, course: Course) -> Group {
    Group {
        stack,
        labels: Vec::new(),
        course,
    }
}
