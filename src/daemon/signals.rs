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

/// The signals that end a command before its time.
#[cfg(unix)]
pub(crate) struct EndSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl EndSignals {
    /// From now on they are heard. Must be called within a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one, by its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }
}

/// Elsewhere only Ctrl-C is known.
#[cfg(not(unix))]
pub(crate) struct EndSignals;

#[cfg(not(unix))]
impl EndSignals {
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

/// The signals that a daemon answers to.
pub(super) struct Signals {
    end: EndSignals,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(unix)]
    _file_size: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            end: EndSignals::listen()?,
            #[cfg(unix)]
            hangup: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
            #[cfg(unix)]
            _file_size: catch_file_size()?,
        })
    }

    pub(super) async fn next(&mut self) -> Happened {
        #[cfg(unix)]
        let reload = self.hangup.recv();
        #[cfg(not(unix))]
        let reload = std::future::pending::<()>();
        tokio::select! {
            signal = self.end.next() => Happened::Stop(signal),
            _ = reload => Happened::Reload,
        }
    }
}
