//! A limit for contacts: a number, or a percentage of all contacts.

use std::fmt;
use std::str::FromStr;

/// Maximum number of contacts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ContactLimit {
    Count(u64),
    Percent(f64),
}

impl ContactLimit {
    /// True if `count` of `contacts` are too many.
    #[expect(clippy::cast_precision_loss, reason = "counts of contacts are far below 2^52")]
    pub fn is_exceeded(self, count: u64, contacts: u64) -> bool {
        match self {
            Self::Count(max) => count > max,
            Self::Percent(max) => count as f64 * 100.0 > max * contacts as f64,
        }
    }
}

impl FromStr for ContactLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 =
                    percent.trim().parse().map_err(|_| format!("{percent:?} is not a number"))?;
                if !(0.0..=100.0).contains(&percent) {
                    return Err("a percentage must be between 0% and 100%".to_owned());
                }
                Ok(Self::Percent(percent))
            }
            None => text
                .parse()
                .map(Self::Count)
                .map_err(|_| "must be a number of contacts, or a percentage such as 5%".to_owned()),
        }
    }
}

impl fmt::Display for ContactLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_they_are_read() {
        for text in ["0", "7", "0%", "2.5%", "100%"] {
            assert_eq!(text.parse::<ContactLimit>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "1.5", "101%", "-1%", "NaN%", "x%", "%"] {
            assert!(text.parse::<ContactLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_itself_is_not_too_many() {
        let is_exceeded = |limit: &str, count| limit.parse::<ContactLimit>().unwrap().is_exceeded(count, 40);
        assert_eq!([is_exceeded("4", 4), is_exceeded("4", 5)], [false, true]);
        assert_eq!([is_exceeded("10%", 4), is_exceeded("10%", 5)], [false, true]);
        assert_eq!(
            [is_exceeded("0", 0), is_exceeded("0%", 1), is_exceeded("100%", 40)],
            [false, true, false]
        );
    }
}
