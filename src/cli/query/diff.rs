//! `goroscope query diff`.

use std::path::PathBuf;

use super::{Context, Failure, Written, database, now_in, print, when};
use crate::cli::database::DatabaseArgs;
use crate::cli::progress::Amount;
use crate::clock;
use crate::model::Timestamp;
use crate::present::Zone;
use crate::query::{Compared, DiffSideAsked, Scope, diff};
use crate::store::Reader;

/// How a side that is another database begins.
const DATABASE: &str = "db:";

/// Compares two times, two builds, two services or two databases, stack by stack.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each of A and B is
  WHEN            a moment: 2h (two hours ago), yesterday, 2026-11-22 08:00, RFC 3339
  build:DIGITS    the processes of a build, by the first digits of its id
  service:NAME    a service, as it was last
  db:FILE         another database, as it was last

Examples:
  goroscope query diff yesterday now
  goroscope query diff build:5f1c build:a90e --service checkout
  goroscope query diff service:checkout-blue service:checkout-green
  goroscope query diff db:before.db db:after.db")]
pub(super) struct Args {
    /// The one side: WHEN, build:DIGITS, service:NAME or db:FILE.
    #[arg(value_name = "A", allow_hyphen_values = true)]
    a: String,

    /// The other side.
    #[arg(value_name = "B", allow_hyphen_values = true)]
    b: String,

    #[command(flatten)]
    database: DatabaseArgs,

    /// The moment at which builds, services and databases are looked at.
    #[arg(long, value_name = "WHEN", default_value = "now")]
    until: String,

    /// Only this service; may be repeated.
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,

    /// Only this instance (host:port); may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    instance: Vec<String>,

    /// Rows shown; 0 for all.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    #[command(flatten)]
    written: Written,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let path = |word: &str| match word.strip_prefix(DATABASE) {
        Some(file) => Ok(PathBuf::from(file)),
        None => database::find(&args.database, context),
    };
    let (path_a, path_b) = (path(&args.a)?, path(&args.b)?);
    let of_a = Reader::open(&path_a)?;
    // One file is read as of one moment.
    let other = (path_a != path_b)
        .then(|| Reader::open(&path_b))
        .transpose()?;
    let of_b = other.as_ref().unwrap_or(&of_a);
    let now = now_in(of_b, now_in(&of_a, clock::now())?)?;
    let zone = context.output.draw().zone;
    let until = when::option("--until", &args.until, now, zone)?;
    let scope = Scope {
        since: Timestamp::from_millis(0),
        until,
        services: args.service.clone(),
        instances: args.instance.clone(),
    };
    let (a, b) = (compared(&args.a, now, zone)?, compared(&args.b, now, zone)?);
    let sides = [
        DiffSideAsked {
            word: &args.a,
            compared: &a,
            reader: &of_a,
        },
        DiffSideAsked {
            word: &args.b,
            compared: &b,
            reader: of_b,
        },
    ];
    context.output.begin("reading the history", Amount::Unknown);
    let answer = diff(sides, &scope, args.limit)?;
    print(&answer, args.written, context)
}

/// What a word for a side means.
fn compared(word: &str, now: Timestamp, zone: Zone) -> Result<Compared, Failure> {
    if word.starts_with(DATABASE) {
        return Ok(Compared::Database);
    }
    if let Some(name) = word.strip_prefix("service:") {
        return Ok(Compared::Service(name.to_owned()));
    }
    if let Some(digits) = word.strip_prefix("build:") {
        return Ok(Compared::Build(digits.to_ascii_lowercase()));
    }
    // Two hours ago is `2h` as in --since, and `-2h` to many.
    let ago = word.strip_prefix('-').unwrap_or(word);
    let moment = when::parse(ago, now, zone).map_err(|error| {
        Failure::usage(error).hint("a side may be build:DIGITS, service:NAME or db:FILE as well")
    })?;
    Ok(Compared::Time(moment))
}
