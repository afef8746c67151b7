//! The next step where a target gives no goroutines.

use std::error::Error;
use std::time::Duration;

use super::failure::Failure as Refusal;
use super::when::time_span;
use crate::model::{Failure, FailureReason, InstanceId};

/// Where pprof is when a target does not say.
pub(super) const PPROF_PATH: &str = "/debug/pprof";
/// A detail that would stop a process for longer is not made unasked.
pub(super) const MAX_STOP: Duration = Duration::from_millis(50);
/// Decompressed bytes of an answer.
pub(super) const BODY_LIMIT: u64 = 64 << 20;

/// The limit of one request, by its word.
pub(super) fn limit(word: &str) -> Result<Duration, String> {
    match time_span(word)? {
        Duration::ZERO => {
            Err("nothing answers in no time; give 1s or more for a busy process".to_owned())
        }
        limit => Ok(limit),
    }
}

/// A target as it was typed, but for a user name and password in it; what is empty is seen.
pub(super) fn without_password(word: &str) -> String {
    if word.is_empty() {
        return "''".to_owned();
    }
    let hidden = word.rsplit_once('@').map(|(_, rest)| format!("…@{rest}"));
    hidden.unwrap_or_else(|| word.to_owned())
}

/// No request can be made at all.
pub(super) fn no_client(error: &dyn Error) -> Refusal {
    Refusal::error(error)
        .doing("failed to set up the HTTP client")
        .hint("TLS needs the certificates of the system (ca-certificates)")
}

/// The next step after `failure`, which says what a request for the goroutines of `instance` came to.
pub(super) fn next_step(instance: &InstanceId, failure: &Failure) -> String {
    let url = instance.profile_url("goroutine", "debug=0");
    let (scheme, address) = (&instance.scheme, &instance.address);
    match failure.reason {
        FailureReason::NotFound | FailureReason::NotADump => format!(
            "{url} was asked: the program must import _ \"net/http/pprof\" and serve http.DefaultServeMux there; \
             where pprof is under another path, name it: {scheme}://{address}/PATH"
        ),
        FailureReason::Connect => no_connection(instance, &failure.message),
        FailureReason::Timeout => format!(
            "{url} was asked; --timeout 60s waits longer, and `curl -m 60 -o /dev/null '{url}'` tells whether it answers"
        ),
        FailureReason::Unauthorized => format!(
            "{url} was asked, and goroscope sends no credentials: ask a port that only trusted hosts reach, or save \
             the answer of `curl -u USER '{url}'` and give that file to `goroscope snapshot`"
        ),
        // So a Go server tells that it wants TLS.
        FailureReason::HttpStatus if &**scheme == "http" && failure.message.contains("400") => {
            format!(
                "{url} was asked; where the server speaks TLS: https://{address}{}",
                instance.path
            )
        }
        FailureReason::HttpStatus => {
            format!("{url} was asked; `curl -i '{url}'` shows what the server says")
        }
        FailureReason::Redirect => {
            format!("{url} was asked; `curl -i '{url}'` shows where it leads")
        }
        FailureReason::TooLarge => format!(
            "{url} was asked; `curl -s '{url}' > dump` takes it whole, and `goroscope snapshot dump` reads it"
        ),
        FailureReason::Malformed | FailureReason::Interrupted => format!(
            "{url} was asked; try again, and see whether something between here and {address} changes the answer: \
             `curl -sS '{url}' > dump`"
        ),
        FailureReason::SeveralProcesses => {
            "name each process behind this address as a target of its own".to_owned()
        }
        FailureReason::Internal => {
            format!("{url} was asked; please report this with the lines above")
        }
    }
}

fn no_connection(instance: &InstanceId, message: &str) -> String {
    let address = &instance.address;
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    if message.contains("lookup") {
        return format!(
            "nobody here knows the name `{host}`: check how it is spelt, or give the IP address"
        );
    }
    if &*instance.scheme == "https" && !message.contains("refused") && !message.contains("within") {
        return format!(
            "the server must speak TLS and have a certificate that this system trusts; without TLS: \
             http://{address}{}",
            instance.path
        );
    }
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let reach = if is_here {
        ""
    } else {
        ", not on 127.0.0.1 alone"
    };
    format!(
        "is the process running, and does it serve pprof on port {port}{reach}? `curl -sS '{}'` asks the same",
        instance.profile_url("goroutine", "debug=0")
    )
}
