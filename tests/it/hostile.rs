//! Targets that are down, wrong, slow or malicious: each is a stored failure with its reason, and
//! costs nobody else a poll.

use std::io::Write as _;

use serde_json::Value;

use crate::support::daemon::{Daemon, first, instance, rows};
use crate::support::fake::{Behaviour, Fake, dump};

/// A megabyte of zeros for each kilobyte sent.
fn gzip_bomb() -> Vec<u8> {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..80 {
        bomb.write_all(&zeros).unwrap();
    }
    bomb.finish().unwrap()
}

/// A goroutine profile in all but its type.
fn heap_profile() -> Vec<u8> {
    let mut plain = Vec::new();
    let gzip = dump("go1.27_http_debug0.pb.gz");
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut plain).unwrap();
    let at = plain
        .windows(9)
        .position(|window| window == b"goroutine")
        .unwrap();
    plain[at..at + 9].copy_from_slice(b"heapspace");
    plain
}

fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Reason, behaviour, and words of the message.
fn misbehaviours(elsewhere: &Fake) -> Vec<(&'static str, Behaviour, &'static str)> {
    let html = b"<!DOCTYPE html><title>Hello</title>".to_vec();
    vec![
        (
            "not_found",
            Behaviour::Answer("404 Not Found", vec![]),
            "import _ \"net/http/pprof\"",
        ),
        (
            "unauthorized",
            Behaviour::Answer("401 Unauthorized", vec![]),
            "credentials",
        ),
        (
            "http_status",
            Behaviour::Answer("500 Internal Server Error", vec![]),
            "500",
        ),
        ("not_a_dump", Behaviour::Answer("200 OK", html), "HTML"),
        ("not_a_dump", Behaviour::Answer("200 OK", vec![]), "empty"),
        (
            "not_a_dump",
            Behaviour::Answer("200 OK", b"hello".to_vec()),
            "begins with `hello`",
        ),
        (
            "not_a_dump",
            Behaviour::Answer("200 OK", heap_profile()),
            "heapspace",
        ),
        (
            "malformed",
            Behaviour::Answer("200 OK", vec![0x0a, 4, 8, 1]),
            "cannot be decoded",
        ),
        (
            "malformed",
            Behaviour::Answer("200 OK", b"\x1f\x8b\x08\x00junk".to_vec()),
            "gzip",
        ),
        (
            "too_large",
            Behaviour::Answer("200 OK", gzip_bomb()),
            "body_size_limit",
        ),
        ("too_large", Behaviour::Endless, "body_size_limit"),
        ("timeout", Behaviour::HangBeforeHeaders, "no answer within"),
        (
            "timeout",
            Behaviour::HangAfterHeaders,
            "headers, but no body",
        ),
        ("timeout", Behaviour::Drip, "bytes came"),
        ("interrupted", Behaviour::BreakOff, "broke off"),
        (
            "redirect",
            Behaviour::Redirect(format!(
                "http://{}/debug/pprof/goroutine",
                elsewhere.address
            )),
            "another origin",
        ),
    ]
}

