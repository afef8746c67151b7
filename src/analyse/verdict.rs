//! The words of the analysis.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is said of a signature. Ordered from the quietest to the loudest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Does not move.
    #[default]
    Steady,
    /// Too little was seen, and what was seen did not grow.
    Insufficient,
    /// Moves both ways, or comes down elsewhere.
    Noisy,
    /// Grew, and stopped.
    Plateau,
    /// Grew in an earlier build, and is not there any more.
    Gone,
    /// Grew within a time that is too short for more.
    Suspect,
    /// Its floor keeps rising.
    Growing,
    /// So it does in several processes or for a long time, and its goroutines do not end.
    Likely,
    /// The garbage collector has proved that goroutines of it can never wake.
    Confirmed,
}

impl Verdict {
    /// Every verdict, the quietest first.
    pub const ALL: [Self; 9] = [
        Self::Steady,
        Self::Insufficient,
        Self::Noisy,
        Self::Plateau,
        Self::Gone,
        Self::Suspect,
        Self::Growing,
        Self::Likely,
        Self::Confirmed,
    ];

    /// Whether it says that something grows, however surely.
    pub fn says_growth(self) -> bool {
        self >= Self::Suspect
    }

    /// The word in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "STEADY",
            Self::Insufficient => "INSUFFICIENT",
            Self::Noisy => "NOISY",
            Self::Plateau => "PLATEAU",
            Self::Gone => "GONE",
            Self::Suspect => "SUSPECT",
            Self::Growing => "GROWING",
            Self::Likely => "LIKELY",
            Self::Confirmed => "CONFIRMED",
        }
    }

    /// The verdict with this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let is_called = |verdict: &Self| verdict.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_called)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
