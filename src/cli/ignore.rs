//! `goroscope ignore`: rules for what is known and fine.

use clap::Subcommand;

use super::database::{self, DatabaseArgs};
use super::failure::Failure;
use super::{Context, query};
use crate::clock;
use crate::present::text;
use crate::query::draft_rule;
use crate::store::Reader;

/// Writes rules for what grows and is fine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope ignore snippet 7f3a91c2 >> goroscope.toml")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Prints an `[[ignore]]` table for one stack, to be put into the config.
    #[command(after_help = "Example:\n  goroscope ignore snippet 7f3a91c2 >> goroscope.toml")]
    Snippet {
        /// The first digits of a signature, 4 at least.
        #[arg(value_name = "SIGNATURE")]
        signature: String,

        #[command(flatten)]
        database: DatabaseArgs,
    },
}

/// Serves the command.
pub(super) fn ignore(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let What::Snippet {
        signature,
        database,
    } = &args.what;
    let reader = Reader::open(&database::find(database, context)?)?;
    let signature = query::signature(&reader, signature)?;
    let draft = draft_rule(&reader, &signature)?;
    let text = text::rule_draft(&draft, clock::now()).ok_or_else(|| {
        Failure::plain("nothing names a function of this stack, so no rule can".to_owned())
            .hint("`goroscope query show SIGNATURE` shows what is known of it")
    })?;
    context.output.data(&text)
}
