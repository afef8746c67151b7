//! Environment variables inside string values.
//!
//! `${NAME}` is the value of a variable that must be set, `${NAME:-default}` falls back when it is
//! unset or empty, `${NAME:?message}` says why it is needed. `$$` is a dollar sign; a dollar sign
//! before anything else stays as it is. What a variable holds is not expanded again.

use super::Environment;
use super::mistake::quoted;

/// `text` with its variables replaced. Errors: what is wrong with each that cannot be.
pub(super) fn expand(text: &str, env: &Environment) -> Result<String, Vec<String>> {
    let mut expanded = String::with_capacity(text.len());
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else if let Some(after) = after.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}') else {
                problems.push("`${` is never closed; write `${NAME}`, or `$${` as text".to_owned());
                return Err(problems);
            };
            match value(inside, env) {
                Ok(value) => expanded.push_str(value),
                Err(problem) => problems.push(problem),
            }
            after
        } else {
            expanded.push('$');
            after
        };
    }
    expanded.push_str(rest);
    if problems.is_empty() {
        Ok(expanded)
    } else {
        Err(problems)
    }
}

/// What the `inside` of `${...}` stands for.
fn value<'a>(inside: &'a str, env: &'a Environment) -> Result<&'a str, String> {
    let (name, otherwise) = match inside.split_once(':') {
        Some((name, otherwise)) => (name, Some(otherwise)),
        None => (inside, None),
    };
    if !is_name(name) {
        return Err(format!(
            "{} cannot name a variable; letters, digits and `_` can, and `$$` is a dollar sign",
            quoted(name)
        ));
    }
    let set = env.get(name);
    let filled = set.filter(|value| !value.is_empty());
    let Some(otherwise) = otherwise else {
        return set.ok_or_else(|| {
            format!("variable `{name}` is not set; set it, or write `${{{name}:-default}}`")
        });
    };
    if let Some(default) = otherwise.strip_prefix('-') {
        if default.contains("${") {
            return Err(format!(
                "the default of `{name}` holds another `${{`; a default is plain text"
            ));
        }
        return Ok(filled.unwrap_or(default));
    }
    let Some(message) = otherwise.strip_prefix('?') else {
        return Err(format!(
            "{} cannot follow `{name}`; `:-default` or `:?message` can",
            quoted(&format!(":{otherwise}"))
        ));
    };
    filled.ok_or_else(|| match message {
        "" => format!("variable `{name}` is not set or empty; set it"),
        _ => format!("variable `{name}` is not set or empty: {}", plain(message)),
    })
}

/// A message of the user, kept to one line.
fn plain(message: &str) -> String {
    message.chars().filter(|c| !c.is_control()).collect()
}

fn is_name(word: &str) -> bool {
    !word.starts_with(|first: char| first.is_ascii_digit())
        && !word.is_empty()
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
