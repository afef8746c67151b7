//! A config from a few questions, each with an answer that Enter takes.

use std::path::Path;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::draft::{Draft, INTERVAL, NAME, Service, target};
use crate::cli::Context;
use crate::cli::failure::Failure;

const TARGET: &str = "localhost:6060";
/// What is told where it ends too soon.
const UNWRITTEN: &str =
    "nothing was written; `goroscope config init --help` shows how to do it without questions";

/// Asks for services, targets and the interval, where the options say none; and whether the targets are to
/// be asked. Ctrl-C and the end of the input (Ctrl-D) end it, and nothing is written.
pub(super) fn ask(
    interval: Option<&str>,
    probe: bool,
    context: &mut Context,
) -> Result<(Draft, bool), Failure> {
    let mut person = Person::new(context)?;
    person.tell("Enter takes what stands in brackets; Ctrl-C ends, and nothing is written.");
    let mut draft = Draft {
        services: Vec::new(),
        interval: interval.unwrap_or(INTERVAL).to_owned(),
    };
    person.service(
        &mut draft,
        "Name of a service, whose processes run the same program",
        NAME,
    )?;
    while person.service(&mut draft, "Another service, or nothing", "")? {}
    if interval.is_none() {
        person.until("From one poll to the next", INTERVAL, |word| {
            draft.interval = super::draft::interval(word)?;
            Ok(())
        })?;
    }
    let mut wanted = probe;
    if !probe {
        person.until(
            "Ask each target once now whether it answers (yes, no)",
            "yes",
            |word| {
                wanted = match word {
                    "y" | "yes" => true,
                    "n" | "no" => false,
                    _ => return Err("say yes or no".to_owned()),
                };
                Ok(())
            },
        )?;
    }
    Ok((draft, wanted))
}

/// Somebody at a terminal.
struct Person<'c> {
    editor: DefaultEditor,
    context: &'c mut Context,
}

impl<'c> Person<'c> {
    fn new(context: &'c mut Context) -> Result<Self, Failure> {
        let editor = DefaultEditor::new().map_err(|error| unreadable(&error))?;
        Ok(Self { editor, context })
    }

    fn tell(&mut self, line: &str) {
        self.context.output.remark(line);
    }

    /// Asks for one more service; whether there is one.
    fn service(&mut self, draft: &mut Draft, question: &str, usual: &str) -> Result<bool, Failure> {
        let name = self.until(question, usual, |word| {
            let mut names = draft.services.iter().map(|service| &service.name);
            if names.any(|name| name == word) {
                return Err("there is one of this name already".to_owned());
            }
            one_name(word)
        })?;
        if name.is_empty() {
            return Ok(false);
        }
        let before = draft.clone();
        let question = format!("Processes of {name} as host:port or URL, with blanks between");
        self.until(&question, TARGET, |words| {
            let words = words.split([' ', ',']).filter(|word| !word.is_empty());
            let targets: Result<Vec<String>, String> = words.map(target).collect();
            draft.clone_from(&before);
            draft.services.push(Service {
                name: name.clone(),
                targets: targets?,
            });
            draft.check(Path::new(""))
        })?;
        Ok(true)
    }

    /// Asks until the answer is taken.
    fn until(
        &mut self,
        question: &str,
        usual: &str,
        mut take: impl FnMut(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let prompt = format!("{question} [{usual}]: ");
        loop {
            let line = match self.editor.readline(&prompt) {
                Ok(line) => line,
                Err(ReadlineError::Interrupted) => {
                    return Err(Failure::interrupted(UNWRITTEN.to_owned()));
                }
                Err(ReadlineError::Eof) => {
                    let ended = "the input ended before the last question".to_owned();
                    return Err(Failure::plain(ended).hint(UNWRITTEN));
                }
                Err(error) => return Err(unreadable(&error)),
            };
            let word = match line.trim() {
                "" => usual,
                word => word,
            };
            match take(word) {
                Ok(()) => return Ok(word.to_owned()),
                Err(wrong) => self.tell(&format!("  {wrong}")),
            }
        }
    }
}

/// Refuses a name that is more than that: whoever types addresses here is one question ahead.
fn one_name(word: &str) -> Result<(), String> {
    if target(word).is_ok() {
        return Err(format!(
            "`{word}` is the address of a process: give its service a name, such as {NAME}; addresses are asked for next"
        ));
    }
    if word.contains(char::is_whitespace) {
        return Err(format!(
            "a name has no blanks; such as {}: each service is asked for on its own, and its processes next",
            word.split_whitespace().collect::<Vec<_>>().join("-")
        ));
    }
    Ok(())
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::error(error)
        .doing("failed to read from the terminal")
        .hint("for example: goroscope config init --service app --target localhost:6060")
}
