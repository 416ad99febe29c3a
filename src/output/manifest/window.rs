//! The window of a run in its options, and how it compares with that of another attempt.
//!
//! A relative text such as `7d` means another time in each command. The run keeps the times of its first
//! start: a command with the same text resumes it.

use std::fmt;

use super::RunOptions;
use crate::settings::Window;
use crate::time::{parse_time, short_text};

/// One end of a window, as the options record it.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// The option on the command line.
    pub option: &'static str,
    /// The time.
    time: Option<&'a str>,
    /// Text of the option, if it is relative to the start of the run.
    relative: Option<&'a str>,
}

impl Bound<'_> {
    /// True if a run with one of the two may continue a run with the other.
    pub fn fits(&self, other: &Bound<'_>) -> bool {
        let is_same_text = self.relative.is_some() && self.relative == other.relative;
        is_same_text || self.time == other.time
    }

    /// The relative text if there is one, otherwise the time. It is the same in every run of a command.
    pub fn text(&self) -> Option<&str> {
        self.relative.or(self.time)
    }

    /// The time, if the option was relative to the start of the run.
    pub fn relative_time(&self) -> Option<&str> {
        self.time.filter(|_| self.relative.is_some())
    }

    /// The time, with the relative text behind it.
    fn in_words(&self) -> Option<String> {
        let time = short_text(self.time?);
        Some(match self.relative {
            Some(relative) => format!("{time} ({} {relative})", self.option),
            None => time,
        })
    }
}

impl fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.time.map(short_text), self.relative) {
            (Some(time), Some(relative)) => write!(f, "{relative} ({time})"),
            (Some(time), None) => f.write_str(&time),
            (None, _) => f.write_str("not set"),
        }
    }
}

impl RunOptions {
    /// Keys that [`RunOptions::bounds`] covers.
    pub const WINDOW: [&str; 4] = ["relative_since", "relative_until", "since", "until"];

    /// Start and end of the window.
    pub fn bounds(&self) -> [Bound<'_>; 2] {
        [
            Bound {
                option: "--since",
                time: self.since.as_deref(),
                relative: self.relative_since.as_deref(),
            },
            Bound {
                option: "--until",
                time: self.until.as_deref(),
                relative: self.relative_until.as_deref(),
            },
        ]
    }

    /// True if a run with one of the two windows may continue a run with the other.
    pub fn window_fits(&self, other: &Self) -> bool {
        self.bounds().iter().zip(other.bounds()).all(|(one, other)| one.fits(&other))
    }

    /// Replaces the window by that of the first attempt of the run.
    pub fn keep_window_of(&mut self, first: &Self) {
        self.since.clone_from(&first.since);
        self.until.clone_from(&first.until);
        self.relative_since.clone_from(&first.relative_since);
        self.relative_until.clone_from(&first.relative_until);
    }

    /// The window. The error is the name of an option whose time cannot be read.
    pub fn window(&self) -> Result<Window, &'static str> {
        let time = |name, text: &Option<String>| {
            text.as_deref().map(|text| parse_time(text).ok_or(name)).transpose()
        };
        Ok(Window { since: time("since", &self.since)?, until: time("until", &self.until)? })
    }

    /// Describes the window in words; `None` if the run exports messages of any time.
    pub fn window_text(&self) -> Option<String> {
        let [since, until] = self.bounds().map(|bound| bound.in_words());
        period_in_words(since, until)
    }
}

/// Describes a period of messages in words; `None` if it has neither a start nor an end.
pub fn period_in_words(since: Option<String>, until: Option<String>) -> Option<String> {
    let since = since.map(|since| format!("at or after {since}"));
    let until = until.map(|until| format!("before {until}"));
    let bounds: Vec<String> = since.into_iter().chain(until).collect();
    (!bounds.is_empty()).then(|| format!("messages created {}", bounds.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(since: &str, relative: Option<&str>) -> RunOptions {
        RunOptions {
            since: Some(since.to_owned()),
            relative_since: relative.map(str::to_owned),
            ..RunOptions::default()
        }
    }

    #[test]
    fn a_window_fits_by_its_text_or_by_its_time() {
        let (monday, tuesday) = ("2026-03-02T00:00:00.000000Z", "2026-03-03T00:00:00.000000Z");
        let first = options(monday, Some("7d"));
        assert!(options(tuesday, Some("7d")).window_fits(&first), "the same text");
        assert!(options(monday, None).window_fits(&first), "the same time");
        assert!(!options(tuesday, None).window_fits(&first));
        assert!(!options(tuesday, Some("8d")).window_fits(&first));
        assert!(!RunOptions::default().window_fits(&first));
        assert!(RunOptions::default().window_fits(&RunOptions::default()));
        // Without a text, two times are two windows.
        assert!(!options(tuesday, None).window_fits(&options(monday, None)));
    }

    #[test]
    fn the_first_window_is_kept() {
        let first = options("2026-03-02T00:00:00.000000Z", Some("7d"));
        let mut later = options("2026-03-03T00:00:00.000000Z", Some("7d"));
        later.keep_window_of(&first);
        assert_eq!(later, first);
        assert_eq!(later.window().unwrap().since, parse_time("2026-03-02"));
        assert_eq!(options("soon", None).window(), Err("since"));
    }

    #[test]
    fn a_window_in_words() {
        let mut window = options("2026-03-02T00:00:00.000000Z", Some("7d"));
        insta::assert_snapshot!(window.window_text().unwrap(), @"messages created at or after 2026-03-02T00:00:00Z (--since 7d)");
        window.until = Some("2026-03-03T00:00:00.500000Z".to_owned());
        insta::assert_snapshot!(window.window_text().unwrap(), @"messages created at or after 2026-03-02T00:00:00Z (--since 7d) and before 2026-03-03T00:00:00.500000Z");
        window.since = None;
        insta::assert_snapshot!(window.window_text().unwrap(), @"messages created before 2026-03-03T00:00:00.500000Z");
        assert_eq!(RunOptions::default().window_text(), None);
    }
}
