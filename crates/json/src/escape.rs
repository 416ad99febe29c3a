//! Escapes of strings: decoding and encoding.

use std::borrow::Cow;

/// A part of the content of a string.
pub(super) enum Piece<'a> {
    /// Text without escapes.
    Plain(&'a str),
    /// A decoded escape.
    Escaped(char),
    /// An escape of a lone surrogate, which a Rust string cannot hold.
    LoneSurrogate(u16),
    /// A backslash that starts no escape. The text after it follows as plain text.
    UnknownEscape,
}

/// Splits the content of a string into parts.
pub(super) fn pieces<'a>(inside: &'a str, mut piece: impl FnMut(Piece<'a>)) {
    let mut rest = inside;
    while let Some(found) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(found);
        if !plain.is_empty() {
            piece(Piece::Plain(plain));
        }
        let simple = match escape.as_bytes().get(1) {
            Some(b'n') => '\n',
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            _ => {
                let (read, length) = unicode(escape);
                piece(read);
                rest = escape.get(length..).unwrap_or_default();
                continue;
            }
        };
        piece(Piece::Escaped(simple));
        rest = escape.get(2..).unwrap_or_default();
    }
    if !rest.is_empty() {
        piece(Piece::Plain(rest));
    }
}

/// Decodes `\uXXXX` or a pair of them at the start of `escape`. The second result is its length in bytes.
fn unicode<'a>(escape: &str) -> (Piece<'a>, usize) {
    let Some(high) = code_unit(escape.as_bytes()) else {
        return (Piece::UnknownEscape, 1);
    };
    if let Some(character) = char::from_u32(u32::from(high)) {
        return (Piece::Escaped(character), 6);
    }
    let low = escape.as_bytes().get(6..).and_then(code_unit);
    let pair = low.and_then(|low| char::decode_utf16([high, low]).next()).and_then(Result::ok);
    pair.map_or((Piece::LoneSurrogate(high), 6), |character| (Piece::Escaped(character), 12))
}

fn code_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

/// The decoded content of a string. A lone surrogate becomes U+FFFD.
pub(super) fn unescape(inside: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    pieces(inside, |piece| match piece {
        Piece::Plain(plain) => text.push_str(plain),
        Piece::Escaped(character) => text.push(character),
        Piece::LoneSurrogate(_) => text.push(char::REPLACEMENT_CHARACTER),
        Piece::UnknownEscape => {}
    });
    Cow::Owned(text)
}

/// Appends `text` as a JSON string with the fewest escapes.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends `text` as the content of a JSON string.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(found) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, special) = rest.split_at(found);
        out.push_str(plain);
        match special.as_bytes().first().copied().unwrap_or_default() {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x8 => out.push_str("\\b"),
            0xc => out.push_str("\\f"),
            control => push_unit(out, u16::from(control)),
        }
        rest = special.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// Appends `\uxxxx`, in lower case.
pub(super) fn push_unit(out: &mut String, unit: u16) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from_digit(u32::from(unit >> shift & 0xf), 16).unwrap_or('0'));
    }
}
