//! Targets that misbehave: raw HTTP on loopback.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::root;

/// What a target answers.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// A real pulse and a real detail; a proof is the pulse.
    Healthy,
    /// This status line and body.
    Answer(&'static str, Vec<u8>),
    /// A redirect to this address.
    Redirect(String),
    /// Redirects to another path of its own, where it is healthy.
    RedirectHome,
    /// Takes the request and says nothing.
    HangBeforeHeaders,
    /// Sends headers and no body.
    HangAfterHeaders,
    /// Headers, and text without end.
    Endless,
    /// One byte of a healthy answer now and then.
    Drip,
    /// Half a healthy answer, then the connection closes.
    BreakOff,
    /// Another process each time.
    Alternate,
    /// A pulse, and a text of exactly 64 MiB.
    CutOff,
    /// Healthy, but it takes a request for a proof and says nothing.
    HangInProof,
}

/// A target and what it has seen.
pub(crate) struct Fake {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    details: AtomicUsize,
    proofs: AtomicUsize,
    under_way: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Fake {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Seen::default());
        let for_thread = Arc::clone(&seen);
        // Ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (behaviour, seen) = (behaviour.clone(), Arc::clone(&for_thread));
                std::thread::spawn(move || serve(&mut stream.unwrap(), &behaviour, &seen));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn details(&self) -> usize {
        self.seen.details.load(Ordering::SeqCst)
    }

    pub(crate) fn proofs(&self) -> usize {
        self.seen.proofs.load(Ordering::SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.seen.most_at_once.load(Ordering::SeqCst)
    }
}

pub(crate) fn dump(name: &str) -> Vec<u8> {
    std::fs::read(root().join("testdata/dumps").join(name)).unwrap()
}

fn serve(stream: &mut TcpStream, behaviour: &Behaviour, seen: &Seen) {
    let Some(request) = read_request(stream) else {
        return;
    };
    let nth = seen.requests.fetch_add(1, Ordering::SeqCst);
    let detail = request.contains("debug=2");
    seen.details
        .fetch_add(usize::from(detail), Ordering::SeqCst);
    let proof = request.contains("/goroutineleak?");
    seen.proofs.fetch_add(usize::from(proof), Ordering::SeqCst);
    let now = seen.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most_at_once.fetch_max(now, Ordering::SeqCst);
    // A client that has gone is its own affair.
    let _gone = answer(stream, behaviour, &request, detail, nth);
    seen.under_way.fetch_sub(1, Ordering::SeqCst);
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&request).into_owned())
}

/// The pulse, as a leak profile in which all of it is stuck: what kind of profile it is says one string.
fn leak_profile() -> Vec<u8> {
    let (goroutine, leak) = (b"\x32\x09goroutine", b"\x32\x0dgoroutineleak");
    let packed = dump("go1.27_http_debug0.pb.gz");
    let mut profile = Vec::new();
    let mut packed = flate2::read::GzDecoder::new(packed.as_slice());
    packed.read_to_end(&mut profile).unwrap();
    let at = memchr::memmem::find(&profile, goroutine).unwrap();
    profile.splice(at..at + goroutine.len(), *leak);
    profile
}

fn answer(
    stream: &mut TcpStream,
    behaviour: &Behaviour,
    request: &str,
    detail: bool,
    nth: usize,
) -> std::io::Result<()> {
    let healthy = || match detail {
        true => dump("go1.27_http_debug2.txt"),
        false if request.contains("/goroutineleak?") => leak_profile(),
        false => dump("go1.27_http_debug0.pb.gz"),
    };
    match behaviour {
        Behaviour::HangInProof if request.contains("/goroutineleak?") => hang(stream),
        Behaviour::Healthy | Behaviour::HangInProof => send(stream, "200 OK", &healthy()),
        Behaviour::Answer(status, body) => send(stream, status, body),
        Behaviour::Redirect(to) => redirect(stream, to),
        Behaviour::RedirectHome if request.contains("/home/") => send(stream, "200 OK", &healthy()),
        Behaviour::RedirectHome => {
            let query = if detail { "debug=2" } else { "debug=0" };
            redirect(stream, &format!("/home/goroutine?{query}"))
        }
        Behaviour::HangBeforeHeaders => hang(stream),
        Behaviour::HangAfterHeaders => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")?;
            hang(stream)
        }
        Behaviour::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(b"goroutine 7 [select]:\nmain.f()\n\t/x.go:1 +0x1\n\n")?;
            }
        }
        Behaviour::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            for byte in healthy() {
                stream.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Behaviour::BreakOff => {
            let body = healthy();
            let half = body.len() / 2;
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )?;
            stream.write_all(&body[..half])
        }
        Behaviour::Alternate if nth.is_multiple_of(2) => {
            send(stream, "200 OK", &dump("go1.26_http_debug0.pb.gz"))
        }
        Behaviour::Alternate => send(stream, "200 OK", &dump("go1.27_http_debug0.pb.gz")),
        Behaviour::CutOff if detail => send(stream, "200 OK", &cut_off()),
        Behaviour::CutOff => send(stream, "200 OK", &healthy()),
    }
}

/// A text that Go would have cut off: 64 MiB to the byte, mid-line.
fn cut_off() -> Vec<u8> {
    const GO_LIMIT: usize = 64 << 20;
    // Long arguments: few goroutines, so that a debug build reads them in time.
    let arguments = "0xc000123456, ".repeat(1_000);
    let block = format!("goroutine 7 [select]:\nmain.f({arguments})\n\t/main.go:17 +0x1f\n\n");
    let mut body: Vec<u8> = block.bytes().cycle().take(GO_LIMIT).collect();
    body.truncate(GO_LIMIT);
    body
}

fn send(stream: &mut TcpStream, status: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

fn redirect(stream: &mut TcpStream, to: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

/// Waits until the client gives up.
fn hang(stream: &mut TcpStream) -> std::io::Result<()> {
    let _read = stream.read(&mut [0])?;
    Ok(())
}
