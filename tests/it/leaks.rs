//! Some of the leaking commands of Go's own tree, each beside work that does not leak. All of them, for
//! long enough to be sure: `cargo bench --bench live`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::daemon::{Daemon, rows};
use crate::support::go::{Server, build_leaks};

/// Commands and where their leaks wait.
const LEAKS: [(&str, &[&str]); 4] = [
    ("EarlyReturn", &["main.earlyReturn.func1"]),
    ("Etcd6708", &["main.(*httpClusterClient_etcd6708).Do"]),
    (
        "Grpc660",
        &["main.(*benchmarkClient_grpc660).doCloseLoopUnary.func1"],
    ),
    ("Mixed", &["main.Mixed.func1", "main.Mixed.func1.1"]),
];

/// Where series of a service wait that have one of these verdicts.
fn told<'a>(answer: &'a Value, service: &str, verdicts: &[&str]) -> BTreeSet<&'a str> {
    let rows = rows(answer).iter().filter(|row| {
        row["service"] == service && verdicts.contains(&row["verdict"].as_str().unwrap())
    });
    rows.map(|row| row["where"]["function"].as_str().unwrap())
        .collect()
}

#[test]
fn leaks_of_go_itself_are_told_and_work_beside_them_is_not() {
    let program = build_leaks();
    let servers = LEAKS.map(|(command, _)| {
        let given = ["-command", command, "-rate", "300", "-load", "0.5"];
        (command, Server::run(&program, &given))
    });
    let mut config = "[global]\ninterval = \"200ms\"\n".to_owned();
    for (command, Server { address, .. }) in &servers {
        config += &format!("[[services]]\nname = \"{command}\"\ntargets = [\"{address}\"]\n");
    }
    let daemon = Daemon::begin(&config);

    let alarms = ["SUSPECT", "GROWING", "LIKELY", "CONFIRMED"];
    let question = ["top-growers", "--all", "-n", "0"];
    let answer = daemon.wait_for("every leak", &question, |answer| {
        LEAKS.iter().all(|(command, leaks)| {
            let told = told(answer, command, &alarms);
            leaks.iter().all(|leak| told.contains(leak))
        })
    });
    for (command, leaks) in LEAKS {
        let mut growing = told(&answer, command, &alarms[1..]);
        growing.retain(|function| !leaks.contains(function));
        assert!(growing.is_empty(), "{command}: {growing:?}");
    }
}
