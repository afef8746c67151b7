//! Frames and creators as they are written: a name alone where that says it all.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::dump::RawFrame;
use crate::model::Frame;

/// A frame: the name of its function, or an object with `function`, `file` and `line`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameText {
    function: String,
    file: String,
    line: u32,
}

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    function: T,
    #[serde(default)]
    file: T,
    #[serde(default)]
    line: u32,
}

impl FrameText {
    pub(super) fn raw(&self) -> RawFrame<'_> {
        RawFrame {
            function: self.function.as_bytes(),
            file: self.file.as_bytes(),
            line: self.line,
        }
    }

    pub(super) fn into_frame(self) -> Frame {
        Frame {
            function: self.function.into(),
            file: self.file.into(),
            line: self.line,
        }
    }
}

impl From<&Frame> for FrameText {
    fn from(frame: &Frame) -> Self {
        Self {
            function: frame.function.to_string(),
            file: frame.file.to_string(),
            line: frame.line,
        }
    }
}

impl Serialize for FrameText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            function,
            file,
            line,
        } = self;
        if file.is_empty() && *line == 0 {
            return serializer.serialize_str(function);
        }
        let whole = Whole {
            function: &**function,
            file: &**file,
            line: *line,
        };
        whole.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FrameText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = FrameText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a function's name, or an object with `function`, `file` and `line`")
            }

            fn visit_str<E>(self, function: &str) -> Result<FrameText, E> {
                Ok(FrameText {
                    function: function.to_owned(),
                    file: String::new(),
                    line: 0,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FrameText, A::Error> {
                let whole = Whole::<String>::deserialize(MapAccessDeserializer::new(map))?;
                Ok(FrameText {
                    function: whole.function,
                    file: whole.file,
                    line: whole.line,
                })
            }
        }

        deserializer.deserialize_any(Written)
    }
}

/// Who created the goroutines of a group: one function, nobody (`null`), or several with counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Creators {
    One(Option<String>),
    /// An empty name stands for none.
    Several(Vec<(String, u64)>),
}

impl Creators {
    /// Whether it says more than that nothing is known.
    pub(super) const fn tells(&self) -> bool {
        !matches!(self, Self::One(None))
    }
}

impl Serialize for Creators {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(name) => name.serialize(serializer),
            Self::Several(names) => {
                let mut map = serializer.serialize_map(Some(names.len()))?;
                for (name, count) in names {
                    map.serialize_entry(name, count)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Creators {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Creators;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a function's name, null, or an object of names and counts")
            }

            fn visit_unit<E>(self) -> Result<Creators, E> {
                Ok(Creators::One(None))
            }

            fn visit_str<E>(self, name: &str) -> Result<Creators, E> {
                Ok(Creators::One(Some(name.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Creators, A::Error> {
                let mut names = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    names.push(pair);
                }
                Ok(Creators::Several(names))
            }
        }

        deserializer.deserialize_any(Written)
    }
}
