//! The live view, in four parts: what is known ([`Live`]), what the person has chosen ([`View`]), how both look
//! ([`draw`]), and the same for pipes and screen readers ([`Plain`]).
//!
//! Keys and answers go in, a drawn frame and a [`Wish`] come out. Absent on purpose: terminals, databases, clocks.

mod detail;
mod entry;
mod filter;
mod head;
mod help;
mod instances;
mod list;
mod plain;
mod screen;
mod style;
mod view;

use std::sync::Arc;
use std::time::Duration;

use super::Zone;
use crate::model::{Signature, Timestamp};
use crate::query::{Board, Show};

pub use entry::{Grouping, Order};
pub use plain::Plain;
pub use screen::draw;
pub use style::Look;
pub use view::{Pane, View, Wish};

/// What is known.
#[derive(Debug, Clone)]
pub struct Live {
    /// What is looked at: targets, or a database.
    pub title: String,
    /// The newest answer; `None` before the first.
    pub board: Option<Arc<Board>>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// How long until it is asked for again.
    pub pace: Duration,
    /// Everything about the signature that was wished for.
    pub shown: Option<(Signature, Arc<Show>)>,
    /// Why the last question has no answer.
    pub trouble: Option<String>,
    /// What a reader of the numbers should know.
    pub notes: Vec<String>,
    /// The zone of times.
    pub zone: Zone,
}

impl Live {
    /// Nothing is known yet.
    pub const fn new(title: String, zone: Zone) -> Self {
        Self {
            title,
            board: None,
            asked_at: Timestamp::from_millis(0),
            pace: Duration::ZERO,
            shown: None,
            trouble: None,
            notes: Vec::new(),
            zone,
        }
    }
}
