//! JSON as text: when a `json` column may stand as it is, and how times look.

use std::io::{self, Write};

use chrono::{DateTime, Datelike, Timelike};
use memchr::{memchr, memchr2};
use serde::de::IgnoredAny;

/// Writes the text of a `json` column into a line of JSONL: as the value it is, or as a string when it is none.
pub(super) fn embed(text: &str, out: &mut impl Write) -> io::Result<()> {
    if !is_strict(text) {
        return Ok(serde_json::to_writer(out, text)?);
    }
    // Inside strings line ends are escaped, so the raw ones stand between tokens, where a blank means the same.
    let mut rest = text.as_bytes();
    while let Some(end) = memchr2(b'\n', b'\r', rest) {
        out.write_all(&rest[..end])?;
        out.write_all(b" ")?;
        rest = &rest[end + 1..];
    }
    out.write_all(rest)
}

/// Whether every reader takes the text for one JSON value. An escaped half of a surrogate pair is refused too:
/// the grammar allows it, but it stands for no character, and readers such as `DuckDB` stop at it.
fn is_strict(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok() && !has_lone_surrogate(text.as_bytes())
}

/// Looks at the escapes of a text that is known to be JSON.
fn has_lone_surrogate(mut rest: &[u8]) -> bool {
    while let Some(at) = memchr(b'\\', rest) {
        rest = &rest[at..];
        match code_unit(rest) {
            None => rest = rest.get(2..).unwrap_or_default(),
            Some(0xd800..=0xdbff) => match rest.get(6..).and_then(code_unit) {
                Some(0xdc00..=0xdfff) => rest = rest.get(12..).unwrap_or_default(),
                _ => return true,
            },
            Some(0xdc00..=0xdfff) => return true,
            Some(_) => rest = rest.get(6..).unwrap_or_default(),
        }
    }
    false
}

/// The code unit of a `\uXXXX` at the start.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A time as the manifest and JSONL write it, `2026-11-20T02:00:00.000000Z`, from microseconds since 1970 UTC; none
/// when it is outside the years that have four digits.
pub fn timestamp(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros).filter(|time| (0..=9999).contains(&time.year()))?;
    let (date, clock) = (time.date_naive(), time.time());
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        date.year(),
        date.month(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        time.timestamp_subsec_micros(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(text: &str) -> String {
        let mut out = Vec::new();
        embed(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_stands_as_it_is() {
        for text in
            [r#"{"a": 1.50, "a":[null,"\u00e9\ud83d\ude00"]}"#, "12345678901234567890", r#""\\ud83d""#]
        {
            assert_eq!(embedded(text), text);
        }
        assert_eq!(embedded("{\r\n \"a\":\n1}"), "{   \"a\": 1}");
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(embedded(&deep), deep);
    }

    #[test]
    fn what_is_no_strict_json_becomes_a_string() {
        for text in [
            "NaN",
            "",
            "{\"a\":1} x",
            r#""\ud83d""#,
            r#""\ude00\ud83d""#,
            r#"{"\ud83d\n":1}"#,
            "\"a\nb\"",
            "[1,]",
        ] {
            assert_eq!(serde_json::from_str::<String>(&embedded(text)).unwrap(), text);
            assert!(!embedded(text).contains('\n'));
        }
    }

    #[test]
    fn times_have_four_digits_of_year_and_six_of_fraction() {
        assert_eq!(timestamp(1_795_140_000_000_001).unwrap(), "2026-11-20T02:00:00.000001Z");
        assert_eq!(timestamp(-62_167_219_200_000_000).unwrap(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(timestamp(253_402_300_799_999_999).unwrap(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(253_402_300_800_000_000), None);
        assert_eq!(timestamp(-1).unwrap(), "1969-12-31T23:59:59.999999Z");
    }
}
