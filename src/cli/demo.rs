//! `goroscope demo`: the main job, shown on a fleet that is simulated; and that fleet alone, as a load.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::{Cli, Command, Context, query, runtime};
use crate::clock;
use crate::config::{self, Config};
use crate::daemon::Polling;
use crate::present::{escape, plural};
use crate::query::{GrowerRow, Scope, Sort, TopGrowersRequest, top_growers};
use crate::simulate::fleet::Fleet;
use crate::simulate::serve::Site;
use crate::simulate::{load, story};
use crate::store::Reader;

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
/// The bar moves on this often.
const TICK: Duration = Duration::from_millis(100);
const CONFIG: &str = "goroscope.toml";
const DATABASE: &str = "goroscope.db";

/// What there is to find in the shop.
const STORY: &str = "\
checkout leaks at a channel, search forgets its watches, and both search and billing use a library that
leaks. One search is restarted half way, and a deploy of billing brings a new leak. Pools fill and stay,
traffic comes and goes.
";

fn span(word: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(word).map_err(|error| error.to_string())?;
    if (Duration::from_secs(2)..=Duration::from_hours(24)).contains(&span) {
        Ok(span)
    } else {
        Err("give 2s to 24h".to_owned())
    }
}

/// Serves the command.
pub(super) fn demo(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let folder = folder(args.keep.as_deref())?;
    let runtime = runtime()?;
    let site = runtime
        .block_on(Site::bind(args.fleet()))
        .map_err(|error| Failure::system(&error, "failed to serve the simulated fleet"))?;
    let stage = Stage::set(folder, &site, args)?;
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    if args.serve {
        context.output.data(&stage.served())?;
        let until = async {
            tokio::select! {
                () = site.serve() => {}
                _ = signals.next() => {}
            }
        };
        runtime.block_on(until);
        return Ok(());
    }
    let config = config::load(&stage.folder.join(CONFIG), &context.environment)?;
    context.output.data(&stage.begins(args))?;
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
    let ends = stage.ends()?;
    context.output.data(&ends)
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

/// The folder that is given, or a new one.
fn folder(keep: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(folder) = keep else {
        let made = tempfile::Builder::new().prefix("goroscope-demo-").tempdir();
        let made = made.map_err(|error| Failure::system(&error, "failed to make a folder"))?;
        return Ok(made.keep());
    };
    let named = escape(&folder.to_string_lossy()).into_owned();
    let failed = |error| Failure::system(&error, &format!("failed to make `{named}`"));
    std::fs::create_dir_all(folder).map_err(failed)?;
    match [CONFIG, DATABASE]
        .iter()
        .find(|file| folder.join(file).exists())
    {
        Some(file) => Err(Failure::plain(format!("`{named}` has a {file} already"))
            .hint("name another folder, or delete it")),
        None => Ok(folder.to_owned()),
    }
}

/// Where the fleet is written down, and the history.
struct Stage {
    folder: PathBuf,
    services: usize,
    instances: usize,
    interval: Duration,
}

impl Stage {
    /// Writes a config of the fleet.
    fn set(folder: PathBuf, site: &Site, args: &Args) -> Result<Self, Failure> {
        let targets = site
            .targets()
            .map_err(|error| Failure::system(&error, "failed to ask for the own ports"))?;
        let interval = args.interval();
        let mut config = format!(
            "# A fleet that `goroscope demo` simulates; it is there while that runs.\n\n\
             [global]\ninterval = \"{}\"\n\n[storage]\npath = \"{DATABASE}\"\n",
            humantime::format_duration(interval)
        );
        let mut services = 0;
        for of_one in targets.chunk_by(|(one, _), (next, _)| one == next) {
            services += 1;
            let name = of_one.first().map_or("", |(name, _)| name);
            config.push_str(&format!("\n[[services]]\nname = \"{name}\"\ntargets = [\n"));
            for (_, target) in of_one {
                config.push_str(&format!("  \"{target}\",\n"));
            }
            config.push_str("]\n");
        }
        let stage = Self {
            folder,
            services,
            instances: targets.len(),
            interval,
        };
        std::fs::write(stage.folder.join(CONFIG), config)
            .map_err(|error| Failure::system(&error, "failed to write the config"))?;
        Ok(stage)
    }

    fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    /// What is simulated.
    fn fleet(&self) -> String {
        let (services, instances) = (number(self.services), number(self.instances));
        let (services, instances) = (plural(services, "service"), plural(instances, "instance"));
        format!("{instances} of {services}")
    }

    fn begins(&self, args: &Args) -> String {
        let story = match args.instances {
            Some(_) => "",
            None => STORY,
        };
        format!(
            "A simulated fleet: {}, all played by goroscope itself, which serves their pprof on 127.0.0.1.\n\
             {story}Watches them for {}, each one every {}, as `goroscope run` does.\n",
            self.fleet(),
            humantime::format_duration(args.watched),
            humantime::format_duration(self.interval)
        )
    }

    fn served(&self) -> String {
        format!(
            "A simulated fleet: {}, on 127.0.0.1 until Ctrl-C. Watch it from another terminal:\n  \
             {} run --config {}\n",
            self.fleet(),
            program(),
            word(&self.folder.join(CONFIG))
        )
    }

    /// Polls the fleet for a while; what ended it before its time.
    async fn watch(
        &self,
        site: Site,
        config: Config,
        watched: Duration,
        signals: &mut Signals,
    ) -> Result<Option<&'static str>, Failure> {
        let mut serving = JoinSet::new();
        serving.spawn(site.serve());
        let polling = Polling::start(config, &self.database())?;
        let bar = bar(watched, &self.fleet());
        let mut tick = tokio::time::interval(TICK);
        let end = tokio::time::sleep(watched);
        tokio::pin!(end);
        let signal = loop {
            tokio::select! {
                () = &mut end => break None,
                signal = signals.next() => break Some(signal),
                _ = tick.tick() => bar.inc(1),
            }
            if polling.has_lost_its_writer() {
                break None;
            }
        };
        bar.finish_and_clear();
        polling.stop().await?;
        Ok(signal)
    }

    /// Asks as a user would, under the line that does.
    fn ask(&self, question: &str, context: &mut Context) -> Result<(), Failure> {
        let database = self.database();
        let shown = word(&database);
        context
            .output
            .data(&format!("\n$ goroscope query {question} --db {shown}\n"))?;
        let words = ["goroscope", "query"]
            .into_iter()
            .chain(question.split(' '));
        let words = words.chain(["--db"]).map(OsString::from);
        let words = words.chain([database.into_os_string()]);
        match Cli::try_parse_from(words).map(|cli| cli.command) {
            Ok(Some(Command::Query(args))) => query::query(&args, context),
            _ => Err(Failure::plain(format!("`{question}` is no question"))),
        }
    }

    /// What to try next.
    fn ends(&self) -> Result<String, Failure> {
        let (program, database) = (program(), word(&self.database()));
        let mut questions = vec!["query findings".to_owned(), "query instances".to_owned()];
        if let Some(signature) = self.loudest()? {
            questions.push(format!("query show {signature}"));
            questions.push(format!("query history {signature}"));
        }
        questions.extend(["db info", "sql .tables"].map(str::to_owned));
        let lines = questions
            .iter()
            .map(|question| format!("  {program} {question} --db {database}\n"));
        Ok(format!(
            "\nTry next:\n{}\
             and of a process of your own:\n  {program} snapshot localhost:6060\n\n\
             All of this was simulated. {}\n",
            lines.collect::<String>(),
            self.stays()
        ))
    }

    /// The first signature of `top-growers`.
    fn loudest(&self) -> Result<Option<String>, Failure> {
        let reader = Reader::open(&self.database())?;
        let now = clock::now();
        let request = TopGrowersRequest {
            scope: Scope {
                since: now.minus(Duration::from_hours(24)),
                until: now,
                services: Vec::new(),
                instances: Vec::new(),
            },
            min_growth: 3,
            all: false,
            ignored: false,
            limit: 1,
            sort: Sort::Rate,
        };
        let answer = top_growers(&reader, &request)?;
        let short = |row: &GrowerRow| {
            let digits = row.signature.to_string();
            digits.chars().take(answer.window.digits).collect()
        };
        Ok(answer.rows.first().map(short))
    }

    /// Where everything is, and how it goes.
    fn stays(&self) -> String {
        let folder = word(&self.folder);
        format!("The history stays in {folder}: deleting that folder removes all of it.")
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(watched: Duration, fleet: &str) -> ProgressBar {
    let ticks = watched.as_millis() / TICK.as_millis();
    let bar = ProgressBar::new(u64::try_from(ticks).unwrap_or(u64::MAX));
    let style =
        ProgressStyle::with_template("{bar:30} {elapsed} of {prefix}  watches {msg} (simulated)");
    let bar = bar
        .with_prefix(humantime::format_duration(watched).to_string())
        .with_message(fleet.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The signals that end the command before its time.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on they are heard. Must be called within a runtime.
    fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error| Failure::system(&error, "failed to listen for signals");
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    /// The next one, by its name.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// Elsewhere only Ctrl-C is known.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "fails on Unix")]
    fn listen() -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

/// What this program was called as, where that was a path: so that the lines work as they are.
fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from);
    let path = called.filter(|path| path.components().count() > 1);
    path.map_or_else(|| "goroscope".to_owned(), |path| word(&path))
}

/// A path as a shell takes it.
fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+:@%,=".contains(char);
    if text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", escape(&text).replace('\'', r"'\''"))
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
