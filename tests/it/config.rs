//! Config files: every bad one with the whole of what is said about it, every good one resolved.

#![expect(
    clippy::expect_used,
    clippy::string_slice,
    reason = "helpers of tests may fail as tests do"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use goroscope::config::{
    self, Config, ConfigError, DetailMode, Environment, KEYS, LeakProfile, Service, parse_target,
};
use goroscope::model::Thresholds;
use insta::assert_snapshot;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../config.example.toml");

/// The kinds of bad files: each has a test below, each file is of one.
const KINDS: [&str; 20] = [
    "analysis", "detail", "env", "ignore", "interval", "keep", "key", "leak", "many", "name",
    "path", "polls", "scheme", "services", "size", "storage", "syntax", "target", "timeout",
    "type",
];

fn env() -> Environment {
    [("HOST", "checkout-1"), ("EMPTY", "")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect()
}

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/config")
        .join(of)
}

fn parse(text: &str) -> Result<Config, config::Mistakes> {
    config::parse(text, Path::new("goroscope.toml"), &env())
}

/// File names and texts of the bad files, in order.
fn bad_files() -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder("bad")).expect("there are bad files");
    let mut files: Vec<(String, String)> = files
        .map(|file| {
            let file = file.expect("the folder can be listed");
            let text = std::fs::read_to_string(file.path()).expect("a bad file can be read");
            (
                file.file_name().into_string().expect("names are plain"),
                text,
            )
        })
        .collect();
    files.sort();
    files
}

fn kind(name: &str) -> &str {
    let end = name.find(['-', '.']).expect("a name has a suffix");
    // `targets-…` are seen beside `target-…`.
    match &name[..end] {
        "targets" => "target",
        kind => kind,
    }
}

/// What is said about all bad files of a kind.
fn told(wanted: &str) -> String {
    let mut told = String::new();
    for (name, text) in bad_files() {
        if kind(&name) == wanted {
            let mistakes = config::parse(&text, Path::new(&name), &env())
                .expect_err(&format!("{name} is bad"));
            writeln!(told, "{mistakes}").expect("a string takes everything");
        }
    }
    told
}

/// A good file, resolved: one line a service and one an instance.
fn meant(name: &str) -> String {
    let config = config::load(&folder("good").join(name), &env()).expect("the file is good");
    let storage = config.storage.path.strip_prefix(folder("good"));
    let storage = storage.unwrap_or(&config.storage.path).display();
    let mut meant = format!("{storage}, {} at once\n", config.max_concurrent_polls);
    for service in &config.services {
        let Service {
            name,
            interval,
            timeout,
            body_size_limit,
            detail,
            ..
        } = service;
        let Service {
            detail_interval,
            detail_max_stop,
            leak_profile,
            leak_profile_interval,
            keep_labels,
            instances,
            ..
        } = service;
        writeln!(
            meant,
            "{name}: every {interval:?} for {timeout:?}, {body_size_limit} bytes, {detail:?} each \
             {detail_interval:?} up to {detail_max_stop:?}, proofs {leak_profile:?} each \
             {leak_profile_interval:?}, keeps {keep_labels:?}",
        )
        .expect("a string takes everything");
        for instance in instances {
            let url = instance.id.profile_url("goroutine", "debug=0");
            writeln!(meant, "  {url} {:?}", instance.labels).expect("a string takes everything");
        }
    }
    meant
}

#[test]
fn every_bad_file_is_of_a_kind_that_is_shown() {
    for (name, _) in bad_files() {
        assert!(KINDS.contains(&kind(&name)), "no test shows {name}");
    }
}

