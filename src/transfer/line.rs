//! Lines as they are written: a look at a process, or one of the facts beside the looks.

use std::borrow::Cow;
use std::ops::Range;

use chrono::Datelike as _;

use super::Mistake;
use super::cursor::Cursor;
use super::fact::Fact;
use super::groups::{Groups, Read};
use super::mistake::{none_of, suggestion};
use super::unknown::Unknown;
use crate::model::{FailureReason, Form, Kind, StartReason, Timestamp};

type Result<T> = std::result::Result<T, Mistake>;

/// Every field of a look.
const FIELDS: [&str; 23] = [
    "at",
    "kind",
    "form",
    "service",
    "instance",
    "scheme",
    "path",
    "incarnation",
    "since",
    "reason",
    "build",
    "took_ms",
    "interval_seconds",
    "labels",
    "goroutines",
    "own",
    "complained",
    "truncated",
    "complaints",
    "groups",
    "failed",
    "message",
    "history",
];

/// One line.
#[derive(Debug)]
pub(super) enum Line<'a> {
    /// A look at a process.
    Look(Box<LookLine<'a>>),
    /// What a history tells beside them.
    Fact(Fact),
    /// Something that a newer goroscope tells.
    Unknown,
}

/// A look at a process, as written.
#[derive(Debug, Default)]
pub(super) struct LookLine<'a> {
    pub(super) at: Timestamp,
    pub(super) kind: Option<Kind>,
    pub(super) form: Option<Form>,
    pub(super) service: Cow<'a, str>,
    pub(super) address: Cow<'a, str>,
    pub(super) scheme: Option<Cow<'a, str>>,
    pub(super) path: Option<Cow<'a, str>>,
    /// With its place in the line.
    pub(super) incarnation: Option<(Cow<'a, str>, usize)>,
    pub(super) since: Option<Timestamp>,
    pub(super) reason: Option<StartReason>,
    /// With its place in the line.
    pub(super) build: Option<(Cow<'a, str>, usize)>,
    pub(super) took_ms: u64,
    pub(super) interval_ms: Option<u64>,
    /// A JSON object, not read yet.
    pub(super) labels: Option<Cursor<'a>>,
    pub(super) goroutines: Option<u64>,
    pub(super) own: u64,
    pub(super) complained: u64,
    pub(super) truncated: bool,
    /// A JSON array, not read yet.
    pub(super) complaints: Option<Cursor<'a>>,
    /// With their place in the line.
    pub(super) groups: Option<(Read, usize)>,
    pub(super) failed: Option<FailureReason>,
    pub(super) message: Cow<'a, str>,
}

impl<'a> Line<'a> {
    /// Reads a line; fields that are not known are noted and passed over.
    pub(super) fn read(text: &'a str, groups: &mut Groups, unknown: &mut Unknown) -> Result<Self> {
        let mut cursor = Cursor::new(text);
        let mut look = LookLine::default();
        let mut given = Given::default();
        let mut fact = None;
        let mut strange: Vec<(String, usize, bool)> = Vec::new();
        cursor.object(|cursor, key, begin| {
            if cursor.peek() == Some(b'{')
                && let Some(read) = Fact::read(key, cursor)?
            {
                fact = Some(read);
                return Ok(());
            }
            if key == "groups" {
                let begin = cursor.at();
                look.groups = Some((groups.read(cursor, unknown)?, begin));
            } else if !look.field(key, cursor, &mut given)? {
                let object = cursor.peek() == Some(b'{');
                cursor.value()?;
                strange.push((key.to_string(), begin, object));
            }
            Ok(())
        })?;
        cursor.end()?;
        if let Some(fact) = fact {
            return Ok(Self::Fact(fact));
        }
        // A whole line of a kind that is not known has nothing else in it.
        if let [(key, _, true)] = strange.as_slice()
            && given == Given::default()
        {
            unknown.note_line(key);
            return Ok(Self::Unknown);
        }
        given.check(&look, &strange)?;
        for (key, ..) in strange {
            unknown.note_field(&key);
        }
        Ok(Self::Look(Box::new(look)))
    }
}

/// Which of the fields that must be there are there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    at: bool,
    service: bool,
    instance: bool,
}

impl Given {
    fn check(&self, look: &LookLine<'_>, strange: &[(String, usize, bool)]) -> Result<()> {
        let failed = look.failed.is_some();
        let missing = [
            ("at", self.at),
            ("service", self.service),
            ("instance", self.instance),
            ("incarnation", failed || look.incarnation.is_some()),
            ("groups", failed || look.groups.is_some()),
        ];
        let Some((missing, _)) = missing.iter().find(|(_, given)| !given) else {
            return match look.groups {
                Some((_, at)) if failed => Err(Mistake::new(
                    at,
                    "a look that failed has no groups: one of `failed` and `groups` must go".into(),
                )),
                _ => Ok(()),
            };
        };
        let meant = strange
            .iter()
            .find(|(key, ..)| suggestion(key, FIELDS) == Some(missing));
        if let Some((key, at, _)) = meant {
            let what =
                format!("`{missing}` is missing; `{key}` is not known: did you mean `{missing}`?");
            return Err(Mistake::new(*at, what));
        }
        let or = match *missing {
            "groups" => " (or `failed`, for a look that gave nothing)",
            _ => "",
        };
        Err(Mistake::new(0, format!("`{missing}` is missing{or}")))
    }
}

