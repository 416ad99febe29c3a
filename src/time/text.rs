//! Reads text as a point in time: ISO 8601, RFC 3339, and the output of common programming languages.

use chrono::NaiveDate;

use super::zone::Zone;
use super::{digits, in_range};

pub(super) const MICROS: i64 = 1_000_000;
pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// Reads a text that names one point in time, as microseconds UTC. Without a zone it is UTC.
///
/// - Date: `2026-11-20` or, before a time, `20261120`. A date alone is its midnight.
/// - Between date and time: `T`, `t` or one space.
/// - Time: `02:00:00`, `02:00`, `020000` or `0200`; after `T` also `02`. A fraction of a second of any length
///   is cut to microseconds. `24:00` is the end of the day. `23:59:60` UTC is a leap second and counts as the
///   second after it.
/// - Zone: see [`Zone`].
///
/// `None` for anything else, such as `03/01/2026`, and outside the years 0000 to 9999. Digits alone are a
/// number, not a date.
pub(super) fn parse_any(text: &str) -> Option<i64> {
    let (date, rest) = date(text.as_bytes())?;
    let days = i64::from(date.to_epoch_days());
    let Some((separator, rest)) = rest.split_first() else {
        // `20261120` could be a number of seconds.
        return if text.contains('-') { in_range(days * SECONDS_PER_DAY * MICROS) } else { None };
    };
    let allows_hour_alone = match separator {
        b'T' | b't' => true,
        b' ' => false,
        _ => return None,
    };
    let (time, rest) = Clock::read(rest, allows_hour_alone)?;
    let (fraction, rest) = if time.has_seconds { fraction(rest)? } else { (0, rest) };
    let offset = Zone::read(rest)?.offset;
    let seconds = time.seconds(fraction, offset)?;
    in_range((days * SECONDS_PER_DAY + seconds - offset) * MICROS + fraction)
}

/// Returns the date at the start of a text, and the rest.
fn date(text: &[u8]) -> Option<(NaiveDate, &[u8])> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day, rest) = match rest {
        [b'-', m1, m2, b'-', d1, d2, rest @ ..] => ([*m1, *m2], [*d1, *d2], rest),
        [m1, m2, d1, d2, rest @ ..] => ([*m1, *m2], [*d1, *d2], rest),
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(digits(year)?).ok()?, digits(&month)?, digits(&day)?)?;
    Some((date, rest))
}

/// A time of day as written, not validated yet.
struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
    has_seconds: bool,
}

impl Clock {
    fn read(text: &[u8], allows_hour_alone: bool) -> Option<(Self, &[u8])> {
        let (hour, rest) = two_digits(text)?;
        let is_extended = rest.first() == Some(&b':');
        let next = |rest| next_part(rest, is_extended);
        let Some((minute, rest)) = next(rest)? else {
            return allows_hour_alone
                .then_some((Self { hour, minute: 0, second: 0, has_seconds: false }, rest));
        };
        let second = next(rest)?;
        let (second, rest, has_seconds) =
            second.map_or((0, rest, false), |(second, rest)| (second, rest, true));
        Some((Self { hour, minute, second, has_seconds }, rest))
    }

    /// Returns the seconds since midnight in the zone, which is `offset` seconds ahead of UTC.
    fn seconds(&self, fraction: i64, offset: i64) -> Option<i64> {
        let seconds = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        let is_end_of_day = self.hour == 24 && seconds == SECONDS_PER_DAY && fraction == 0;
        let is_leap = self.second == 60 && (seconds - offset).rem_euclid(SECONDS_PER_DAY) == 0;
        let is_plain = self.hour <= 23 && self.second <= 59;
        let is_valid = self.minute <= 59 && (is_plain || is_end_of_day || (is_leap && self.hour <= 23));
        is_valid.then_some(seconds)
    }
}

/// Returns the next two digits of a time, if any; after a colon in the extended form. `None` for a colon
/// alone.
#[expect(clippy::option_option, reason = "wrong, absent and present are three cases")]
fn next_part(text: &[u8], is_extended: bool) -> Option<Option<(u32, &[u8])>> {
    match text {
        [b':', rest @ ..] if is_extended => two_digits(rest).map(Some),
        [first, ..] if !is_extended && first.is_ascii_digit() => two_digits(text).map(Some),
        _ => Some(None),
    }
}

fn two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    let (two, rest) = text.split_at_checked(2)?;
    Some((digits(two)?, rest))
}

/// Returns the fraction of a second at the start of `rest`, in microseconds, and the rest.
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
