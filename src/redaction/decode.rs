//! Decodes texts inside a text: percent, HTML and backslash escapes, base64 and hex. The decoded text knows
//! where it came from.

use std::borrow::Cow;

use super::fold::place;

/// A text, or a text decoded from it.
#[derive(Debug)]
pub(super) struct Layer<'t> {
    pub(super) text: Cow<'t, str>,
    /// The bytes of the source that each byte came from, as start and end. Empty for the source itself.
    from: Vec<(u32, u32)>,
}

impl<'t> Layer<'t> {
    pub(super) fn plain(text: &'t str) -> Self {
        Self { text: Cow::Borrowed(text), from: Vec::new() }
    }

    /// Returns the bytes of the source that a part of this text came from. The part is not empty.
    pub(super) fn source(&self, (start, end): (usize, usize)) -> (usize, usize) {
        if self.from.is_empty() {
            return (start, end);
        }
        let first = self.from.get(start).map_or(0, |from| from.0);
        let last = end.checked_sub(1).and_then(|last| self.from.get(last)).map_or(0, |from| from.1);
        (first as usize, last as usize)
    }

    /// Decodes the escapes of the text, once. `None` if there are none.
    pub(super) fn unescaped(&self) -> Option<Layer<'static>> {
        memchr::memchr3(b'%', b'&', b'\\', self.text.as_bytes())?;
        self.decoded(|rest| match rest[0] {
            b'%' => percent(rest),
            b'&' => entity(rest),
            b'\\' => backslash(rest),
            _ => None,
        })
    }

    /// Decodes quoted-printable, which mail programs write. `None` if there is none.
    pub(super) fn unquoted(&self) -> Option<Layer<'static>> {
        memchr::memchr(b'=', self.text.as_bytes())?;
        self.decoded(|rest| match rest {
            [b'=', b'\n', ..] => Some((Decoded::Text(""), 2)),
            [b'=', b'\r', b'\n', ..] => Some((Decoded::Text(""), 3)),
            [b'=', high, low, ..] if !low.is_ascii_lowercase() => {
                hex_byte(*high, *low).filter(|byte| *byte >= b' ').map(|byte| (Decoded::Byte(byte), 3))
            }
            _ => None,
        })
    }

    /// Leaves out control characters, and blanks that are no whitespace. `None` if there are none.
    pub(super) fn without_blanks(&self) -> Option<Layer<'static>> {
        self.decoded(|rest| {
            let length = match rest {
                [b'\t' | b'\n' | b'\r' | b' '..=b'~', ..] => return None,
                [0..b' ' | 0x7f, ..] => 1,
                _ => BLANKS.iter().find(|blank| rest.starts_with(blank.as_bytes()))?.len(),
            };
            Some((Decoded::Text(""), length))
        })
    }

    fn decoded(&self, escape: impl Fn(&[u8]) -> Option<(Decoded, usize)>) -> Option<Layer<'static>> {
        let bytes = self.text.as_bytes();
        let mut at = (0..bytes.len()).find(|at| escape(&bytes[*at..]).is_some())?;
        let mut out = Unescaped::default();
        for (index, byte) in bytes[..at].iter().enumerate() {
            out.push(&Decoded::Byte(*byte), self.source((index, index + 1)));
        }
        while let Some(&byte) = bytes.get(at) {
            let (decoded, length) = escape(&bytes[at..]).unwrap_or((Decoded::Byte(byte), 1));
            out.push(&decoded, self.source((at, at + length)));
            at += length;
        }
        Some(out.finish())
    }
}

/// Characters without a shape, and the signs for what cannot be shown.
const BLANKS: [&str; 7] =
    ["\u{115f}", "\u{1160}", "\u{2800}", "\u{3164}", "\u{ffa0}", "\u{fffc}", "\u{fffd}"];

enum Decoded {
    /// A byte of UTF-8.
    Byte(u8),
    Char(char),
    Text(&'static str),
}

#[derive(Default)]
struct Unescaped {
    bytes: Vec<u8>,
    from: Vec<(u32, u32)>,
}

impl Unescaped {
    fn push(&mut self, decoded: &Decoded, (start, end): (usize, usize)) {
        match decoded {
            Decoded::Byte(byte) => self.bytes.push(*byte),
            Decoded::Char(c) => self.bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Decoded::Text(text) => self.bytes.extend(text.as_bytes()),
        }
        self.from.resize(self.bytes.len(), (place(start), place(end)));
    }

    /// Bytes that are not UTF-8 are read as Latin-1, which old programs escape.
    fn finish(self) -> Layer<'static> {
        let mut text = String::with_capacity(self.bytes.len());
        let mut from: Vec<(u32, u32)> = Vec::with_capacity(self.from.len());
        let mut at = 0;
        for chunk in self.bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                // The bytes of one character may come from several escapes.
                let of = (self.from[at].0, self.from[at + c.len_utf8() - 1].1);
                text.push(c);
                from.resize(text.len(), of);
                at += c.len_utf8();
            }
            for byte in chunk.invalid() {
                text.push(char::from(*byte));
                from.resize(text.len(), self.from[at]);
                at += 1;
            }
        }
        Layer { text: Cow::Owned(text), from }
    }
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
    u8::try_from(high << 4 | low).ok()
}

