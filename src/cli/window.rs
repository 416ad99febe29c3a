//! The window of `--since` and `--until`, in UTC.

use chrono::Utc;

use super::time_argument::{FORMS, TimeArgument};
use crate::output::manifest::RunOptions;
use crate::settings::Window;
use crate::time::short_time;

/// An invalid `--since` or `--until`.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error("invalid time {given:?} for --{option}: use {FORMS}; all times are UTC")]
    Time { option: &'static str, given: String },
    #[error(
        "--until ({}) must be after --since ({}): no message would be exported{}",
        short_time(*until), short_time(*since), hint(given, end.as_deref())
    )]
    Empty {
        since: i64,
        until: i64,
        /// Text of `--until`.
        given: String,
        /// Text for the end of the day or month that it names, if that makes a window.
        end: Option<String>,
    },
}

fn hint(given: &str, end: Option<&str>) -> String {
    end.map_or_else(String::new, |end| format!("; to include {given}, use --until {end}"))
}

/// The window, and the texts that it was computed from.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TypedWindow {
    /// The window with its instants.
    pub window: Window,
    relative_since: Option<String>,
    relative_until: Option<String>,
}

impl TypedWindow {
    /// Parses both options. `now` is the time of the command in microseconds since 1970.
    pub fn parse(since: Option<&str>, until: Option<&str>, now: i64) -> Result<Self, WindowError> {
        let (from, to) = (time("since", since, now)?, time("until", until, now)?);
        if let (Some(from), Some(to)) = (&from, &to)
            && to.at <= from.at
        {
            let helps = |end: &&String| TimeArgument::parse(end, now).is_some_and(|end| end.at > from.at);
            let end = to.end.as_ref().filter(helps).cloned();
            let given = until.unwrap_or_default().trim().to_owned();
            return Err(WindowError::Empty { since: from.at, until: to.at, given, end });
        }
        let relative = |time: Option<&TimeArgument>, given: Option<&str>| {
            given.filter(|_| time.is_some_and(|time| time.is_relative)).map(|given| given.trim().to_owned())
        };
        Ok(Self {
            relative_since: relative(from.as_ref(), since),
            relative_until: relative(to.as_ref(), until),
            window: Window { since: from.map(|time| time.at), until: to.map(|time| time.at) },
        })
    }

    /// Adds the texts of relative times to the options. [`RunOptions::with_reading`] adds the instants.
    pub fn relative(self, options: RunOptions) -> RunOptions {
        RunOptions { relative_since: self.relative_since, relative_until: self.relative_until, ..options }
    }
}

/// Returns the second in which the command started, in microseconds since 1970.
pub fn now() -> i64 {
    Utc::now().timestamp() * 1_000_000
}

/// Parses the time of an option. `now` is the time of the command in microseconds since 1970.
pub fn time(
    option: &'static str,
    given: Option<&str>,
    now: i64,
) -> Result<Option<TimeArgument>, WindowError> {
    let parse = |given: &str| {
        TimeArgument::parse(given, now).ok_or_else(|| WindowError::Time { option, given: given.to_owned() })
    };
    given.map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::time::parse_time;

    fn typed(since: &str, until: &str) -> Result<TypedWindow, WindowError> {
        TypedWindow::parse(Some(since), Some(until), parse_time("2026-03-01T10:20:30Z").unwrap())
    }

    #[test]
    fn a_month_is_from_its_start_to_that_of_the_next() {
        let january = typed("2026-01", "2026-02").unwrap().window;
        let holds = |time: &str| january.holds(parse_time(time));
        assert!(holds("2026-01-01T00:00:00Z") && holds("2026-01-31T23:59:59.999999Z"));
        assert!(!holds("2025-12-31T23:59:59.999999Z") && !holds("2026-02-01T00:00:00Z"));
    }

    #[test]
    fn only_texts_of_relative_times_are_kept() {
        let options = typed(" 7d ", "2026-03-01").unwrap().relative(RunOptions::default());
        assert_eq!((options.relative_since.as_deref(), options.relative_until), (Some("7d"), None));
        let options = typed("2026-01", "yesterday").unwrap().relative(RunOptions::default());
        assert_eq!((options.relative_since, options.relative_until.as_deref()), (None, Some("yesterday")));
        assert_eq!(TypedWindow::parse(None, None, 0).unwrap(), TypedWindow::default());
    }

    #[test]
    fn empty_windows_are_refused_with_their_times() {
        let refused = |since, until| typed(since, until).unwrap_err().to_string();
        assert_snapshot!(refused("2026-01", "2026-01"), @"--until (2026-01-01T00:00:00Z) must be after --since (2026-01-01T00:00:00Z): no message would be exported; to include 2026-01, use --until 2026-02");
        assert_snapshot!(refused("2026-01-15", "2026-01-15"), @"--until (2026-01-15T00:00:00Z) must be after --since (2026-01-15T00:00:00Z): no message would be exported; to include 2026-01-15, use --until 2026-01-16");
        assert_snapshot!(refused("yesterday", "yesterday"), @"--until (2026-02-28T00:00:00Z) must be after --since (2026-02-28T00:00:00Z): no message would be exported; to include yesterday, use --until today");
        assert_snapshot!(refused("2026-02", "2025-12"), @"--until (2025-12-01T00:00:00Z) must be after --since (2026-02-01T00:00:00Z): no message would be exported");
        assert_snapshot!(refused("12h", "2w"), @"--until (2026-02-15T10:20:30Z) must be after --since (2026-02-28T22:20:30Z): no message would be exported");
    }
}
