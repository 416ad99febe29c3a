//! Times on pages: in UTC, and beside it in a time zone of the reader.

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use maud::{Markup, html};
use tz::TimeZone;

use crate::time::format_time;

/// A time zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Name as given, such as `Europe/Berlin`.
    pub name: String,
    rules: TimeZone,
}

/// Error of a time zone that is not known.
#[derive(Debug, thiserror::Error)]
#[error(
    "the time zone {name:?} is not in the database of this machine ({reason}): use a name such as Europe/Berlin"
)]
pub struct ZoneError {
    name: String,
    reason: String,
}

impl Zone {
    /// Finds a zone in the database of the machine.
    ///
    /// # Errors
    /// If it is not there.
    pub fn find(name: &str) -> Result<Self, ZoneError> {
        let error = |reason: String| ZoneError { name: name.to_owned(), reason };
        // Other forms are paths of files and rules of POSIX.
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
        if !is_name {
            return Err(error("it is no name of a zone".to_owned()));
        }
        let rules = TimeZone::from_posix_tz(name).map_err(|reason| error(reason.to_string()))?;
        Ok(Self { name: name.to_owned(), rules })
    }

    fn at(&self, micros: i64) -> Option<(DateTime<FixedOffset>, String)> {
        let utc = DateTime::<Utc>::from_timestamp_micros(micros)?;
        let found = self.rules.find_local_time_type(micros.div_euclid(1_000_000)).ok()?;
        let offset = FixedOffset::east_opt(found.ut_offset())?;
        Some((utc.with_timezone(&offset), found.time_zone_designation().to_owned()))
    }
}

/// The zones of a transcript.
#[derive(Clone, Debug, Default)]
pub(in crate::evidence) struct Clock {
    pub(in crate::evidence) zone: Option<Zone>,
}

impl Clock {
    /// A time, to the second: `2026-11-20 02:00:00 UTC`.
    pub(super) fn time(&self, micros: i64) -> Markup {
        let utc = format_time(micros);
        let local = self.zone.as_ref().and_then(|zone| zone.at(micros));
        html! {
            time datetime=(&*utc) { (seconds(&utc)) " UTC" }
            @if let Some((local, name)) = local {
                span { " (" (local.format("%Y-%m-%d %H:%M:%S").to_string()) " " (name) ")" }
            }
        }
    }

    /// The day of a time, in UTC. Days divide a transcript.
    pub(in crate::evidence) fn day(micros: i64) -> NaiveDate {
        DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default().date_naive()
    }
}

/// Shortens a time to seconds: `2026-11-20 02:00:00`.
pub(in crate::evidence) fn seconds(text: &str) -> String {
    text.split(['.', 'Z']).next().unwrap_or_default().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_zones_are_found() {
        for wrong in ["", "/etc/passwd", ":x", "../x", "Mars/Base"] {
            assert!(Zone::find(wrong).is_err(), "{wrong}");
        }
    }
}
