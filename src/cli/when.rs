//! Moments as people type them: `24h`, `7d`, `yesterday`, `2026-11-22 08:00`, RFC 3339.

use std::time::Duration;

use chrono::{DateTime, Days, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};

use super::failure::Failure;
use crate::model::Timestamp;
use crate::present::Zone;

/// Words longer than this are no moment; also keeps the duration parser from its limits.
const LONGEST: usize = 40;

/// Longer words are no span of time; with more characters the parser of humantime 2.4 can overflow.
const LONGEST_SPAN: usize = 20;

/// A span of time, by its word.
pub(super) fn time_span(word: &str) -> Result<Duration, String> {
    let is_short = word.len() <= LONGEST_SPAN;
    let span = is_short.then(|| humantime::parse_duration(word).ok());
    span.flatten()
        .ok_or_else(|| "give a duration such as 500ms, 10s or 1m30s".to_owned())
}

/// The moment that the option `flag` means, as [`parse`] does.
pub(super) fn option(
    flag: &'static str,
    word: &str,
    now: Timestamp,
    zone: Zone,
) -> Result<Timestamp, Failure> {
    parse(word, now, zone).map_err(|error| Failure::wrong_value(flag, &error))
}

/// A window that ends before it begins.
pub(super) fn backwards(since: &str, until: &str) -> Failure {
    Failure::usage(format!("--since {since} is not before --until {until}"))
        .hint("--since is the earlier one: 24h is a day back from now, not from --until")
}

/// The moment that a word means at `now`; durations count back from it. Times without an offset
/// are in `zone`.
pub(super) fn parse(word: &str, now: Timestamp, zone: Zone) -> Result<Timestamp, String> {
    let word = word.trim();
    let moment = if word.is_empty() || word.len() > LONGEST {
        None
    } else {
        named(word, now, zone)
            .or_else(|| duration(word).map(|span| now.minus(span)))
            .or_else(|| absolute(word, zone))
    };
    moment.ok_or_else(|| {
        format!(
            "`{}` is no moment: a duration back from now (24h, 1h30m, 7d), `yesterday`, `today`, \
             a date (2026-11-22, 2026-11-22 08:00) or RFC 3339 is",
            crate::present::escape(word)
        )
    })
}

fn named(word: &str, now: Timestamp, zone: Zone) -> Option<Timestamp> {
    let days = match word {
        "now" => return Some(now),
        "today" => 0,
        "yesterday" => 1,
        _ => return None,
    };
    let today = match zone {
        Zone::Utc => now.to_utc().date_naive(),
        Zone::Local => now.to_utc().with_timezone(&Local).date_naive(),
    };
    midnight(today.checked_sub_days(Days::new(days))?, zone)
}

/// A Go duration, or one in days or weeks.
fn duration(word: &str) -> Option<Duration> {
    let starts_well = word.starts_with(|c: char| c.is_ascii_digit());
    // Longer runs of digits are no span that a history has.
    let short = word
        .split(|c: char| !c.is_ascii_digit())
        .all(|digits| digits.len() <= 9);
    let units = word
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect::<String>();
    // In Go `m` is minutes, and so it is here; months and years are not asked for.
    let known = !units.is_empty() && units.chars().all(|c| "hmsuwdn".contains(c));
    (starts_well && short && known).then(|| humantime::parse_duration(word).ok())?
}

fn absolute(word: &str, zone: Zone) -> Option<Timestamp> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(word) {
        return Some(Timestamp::from_millis(moment.timestamp_millis()));
    }
    if let Ok(date) = NaiveDate::parse_from_str(word, "%Y-%m-%d") {
        return midnight(date, zone);
    }
    [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|pattern| NaiveDateTime::parse_from_str(word, pattern).ok())
    .and_then(|moment| in_zone(moment, zone))
}

fn midnight(date: NaiveDate, zone: Zone) -> Option<Timestamp> {
    in_zone(date.and_time(NaiveTime::MIN), zone)
}

fn in_zone(moment: NaiveDateTime, zone: Zone) -> Option<Timestamp> {
    // Where the clocks go back a time comes twice: the earlier one loses nothing.
    let millis = match zone {
        Zone::Utc => Utc
            .from_local_datetime(&moment)
            .earliest()?
            .timestamp_millis(),
        Zone::Local => Local
            .from_local_datetime(&moment)
            .earliest()?
            .timestamp_millis(),
    };
    Some(Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_type_them() {
        let now = Timestamp::from_millis(1_795_500_000_000); // 2026-11-24T06:00:00Z
        for (word, expected) in [
            ("24h", "2026-11-23T06:00:00.000Z"),
            ("1h30m", "2026-11-24T04:30:00.000Z"),
            ("7d", "2026-11-17T06:00:00.000Z"),
            ("90s", "2026-11-24T05:58:30.000Z"),
            ("yesterday", "2026-11-23T00:00:00.000Z"),
            ("today", "2026-11-24T00:00:00.000Z"),
            ("now", "2026-11-24T06:00:00.000Z"),
            ("2026-11-22", "2026-11-22T00:00:00.000Z"),
            ("2026-11-22 08:00", "2026-11-22T08:00:00.000Z"),
            ("2026-11-22T08:00:00+01:00", "2026-11-22T07:00:00.000Z"),
        ] {
            let parsed = parse(word, now, Zone::Utc).map(Timestamp::to_rfc3339);
            assert_eq!(parsed.as_deref(), Ok(expected), "{word}");
        }
        for word in [
            "",
            "soon",
            "24",
            "-5h",
            "18446744073709551615s 1000ms",
            "2026-13-01",
        ] {
            assert!(parse(word, now, Zone::Utc).is_err(), "{word}");
        }
    }
}
