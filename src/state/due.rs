//! Who is to be read tonight.
//!
//! The list of contacts tells of new messages by their time. What changes no time (an edit, a deletion, a late delivery
//! receipt) is found by the *sweep*: each contact has its own moment in every period, by a hash of its ID, and is read
//! by the first run after it. So a run sweeps about as many contacts as its share of the period, and whatever nights are
//! left out, after a run none was last read longer ago than the period.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::Row;
use crate::contact_read::Status;

/// Nights do not begin at the same second: a contact whose period ends so soon after a run is read by that run, and not
/// a night later. Of short periods it is a part.
const SLACK: i64 = 3_600_000_000;
/// That part.
const SLACK_PART: i64 = 24;

/// Why a contact is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// All are: `--full`.
    Full,
    /// Nothing is known of it.
    New,
    /// It failed last time, or was unresolved.
    Unfinished,
    /// The run that holds its last export is gone.
    Gone,
    /// The account does not list it, or without a time: nothing tells whether it has changed.
    Untold,
    /// It is listed with another time.
    Changed,
    /// Its sweep has come.
    Sweep,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Full, Self::New, Self::Unfinished, Self::Gone, Self::Untold, Self::Changed, Self::Sweep];

    /// Its name in the decision.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::New => "new",
            Self::Unfinished => "unfinished",
            Self::Gone => "gone",
            Self::Untold => "untold",
            Self::Changed => "changed",
            Self::Sweep => "sweep",
        }
    }
}

/// By what it is decided.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// When the run begins, in microseconds since 1970.
    pub now: i64,
    /// The longest that a contact is not read.
    pub sweep_every: Duration,
    /// Whether all are due.
    pub full: bool,
}

impl Rule {
    /// Why this contact is due; none if it is not. `listed` is the time with which the account lists it, if it does.
    /// `is_there` says whether a run's rows are still in the export.
    pub fn reason(
        &self,
        id: &str,
        listed: Option<&str>,
        known: Option<&Row>,
        is_there: impl FnOnce(&str) -> bool,
    ) -> Option<Reason> {
        if self.full {
            return Some(Reason::Full);
        }
        let Some(known) = known else { return Some(Reason::New) };
        let Some(export) = &known.export else { return Some(Reason::Unfinished) };
        if matches!(known.status, Status::Failed | Status::Unresolved) {
            return Some(Reason::Unfinished);
        }
        if !is_there(&export.run_id) {
            return Some(Reason::Gone);
        }
        let Some(time) = listed else { return Some(Reason::Untold) };
        if known.latest_message_time.as_deref() != Some(time) {
            return Some(Reason::Changed);
        }
        self.is_swept(id, export.at).then_some(Reason::Sweep)
    }

    /// Whether the contact's moment lies between its last reading and now.
    fn is_swept(&self, id: &str, last: i64) -> bool {
        let period = i64::try_from(self.sweep_every.as_micros()).unwrap_or(i64::MAX).max(1);
        if last > self.now {
            return true; // a clock was wrong, then or now
        }
        if self.now.saturating_sub(last) >= period - SLACK.min(period / SLACK_PART) {
            return true;
        }
        let share = u128::from(xxh3_64(id.as_bytes())) * u128::from(period.unsigned_abs());
        let moment = i64::try_from(share >> 64).unwrap_or(0);
        let turn = |time: i64| time.saturating_sub(moment).div_euclid(period);
        turn(self.now) > turn(last)
    }
}

/// Which contacts of a list are due, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    contacts: usize,
    /// Whether each is; none where all are.
    chosen: Option<Box<[bool]>>,
}

impl Due {
    /// All of so many.
    pub fn all(contacts: usize) -> Self {
        Self { contacts, chosen: None }
    }

    /// Those that are chosen.
    pub fn of(chosen: impl Into<Box<[bool]>>) -> Self {
        let chosen = chosen.into();
        Self { contacts: chosen.len(), chosen: Some(chosen) }
    }

    /// Whether the contact at this place is due.
    pub fn holds(&self, contact: usize) -> bool {
        contact < self.contacts && self.chosen.as_ref().is_none_or(|chosen| chosen[contact])
    }

    /// How many are due.
    pub fn count(&self) -> usize {
        self.chosen.as_ref().map_or(self.contacts, |chosen| chosen.iter().filter(|due| **due).count())
    }
}
