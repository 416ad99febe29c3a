//! Writes JSON directly into a string: numbers, IDs, times. There is no value tree: one core must make more than 100,000
//! messages per second to keep a fast exporter busy.

use std::fmt::{self, Display, Formatter};

use super::rng::Rng;

/// Appends formatted text to a `String`.
macro_rules! put {
    ($out:expr, $($format:tt)*) => {
        std::fmt::Write::write_fmt($out, format_args!($($format)*)).expect("a string accepts all text")
    };
}
pub(crate) use put;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// An ID in the form of a version 4 UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuid([u64; 2]);

impl Uuid {
    /// A random ID.
    pub fn new(rng: &mut Rng) -> Self {
        let [upper, lower] = [rng.next_u64(), rng.next_u64()];
        Self([(upper & !0xf000) | 0x4000, (lower & !(0b11 << 62)) | (0b10 << 62)])
    }
}

impl Display for Uuid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 36];
        let mut places = (0..8).chain(9..13).chain(14..18).chain(19..23).chain(24..36);
        for byte in self.0.iter().flat_map(|half| half.to_be_bytes()) {
            for nibble in [byte >> 4, byte & 0xf] {
                text[places.next().expect("one position per nibble")] = HEX[usize::from(nibble)];
            }
        }
        f.write_str(std::str::from_utf8(&text).expect("ASCII"))
    }
}

/// A time in Unix milliseconds, shown as `2026-11-20T02:00:00.000Z`.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub i64);

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (days, in_day) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (places, mut value) in [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, in_day / 3_600_000),
            (14..16, in_day / 60_000 % 60),
            (17..19, in_day / 1000 % 60),
            (20..23, in_day % 1000),
        ] {
            for place in places.rev() {
                text[place] = HEX[usize::try_from(value % 10).unwrap_or(0)];
                value /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).expect("ASCII"))
    }
}

/// Text as a JSON string, quotes included.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self.0).expect("text is always a JSON string"))
    }
}

/// Text that needs no escapes as a JSON string.
#[derive(Clone, Copy, Debug)]
pub struct Text<T>(pub T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// A [`Text`], or `null`.
#[derive(Clone, Copy, Debug)]
pub struct OrNull<T>(pub Option<T>);

impl<T: Display> Display for OrNull<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => Text(text).fmt(f),
            None => f.write_str("null"),
        }
    }
}

/// Appends `length` letters and digits of an opaque ID.
pub fn opaque(out: &mut String, rng: &mut Rng, length: usize) {
    let mut bits = 0_u64;
    for place in 0..length {
        if place % 10 == 0 {
            bits = rng.next_u64();
        }
        let [six, ..] = (bits & 63).to_le_bytes();
        out.push(char::from(BASE64[usize::from(six)]));
        bits >>= 6;
    }
}

/// Appends `length` decimal digits. The first is not zero.
pub fn digits(out: &mut String, rng: &mut Rng, length: u32) {
    out.push(char::from(*rng.pick(b"123456789")));
    for _ in 1..length {
        out.push(char::from(*rng.pick(b"0123456789")));
    }
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::super::Rng;
    use super::*;

    proptest! {
        #[test]
        fn times_are_those_of_the_calendar(millis in 0_i64..253_402_300_799_999) {
                prop_assert_eq!(DateTime::parse_from_rfc3339(&Time(millis).to_string()).unwrap().timestamp_millis(), millis);
        }
    }

    #[test]
    fn ids_look_like_version_4_uuids() {
        let id = Uuid::new(&mut Rng::new(1, 2)).to_string();
        let bytes = id.as_bytes();
        assert_eq!((id.len(), bytes[14]), (36, b'4'));
        assert!(b"89ab".contains(&bytes[19]), "{id}");
    }
}
