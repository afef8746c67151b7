//! The protobuf wire format, as far as profiles use it: fields of varints and byte strings.
//!
//! Nothing is copied and nothing is allocated, so that a hostile body cannot make memory grow.

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed 32- or 64-bit: no field of a profile.
    Fixed,
}

/// The fields of one message, in order. Yields an error once, then ends.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// The message ends in the middle of a field, or holds a wire type that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadWire;

/// The fields of `message`.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), BadWire>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = take_field(&mut self.rest);
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(BadWire))
    }
}

fn take_field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let tag = take_varint(rest)?;
    let value = match tag & 7 {
        0 => Value::Varint(take_varint(rest)?),
        1 => take(rest, 8).map(|_| Value::Fixed)?,
        2 => {
            let len = usize::try_from(take_varint(rest)?).ok()?;
            Value::Bytes(take(rest, len)?)
        }
        5 => take(rest, 4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A repeated integer field, packed or not, appended to `out`; false when it is torn.
pub(super) fn integers(value: Value<'_>, out: &mut Vec<u64>) -> bool {
    match value {
        Value::Varint(number) => out.push(number),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                match take_varint(&mut packed) {
                    Some(number) => out.push(number),
                    None => return false,
                }
            }
        }
        Value::Fixed => return false,
    }
    true
}
