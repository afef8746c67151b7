//! `goroscope config`: a config file to begin with.

mod draft;
mod questions;

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;

use super::failure::Failure;
use super::{Context, runtime, target};
use crate::collect::{Fetcher, Limits, look_once};
use crate::config::parse_target;
use crate::group::StackBook;
use crate::model::Kind;
use crate::present::{escape, grouped, plural};
use draft::{Draft, Services};

/// What means stdout.
const STDOUT: &str = "-";
/// One question to a target takes no longer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of its answer.
const PROBE_LIMIT: u64 = 64 << 20;

/// Writes a config file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope config init
  goroscope config init --service checkout --target checkout-1:6060")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Init(InitArgs),
}

/// Writes a commented config file, from options or, on a terminal, from a few questions.
///
/// A --target belongs to the --service before it; without one, the service is called `app`. What is
/// written passes `goroscope check config`, and has the most useful other keys as comments, with their
/// defaults. A file that is there stays, unless --force is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  goroscope config init --target localhost:6060 --probe
  goroscope config init --service a --target a:6060 --service b --target b:6060
  goroscope config init --target localhost:6060 --output - | less
  goroscope config init                                   asks for all of it")]
struct InitArgs {
    #[command(flatten)]
    services: Services,

    /// From one poll of an instance to the next: 10s, 1m. 30s where it is not given.
    #[arg(long, value_name = "DURATION", value_parser = draft::interval)]
    interval: Option<String>,

    /// The file that is written; - is stdout.
    #[arg(long, value_name = "FILE", default_value = super::database::CONFIG)]
    output: PathBuf,

    /// Replaces the file where it is there already.
    #[arg(long)]
    force: bool,

    /// Asks each target once whether it answers; one that does not is written all the same.
    #[arg(long)]
    probe: bool,
}

/// Serves the command.
pub(super) fn config(args: &Args, context: &mut Context) -> Result<(), Failure> {
    let What::Init(args) = &args.what;
    let to_stdout = args.output == Path::new(STDOUT);
    // Before anybody answers questions for nothing.
    if !to_stdout && !args.force && args.output.symlink_metadata().is_ok() {
        return Err(there_already(&args.output));
    }
    let flags = Draft::of(&args.services, args.interval.as_deref())?;
    let (draft, probe) = match flags {
        Some(draft) => (draft, args.probe),
        None if std::io::stdin().is_terminal() && context.output.is_terminal() => {
            questions::ask(args.interval.as_deref(), args.probe, context)?
        }
        None => {
            return Err(Failure::usage(
                "there is no terminal to ask on, and no --target".to_owned(),
            )
            .hint("for example: goroscope config init --service app --target localhost:6060"));
        }
    };
    let text = draft.text();
    draft.check(&args.output).map_err(|mistakes| {
        Failure::usage(mistakes)
            .hint("nothing was written; give the option anew as the line above says")
    })?;
    if probe {
        ask_targets(&draft, context)?;
    }
    if to_stdout {
        return context.output.data(&text);
    }
    write(&args.output, &text, args.force)?;
    let file = escape(&args.output.to_string_lossy()).into_owned();
    let named = if args.output == Path::new(super::database::CONFIG) {
        String::new()
    } else {
        format!(" --config {file}")
    };
    context.output.data(&format!(
        "{file}: written, {} with {}\nnext: goroscope run{named}\n",
        plural(draft.services.len() as u64, "service"),
        plural(draft.targets().count() as u64, "instance"),
    ))
}

fn there_already(file: &Path) -> Failure {
    Failure::plain(format!("`{}` is there already", file.display())).hint(
        "--force replaces it; --output FILE writes another one; `goroscope check config` reads it",
    )
}

/// Writes the file whole or not at all.
fn write(file: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.unfinished", std::process::id()));
    let unfinished = PathBuf::from(name);
    let written = std::fs::File::create_new(&unfinished)
        .and_then(|mut new| new.write_all(text.as_bytes()).and_then(|()| new.sync_all()))
        .and_then(|()| {
            if force {
                std::fs::rename(&unfinished, file)
            } else {
                // Unlike a new name, a link takes the place of nothing.
                std::fs::hard_link(&unfinished, file)
            }
        });
    // After a new name it has gone.
    let _gone = std::fs::remove_file(&unfinished);
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => there_already(file),
        _ => Failure::error(&error)
            .doing(&format!("failed to write `{}`", file.display()))
            .hint("the folder must exist and be writable; --output names another file, and - is stdout"),
    })
}

/// Asks each target once, and tells on stderr what came of it.
fn ask_targets(draft: &Draft, context: &mut Context) -> Result<(), Failure> {
    let fetcher = Fetcher::new(1).map_err(|error| target::no_client(&error))?;
    let runtime = runtime()?;
    let limits = Limits {
        timeout: PROBE_TIMEOUT,
        body: PROBE_LIMIT,
    };
    for word in draft.targets() {
        // They were parsed when they were given.
        let Ok(found) = parse_target(word, "http", target::PPROF_PATH) else {
            continue;
        };
        let (instance, book) = (found.of("probe".into()), StackBook::default());
        let looked = runtime.block_on(look_once(&fetcher, &instance, Kind::Pulse, limits, &book));
        let told = match looked {
            Ok(pulse) => format!("{word}: answers, {} goroutines", grouped(pulse.goroutines)),
            Err(failure) => format!(
                "warning: {word}: {}\nhint: {}",
                escape(&failure.message),
                target::next_step(&instance, &failure)
            ),
        };
        context.output.remark(&told);
    }
    Ok(())
}