#[test]
fn bad_thresholds() {
    assert_snapshot!(told("analysis"), @r#"
    analysis-no-number.toml:2:14: analysis.min_growth: this should be a number of goroutines such as 5, not the number 3.5
    analysis-no-number.toml:3:20: analysis.min_floor_growth: this should be a number of goroutines such as 5, not the string `5`
    analysis-no-number.toml:4:19: analysis.min_floor_share: this should be a share such as 0.5, not the string `5%`
    analysis-no-number.toml:5:16: analysis.likely_after: this should be a duration in quotes such as "24h", not the integer 24
    analysis-no-number.toml:6:19: analysis.likely_lateness: this should be a number such as 0.5, not the string `0.6`
    analysis-out-of-range.toml:2:14: analysis.min_growth: 0 is too few; make it 1 or more
    analysis-out-of-range.toml:3:20: analysis.min_floor_growth: -5 is too few; make it 1 or more
    analysis-out-of-range.toml:4:19: analysis.min_floor_share: 5 is no share; make it 0 to 1
    analysis-out-of-range.toml:5:20: analysis.min_net_to_gross: 1.01 is no share; make it 0 to 1
    analysis-out-of-range.toml:6:16: analysis.min_lateness: -0.1 is out of range; make it 0 or more, and finite
    analysis-out-of-range.toml:7:12: analysis.max_jump: NaN is no share; make it 0 to 1
    analysis-out-of-range.toml:8:22: analysis.max_fall_elsewhere: -1 is no share; make it 0 to 1
    analysis-out-of-range.toml:9:16: analysis.likely_after: 10s is too short; make it 1m or more
    analysis-out-of-range.toml:10:19: analysis.likely_lateness: inf is out of range; make it 0 or more, and finite
    analysis-out-of-range.toml:11:21: analysis.max_ends_per_hour: -0.02 is out of range; make it 0 or more, and finite
    analysis-slips.toml:2:1: analysis.min_grow: unknown key; did you mean `min_growth`?
    analysis-slips.toml:3:1: analysis.interval: unknown key; it belongs in [global] or [[services]]
    "#);
}

#[test]
fn bad_detail_mode_interval_and_stop() {
    assert_snapshot!(told("detail"), @r"
    detail-interval-zero.toml:2:19: global.detail_interval: 0s is too short; make it 100ms or more
    detail-max-stop-zero.toml:4:19: services[0].detail_max_stop: 0s is too short; make it 1us or more
    detail-unknown.toml:2:10: global.detail: `sometimes` is not known; `auto`, `always` and `never` are
    ");
}

#[test]
fn bad_environment_variables() {
    assert_snapshot!(told("env"), @r"
    env-empty-and-required.toml:2:8: services[0].name: variable `EMPTY` is not set or empty; set it
    env-name.toml:2:8: services[0].name: `1HOST` cannot name a variable; letters, digits and `_` can, and `$$` is a dollar sign
    env-nested.toml:2:8: services[0].name: the default of `HOST` holds another `${`; a default is plain text
    env-open.toml:2:8: services[0].name: `${` is never closed; write `${NAME}`, or `$${` as text
    env-operator.toml:2:8: services[0].name: `:+x` cannot follow `HOST`; `:-default` or `:?message` can
    env-required.toml:2:8: services[0].name: variable `SERVICE` is not set or empty: the name of the release
    env-two-unset.toml:3:12: services[0].targets[0]: variable `PORT` is not set; set it, or write `${PORT:-default}`
    env-unset.toml:2:8: services[0].name: variable `SERVICE` is not set; set it, or write `${SERVICE:-default}`
    ");
}

#[test]
fn bad_ignore_rules() {
    assert_snapshot!(told("ignore"), @r#"
    ignore-missing.toml:5:1: ignore[0]: this ignores everything; add `top_function`, `any_function` or `created_by`
    ignore-missing.toml:5:1: ignore[0].reason: this key is missing; say why this is fine, such as "one per pool"
    ignore-missing.toml:8:1: ignore[1]: this ignores everything; add `top_function`, `any_function` or `created_by`
    ignore-single-brackets.toml:5:1: ignore: this should be `[[ignore]]` in double brackets, once for each rule, not a table
    ignore-until.toml:8:9: invalid date, expected day between 01 and 28
    ignore-until.toml:13:9: invalid offset, expected hours between 00 and 23
    ignore-values.toml:6:16: ignore[0].top_function: the function is empty; write it as Go prints it, with its package
    ignore-values.toml:7:16: ignore[0].any_function: `*.*` is every function; name one, or its package
    ignore-values.toml:8:14: ignore[0].created_by: this should be a function in quotes such as "net/http.(*conn).serve", not an array
    ignore-values.toml:9:11: ignore[0].service: there is no service `chekout`; there is: checkout
    ignore-values.toml:10:13: ignore[0].max_count: 0 is too few; make it 1 or more
    ignore-values.toml:11:10: ignore[0].reason: the reason is empty; say why this is fine, such as "one per pool"
    ignore-values.toml:12:9: ignore[0].until: this should be a date such as 2027-03-31, without quotes, not the string `2027-03-31`
    ignore-values.toml:16:1: ignore[1].functions: unknown key; valid here: top_function, any_function, created_by, service, max_count, reason, until
    ignore-values.toml:17:13: ignore[1].max_count: this should be a number of goroutines such as 4, not the string `4`
    ignore-values.toml:18:10: ignore[1].reason: `a\nb` has control characters; leave them out
    ignore-values.toml:19:9: ignore[1].until: this should be a date such as 2027-03-31, without quotes, not the date or time 07:32:00
    ignore-values.toml:22:16: ignore[2].any_function: variable `WORK` is not set; set it, or write `${WORK:-default}`
    "#);
}

#[test]
fn bad_intervals() {
    assert_snapshot!(told("interval"), @r"
    interval-no-duration.toml:2:12: global.interval: `often` is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are
    interval-no-unit.toml:2:12: global.interval: `30` is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are
    interval-overflow.toml:2:12: global.interval: `18446744073709551615s 1000ms` is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are
    interval-too-long.toml:2:12: global.interval: 1year is too long; make it 30d or less
    interval-too-short.toml:2:12: global.interval: 99ms is too short; make it 100ms or more
    interval-zero.toml:2:12: global.interval: 0s is too short; make it 100ms or more
    ");
}

#[test]
fn bad_kept_labels() {
    assert_snapshot!(told("keep"), @"keep-labels-empty-key.toml:2:16: global.keep_labels[0]: a label key is empty; remove it");
}

#[test]
fn bad_unknown_keys() {
    assert_snapshot!(told("key"), @r#"
    key-at-the-top.toml:1:1: interval: unknown key; it belongs in [global] or [[services]]
    key-dotted.toml:1:8: global.intervall: unknown key; did you mean `interval`?
    key-dotted.toml:2:18: global.timeout: this should be a duration in quotes such as "10s", not the integer 5
    key-dotted.toml:9:7: services[0].labels.env: this should be a string in quotes, not the integer 1
    key-of-global.toml:4:1: services[0].max_concurrent_polls: unknown key; it belongs in [global]
    key-of-services-or-storage.toml:2:1: global.path: unknown key; it belongs in [storage] or [[services]]
    key-unknown-table.toml:1:2: globall: unknown key; did you mean `global`?
    key-unknown.toml:2:1: global.intervall: unknown key; did you mean `interval`?
    key-unlike-any.toml:2:1: global.scrape: unknown key; valid here: interval, timeout, body_size_limit, max_concurrent_polls, detail, detail_interval, detail_max_stop, leak_profile, leak_profile_interval, keep_labels
    key-unprintable.toml:4:1: services[0]."a\u{1b}[31m\nb": unknown key; valid here: name, targets, labels, interval, timeout, body_size_limit, detail, detail_interval, detail_max_stop, leak_profile, leak_profile_interval, keep_labels, path, scheme
    "#);
}

#[test]
fn bad_many_mistakes_at_once() {
    assert_snapshot!(told("many"), @r#"
    many.toml:2:12: global.interval: `30` is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are
    many.toml:4:24: global.max_concurrent_polls: 0 is out of range; make it 1 to 65536
    many.toml:5:1: global.detial: unknown key; did you mean `detail`?
    many.toml:8:8: storage.path: this should be a path in quotes such as "goroscope.db", not the integer 7
    many.toml:12:31: services[0].targets[1]: the port is missing in `checkout-2`; write it as in `checkout-2:6060`
    many.toml:12:45: services[0].targets[2]: `checkout-1:6060` is the same instance as services[0].targets[0]; remove one
    many.toml:15:1: services[1].targets: this key is missing; give at least one, such as ["localhost:6060"]
    many.toml:16:8: services[1].name: `checkout` is already the name of the service in line 11; choose another
    many.toml:18:11: services[1].timeout: 11s is above the interval of 10s; make it 10s or less
    many.toml:19:10: services[1].scheme: `ftp` is not known; `http` and `https` are
    many.toml:20:8: services[1].path: `pprof` does not begin with `/`; write `/pprof`
    many.toml:22:1: services[2].name: this key is missing; give the service a name such as "checkout"
    many.toml:23:11: services[2].targets: there are no targets; give at least one, such as ["localhost:6060"]
    many.toml:24:22: services[2].labels.version: this should be a string in quotes, not the integer 2
    many.toml:25:16: services[2].keep_labels[0]: this should be a string in quotes, not the boolean true
    "#);
}

#[test]
fn bad_names() {
    assert_snapshot!(told("name"), @r#"
    name-control.toml:2:8: services[0].name: `check\u{7}out` has control characters; leave them out
    name-empty.toml:2:8: services[0].name: the name is empty; give the service a name such as "checkout"
    name-missing.toml:1:1: services[0].name: this key is missing; give the service a name such as "checkout"
    name-twice.toml:6:8: services[1].name: `checkout` is already the name of the service in line 2; choose another
    "#);
}

#[test]
fn bad_paths() {
    assert_snapshot!(told("path"), @r"
    path-relative.toml:4:8: services[0].path: `debug/pprof/` does not begin with `/`; write `/debug/pprof`
    path-with-query.toml:4:8: services[0].path: the path has a `?`; write it percent-encoded, and without a query
    ");
}

#[test]
fn bad_concurrent_polls() {
    assert_snapshot!(told("polls"), @r"
    polls-too-many.toml:2:24: global.max_concurrent_polls: 1000000 is out of range; make it 1 to 65536
    polls-zero.toml:2:24: global.max_concurrent_polls: 0 is out of range; make it 1 to 65536
    ");
}

#[test]
fn bad_schemes() {
    assert_snapshot!(told("scheme"), @"scheme-unknown.toml:4:10: services[0].scheme: `gopher` is not known; `http` and `https` are");
}

#[test]
fn bad_nothing_to_watch() {
    assert_snapshot!(told("services"), @r"
    services-none-in-list.toml:1:12: services: nothing is watched; add a `[[services]]` table with a `name` and `targets`
    services-none.toml:1:1: services: nothing is watched; add a `[[services]]` table with a `name` and `targets`
    ");
}

#[test]
fn bad_sizes() {
    assert_snapshot!(told("size"), @r"
    size-fraction.toml:2:19: global.body_size_limit: `1.5GiB` is not a size; `64MiB`, `512KiB`, `1GiB`, `10MB` and a plain number of bytes are
    size-negative.toml:2:19: global.body_size_limit: `-1` is not a size; `64MiB`, `512KiB`, `1GiB`, `10MB` and a plain number of bytes are
    size-no-unit-known.toml:2:19: global.body_size_limit: `64 mebi` is not a size; `64MiB`, `512KiB`, `1GiB`, `10MB` and a plain number of bytes are
    size-too-large.toml:2:19: global.body_size_limit: `99999999999GiB` is too large; make it 1024GiB or less
    size-zero.toml:2:19: global.body_size_limit: 0 leaves no room for anything; make it 1 or more, such as `64MiB`
    ");
}

#[test]
fn bad_storage_paths() {
    assert_snapshot!(told("storage"), @r#"
    storage-empty.toml:2:8: storage.path: the path is empty; the default is `goroscope.db`
    storage-small.toml:2:17: storage.raw_retention: 10m is too short; make it 1h or more
    storage-small.toml:3:12: storage.max_size: too small for a history; make it 1MiB or more
    storage-small.toml:4:18: storage.max_signatures: 12 is out of range; make it 1000 to 1000000
    storage-words.toml:2:17: storage.raw_retention: this should be a duration in quotes such as "30d", not the integer 30
    storage-words.toml:3:12: storage.max_size: `lots` is not a size; `64MiB`, `512KiB`, `1GiB`, `10MB` and a plain number of bytes are
    storage-words.toml:4:28: storage.allow_network_filesystem: this should be true or false without quotes, not the string `yes`
    "#);
}

#[test]
fn bad_broken_toml() {
    assert_snapshot!(told("syntax"), @r#"
    syntax-and-more.toml:2:12: string values must be quoted, expected literal string
    syntax-and-more.toml:3:10: global.detail: `sometimes` is not known; `auto`, `always` and `never` are
    syntax-and-more.toml:8:1: services[0].tiemout: unknown key; did you mean `timeout`?
    syntax-header-after-global.toml:4:12: unclosed array table, expected `]`
    syntax-header.toml:1:12: unclosed array table, expected `]`
    syntax-no-value.toml:2:7: string values must be quoted, expected literal string
    syntax-open-array.toml:4:1: missing comma between array elements, expected `,`
    syntax-open-string.toml:2:17: invalid basic string, expected `"`
    syntax-same-key.toml:4:1: this is written twice; remove one or put them together
    syntax-table-twice.toml:4:2: this is written twice; remove one or put them together
    syntax-unquoted.toml:2:8: string values must be quoted, expected literal string
    "#);
}

#[test]
fn bad_targets() {
    assert_snapshot!(told("target"), @r#"
    target-bad-port.toml:3:12: services[0].targets[0]: `66060` is not a port; 1 to 65535 are
    target-empty.toml:3:12: services[0].targets[0]: the host is missing; write `localhost:6060`
    target-ipv6-bad.toml:3:12: services[0].targets[0]: `[::g]:6060` is not an IPv6 address and port; write it as in `[::1]:6060`
    target-ipv6-bare.toml:3:12: services[0].targets[0]: an IPv6 address needs brackets; write `[::1]:6060`
    target-no-host.toml:3:12: services[0].targets[0]: the host is missing; write `localhost:6060`
    target-no-port.toml:3:12: services[0].targets[0]: the port is missing in `checkout-1`; write it as in `checkout-1:6060`
    target-only-port.toml:3:12: services[0].targets[0]: 6060 is a port without a host; write `localhost:6060`
    target-password-bare.toml:3:12: services[0].targets[0]: a user name or password (before `@`) cannot be part of a target; write `host:port`
    target-password.toml:3:12: services[0].targets[0]: a user name or password (before `@`) cannot be part of a target; write `host:port`
    target-path.toml:3:12: services[0].targets[0]: the path has a ` `; write it percent-encoded, and without a query
    target-plus-port.toml:3:12: services[0].targets[0]: `+60` is not a port; 1 to 65535 are
    target-query.toml:3:12: services[0].targets[0]: a query (after `?`) cannot be part of a target; leave it out
    target-scheme.toml:3:12: services[0].targets[0]: the scheme `ftp` is unknown; write `http` or `https`
    target-space.toml:3:12: services[0].targets[0]: a host cannot have a ` `; letters, digits, `-`, `.` and `_` make one
    targets-empty.toml:3:11: services[0].targets: there are no targets; give at least one, such as ["localhost:6060"]
    targets-missing.toml:1:1: services[0].targets: this key is missing; give at least one, such as ["localhost:6060"]
    targets-same-instance.toml:3:31: services[0].targets[1]: `checkout-1:6060` is the same instance as services[0].targets[0]; remove one
    "#);
}

#[test]
fn bad_timeouts() {
    assert_snapshot!(told("timeout"), @r"
    timeout-above-default-interval.toml:2:11: global.timeout: 45s is above the interval of 30s; make it 30s or less
    timeout-above-inherited-interval.toml:4:11: services[0].timeout: 45s is above the interval of 30s; make it 30s or less
    timeout-above-interval.toml:5:11: services[0].timeout: 6s is above the interval of 5s; make it 5s or less
    timeout-zero.toml:2:11: global.timeout: 0s is too short; make it 1ms or more
    ");
}

#[test]
fn bad_wrong_types() {
    assert_snapshot!(told("type"), @r#"
    type-detail.toml:4:10: services[0].detail: this should be "auto", "always" or "never", not the boolean false
    type-duration.toml:2:12: global.interval: this should be a duration in quotes such as "30s", not the integer 30
    type-integer.toml:2:24: global.max_concurrent_polls: this should be a number such as 64, not the string `64`
    type-label.toml:4:36: services[0].labels.version: this should be a string in quotes, not the number 1.42
    type-labels-element.toml:2:26: global.keep_labels[1]: this should be a string in quotes, not the integer 7
    type-labels-list.toml:2:15: global.keep_labels: this should be an array of strings such as ["tenant"], not the string `tenant`
    type-service.toml:1:13: services[0]: this should be a table, not the string `checkout-1:6060`
    type-services.toml:1:1: services: this should be `[[services]]` in double brackets, once for each service, not a table
    type-size.toml:2:19: global.body_size_limit: this should be a size such as "64MiB", not the number 6.4e7
    type-table.toml:1:10: global: this should be a table `[global]`, not the boolean true
    type-target.toml:3:31: services[0].targets[1]: this should be a string in quotes, not the integer 6060
    type-targets.toml:3:11: services[0].targets: this should be an array of strings such as ["localhost:6060"], not the string `checkout-1:6060`
    "#);
}

#[test]
fn good_least() {
    assert_snapshot!(meant("least.toml"), @r"
    goroscope.db, 64 at once
    checkout: every 30s for 10s, 67108864 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://checkout-1:6060/debug/pprof/goroutine?debug=0 {}
    ");
}

#[test]
fn good_override() {
    assert_snapshot!(meant("override.toml"), @r#"
    /var/lib/goroscope/history.db, 8 at once
    as-global: every 60s for 20s, 1073741824 bytes, Never each 5400s up to 7ms, proofs OnSuspect each 600s, keeps ["tenant"]
      http://a:1/debug/pprof/goroutine?debug=0 {}
    for-itself: every 604800s for 120s, 1000000 bytes, Always each 500ms up to 1s, proofs Always each 86400s, keeps []
      https://a:1/ops/pprof/goroutine?debug=0 {"env": "prod"}
    "#);
}

#[test]
fn good_timeout_follows() {
    assert_snapshot!(meant("timeout-follows.toml"), @r"
    goroscope.db, 64 at once
    five: every 5s for 5s, 67108864 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://a:1/debug/pprof/goroutine?debug=0 {}
    thirty: every 30s for 20s, 67108864 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://a:1/debug/pprof/goroutine?debug=0 {}
    ");
}

#[test]
fn good_targets() {
    assert_snapshot!(meant("targets.toml"), @r"
    goroscope.db, 64 at once
    forms: every 30s for 10s, 67108864 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://host:6060/ops/goroutine?debug=0 {}
      http://httpd:6060/ops/goroutine?debug=0 {}
      http://httpd:6061/ops/goroutine?debug=0 {}
      http://plain:80/ops/goroutine?debug=0 {}
      https://secure:443/ops/goroutine?debug=0 {}
      https://upper:8443/ops/goroutine?debug=0 {}
      http://host:6060/custom/debug/pprof/goroutine?debug=0 {}
      http://host:6060/debug/pprof/goroutine?debug=0 {}
      http://host:6060/goroutine?debug=0 {}
      http://third:6060/debug/pprof/goroutine?debug=0 {}
      http://[::1]:6060/ops/goroutine?debug=0 {}
      http://[fe80::1]:80/ops/goroutine?debug=0 {}
      http://10.0.0.1:6060/ops/goroutine?debug=0 {}
    ");
}

#[test]
fn good_environment() {
    assert_snapshot!(meant("environment.toml"), @r#"
    data/goroscope.db, 64 at once
    checkout: every 15s for 10s, 10000000 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://checkout-1:6060/debug/pprof/goroutine?debug=0 {"cost": "$5", "dollar": "5$", "none": "", "shell": "$HOST", "text": "${HOST}"}
      http://checkout-1:6061/debug/pprof/goroutine?debug=0 {"cost": "$5", "dollar": "5$", "none": "", "shell": "$HOST", "text": "${HOST}"}
    "#);
}

#[test]
fn good_toml_forms() {
    assert_snapshot!(meant("toml-forms.toml"), @r#"
    other.db, 16 at once
    checkout: every 60s for 10s, 67108864 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://checkout-1:6060/debug/pprof/goroutine?debug=0 {"env": "prod"}
    search: every 60s for 10s, 67108864 bytes, Auto each 600s up to 50ms, proofs Never each 3600s, keeps []
      http://search-1:6060/debug/pprof/goroutine?debug=0 {"env": "test"}
    "#);
}

#[test]
fn bad_leak_profile_and_interval() {
    assert_snapshot!(told("leak"), @"
    leak-interval-short.toml:4:25: services[0].leak_profile_interval: 30s is too short; make it 10m or more
    leak-profile-unknown.toml:2:16: global.leak_profile: `sometimes` is not known; `never`, `on-suspect` and `always` are
    ");
}

#[test]
fn the_example_parses_and_says_the_defaults() {
    let written = parse(EXAMPLE).expect("the example is good");
    let defaults = parse("[[services]]\nname = 'example'\ntargets = ['localhost:6060']")
        .expect("a name and a target are enough");
    assert_eq!(written, defaults);
    assert_eq!(defaults.services[0].detail, DetailMode::Auto);
    assert_eq!(defaults.services[0].leak_profile, LeakProfile::Never);
    assert_eq!(defaults.analysis, Thresholds::default());
}

/// The rule that the example shows, with its `# ` taken off.
#[test]
fn the_rule_of_the_example_is_a_rule() {
    let (_, rule) = EXAMPLE.split_once("# [[ignore]]").expect("a rule is shown");
    let keys = rule.lines().filter_map(|line| {
        let (key, _) = line.strip_prefix("# ")?.split_once(" = ")?;
        (!key.contains(' ')).then(|| line.trim_start_matches("# "))
    });
    let keys: Vec<&str> = keys.collect();
    let text = format!(
        "[[services]]\nname = 'checkout'\ntargets = ['a:1']\n[[ignore]]\n{}",
        keys.join("\n")
    );
    let config = parse(&text).expect("the rule is good");
    insta::assert_debug_snapshot!(config.ignore, @r#"
    [
        IgnoreRule {
            top_function: Some(
                "database/sql.(*DB).connectionOpener",
            ),
            any_function: Some(
                "database/sql.*",
            ),
            created_by: Some(
                "database/sql.OpenDB",
            ),
            service: Some(
                "checkout",
            ),
            max_count: Some(
                4,
            ),
            reason: "one per pool",
            until: Some(
                Timestamp(
                    1806537599999,
                ),
            ),
        },
    ]
    "#);
}

#[test]
fn thresholds_and_rules_are_taken() {
    let config = parse(
        r#"
        analysis.min_growth = 10
        analysis.max_jump = 1
        analysis.min_lateness = 0.25
        analysis.likely_after = "90m"
        [[services]]
        name = "checkout"
        targets = ["a:1"]
        [[ignore]]
        created_by = "main.$$x"
        reason = "of ${HOST}"
        until = 2027-03-31T20:00:00+02:00
        [[ignore]]
        any_function = "main.work"
        reason = "a pool"
        until = 2027-03-31 20:00:00
        "#,
    )
    .expect("all is good");
    insta::assert_debug_snapshot!((config.analysis, config.ignore), @r#"
    (
        Thresholds {
            min_growth: 10,
            min_floor_growth: 5,
            min_floor_share: 0.01,
            min_net_to_gross: 0.8,
            min_lateness: 0.25,
            max_jump: 1.0,
            max_fall_elsewhere: 0.25,
            likely_after: 5400s,
            likely_lateness: 0.6,
            max_ends_per_hour: 0.02,
            max_goroutines: None,
        },
        [
            IgnoreRule {
                top_function: None,
                any_function: None,
                created_by: Some(
                    "main.$x",
                ),
                service: None,
                max_count: None,
                reason: "of checkout-1",
                until: Some(
                    Timestamp(
                        1806516000000,
                    ),
                ),
            },
            IgnoreRule {
                top_function: None,
                any_function: Some(
                    "main.work",
                ),
                created_by: None,
                service: None,
                max_count: None,
                reason: "a pool",
                until: Some(
                    Timestamp(
                        1806523200000,
                    ),
                ),
            },
        ],
    )
    "#);
}

#[test]
fn the_example_shows_every_key() {
    for (table, keys) in KEYS {
        let shown = match table {
            "" => EXAMPLE,
            _ => {
                EXAMPLE
                    .split_once(&format!("[{table}]"))
                    .expect("the table is shown")
                    .1
            }
        };
        for key in keys {
            let is_shown = |line: &str| {
                let line = line.trim_start_matches("# ").trim_matches(['[', ']']);
                line == *key || line.starts_with(&format!("{key} = "))
            };
            assert!(shown.lines().any(is_shown), "[{table}] {key} is not shown");
        }
    }
}

/// What `goroscope config init` takes its comments from.
#[test]
fn the_example_says_why_of_every_key_with_a_default() {
    for (section, keys) in KEYS {
        if !["global", "storage", "analysis"].contains(&section) {
            continue;
        }
        for key in keys {
            let explained = config::explain(section, key).unwrap();
            assert!(!explained.why.is_empty(), "{section}.{key}");
            assert!(!explained.line.starts_with('#'), "{section}.{key}");
        }
    }
    assert_eq!(config::explain("global", "intervall"), None);
}

/// No key is accepted that would have no effect: each refuses a date, or else a boolean.
#[test]
fn every_key_is_read() {
    const SERVICE: &str = "[[services]]\nname = 'a'\ntargets = ['a:1']\n";
    for (table, keys) in KEYS {
        for key in keys {
            let (value, refused) = match *key {
                "until" => ("true", "not the boolean"),
                _ => ("2026-11-24", "not the date"),
            };
            let text = match table {
                "" => format!("{key} = {value}\n"),
                "services" | "ignore" => format!("[[{table}]]\n{key} = {value}\n"),
                _ => format!("[{table}]\n{key} = {value}\n{SERVICE}"),
            };
            let mistakes = parse(&text).expect_err("this value is never right");
            let is_told = mistakes
                .as_slice()
                .iter()
                .any(|mistake| mistake.key.ends_with(key) && mistake.what.contains(refused));
            assert!(is_told, "[{table}] {key} is not read: {mistakes}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = config::load(Path::new("no/such.toml"), &env()).expect_err("there is none");
    assert!(matches!(error, ConfigError::Read { .. }));
    assert_snapshot!(error, @"failed to read config file `no/such.toml`");
}

#[test]
fn a_file_that_is_not_utf8_is_a_mistake() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("goroscope.toml");
    std::fs::write(&path, b"[global]\ndetail = \"\xff\"\n").expect("the file can be written");
    let error = config::load(&path, &env()).expect_err("this is not UTF-8");
    let told = error
        .to_string()
        .replace(&folder.path().display().to_string(), "FOLDER");
    assert_snapshot!(told, @"FOLDER/goroscope.toml:2:11: this byte is not UTF-8; save the file as UTF-8");
}

/// What a query is told: the database, or why it is not known.
fn database(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("goroscope.toml");
    std::fs::write(&path, text).expect("the file can be written");
    let told = match config::place(&path, &env()).map(|place| place.path) {
        Ok(database) => database.display().to_string(),
        Err(error) => error.to_string(),
    };
    told.replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn a_query_needs_only_the_storage_of_a_config() {
    let cases = [
        "",
        "[storage]\npath = '/var/lib/g.db'",
        "[global]\ninterval = 7\nscrape = 1\n[storage]\npath = '${HOST}.db'",
        "[global]\ninterval = 30s\n[storage]\npath = 'g.db'",
        "[global]\ninterval = 30s\n[[services]]",
        "[storage]\npath = 'g.db",
        "[storage]\npaht = 'g.db'",
        "[storag]\npath = 'g.db'",
        "[storage]\npath = '${NONE}'",
    ];
    assert_snapshot!(cases.map(database).join("\n"), @r"
    FOLDER/goroscope.db
    /var/lib/g.db
    FOLDER/checkout-1.db
    FOLDER/g.db
    FOLDER/goroscope.toml:2:12: string values must be quoted, expected literal string
    FOLDER/goroscope.toml:2:13: invalid literal string, expected `'`
    FOLDER/goroscope.toml:2:1: storage.paht: unknown key; did you mean `path`?
    FOLDER/goroscope.toml:1:2: storag: unknown key; did you mean `storage`?
    FOLDER/goroscope.toml:2:8: storage.path: variable `NONE` is not set; set it, or write `${NONE:-default}`
    ");
}

#[test]
fn a_bare_target_for_the_command_line() {
    let words = [
        "localhost:6060",
        "https://a",
        "dump.txt",
        "http://u:secret@a",
        "a:1/ops/",
    ];
    let told = words.map(|word| match parse_target(word, "http", "/debug/pprof") {
        Ok(target) => format!("{} {} {}", target.scheme, target.address, target.path),
        Err(bad) => bad.to_string(),
    });
    assert_snapshot!(told.join("\n"), @r"
    http localhost:6060 /debug/pprof
    https a:443 /debug/pprof
    the port is missing in `dump.txt`; write it as in `dump.txt:6060`
    a user name or password (before `@`) cannot be part of a target; write `host:port`
    http a:1 /ops
    ");
}

/// Any bytes are a config or are told in whole lines, each with a place in the file.
fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("goroscope.toml");
    std::fs::write(&path, bytes).expect("the file can be written");
    if let Err(ConfigError::Mistakes(mistakes)) = config::load(&path, &env()) {
        assert!(!mistakes.as_slice().is_empty());
        assert_eq!(
            mistakes.to_string().lines().count(),
            mistakes.as_slice().len()
        );
        let lines = bytes.split(|byte| *byte == b'\n').count();
        for mistake in mistakes.as_slice() {
            assert!((1..=lines).contains(&mistake.line) && mistake.column >= 1);
            assert!(
                !mistake.to_string().contains(char::is_control),
                "{mistake:?}"
            );
        }
    }
    let database = config::place(&path, &env()).map(|place| place.path);
    assert!(!matches!(database, Err(ConfigError::Read { .. })));
}

/// Words that mean something in a config, so that random files get past the first line.
fn word() -> impl Strategy<Value = String> {
    let marks = [
        "\n[",
        "]]\n",
        "=",
        "\n",
        "\"",
        "'''",
        "{",
        "}",
        "${",
        "a.b = 1\n",
        "é",
        "[]",
    ];
    let words = EXAMPLE.split_inclusive(char::is_whitespace).chain(marks);
    prop_oneof![
        8 => prop::sample::select(words.collect::<Vec<_>>()).prop_map(str::to_owned),
        1 => ".{0,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_told_about(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_words_are_told_about(words in prop::collection::vec(word(), 0..60)) {
        check(words.concat().as_bytes());
    }

    #[test]
    fn any_cut_of_a_good_file_is_told_about(
        from in 0..EXAMPLE.len(),
        length in 0..80_usize,
        word in word(),
    ) {
        let (before, after) = EXAMPLE.as_bytes().split_at(from);
        let after = after.get(length..).unwrap_or_default();
        check(&[before, word.as_bytes(), after].concat());
    }

    /// What a target is read as names the same target when it is read again.
    #[test]
    fn any_word_is_a_target_or_is_told_why_not(word in "[a-z:/@?#.\\[\\]0-9é ]{0,20}") {
        if let Ok(target) = parse_target(&word, "http", "/debug/pprof") {
            let url = format!("{}://{}{}", target.scheme, target.address, target.path);
            let again = parse_target(&url, "http", "").expect("a target stays one");
            prop_assert_eq!(again.address, target.address);
        }
    }
}
