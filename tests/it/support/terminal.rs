//! A terminal in which `goroscope` runs: tmux where there is one, else an emulator behind a pty.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, Winsize};

/// A screen that does not come within this has failed to.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program on a screen.
pub(crate) struct Terminal {
    kind: Kind,
    /// The screens that were waited for, for the output of the test.
    pub(crate) story: String,
}

enum Kind {
    Tmux(Tmux),
    Emulated(Emulated),
}

impl Terminal {
    /// In tmux, or in the emulator where there is none.
    pub(crate) fn start(folder: &Path, arguments: &[&str], size: (u16, u16)) -> Self {
        let asked = Command::new("tmux").arg("-V").output();
        let is_there = asked.is_ok_and(|asked| asked.status.success());
        let kind = if is_there {
            Kind::Tmux(Tmux::start(folder, arguments, size))
        } else {
            Kind::Emulated(Emulated::start(folder, arguments, size))
        };
        Self {
            kind,
            story: String::new(),
        }
    }

    /// In the emulator.
    pub(crate) fn emulated(folder: &Path, arguments: &[&str], size: (u16, u16)) -> Self {
        Self {
            kind: Kind::Emulated(Emulated::start(folder, arguments, size)),
            story: String::new(),
        }
    }

    /// Types a key by its name, or a text.
    pub(crate) fn press(&mut self, key: &str) {
        match &mut self.kind {
            Kind::Tmux(tmux) => tmux.run(&["send-keys", "-t", "0", key]),
            Kind::Emulated(emulated) => emulated.press(key),
        }
    }

    /// Changes its size.
    pub(crate) fn resize(&mut self, (width, height): (u16, u16)) {
        match &mut self.kind {
            Kind::Tmux(tmux) => {
                let (width, height) = (width.to_string(), height.to_string());
                tmux.run(&["resize-window", "-t", "0", "-x", &width, "-y", &height]);
            }
            Kind::Emulated(emulated) => emulated.resize((width, height)),
        }
    }

    /// What is on it.
    pub(crate) fn screen(&self) -> String {
        match &self.kind {
            Kind::Tmux(tmux) => tmux.screen(),
            Kind::Emulated(emulated) => emulated.parser.lock().unwrap().screen().contents(),
        }
    }

    /// Waits until it shows something.
    pub(crate) fn wait_for(&mut self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                self.story += &format!("--- {what}\n{}\n", screen.trim_end());
                return screen;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what} never came:\n{screen}\n\nbefore it:\n{}",
                self.story
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the program has ended with 0.
    pub(crate) fn ended_well(&mut self) {
        if let Kind::Emulated(emulated) = &mut self.kind {
            let status = emulated.child.wait().unwrap();
            assert!(status.success(), "{status}");
        } else {
            self.wait_for("exit code 0", |screen| screen.contains("ended with 0"));
        }
    }

    /// The program, where it is a child of this process.
    pub(crate) fn child(&mut self) -> &mut Child {
        match &mut self.kind {
            Kind::Emulated(emulated) => &mut emulated.child,
            Kind::Tmux(_) => panic!("tmux has it"),
        }
    }

    /// Whether keys are echoed and come line by line, as a shell wants its terminal.
    pub(crate) fn is_given_back(&self) -> bool {
        match &self.kind {
            Kind::Emulated(emulated) => {
                let modes = rustix::termios::tcgetattr(&emulated.master)
                    .unwrap()
                    .local_modes;
                let parser = emulated.parser.lock().unwrap();
                let screen = parser.screen();
                let cooked =
                    modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
                cooked && !screen.alternate_screen() && !screen.hide_cursor()
            }
            Kind::Tmux(_) => panic!("tmux does not tell"),
        }
    }
}

/// A tmux server of its own.
struct Tmux {
    socket: String,
}

impl Tmux {
    fn start(folder: &Path, arguments: &[&str], (width, height): (u16, u16)) -> Self {
        static NTH: AtomicU32 = AtomicU32::new(0);
        let nth = NTH.fetch_add(1, Ordering::Relaxed);
        let tmux = Self {
            socket: format!("goroscope-test-{}-{nth}", std::process::id()),
        };
        let quoted = arguments.iter().map(|word| format!("'{word}'"));
        let command = format!(
            "'{}' {}; echo ended with $?; exec sleep 60",
            env!("CARGO_BIN_EXE_goroscope"),
            quoted.collect::<Vec<_>>().join(" ")
        );
        let (width, height) = (width.to_string(), height.to_string());
        let folder = folder.to_str().unwrap();
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
            "-c",
            folder,
            &command,
        ]);
        tmux
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command
            .args(["-L", &self.socket])
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color");
        command
    }

    fn run(&self, arguments: &[&str]) {
        let done = self.command().args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "tmux {arguments:?}: {said}");
    }

    fn screen(&self) -> String {
        let done = self
            .command()
            .args(["capture-pane", "-p", "-t", "0"])
            .output()
            .unwrap();
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // Ended already is as good.
        let _gone = self.command().arg("kill-server").output();
    }
}

/// A pty whose other side is read into an emulator.
struct Emulated {
    child: Child,
    master: File,
    parser: Arc<Mutex<vt100::Parser>>,
}

impl Emulated {
    fn start(folder: &Path, arguments: &[&str], (width, height): (u16, u16)) -> Self {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let master = File::from(master);
        set_size(&master, (width, height));
        let side = || Stdio::from(slave.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
            .args(arguments)
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .env_remove("GOROSCOPE_DB")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(
            lines(height),
            lines(width),
            0,
        )));
        let (mut reader, shared) = (master.try_clone().unwrap(), Arc::clone(&parser));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A pty whose other side is closed fails to be read.
            while let Ok(len) = reader.read(&mut bytes) {
                if len == 0 {
                    break;
                }
                shared.lock().unwrap().process(&bytes[..len]);
            }
        });
        Self {
            child,
            master,
            parser,
        }
    }

    fn press(&mut self, key: &str) {
        let bytes: &[u8] = match key {
            "Enter" => b"\r",
            "Escape" => b"\x1b",
            "Down" => b"\x1b[B",
            "Up" => b"\x1b[A",
            "Space" => b" ",
            "C-c" => b"\x03",
            "C-z" => b"\x1a",
            text => text.as_bytes(),
        };
        self.master.write_all(bytes).unwrap();
    }

    fn resize(&mut self, (width, height): (u16, u16)) {
        set_size(&self.master, (width, height));
        self.parser
            .lock()
            .unwrap()
            .screen_mut()
            .set_size(lines(height), lines(width));
        // It is nobody's controlling terminal, so nobody else tells.
        signal(self.child.id(), "WINCH");
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn lines(size: u16) -> NonZero<u16> {
    NonZero::new(size).unwrap()
}

fn set_size(terminal: &File, (width, height): (u16, u16)) {
    let size = Winsize {
        ws_row: height,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(terminal, size).unwrap();
}

/// Sends a signal by name.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}
