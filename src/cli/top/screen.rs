//! The terminal while the view has it: taken, given back however this ends, and the loop between.

use std::io::Stdout;
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::Event;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::feed::Question;
use super::{Happened, Run};
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::clock;
use crate::daemon::Polling;
use crate::present::tui::{View, Wish, draw};
use crate::query::Board;

/// Ages are drawn anew this often while nothing happens.
const TICK: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, Failure>;

/// Shows the view until it is left. Polling goes on behind it, and is given back.
pub(super) fn show(mut run: Run, _context: &mut Context) -> (Option<Polling>, Result<()>) {
    let ended = watch_signals(run.sender.clone())
        .and_then(|()| Screen::enter())
        .and_then(|mut screen| {
            watch_keys(run.sender.clone())?;
            let ended = go_on(&mut run, &mut screen);
            screen.leave()?;
            ended
        });
    (run.polling, ended)
}

/// The loop: something happens, and is drawn.
fn go_on(run: &mut Run, screen: &mut Screen) -> Result<()> {
    let mut view = View::default();
    loop {
        screen.draw(&mut view, run)?;
        let happened = match run.happened.recv_timeout(TICK) {
            Ok(happened) => happened,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        match happened {
            Happened::Typed(Event::Key(key)) => {
                let wish = view.press(key, &run.live, clock::now());
                if wish.is_some_and(|wish| fulfil(wish, run, screen)) {
                    return Ok(());
                }
            }
            // Another size is noticed when it is drawn.
            Happened::Typed(_) => {}
            Happened::Asked(asked) => run.take(*asked),
            Happened::Stop => return Ok(()),
            Happened::Suspend => screen.suspend()?,
            Happened::Broken(why) => return Err(Failure::bug(why)),
        }
    }
}

/// Does what a key asks of the program; true when that is to end.
fn fulfil(wish: Wish, run: &Run, screen: &mut Screen) -> bool {
    // A feed that has ended tells of itself.
    let ask = |question| {
        let _ended = run.questions.try_send(question);
    };
    match wish {
        Wish::Quit => return true,
        Wish::Suspend => drop(screen.suspend()),
        Wish::Baseline => {
            let board = run.live.board.as_deref();
            let newest = board.and_then(Board::baseline);
            ask(Question::Since(newest.unwrap_or_else(clock::now)));
        }
        Wish::Show(signature) => ask(Question::Show(signature)),
        Wish::Copy(signature) => copy(&signature.to_string()),
    }
    false
}

/// Hands on what is typed, for as long as this process lives.
fn watch_keys(happened: SyncSender<Happened>) -> Result<()> {
    let read = move || {
        while let Ok(event) = crossterm::event::read() {
            if happened.send(Happened::Typed(event)).is_err() {
                return;
            }
        }
        // The terminal has gone.
        drop(happened.send(Happened::Stop));
    };
    let thread = std::thread::Builder::new().name("keys".to_owned());
    thread
        .spawn(read)
        .map(drop)
        .map_err(|error| Failure::system(&error, "failed to start a thread"))
}

/// Hands on signals, for as long as this process lives.
pub(super) fn watch_signals(happened: SyncSender<Happened>) -> Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    let failed = |error: std::io::Error| Failure::system(&error, "failed to listen for signals");
    let mut signals =
        signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP, SIGTSTP]).map_err(failed)?;
    let read = move || {
        for signal in signals.forever() {
            let told = if signal == SIGTSTP {
                Happened::Suspend
            } else {
                Happened::Stop
            };
            if happened.send(told).is_err() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(read).map(drop).map_err(failed)
}

/// Stops this process until it is continued.
pub(super) fn stop_here() {
    // Where it cannot be stopped it goes on.
    let _went_on = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP);
}

/// The terminal, taken.
struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    taken: bool,
}

impl Screen {
    fn enter() -> Result<Self> {
        let terminal =
            Terminal::new(CrosstermBackend::new(output::screen())).map_err(|error| lost(&error))?;
        let mut screen = Self {
            terminal,
            taken: false,
        };
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // What is said of a panic must be read, on whatever thread it was.
            drop(give_back());
            before(panic);
        }));
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> Result<()> {
        enable_raw_mode().map_err(|error| lost(&error))?;
        self.taken = true;
        execute!(output::screen(), EnterAlternateScreen, cursor::Hide)
            .map_err(|error| lost(&error))?;
        // Not `clear`, which asks the terminal where its cursor is, while another thread reads what it says.
        let size = self.terminal.size().map_err(|error| lost(&error))?;
        let whole = Rect::new(0, 0, size.width, size.height);
        self.terminal.resize(whole).map_err(|error| lost(&error))
    }

    fn leave(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.taken) {
            return Ok(());
        }
        give_back().map_err(|error| lost(&error))
    }

    fn suspend(&mut self) -> Result<()> {
        self.leave()?;
        stop_here();
        self.take()
    }

    fn draw(&mut self, view: &mut View, run: &Run) -> Result<()> {
        let drawn = self
            .terminal
            .draw(|frame| draw(frame, &run.live, view, run.look, clock::now()));
        drawn.map(drop).map_err(|error| lost(&error))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.leave());
    }
}

/// Asks the terminal to put a text into the clipboard, over ssh too; one that cannot does nothing.
fn copy(text: &str) {
    drop(execute!(
        output::screen(),
        CopyToClipboard::to_clipboard_from(text)
    ));
}

/// Gives the terminal back as it was.
fn give_back() -> std::io::Result<()> {
    let shown = execute!(output::screen(), LeaveAlternateScreen, cursor::Show);
    disable_raw_mode().and(shown)
}

fn lost(error: &std::io::Error) -> Failure {
    Failure::error(error)
        .doing("failed to draw on the terminal")
        .hint("--plain needs no screen")
}
