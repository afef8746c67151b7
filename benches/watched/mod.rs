//! Real processes that goroscope watches, and what it says of them.

use std::collections::HashMap;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Verdicts, from what alarms nobody to what is proved.
pub(crate) const VERDICTS: [&str; 9] = [
    "INSUFFICIENT",
    "STEADY",
    "NOISY",
    "PLATEAU",
    "GONE",
    "SUSPECT",
    "GROWING",
    "LIKELY",
    "CONFIRMED",
];

/// Whether a verdict is `least` or above.
pub(crate) fn at_least(verdict: &str, least: &str) -> bool {
    let rank = |word: &str| VERDICTS.iter().position(|known| *known == word);
    rank(verdict) >= rank(least)
}

/// The arguments `KEY=VALUE` of the command line.
pub(crate) fn given() -> HashMap<String, String> {
    let pair = |argument: OsString| {
        let argument = argument.into_string().ok()?;
        let (key, value) = argument.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    std::env::args_os().filter_map(pair).collect()
}

/// A whole number of the arguments.
pub(crate) fn number(given: &HashMap<String, String>, key: &str, default: u64) -> u64 {
    let value = given.get(key).and_then(|value| value.parse().ok());
    value.unwrap_or(default)
}

/// The binary that polls and judges.
pub(crate) fn goroscope(given: &HashMap<String, String>) -> OsString {
    let named = given.get("goroscope").map(String::as_str);
    OsString::from(named.unwrap_or(env!("CARGO_BIN_EXE_goroscope")))
}

/// A process that is ended when dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program at home in the folder of `log`, the file that what it says goes to.
    pub(crate) fn start(
        program: &OsStr,
        arguments: &[String],
        log: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let home = log.parent().unwrap_or(Path::new("/"));
        let file = File::create(log)?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let log = log.to_owned();
        Ok(Self { child, log })
    }

    /// What it said last.
    pub(crate) fn said(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        // One that has ended already needs none.
        let _gone = kill_process(pid, signal);
    }

    /// Whether it is still there.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has used of CPU; none where it has ended.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&self.child.id().to_string()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while self.runs() && asked.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// User and system time of `/proc/PID`, which Linux counts in hundredths of a second.
pub(crate) fn cpu_of(pid: &str) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which can hold anything, come 11 fields and the two.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let mut ticks = || times.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

/// An address of loopback that nobody listens on.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A connection that sends one HTTP request after the other.
pub(crate) struct Http {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let stream = BufReader::new(stream);
        Ok(Self { address, stream })
    }

    /// Sends a request, with a `body` where it is not empty.
    pub(crate) fn send(&mut self, what: &str, kind: &str, body: &str) -> std::io::Result<()> {
        let head = format!(
            "{what} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())
    }

    /// The body of the next answer.
    pub(crate) fn answer(&mut self) -> std::io::Result<Vec<u8>> {
        let (mut length, mut in_chunks) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(given) = line.strip_prefix("content-length:") {
                length = given.trim().parse().unwrap_or(0);
            }
            in_chunks |= line == "transfer-encoding: chunked";
        }
        let mut body = Vec::new();
        if !in_chunks {
            self.exactly(length, &mut body)?;
            return Ok(body);
        }
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).unwrap_or(0);
            self.exactly(size, &mut body)?;
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn exactly(&mut self, size: usize, body: &mut Vec<u8>) -> std::io::Result<()> {
        let read = self.stream.by_ref().take(size as u64).read_to_end(body)?;
        if read < size {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// One `GET` on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut http = Http::connect(address)?;
    http.send(&format!("GET {path}"), "text/plain", "")?;
    Ok(String::from_utf8_lossy(&http.answer()?).into_owned())
}

/// Waits until the address answers this path.
pub(crate) fn wait_for(address: SocketAddr, path: &str) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    while let Err(error) = get(address, path) {
        if began.elapsed() > Duration::from_mins(1) {
            return Err(format!("http://{address}{path} does not answer: {error}").into());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// What is said of all series of a database, as of `until`.
pub(crate) fn judge(
    goroscope: &OsStr,
    database: &Path,
    until: &str,
) -> Result<Value, Box<dyn Error>> {
    let answered = Command::new(goroscope)
        .args(["query", "top-growers", "--all", "--min-growth=-1000000"])
        .args(["--limit", "0", "--output", "json", "--since", "2020-01-01"])
        .args(["--until", until, "--db"])
        .arg(database)
        .output()?;
    if !answered.status.success() {
        return Err(String::from_utf8_lossy(&answered.stderr).into());
    }
    Ok(serde_json::from_slice(&answered.stdout)?)
}

/// The rows of an answer.
pub(crate) fn rows(answer: &Value) -> &[Value] {
    let rows = answer.get("rows").and_then(Value::as_array);
    rows.map(Vec::as_slice).unwrap_or_default()
}

/// A text of a row: `text(row, "/where/function")`.
pub(crate) fn text<'a>(row: &'a Value, at: &str) -> &'a str {
    row.pointer(at).and_then(Value::as_str).unwrap_or_default()
}
