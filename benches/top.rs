//! What the live view costs: CPU, memory, and how soon a key is answered, on a terminal of 120x40.
//!
//! `cargo bench --bench top [-- KEY=VALUE…]`, with `goroutines` (10000: of one real Go process), `seconds` (60),
//! `db` (a file of `cargo bench --bench history -- instances=1000 db=FILE`: the view of a database as well).
//! Linux only: it reads /proc. Limits: 5 % of a core, 100 MiB, 50 ms.

#![expect(clippy::print_stdout, reason = "a report")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

/// Before it is measured: connections, the first detail, the first questions.
const WARM_UP: Duration = Duration::from_secs(10);
/// Keys that are pressed.
const KEYS: u32 = 100;
/// Hundredths of a second in which Linux counts CPU time.
const TICKS: f64 = 100.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let given = |key: &str| {
        let mut words = std::env::args();
        words.find_map(|word| Some(word.strip_prefix(key)?.strip_prefix('=')?.to_owned()))
    };
    let goroutines: u32 = given("goroutines").map_or(Ok(10_000), |word| word.parse())?;
    let seconds = Duration::from_secs(given("seconds").map_or(Ok(60), |word| word.parse())?);
    let (mut server, address) = leaky(goroutines)?;
    let watched = measure(
        &format!("{goroutines} goroutines"),
        &["top", &address],
        seconds,
    );
    server.kill()?;
    server.wait()?;
    watched?;
    if let Some(db) = given("db") {
        let since = "2026-11-24T00:00:00Z";
        measure(
            "a database",
            &["top", "--db", &db, "--since", since],
            seconds,
        )?;
    }
    Ok(())
}

/// A real Go process with so many leaked goroutines, and its address.
fn leaky(goroutines: u32) -> Result<(Child, String)> {
    let root = env!("CARGO_MANIFEST_DIR");
    let binary = format!("{}/top-checkout", env!("CARGO_TARGET_TMPDIR"));
    let script = format!("{root}/testdata/go.sh");
    let built = Command::new("bash")
        .args([&script, "build", "checkout", &binary])
        .status()?;
    if !built.success() {
        return Err("checkout cannot be built".into());
    }
    let mut child = Command::new(binary)
        .args(["-addr", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let said = child.stdout.take().ok_or("it has no stdout")?;
    BufReader::new(said).read_line(&mut line)?;
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .ok_or("it says nothing")?;
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /work?n={goroutines} HTTP/1.0\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new())?;
    Ok((child, address.to_owned()))
}

/// `goroscope` on a terminal, and what it writes there.
struct Shown {
    child: Child,
    keys: File,
    drawn: Receiver<usize>,
}

impl Shown {
    fn start(arguments: &[&str]) -> Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let slave = File::options()
            .read(true)
            .write(true)
            .open(name.to_str()?)?;
        let size = Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&master, size)?;
        let child = Command::new(env!("CARGO_BIN_EXE_goroscope"))
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave))
            .stderr(Stdio::inherit())
            .spawn()?;
        let keys = File::from(master);
        let mut screen = keys.try_clone()?;
        let (sender, drawn) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 1 << 12];
            while let Ok(len) = screen.read(&mut bytes) {
                if len == 0 || sender.send(len).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, keys, drawn })
    }

    /// CPU time so far, seconds.
    fn cpu(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(") ").ok_or("no name")?.1;
        let spent = fields.split(' ').skip(11).take(2);
        let ticks: f64 = spent.map(|field| field.parse::<f64>().unwrap_or(0.0)).sum();
        Ok(ticks / TICKS)
    }

    /// The most memory that it has had, MiB.
    fn memory(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .ok_or("no VmHWM")?;
        Ok(kib.parse::<f64>()? / 1024.0)
    }

    /// How long a key takes until something is drawn.
    fn press(&mut self, key: u8) -> Result<Duration> {
        while self.drawn.try_recv().is_ok() {}
        let began = Instant::now();
        self.keys.write_all(&[key])?;
        self.drawn.recv_timeout(Duration::from_secs(5))?;
        Ok(began.elapsed())
    }
}

fn measure(what: &str, arguments: &[&str], seconds: Duration) -> Result<()> {
    let mut shown = Shown::start(arguments)?;
    std::thread::sleep(WARM_UP);
    let (before, began) = (shown.cpu()?, Instant::now());
    std::thread::sleep(seconds);
    let share = (shown.cpu()? - before) / began.elapsed().as_secs_f64() * 100.0;
    let mut took = Vec::new();
    for nth in 0..KEYS {
        // Not in step with the looks.
        std::thread::sleep(Duration::from_millis(37));
        took.push(shown.press(if nth % 2 == 0 { b'j' } else { b'k' })?);
    }
    took.sort();
    let at = |part: usize| {
        took.get((took.len() - 1) * part / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{what:<20} {share:.1} % of a core, {:.1} MiB at most, a key answered in {:.1?} (95 in 100 within {:.1?}, all within {:.1?})",
        shown.memory()?,
        at(50),
        at(95),
        at(100),
    );
    shown.keys.write_all(b"q")?;
    shown.child.wait()?;
    Ok(())
}
