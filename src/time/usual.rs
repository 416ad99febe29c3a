//! The usual form of a time. There are five of them for each message, so it is read without the steps of the other forms.

use super::text::parse_any;

/// Reads `2026-11-20T02:00:00Z`, with or without three or six digits of a fraction. `None` for every other text, also if it
/// is a time.
fn parse_usual(text: &[u8]) -> Option<i64> {
    let ([y1, y2, y3, y4, b'-', o1, o2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2], rest) =
        text.split_first_chunk()?
    else {
        return None;
    };
    let fraction = match rest {
        [b'Z'] => 0,
        [b'.', f1, f2, f3, b'Z'] => three(*f1, *f2, *f3)? * 1000,
        [b'.', f1, f2, f3, f4, f5, f6, b'Z'] => three(*f1, *f2, *f3)? * 1000 + three(*f4, *f5, *f6)?,
        _ => return None,
    };
    let (year, month, day) = (two(*y1, *y2)? * 100 + two(*y3, *y4)?, two(*o1, *o2)?, two(*d1, *d2)?);
    let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    let is_date = (1..=12).contains(&month) && day >= 1 && day <= days_of(year, month);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction)
}

/// Reads a time in any form of text, as [`parse_any`] does.
pub fn parse_time(text: &str) -> Option<i64> {
    parse_usual(text.as_bytes()).or_else(|| parse_any(text))
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn two(one: u8, other: u8) -> Option<i64> {
    Some(digit(one)? * 10 + digit(other)?)
}

fn three(one: u8, other: u8, last: u8) -> Option<i64> {
    Some(two(one, other)? * 10 + digit(last)?)
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days since 1970-01-01 of a date in the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse_any, parse_usual};

    proptest! {
        #[test]
        fn the_usual_form_is_read_as_any_other(
            (year, month, day) in (0..10_000, 0..14, 0..33),
            (hour, minute, second) in (0..26, 0..61, 0..62),
            fraction in "|[.][0-9]{3}|[.][0-9]{6}|[.][0-9]{1,9}|,5",
            zone in "Z|z|",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
            let usual = parse_usual(text.as_bytes());
            prop_assert!(usual.is_none() || usual == parse_any(&text), "{}", text);
            let is_usual = zone == "Z" && [0, 4, 7].contains(&fraction.len()) && hour < 24 && second < 60;
            prop_assert!(usual.is_some() || !is_usual || parse_any(&text).is_none(), "{}", text);
        }

        #[test]
        fn other_texts_are_not_read(text in "[0-9T:Z. -]{18,26}") {
            let usual = parse_usual(text.as_bytes());
            prop_assert!(usual.is_none() || usual == parse_any(&text), "{}", text);
        }
    }
}
