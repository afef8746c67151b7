//! What one client does from connecting to going away.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fastrand::Rng;

use crate::load::Place;
use crate::servers::Addresses;
use crate::watched::Http;

pub(crate) type Session = fn(&Addresses, &Place, &mut Rng) -> std::io::Result<()>;

const TEXT: &str = "text/plain";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Seconds between two requests: most soon, some late, a few while the connection idles for minutes.
fn pause(rng: &mut Rng) -> f64 {
    match rng.u8(0..20) {
        0 => 10.0 + 110.0 * rng.f64(),
        1..5 => 2.0 + 6.0 * rng.f64(),
        _ => 0.1 + 1.5 * rng.f64(),
    }
}

/// One to forty requests on one connection, which then closes or idles first.
fn requests(
    at: SocketAddr,
    place: &Place,
    rng: &mut Rng,
    mut next: impl FnMut(&mut Rng) -> (String, &'static str, String),
) -> std::io::Result<()> {
    let mut http = Http::connect(at)?;
    for _ in 0..rng.u32(1..40) {
        if !place.is_open() {
            break;
        }
        let (what, kind, body) = next(rng);
        http.send(&what, kind, &body)?;
        http.answer()?;
        place.wait(pause(rng));
    }
    Ok(())
}

pub(crate) fn prometheus(at: &Addresses, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    requests(at.prometheus, place, rng, |rng| {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_secs();
        let query = rng.choice([
            "up",
            "sum%28rate%28prometheus_http_requests_total%5B1m%5D%29%29%20by%20%28handler%29",
            "topk%285%2Cgo_goroutines%29",
        ]);
        let query = query.unwrap_or_default();
        let range = format!("query={query}&start={}&end={now}&step=15", now - 600);
        match rng.u8(0..8) {
            0 => ("POST /api/v1/query_range".to_owned(), FORM, range),
            1 => ("GET /api/v1/labels".to_owned(), TEXT, String::new()),
            2 => ("GET /metrics".to_owned(), TEXT, String::new()),
            3 => ("GET /api/v1/targets".to_owned(), TEXT, String::new()),
            _ => (
                format!("GET /api/v1/query?query={query}"),
                TEXT,
                String::new(),
            ),
        }
    })
}

pub(crate) fn caddy(at: &Addresses, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    requests(at.caddy, place, rng, |rng| {
        let path = match rng.u8(0..10) {
            0 => "/api/v1/query?query=up",
            1 => "/metrics",
            _ => "/",
        };
        (format!("GET {path}"), TEXT, String::new())
    })
}

pub(crate) fn victoria(at: &Addresses, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    requests(at.victoria, place, rng, |rng| {
        if rng.u8(0..4) > 0 {
            let sample = |nth: u8| format!("load{{nth=\"{nth}\"}} {}\n", rng.u32(0..1000));
            let samples = (0..20).map(sample).collect();
            return ("POST /api/v1/import/prometheus".to_owned(), TEXT, samples);
        }
        let query = "GET /api/v1/query_range?query=sum(load)&step=15s";
        (query.to_owned(), TEXT, String::new())
    })
}

pub(crate) fn node(at: &Addresses, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    requests(at.node, place, rng, |rng| {
        place.wait(5.0 * rng.f64());
        ("GET /metrics".to_owned(), TEXT, String::new())
    })
}

/// A key or value in base64, as the gateway wants it: letters of which each four are three bytes.
fn letters(rng: &mut Rng, fours: usize) -> String {
    (0..4 * fours).map(|_| rng.lowercase()).collect()
}

pub(crate) fn etcd(at: &Addresses, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    match rng.u8(0..10) {
        0..3 => watch(at.etcd, place, rng),
        3..5 => lease(at.etcd, place, rng),
        _ => requests(at.etcd, place, rng, |rng| {
            let key = letters(rng, 1);
            if rng.bool() {
                let body = format!(r#"{{"key":"{key}","value":"{}"}}"#, letters(rng, 16));
                return ("POST /v3/kv/put".to_owned(), JSON, body);
            }
            let body = format!(r#"{{"key":"{key}","range_end":"AA==","limit":10}}"#);
            ("POST /v3/kv/range".to_owned(), JSON, body)
        }),
    }
}

/// A watcher of all keys, for 5 s to 4 min.
fn watch(at: SocketAddr, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    let mut http = Http::connect(at)?;
    let all = r#"{"create_request":{"key":"AA==","range_end":"AA=="}}"#;
    http.send("POST /v3/watch", JSON, all)?;
    place.wait(5.0 + 235.0 * rng.f64().powi(2));
    Ok(())
}

/// A lease that is kept alive for a while, then given back or left to end.
fn lease(at: SocketAddr, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    let mut http = Http::connect(at)?;
    let mut ask = |path: &str, body: &str| {
        http.send(&format!("POST /v3/{path}"), JSON, body)?;
        let answer = String::from_utf8_lossy(&http.answer()?).into_owned();
        Ok::<_, std::io::Error>(answer)
    };
    let granted = ask("lease/grant", r#"{"TTL":"20"}"#)?;
    let (_, id) = granted.split_once(r#""ID":""#).unwrap_or_default();
    let id = id.split('"').next().unwrap_or_default();
    let this = format!(r#"{{"ID":"{id}"}}"#);
    for _ in 0..rng.u32(1..12) {
        ask("lease/keepalive", &this)?;
        place.wait(8.0);
    }
    if rng.bool() {
        ask("kv/lease/revoke", &this)?;
    }
    Ok(())
}

pub(crate) fn nats(at: &Addresses, place: &Place, rng: &mut Rng) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&at.nats, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n")?;
    for subscription in 0..rng.u32(0..5) {
        let subject = rng.u8(0..8);
        stream.write_all(format!("SUB load.{subject} {subscription}\r\n").as_bytes())?;
    }
    let mut drained = [0; 16_384];
    for _ in 0..rng.u32(1..60) {
        if !place.is_open() {
            break;
        }
        let message = letters(rng, 8);
        let subject = rng.u8(0..8);
        let publish = format!(
            "PUB load.{subject} {}\r\n{message}\r\nPING\r\nPONG\r\n",
            message.len()
        );
        stream.write_all(publish.as_bytes())?;
        while let Ok(read) = stream.read(&mut drained) {
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        place.wait(pause(rng));
    }
    Ok(())
}