impl<'a> LookLine<'a> {
    /// Takes a field; false when it is not known.
    fn field(&mut self, key: &str, cursor: &mut Cursor<'a>, given: &mut Given) -> Result<bool> {
        let begin = cursor.at();
        match key {
            "at" => {
                self.at = moment("at", cursor)?;
                given.at = true;
            }
            "service" => {
                self.service = word("service", cursor)?;
                given.service = true;
            }
            "instance" => {
                self.address = address(cursor)?;
                given.instance = true;
            }
            "kind" => {
                let all = Kind::ALL.map(Kind::as_str);
                self.kind = Some(named("kind", cursor, all, Kind::from_name)?);
            }
            "form" => {
                let all = Form::ALL.map(Form::as_str);
                self.form = Some(named("form", cursor, all, Form::from_name)?);
            }
            "scheme" => self.scheme = Some(scheme(cursor)?),
            "path" => self.path = Some(cursor.string()?),
            "incarnation" => self.incarnation = Some((word("incarnation", cursor)?, begin)),
            "since" => self.since = Some(moment("since", cursor)?),
            "reason" => self.reason = Some(reason(cursor)?),
            "build" if cursor.null() => self.build = None,
            "build" => self.build = Some((word("build", cursor)?, begin)),
            "took_ms" => self.took_ms = cursor.whole()?,
            "interval_seconds" if cursor.null() => self.interval_ms = None,
            "interval_seconds" => self.interval_ms = Some(interval(cursor)?),
            "labels" if cursor.null() => self.labels = None,
            "labels" => self.labels = Some(passed(cursor)?),
            "goroutines" => self.goroutines = Some(cursor.whole()?),
            "own" => self.own = cursor.whole()?,
            "complained" => self.complained = cursor.whole()?,
            "truncated" => self.truncated = cursor.parsed()?,
            "complaints" => self.complaints = Some(passed(cursor)?),
            "failed" => {
                let all = FailureReason::ALL.map(FailureReason::as_str);
                self.failed = Some(named("failed", cursor, all, FailureReason::from_name)?);
            }
            "message" => self.message = cursor.string()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Passes over a value that is read later.
fn passed<'a>(cursor: &mut Cursor<'a>) -> Result<Cursor<'a>> {
    let value = *cursor;
    cursor.value()?;
    Ok(value)
}

pub(super) fn moment(field: &str, cursor: &mut Cursor<'_>) -> Result<Timestamp> {
    let begin = cursor.at();
    let text = cursor.string()?;
    let moment = Timestamp::from_rfc3339(&text).ok_or_else(|| {
        let what =
            format!("`{field}` is `{text}`, and must be RFC 3339, as in 2026-11-24T08:00:00.000Z");
        Mistake::new(begin, what)
    })?;
    if !YEARS.contains(&moment.to_utc().year()) {
        let what = format!("`{field}` is `{text}`, and must be after 1970 and before 2200");
        return Err(Mistake::new(begin, what));
    }
    Ok(moment)
}

/// No Go process was polled in others.
const YEARS: Range<i32> = 1970..2200;

/// A string that says something.
pub(super) fn word<'a>(field: &str, cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>> {
    let begin = cursor.at();
    let word = cursor.string()?;
    if word.is_empty() {
        return Err(Mistake::new(begin, format!("`{field}` must not be empty")));
    }
    Ok(word)
}

pub(super) fn address<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>> {
    let begin = cursor.at();
    let address = word("instance", cursor)?;
    if address.contains('/') {
        let what = format!(
            "`instance` is `{address}`, and must be host:port; `scheme` and `path` are fields of \
             their own"
        );
        return Err(Mistake::new(begin, what));
    }
    Ok(address)
}

pub(super) fn scheme<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>> {
    let begin = cursor.at();
    let scheme = cursor.string()?;
    if !matches!(&*scheme, "http" | "https") {
        return Err(Mistake::new(
            begin,
            none_of("scheme", &scheme, ["http", "https"]),
        ));
    }
    Ok(scheme)
}

pub(super) fn reason(cursor: &mut Cursor<'_>) -> Result<StartReason> {
    let all = StartReason::ALL.map(StartReason::as_str);
    named("reason", cursor, all, StartReason::from_name)
}

/// A word of a closed set.
pub(super) fn named<T, const N: usize>(
    field: &str,
    cursor: &mut Cursor<'_>,
    all: [&'static str; N],
    from_name: fn(&str) -> Option<T>,
) -> Result<T> {
    let begin = cursor.at();
    let word = cursor.string()?;
    from_name(&word).ok_or_else(|| Mistake::new(begin, none_of(field, &word, all)))
}

/// Seconds between polls, in milliseconds.
pub(super) fn interval(cursor: &mut Cursor<'_>) -> Result<u64> {
    /// A poll in ten years is none.
    const LONGEST: f64 = 315_360_000.0;
    let begin = cursor.at();
    let text = cursor.value()?;
    let seconds: Option<f64> = text.parse().ok();
    let millis = seconds
        .filter(|seconds| (0.001..=LONGEST).contains(seconds))
        .and_then(|seconds| {
            u64::try_from(std::time::Duration::from_secs_f64(seconds).as_millis()).ok()
        });
    millis.filter(|millis| *millis > 0).ok_or_else(|| {
        let what = format!(
            "`interval_seconds` is {text}, and must be a number of seconds, at least 0.001"
        );
        Mistake::new(begin, what)
    })
}
