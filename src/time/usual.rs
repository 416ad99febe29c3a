//! The usual form of a time. There are five of them for each message, so it is read without the steps of the other forms.

use chrono::NaiveDate;

use super::text::{MICROS, SECONDS_PER_DAY, parse_any};

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
    let year = i32::try_from(two(*y1, *y2)? * 100 + two(*y3, *y4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, two(*o1, *o2)?, two(*d1, *d2)?)?;
    let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds =
        i64::from(date.to_epoch_days()) * SECONDS_PER_DAY + i64::from(hour * 3600 + minute * 60 + second);
    Some(seconds * MICROS + i64::from(fraction))
}

/// Reads a time in any form of text, as [`parse_any`] does.
pub fn parse_time(text: &str) -> Option<i64> {
    parse_usual(text.as_bytes()).or_else(|| parse_any(text))
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

fn two(one: u8, other: u8) -> Option<u32> {
    Some(digit(one)? * 10 + digit(other)?)
}

fn three(one: u8, other: u8, last: u8) -> Option<u32> {
    Some(two(one, other)? * 10 + digit(last)?)
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
