//! A fleet of any size, to measure with: what its groups do is drawn.
//!
//! 55 % of the groups are pools that stand still, 20 % small traffic, 13 % bursts, 4 % large and follow the day,
//! 4 % step up once, and 4 % leak 1 to 10 goroutines an hour.

use std::time::Duration;

use super::course::Course;
use super::draw::{draw, share, whole};
use super::fleet::{Fleet, Go, Group, Rhythm, Service};
use super::stack::{Frame, Wait};

/// Instances of one service, at most.
const OF_A_SERVICE: usize = 100;
const HOUR: Duration = Duration::from_hours(1);
/// Each instance is restarted about every two days, so that leaks do not grow for ever.
const RESTARTS: Duration = Duration::from_hours(48);
const WAITS: [Wait; 7] = [
    Wait::CHAN_RECEIVE,
    Wait::SELECT,
    Wait::READ,
    Wait::CHAN_SEND,
    Wait::WAIT_GROUP,
    Wait::MUTEX,
    Wait::SLEEP,
];

/// A fleet of so many instances, in services of a hundred at most, with so many groups in each.
pub fn fleet(seed: u64, instances: usize, groups: usize) -> Fleet {
    let services = instances.div_ceil(OF_A_SERVICE);
    let of = |nth: usize| {
        let size = OF_A_SERVICE.min(instances - nth * OF_A_SERVICE);
        service(seed, nth, size, groups)
    };
    Fleet::new(seed, (0..services).map(of).collect())
}

fn service(seed: u64, nth: usize, size: usize, groups: usize) -> Service {
    let package = format!("example.com/load/service{nth:03}");
    let drawn = |part: usize, what: usize| {
        let parts = [nth, part, what].map(|number| u64::try_from(number).unwrap_or(0));
        draw(&[&[seed][..], &parts].concat())
    };
    let restart = |place: usize| Rhythm {
        first: RESTARTS.mul_f64(share(drawn(place, 1))),
        every: RESTARTS,
    };
    Service {
        name: format!("load-{nth:03}"),
        go: Go::V1_27,
        groups: (0..groups)
            .map(|group| self::group(&package, group, drawn(group, 2)))
            .collect(),
        deploys: None,
        restarts: (0..size).map(|place| Some(restart(place))).collect(),
    }
}

fn group(package: &str, nth: usize, drawn: u64) -> Group {
    // A dozen stacks share all frames but the leaf, as the handlers of one package do.
    let part = nth / 12;
    let file = format!("{package}/part{part}/worker.go");
    let own = |function: &str, line: u32| {
        Frame::new(&format!("{package}/part{part}.{function}"), &file, line)
    };
    let line = u32::try_from(nth % 12).unwrap_or(0) * 20 + 44;
    let mut frames = vec![own(&format!("(*Worker).step{nth}"), line)];
    for depth in 0..4 {
        frames.push(own(&format!("(*Worker).run{depth}"), 300 + 10 * depth));
    }
    frames.push(Frame::new(
        "golang.org/x/sync/errgroup.(*Group).Go.func1",
        "golang.org/x/sync/errgroup/errgroup.go",
        79,
    ));
    let creator = Frame::new(
        "golang.org/x/sync/errgroup.(*Group).Go",
        "golang.org/x/sync/errgroup/errgroup.go",
        76,
    );
    let wait = WAITS
        .get(nth % WAITS.len())
        .copied()
        .unwrap_or(Wait::SELECT);
    Group::new(wait.within(&frames, Some(creator)), course(drawn))
}

fn course(drawn: u64) -> Course {
    let within = |from: f64, to: f64| from + (to - from) * share(draw(&[drawn, 1]));
    let count = |from: f64, to: f64| whole(within(from, to));
    match drawn % 100 {
        0..55 => Course::Steady(count(1.0, 6.0)),
        55..75 => Course::Traffic {
            mean: within(1.0, 8.0),
            swing: 0.3,
            period: HOUR * 24,
        },
        75..88 => Course::Bursts(within(1.0, 10.0)),
        88..92 => Course::Traffic {
            mean: within(10.0, 60.0),
            swing: 0.6,
            period: HOUR * 24,
        },
        92..96 => Course::Steps {
            from: count(1.0, 4.0),
            to: count(5.0, 20.0),
            at: HOUR.mul_f64(within(0.1, 24.0)),
        },
        _ => Course::Leaks {
            per_hour: within(1.0, 10.0),
        },
    }
}
