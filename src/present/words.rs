//! Numbers, times and names as people read them.

use std::time::Duration;

use chrono::{Local, Utc};

use super::chart::spark;
use super::shorten::beginning;
use super::{Draw, escape};
use crate::model::{IgnoreRule, Labels, Signature, Timestamp};
use crate::query::Where;

/// In which zone times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// That of this machine.
    Local,
    /// UTC.
    Utc,
}

impl Zone {
    /// `2026-11-22 08:00`.
    pub fn minute(self, at: Timestamp) -> String {
        self.format(at, "%Y-%m-%d %H:%M")
    }

    /// `2026-11-22 08:00:05`.
    pub fn second(self, at: Timestamp) -> String {
        self.format(at, "%Y-%m-%d %H:%M:%S")
    }

    /// `08:00:05`, where the day is plain.
    pub(super) fn clock(self, at: Timestamp) -> String {
        self.format(at, "%H:%M:%S")
    }

    /// `+01:00`, as of a moment.
    pub fn offset(self, at: Timestamp) -> String {
        self.format(at, "%:z")
    }

    fn format(self, at: Timestamp, pattern: &str) -> String {
        match self {
            Self::Utc => at.to_utc().with_timezone(&Utc).format(pattern).to_string(),
            Self::Local => at
                .to_utc()
                .with_timezone(&Local)
                .format(pattern)
                .to_string(),
        }
    }
}

/// That an ignore rule holds no more: which one, and since when.
pub fn rule_ended(rule: &IgnoreRule, zone: Zone) -> String {
    let functions: Vec<String> = rule
        .functions()
        .map(|(key, pattern)| format!("{key} `{}`", escape(pattern)))
        .collect();
    let since = rule.until.map_or_else(String::new, |until| {
        format!(" since {} ({})", zone.minute(until), zone.offset(until))
    });
    format!(
        "the ignore rule of {} ({}) holds no more{since}",
        functions.join(" and "),
        escape(&rule.reason),
    )
}

/// `4812` as `4,812`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1536` as `1.5 KiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, "B");
    for larger in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1_024;
        unit = larger;
    }
    if unit == "B" {
        return format!("{bytes} B");
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// `4800` as `+4,800`.
pub(super) fn signed(number: i64) -> String {
    let sign = if number < 0 { '-' } else { '+' };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// A rate: `+200.0`, `+12,345`, `+0.02`.
pub(super) fn rate(per_hour: f64) -> String {
    match per_hour.abs() {
        0.0 => "0".to_owned(),
        least if least < 0.005 => format!("{}<0.01", if per_hour < 0.0 { '-' } else { '+' }),
        small if small < 1.0 => format!("{per_hour:+.2}"),
        middle if middle < 1_000.0 => format!("{per_hour:+.1}"),
        _ => {
            let sign = if per_hour < 0.0 { '-' } else { '+' };
            format!("{sign}{}", whole(per_hour.abs()))
        }
    }
}

fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    digits.parse().map_or(digits, grouped)
}

/// A wait: `24h08m`, `7m`, `-` where none is known.
pub(super) fn wait(seconds: Option<u64>) -> String {
    match seconds.map(|seconds| seconds / 60) {
        None => "-".to_owned(),
        Some(minutes) if minutes >= 60 => format!("{}h{:02}m", minutes / 60, minutes % 60),
        Some(minutes) => format!("{minutes}m"),
    }
}

/// `3 services`, `1 service`.
pub fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", grouped(count))
}

/// A length of time in its two largest units: `4d 8h`, `41m`, `0s`.
pub(super) fn span(length: Duration) -> String {
    let mut left = length.as_secs();
    let mut told = Vec::new();
    for (seconds, unit) in [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")] {
        let count = left / seconds;
        left %= seconds;
        if count > 0 && told.len() < 2 {
            told.push(format!("{}{unit}", grouped(count)));
        }
    }
    if told.is_empty() {
        "0s".to_owned()
    } else {
        told.join(" ")
    }
}

/// `github.com/acme/pay.(*Client).retry` as `pay.(*Client).retry`.
pub fn short_function(function: &str) -> &str {
    // Slashes behind the first bracket belong to types in the name.
    let name_ends = function.find(['(', '[']).unwrap_or(function.len());
    let package = function.split_at(name_ends).0;
    package
        .rfind('/')
        .map_or(function, |slash| function.split_at(slash + 1).1)
}

/// A build id short enough for a table.
pub(super) fn build(build: Option<&str>) -> String {
    build.map_or_else(|| "-".to_owned(), |id| beginning(&escape(id), 12))
}

