//! The signals that the daemon answers to.

use super::Happened;

/// The signal of a write beyond the file size limit, on Linux and on BSDs alike.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Catches what a file size limit sends, for as long as it is held: the limit is a write error then,
/// that is told, and not the end.
#[cfg(unix)]
pub(crate) fn catch_file_size() -> std::io::Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::from_raw(SIGXFSZ))
}

/// Elsewhere there is no such signal.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
pub(crate) const fn catch_file_size() -> std::io::Result<()> {
    Ok(())
}

/// The signals that a daemon answers to.
#[cfg(unix)]
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            _file_size: catch_file_size()?,
        })
    }

    pub(super) async fn next(&mut self) -> Happened {
        tokio::select! {
            _ = self.terminate.recv() => Happened::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Happened::Stop("Ctrl-C"),
            _ = self.hangup.recv() => Happened::Reload,
        }
    }
}

/// Elsewhere only Ctrl-C is known.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Happened {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Happened::Stop("Ctrl-C"),
            Err(_) => std::future::pending().await,
        }
    }
}
