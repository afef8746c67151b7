//! A config as meant: defaults filled in, services over `[global]`, every value checked.
//!
//! Nothing here stops at a mistake: it is noted, the default stands in, and the result counts
//! only when nothing was noted.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::file::{self, File, Polling};
use super::mistake::{Found, quoted};
use super::span::Lines;
use super::table::{Entry, Written, WrittenSize};
use super::{Config, DetailMode, Environment, LeakProfile, Place, Storage, expand, quantity};
use crate::model::signature::MAX_SIGNATURES;

const DATABASE: &str = "goroscope.db";
pub(super) const MAX_CONCURRENT_POLLS: usize = 64;

/// More sockets than this one process cannot have open in any usual setting.
const MOST_CONCURRENT_POLLS: usize = 65_536;

/// Polls closer together than this would be the load that they measure.
const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(100)..=quantity::LONGEST;
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=quantity::LONGEST;
/// A proof is a garbage collection of the target that can take seconds.
const PROOF_INTERVALS: RangeInclusive<Duration> = Duration::from_mins(10)..=quantity::LONGEST;
const STOPS: RangeInclusive<Duration> = Duration::from_micros(1)..=quantity::LONGEST;

/// From a soak test of an hour to ten years.
const RETENTIONS: RangeInclusive<Duration> =
    Duration::from_hours(1)..=Duration::from_hours(10 * 366 * 24);
const RAW_RETENTION: Duration = Duration::from_hours(30 * 24);
const ROLLUP_RETENTION: Duration = Duration::from_hours(400 * 24);
const MAX_SIZE: u64 = 4 << 30;
/// A real service has hundreds, and each takes some KB.
const SIGNATURES: RangeInclusive<u64> = 1_000..=1_000_000;
/// The tables alone take some of this.
const LEAST_SIZE: u64 = 1 << 20;

fn allows_network(storage: &file::Storage) -> bool {
    let written = storage.allow_network_filesystem.written();
    written.is_some_and(|written| written.value)
}

/// How to poll, resolved: the part of a service that it may inherit.
pub(super) struct Settings {
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) body_size_limit: u64,
    pub(super) detail: DetailMode,
    pub(super) detail_interval: Duration,
    pub(super) detail_max_stop: Duration,
    pub(super) leak_profile: LeakProfile,
    pub(super) leak_profile_interval: Duration,
    pub(super) keep_labels: Arc<[String]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            body_size_limit: 64 << 20,
            detail: DetailMode::Auto,
            detail_interval: Duration::from_mins(10),
            detail_max_stop: Duration::from_millis(50),
            leak_profile: LeakProfile::Never,
            leak_profile_interval: Duration::from_hours(1),
            keep_labels: Arc::default(),
        }
    }
}

/// Turns what is written into what is meant, and notes what cannot be. What it returns counts
/// only if nothing was `found`.
pub(super) struct Resolver<'a> {
    /// Where relative paths start.
    pub(super) folder: &'a Path,
    pub(super) env: &'a Environment,
    pub(super) lines: &'a Lines<'a>,
    pub(super) found: &'a mut Found,
}

