//! The address of a pprof endpoint, as written in `targets` or on the command line.

use std::net::Ipv6Addr;
use std::sync::Arc;

use super::mistake::quoted;
use crate::model::InstanceId;

/// What `net/http/pprof` serves under its index: a path that ends in one of these is a profile.
const PROFILES: [&str; 11] = [
    "allocs",
    "block",
    "cmdline",
    "goroutine",
    "goroutineleak",
    "heap",
    "mutex",
    "profile",
    "symbol",
    "threadcreate",
    "trace",
];

/// Parameters of those profiles, which a pasted URL may carry and which are dropped.
const PARAMETERS: [&str; 3] = ["debug", "gc", "seconds"];

/// One pprof endpoint, not yet of any service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `http` or `https`.
    pub scheme: Arc<str>,
    /// `host:port`, the host in lower case, an IPv6 address in brackets.
    pub address: Arc<str>,
    /// Path of the pprof index without a trailing slash, such as `/debug/pprof`; empty when the
    /// index is at the root.
    pub path: Arc<str>,
}

impl Target {
    /// The instance that this is of `service`.
    pub fn of(self, service: Arc<str>) -> InstanceId {
        InstanceId {
            service,
            scheme: self.scheme,
            address: self.address,
            path: self.path,
        }
    }
}

/// Why a word is no target, and what would be right; never repeats a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadTarget(String);

/// Reads `host:port`, or a URL of a pprof index or of one of its profiles.
///
/// `default_scheme` and `default_path` are for what `word` does not say. A port must be given
/// unless there is a scheme, whose own port (80, 443) it then is.
/// Errors: no host, no port, a user name or password, another scheme, a query.
pub fn parse_target(
    word: &str,
    default_scheme: &str,
    default_path: &str,
) -> Result<Target, BadTarget> {
    read(word, default_scheme, default_path).map_err(BadTarget)
}

/// The path of a pprof index without trailing slashes. Errors: not a plain absolute path.
pub(super) fn index_path(path: &str) -> Result<&str, String> {
    if !path.starts_with('/') {
        let right = format!("/{}", path.trim_matches('/'));
        return Err(format!(
            "{} does not begin with `/`; write {}",
            quoted(path),
            quoted(&right)
        ));
    }
    let is_plain = |c: char| c.is_ascii_graphic() && !"?#\\\"<>`{}|^".contains(c);
    match path.chars().find(|c| !is_plain(*c)) {
        Some(c) => Err(format!(
            "the path has a {}; write it percent-encoded, and without a query",
            quoted(&c.to_string())
        )),
        None => Ok(path.trim_end_matches('/')),
    }
}

fn read(word: &str, default_scheme: &str, default_path: &str) -> Result<Target, String> {
    // Before anything that would repeat the word.
    if word.contains('@') {
        return Err(
            "a user name or password (before `@`) cannot be part of a target; write `host:port`"
                .to_owned(),
        );
    }
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme, rest)) => (Some(known_scheme(scheme)?), rest),
        None => (None, word),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (host, port) = split_authority(authority)?;
    let port = match (port, scheme) {
        (Some(port), _) => port_number(port)?,
        (None, Some("http")) => 80,
        (None, Some(_)) => 443,
        (None, None) => {
            let right = format!("{host}:6060");
            return Err(format!(
                "the port is missing in {}; write it as in {}",
                quoted(word),
                quoted(&right)
            ));
        }
    };
    Ok(Target {
        scheme: scheme.unwrap_or(default_scheme).into(),
        address: format!("{host}:{port}").into(),
        path: base_path(tail, default_path)?.into(),
    })
}

fn known_scheme(word: &str) -> Result<&'static str, String> {
    ["http", "https"]
        .into_iter()
        .find(|scheme| word.eq_ignore_ascii_case(scheme))
        .ok_or_else(|| {
            format!(
                "the scheme {} is unknown; write `http` or `https`",
                quoted(word)
            )
        })
}

/// The host as it is compared, and the port as written, if it is.
fn split_authority(authority: &str) -> Result<(String, Option<&str>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        return split_ipv6(rest).ok_or_else(|| {
            format!(
                "{} is not an IPv6 address and port; write it as in `[::1]:6060`",
                quoted(authority)
            )
        });
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(format!(
            "an IPv6 address needs brackets; write `[{authority}]:6060`"
        ));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.is_empty() {
        let port = port
            .filter(|port| port_number(port).is_ok())
            .unwrap_or("6060");
        return Err(format!("the host is missing; write `localhost:{port}`"));
    }
    if port.is_none() && port_number(host).is_ok() {
        return Err(format!(
            "{host} is a port without a host; write `localhost:{host}`"
        ));
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    match host.chars().find(|c| !is_host(*c)) {
        Some(c) => Err(format!(
            "a host cannot have a {}; letters, digits, `-`, `.` and `_` make one",
            quoted(&c.to_string())
        )),
        None => Ok((host.to_ascii_lowercase(), port)),
    }
}

/// The same of an IPv6 address, `rest` being all after the opening bracket.
fn split_ipv6(rest: &str) -> Option<(String, Option<&str>)> {
    let (inside, after) = rest.split_once(']')?;
    // Read and written again, so that one address has one spelling.
    let host: Ipv6Addr = inside.parse().ok()?;
    let port = match after {
        "" => None,
        _ => Some(after.strip_prefix(':')?),
    };
    Some((format!("[{host}]"), port))
}

fn port_number(word: &str) -> Result<u16, String> {
    // The parser of Rust would take a plus sign.
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse() {
        Ok(port) if is_number && port > 0 => Ok(port),
        _ => Err(format!("{} is not a port; 1 to 65535 are", quoted(word))),
    }
}

/// The path of the index from all that follows the address.
fn base_path<'a>(tail: &'a str, default_path: &'a str) -> Result<&'a str, String> {
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let is_dropped = |pair: &str| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        name.is_empty() || PARAMETERS.contains(&name)
    };
    if !query.split('&').all(is_dropped) {
        return Err("a query (after `?`) cannot be part of a target; leave it out".to_owned());
    }
    let path = match path {
        "" => "",
        _ => index_path(path)?,
    };
    match path.rsplit_once('/') {
        None => Ok(default_path.trim_end_matches('/')),
        Some((base, profile)) if PROFILES.contains(&profile) => Ok(base.trim_end_matches('/')),
        Some(_) => Ok(path),
    }
}