/// The last two elements of a path.
pub fn short_file(file: &str) -> &str {
    let mut slashes = file.rmatch_indices(['/', '\\']).map(|(at, _)| at);
    let second = slashes.nth(1);
    second.map_or(file, |slash| file.split_at(slash + 1).1)
}

/// The line to look at: `pay.(*Client).retry.func1  pay/client.go:118`; wide with its whole package and path.
pub(super) fn place(site: &Where, draw: Draw) -> String {
    if draw.wide {
        in_file(site, &site.function, &site.file)
    } else {
        short_place(site)
    }
}

/// The line to look at, as people say it.
pub(super) fn short_place(site: &Where) -> String {
    in_file(site, short_function(&site.function), short_file(&site.file))
}

fn in_file(site: &Where, function: &str, file: &str) -> String {
    match (function, file) {
        ("", _) => "(has not run yet)".to_owned(),
        (_, "") => escape(function).into_owned(),
        _ => format!("{}  {}:{}", escape(function), escape(file), site.line),
    }
}

/// A function by its name; wide with its whole package.
pub(super) fn function(name: &str, draw: Draw) -> String {
    let name = if draw.wide {
        name
    } else {
        short_function(name)
    };
    escape(name).into_owned()
}

/// The first digits of a signature; wide all of them.
pub(super) fn digits(signature: Signature, digits: usize, draw: Draw) -> String {
    let whole = signature.to_string();
    if draw.wide {
        whole
    } else {
        whole.chars().take(digits).collect()
    }
}

/// A build id for a table; wide the whole one.
pub(super) fn build_id(id: Option<&str>, draw: Draw) -> String {
    match id {
        Some(id) if draw.wide => escape(id).into_owned(),
        _ => build(id),
    }
}

/// A label set: `tenant=a, op=b`, or that there are none.
pub(super) fn label_set(set: &Labels) -> String {
    let pairs = set
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)));
    let told = pairs.collect::<Vec<_>>().join(", ");
    if told.is_empty() {
        "no labels".to_owned()
    } else {
        told
    }
}

/// States with their counts, the commonest first.
pub(super) fn states<'a>(states: impl IntoIterator<Item = (&'a String, &'a u64)>) -> String {
    let mut states: Vec<_> = states.into_iter().collect();
    states.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let told = states
        .iter()
        .map(|(state, count)| format!("{} {}", escape(state), grouped(**count)));
    told.collect::<Vec<_>>().join(", ")
}

/// The commonest state, and how many others there are.
pub(super) fn main_state<'a>(states: impl IntoIterator<Item = (&'a String, &'a u64)>) -> String {
    let mut states: Vec<_> = states.into_iter().collect();
    states.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    match states.as_slice() {
        [] => "-".to_owned(),
        [(only, _)] => escape(only).into_owned(),
        [(first, _), others @ ..] => format!("{} +{}", escape(first), others.len()),
    }
}

/// Eight blocks of a trend; `·` where nothing was known.
pub(super) fn sparkline(trend: &[Option<u64>]) -> String {
    spark(trend, 8, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_where_people_cut_them() {
        for (name, short) in [
            (
                "github.com/acme/pay.(*Client).retry.func1",
                "pay.(*Client).retry.func1",
            ),
            ("main.main", "main.main"),
            (
                "example.com/zoo.v2/app/pkg/dot%2ename.Block",
                "dot%2ename.Block",
            ),
            ("main.(*T).(pkg/path.M)-fm", "main.(*T).(pkg/path.M)-fm"),
            ("a/b.F[github.com/x/y.T]", "b.F[github.com/x/y.T]"),
        ] {
            assert_eq!(short_function(name), short);
        }
        assert_eq!(
            short_file("/usr/local/go/src/net/http/server.go"),
            "http/server.go"
        );
        assert_eq!(short_file("main.go"), "main.go");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(signed(-4_800), "-4,800");
        assert_eq!(rate(200.0), "+200.0");
        assert_eq!(rate(123_456.7), "+123,457");
        assert_eq!(wait(Some(86_880)), "24h08m");
    }

    #[test]
    fn a_trend_shows_gaps() {
        let trend = [
            Some(0),
            Some(1),
            Some(2),
            None,
            Some(4),
            Some(5),
            Some(6),
            Some(7),
        ];
        assert_eq!(sparkline(&trend), "▁▂▃·▅▆▇█");
        assert_eq!(sparkline(&[Some(5); 8]), "▁▁▁▁▁▁▁▁");
    }
}
