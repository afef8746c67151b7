//! A config from a few questions, each with an answer that Enter takes.

use std::path::Path;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::draft::{Draft, INTERVAL, NAME, Service, target};
use crate::cli::Context;
use crate::cli::failure::Failure;

const TARGET: &str = "localhost:6060";

/// Asks for services, targets and the interval, where the options say none; and whether the targets are to
/// be asked. Ctrl-C and Ctrl-D end it, and nothing is written.
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
            word.clone_into(&mut draft.interval);
            draft.check(Path::new(""))
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
                Err("there is one of this name already".to_owned())
            } else {
                Ok(())
            }
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
                Err(ReadlineError::Interrupted | ReadlineError::Eof) => {
                    return Err(Failure::interrupted(
                        "nothing was written; `goroscope config init --help` does it without questions"
                            .to_owned(),
                    ));
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

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::error(error)
        .doing("failed to read from the terminal")
        .hint("for example: goroscope config init --service app --target localhost:6060")
}
