//! A command that talks line by line with a person at a terminal: keys in, bytes out.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

/// A command at a terminal of its own, 80 columns wide, without colour.
pub(crate) struct Prompt {
    pub(crate) child: Child,
    keyboard: std::fs::File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Prompt {
    /// Starts a command; what it has of TERM stays.
    pub(crate) fn open(command: &mut Command) -> Self {
        let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&ours).unwrap();
        rustix::pty::unlockpt(&ours).unwrap();
        let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
        let end = || {
            let mut options = std::fs::File::options();
            let file = options.read(true).write(true).open(name.to_str().unwrap());
            Stdio::from(file.unwrap())
        };
        let width = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&ours, width).unwrap();
        let has_term = command.get_envs().any(|(name, _)| name == "TERM");
        if !has_term {
            command.env("TERM", "xterm");
        }
        command.env("NO_COLOR", "1");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn();
        let keyboard = std::fs::File::from(ours);
        let mut screen = keyboard.try_clone().unwrap();
        let (shown, seen) = channel();
        // Ends with the last of those who hold the other end.
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut piece)
                && shown.send(piece[..read].to_vec()).is_ok()
            {}
        });
        Self {
            child: child.unwrap(),
            keyboard,
            screen: seen,
            seen: String::new(),
        }
    }

    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until the screen shows something, and forgets all up to there.
    pub(crate) fn wait_for(&mut self, words: &str) {
        while !self.seen.contains(words) {
            let Ok(piece) = self.screen.recv_timeout(Duration::from_mins(1)) else {
                panic!("`{words}` never came: {}", self.seen);
            };
            self.seen += &String::from_utf8_lossy(&piece);
        }
        self.seen = self.seen.split_once(words).unwrap().1.to_owned();
    }

    /// Exit code, and all that is still to be seen.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        // The other end has closed: what is on its way comes within this.
        while let Ok(piece) = self.screen.recv_timeout(Duration::from_secs(1)) {
            self.seen += &String::from_utf8_lossy(&piece);
        }
        (code, std::mem::take(&mut self.seen))
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        // Ended already is as good.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
