//! Points in time: the forms the API sends them in, and the one form the exporter writes.
//!
//! All are microseconds since 1970-01-01 UTC, in the years 0000 to 9999, which every reader of our files knows.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

/// 0000-01-01T00:00:00Z.
const FIRST: i64 = -62_167_219_200_000_000;
/// 9999-12-31T23:59:59.999999Z.
const LAST: i64 = 253_402_300_799_999_999;

/// Reads ISO 8601 text with date and time (api.md §2) as microseconds UTC; without a zone it is UTC.
///
/// Between date and time stands `T`, `t` or one blank; a fraction of any length is cut to microseconds; the zone is `Z`, `z`,
/// `+05:30`, `+0530` or `+05`. None for anything else, and outside the years 0000 to 9999.
pub fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let &[_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', _, _, b':', _, _, b':', _, _] = date_time
    else {
        return None;
    };
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(digits(&date_time[..4])?).ok()?,
        digits(&date_time[5..7])?,
        digits(&date_time[8..10])?,
    )?;
    let time = date.and_hms_opt(
        digits(&date_time[11..13])?,
        digits(&date_time[14..16])?,
        digits(&date_time[17..19])?,
    )?;
    let (fraction, zone) = fraction(rest)?;
    let micros = time.and_utc().timestamp_micros() + fraction - offset(zone)? * 1_000_000;
    in_range(micros)
}

/// Reads a number as a time by its size: below 1e11 seconds, 1e14 milliseconds, 1e17 microseconds, else nanoseconds.
///
/// Exact: digits are moved, not multiplied as floats. None when it is negative, no number, or beyond the year 9999.
pub(super) fn parse_number(text: &str) -> Option<i64> {
    /// Digits before the point of the last nanosecond of 9999: more are out of range whatever they say.
    const LONGEST: i64 = 21;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut digits = whole.bytes().chain(fraction.bytes());
    let zeros = digits.clone().take_while(|byte| *byte == b'0').count();
    if zeros == whole.len() + fraction.len() {
        return in_range(0);
    }
    digits.by_ref().take(zeros).for_each(drop);
    let before_point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
    let before_point = before_point.checked_add(exponent)?;
    let shift = match before_point {
        ..=11 => 6,
        12..=14 => 3,
        15..=17 => 0,
        18..=LONGEST => -3,
        _ => return None,
    };
    let wanted = usize::try_from(before_point.checked_add(shift)?.max(0)).ok()?;
    let micros = digits.chain(std::iter::repeat(b'0')).take(wanted);
    in_range(micros.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')))
}

/// Reads a time in any form that a column takes: text, or a number by its size.
pub fn read_time(text: &str) -> Option<i64> {
    parse_time(text).or_else(|| parse_number(text))
}

/// The time as the exporter writes it: `2026-11-20T02:00:00.000000Z`.
///
/// A time outside the years 0000 to 9999, which no column holds, is written as the nearest inside.
pub fn format_time(micros: i64) -> TimeText {
    let time = DateTime::from_timestamp_micros(micros.clamp(FIRST, LAST)).unwrap_or_default();
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    put(&mut text[0..4], time.year().unsigned_abs());
    put(&mut text[5..7], time.month());
    put(&mut text[8..10], time.day());
    put(&mut text[11..13], time.hour());
    put(&mut text[14..16], time.minute());
    put(&mut text[17..19], time.second());
    put(&mut text[20..26], time.nanosecond() / 1000);
    TimeText(text)
}

/// A formatted time, on the stack. Derefs to `str`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeText([u8; 27]);

impl Deref for TimeText {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII digits and signs")
    }
}

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<TimeText> for String {
    fn from(text: TimeText) -> Self {
        (*text).to_owned()
    }
}

impl serde::Serialize for TimeText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

fn in_range(micros: i64) -> Option<i64> {
    (FIRST..=LAST).contains(&micros).then_some(micros)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |number, byte| Some(number * 10 + char::from(*byte).to_digit(10)?))
}

