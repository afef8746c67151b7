//! A process, asked for its goroutines.

use std::time::Duration;

use super::source::Unread;
use super::{Detail, runtime};
use crate::cli::output::Output;
use crate::cli::target::{BODY_LIMIT, MAX_STOP, next_step, no_client};
use crate::collect::{Fetcher, Limits, look_once, predicted_stop};
use crate::group::StackBook;
use crate::model::{InstanceId, Kind, Snapshot};
use crate::present::{escape, plural};

/// How processes are asked, and whom to tell what it costs them.
pub(super) struct Asking<'a> {
    pub(super) detail: Detail,
    pub(super) timeout: Duration,
    /// Rows are of a pprof label, which the counts have in every version of Go, and the text in few.
    pub(super) by_label: bool,
    pub(super) output: &'a mut Output,
}

impl Asking<'_> {
    /// Asks a process for its counts, and for the text when that is cheap or wanted.
    pub(super) fn ask(&mut self, instance: &InstanceId) -> Result<Snapshot, Unread> {
        let runtime = runtime().map_err(Unread::from)?;
        let fetcher = Fetcher::new(1).map_err(|error| Unread::from(no_client(&error)))?;
        let limits = Limits {
            timeout: self.timeout,
            body: BODY_LIMIT,
        };
        let look = |kind| {
            let book = StackBook::default();
            let looked = runtime.block_on(look_once(&fetcher, instance, kind, limits, &book));
            looked.map_err(|failure| {
                let hint = next_step(instance, &failure);
                Unread::new(failure.message, hint)
            })
        };
        let mut pulse = look(Kind::Pulse)?;
        let stop = predicted_stop(pulse.goroutines);
        let millis = u64::try_from(stop.as_millis()).unwrap_or(u64::MAX);
        let told = humantime::format_duration(Duration::from_millis(millis.max(1)));
        match self.detail {
            Detail::Always => {
                self.output.remark(&format!(
                    "{}: debug=2 stops this process for about {told} ({})",
                    escape(&instance.address),
                    plural(pulse.goroutines, "goroutine"),
                ));
                look(Kind::Detail)
            }
            Detail::Auto if self.by_label => {
                pulse.notes.push(
                    "states are wait kinds, and creators and waits are missing: labels come with the counts alone \
                     (--detail always asks for the text)"
                        .to_owned(),
                );
                Ok(pulse)
            }
            Detail::Auto if stop <= MAX_STOP => look(Kind::Detail),
            Detail::Auto => {
                pulse.notes.push(format!(
                    "states are wait kinds, and creators and waits are missing: debug=2 would stop this \
                     process for about {told}; --detail always asks for it"
                ));
                Ok(pulse)
            }
            Detail::Never => Ok(pulse),
        }
    }
}
