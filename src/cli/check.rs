//! `goroscope check`: what the daemon would say, without starting it.

use std::path::PathBuf;

use clap::Subcommand;

use super::Context;
use super::failure::Failure;
use crate::clock;
use crate::config;
use crate::present::{plural, rule_ended};

/// Checks a config file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  goroscope check config goroscope.toml")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reads a config file and tells every mistake in it; exit code 78 when there is one.
    #[command(after_help = "\
Examples:
  goroscope check config
  goroscope check config /etc/goroscope.toml")]
    Config {
        /// The file.
        #[arg(value_name = "FILE", default_value = "goroscope.toml")]
        file: PathBuf,
    },
}

/// Serves the command.
pub(super) fn check(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let What::Config { file } = &args.what;
    let config = config::load(file, &context.environment)?;
    let instances: usize = config
        .services
        .iter()
        .map(|service| service.instances.len())
        .sum();
    context.output.data(&format!(
        "{}: ok, {} with {} into {}\n",
        file.display(),
        plural(config.services.len() as u64, "service"),
        plural(instances as u64, "instance"),
        config.storage.path.display(),
    ))?;
    let (now, zone) = (clock::now(), context.output.draw().zone);
    for (nth, rule) in config.ignore.iter().enumerate() {
        if rule.has_ended(now) {
            let told = rule_ended(rule, zone);
            context
                .output
                .remark(&format!("warning: ignore[{nth}]: {told}"));
        }
    }
    Ok(())
}
