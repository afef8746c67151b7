//! Real Go processes, built from `testdata/go` with whatever toolchain `testdata/go.sh` finds.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::root;

/// Builds one of the programs; the path of the binary.
pub(crate) fn build(program: &str) -> PathBuf {
    built_by("go.sh", &["build", program], program, "")
}

/// Builds one of the programs with this version of Go.
fn build_with(program: &str, version: &str) -> PathBuf {
    built_by("go.sh", &["build", program], program, version)
}

/// Builds the leaking commands of Go's own tree; the path of the binary.
pub(crate) fn build_leaks() -> PathBuf {
    built_by("leaks.sh", &[], "leaks", "")
}

/// Builds with a version of Go, any that will do where it is empty.
fn built_by(script: &str, arguments: &[&str], program: &str, version: &str) -> PathBuf {
    let binary = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{program}{version}"));
    let built = Command::new("bash")
        .arg(root().join("testdata").join(script))
        .args(arguments)
        .arg(&binary)
        .args([version].into_iter().filter(|version| !version.is_empty()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "cannot build {program}: {said}");
    binary
}

/// A server that is killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Server {
    /// Starts a program on a port of its choice.
    pub(crate) fn start(program: &str) -> Self {
        Self::start_at(program, "127.0.0.1:0")
    }

    /// Starts a program that this version of Go has built. What it says as it crashes is not shown.
    pub(crate) fn start_with(program: &str, version: &str) -> Self {
        let binary = build_with(program, version);
        Self::run_saying(&binary, &["-addr", "127.0.0.1:0"], Stdio::null())
    }

    /// Starts a program on this address.
    pub(crate) fn start_at(program: &str, address: &str) -> Self {
        Self::run(&build(program), &["-addr", address])
    }

    /// Starts a program that has been built.
    pub(crate) fn run(program: &Path, arguments: &[&str]) -> Self {
        Self::run_saying(program, arguments, Stdio::inherit())
    }

    fn run_saying(program: &Path, arguments: &[&str], stderr: Stdio) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("{} said `{line}`", program.display()));
        Self { child, address }
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait_for_end(&mut self) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_mins(1), "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a request on a connection of its own, where its answer comes, if one does.
    pub(crate) fn send(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// One request on a connection of its own; the body of the answer.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = self.send(path);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
