//! What a person types behind `/`: which rows are shown.

use crate::query::{Board, BoardRow};

/// Words that must all be found, in any case of letters: `select main` or `state:select !label:env=test`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    text: String,
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    field: Field,
    /// In lower case.
    text: String,
    /// It must not be found.
    not: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Any,
    Function,
    File,
    State,
    Label,
    Service,
    Verdict,
    Signature,
}

/// The fields by their names, for the help.
const FIELDS: [(&str, Field); 7] = [
    ("function", Field::Function),
    ("file", Field::File),
    ("state", Field::State),
    ("label", Field::Label),
    ("service", Field::Service),
    ("verdict", Field::Verdict),
    ("signature", Field::Signature),
];

impl Filter {
    /// Reads what was typed.
    pub(super) fn read(text: &str) -> Self {
        Self {
            words: text.split_whitespace().map(Word::read).collect(),
            text: text.to_owned(),
        }
    }

    /// As it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it leaves a row.
    pub(super) fn takes(&self, row: &BoardRow, board: &Board) -> bool {
        self.words
            .iter()
            .all(|word| word.is_in(row, board) != word.not)
    }
}

impl Word {
    fn read(word: &str) -> Self {
        let (not, word) = match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, word),
        };
        let named = word.split_once(':').and_then(|(name, rest)| {
            let (_, field) = FIELDS.iter().find(|(known, _)| *known == name)?;
            Some((*field, rest))
        });
        let (field, text) = named.unwrap_or((Field::Any, word));
        Self {
            field,
            text: text.to_lowercase(),
            not,
        }
    }

    fn is_in(&self, row: &BoardRow, board: &Board) -> bool {
        let grower = &row.grower;
        let has = |text: &str| text.to_lowercase().contains(&self.text);
        let pairs = |(key, value): (&String, &String)| has(&format!("{key}={value}"));
        let function = || {
            let stack = row.frames.iter().any(|frame| has(&frame.function));
            stack || has(&grower.site.function) || grower.created_by.as_deref().is_some_and(has)
        };
        let file = || {
            row.frames
                .iter()
                .chain([&grower.site])
                .any(|frame| has(&frame.file))
        };
        let state = || grower.states.keys().any(|state| has(state));
        let label = || {
            let instances = row.on.iter().filter_map(|nth| board.instances.get(*nth));
            let of_instances = instances.flat_map(|instance| &instance.labels);
            of_instances
                .chain(grower.labels.iter().flatten())
                .any(pairs)
        };
        let service = || {
            let instances = row.on.iter().filter_map(|nth| board.instances.get(*nth));
            has(&grower.service)
                || instances
                    .into_iter()
                    .any(|instance| has(&instance.instance))
        };
        let signature = || grower.signature.to_string().starts_with(&self.text);
        match self.field {
            Field::Function => function(),
            Field::File => file(),
            Field::State => state(),
            Field::Label => label(),
            Field::Service => service(),
            Field::Verdict => has(grower.verdict.as_str()),
            Field::Signature => signature(),
            Field::Any => {
                function()
                    || file()
                    || state()
                    || label()
                    || service()
                    || has(grower.verdict.as_str())
                    || signature()
            }
        }
    }
}
