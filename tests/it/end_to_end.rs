//! The main job: real Go services that leak, the daemon, SIGKILL, and the questions of the morning.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::daemon::{Daemon, first, instance, rows};
use crate::support::go::Server;

fn total(answer: &Value, service: &str) -> i64 {
    let of_service = rows(answer).iter().filter(|row| row["service"] == service);
    of_service.map(|row| row["growth"].as_i64().unwrap()).sum()
}

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Rounds of leaking, one each poll: half a minute with what comes before and behind.
const ROUNDS: i64 = 24;
const RETRY: &str = "example.com/fleet/retry.Do.func1";
const WORK: &str = "main.(*server).work.func1";
const WATCH: &str = "main.(*shard).watch";

#[test]
#[expect(clippy::too_many_lines, reason = "one night, told in order")]
fn a_night_with_a_leaky_fleet() {
    let (checkout_a, mut checkout_b) = (Server::start("checkout"), Server::start("checkout"));
    let (search_a, search_b) = (Server::start("search"), Server::start("search"));
    let (billing_a, billing_b) = (Server::start("billing"), nowhere());
    let restarted = checkout_b.address.clone();
    let mut night = Daemon::begin(&format!(
        r#"
        [global]
        interval = "1s"
        [[services]]
        name = "checkout"
        targets = ["{}", "{restarted}"]
        [[services]]
        name = "search"
        targets = ["{}", "{}"]
        [[services]]
        name = "billing"
        targets = ["{}", "{billing_b}"]
        "#,
        checkout_a.address, search_a.address, search_b.address, billing_a.address
    ));
    night.wait_for("a first look at every process", &["instances"], |answer| {
        rows(answer)
            .iter()
            .filter(|row| row["polls_ok"].as_u64() > Some(1))
            .count()
            == 5
    });

    let before_the_leak = goroscope::clock::now().as_millis();
    for round in 0..ROUNDS {
        let at = Instant::now();
        checkout_a.get("/work");
        checkout_a.get("/healthy");
        search_a.get("/index?n=2");
        search_a.get("/shared");
        search_b.get("/query");
        billing_a.get("/shared?n=3");
        if round == ROUNDS / 2 {
            drop(checkout_b);
            night.wait_for("the gap", &["instances"], |answer| {
                instance(answer, &restarted)["last_poll"]["outcome"] == "failed"
            });
            checkout_b = Server::start_at("checkout", &restarted);
            night.wait_for("the second process", &["instances"], |answer| {
                let row = instance(answer, &restarted);
                row["incarnations"].as_array().unwrap().len() == 2
                    && row["last_poll"]["outcome"] == "ok"
            });
        }
        checkout_b.get("/work");
        std::thread::sleep(Duration::from_secs(1).saturating_sub(at.elapsed()));
    }
    let expected = BTreeMap::from([
        ((WORK, "checkout"), 2 * ROUNDS),
        ((WATCH, "search"), 2 * ROUNDS),
        ((RETRY, "search"), ROUNDS),
        ((RETRY, "billing"), 3 * ROUNDS),
    ]);
    night.wait_for("the last leak", &["top-growers"], |answer| {
        ["checkout", "search", "billing"].iter().all(|service| {
            let wanted = expected.iter().filter(|((_, of), _)| of == service);
            total(answer, service) >= wanted.map(|(_, growth)| growth).sum()
        })
    });
    night.kill();

    // Exactly the leaking functions, with the exact growth.
    let growers = night.ask(&["top-growers"]).unwrap();
    let found: BTreeMap<(&str, &str), i64> = rows(&growers)
        .iter()
        .map(|row| {
            let function = row["where"]["function"].as_str().unwrap();
            (
                (function, row["service"].as_str().unwrap()),
                row["growth"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, expected, "{growers:#}");
    assert_eq!(growers["window"]["restarts"], 1);

    // Exactly the instances that share a leak.
    let shared = night.ask(&["shared"]).unwrap();
    let sharing: BTreeMap<&str, BTreeSet<&str>> = rows(&shared)
        .iter()
        .map(|row| {
            let instances = row["instances"].as_array().unwrap().iter();
            let addresses = instances
                .map(|found| found["instance"].as_str().unwrap())
                .collect();
            (row["where"]["function"].as_str().unwrap(), addresses)
        })
        .collect();
    let both = |a, b| BTreeSet::from([a, b]);
    let expected = BTreeMap::from([
        (
            RETRY,
            both(search_a.address.as_str(), billing_a.address.as_str()),
        ),
        (WORK, both(checkout_a.address.as_str(), restarted.as_str())),
    ]);
    assert_eq!(sharing, expected, "{shared:#}");

    // First seen at the first poll behind the leak, not later and not earlier.
    let first_seen = night.ask(&["first-seen", "--only-growing"]).unwrap();
    for row in rows(&first_seen) {
        let signature = row["signature"].as_str().unwrap();
        let service = row["service"].as_str().unwrap();
        let at = &row["first_seen"]["at"];
        let moment = chrono::DateTime::parse_from_rfc3339(at.as_str().unwrap()).unwrap();
        assert!(moment.timestamp_millis() >= before_the_leak, "{row:#}");
        let history = night
            .ask(&["history", signature, "--service", service])
            .unwrap();
        let present = rows(&history)
            .iter()
            .filter(|poll| poll["count"].as_u64() > Some(0))
            .min_by_key(|poll| poll["at"].as_str())
            .unwrap();
        assert_eq!(&present["at"], at);
        assert_eq!(present["instance"], row["first_seen"]["instance"]);
        let empty = rows(&history).iter().filter(|poll| {
            poll["incarnation"] == present["incarnation"]
                && poll["instance"] == present["instance"]
                && poll["count"] == 0
                && poll["at"].as_str() > at.as_str()
        });
        assert_eq!(
            empty.count(),
            0,
            "polls behind the first sighting show it too"
        );
    }
    assert_eq!(rows(&first_seen).len(), 4, "{first_seen:#}");

    // The restart and the gap as such.
    let work = rows(&growers)
        .iter()
        .find(|row| row["where"]["function"] == WORK)
        .unwrap();
    let work = work["signature"].as_str().unwrap();
    let history = night
        .ask(&["history", work, "--instance", &restarted])
        .unwrap();
    let polls = rows(&history);
    let gap = polls
        .iter()
        .position(|poll| poll["unknown"] == "connect")
        .unwrap();
    let life = |poll: &Value| poll["incarnation"].as_str().map(str::to_owned);
    let (before, after) = polls.split_at(gap);
    let after: Vec<&Value> = after
        .iter()
        .skip_while(|poll| poll["count"].is_null())
        .collect();
    // The server may have died in the middle of a poll.
    let last = before.iter().rfind(|poll| !poll["count"].is_null());
    let last = last.unwrap();
    assert_eq!(last["count"], ROUNDS / 2);
    assert_eq!(after.first().unwrap()["count"], 0);
    assert_eq!(after.last().unwrap()["count"], ROUNDS / 2);
    assert_ne!(life(last), life(after.first().unwrap()));
    assert!(
        polls
            .iter()
            .all(|poll| poll["count"].is_null() != poll["unknown"].is_null())
    );

    // The unreachable one is a failure with its reason, and cost nobody else a poll.
    let instances = night.ask(&["instances"]).unwrap();
    let unreachable = instance(&instances, &billing_b);
    assert_eq!(unreachable["polls_ok"], 0);
    assert_eq!(unreachable["last_poll"]["reason"], "connect");
    let healthy = instance(&instances, &billing_a.address);
    assert!(healthy["polls_ok"].as_i64() > Some(ROUNDS), "{healthy:#}");
    assert_eq!(
        instance(&instances, &restarted)["incarnations"][1]["reason"],
        "vdso"
    );

    // Everything that was acknowledged is there.
    let acknowledged = night.acknowledged();
    assert!(acknowledged["pulse"].len() > 100 && acknowledged["detail"].len() >= 5);
    night.assert_kept();
}

/// A daemon that comes back finds the same processes, and the time between is nobody's gap.
#[test]
fn a_daemon_that_restarts_goes_on_with_the_same_processes() {
    let server = Server::start("checkout");
    let config = format!(
        r#"
        global.interval = "200ms"
        services = [{{ name = "checkout", targets = ["{}"] }}]
        "#,
        server.address
    );
    let mut night = Daemon::begin(&config);
    let polled = |answer: &Value| first(answer)["polls_ok"].as_u64() > Some(3);
    night.wait_for("the first polls", &["instances"], polled);
    night.kill();
    let before = night.ask(&["instances"]).unwrap();
    server.get("/work?n=9");
    // The time that it is down for.
    std::thread::sleep(Duration::from_secs(1));
    night.start();
    let polls = |answer: &Value| first(answer)["polls_ok"].as_u64().unwrap_or(0);
    let goes_on = |answer: &Value| polls(answer) > polls(&before) + 3;
    let after = night.wait_for("polls after the restart", &["instances"], goes_on);
    let row = &rows(&after)[0];
    assert_eq!(row["incarnations"].as_array().unwrap().len(), 1, "{row:#}");
    let growers = night.ask(&["top-growers"]).unwrap();
    assert_eq!(rows(&growers)[0]["growth"], 9, "{growers:#}");
    let signature = rows(&growers)[0]["signature"].as_str().unwrap();
    let history = night.ask(&["history", signature]).unwrap();
    let reasons = rows(&history)
        .iter()
        .filter_map(|poll| poll["unknown"].as_str());
    let (paused, missed): (Vec<&str>, Vec<&str>) =
        reasons.partition(|reason| *reason == "not_wanted");
    assert_eq!(paused.len(), 1, "{history:#}");
    // The poll that was under way when the daemon was killed, at most.
    assert!(missed.len() <= 1, "{history:#}");
    assert_eq!(history["window"]["pauses"].as_array().unwrap().len(), 1);
}
