//! `goroscope query top-growers`.

use clap::ValueEnum;

use super::{Common, Context, Ending, Failure, ends, open, print};
use crate::query::{Sort, TopGrowersRequest, top_growers};

/// Shows which stacks grew most and did not come back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query top-growers --since 24h --service checkout")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    ending: Ending,

    /// Rows shown; 0 for all.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Growth below this is left out.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3,
        allow_negative_numbers = true
    )]
    min_growth: i64,

    /// What does not grow by verdict too.
    #[arg(long)]
    all: bool,

    /// What an ignore rule takes out too, with the reason.
    #[arg(long)]
    ignored: bool,

    /// `rate` (its lower bound), `growth`, `count` or `first-seen`.
    #[arg(long, value_enum, default_value_t = Order::Rate, hide_possible_values = true)]
    sort: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    Rate,
    Growth,
    Count,
    FirstSeen,
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let sort = match args.sort {
        Order::Rate => Sort::Rate,
        Order::Growth => Sort::Growth,
        Order::Count => Sort::Count,
        Order::FirstSeen => Sort::FirstSeen,
    };
    let request = TopGrowersRequest {
        scope,
        min_growth: args.min_growth,
        all: args.all,
        ignored: args.ignored,
        limit: args.limit,
        sort,
    };
    let answer = top_growers(&reader, &request)?;
    print(&answer, args.common.written, context)?;
    let distinct = answer.signatures.iter().map(|row| row.verdict);
    ends(&args.ending, answer.loudest.into_iter().chain(distinct))
}
