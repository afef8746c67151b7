//! `goroscope export`: a history, or a part of it, as text.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::database::{self, DatabaseArgs};
use super::failure::Failure;
use super::import::Format;
use super::progress::Amount;
use super::{Context, when};
use crate::clock;
use crate::present::grouped;
use crate::store::Reader;
use crate::transfer::{self, Wanted};

/// Writes the history to stdout, one JSON object a line: what `goroscope import` takes.
///
/// A whole history comes with all that polling has built up, so that an import of it answers every
/// question alike. The format is in docs/NDJSON.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope export | zstd > history.ndjson.zst
  goroscope export --since 24h --service checkout | jq .groups")]
pub(super) struct Args {
    /// What is written: `ndjson`.
    #[arg(long, value_enum, default_value_t = Format::Ndjson, hide_possible_values = true)]
    format: Format,

    /// Only from here on: 24h, 7d, yesterday, 2026-11-22 08:00, RFC 3339.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,

    /// Only up to here.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,

    /// Only this service; may be repeated.
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,

    /// Only this instance (host:port); may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    instance: Vec<String>,

    #[command(flatten)]
    database: DatabaseArgs,
}

/// Serves the command.
pub(super) fn export(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let Format::Ndjson = args.format;
    let (zone, now) = (context.output.draw().zone, clock::now());
    let moment = |flag: &'static str, word: &Option<String>| {
        let word = word.as_deref();
        word.map(|word| when::option(flag, word, now, zone))
            .transpose()
    };
    let wanted = Wanted {
        since: moment("--since", &args.since)?,
        until: moment("--until", &args.until)?,
        services: args.service.clone(),
        instances: args.instance.clone(),
    };
    if let (Some(since), Some(until)) = (wanted.since, wanted.until)
        && since > until
    {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        return Err(when::backwards(&word(&args.since), &word(&args.until)));
    }
    let reader = Reader::open(&database::find(&args.database, context)?)?;
    let written = Arc::new(AtomicU64::new(0));
    context
        .output
        .begin("writing the history", Amount::Bytes(Arc::clone(&written)));
    let mut stream = Counted {
        stream: context.output.stream(),
        written: &written,
    };
    let exported = transfer::export(&reader, &wanted, &mut stream)?;
    context.output.data("")?;
    if exported.damaged == 0 {
        return Ok(());
    }
    Err(Failure::plain(format!(
        "{} looks are damaged in the database and were left out; {} were written",
        grouped(exported.damaged),
        grouped(exported.looks)
    ))
    .hint("`goroscope db check` tells what is damaged, and moves it into quarantine"))
}

/// A stream that counts what is written to it.
struct Counted<'s> {
    stream: &'s mut dyn Write,
    written: &'s AtomicU64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.stream.write(bytes)?;
        self.written.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
