//! What the person who looks has chosen, and what each key does. Pure: keys and answers in, wishes out.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::Live;
use super::entry::{Choice, Entry, Grouping, Key, entries, key};
use super::filter::Filter;
use crate::model::{Signature, Timestamp};
use crate::query::Board;

/// What a key asks of the program around the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To end.
    Quit,
    /// To stop until the shell continues it.
    Suspend,
    /// Growth is to be counted from now on.
    Baseline,
    /// Everything about a signature; nothing about any where it is `None`.
    Show(Option<Signature>),
    /// A signature is to be in the clipboard.
    Copy(Signature),
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// The list.
    #[default]
    List,
    /// One signature.
    Detail,
    /// Every instance.
    Instances,
    /// The keys.
    Help,
}

/// The state of the view.
#[derive(Debug, Default)]
pub struct View {
    pub(super) choice: Choice,
    pub(super) pane: Pane,
    /// What is being typed behind `/`, and the filter before it.
    pub(super) typing: Option<Filter>,
    /// The row that is selected, wherever it stands.
    selected: Option<Key>,
    /// Where it stood last.
    place: usize,
    /// The signature that the detail is of.
    pub(super) detail: Option<(String, Signature)>,
    /// Lines of the detail, or of the help, above the screen.
    pub(super) scroll: usize,
    /// Rows that the screen had room for.
    pub(super) page: usize,
    /// What is shown while it is frozen, and since when.
    frozen: Option<(Option<Arc<Board>>, Timestamp)>,
    /// What the last key did.
    message: Option<String>,
    /// When it was pressed.
    pressed_at: Timestamp,
}

/// What a key did is told for so long.
const TOLD_FOR: Duration = Duration::from_secs(10);

impl View {
    /// The board to draw: the newest, or the one of the moment at which it was frozen.
    pub(super) fn board<'a>(&'a self, live: &'a Live) -> Option<&'a Board> {
        match &self.frozen {
            Some((board, _)) => board.as_deref(),
            None => live.board.as_deref(),
        }
    }

    /// Since when it is frozen.
    pub(super) fn frozen_since(&self) -> Option<Timestamp> {
        self.frozen.as_ref().map(|(_, since)| *since)
    }

    /// What the last key did, while that is news.
    pub(super) fn message(&self, now: Timestamp) -> Option<&str> {
        let told = self.message.as_deref();
        told.filter(|_| now.since(self.pressed_at) < TOLD_FOR)
    }

    /// The rows in their order, and which of them is selected: the first until one is chosen. What is chosen is
    /// followed wherever it stands; where it is shown no more, the row that came to its place takes over.
    pub(super) fn rows(&mut self, live: &Live) -> (Vec<Entry>, usize) {
        let rows = self
            .board(live)
            .map_or_else(Vec::new, |board| entries(board, &self.choice));
        let Some(selected) = &self.selected else {
            return (rows, 0);
        };
        let found = rows.iter().position(|row| row.key == *selected);
        self.place = found.unwrap_or_else(|| self.place.min(rows.len().saturating_sub(1)));
        // What a filter hides for a moment stays selected.
        if found.is_none() && self.typing.is_none() {
            self.selected = rows.get(self.place).map(|row| row.key.clone());
        }
        (rows, self.place)
    }

