//! One TOML table, read key by key: what is there, what is not, and what has the wrong type.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use toml::value::Datetime;

use super::mistake::{Found, quoted};

/// What stands at a key.
#[derive(Debug, Default)]
pub(super) enum Entry<T> {
    /// Nothing.
    #[default]
    Absent,
    /// Something that could not be read; its mistake has been noted.
    Broken,
    /// A value of the right type.
    Written(Written<T>),
}

/// A value as written, and where.
#[derive(Debug)]
pub(super) struct Written<T> {
    /// The whole key, such as `services[0].timeout`.
    pub(super) key: String,
    /// First byte in the text; of a table its header.
    pub(super) at: usize,
    pub(super) value: T,
}

/// A number of bytes as written.
#[derive(Debug)]
pub(super) enum WrittenSize {
    /// A plain TOML integer.
    Bytes(i64),
    /// A string such as `64MiB`.
    Text(String),
}

/// A value of any type.
pub(super) type Any<'t> = &'t DeValue<'t>;

/// A table, with the key that it stands under.
pub(super) type Table<'t> = Written<&'t DeTable<'t>>;

impl<T> Entry<T> {
    /// The value with its place, if one could be read.
    pub(super) const fn written(&self) -> Option<&Written<T>> {
        match self {
            Self::Written(written) => Some(written),
            Self::Absent | Self::Broken => None,
        }
    }

    /// The value with its place, if one could be read.
    pub(super) fn into_written(self) -> Option<Written<T>> {
        match self {
            Self::Written(written) => Some(written),
            Self::Absent | Self::Broken => None,
        }
    }

    /// Whether there is nothing, not even something broken.
    pub(super) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The same place with what `change` makes of the value there.
    fn map<U>(self, change: impl FnOnce(&Written<T>) -> U) -> Entry<U> {
        match self {
            Self::Absent => Entry::Absent,
            Self::Broken => Entry::Broken,
            Self::Written(written) => Entry::Written(Written {
                value: change(&written),
                key: written.key,
                at: written.at,
            }),
        }
    }
}

impl<'t> Entry<Any<'t>> {
    /// The value as `convert` takes it; where it does not, notes that `want` should stand there.
    pub(super) fn read<T>(
        self,
        want: &str,
        found: &mut Found,
        convert: impl FnOnce(Any<'t>) -> Option<T>,
    ) -> Entry<T> {
        let Written { key, at, value } = match self {
            Self::Absent => return Entry::Absent,
            Self::Broken => return Entry::Broken,
            Self::Written(written) => written,
        };
        if let Some(value) = convert(value) {
            return Entry::Written(Written { key, at, value });
        }
        let got = describe(value);
        found.wrong(at, &key, format!("this should be {want}, not {got}"));
        Entry::Broken
    }

    fn of(key: String, spanned: &'t Spanned<DeValue<'t>>) -> Self {
        let span = spanned.span();
        // The parser fills in a value at 0..0 where it could read none, and has said so.
        if span.end == 0 {
            return Self::Broken;
        }
        Self::Written(Written {
            key,
            at: span.start,
            value: spanned.get_ref(),
        })
    }
}

impl<'t> Table<'t> {
    /// The whole key of `name` in this table.
    pub(super) fn key_of(&self, name: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name = if !name.is_empty() && name.chars().all(is_plain) {
            name.to_owned()
        } else {
            quoted(name).replace('`', "\"")
        };
        match self.key.as_str() {
            "" => name,
            table => format!("{table}.{name}"),
        }
    }

    /// Whatever stands at `name`.
    pub(super) fn any(&self, name: &str) -> Entry<Any<'t>> {
        match self.value.get(name) {
            Some(spanned) => Entry::of(self.key_of(name), spanned),
            None => Entry::Absent,
        }
    }

    /// The string at `name`. Here as below, `want` says what should stand there.
    pub(super) fn text(&self, name: &str, want: &str, found: &mut Found) -> Entry<String> {
        self.any(name).read(want, found, text)
    }

    /// The integer at `name`.
    pub(super) fn integer(&self, name: &str, want: &str, found: &mut Found) -> Entry<i64> {
        self.any(name).read(want, found, integer)
    }

    /// The number at `name`, with a fraction or without.
    pub(super) fn number(&self, name: &str, want: &str, found: &mut Found) -> Entry<f64> {
        self.any(name).read(want, found, number)
    }

    /// The date, or date and time, at `name`.
    pub(super) fn date(&self, name: &str, want: &str, found: &mut Found) -> Entry<Datetime> {
        self.any(name).read(want, found, |value| {
            value.as_datetime().filter(|at| at.date.is_some()).copied()
        })
    }

    /// The boolean at `name`.
    pub(super) fn switch(&self, name: &str, found: &mut Found) -> Entry<bool> {
        self.any(name)
            .read("true or false without quotes", found, DeValue::as_bool)
    }

    /// The integer or string at `name`.
    pub(super) fn size(&self, name: &str, want: &str, found: &mut Found) -> Entry<WrittenSize> {
        self.any(name)
            .read(want, found, |value| match integer(value) {
                Some(bytes) => Some(WrittenSize::Bytes(bytes)),
                None => text(value).map(WrittenSize::Text),
            })
    }

    /// The array of strings at `name`; an element of another type is broken for itself.
    pub(super) fn texts(
        &self,
        name: &str,
        want: &str,
        found: &mut Found,
    ) -> Entry<Vec<Entry<String>>> {
        let array = self.any(name).read(want, found, DeValue::as_array);
        array.map(|array| {
            elements(array)
                .map(|element| element.read("a string in quotes", found, text))
                .collect()
        })
    }

    /// The table of strings at `name`; a value of another type is broken for itself.
    pub(super) fn named_texts(
        &self,
        name: &str,
        want: &str,
        found: &mut Found,
    ) -> Entry<Vec<(String, Entry<String>)>> {
        let table = self.any(name).read(want, found, DeValue::as_table);
        table.map(|table| {
            let names = table.value.keys().map(|name| name.get_ref().to_string());
            names
                .map(|name| {
                    let value = table.text(&name, "a string in quotes", found);
                    (name, value)
                })
                .collect()
        })
    }
}

/// The elements of an array, keyed by their index.
pub(super) fn elements<'t>(
    array: &Written<&'t DeArray<'t>>,
) -> impl Iterator<Item = Entry<Any<'t>>> {
    let elements = array.value.iter().enumerate();
    elements.map(|(index, element)| Entry::of(format!("{}[{index}]", array.key), element))
}

fn text(value: Any<'_>) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn integer(value: Any<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn number(value: Any<'_>) -> Option<f64> {
    match value.as_float() {
        Some(float) => float.as_str().parse().ok(),
        // Far below where a float would round it.
        None => i32::try_from(integer(value)?).ok().map(f64::from),
    }
}

/// What a value is, for a message: scalars in full.
fn describe(value: Any<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {}", quoted(text)),
        DeValue::Integer(number) => format!("the integer {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("the boolean {flag}"),
        DeValue::Datetime(time) => format!("the date or time {time}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
