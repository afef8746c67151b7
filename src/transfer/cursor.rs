//! A place in a line of JSON that moves on value by value.
//!
//! What a line is made of, and how long a value is, is told here; what a value says is left to
//! `serde_json`, but for the few that come two hundred times a line. So a stack that came before is
//! recognised by its bytes and never read again.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};
use serde::Deserialize;

use super::Mistake;

/// Numbers in JSON are exact up to here in every program.
const LARGEST: u64 = 1 << 53;

type Result<T> = std::result::Result<T, Mistake>;

/// Where reading a line has come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes are behind.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What is ahead.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Moves on over `len` bytes.
    pub(super) const fn skip(&mut self, len: usize) {
        self.at += len;
    }

    /// The next byte that is no blank.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<()> {
        if self.take(byte) {
            return Ok(());
        }
        Err(self.mistake(format!("expected {what}")))
    }

    /// A mistake right here.
    pub(super) fn mistake(&mut self, what: impl Into<String>) -> Mistake {
        let mut what = what.into();
        if self.peek().is_none() {
            what += "; the line ends here";
        }
        Mistake::new(self.at, what)
    }

    /// Nothing follows any more.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.mistake("expected the end of the line")),
        }
    }

    /// Reads an object; `field` takes the value of each key, whose place it is told.
    pub(super) fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &Cow<'a, str>, usize) -> Result<()>,
    ) -> Result<()> {
        self.expect(b'{', "an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.peek();
            let begin = self.at;
            let key = self.string()?;
            self.expect(b':', "a colon")?;
            self.peek();
            field(self, &key, begin)?;
            if !self.take(b',') {
                return self.expect(b'}', "a comma or the end of the object");
            }
        }
    }

    /// Reads an array; `item` takes each value.
    pub(super) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[', "an array")?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.peek();
            item(self)?;
            if !self.take(b',') {
                return self.expect(b']', "a comma or the end of the array");
            }
        }
    }

    /// Reads a string.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.mistake("expected a string"));
        }
        let rest = self.rest().get(1..).unwrap_or_default();
        let special = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ';
        let len = rest.bytes().position(special);
        if let Some(len) = len
            && rest.as_bytes().get(len) == Some(&b'"')
        {
            self.at += len + 2;
            return Ok(Cow::Borrowed(rest.get(..len).unwrap_or_default()));
        }
        let begin = self.at;
        parse(self.value()?, begin).map(Cow::Owned)
    }

    /// Reads a whole number from 0 to 2^53.
    pub(super) fn whole(&mut self) -> Result<u64> {
        self.peek();
        let begin = self.at;
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest().get(..digits).unwrap_or_default();
        self.at += digits;
        let ends = !matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        let canonical = digits == 1 || !number.starts_with('0');
        match number.parse() {
            Ok(number) if ends && canonical && number <= LARGEST => Ok(number),
            _ => Err(Mistake::new(
                begin,
                "expected a whole number from 0 to 9007199254740992".to_owned(),
            )),
        }
    }

    /// Reads `null`, if that is what comes.
    pub(super) fn null(&mut self) -> bool {
        self.peek();
        let found = self.rest().starts_with("null");
        self.at += if found { 4 } else { 0 };
        found
    }

    /// Reads a value as serde knows it.
    pub(super) fn parsed<T: Deserialize<'a>>(&mut self) -> Result<T> {
        self.peek();
        let begin = self.at;
        parse(self.value()?, begin)
    }

    /// Passes over a value: its text. What is in it is not looked at but for where it ends.
    pub(super) fn value(&mut self) -> Result<&'a str> {
        let first = self.peek();
        let rest = self.rest();
        let len = match first {
            Some(b'"') => string_len(rest),
            Some(b'[') => nested_len(rest, b'[', b']'),
            Some(b'{') => nested_len(rest, b'{', b'}'),
            Some(_) => Some(scalar_len(rest)).filter(|len| *len > 0),
            None => None,
        };
        match len {
            Some(len) => {
                self.at += len;
                Ok(rest.get(..len).unwrap_or_default())
            }
            None => Err(self.mistake(match first {
                Some(b'"') => "this string does not end in its line",
                Some(b'[') => "this array does not end in its line",
                Some(b'{') => "this object does not end in its line",
                _ => "expected a value",
            })),
        }
    }
}

/// What a text says, that begins at `begin` of its line.
fn parse<'a, T: Deserialize<'a>>(text: &'a str, begin: usize) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let what = message.rsplit_once(" at line ");
        Mistake::new(
            begin + error.column().saturating_sub(1),
            what.map_or(&*message, |(what, _)| what).to_owned(),
        )
    })
}

/// The length of the string that a text begins with, quotes and all.
fn string_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The length of the array or object that a text begins with.
fn nested_len(text: &str, open: u8, close: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (1, 1u32);
    loop {
        at += memchr3(b'"', open, close, bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => at += string_len(text.get(at..)?)?,
            byte => {
                at += 1;
                if *byte == open {
                    depth += 1;
                } else {
                    depth -= 1;
                }
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The length of the number or word that a text begins with.
fn scalar_len(text: &str) -> usize {
    let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':' | b'[' | b'{' | b'"');
    let inside = text
        .as_bytes()
        .iter()
        .take_while(|byte| !ends(byte) && !byte.is_ascii_whitespace());
    inside.count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A value ends where serde says that it ends.
        #[test]
        fn values_end_where_they_end(
            words in proptest::collection::vec("\\PC{0,8}", 0..6),
            number in any::<u64>(),
        ) {
            let value = serde_json::json!({"a": words, "b": [[number], {"]": null}], "}": true});
            let text = format!("{value} ,");
            let mut cursor = Cursor::new(&text);
            let value = value.to_string();
            prop_assert_eq!(cursor.value().ok(), Some(&*value));
            prop_assert_eq!(cursor.peek(), Some(b','));
        }

        #[test]
        fn nothing_panics(text in "[\\[\\]{}\",:\\\\0-9a-z ]{0,40}") {
            let mut cursor = Cursor::new(&text);
            let _end = cursor.value();
            let mut cursor = Cursor::new(&text);
            let _end = cursor.object(|cursor, _, _| cursor.parsed::<serde_json::Value>().map(drop));
            let mut cursor = Cursor::new(&text);
            let _end = cursor.array(|cursor| cursor.whole().map(drop));
        }
    }

    #[test]
    fn numbers_are_whole() {
        for (text, expected) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("9007199254740992", Some(LARGEST)),
            ("9007199254740993", None),
            ("99999999999999999999999", None),
            ("-1", None),
            ("1.5", None),
            ("1e3", None),
            ("007", None),
            ("", None),
        ] {
            assert_eq!(Cursor::new(text).whole().ok(), expected, "{text}");
        }
    }
}
