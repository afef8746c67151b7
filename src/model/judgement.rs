//! What is said of a signature, on its way into the history.

use std::sync::Arc;

use super::Signature;

/// A verdict of a signature in a service that differs from the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whose.
    pub service: Arc<str>,
    /// Of what.
    pub signature: Signature,
    /// GNU build id of the newest process in which it grows, where that is known.
    pub build: Option<String>,
    /// The verdict by its word.
    pub verdict: &'static str,
    /// The word before; `None` where nothing was said yet.
    pub before: Option<String>,
    /// Growth in the window that was judged, goroutines.
    pub growth: i64,
    /// Lower end of its rate, goroutines per hour.
    pub per_hour_low: Option<f64>,
    /// Why, in sentences.
    pub evidence: Vec<String>,
    /// Whether it is worth an event: to or from GROWING and above.
    pub is_event: bool,
}
