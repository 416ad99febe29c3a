//! Reads the zone at the end of a time.

use super::digits;

/// A zone, as its offset from UTC.
///
/// - none, `Z`, `z`, `UTC`, `GMT`: UTC
/// - `+05:30`, `+0530`, `+05`
/// - with a space before them, as Ruby prints `+0000` and `UTC`
/// - `+0000 UTC`, `+0100 CET` and `+0530 +0530`, as Go prints them; only the offset counts. Go may add its
///   monotonic clock, ` m=+0.01`
/// - a name in brackets after an offset or `Z`, as in `+01:00[Europe/Paris]` (RFC 9557); only the offset
///   counts
///
/// A name alone is not accepted: `CET` and `[Europe/Paris]` need a database of zones, and `EST` is ambiguous.
pub(super) struct Zone {
    /// Offset from UTC in seconds.
    pub(super) offset: i64,
}

impl Zone {
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { offset: 0 });
        }
        let (is_apart, zone) = text.strip_prefix(b" ").map_or((false, text), |zone| (true, zone));
        if let Some(rest) = zone.strip_prefix(b"UTC").or_else(|| zone.strip_prefix(b"GMT")) {
            return rest.is_empty().then_some(Self { offset: 0 });
        }
        if let [b'Z' | b'z', rest @ ..] = zone {
            return (!is_apart && (rest.is_empty() || is_annotation(rest))).then_some(Self { offset: 0 });
        }
        let (offset, rest) = offset(zone)?;
        let is_complete =
            rest.is_empty() || is_annotation(rest) || (is_apart && is_name_of_go(rest, zone, offset));
        is_complete.then_some(Self { offset })
    }
}

/// Returns the offset at the start of a text, in seconds, and the rest.
fn offset(zone: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, hours, minutes, rest) = match zone {
        [sign, h1, h2, b':', m1, m2, rest @ ..] => (sign, [*h1, *h2], [*m1, *m2], rest),
        [sign, h1, h2, m1, m2, rest @ ..] if m1.is_ascii_digit() => (sign, [*h1, *h2], [*m1, *m2], rest),
        [sign, h1, h2, rest @ ..] => (sign, [*h1, *h2], *b"00", rest),
        _ => return None,
    };
    let (hours, minutes) = (digits(&hours)?, digits(&minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    match sign {
        b'+' => Some((seconds, rest)),
        b'-' => Some((-seconds, rest)),
        _ => None,
    }
}

/// True for `[Europe/Paris]`, `[!u-ca=gregory]`, or several of them.
fn is_annotation(text: &[u8]) -> bool {
    let Some(inner) = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")) else { return false };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!_+-/=~.".contains(byte);
    String::from_utf8_lossy(inner)
        .split("][")
        .all(|tag| !tag.is_empty() && tag.as_bytes().iter().all(is_part))
}

/// True for the abbreviation that Go prints after an offset, or for the repeated offset of zones without one.
fn is_name_of_go(rest: &[u8], zone: &[u8], offset: i64) -> bool {
    let Some(rest) = rest.strip_prefix(b" ") else { return false };
    let end = rest.windows(3).position(|window| window == b" m=").unwrap_or(rest.len());
    let (name, monotonic) = rest.split_at(end);
    let is_word = (3..=5).contains(&name.len()) && name.iter().all(u8::is_ascii_uppercase);
    // A name of UTC after another offset is a contradiction.
    let is_name = if name == b"UTC" || name == b"GMT" { offset == 0 } else { is_word };
    // Go prints the repeated offset without minutes if it has whole hours.
    let is_again = name.starts_with(b"+") || name.starts_with(b"-");
    (is_name || (is_again && zone.starts_with(name))) && is_monotonic(monotonic)
}

/// True for an empty text, or ` m=+0.001`.
fn is_monotonic(text: &[u8]) -> bool {
    let Some(clock) = text.strip_prefix(b" m=") else { return text.is_empty() };
    let Some(number) = clock.strip_prefix(b"+").or_else(|| clock.strip_prefix(b"-")) else { return false };
    let parts: Vec<_> = number.split(|byte| *byte == b'.').collect();
    parts.len() == 2 && parts.iter().all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
}
