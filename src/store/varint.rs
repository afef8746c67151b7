//! LEB128 numbers, of which everything packed is made.

/// Appends a number: seven bits a byte, the lowest first.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a row id or the distance to a larger one: never negative.
pub(super) fn put_id(out: &mut Vec<u8>, id: i64) {
    put(out, u64::try_from(id).unwrap_or_default());
}

/// Appends 0 for none, else the value and 1.
pub(super) fn put_optional(out: &mut Vec<u8>, value: Option<u64>) {
    put(out, value.map_or(0, |value| value.saturating_add(1)));
}

/// Takes a number off the front; `None` when it breaks off or is too long.
pub(super) fn take(rest: &mut &[u8]) -> Option<u64> {
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

/// Takes a row id or distance off the front.
pub(super) fn take_id(rest: &mut &[u8]) -> Option<i64> {
    i64::try_from(take(rest)?).ok()
}

/// Takes a number of bytes off the front.
pub(super) fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}
