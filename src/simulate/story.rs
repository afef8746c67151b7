//! The fleet of `goroscope demo`: three services of a shop, with what leaks and what only looks like it.

use std::time::Duration;

use super::course::Course;
use super::fleet::{Fleet, Go, Group, Rhythm, Service};
use super::stack::{Frame, Wait, serve};

/// Three services of seven instances, whose story takes `span` and then goes on:
///
/// - `checkout` (three, Go 1.25): requests whose caller gave up leave a goroutine at a channel, and a pool of
///   connections fills and stays;
/// - `search` (two, Go 1.27): watches that are never closed, and one instance that restarts half way;
/// - `billing` (two, Go 1.27): a new build soon after that brings a leak of its own;
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
        first: span * 3 / 5,
        every: span * 24,
    };
    // What leaks is restarted at last, so that a fleet that is served for long stays as large as it is.
    let at_last = Rhythm {
        first: span * 24,
        every: span * 24,
    };
    let service = |name: &str, go, own: Vec<Group>, deploys, restarts| Service {
        name: name.to_owned(),
        go,
        groups: of_all(span).into_iter().chain(own).collect(),
        deploys,
        restarts,
    };
    let mut search = search(leaks(40.0), span);
    search.push(retries(leaks(60.0)));
    let mut billing = billing(leaks(150.0));
    billing.push(retries(leaks(120.0)));
    let checkout = checkout(leaks(90.0), span);
    let of_search = vec![Some(at_last), Some(restarted)];
    Fleet::new(
        seed,
        vec![
            service(
                "checkout",
                Go::V1_25,
                checkout,
                None,
                vec![Some(at_last); 3],
            ),
            service("search", Go::V1_27, search, None, of_search),
            service("billing", Go::V1_27, billing, Some(deployed), vec![None; 2]),
        ],
    )
}

/// What every server of Go has.
fn of_all(span: Duration) -> Vec<Group> {
    let peek = [
        http("(*connReader).Read", "server.go", 856),
        code("bufio", "(*Reader).fill", "bufio.go", 113),
        code("bufio", "(*Reader).Peek", "bufio.go", 152),
        http("(*conn).serve", "server.go", 2193),
    ];
    let background = [http("(*connReader).backgroundRead", "server.go", 746)];
    let begin = http("(*connReader).startBackgroundRead", "server.go", 742);
    let main = [
        http("(*Server).Serve", "server.go", 3574),
        http("(*Server).ListenAndServe", "server.go", 3493),
        Frame::new("main.main", "example.com/shop/main.go", 61),
        Frame::new("runtime.main", "runtime/proc.go", 302),
    ];
    let keep_alive = Course::Traffic {
        mean: 24.0,
        swing: 0.5,
        period: span / 2,
    };
    vec![
        Group::new(Wait::ACCEPT.within(&main, None), Course::Steady(1)),
        group(Wait::READ, &peek, serve(), keep_alive),
        group(Wait::READ, &background, begin, Course::Steady(1)),
    ]
}

fn checkout(leak: Course, span: Duration) -> Vec<Group> {
    let own = |function, line| code("example.com/shop/checkout", function, "server.go", line);
    let start = own("NewServer", 42);
    let reserve = [own("(*Server).reserve.func1", 87)];
    let take = [own("(*Stock).take", 203), own("(*Server).worker", 144)];
    let handler = [
        own("(*Server).handle", 118),
        http("HandlerFunc.ServeHTTP", "server.go", 2358),
        http("serverHandler.ServeHTTP", "server.go", 3436),
        http("(*conn).serve", "server.go", 2157),
    ];
    let requests = Course::Traffic {
        mean: 12.0,
        swing: 0.8,
        period: span / 3,
    };
    let idle = [
        http("(*persistConn).Read", "transport.go", 2300),
        code("bufio", "(*Reader).fill", "bufio.go", 113),
        code("bufio", "(*Reader).Peek", "bufio.go", 152),
        http("(*persistConn).readLoop", "transport.go", 2493),
    ];
    let write = [http("(*persistConn).writeLoop", "transport.go", 2833)];
    let dial = |line| http("(*Transport).dialConn", "transport.go", line);
    let pool = Course::Fills {
        size: 32,
        within: span / 4,
    };
    let worker = [own("(*Server).worker", 141)];
    let report = [own("(*Server).report", 160)];
    vec![
        group(
            Wait::CHAN_SEND,
            &reserve,
            own("(*Server).reserve", 84),
            leak,
        ),
        group(Wait::SELECT, &handler, serve(), requests),
        group(Wait::READ, &idle, dial(2123), pool),
        group(Wait::SELECT, &write, dial(2124), pool),
        group(
            Wait::CHAN_RECEIVE,
            &worker,
            start.clone(),
            Course::Steady(16),
        ),
        group(Wait::MUTEX, &take, start.clone(), Course::Bursts(3.0)),
        group(Wait::SLEEP, &report, start, Course::Steady(1)),
    ]
}

fn search(leak: Course, span: Duration) -> Vec<Group> {
    let own = |function, line| code("example.com/shop/search", function, "shard.go", line);
    let watch = [own("(*Shard).watch", 60)];
    let query = [own("(*Shard).query", 95), own("(*Index).fan.func1", 31)];
    let merge = [own("(*Index).merge", 77)];
    let queries = Course::Traffic {
        mean: 30.0,
        swing: 0.6,
        period: span / 2,
    };
    vec![
        group(Wait::SELECT, &watch, own("(*Shard).Subscribe", 52), leak),
        group(Wait::SELECT, &query, own("(*Index).fan", 28), queries),
        group(
            Wait::WAIT_GROUP,
            &merge,
            own("(*Index).Start", 19),
            Course::Steady(4),
        ),
    ]
}

/// The leak comes with the first deploy.
fn billing(leak: Course) -> Vec<Group> {
    let own = |function, line| code("example.com/shop/billing", function, "ledger.go", line);
    let sql = |function, line| code("database/sql", function, "sql.go", line);
    let lock = [
        own("(*Invoice).lock", 212),
        own("(*Invoice).send.func1", 188),
    ];
    let opener = [sql("(*DB).connectionOpener", 1266)];
    let post = [own("(*Ledger).post", 133)];
    let leak = Group {
        since_build: 1,
        ..group(Wait::MUTEX, &lock, own("(*Invoice).send", 186), leak)
    };
    vec![
        leak,
        group(Wait::SELECT, &opener, sql("OpenDB", 846), Course::Steady(1)),
        group(
            Wait::CHAN_RECEIVE,
            &post,
            own("Open", 40),
            Course::Steady(8),
        ),
    ]
}

/// The library that two services use: each retry that is given up leaves a goroutine. It labels them.
fn retries(leak: Course) -> Group {
    let own = |function, line| code("example.com/retry", function, "retry.go", line);
    Group {
        labels: vec![("op".to_owned(), "charge card".to_owned())],
        ..group(Wait::CHAN_SEND, &[own("Do.func1", 21)], own("Do", 19), leak)
    }
}

fn group(wait: Wait, frames: &[Frame], creator: Frame, course: Course) -> Group {
    Group::new(wait.within(frames, Some(creator)), course)
}

fn http(function: &str, file: &str, line: u32) -> Frame {
    code("net/http", function, file, line)
}

/// A line of a package.
fn code(package: &str, function: &str, file: &str, line: u32) -> Frame {
    let function = format!("{package}.{function}");
    Frame::new(&function, &format!("{package}/{file}"), line)
}