/// The fraction of a second at the start of `rest`, in microseconds, and what follows it.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.' | b',', fraction @ ..] = rest else { return Some((0, rest)) };
    let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, zone) = fraction.split_at(length);
    if fraction.is_empty() {
        return None;
    }
    let six = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(6);
    Some((six.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0')), zone))
}

/// How far the zone is ahead of UTC, in seconds.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, hours @ .., b':', m1, m2] if hours.len() == 2 => (sign, digits(hours)?, digits(&[*m1, *m2])?),
        [sign, h1, h2, minutes @ ..] if matches!(minutes.len(), 0 | 2) => {
            (sign, digits(&[*h1, *h2])?, digits(minutes)?)
        }
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn put(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FIRST, LAST, format_time, parse_number, parse_time};

    fn again(text: &str) -> String {
        parse_time(text).map_or("-".to_owned(), |micros| format_time(micros).to_string())
    }

    #[test]
    fn iso_text_of_every_form() {
        let two = "2026-11-20T02:00:00.000000Z";
        for text in [
            "2026-11-20T02:00:00Z",
            "2026-11-20t02:00:00z",
            "2026-11-20 02:00:00",
            "2026-11-20T02:00:00+00:00",
            "2026-11-20T07:30:00+05:30",
            "2026-11-20T07:30:00+0530",
            "2026-11-19T21:00:00-05",
            "2026-11-20T02:00:00.0000009Z",
            "2026-11-20 02:00:00,0-00:00",
        ] {
            assert_eq!(again(text), two, "{text}");
        }
        assert_eq!(again("2024-02-29T23:59:59.123456789+00:00"), "2024-02-29T23:59:59.123456Z");
        assert_eq!(again("1969-12-31T23:59:59.5"), "1969-12-31T23:59:59.500000Z");
        assert_eq!(parse_time("0000-01-01T00:00:00Z"), Some(FIRST));
        assert_eq!(parse_time("9999-12-31T23:59:59.9999999Z"), Some(LAST));
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T02:00",
            "2026-11-20T02:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T02:00:60Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-W01-1T00:00:00Z",
            " 2026-11-20T02:00:00Z",
            "2026-11-20T02:00:00Z ",
            "2026-11-20T02:00:00 Z",
            "2026-11-20  02:00:00",
            "2026-11-20T02:00:00.Z",
            "2026-11-20T02:00:00+5",
            "2026-11-20T02:00:00+24:00",
            "2026-11-20T02:00:00+05:60",
            "2026-11-20T02:00:00+05:3",
            "2026-11-20T02:00:00*05:30",
            "+2026-11-20T02:00:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-00:01",
            "２026-11-20T02:00:00",
            "20261120T020000Z",
        ] {
            assert_eq!(again(text), "-", "{text}");
        }
    }

    #[test]
    fn numbers_by_their_size() {
        for (text, micros) in [
            ("0", 0),
            ("0.0", 0),
            ("1", 1_000_000),
            ("1752577991", 1_752_577_991_000_000),
            ("1752577991.5", 1_752_577_991_500_000),
            ("1752577991.1234567", 1_752_577_991_123_456),
            ("99999999999", 99_999_999_999_000_000),
            ("100000000000", 100_000_000_000_000),
            ("1752577991000", 1_752_577_991_000_000),
            ("1752577991000.25", 1_752_577_991_000_250),
            ("99999999999999", 99_999_999_999_999_000),
            ("100000000000000", 100_000_000_000_000),
            ("1752577991000123", 1_752_577_991_000_123),
            ("1752577991000123.9", 1_752_577_991_000_123),
            ("1752577991000123999", 1_752_577_991_000_123),
            ("1.752577991e9", 1_752_577_991_000_000),
            ("17525779910E-1", 1_752_577_991_000_000),
            ("0.5", 500_000),
            ("1e-9", 0),
            ("0001752577991", 1_752_577_991_000_000),
            ("253402300799999999999", LAST),
        ] {
            assert_eq!(parse_number(text), Some(micros), "{text}");
        }
        for text in [
            "-1",
            "-0",
            "",
            ".5",
            "1x",
            "253402300800000000000",
            "1e400",
            "1e99999999999999999999",
            "+1",
            "NaN",
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in FIRST..=LAST) {
            let text = format_time(micros);
            prop_assert_eq!(text.len(), 27);
            prop_assert_eq!(parse_time(&text), Some(micros));
        }

        #[test]
        fn never_panics(text in r"[0-9Tt :.,+\-Zzé]{0,40}", number in r"[0-9.eE+-]{0,40}") {
            parse_time(&text);
            parse_number(&number);
        }
    }
}
