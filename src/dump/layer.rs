//! Lines that wear the same dress, and the reader of what is below.

use std::collections::VecDeque;

use memchr::memchr_iter;

use super::Event;
use super::dress::Dress;
use super::place::Outlet;
use super::text::Text;

/// Bytes gathered before they are read.
const GATHER: usize = 64 << 10;

/// A dress, and the text below it.
#[derive(Debug)]
pub(super) struct Layer {
    dress: Dress,
    text: Box<Text>,
    gathered: Vec<u8>,
    /// Lines of the text below that have been written.
    written: u64,
    /// Where lines below begin to have other distances from the lines above: (below, above).
    marks: VecDeque<(u64, u64)>,
}

impl Layer {
    pub(super) fn new(dress: Dress, text: Text) -> Self {
        Self {
            dress,
            text: Box::new(text),
            gathered: Vec::new(),
            written: 0,
            marks: VecDeque::new(),
        }
    }

    /// Takes line `number` (from 0) if it wears the dress; whether it does.
    pub(super) fn take(&mut self, line: &[u8], number: u64, outlet: &mut Outlet<'_>) -> bool {
        let before = self.gathered.len();
        if !self.dress.take_off(line, &mut self.gathered) {
            self.gathered.truncate(before);
            return false;
        }
        self.mark(before, number);
        self.read_when_full(outlet);
        true
    }

    /// Takes text from line `number` as it is.
    pub(super) fn write(&mut self, text: &[u8], number: u64, outlet: &mut Outlet<'_>) {
        let before = self.gathered.len();
        self.gathered.extend_from_slice(text);
        self.mark(before, number);
        self.read_when_full(outlet);
    }

    /// Takes the end of the lines.
    pub(super) fn finish(mut self, outlet: &mut Outlet<'_>) {
        self.read(outlet);
        let marks = &self.marks;
        let on = &mut *outlet.on;
        self.text.finish(&mut Outlet {
            on: &mut |event| on(moved(event, marks)),
            dumps: outlet.dumps,
        });
    }

    /// Notes which line above those gathered since `before` came from.
    fn mark(&mut self, before: usize, number: u64) {
        let gathered = self.gathered.get(before..).unwrap_or_default();
        let ends = memchr_iter(b'\n', gathered).count() as u64;
        let open = gathered.last().is_some_and(|byte| *byte != b'\n');
        for line in self.written..self.written + ends + u64::from(open) {
            if above(&self.marks, line) != number {
                self.marks.push_back((line, number));
            }
        }
        self.written += ends;
    }

    fn read_when_full(&mut self, outlet: &mut Outlet<'_>) {
        if self.gathered.len() >= GATHER {
            self.read(outlet);
        }
    }

    fn read(&mut self, outlet: &mut Outlet<'_>) {
        let marks = &self.marks;
        let on = &mut *outlet.on;
        self.text.push(
            &self.gathered,
            &mut Outlet {
                on: &mut |event| on(moved(event, marks)),
                dumps: outlet.dumps,
            },
        );
        self.gathered.clear();
        let done = self.text.lines();
        while self.marks.get(1).is_some_and(|(below, _)| *below <= done) {
            self.marks.pop_front();
        }
    }
}

/// The line above, from 0, that a line below came from.
fn above(marks: &VecDeque<(u64, u64)>, below: u64) -> u64 {
    let at = marks.partition_point(|(from, _)| *from <= below);
    let mark = at.checked_sub(1).and_then(|at| marks.get(at));
    mark.map_or(below, |(from, above)| above + (below - from))
}

/// The event with the line above.
fn moved<'e>(event: Event<'e>, marks: &VecDeque<(u64, u64)>) -> Event<'e> {
    let line_of = |line: u64| above(marks, line.saturating_sub(1)) + 1;
    match event {
        Event::Goroutines(_) => event,
        Event::Complaint(mut complaint) => {
            complaint.line = line_of(complaint.line);
            Event::Complaint(complaint)
        }
        Event::Dump { number, line } => Event::Dump {
            number,
            line: line_of(line),
        },
    }
}
