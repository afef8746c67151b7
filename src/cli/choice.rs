//! Values that are one of some words, or begin as one does: shells complete these words.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// Reads the value of an option.
#[derive(Debug, Clone)]
pub(super) struct Choice<T> {
    /// What shells offer. `read` may take more, such as `label=tenant` where `label=` is offered.
    pub(super) words: &'static [&'static str],
    /// The value of a word, or what would be right.
    pub(super) read: fn(&str) -> Result<T, String>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Choice<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<T, Error> {
        self.read.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(PossibleValue::new)))
    }
}
