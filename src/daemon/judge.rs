//! Judges the history every five minutes, beside everything else.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::Happened;
use crate::query::{Judging, QueryError, Verdict};
use crate::store::Reader;
use crate::{clock, query};

/// What is said of every signature is looked at anew this often.
const JUDGE_EVERY: Duration = Duration::from_mins(5);

/// Suspects may be asked for a proof, which is dear: what was seen for too short a time to say is none.
const SUSPECT_FROM: Verdict = Verdict::Growing;

/// When the history is judged, and the judging under way.
pub(super) struct Judge {
    database: PathBuf,
    due: Interval,
    running: Option<JoinHandle<Result<Judging, QueryError>>>,
}

impl Judge {
    pub(super) fn new(database: &Path) -> Self {
        let mut due = interval_at((Instant::now() + JUDGE_EVERY).into(), JUDGE_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            database: database.to_owned(),
            due,
            running: None,
        }
    }

    /// Waits for the next turn, or for the end of the one that runs.
    pub(super) async fn next(&mut self) -> Happened {
        if let Some(running) = &mut self.running {
            let judged = running.await;
            self.running = None;
            // A panic has told of itself.
            if let Ok(judged) = judged {
                return Happened::Judged(judged);
            }
        }
        self.due.tick().await;
        Happened::JudgeDue
    }

    pub(super) fn start(&mut self) {
        let database = self.database.clone();
        let judge = move || query::judge(&Reader::open(&database)?, clock::now(), SUSPECT_FROM);
        self.running = Some(tokio::task::spawn_blocking(judge));
    }
}
