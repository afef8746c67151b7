//! `goroscope demo`: the main job, shown on a fleet that is simulated; and that fleet alone, as a load.

mod stage;

use std::path::PathBuf;
use std::time::Duration;

use super::failure::Failure;
use super::{Context, runtime};
use crate::daemon::EndSignals;
use crate::present::{Draw, Page};
use crate::simulate::fleet::Fleet;
use crate::simulate::serve::Site;
use crate::simulate::{load, story};
use stage::Stage;

/// Shows what goroscope does, on a simulated fleet.
///
/// Needs no config, no Go and nothing of yours. A small shop is simulated inside goroscope: three services
/// whose seven instances serve real pprof forms on loopback. They leak, fill pools, restart and are deployed.
/// The daemon watches them for 40 seconds, as `goroscope run` does, and then the history is asked what leaks.
///
/// With --instances the fleet is of any size, and with --serve it is only served, until Ctrl-C: a load to
/// measure a daemon with.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope demo                                        see it work, in under a minute
  goroscope demo --for 2m --keep shop                   longer, with the history in ./shop
  goroscope demo --serve --instances 1000 --keep load   a thousand processes, until Ctrl-C
  goroscope run --config load/goroscope.toml            watches these, from another terminal")]
pub(super) struct Args {
    /// How long the fleet is watched: 2s or more.
    #[arg(long = "for", value_name = "DURATION", default_value = "40s", value_parser = span, conflicts_with = "serve")]
    watched: Duration,

    /// The folder of config and history, which must not have any yet. Else one in the folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,

    /// Only serve the fleet, until Ctrl-C, with a config that is ready for `goroscope run`.
    #[arg(long)]
    serve: bool,

    /// Instead of the shop, so many instances.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    instances: Option<u32>,

    /// So many groups in each of --instances.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        requires = "instances"
    )]
    groups: u32,

    /// The same number gives the same fleet.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// The shop is polled this often, and more often where it is watched for a short time only.
const INTERVAL: Duration = Duration::from_millis(500);
/// What a config allows at least.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// Polls of an instance that answers need at least.
const POLLS: u32 = 40;
/// A larger fleet is polled this often where it is only served.
const SERVED_INTERVAL: Duration = Duration::from_secs(30);
/// From one look to the next of an instance, for each instance there is: 200 looks a second.
const PER_INSTANCE: Duration = Duration::from_millis(5);
/// How long the story of the shop takes where it is only served.
const SERVED_STORY: Duration = Duration::from_hours(1);

/// Columns of a line of prose.
const WIDEST: u16 = 120;

fn span(word: &str) -> Result<Duration, String> {
    let allowed = Duration::from_secs(2)..=Duration::from_hours(24);
    super::when::time_span(word)
        .ok()
        .filter(|span| allowed.contains(span))
        .ok_or_else(|| "give a duration from 2s to 24h, such as 2m".to_owned())
}

/// Serves the command.
pub(super) fn demo(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let folder = stage::folder(args.keep.as_deref())?;
    let runtime = runtime()?;
    let site = runtime
        .block_on(Site::bind(args.fleet()))
        .map_err(|error| Failure::system(&error, "failed to serve the simulated fleet"))?;
    let stage = Stage::set(folder, &site, args.interval())?;
    let mut signals = runtime
        .block_on(async { EndSignals::listen() })
        .map_err(|error| Failure::system(&error, "failed to listen for signals"))?;
    if args.serve {
        tell(&stage.served(), context)?;
        runtime.block_on(async {
            tokio::select! {
                () = site.serve() => {}
                _ = signals.next() => {}
            }
        });
        context.output.remark(&stage.stays());
        return Ok(());
    }
    tell(&stage.begins(args), context)?;
    let config = stage.config(context)?;
    let watched = stage.watch(site, config, args.watched, &mut signals);
    let stopped = runtime.block_on(watched)?;
    // What still runs only reads.
    runtime.shutdown_background();
    if let Some(signal) = stopped {
        return Err(Failure::stopped_by(signal, stage.stays()));
    }
    for question in ["top-growers", "shared", "first-seen --only-growing"] {
        stage.ask(question, context)?;
    }
    tell(&stage.ends()?, context)
}

/// Tells sentences and commands, in lines that are no wider than people read.
fn tell(text: &str, context: &mut Context) -> Result<(), Failure> {
    let mut page = Page::default();
    for line in text.split_inclusive('\n') {
        // Commands, to be copied as they are.
        if line.starts_with("  ") {
            page.verbatim(line);
        } else {
            page.lines(line);
        }
    }
    let draw = context.output.draw();
    let width = draw.width.map_or(WIDEST, |width| width.min(WIDEST));
    let draw = Draw {
        width: Some(width),
        ..draw
    };
    context.output.page(page, draw)
}

impl Args {
    fn fleet(&self) -> Fleet {
        let story = if self.serve {
            SERVED_STORY
        } else {
            self.watched
        };
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        match self.instances {
            Some(instances) => load::fleet(self.seed, number(instances), number(self.groups)),
            None => story::shop(self.seed, story),
        }
    }

    /// How often each instance is polled.
    fn interval(&self) -> Duration {
        match self.instances {
            Some(_) if self.serve => SERVED_INTERVAL,
            Some(instances) => (PER_INSTANCE * instances).clamp(INTERVAL, SERVED_INTERVAL),
            None => {
                let millis = (self.watched / POLLS).as_millis();
                Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
                    .clamp(LEAST_INTERVAL, INTERVAL)
            }
        }
    }
}