    /// Does what a key says.
    pub fn press(&mut self, key: KeyEvent, live: &Live, now: Timestamp) -> Option<Wish> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        self.message = None;
        self.pressed_at = now;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return Some(Wish::Quit),
                KeyCode::Char('z') => return Some(Wish::Suspend),
                _ => {}
            }
        }
        if self.typing.is_some() {
            self.type_filter(key);
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Char(' ') => self.freeze(live, now),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.toggle_help(),
            _ => {
                return match self.pane {
                    Pane::List => self.press_in_list(key, live),
                    Pane::Detail => self.press_in_detail(key, live),
                    Pane::Instances => self.press_in_instances(key),
                    Pane::Help => self.press_in_help(key),
                };
            }
        }
        None
    }

    fn type_filter(&mut self, key: KeyEvent) {
        let mut text = self.choice.filter.text().to_owned();
        match key.code {
            KeyCode::Esc => {
                self.choice.filter = self.typing.take().unwrap_or_default();
                return;
            }
            KeyCode::Enter => {
                self.typing = None;
                return;
            }
            KeyCode::Backspace if text.is_empty() => self.typing = None,
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => text.clear(),
            KeyCode::Char(char) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
                text.push(char);
            }
            _ => return,
        }
        self.choice.filter = Filter::read(&text);
    }

    fn freeze(&mut self, live: &Live, now: Timestamp) {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some((live.board.clone(), now)),
        };
    }

    fn toggle_help(&mut self) {
        self.go_to(match (self.pane, &self.detail) {
            (Pane::Help, Some(_)) => Pane::Detail,
            (Pane::Help, None) => Pane::List,
            _ => Pane::Help,
        });
    }

    fn go_to(&mut self, pane: Pane) {
        self.scroll = 0;
        self.pane = pane;
    }

    fn press_in_list(&mut self, key: KeyEvent, live: &Live) -> Option<Wish> {
        let (rows, at) = self.rows(live);
        let page = self.page.max(1);
        let to = match key.code {
            KeyCode::Down | KeyCode::Char('j') => at + 1,
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::PageDown => at + page,
            KeyCode::PageUp => at.saturating_sub(page),
            KeyCode::Home => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            _ => return self.command(key, live, rows.get(at)),
        };
        // The first row is chosen by going up to it.
        self.place = to.min(rows.len().saturating_sub(1));
        self.selected = rows.get(self.place).map(|row| row.key.clone());
        None
    }

    fn command(&mut self, key: KeyEvent, live: &Live, row: Option<&Entry>) -> Option<Wish> {
        match key.code {
            KeyCode::Char('/') => self.typing = Some(self.choice.filter.clone()),
            KeyCode::Esc => {
                self.choice.filter = Filter::default();
                self.choice.within = None;
            }
            KeyCode::Char('s') => self.choice.order = self.choice.order.next(),
            KeyCode::Char('S') => self.choice.reversed = !self.choice.reversed,
            KeyCode::Char('g') => self.group_by(self.choice.grouping.next()),
            KeyCode::Char('b') => {
                self.message = Some("growth is counted from now on".to_owned());
                self.frozen = None;
                return Some(Wish::Baseline);
            }
            KeyCode::Char('i') => self.ignore(row?, live)?,
            KeyCode::Char('t') => self.go_to(Pane::Instances),
            KeyCode::Char('y') => return Some(self.copy(self.signature_of(row?, live)?)),
            KeyCode::Enter => return self.open(row?, live),
            _ => {}
        }
        None
    }

    fn group_by(&mut self, grouping: Grouping) {
        self.choice.grouping = grouping;
        self.message = Some(format!("one row a {}", grouping.as_str()));
    }

    /// Takes a row out of what is looked for, for as long as this view lives, or back again; with all that is
    /// drawn together in it.
    fn ignore(&mut self, row: &Entry, live: &Live) -> Option<()> {
        let board = self.board(live)?;
        let members = row.members.iter().filter_map(|nth| board.rows.get(*nth));
        let members: Vec<Key> = members.map(|row| key(row, Grouping::Signature)).collect();
        self.selected = Some(row.key.clone());
        let known = &mut self.choice.ignored;
        let told = if members.iter().all(|member| known.contains(member)) {
            known.retain(|known| !members.contains(known));
            "not ignored any more".to_owned()
        } else {
            known.extend(members);
            match &row.key {
                Key::Signature(_, signature) => format!(
                    "ignored here, it stands last; for good: goroscope ignore snippet {}",
                    short(*signature)
                ),
                Key::Common(..) => "ignored here, with all its stacks; it stands last".to_owned(),
            }
        };
        self.message = Some(told);
        Some(())
    }

    fn copy(&mut self, signature: Signature) -> Wish {
        self.message = Some(format!("copied {signature}"));
        Wish::Copy(signature)
    }

    fn signature_of(&self, row: &Entry, live: &Live) -> Option<Signature> {
        let board = self.board(live)?;
        let first = board.rows.get(*row.members.first()?)?;
        Some(first.grower.signature)
    }

    /// A signature opens its detail; what several have in common opens the list of them.
    fn open(&mut self, row: &Entry, live: &Live) -> Option<Wish> {
        match &row.key {
            Key::Signature(service, signature) => {
                self.selected = Some(row.key.clone());
                self.detail = Some((service.clone(), *signature));
                self.go_to(Pane::Detail);
                Some(Wish::Show(Some(*signature)))
            }
            Key::Common(_, name) if name.is_empty() => {
                self.message = Some("what started them is not known".to_owned());
                None
            }
            Key::Common(..) => {
                let board = self.board(live)?;
                let loudest = board.rows.get(*row.members.first()?)?;
                self.selected = Some(key(loudest, Grouping::Signature));
                self.choice.grouping = Grouping::Signature;
                self.choice.within = Some(row.key.clone());
                None
            }
        }
    }

    fn press_in_detail(&mut self, key: KeyEvent, live: &Live) -> Option<Wish> {
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace | KeyCode::Left => {
                self.pane = Pane::List;
                self.detail = None;
                return Some(Wish::Show(None));
            }
            KeyCode::Char('y') => {
                let (_, signature) = self.detail.clone()?;
                return Some(self.copy(signature));
            }
            KeyCode::Char('i') => {
                let (rows, at) = self.rows(live);
                self.ignore(rows.get(at)?, live)?;
            }
            _ => self.scroll_by(key),
        }
        None
    }

    fn press_in_instances(&mut self, key: KeyEvent) -> Option<Wish> {
        match key.code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace | KeyCode::Char('t') => {
                self.go_to(Pane::List);
            }
            _ => self.scroll_by(key),
        }
        None
    }

    fn press_in_help(&mut self, key: KeyEvent) -> Option<Wish> {
        match key.code {
            KeyCode::Esc | KeyCode::Enter => self.toggle_help(),
            _ => self.scroll_by(key),
        }
        None
    }

    fn scroll_by(&mut self, key: KeyEvent) {
        let page = self.page.max(1);
        self.scroll = match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll.saturating_add(page),
            KeyCode::PageUp => self.scroll.saturating_sub(page),
            KeyCode::Home => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            _ => return,
        };
    }
}

/// The first digits of a signature.
pub(super) fn short(signature: Signature) -> String {
    signature.to_string().chars().take(8).collect()
}
