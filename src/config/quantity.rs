//! Durations and byte sizes as people write them, and the range that each may have.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::mistake::quoted;

/// No wait or limit is longer: far above any use, far below what a clock cannot add.
pub(super) const LONGEST: Duration = Duration::from_hours(30 * 24);

/// Most characters of a duration. With more of them humantime 2.4 can be made to panic (the
/// largest number of seconds and `1000ms` on top); `1d12h30m15s500ms` has 16.
const LONGEST_WORD: usize = 20;

/// More bytes in one answer than any process has: 1 TiB.
const LARGEST: u64 = 1 << 40;

/// Bytes per unit. Without a unit a number is bytes.
const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
    ("", 1),
];

/// The duration that `word` is. Errors: no duration, or outside `range`.
pub(super) fn duration(word: &str, range: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let is_short = word.chars().nth(LONGEST_WORD).is_none();
    let parsed = is_short.then(|| humantime::parse_duration(word));
    let Some(Ok(duration)) = parsed else {
        return Err(format!(
            "{} is not a duration; `500ms`, `30s`, `10m`, `1h30m` and `7d` are",
            quoted(word)
        ));
    };
    let (least, most) = (*range.start(), *range.end());
    let written = short(duration);
    if duration < least {
        let least = short(least);
        return Err(format!("{written} is too short; make it {least} or more"));
    }
    if duration > most {
        let most = short(most);
        return Err(format!("{written} is too long; make it {most} or less"));
    }
    Ok(duration)
}

/// The age that `word` is, on a command line: a minute to ten years.
pub fn parse_age(word: &str) -> Result<Duration, String> {
    duration(
        word,
        &(Duration::from_mins(1)..=Duration::from_hours(10 * 366 * 24)),
    )
}

/// The number of bytes that `word` is, on a command line: 1 byte to 1 TiB.
pub fn parse_size(word: &str) -> Result<u64, String> {
    size(word)
}

/// The number of bytes that `word` is, 1 byte to 1 TiB. Errors: no size, or outside that range.
pub(super) fn size(word: &str) -> Result<u64, String> {
    let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = word.strip_prefix(number).unwrap_or_default();
    let bytes_per_unit = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, bytes)| *bytes);
    let digits = number.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let Some(bytes_per_unit) = bytes_per_unit.filter(|_| is_number) else {
        return Err(format!(
            "{} is not a size; `64MiB`, `512KiB`, `1GiB`, `10MB` and a plain number of bytes are",
            quoted(word)
        ));
    };
    let bytes = digits
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(bytes_per_unit));
    match bytes {
        Some(0) => {
            Err("0 leaves no room for anything; make it 1 or more, such as `64MiB`".to_owned())
        }
        Some(bytes) if bytes <= LARGEST => Ok(bytes),
        _ => Err(format!(
            "{} is too large; make it 1024GiB or less",
            quoted(word)
        )),
    }
}

/// `duration` as one would write it: `1h30m`.
pub(super) fn short(duration: Duration) -> String {
    let words = humantime::format_duration(duration).to_string();
    words
        .replace("days", "d")
        .replace("day", "d")
        .replace(' ', "")
}
