//! What is wrong with a line, and where.

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Bytes of the line before it.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Mistake {
    pub(super) const fn new(at: usize, what: String) -> Self {
        Self { at, what }
    }
}

/// Names that look like this one are meant instead, where that is likely.
pub(super) fn suggestion<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Words that are less alike are other words.
    const ALIKE: f64 = 0.75;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// A word that is none of those that are known, with these.
pub(super) fn none_of<'a>(
    field: &str,
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let meant = suggestion(word, known.clone());
    let meant = meant.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    let known: Vec<&str> = known.into_iter().collect();
    format!(
        "`{field}` is `{word}`, and must be one of {}{meant}",
        known.join(", ")
    )
}
