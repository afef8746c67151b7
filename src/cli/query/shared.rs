//! `goroscope query shared`.

use super::{Choice, Common, Context, Ending, Failure, ends, open, print};
use crate::query::{Across, shared};

/// Shows which instances, in one service or several, share the same leak.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope query shared --since 24h")]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    ending: Ending,

    /// Signatures shown; 0 for all.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// What a leak must be shared across: two or more of instance, service, or label=NAME (an instance label).
    #[arg(long, value_name = "WHAT", default_value = "instance", value_parser = ACROSS, hide_possible_values = true)]
    across: Across,

    /// Instances on which it grew by less are left out.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3,
        allow_negative_numbers = true
    )]
    min_growth: i64,
}

const ACROSS: Choice<Across> = Choice {
    words: &["instance", "service", "label="],
    read: across,
};

fn across(word: &str) -> Result<Across, String> {
    match word.split_once('=') {
        None if word == "instance" => Ok(Across::Instances),
        None if word == "service" => Ok(Across::Services),
        Some(("label", name)) if !name.is_empty() => Ok(Across::Label(name.to_owned())),
        _ => Err("give instance, service, or label=NAME such as label=env".to_owned()),
    }
}

/// Serves the command.
pub(super) fn answer(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let (reader, scope) = open(&args.common, context)?;
    let answer = shared(&reader, &scope, (args.min_growth, &args.across), args.limit)?;
    print(&answer, args.common.written, context)?;
    ends(&args.ending, answer.loudest.into_iter())
}
