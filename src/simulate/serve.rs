//! The simulated fleet over HTTP, on loopback: what `net/http/pprof` answers.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::fleet::{Fleet, Go, Moment};
use super::profile::{Book, Of};
use super::text;
use crate::clock;

/// A port for each instance up to this many; beyond it they share [`SHARED_PORTS`], told apart by their paths.
const OWN_PORTS: usize = 32;
const SHARED_PORTS: usize = 8;
/// After a connection that could not be taken, the next one waits so long.
const MAKE_ROOM: Duration = Duration::from_millis(50);
/// Where pprof is on a port of its own.
const HOME: &str = "/debug/pprof";

/// A fleet whose ports are taken.
#[derive(Debug)]
pub struct Site {
    listeners: Vec<TcpListener>,
    served: Arc<Served>,
}

#[derive(Debug)]
struct Served {
    fleet: Fleet,
    /// What of their profiles is always the same, by service.
    books: Vec<Book>,
    has_own_ports: bool,
    begun: Instant,
}

impl Site {
    /// Takes free ports of loopback. Its time begins now.
    pub async fn bind(fleet: Fleet) -> io::Result<Self> {
        let instances = fleet.instances();
        let has_own_ports = instances <= OWN_PORTS;
        let ports = if has_own_ports {
            instances
        } else {
            SHARED_PORTS
        };
        let mut listeners = Vec::with_capacity(ports);
        for _ in 0..ports {
            listeners.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        }
        let books = fleet.services().iter().map(Book::of).collect();
        let served = Served {
            fleet,
            books,
            has_own_ports,
            begun: Instant::now(),
        };
        Ok(Self {
            listeners,
            served: Arc::new(served),
        })
    }

    /// Where each instance has its pprof, with the name of its service.
    pub fn targets(&self) -> io::Result<Vec<(&str, String)>> {
        let ports = self.listeners.iter().map(TcpListener::local_addr);
        let ports = ports.collect::<io::Result<Vec<_>>>()?;
        let fleet = &self.served.fleet;
        let named = (0..fleet.instances()).zip(ports.iter().cycle());
        let named = named.filter_map(|(nth, port)| {
            let service = fleet.services().get(fleet.service_of(nth)?)?;
            let path = if self.served.has_own_ports {
                HOME.to_owned()
            } else {
                format!("/i/{nth}{HOME}")
            };
            Some((service.name.as_str(), format!("http://{port}{path}")))
        });
        Ok(named.collect())
    }

    /// Answers requests until it is dropped.
    pub async fn serve(self) {
        let mut ports = JoinSet::new();
        for (nth, listener) in self.listeners.into_iter().enumerate() {
            let own = self.served.has_own_ports.then_some(nth);
            ports.spawn(accept(listener, Arc::clone(&self.served), own));
        }
        while ports.join_next().await.is_some() {}
    }
}

/// Answers what comes to one port; `own` is the instance whose port it is alone.
async fn accept(listener: TcpListener, served: Arc<Served>, own: Option<usize>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&served), own));
                }
                // Too many open files, say: connections that end make room.
                Err(_) => tokio::time::sleep(MAKE_ROOM).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, request after request.
async fn converse(stream: TcpStream, served: Arc<Served>, own: Option<usize>) {
    let answer = |request: Request<Incoming>| {
        let answer = served.answer(request.uri().path(), request.uri().query(), own);
        async { Ok::<_, Infallible>(answer) }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    // A client that has gone is its own affair.
    let _gone = connection.await;
}

impl Served {
    fn answer(&self, path: &str, query: Option<&str>, own: Option<usize>) -> Response<Full<Bytes>> {
        let found = instance(path, own).and_then(|(instance, profile)| {
            let service = self.fleet.service_of(instance)?;
            let book = self.books.get(service)?;
            let moment = self.fleet.moment(instance, self.begun.elapsed())?;
            Some((book, moment, profile))
        });
        let Some((book, moment, profile)) = found else {
            return plain(StatusCode::NOT_FOUND, "404 page not found\n");
        };
        let of = match profile {
            "" => return index(&moment),
            "goroutine" => Of::Goroutines,
            "goroutineleak" if moment.service.go == Go::V1_27 => Of::Leaks,
            _ => return plain(StatusCode::NOT_FOUND, "Unknown profile\n"),
        };
        let debug =
            query.and_then(|query| query.split('&').find_map(|key| key.strip_prefix("debug=")));
        match debug {
            None | Some("0") => profile_answer(profile, book.profile(&moment, of, clock::now())),
            Some("1") => plain(StatusCode::OK, text::counts(&moment, of)),
            Some(_) => plain(StatusCode::OK, text::goroutines(&moment, of)),
        }
    }
}

/// The instance that a path is of, and the profile that it names.
fn instance(path: &str, own: Option<usize>) -> Option<(usize, &str)> {
    let (instance, rest) = if let Some(own) = own {
        (own, path)
    } else {
        let rest = path.strip_prefix("/i/")?;
        let number = rest.split('/').next()?;
        (number.parse().ok()?, rest.strip_prefix(number)?)
    };
    let profile = rest.strip_prefix(HOME)?;
    Some((instance, profile.strip_prefix('/')?))
}

fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

fn profile_answer(profile: &str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut answer = typed(StatusCode::OK, "application/octet-stream", body);
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{profile}\"")) {
        answer
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, name);
    }
    answer
}

fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}

/// The page that lists the profiles.
fn index(moment: &Moment<'_>) -> Response<Full<Bytes>> {
    let leaks = match moment.service.go {
        Go::V1_25 => "",
        Go::V1_27 => {
            "<tr><td>0</td><td><a href='goroutineleak?debug=1'>goroutineleak</a></td></tr>\n"
        }
    };
    let page = format!(
        "<html>\n<head>\n<title>/debug/pprof/</title>\n</head>\n<body>\n/debug/pprof/ (simulated by goroscope)\n\
         <table>\n<thead><td>Count</td><td>Profile</td></thead>\n\
         <tr><td>{}</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>\n{leaks}</table>\n\
         <a href=\"goroutine?debug=2\">full goroutine stack dump</a>\n</body>\n</html>\n",
        moment.goroutines() + 1
    );
    typed(StatusCode::OK, "text/html; charset=utf-8", page)
}
