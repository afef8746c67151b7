//! From whatever went wrong to a [`Failure`]: a reason to count by and a sentence with the way out.

use std::error::Error;
use std::time::Duration;

use crate::dump::DumpError;
use crate::model::{Failure, FailureReason};

pub(super) fn status(code: reqwest::StatusCode) -> Failure {
    let (reason, hint) = match code.as_u16() {
        404 => (
            FailureReason::NotFound,
            ": nothing serves pprof under this path; import _ \"net/http/pprof\" there, or name another path",
        ),
        401 | 403 => (
            FailureReason::Unauthorized,
            ": the target wants credentials",
        ),
        _ => (FailureReason::HttpStatus, ""),
    };
    Failure {
        reason,
        message: format!("the target answered {code}{hint}"),
    }
}

pub(super) fn request(error: &reqwest::Error, connect_timeout: Duration) -> Failure {
    let (reason, message) = if error.is_redirect() {
        let message = format!(
            "a redirect is not followed: {}; configure the address that it ends at",
            innermost(error)
        );
        (FailureReason::Redirect, message)
    } else if error.is_connect() && error.is_timeout() {
        let message = format!(
            "no connection within {}",
            humantime::format_duration(connect_timeout)
        );
        (FailureReason::Connect, message)
    } else if error.is_connect() {
        (
            FailureReason::Connect,
            format!("no connection: {}", innermost(error)),
        )
    } else if error.is_builder() {
        (
            FailureReason::Internal,
            format!("not a request: {}", innermost(error)),
        )
    } else {
        (
            FailureReason::Interrupted,
            format!("the answer broke off: {}", innermost(error)),
        )
    };
    Failure { reason, message }
}

pub(super) fn timeout(limit: Duration, headers: bool, bytes: u64) -> Failure {
    let limit = humantime::format_duration(limit);
    let message = match (headers, bytes) {
        (false, _) => format!("no answer within {limit}"),
        (true, 0) => format!("headers, but no body within {limit}"),
        (true, bytes) => format!("no complete answer within {limit}: {bytes} bytes came"),
    };
    Failure {
        reason: FailureReason::Timeout,
        message,
    }
}

pub(super) fn dump(error: &DumpError) -> Failure {
    let reason = match error {
        DumpError::TooLarge { .. } => FailureReason::TooLarge,
        other if other.is_other_content() => FailureReason::NotADump,
        _ => FailureReason::Malformed,
    };
    let message = match error {
        DumpError::TooLarge { .. } => {
            format!("the answer has {error}; raise `body_size_limit` if that is expected")
        }
        _ => format!("the answer is no goroutine dump that can be read: {error}"),
    };
    Failure { reason, message }
}

pub(super) fn several_processes() -> Failure {
    Failure {
        reason: FailureReason::SeveralProcesses,
        message: "several processes answer behind this one address, or one that restarts again \
                  and again; list each process as a target of its own"
            .to_owned(),
    }
}

pub(super) fn panic(payload: &(dyn std::any::Any + Send)) -> Failure {
    Failure {
        reason: FailureReason::Internal,
        message: format!("a bug in goroscope: {}", panic_message(payload)),
    }
}

/// What a panic said.
pub(super) fn panic_message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

/// The last cause: the one that names the system's error.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
