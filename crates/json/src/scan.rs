//! The end of a token: the hot loop of the reader.

use memchr::memchr2;

use super::Malformed;
use super::kind::Kind;

/// The first byte at or after `at` that is not a blank.
pub(super) fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Words of a string to scan before calling `memchr`. Most strings are keys, IDs and times that end within these words,
/// where a call costs more than the scan.
const SHORT_WORDS: usize = 5;

/// The first quote or backslash in `rest`.
fn quote_or_backslash(rest: &[u8]) -> Option<usize> {
    let (words, _) = rest.as_chunks::<8>();
    for (number, word) in words.iter().take(SHORT_WORDS).enumerate() {
        let found = matches_in(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(number * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let looked_at = words.len().min(SHORT_WORDS) * 8;
    memchr2(b'"', b'\\', rest.get(looked_at..)?).map(|found| looked_at + found)
}

/// A word whose lowest set bit is in the first byte that is a quote or a backslash. Zero if there is none. Bits above the
/// lowest one may be wrong: the search has no branch per byte.
fn matches_in(word: u64) -> u64 {
    const LOW: u64 = u64::MAX / 255;
    const HIGH: u64 = LOW << 7;
    let zero_bytes = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    zero_bytes(word ^ (LOW * u64::from(b'"'))) | zero_bytes(word ^ (LOW * u64::from(b'\\')))
}

/// The end of the string that starts with the quote at `at`, after its closing quote, and true if it has escapes.
pub(super) fn string(bytes: &[u8], at: usize) -> Result<(usize, bool), Malformed> {
    let mut next = at + 1;
    let mut escaped = false;
    loop {
        let rest = bytes.get(next..).unwrap_or_default();
        match quote_or_backslash(rest) {
            Some(found) if rest[found] == b'"' => return Ok((next + found + 1, escaped)),
            // An escaped byte is neither an end nor an escape, even if it is the first byte of a longer character.
            Some(found) => next += found + 2,
            None => return Err(Malformed { offset: at, what: "a string without an end" }),
        }
        escaped = true;
    }
}

/// The end and the kind of the value at `at`, which is not a string, array or object.
pub(super) fn scalar(bytes: &[u8], at: usize) -> Result<(usize, Kind), Malformed> {
    let rest = bytes.get(at..).unwrap_or_default();
    let word = |word: &'static str, kind| {
        if rest.starts_with(word.as_bytes()) {
            Ok((at + word.len(), kind))
        } else {
            Err(Malformed { offset: at, what: "a value was expected" })
        }
    };
    match rest.first() {
        Some(b't') => word("true", Kind::Bool),
        Some(b'f') => word("false", Kind::Bool),
        Some(b'n') => word("null", Kind::Null),
        Some(b'N') => word("NaN", Kind::NonStandard),
        Some(b'I') => word("Infinity", Kind::NonStandard),
        Some(b'-') if rest.get(1) == Some(&b'I') => word("-Infinity", Kind::NonStandard),
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => number(bytes, at),
        Some(_) => Err(Malformed { offset: at, what: "a value was expected" }),
        None => Err(Malformed { offset: at, what: "the text ends where a value was expected" }),
    }
}

fn number(bytes: &[u8], at: usize) -> Result<(usize, Kind), Malformed> {
    let rest = bytes.get(at..).unwrap_or_default();
    let in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let token = rest.get(..rest.iter().take_while(|byte| in_number(byte)).count()).unwrap_or_default();
    if !token.iter().any(u8::is_ascii_digit) {
        return Err(Malformed { offset: at, what: "a number without a digit" });
    }
    let kind = if is_json_number(token) { Kind::Number } else { Kind::NonStandard };
    Ok((at + token.len(), kind))
}

/// True if the token is a number of RFC 8259: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
fn is_json_number(token: &[u8]) -> bool {
    let digits = |from: usize| {
        token.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(token.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && token[at] == b'0') {
        return false;
    }
    at += whole;
    if token.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    if let Some(b'e' | b'E') = token.get(at) {
        at += 1;
        at += usize::from(matches!(token.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == token.len()
}
