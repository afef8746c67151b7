//! How things look: with colour or without, in Unicode or in ASCII. Colour never says anything alone.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::present::shorten::shortened;

/// What matters less.
pub(super) const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
/// Names of things.
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
/// The selected row, and what must not be missed.
pub(super) const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Colours may be used.
    pub colour: bool,
    /// Nothing but ASCII.
    pub ascii: bool,
}

impl Look {
    fn coloured(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// What is suspect; a word says so too.
    pub(super) fn suspect(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What has grown; its sign says so too.
    pub(super) fn grown(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// What stands before the selected row.
    pub(super) const fn marker(self) -> &'static str {
        if self.ascii { ">" } else { "▶" }
    }

    /// What stands where something was cut.
    pub(super) const fn ellipsis(self) -> &'static str {
        if self.ascii { ".." } else { "…" }
    }

    /// What is not ASCII as an escape, where only ASCII can be shown.
    pub(super) fn plain(self, text: String) -> String {
        if !self.ascii || text.is_ascii() {
            return text;
        }
        let told = text.chars().flat_map(|char| {
            let escaped = (!char.is_ascii()).then(|| char.escape_default());
            escaped
                .into_iter()
                .flatten()
                .chain(char.is_ascii().then_some(char))
        });
        told.collect()
    }

    /// Lines as this terminal can show them.
    pub(super) fn lines(self, mut lines: Vec<Line<'static>>) -> Vec<Line<'static>> {
        for span in lines.iter_mut().flat_map(|line| &mut line.spans) {
            let text = std::mem::take(&mut span.content).into_owned();
            span.content = self.plain(text).into();
        }
        lines
    }

    /// A text of at most `width` columns, cut in its middle where it is longer: both ends of a function tell.
    pub(super) fn cut(self, text: &str, width: usize) -> String {
        shortened(text, width, self.ellipsis())
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn long_names_are_cut_in_the_middle() {
        let look = Look {
            colour: false,
            ascii: false,
        };
        assert_eq!(
            look.cut("pay.(*Client).retry.func1", 25),
            "pay.(*Client).retry.func1"
        );
        assert_eq!(look.cut("pay.(*Client).retry.func1", 15), "pay.(*C…y.func1");
        assert_eq!(look.cut("größe.日本語日本語", 10).width(), 10);
        assert_eq!(look.cut("abc", 0), "");
        let ascii = Look {
            colour: false,
            ascii: true,
        };
        assert_eq!(
            ascii.cut("pay.(*Client).retry.func1", 15),
            "pay.(*C...func1"
        );
        assert_eq!(ascii.plain("größe".to_owned()), "gr\\u{f6}\\u{df}e");
    }
}
