//! Where log lines go: to stderr, as text for people or as JSON for machines.

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One readable line each.
    Text,
    /// One JSON object each.
    Json,
}

/// Starts logging. `filter` is a level (`info`) or directives (`goroscope::store=debug`); a filter
/// that cannot be read is an error that names it.
pub fn start(filter: &str, format: LogFormat, colour: bool) -> Result<(), String> {
    let directives = EnvFilter::try_new(filter)
        .map_err(|error| format!("log filter `{filter}` cannot be read: {error}"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(directives)
        .with_writer(std::io::stderr)
        // A closed stderr must cost log lines, not the thread that wrote them.
        .log_internal_errors(false)
        .with_target(false)
        .with_ansi(colour);
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| format!("logging cannot be started: {error}"))
}
