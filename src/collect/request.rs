//! The kinds of request: what is asked for, and what the answer is read into.

use super::{Fetcher, Limits};
use crate::group::{KeepLabels, StackBook, Tally};
use crate::model::{Failure, FailureReason, InstanceId, Kind, Snapshot};

/// A request, and what its answer is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Pulse,
    Detail,
    /// A detail whose counts are the pulse as well.
    DetailAsPulse,
    Proof,
}

impl Request {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Pulse => Kind::Pulse,
            Self::Detail | Self::DetailAsPulse => Kind::Detail,
            Self::Proof => Kind::Proof,
        }
    }
}

/// Looks once at an instance that nobody polls: what `snapshot` does with a URL.
pub async fn look_once(
    fetcher: &Fetcher,
    instance: &InstanceId,
    kind: Kind,
    limits: Limits,
    book: &StackBook,
) -> Result<Snapshot, Failure> {
    request(
        fetcher,
        instance,
        kind,
        limits,
        Tally::new(book, KeepLabels::All, None),
    )
    .await
}

/// One request, tallied as it is read.
pub(super) async fn request(
    fetcher: &Fetcher,
    instance: &InstanceId,
    kind: Kind,
    limits: Limits,
    mut tally: Tally<'_>,
) -> Result<Snapshot, Failure> {
    let (profile, query) = match kind {
        Kind::Pulse => ("goroutine", "debug=0"),
        Kind::Detail => ("goroutine", "debug=2"),
        Kind::Proof => ("goroutineleak", "debug=0"),
    };
    let url = instance.profile_url(profile, query);
    let facts = fetcher
        .fetch(&url, limits, &mut |event| tally.add(event))
        .await?;
    // Whatever answers everything alike would prove that all work is stuck.
    if kind == Kind::Proof && !facts.leaks {
        let message = "not a leak profile: it does not call itself `goroutineleak`".to_owned();
        return Err(Failure {
            reason: FailureReason::NotADump,
            message,
        });
    }
    Ok(tally.finish(facts))
}
