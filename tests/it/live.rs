//! Live Go processes, asked without a config.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::support::go::Server;
use crate::support::printed;

fn snapshot(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goroscope"));
    command.args(["snapshot", "-o", "json"]).args(arguments);
    serde_json::from_slice(&printed(&mut command)).unwrap()
}

/// Signature -> count, without the goroutines of the request's own connection.
fn groups(answer: &Value) -> BTreeMap<String, u64> {
    let groups = answer["groups"].as_array().unwrap().iter();
    groups
        .filter(|group| {
            let frames = group["frames"].as_array().unwrap();
            !frames.iter().any(|frame| {
                frame["function"]
                    .as_str()
                    .unwrap()
                    .starts_with("net/http.(*connReader)")
            }) && !frames.is_empty()
        })
        .map(|group| {
            let signature = group["signature"].as_str().unwrap().to_owned();
            (signature, group["count"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn both_forms_of_a_live_process_give_the_same_signatures() {
    for program in ["depth", "checkout", "billing"] {
        let server = Server::start(program);
        if program == "checkout" {
            server.get("/work?n=50");
        }
        // The connection of the request before may still be closing, somewhere else in each of two.
        let mut seen = (BTreeMap::new(), BTreeMap::new());
        for _ in 0..20 {
            let profile = snapshot(&[&server.address, "--detail", "never"]);
            let text = snapshot(&[&server.address, "--detail", "always"]);
            assert_eq!(
                (&profile["form"], &text["form"]),
                (&"proto".into(), &"debug2".into())
            );
            assert_eq!((&profile["own"], &text["own"]), (&1.into(), &1.into()));
            seen = (groups(&profile), groups(&text));
            if seen.0 == seen.1 {
                break;
            }
        }
        assert_eq!(seen.0, seen.1, "{program}");
    }
}

#[test]
fn a_snapshot_adds_up_and_names_the_leak() {
    let server = Server::start("checkout");
    server.get("/work?n=40");
    let answer = snapshot(&[&server.address]);
    let groups = answer["groups"].as_array().unwrap();
    let grouped: u64 = groups
        .iter()
        .map(|group| group["count"].as_u64().unwrap())
        .sum();
    let own = answer["own"].as_u64().unwrap();
    assert_eq!(answer["goroutines"].as_u64(), Some(grouped + own));
    let leak = &groups[0];
    assert_eq!(leak["where"]["function"], "main.(*server).work.func1");
    assert_eq!(
        (&leak["count"], &leak["states"]["chan send"]),
        (&40.into(), &40.into())
    );
    assert_eq!(leak["created_by"], "main.(*server).work");
}