fn percent(rest: &[u8]) -> Option<(Decoded, usize)> {
    if matches!(rest.get(1), Some(b'u' | b'U')) {
        let (high, low) = (hex_byte(*rest.get(2)?, *rest.get(3)?)?, hex_byte(*rest.get(4)?, *rest.get(5)?)?);
        return Some((Decoded::Char(char::from_u32(u32::from(high) << 8 | u32::from(low))?), 6));
    }
    Some((Decoded::Byte(hex_byte(*rest.get(1)?, *rest.get(2)?)?), 3))
}

fn backslash(rest: &[u8]) -> Option<(Decoded, usize)> {
    Some(match rest.get(1)? {
        b'n' => (Decoded::Char('\n'), 2),
        b'r' | b't' | b'b' | b'f' => (Decoded::Char(' '), 2),
        c @ (b'"' | b'\\' | b'/' | b'\'') => (Decoded::Byte(*c), 2),
        b'x' => (Decoded::Char(char::from(hex_byte(*rest.get(2)?, *rest.get(3)?)?)), 4),
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(10).position(|byte| *byte == b'}')?;
            let code = std::str::from_utf8(rest.get(3..end)?).ok()?;
            (Decoded::Char(char::from_u32(u32::from_str_radix(code, 16).ok()?)?), end + 1)
        }
        b'u' => {
            let high = code_unit(rest)?;
            if let Some(c) = char::from_u32(u32::from(high)) {
                return Some((Decoded::Char(c), 6));
            }
            let low = code_unit(rest.get(6..)?)?;
            (Decoded::Char(char::decode_utf16([high, low]).next()?.ok()?), 12)
        }
        _ => return None,
    })
}

fn code_unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    let (high, low) = (hex_byte(digits[0], digits[1])?, hex_byte(digits[2], digits[3])?);
    Some(u16::from_be_bytes([high, low]))
}

fn entity(rest: &[u8]) -> Option<(Decoded, usize)> {
    let end = rest.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(rest.get(1..end)?).ok()?;
    let decoded = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Decoded::Char(char::from_u32(code)?)
        }
        None => Decoded::Text(named(name)?),
    };
    Some((decoded, end + 1))
}

/// The named characters of HTML that occur in names, addresses and numbers.
fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => " ",
        "commat" => "@",
        "period" => ".",
        "plus" => "+",
        "lpar" => "(",
        "rpar" => ")",
        "sol" => "/",
        "ndash" | "mdash" | "hyphen" => "-",
        "shy" | "zwj" | "zwnj" => "\u{ad}",
        "szlig" => "ß",
        "aelig" | "AElig" => "æ",
        "oelig" | "OElig" => "œ",
        "oslash" | "Oslash" => "ø",
        "thorn" | "THORN" => "þ",
        "eth" | "ETH" => "ð",
        // Letters are searched without their accents and in lower case.
        _ => {
            let (letter, accent) = name.split_at_checked(1)?;
            let is_accent = matches!(
                accent,
                "uml" | "acute" | "grave" | "circ" | "tilde" | "ring" | "cedil" | "caron" | "ogon" | "macr"
            );
            let index = letter.bytes().next()?.to_ascii_lowercase().checked_sub(b'a')?;
            let at = usize::from(index);
            return is_accent.then(|| "abcdefghijklmnopqrstuvwxyz".get(at..=at)).flatten();
        }
    })
}

/// A part of a text that may be an encoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EncodedPart {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Least number of characters of base64 without padding, and of hex.
const MIN_BASE64: usize = 11;
const MIN_HEX: usize = 16;

/// Returns the parts of a text that may be base64, in any of its alphabets.
pub(super) fn base64_parts(text: &str) -> Vec<EncodedPart> {
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(skipped) = bytes[at..].iter().position(|byte| sextet(*byte).is_some()) {
        let start = at + skipped;
        let length = bytes[start..].iter().position(|byte| sextet(*byte).is_none());
        let mut body = length.map_or(bytes.len(), |length| start + length);
        // Mail programs break long texts over lines.
        let mut line = start;
        while body - line >= MIN_LINE {
            let Some(next) = next_line(bytes, body) else { break };
            line = next;
            body = next + bytes[next..].iter().take_while(|byte| sextet(**byte).is_some()).count();
        }
        let padding = bytes[body..].iter().take(2).take_while(|byte| **byte == b'=').count();
        at = body + padding;
        let is_long = body - start >= MIN_BASE64 || (padding > 0 && body - start >= 6);
        if is_long && !is_word(&bytes[start..body]) {
            parts.push(EncodedPart { start, end: at });
        }
    }
    parts
}

