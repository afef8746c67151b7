//! What is to be written, and how it is written.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches};

use crate::cli::failure::Failure;
use crate::config::{self, Environment, explain, parse_target};
use crate::present::escape_toml;

/// The name of a service that was given none.
pub(super) const NAME: &str = "app";
/// From one poll to the next, where nothing else is said.
pub(super) const INTERVAL: &str = "30s";

/// A service with its targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) name: String,
    /// As they were given; each is one.
    pub(super) targets: Vec<String>,
}

/// `--service` and `--target` in the order in which they were given, which clap's derive does not keep.
#[derive(Debug, Clone, Default)]
pub(super) struct Services {
    list: Vec<Service>,
    /// The first target that came before a service, though there is one.
    early: Option<String>,
}

/// A config file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) services: Vec<Service>,
    pub(super) interval: String,
}

impl clap::Args for Services {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
            .arg(
                Arg::new("service")
                    .long("service")
                    .value_name("NAME")
                    .action(ArgAction::Append)
                    .help("A service; the --target options behind it are its instances. May be repeated"),
            )
            .arg(
                Arg::new("target")
                    .long("target")
                    .value_name("HOST:PORT")
                    .action(ArgAction::Append)
                    .value_parser(target)
                    .help("A process of the service: host:port or a URL. May be repeated"),
            )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Services {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for option in ["service", "target"] {
            let words = matches.get_many::<String>(option).into_iter().flatten();
            let places = matches.indices_of(option).into_iter().flatten();
            given.extend(places.zip(words).map(|(place, word)| (place, option, word)));
        }
        given.sort_unstable();
        let mut services = Self::default();
        for (_, option, word) in given {
            services.take(option == "service", word);
        }
        Ok(services)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Services {
    fn take(&mut self, is_service: bool, word: &str) {
        if is_service {
            let unnamed = self.list.first().filter(|first| first.name.is_empty());
            self.early = unnamed.and_then(|first| first.targets.first().cloned());
            self.list.push(Service {
                name: word.to_owned(),
                targets: Vec::new(),
            });
            return;
        }
        if self.list.is_empty() {
            self.list.push(Service::default());
        }
        if let Some(last) = self.list.last_mut() {
            last.targets.push(word.to_owned());
        }
    }
}

/// An interval as it was given, if a config may have it.
pub(super) fn interval(word: &str) -> Result<String, String> {
    let draft = Draft {
        services: vec![Service {
            name: NAME.to_owned(),
            targets: vec!["localhost:6060".to_owned()],
        }],
        interval: word.to_owned(),
    };
    let wrong = |told: String| told.trim_start_matches("global.interval: ").to_owned();
    draft.check(Path::new("")).map_err(wrong)?;
    Ok(word.to_owned())
}

/// A target as it was given, if it is one.
pub(super) fn target(word: &str) -> Result<String, String> {
    let parsed = parse_target(word, "http", crate::cli::target::PPROF_PATH);
    parsed.map_err(|error| error.to_string())?;
    Ok(word.to_owned())
}

impl Draft {
    /// What the options say; `None` where they name neither a service nor a target.
    pub(super) fn of(given: &Services, interval: Option<&str>) -> Result<Option<Self>, Failure> {
        if let Some(target) = &given.early {
            let message = format!("--target {target} comes before every --service");
            return Err(Failure::usage(message)
                .hint("put --service NAME before the --target options that belong to it"));
        }
        if let Some(empty) = given.list.iter().find(|service| service.targets.is_empty()) {
            let name = &empty.name;
            // An address, where a name belongs.
            let (service, address) = match target(name) {
                Ok(address) => (NAME, address),
                Err(_) => (name.as_str(), "localhost:6060".to_owned()),
            };
            return Err(
                Failure::usage(format!("--service {name} has no --target")).hint(format!(
                    "for example: goroscope config init --service {service} --target {address}"
                )),
            );
        }
        let mut services = given.list.clone();
        if let Some(first) = services.first_mut().filter(|first| first.name.is_empty()) {
            NAME.clone_into(&mut first.name);
        }
        let interval = interval.unwrap_or(INTERVAL).to_owned();
        Ok((!services.is_empty()).then_some(Self { services, interval }))
    }

    /// Every target, in order.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.services
            .iter()
            .flat_map(|service| service.targets.iter().map(String::as_str))
    }

    /// What `goroscope check config` would say against it as `file`.
    pub(super) fn check(&self, file: &Path) -> Result<(), String> {
        // What is given is escaped, so that no variable is looked up.
        let parsed = config::parse(&self.text(), file, &Environment::default());
        parsed.map(drop).map_err(|mistakes| {
            let told = mistakes.as_slice().iter();
            let told: Vec<String> = told
                .map(|mistake| format!("{}: {}", mistake.key, mistake.what))
                .collect();
            told.join("\n")
        })
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(HEAD);
        text += "\n[global]\n";
        text += &explained("global", "interval", Some(&quoted(&self.interval)));
        for key in ["timeout", "detail", "leak_profile"] {
            text += &explained("global", key, None);
        }
        text += "\n[storage]\n";
        for key in ["path", "raw_retention", "max_size"] {
            text += &explained("storage", key, None);
        }
        text += "\n[analysis]\n";
        text += &explained("analysis", "max_goroutines", None);
        for (nth, service) in self.services.iter().enumerate() {
            text += &service.table(nth == 0);
        }
        text + TAIL
    }
}

impl Service {
    fn table(&self, is_first: bool) -> String {
        let targets: Vec<String> = self.targets.iter().map(|word| quoted(word)).collect();
        let targets = match targets.as_slice() {
            [only] => format!("[{only}]"),
            several => format!("[\n  {},\n]", several.join(",\n  ")),
        };
        let mut text = format!(
            "\n[[services]]\nname = {}\ntargets = {targets}\n",
            quoted(&self.name)
        );
        if is_first {
            for key in ["labels", "path", "scheme"] {
                text += &explained("services", key, None);
            }
        }
        text
    }
}

const HEAD: &str = "\
# What goroscope watches, and how. Lines such as `#timeout = \"10s\"` show a default: take the `#` away to
# change it. `goroscope check config` says what is wrong with this file, `kill -HUP` lets a daemon take it.
";

const TAIL: &str = "
# What grows and is fine can be left out of answers; `goroscope ignore snippet SIGNATURE` writes such a rule:
#[[ignore]]
#top_function = \"database/sql.(*DB).connectionOpener\"
#reason = \"one per pool\"
";

/// A key with what it is for: set to `value`, else its default as a comment.
fn explained(section: &str, key: &str, value: Option<&str>) -> String {
    let Some(explained) = explain(section, key) else {
        return String::new();
    };
    let why = explained.why.iter().map(|line| format!("# {line}\n"));
    let line = match value {
        Some(value) => format!("{key} = {value}\n"),
        None => format!("#{}\n", explained.line),
    };
    why.collect::<String>() + &line
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", escape_toml(word))
}
