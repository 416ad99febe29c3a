//! The form in which the program writes a time.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Datelike, Timelike};

use super::{FIRST, LAST};

/// Formats a time: `2026-11-20T02:00:00.000000Z`.
///
/// A time outside the years 0000 to 9999, which no column holds, is clamped to that range.
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

/// Formats a time for people. Whole seconds have no fraction: `2026-11-20T02:00:00Z`.
pub fn short_time(micros: i64) -> String {
    short_text(&format_time(micros))
}

/// Removes the fraction from a formatted time of whole seconds.
pub fn short_text(text: &str) -> String {
    text.strip_suffix(".000000Z").map_or_else(|| text.to_owned(), |seconds| format!("{seconds}Z"))
}

/// A formatted time on the stack. It derefs to `str`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeText([u8; 27]);

impl Deref for TimeText {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the text consists of ASCII characters")
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

fn put(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}
