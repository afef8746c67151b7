//! Escapes inside quoted strings, as Go, JSON and logfmt write them.

/// The first character of `text` without its escape, and the bytes that it took; `None` when the
/// text ends inside an escape.
pub(super) fn next(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (&first, rest) = text.split_first()?;
    if first != b'\\' {
        out.push(first);
        return Some(1);
    }
    let plain = match *rest.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'v' => 0x0b,
        b'x' => {
            let code = hex(rest.get(1..3)?);
            out.push(
                code.and_then(|code| u8::try_from(code).ok())
                    .unwrap_or(b'?'),
            );
            return Some(4);
        }
        b'u' => return utf16(rest, out),
        b'U' => {
            push_char(out, hex(rest.get(1..9)?));
            return Some(10);
        }
        other => other,
    };
    out.push(plain);
    Some(2)
}

/// `uHHHH`, or two of them that make one character, as JSON writes those beyond U+FFFF.
fn utf16(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let high = hex(rest.get(1..5)?);
    let is_high = high.is_some_and(|code| (0xd800..0xdc00).contains(&code));
    if !is_high {
        push_char(out, high);
        return Some(6);
    }
    let low = match rest.get(5..) {
        Some([b'\\', b'u', digits @ ..]) => hex(digits.get(..4)?),
        Some([] | [b'\\']) | None => return None,
        Some(_) => None,
    };
    match (high, low) {
        (Some(high), Some(low)) if (0xdc00..0xe000).contains(&low) => {
            push_char(
                out,
                Some(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
            );
            Some(12)
        }
        _ => {
            push_char(out, None);
            Some(6)
        }
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

fn push_char(out: &mut Vec<u8>, code: Option<u32>) {
    let char = code
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}
