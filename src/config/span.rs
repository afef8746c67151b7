//! From a byte in the text to the line and column that an editor shows.

/// A place in a text file. Both count from 1; a column is one character, a tab included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// The lines of a text, found once so that many places in it can be told quickly.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// The lines of `text`, which need not be UTF-8.
    pub(super) fn of(text: &'t [u8]) -> Self {
        let after_newlines = memchr::memchr_iter(b'\n', text).map(|newline| newline + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    /// Where the byte `at` is; a byte beyond the end is at the end.
    pub(super) fn position(&self, at: usize) -> Position {
        let at = at.min(self.text.len());
        // At least 1, since the first line starts at 0.
        let line = self.starts.partition_point(|&start| start <= at);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or_default();
        // In UTF-8 every byte but 10xxxxxx begins a character.
        let characters = before.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        Position {
            line,
            column: characters + 1,
        }
    }
}
