//! The identity of a goroutine group, stable across instances, builds and request forms.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Signatures that a service may bring where no other limit is given: a real one has a few hundred.
pub const MAX_SIGNATURES: u64 = 20_000;

/// XXH3-128 over normalised function names (see `docs/SIGNATURE.md`); shown as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Signature(u128);

impl Signature {
    /// The signature with this hash.
    pub const fn from_hash(hash: u128) -> Self {
        Self(hash)
    }

    /// The 16 bytes as stored, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The signature with these 16 bytes, most significant first.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

impl FromStr for Signature {
    type Err = BadSignature;

    fn from_str(word: &str) -> Result<Self, BadSignature> {
        match u128::from_str_radix(word, 16) {
            Ok(hash) if word.len() == 32 => Ok(Self(hash)),
            _ => Err(BadSignature(word.to_owned())),
        }
    }
}

/// A word that is no whole signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a signature: 32 hex digits are")]
pub struct BadSignature(String);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The first hex digits of a signature, as a person types them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignaturePrefix(String);

/// A word that cannot begin a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a signature: 4 to 32 hex digits are")]
pub struct BadPrefix(String);

impl SignaturePrefix {
    /// Fewer digits than this name too many signatures to be meant.
    pub const MIN_DIGITS: usize = 4;

    /// The digits, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SignaturePrefix {
    type Err = BadPrefix;

    fn from_str(word: &str) -> Result<Self, BadPrefix> {
        let digits = word.trim().to_ascii_lowercase();
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hex && (Self::MIN_DIGITS..=32).contains(&digits.len()) {
            Ok(Self(digits))
        } else {
            Err(BadPrefix(word.to_owned()))
        }
    }
}