impl Resolver<'_> {
    /// All that `file` means.
    pub(super) fn config(&mut self, file: &File) -> Config {
        let global = self.settings(&file.global, &Settings::default());
        let services = self.services(&file.services, &global);
        Config {
            max_concurrent_polls: self.max_concurrent_polls(&file.max_concurrent_polls),
            storage: Storage {
                path: self.database(&file.storage),
                raw_retention: self
                    .duration(&file.storage.raw_retention, &RETENTIONS)
                    .unwrap_or(RAW_RETENTION),
                rollup_retention: self
                    .duration(&file.storage.rollup_retention, &RETENTIONS)
                    .unwrap_or(ROLLUP_RETENTION),
                max_size: self.max_size(&file.storage.max_size).unwrap_or(MAX_SIZE),
                max_signatures: self
                    .max_signatures(&file.storage.max_signatures)
                    .unwrap_or(MAX_SIGNATURES),
                allow_network_filesystem: allows_network(&file.storage),
            },
            analysis: self.thresholds(&file.analysis),
            ignore: self.ignore(&file.ignore, &services),
            services,
        }
    }

    /// What the commands that look after the database need.
    pub(super) fn place(&mut self, storage: &file::Storage) -> Place {
        Place {
            path: self.database(storage),
            allow_network_filesystem: allows_network(storage),
        }
    }

    fn max_size(&mut self, entry: &Entry<WrittenSize>) -> Option<u64> {
        let size = self.size(entry)?;
        let written = entry.written()?;
        let is_enough = if size < LEAST_SIZE {
            Err("too small for a history; make it 1MiB or more".to_owned())
        } else {
            Ok(size)
        };
        self.noted(written, is_enough)
    }

    fn max_signatures(&mut self, entry: &Entry<i64>) -> Option<u64> {
        let written = entry.written()?;
        let signatures = match u64::try_from(written.value) {
            Ok(signatures) if SIGNATURES.contains(&signatures) => Ok(signatures),
            _ => Err(format!(
                "{} is out of range; make it {} to {}",
                written.value,
                SIGNATURES.start(),
                SIGNATURES.end()
            )),
        };
        self.noted(written, signatures)
    }

    /// The path of the database.
    fn database(&mut self, storage: &file::Storage) -> PathBuf {
        let path = self.text(&storage.path, |path| match path.trim() {
            "" => Err(format!("the path is empty; the default is `{DATABASE}`")),
            _ => Ok(path.to_owned()),
        });
        self.folder.join(path.as_deref().unwrap_or(DATABASE))
    }

    /// How to poll by `own`, and by `inherited` where that does not say.
    pub(super) fn settings(&mut self, own: &Polling, inherited: &Settings) -> Settings {
        let interval = match &own.interval {
            Entry::Absent => inherited.interval,
            // The longest, so that a time-out is not blamed for an interval that is wrong.
            entry => self
                .duration(entry, &INTERVALS)
                .unwrap_or(quantity::LONGEST),
        };
        Settings {
            interval,
            timeout: self.timeout(&own.timeout, interval, inherited.timeout),
            body_size_limit: self
                .size(&own.body_size_limit)
                .unwrap_or(inherited.body_size_limit),
            detail: self.text(&own.detail, detail).unwrap_or(inherited.detail),
            detail_interval: self
                .duration(&own.detail_interval, &INTERVALS)
                .unwrap_or(inherited.detail_interval),
            detail_max_stop: self
                .duration(&own.detail_max_stop, &STOPS)
                .unwrap_or(inherited.detail_max_stop),
            leak_profile: self
                .text(&own.leak_profile, leak_profile)
                .unwrap_or(inherited.leak_profile),
            leak_profile_interval: self
                .duration(&own.leak_profile_interval, &PROOF_INTERVALS)
                .unwrap_or(inherited.leak_profile_interval),
            keep_labels: self
                .keep_labels(&own.keep_labels)
                .unwrap_or_else(|| Arc::clone(&inherited.keep_labels)),
        }
    }

    /// A time-out that is only inherited gives way to a shorter interval; one set beside it must
    /// fit.
    fn timeout(
        &mut self,
        own: &Entry<String>,
        interval: Duration,
        inherited: Duration,
    ) -> Duration {
        let fitting = self.text(own, |word| {
            let timeout = quantity::duration(word, &TIMEOUTS)?;
            if timeout > interval {
                let (timeout, most) = (quantity::short(timeout), quantity::short(interval));
                return Err(format!(
                    "{timeout} is above the interval of {most}; make it {most} or less"
                ));
            }
            Ok(timeout)
        });
        fitting.unwrap_or_else(|| inherited.min(interval))
    }

    fn keep_labels(&mut self, entry: &Entry<Vec<Entry<String>>>) -> Option<Arc<[String]>> {
        let keys = &entry.written()?.value;
        let read = |key: &Entry<String>| {
            self.text(key, |key| match key {
                "" => Err("a label key is empty; remove it".to_owned()),
                _ => Ok(key.to_owned()),
            })
        };
        Some(keys.iter().filter_map(read).collect())
    }

    fn max_concurrent_polls(&mut self, entry: &Entry<i64>) -> usize {
        let polls = entry.written().and_then(|written| {
            let polls = match usize::try_from(written.value) {
                Ok(polls) if (1..=MOST_CONCURRENT_POLLS).contains(&polls) => Ok(polls),
                _ => Err(format!(
                    "{} is out of range; make it 1 to {MOST_CONCURRENT_POLLS}",
                    written.value
                )),
            };
            self.noted(written, polls)
        });
        polls.unwrap_or(MAX_CONCURRENT_POLLS)
    }

    pub(super) fn duration(
        &mut self,
        entry: &Entry<String>,
        range: &RangeInclusive<Duration>,
    ) -> Option<Duration> {
        self.text(entry, |word| quantity::duration(word, range))
    }

    fn size(&mut self, entry: &Entry<WrittenSize>) -> Option<u64> {
        let written = entry.written()?;
        let size = match &written.value {
            WrittenSize::Bytes(bytes) => quantity::size(&bytes.to_string()),
            WrittenSize::Text(text) => {
                let text = self.expanded(written, text)?;
                quantity::size(&text)
            }
        };
        self.noted(written, size)
    }

    /// The string at `entry`, expanded, as `read` takes it; what `read` says against it is noted.
    pub(super) fn text<T>(
        &mut self,
        entry: &Entry<String>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let written = entry.written()?;
        let text = self.expanded(written, &written.value)?;
        self.noted(written, read(&text))
    }

    fn expanded<T>(&mut self, written: &Written<T>, text: &str) -> Option<String> {
        expand::expand(text, self.env)
            .map_err(|problems| {
                for problem in problems {
                    self.found.wrong(written.at, &written.key, problem);
                }
            })
            .ok()
    }

    pub(super) fn noted<T, U>(
        &mut self,
        written: &Written<T>,
        result: Result<U, String>,
    ) -> Option<U> {
        result
            .map_err(|what| self.found.wrong(written.at, &written.key, what))
            .ok()
    }
}

fn detail(word: &str) -> Result<DetailMode, String> {
    match word {
        "auto" => Ok(DetailMode::Auto),
        "always" => Ok(DetailMode::Always),
        "never" => Ok(DetailMode::Never),
        _ => Err(format!(
            "{} is not known; `auto`, `always` and `never` are",
            quoted(word)
        )),
    }
}

fn leak_profile(word: &str) -> Result<LeakProfile, String> {
    match word {
        "never" => Ok(LeakProfile::Never),
        "on-suspect" => Ok(LeakProfile::OnSuspect),
        "always" => Ok(LeakProfile::Always),
        _ => Err(format!(
            "{} is not known; `never`, `on-suspect` and `always` are",
            quoted(word)
        )),
    }
}