/// Least characters of a line of base64 that goes on in the next line.
const MIN_LINE: usize = 60;

/// Returns the start of the line of base64 behind a line end.
fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    let rest = bytes.get(end..)?;
    let length = usize::from(rest.starts_with(b"\r"));
    let is_next = rest.get(length) == Some(&b'\n') && sextet(*rest.get(length + 1)?).is_some();
    is_next.then_some(end + length + 1)
}

/// True for a word of a language, which base64 hardly ever looks like.
fn is_word(part: &[u8]) -> bool {
    let rest = part.get(1..).unwrap_or_default();
    part.len() < 24 && (rest.iter().all(u8::is_ascii_lowercase) || part.iter().all(u8::is_ascii_digit))
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Returns the texts that a part may stand for: decoded from each of its first four characters on, because
/// other characters may touch its start. Those in which nothing can be read are left out.
pub(super) fn base64_texts(part: &str) -> impl Iterator<Item = String> {
    let body: Vec<u8> = part.bytes().filter(|byte| sextet(*byte).is_some()).collect();
    (0..4.min(body.len())).filter_map(move |skipped| readable(&base64_bytes(&body[skipped..])))
}

fn base64_bytes(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 2);
    for group in body.chunks(4) {
        let sextets = group.iter().filter_map(|byte| sextet(*byte));
        let value = sextets.fold(0_u32, |value, sextet| value << 6 | u32::from(sextet));
        let value = value << (6 * (4 - group.len()));
        bytes.extend(&value.to_be_bytes()[1..group.len()]);
    }
    bytes
}

/// Returns the parts of a text that are hex of a text, with that text.
pub(super) fn hex_texts(text: &str) -> Vec<(EncodedPart, String)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skipped) = bytes[at..].iter().position(u8::is_ascii_hexdigit) {
        let start = at + skipped;
        let length = bytes[start..].iter().position(|byte| !byte.is_ascii_hexdigit());
        at = length.map_or(bytes.len(), |length| start + length);
        if at - start < MIN_HEX {
            continue;
        }
        for skipped in 0..2 {
            let pairs = bytes[start + skipped..at].chunks_exact(2);
            let decoded: Option<Vec<u8>> = pairs.map(|pair| hex_byte(pair[0], pair[1])).collect();
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            let is_control = |c: char| c.is_control() && !c.is_ascii_whitespace();
            if let Some(text) = decoded.filter(|text| !text.contains(is_control)) {
                found.push((EncodedPart { start, end: at }, text));
            }
        }
    }
    found
}

/// Least number of characters in a row that make decoded bytes readable.
const READABLE: usize = 5;

/// Returns bytes as text, if a part of them is readable. Other bytes become U+FFFD.
fn readable(bytes: &[u8]) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace())
    {
        return Some(text.to_owned());
    }
    // UTF-16 of ASCII has a zero beside each character.
    if memchr::memchr_iter(0, bytes).count() * 3 > bytes.len() {
        let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        return readable(&narrow);
    }
    let is_plain = |byte: &u8| (b' '..=b'~').contains(byte);
    let longest = bytes.split(|byte| !is_plain(byte)).map(<[u8]>::len).max()?;
    (longest >= READABLE).then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn escapes_know_their_source() {
        let text = r"x%4D%C3%BCller &uuml;&#64;&#x2e; \u00fc\ud83d\ude00 100% & \ %FCx";
        let layer = Layer::plain(text).unescaped().unwrap();
        assert_eq!(layer.text, "xMüller u@. ü😀 100% & \\ üx");
        let at = layer.text.find("Müller").unwrap();
        let (start, end) = layer.source((at, at + "Müller".len()));
        assert_eq!(text.get(start..end), Some("%4D%C3%BCller"));
        assert!(Layer::plain("100% of & \\").unescaped().is_none());
        let twice = Layer::plain("%2540").unescaped().unwrap().unescaped().unwrap();
        assert_eq!((twice.text.as_ref(), twice.source((0, 1))), ("@", (0, 5)));
    }

    #[test]
    fn base64_is_read_wherever_it_starts() {
        for before in ["", "x", "xy", "xyz", "wamid.", "t=QUFB"] {
            for encoded in
                [STANDARD.encode("+491512345678"), URL_SAFE_NO_PAD.encode("\u{1c}\u{18}491512345678\u{2}")]
            {
                let text = format!("{before}{encoded}");
                let parts = base64_parts(&text);
                let part = parts.last().unwrap();
                let part = text.get(part.start..part.end).unwrap();
                assert!(base64_texts(part).any(|text| text.contains("491512345678")), "{text}");
            }
        }
        assert!(base64_parts("Donaudampfschifffahrt and 4915123456789").is_empty());
    }

    #[test]
    fn hex_is_read_where_it_is_text() {
        let texts = hex_texts("id 343931353132333435363738, 0e56f0302a0f41a6bbff856264595233");
        assert_eq!(texts.len(), 1);
        assert_eq!(texts[0].1, "491512345678");
    }
}
