//! What answers go by: the thresholds and ignore rules that the daemon was told last.

use rusqlite::OptionalExtension as _;
use serde::de::DeserializeOwned;

use super::{Reader, StoreError};
use crate::model::{Analysis, IgnoreRule, Thresholds};

/// What a reader knows of the analysis.
#[derive(Debug, Default)]
pub(super) struct Told {
    analysis: Analysis,
    unread: Vec<Unread>,
}

/// Something in `meta` that cannot be followed: it is as if it were not there, and that must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// `analysis` or `ignore`.
    pub key: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl Reader {
    /// The thresholds of the daemon; defaults where none has told any, or they are
    /// [`unread`](Self::unread_analysis).
    pub fn thresholds(&self) -> Result<Thresholds, StoreError> {
        Ok(self.told()?.analysis.thresholds)
    }

    /// The ignore rules of the daemon; none where it has told none, or they are
    /// [`unread`](Self::unread_analysis).
    pub fn ignore_rules(&self) -> Result<&[IgnoreRule], StoreError> {
        Ok(&self.told()?.analysis.ignore)
    }

    /// Which of the two are there and cannot be followed.
    pub fn unread_analysis(&self) -> Result<&[Unread], StoreError> {
        Ok(&self.told()?.unread)
    }

    fn told(&self) -> Result<&Told, StoreError> {
        if let Some(told) = self.told.get() {
            return Ok(told);
        }
        let mut unread = Vec::new();
        let analysis = Analysis {
            thresholds: self.setting("analysis", &mut unread)?,
            ignore: self.setting("ignore", &mut unread)?,
        };
        Ok(self.told.get_or_init(|| Told { analysis, unread }))
    }

    fn setting<T: DeserializeOwned + Default>(
        &self,
        key: &'static str,
        unread: &mut Vec<Unread>,
    ) -> Result<T, StoreError> {
        let json: Option<String> = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|source| self.failed(source))?;
        let Some(json) = json else {
            return Ok(T::default());
        };
        Ok(serde_json::from_str(&json).unwrap_or_else(|error| {
            let why = error.to_string();
            unread.push(Unread { key, why });
            T::default()
        }))
    }
}
