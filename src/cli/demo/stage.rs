//! The folder of a demonstration: the config of its fleet, the history, and what is told of both.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::Args;
use crate::cli::failure::Failure;
use crate::cli::next_step::{Naming, shell_word};
use crate::cli::{Cli, Command, Context, query};
use crate::clock;
use crate::config::{self, Config};
use crate::daemon::{EndSignals, Polling};
use crate::present::{escape, plural};
use crate::query::{GrowerRow, Scope, Sort, TopGrowersRequest, top_growers};
use crate::simulate::serve::Site;
use crate::store::Reader;

/// The bar moves on this often.
const TICK: Duration = Duration::from_millis(100);
const CONFIG: &str = "goroscope.toml";
const DATABASE: &str = "goroscope.db";

/// What there is to find in the shop.
const STORY: &str = "checkout leaks at a channel, search forgets its watches, and both search and billing use a \
    library that leaks. One search is restarted half way, and a deploy of billing brings a new leak. Pools fill and \
    stay, traffic comes and goes.\n";

/// The folder that is given, or a new one.
pub(super) fn folder(keep: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(folder) = keep else {
        let made = tempfile::Builder::new().prefix("goroscope-demo-").tempdir();
        let made = made.map_err(|error| Failure::system(&error, "failed to make a folder"))?;
        return Ok(made.keep());
    };
    let named = escape(&folder.to_string_lossy()).into_owned();
    let failed = |error| Failure::system(&error, &format!("failed to make `{named}`"));
    if !folder.is_dir() {
        std::fs::create_dir(folder).map_err(failed)?;
    }
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
pub(super) struct Stage {
    folder: PathBuf,
    services: usize,
    instances: usize,
    interval: Duration,
}

impl Stage {
    /// Writes a config of the fleet.
    pub(super) fn set(folder: PathBuf, site: &Site, interval: Duration) -> Result<Self, Failure> {
        let targets = site
            .targets()
            .map_err(|error| Failure::system(&error, "failed to ask for the own ports"))?;
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

    /// What was written, as `goroscope run` reads it.
    pub(super) fn config(&self, context: &Context) -> Result<Config, Failure> {
        Ok(config::load(
            &self.folder.join(CONFIG),
            &context.environment,
        )?)
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

    pub(super) fn begins(&self, args: &Args) -> String {
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

    pub(super) fn served(&self) -> String {
        format!(
            "A simulated fleet: {}, on 127.0.0.1 until Ctrl-C. Watch it from another terminal:\n  \
             {} run --config {}\n",
            self.fleet(),
            program(),
            shell_word(self.folder.join(CONFIG).as_os_str())
        )
    }

    /// Polls the fleet for a while; what ended it before its time.
    pub(super) async fn watch(
        &self,
        site: Site,
        config: Config,
        watched: Duration,
        signals: &mut EndSignals,
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
    pub(super) fn ask(&self, question: &str, context: &mut Context) -> Result<(), Failure> {
        let database = self.database();
        let shown = shell_word(database.as_os_str());
        context
            .output
            .data(&format!("\n$ goroscope query {question} --db {shown}\n"))?;
        context.output.names(Naming::of(database.as_os_str()));
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
    pub(super) fn ends(&self) -> Result<String, Failure> {
        let (program, database) = (program(), shell_word(self.database().as_os_str()));
        let mut questions = vec![
            "query findings --verdict suspect".to_owned(),
            "query instances".to_owned(),
        ];
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
             and of processes of your own:\n  {program} snapshot localhost:6060\n  {program} config init\n\n\
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
    pub(super) fn stays(&self) -> String {
        let folder = shell_word(self.folder.as_os_str());
        format!(
            "The config and the history stay in {folder}: deleting that folder removes all of it."
        )
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(watched: Duration, fleet: &str) -> ProgressBar {
    let ticks = watched.as_millis() / TICK.as_millis();
    let bar = ProgressBar::new(u64::try_from(ticks).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:20} {elapsed} of {prefix}  {wide_msg}");
    let bar = bar
        .with_prefix(humantime::format_duration(watched).to_string())
        .with_message(format!("watches {fleet} (simulated)"));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// What this program was called as, where that was a path: so that the lines work as they are.
fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from);
    let path = called.filter(|path| path.components().count() > 1);
    path.map_or_else(
        || "goroscope".to_owned(),
        |path| shell_word(path.as_os_str()),
    )
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
