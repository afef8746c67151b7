//! Asks the history again and again, on a thread of its own: a key is answered at once however long a question takes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::Happened;
use crate::cli::failure::Failure;
use crate::cli::query::now_in;
use crate::cli::when;
use crate::clock;
use crate::model::signature::BadPrefix;
use crate::model::{Signature, Timestamp};
use crate::present::Zone;
use crate::query::{self, Board, Judging, Scope, Show, Stacks, Verdict, resolve_signature};
use crate::store::Reader;

/// Asking costs at most one part in so many of a core: 3.3 %.
const SHARE: u32 = 30;
/// A view of a small database need not be newer than this.
const LEAST_PACE: Duration = Duration::from_millis(250);
/// Whoever looks on wants to know at once what a new suspect waits for; proofs are not asked for here.
const SUSPECT_FROM: Verdict = Verdict::Suspect;
/// What polling is told of suspects is worked out this often.
const JUDGE_EVERY: Duration = Duration::from_secs(3);

/// Where the window begins.
#[derive(Debug, Clone)]
pub(super) enum Range {
    /// Here.
    Since(Timestamp),
    /// Where these words say, each time anew: a duration goes along.
    Words(String, Zone),
}

/// What the view asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Growth from this moment on.
    Since(Timestamp),
    /// Everything about one signature from now on, or about none.
    Show(Option<Signature>),
}

/// An answer.
pub(super) struct Asked {
    /// When it was asked for.
    pub(super) at: Timestamp,
    /// How long until the next one.
    pub(super) pace: Duration,
    /// The board, or why there is none.
    pub(super) board: Result<Arc<Board>, String>,
    /// Everything about the signature that was asked for.
    pub(super) shown: Option<(Signature, Arc<Show>)>,
    /// What polling is to look at, where that was worked out anew.
    pub(super) judging: Option<Judging>,
}

/// What is asked, and how often.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) database: PathBuf,
    pub(super) range: Range,
    pub(super) services: Vec<String>,
    pub(super) instances: Vec<String>,
    pub(super) interval: Duration,
    /// Whether suspects are worked out for polling.
    pub(super) judges: bool,
}

/// What a feed remembers from one question to the next.
#[derive(Default)]
struct Memory {
    stacks: Stacks,
    shown: Option<Signature>,
    judged: Option<Instant>,
}

impl Feed {
    /// Starts the thread, which ends when nobody asks or listens any more.
    pub(super) fn start(
        mut self,
        questions: Receiver<Question>,
        answers: SyncSender<Happened>,
    ) -> Result<(), Failure> {
        let thread = std::thread::Builder::new().name("feed".to_owned());
        let run = move || {
            let asking = std::panic::AssertUnwindSafe(|| self.run(&questions, &answers));
            if std::panic::catch_unwind(asking).is_err() {
                // With nobody to tell it ends all the same.
                drop(answers.send(Happened::Broken(
                    "the thread that reads the history panicked",
                )));
            }
        };
        thread
            .spawn(run)
            .map(drop)
            .map_err(|error| Failure::system(&error, "failed to start a thread"))
    }

    fn run(&mut self, questions: &Receiver<Question>, answers: &SyncSender<Happened>) {
        let mut memory = Memory::default();
        loop {
            let asked = self.ask(&mut memory);
            let pace = asked.pace;
            if answers.send(Happened::Asked(Box::new(asked))).is_err() {
                return;
            }
            match questions.recv_timeout(pace) {
                Ok(question) => self.take(question, &mut memory),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Keys that were pressed meanwhile need one answer.
            while let Ok(question) = questions.try_recv() {
                self.take(question, &mut memory);
            }
        }
    }

    fn take(&mut self, question: Question, memory: &mut Memory) {
        match question {
            Question::Since(at) => self.range = Range::Since(at),
            Question::Show(signature) => memory.shown = signature,
        }
    }

    fn ask(&self, memory: &mut Memory) -> Asked {
        let before = cpu_time();
        let mut asked = match self.answer(memory) {
            Ok(asked) => asked,
            Err(failure) => Asked {
                at: clock::now(),
                pace: self.interval,
                board: Err(failure.message),
                shown: None,
                judging: None,
            },
        };
        let cost = cpu_time().saturating_sub(before);
        let least = self.interval.max(LEAST_PACE);
        asked.pace = least.max(cost.saturating_mul(SHARE));
        asked
    }

    fn answer(&self, memory: &mut Memory) -> Result<Asked, Failure> {
        let reader = Reader::open(&self.database)?;
        let now = clock::now();
        let at = now_in(&reader, now)?;
        let scope = Scope {
            since: self.since(at)?,
            until: at,
            services: self.services.clone(),
            instances: self.instances.clone(),
        };
        let board = query::board(&reader, &scope, &mut memory.stacks)?;
        let shown = match memory.shown {
            Some(signature) => Some((signature, Arc::new(show(&reader, &scope, signature)?))),
            None => None,
        };
        let due = self.judges
            && memory
                .judged
                .is_none_or(|judged| judged.elapsed() >= JUDGE_EVERY);
        let judging = if due {
            memory.judged = Some(Instant::now());
            Some(query::judge(&reader, at, SUSPECT_FROM)?)
        } else {
            None
        };
        Ok(Asked {
            at: now,
            pace: Duration::ZERO,
            board: Ok(Arc::new(board)),
            shown,
            judging,
        })
    }

    fn since(&self, now: Timestamp) -> Result<Timestamp, Failure> {
        match &self.range {
            // A window has some length, however soon it is asked for.
            Range::Since(at) => Ok((*at).min(now.minus(Duration::from_millis(1)))),
            Range::Words(words, zone) => when::option("--since", words, now, *zone),
        }
    }
}

fn show(reader: &Reader, scope: &Scope, signature: Signature) -> Result<Show, Failure> {
    let digits = signature.to_string();
    let prefix = digits
        .parse()
        .map_err(|error: BadPrefix| Failure::system(&error, "failed to show a row"))?;
    let row = resolve_signature(reader, &prefix)?;
    Ok(query::show(reader, scope, &row)?)
}

/// The time that all threads of this process have had on a core.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}
