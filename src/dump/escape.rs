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
            let (code, digits) = code(rest, 2)?;
            let byte = code.and_then(|code| u8::try_from(code).ok());
            out.push(byte.unwrap_or(b'?'));
            return Some(2 + digits);
        }
        b'u' => return utf16(rest, out),
        b'U' => {
            let (code, digits) = code(rest, 8)?;
            push_char(out, code);
            return Some(2 + digits);
        }
        other => other,
    };
    out.push(plain);
    Some(2)
}

/// `uHHHH`, or two of them that make one character, as JSON writes those beyond U+FFFF.
fn utf16(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (high, digits) = code(rest, 4)?;
    let is_high = high.is_some_and(|code| (0xd800..0xdc00).contains(&code));
    if !is_high {
        push_char(out, high);
        return Some(2 + digits);
    }
    let low = match rest.get(5..) {
        Some([b'\\', low @ ..]) if low.first() == Some(&b'u') => code(low, 4)?.0,
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

/// The code of `len` hexadecimal digits behind the letter of an escape, and how many of them are there:
/// another byte ends an escape that is too short, above all the end of a line. `None` when it is cut
/// off.
fn code(rest: &[u8], len: usize) -> Option<(Option<u32>, usize)> {
    let text = rest.get(1..)?;
    let digits = text.iter().take(len);
    let digits = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits < len {
        return (digits < text.len()).then_some((None, digits));
    }
    let digits = std::str::from_utf8(text.get(..len)?).ok()?;
    Some((u32::from_str_radix(digits, 16).ok(), len))
}

fn push_char(out: &mut Vec<u8>, code: Option<u32>) {
    let char = code
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}
