//! Points in time as people type them: `7d`, `yesterday`, `2026-01`, `2026-01-31`, or RFC 3339. All are UTC.
//!
//! `--since` and `--until` use this ([`super::window`]). A day or a month means its first instant, as in git
//! and journalctl.

use chrono::{DateTime, Days, Months, NaiveDate};

use crate::time::{in_range, parse_time};

const MICROS_PER_DAY: i64 = 24 * 3600 * 1_000_000;

/// Forms of a time, for errors.
pub const FORMS: &str = "7d, 12h or 2w before now, yesterday, today, a month such as 2026-01, a day such as 2026-01-31, or RFC 3339 such as 2026-01-31T18:00:00Z";

/// A point in time that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeArgument {
    /// The time in microseconds since 1970.
    pub at: i64,
    /// True if the same text means another time later, such as `7d`.
    pub is_relative: bool,
    /// The text for the end of the typed month or day, if there is one.
    pub end: Option<String>,
}

impl TimeArgument {
    /// Parses a text. `now` is the time of the command in microseconds since 1970. `None` if the text has
    /// another form.
    pub fn parse(text: &str, now: i64) -> Option<Self> {
        let text = text.trim();
        keyword(text, now).or_else(|| month(text)).or_else(|| fixed(text)).or_else(|| before(text, now))
    }
}

/// `today` and `yesterday`.
fn keyword(text: &str, now: i64) -> Option<TimeArgument> {
    let today = now.div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY;
    let (at, end) = if text.eq_ignore_ascii_case("today") {
        (today, None)
    } else if text.eq_ignore_ascii_case("yesterday") {
        (today - MICROS_PER_DAY, Some("today".to_owned()))
    } else {
        return None;
    };
    in_range(at).map(|at| TimeArgument { at, is_relative: true, end })
}

/// A month: `2026-01`.
fn month(text: &str) -> Option<TimeArgument> {
    let at = (text.len() == "2026-01".len()).then(|| parse_time(&format!("{text}-01")))??;
    let next = date(at).and_then(|first| first.checked_add_months(Months::new(1)));
    Some(TimeArgument { at, is_relative: false, end: next.map(|next| next.format("%Y-%m").to_string()) })
}

/// A day, or a time with a day.
fn fixed(text: &str) -> Option<TimeArgument> {
    let at = parse_time(text).or_else(|| parse_time(&format!("{text}T00:00:00Z")))?;
    let is_day = text.len() == "2026-01-31".len();
    let next = date(at).filter(|_| is_day).and_then(|day| day.checked_add_days(Days::new(1)));
    Some(TimeArgument { at, is_relative: false, end: next.map(|next| next.format("%Y-%m-%d").to_string()) })
}

/// A time before now: `7d`.
fn before(text: &str, now: i64) -> Option<TimeArgument> {
    let duration = i64::try_from(humantime::parse_duration(text).ok()?.as_micros()).ok()?;
    let at = now.checked_sub(duration).and_then(in_range)?;
    Some(TimeArgument { at, is_relative: true, end: None })
}

fn date(at: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(at).map(|time| time.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::format_time;

    /// The time that a text means on 2026-03-01 at 10:20:30, and the text for its end.
    fn read(text: &str) -> Option<(String, Option<String>)> {
        let now = parse_time("2026-03-01T10:20:30Z").unwrap();
        let time = TimeArgument::parse(text, now)?;
        Some((format_time(time.at).replace(".000000", ""), time.end))
    }

    fn at(text: &str) -> String {
        read(text).map_or_else(|| "none".to_owned(), |(at, _)| at)
    }

    #[test]
    fn times_before_now() {
        assert_eq!(at("7d"), "2026-02-22T10:20:30Z");
        assert_eq!(at("12h"), "2026-02-28T22:20:30Z");
        assert_eq!(at(" 2w "), "2026-02-15T10:20:30Z");
        assert_eq!(at("1d 12h"), "2026-02-27T22:20:30Z");
        assert_eq!(at("30m"), "2026-03-01T09:50:30Z");
        assert_eq!(at("0s"), "2026-03-01T10:20:30Z");
        assert_eq!(at("20y"), "2006-03-01T10:20:30Z");
    }

    #[test]
    fn days_and_months_mean_their_first_instant() {
        let start = |text: &str| read(text).unwrap();
        let with_end = |at: &str, end: &str| (at.to_owned(), Some(end.to_owned()));
        assert_eq!(start("2026-01"), with_end("2026-01-01T00:00:00Z", "2026-02"));
        assert_eq!(start("2025-12"), with_end("2025-12-01T00:00:00Z", "2026-01"));
        assert_eq!(start("2024-02-28"), with_end("2024-02-28T00:00:00Z", "2024-02-29"));
        assert_eq!(start("2026-12-31"), with_end("2026-12-31T00:00:00Z", "2027-01-01"));
        assert_eq!(start("yesterday"), with_end("2026-02-28T00:00:00Z", "today"));
        assert_eq!(start("Today"), ("2026-03-01T00:00:00Z".to_owned(), None));
        assert_eq!(start("9999-12").0, "9999-12-01T00:00:00Z");
    }

    #[test]
    fn times_with_a_day_are_read_as_before() {
        assert_eq!(at("2026-01-31T18:00:00Z"), "2026-01-31T18:00:00Z");
        assert_eq!(at("2026-01-31T18:00:00+02:00"), "2026-01-31T16:00:00Z");
        assert_eq!(at("2026-01-31 18:00:00"), "2026-01-31T18:00:00Z");
        assert_eq!(at("20260131"), "2026-01-31T00:00:00Z");
        assert_eq!(read("2026-01-31T18:00:00Z").unwrap().1, None);
    }

    #[test]
    fn only_texts_that_depend_on_now_are_relative() {
        for (text, expected) in
            [("7d", true), ("today", true), ("yesterday", true), ("2026-01", false), ("2026-01-31", false)]
        {
            assert_eq!(TimeArgument::parse(text, 0).unwrap().is_relative, expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "7",
            "d",
            "soon",
            "-7d",
            "7 fortnights",
            "2026",
            "2026-13",
            "2026-1",
            "2026-02-30",
            "26-01-31",
            "7d ago",
            "99999y",
            "999999999999999y",
            "tomorrow",
            "2026-01-",
            "é026-01",
        ] {
            assert_eq!(at(text), "none", "{text}");
        }
    }
}
