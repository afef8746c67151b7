//! What lines have that is not known here: a newer goroscope may have written them.

use std::collections::BTreeMap;

/// Names that are told at most.
const KEEP: usize = 20;

/// Fields and kinds of lines that were passed over.
#[derive(Debug, Default)]
pub struct Unknown {
    fields: BTreeMap<String, u64>,
    lines: BTreeMap<String, u64>,
}

impl Unknown {
    pub(super) fn note_field(&mut self, name: &str) {
        count(&mut self.fields, name);
    }

    pub(super) fn note_line(&mut self, name: &str) {
        count(&mut self.lines, name);
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.lines.is_empty()
    }

    /// A sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let field = |(name, count): (&String, &u64)| {
            format!("field `{name}` is not known and was left out, {count} times")
        };
        let line = |(name, count): (&String, &u64)| {
            format!("lines of kind `{name}` are not known and were left out, {count} of them")
        };
        let fields = self.fields.iter().map(field);
        fields.chain(self.lines.iter().map(line)).collect()
    }
}

fn count(names: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = names.get_mut(name) {
        *count += 1;
    } else if names.len() < KEEP {
        names.insert(name.to_owned(), 1);
    }
}
