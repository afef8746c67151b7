//! What people see of work that takes longer than a second: one line on stderr.
//!
//! Never where nobody looks, and never on a terminal that cannot take a line back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::store::Steps;

/// What is done sooner needs no word.
const PATIENCE: Duration = Duration::from_secs(1);
/// The line moves on this often.
const TICK: Duration = Duration::from_millis(100);

/// How far the work is, as whoever does it counts.
#[derive(Debug, Clone)]
pub(super) enum Amount {
    /// Nobody knows; only time goes by.
    Unknown,
    /// Bytes, with no end that is known.
    Bytes(Arc<AtomicU64>),
    /// Bytes of a total.
    BytesOf(Arc<AtomicU64>, u64),
    /// Steps, whose number is known at some time.
    Steps(Arc<Steps>),
}

/// What is known while nobody knows how much there is.
const SPINNER: &str = "{spinner} {msg}  {elapsed}";
const STEPS: &str = "{msg} {bar:30} {percent}%  {elapsed}  eta {eta}";

/// A line that tells how far the work is, until this is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// A line for the work `what`, such as "reading the history"; nothing where no thread can be had.
    pub(super) fn begin(what: &'static str, amount: Amount) -> Option<Self> {
        let bar = bar(what, &amount);
        let (stop, stopped) = channel();
        let shown = bar.clone();
        let thread = std::thread::Builder::new().name("progress".to_owned());
        let thread = thread.spawn(move || {
            let mut wait = PATIENCE;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                if wait == PATIENCE {
                    shown.set_draw_target(ProgressDrawTarget::stderr());
                    wait = TICK;
                }
                follow(&shown, &amount);
                shown.tick();
            }
        });
        Some(Self {
            bar,
            stop: Some(stop),
            thread: Some(thread.ok()?),
        })
    }

    /// Does what writes to the terminal, without a line in its way.
    pub(super) fn aside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that failed has nothing to show any more.
        let _ended = self.thread.take().map(JoinHandle::join);
        self.bar.finish_and_clear();
    }
}

/// Moves the bar on to where the work is.
fn follow(bar: &ProgressBar, amount: &Amount) {
    match amount {
        Amount::Unknown => {}
        Amount::Bytes(done) | Amount::BytesOf(done, _) => {
            bar.set_position(done.load(Ordering::Relaxed));
        }
        Amount::Steps(steps) => {
            let Some((done, all)) = steps.so_far() else {
                return;
            };
            if bar.length() != Some(all) {
                bar.set_length(all);
                if let Ok(style) = ProgressStyle::with_template(STEPS) {
                    bar.set_style(style);
                }
            }
            bar.set_position(done);
        }
    }
}

fn bar(what: &'static str, amount: &Amount) -> ProgressBar {
    let (total, template) = match amount {
        Amount::Unknown | Amount::Steps(_) => (None, SPINNER),
        Amount::Bytes(_) => (None, "{spinner} {msg}  {bytes}  {bytes_per_sec}"),
        Amount::BytesOf(_, total) => (
            Some(*total),
            "{msg} {bar:30} {percent}% of {total_bytes}  {bytes_per_sec}  eta {eta}",
        ),
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    let bar = match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    };
    bar.with_message(what)
}
