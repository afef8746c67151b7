//! Sentences in lines that fit the terminal.

use unicode_width::UnicodeWidthStr as _;

/// What lines go on with that have no label: two blanks behind their own.
const HANGING: usize = 2;
/// The widest label under which a line goes on: `first seen  `.
const LABEL: usize = 13;

/// Lines broken between words where they are wider than `width`; each ends in a newline. They go on behind their
/// label, or indented. A command stays whole, to be copied, and so does a word that is wider.
pub(super) fn wrapped(lines: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from) else {
        return lines.to_owned();
    };
    let wrap = |line: &str| broken(line, width) + "\n";
    lines.lines().map(wrap).collect()
}

fn broken(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let words = words(line);
    let hanging = hanging(line, &words, width);
    let (mut out, mut column) = (String::new(), 0);
    for (blanks, word) in words {
        let is_first = out.is_empty();
        if !is_first && column + blanks.len() + word.width() > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', hanging));
            column = hanging;
        } else {
            out += blanks;
            column += blanks.len();
        }
        out += word;
        column += word.width();
    }
    out
}

/// How far the lines that go on are indented: to behind the label, where there is one and room for every word.
fn hanging(line: &str, words: &[(&str, &str)], width: usize) -> usize {
    let text = line.trim_start_matches(' ');
    let own = line.len() - text.len();
    let label = text.split_once("  ").map(|(label, rest)| {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        own + label.width() + 2 + blanks
    });
    let widest = words
        .iter()
        .map(|(_, word)| word.width())
        .max()
        .unwrap_or(0);
    let label = label.filter(|label| *label <= own + LABEL && label + widest <= width);
    label.unwrap_or(own + HANGING).min(width / 2)
}

/// The words of a line, each with the blanks before it. A command is one word: from its name to the next comma,
/// or to the end.
fn words(line: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (blanks, behind) = split_where(rest, |char| char != ' ');
        let (word, behind) = if behind.starts_with("goroscope ") {
            behind
                .split_once(", ")
                .map_or((behind, ""), |(command, _)| {
                    behind.split_at(command.len() + 1)
                })
        } else {
            split_where(behind, |char| char == ' ')
        };
        words.push((blanks, word));
        rest = behind;
    }
    words
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_behind_their_label() {
        let lines = "window 2026-11-24 00:00 -> 2026-11-24 00:30 (+00:00)   1 service, 2 instances\n\
                     where       pay.(*Client).retry.func1  pay/client.go:118\n\
                     \n\
                     \x20  unknown: pay pay-1:6060, pay pay-2:6060, 支払 支払-3:6060\n\
                     showing 1 of 1.  next: goroscope query show 6aa95d31 --service a-long-name\n\
                     a damaged file: goroscope export > saved.ndjson, goroscope import saved.ndjson\n";
        insta::assert_snapshot!(wrapped(lines, Some(40)), @"
        window 2026-11-24 00:00 -> 2026-11-24
          00:30 (+00:00)   1 service, 2
          instances
        where       pay.(*Client).retry.func1
                    pay/client.go:118

           unknown: pay pay-1:6060, pay
             pay-2:6060, 支払 支払-3:6060
        showing 1 of 1.  next:
          goroscope query show 6aa95d31 --service a-long-name
        a damaged file:
          goroscope export > saved.ndjson,
          goroscope import saved.ndjson
        ");
        assert_eq!(wrapped(lines, None), lines);
    }
}