#[test]
fn every_misbehaviour_is_a_failure_with_its_reason() {
    let elsewhere = Fake::start(Behaviour::Healthy);
    let healthy = Fake::start(Behaviour::Healthy);
    let home = Fake::start(Behaviour::RedirectHome);
    let fakes: Vec<(&str, Fake, &str)> = misbehaviours(&elsewhere)
        .into_iter()
        .map(|(reason, behaviour, words)| (reason, Fake::start(behaviour), words))
        .collect();
    // Behind all others, which could be given its port.
    let down = nowhere();
    let bad: Vec<String> = fakes
        .iter()
        .map(|(_, fake, _)| format!("{:?}", fake.address))
        .collect();
    let daemon = Daemon::begin(&format!(
        r#"
        [global]
        interval = "500ms"
        [[services]]
        name = "good"
        targets = ["{}", "{}"]
        [[services]]
        name = "bad"
        interval = "2s"
        body_size_limit = "512KiB"
        targets = ["{down}", {}]
        "#,
        healthy.address,
        home.address,
        bad.join(", ")
    ));
    let answer = daemon.wait_for("a failure of each", &["instances"], |answer| {
        let failed = rows(answer)
            .iter()
            .filter(|row| row["last_poll"]["outcome"] == "failed");
        failed.count() == fakes.len() + 1
    });
    for (reason, fake, words) in &fakes {
        let poll = &instance(&answer, &fake.address)["last_poll"];
        assert_eq!(poll["reason"], *reason, "{poll:#}");
        assert!(
            poll["message"].as_str().unwrap().contains(words),
            "{words}: {poll:#}"
        );
        assert_eq!(
            fake.details(),
            0,
            "no detail before a pulse has told the size"
        );
        assert_eq!(fake.most_at_once(), 1, "one request in flight");
    }
    assert_eq!(instance(&answer, &down)["last_poll"]["reason"], "connect");
    assert_eq!(elsewhere.requests(), 0, "a redirect elsewhere was followed");
    // The others go on at every tick.
    let polled = |answer: &Value, fake: &Fake| instance(answer, &fake.address)["polls_ok"].as_u64();
    let so_far = polled(&answer, &healthy).unwrap();
    daemon.wait_for("further healthy polls", &["instances"], |answer| {
        polled(answer, &healthy) > Some(so_far + 5) && polled(answer, &home) > Some(5)
    });
    let answer = daemon.ask(&["instances", "--service", "good"]).unwrap();
    for row in rows(&answer) {
        assert_eq!(row["failures"], serde_json::json!({}), "{row:#}");
        assert_eq!(row["goroutines"], 222);
    }
    assert!(healthy.details() >= 1 && healthy.most_at_once() == 1);
}

#[test]
fn several_processes_behind_one_address_are_no_restarts() {
    let fake = Fake::start(Behaviour::Alternate);
    let daemon = Daemon::begin(&format!(
        r#"
        [global]
        interval = "100ms"
        detail = "never"
        [[services]]
        name = "balanced"
        targets = ["{}"]
        "#,
        fake.address
    ));
    let answer = daemon.wait_for("a dozen polls", &["instances"], |answer| {
        first(answer)["failures"]["several_processes"].as_u64() > Some(3)
    });
    let row = first(&answer);
    assert_eq!(row["last_poll"]["reason"], "several_processes");
    assert_eq!(row["incarnations"].as_array().unwrap().len(), 2, "{row:#}");
}

#[test]
fn a_dump_that_go_cut_off_is_stored_as_such_and_not_compared() {
    let fake = Fake::start(Behaviour::CutOff);
    let daemon = Daemon::begin(&format!(
        r#"
        [global]
        interval = "8s"
        detail = "always"
        [[services]]
        name = "huge"
        targets = ["{}"]
        "#,
        fake.address
    ));
    let answer = daemon.wait_for("the cut dump", &["instances"], |answer| {
        first(answer)["last_poll"]["outcome"] == "truncated"
    });
    let row = first(&answer);
    assert!(
        row["last_poll"]["message"]
            .as_str()
            .unwrap()
            .contains("64 MiB"),
        "{row:#}"
    );
    assert_eq!(row["goroutines"], 222, "of the last whole look");
    assert_eq!(rows(&daemon.ask(&["top-growers"]).unwrap()).len(), 0);
}

#[test]
fn a_stop_that_would_be_too_long_is_never_made() {
    let fake = Fake::start(Behaviour::Healthy);
    let daemon = Daemon::begin(&format!(
        r#"
        [global]
        interval = "100ms"
        detail_max_stop = "1ms"
        [[services]]
        name = "careful"
        targets = ["{}"]
        "#,
        fake.address
    ));
    daemon.wait_for("some polls", &["instances"], |answer| {
        first(answer)["polls_ok"].as_u64() > Some(5)
    });
    assert_eq!(fake.details(), 0);
}
