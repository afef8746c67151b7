//! One request: bounded in time and bytes, parsed as it streams in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::redirect::Policy;
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;

use super::failure;
use crate::dump::{Event, Facts, Reader};
use crate::model::Failure;

/// A connection that takes longer is none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections being made at once: dead hosts wait here, not where answers are read.
const MAX_CONNECTING: usize = 1_024;
/// Reading a profile beyond this many bytes takes milliseconds.
const LARGE_PROFILE: usize = 1 << 20;
/// Redirects followed, all to the same origin.
const MAX_REDIRECTS: usize = 3;

/// What one request may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte sent to the last byte read.
    pub timeout: Duration,
    /// Bytes of the answer after decompression, inclusive.
    pub body: u64,
}

/// Makes requests. Cheap to share; holds the connections that are kept alive.
#[derive(Debug)]
pub struct Fetcher {
    client: reqwest::Client,
    /// Answers being read and parsed at once.
    bodies: Arc<Semaphore>,
}

/// How far a request has come, for the sentence about its time-out.
#[derive(Debug, Default)]
struct Progress {
    headers: AtomicBool,
    bytes: AtomicU64,
}

impl Fetcher {
    /// A fetcher that reads at most `max_bodies` answers at once. Fails when TLS cannot be set up.
    pub fn new(max_bodies: usize) -> Result<Self, reqwest::Error> {
        // A second installation fails, and the first one is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .user_agent(concat!("goroscope/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .connector_layer(GlobalConcurrencyLimitLayer::new(MAX_CONNECTING))
            .redirect(same_origin())
            .http1_only()
            .pool_max_idle_per_host(1)
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            bodies: Arc::new(Semaphore::new(max_bodies)),
        })
    }

    /// Requests `url` and hands on what the answer holds, in order, as it comes.
    pub async fn fetch(
        &self,
        url: &str,
        limits: Limits,
        on: &mut (impl FnMut(Event<'_>) + Send),
    ) -> Result<Facts, Failure> {
        let progress = Progress::default();
        let reading = self.read(url, limits.body, &progress, on);
        match tokio::time::timeout(limits.timeout, reading).await {
            Ok(result) => result,
            Err(_) => Err(failure::timeout(
                limits.timeout,
                progress.headers.load(Ordering::Relaxed),
                progress.bytes.load(Ordering::Relaxed),
            )),
        }
    }

    async fn read(
        &self,
        url: &str,
        limit: u64,
        progress: &Progress,
        on: &mut (impl FnMut(Event<'_>) + Send),
    ) -> Result<Facts, Failure> {
        let broken = |error: reqwest::Error| failure::request(&error, CONNECT_TIMEOUT);
        let mut answer = self.client.get(url).send().await.map_err(broken)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(failure::status(answer.status()));
        }
        progress.headers.store(true, Ordering::Relaxed);
        // The permit is taken once bytes come, so that hosts that hang starve nobody.
        let mut next = answer.chunk().await.map_err(broken)?;
        let _permit = self.bodies.acquire().await;
        let mut reader = Reader::new(limit);
        while let Some(chunk) = next {
            progress
                .bytes
                .fetch_add(chunk.len() as u64, Ordering::Relaxed);
            reader
                .push(&chunk, on)
                .map_err(|error| failure::dump(&error))?;
            next = answer.chunk().await.map_err(broken)?;
        }
        let result = if reader.held() > LARGE_PROFILE {
            // Others go on while this one is read.
            tokio::task::block_in_place(|| reader.finish(on))
        } else {
            reader.finish(on)
        };
        let mut facts = result.map_err(|error| failure::dump(&error))?;
        // An answer is one dump, whatever a panic message in it may look like.
        Ok(facts.swap_remove(0))
    }
}

/// Follows redirects within one origin: credentials and questions meant for one host go to no
/// other.
fn same_origin() -> Policy {
    Policy::custom(|attempt| {
        let same = attempt
            .previous()
            .last()
            .is_some_and(|previous| previous.origin() == attempt.url().origin());
        if !same {
            attempt.error("it leads to another origin")
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("there are more than three")
        } else {
            attempt.follow()
        }
    })
}
