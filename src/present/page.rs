//! An answer for people: lines and sheets in the order in which they are read.

use super::escape::{escape_markdown, escape_markdown_line};
use super::table::{drawn, fit, not_shown};
use super::wrap::wrapped;
use super::{Cell, Column, Draw, Sheet};

/// One answer.
#[derive(Debug, Default)]
pub struct Page {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// Sentences, a line each; on a terminal they are broken where they must.
    Lines(String),
    /// Lines in which blanks count: a stack, a piece of a config.
    Verbatim(String),
    Sheet(Sheet),
}

impl Page {
    /// Goes on with lines; each ends in a newline.
    pub fn lines(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Lines(lines)) => *lines += text,
            _ => self.parts.push(Part::Lines(text.to_owned())),
        }
    }

    /// Goes on with lines in which blanks count.
    pub fn verbatim(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Verbatim(lines)) => *lines += text,
            _ => self.parts.push(Part::Verbatim(text.to_owned())),
        }
    }

    /// Goes on with a sheet.
    pub fn sheet(&mut self, sheet: Sheet) {
        self.parts.push(Part::Sheet(sheet));
    }

    /// The same with other lines, where blanks do not count.
    pub fn with_lines(mut self, other: impl Fn(&str) -> String) -> Self {
        for part in &mut self.parts {
            if let Part::Lines(lines) = part {
                *lines = other(lines);
            }
        }
        self
    }

    /// As a terminal shows it: sheets of the same columns have the same ones shown, as wide in each. What had no room
    /// is told once, below the last sheet.
    pub fn text(&self, draw: Draw) -> String {
        let last = self
            .parts
            .iter()
            .rposition(|part| matches!(part, Part::Sheet(_)));
        let fits = self.fits(draw);
        let (mut text, mut cut) = (String::new(), Vec::new());
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Lines(lines) => text += &wrapped(lines, draw.width),
                Part::Verbatim(lines) => text += lines,
                Part::Sheet(sheet) => {
                    let fit = fits.iter().find(|(columns, _)| *columns == sheet.columns);
                    let widths = fit.map_or(&[][..], |(_, widths)| widths);
                    text += &drawn(sheet, widths, draw, &mut cut);
                }
            }
            if Some(at) == last {
                text += &not_shown(&cut, draw);
            }
        }
        text
    }

    /// The widths of all columns, once for all sheets that have the same.
    fn fits(&self, draw: Draw) -> Vec<(&[Column], Vec<Option<usize>>)> {
        let mut alike: Vec<(&[Column], Vec<&Sheet>)> = Vec::new();
        for part in &self.parts {
            let Part::Sheet(sheet) = part else { continue };
            match alike
                .iter_mut()
                .find(|(columns, _)| *columns == sheet.columns)
            {
                Some((_, sheets)) => sheets.push(sheet),
                None => alike.push((&sheet.columns, vec![sheet])),
            }
        }
        let alike = alike.into_iter();
        alike
            .map(|(columns, sheets)| (columns, fit(&sheets, draw)))
            .collect()
    }

    /// As Markdown, to be pasted into an issue. Nothing is cut.
    pub fn markdown(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Lines(lines) => paragraphs(lines),
            Part::Verbatim(lines) => fenced(lines),
            Part::Sheet(sheet) => markdown_table(sheet),
        });
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }
}

/// Lines that stay lines; an empty one ends a paragraph.
fn paragraphs(lines: &str) -> String {
    let paragraphs = lines.split("\n\n").map(|paragraph| {
        let lines = paragraph
            .lines()
            .map(|line| escape_markdown_line(line.trim()));
        lines
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\\\n")
    });
    let paragraphs = paragraphs.filter(|paragraph| !paragraph.is_empty());
    paragraphs
        .map(|paragraph| paragraph + "\n")
        .collect::<Vec<_>>()
        .join("\n")
}

/// Lines behind a fence that is longer than any in them.
fn fenced(lines: &str) -> String {
    let longest = lines
        .split(|char| char != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}text\n{}\n{fence}\n", lines.trim_matches('\n'))
}

fn markdown_table(sheet: &Sheet) -> String {
    if sheet.rows.is_empty() {
        return String::new();
    }
    let shown = |at: &usize| {
        sheet
            .columns
            .get(*at)
            .is_some_and(|column| !column.only_wide)
    };
    let shown: Vec<usize> = (0..sheet.columns.len()).filter(shown).collect();
    let columns = || shown.iter().filter_map(|at| sheet.columns.get(*at));
    let heading: Vec<String> = columns()
        .map(|column| escape_markdown(&column.name))
        .collect();
    let rule: Vec<&str> = columns()
        .map(|column| if column.numeric { "---:" } else { "---" })
        .collect();
    let mut text = format!("| {} |\n| {} |\n", heading.join(" | "), rule.join(" | "));
    for row in &sheet.rows {
        let cells = shown
            .iter()
            .filter_map(|at| row.get(*at))
            .map(markdown_cell);
        text += &format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    }
    text
}

fn markdown_cell(cell: &Cell) -> String {
    let text = escape_markdown(cell.text.trim());
    if cell.loud && !text.is_empty() {
        format!("**{text}**")
    } else {
        text
    }
}
