//! The rule that decides if a contact is due.
//!
//! The account's list shows new messages by their time. Edits, deletions and late delivery receipts do not
//! change that time; the *sweep* finds them. Each contact has its own moment in every period, from a hash of
//! its ID, and the first run after that moment reads it.
//!
//! So each run sweeps a share of the contacts that corresponds to its share of the period. After a run, no
//! contact was last read longer ago than the period, even if some runs were skipped.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use super::StateRow;
use crate::contact_read::Status;

/// Maximum time, in microseconds, by which a run reads a contact before its period ends. Scheduled runs start
/// at slightly different times, so without it the contact would have to wait for the next run.
const SLACK: i64 = 3_600_000_000;
/// The slack of a short period is the period divided by this.
const SLACK_PART: i64 = 24;

/// Reason why a contact is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// `--full` makes all contacts due.
    Full,
    /// The previous state does not have the contact.
    New,
    /// The last read failed or was unresolved.
    Unfinished,
    /// The run with the last export of the contact was removed.
    Gone,
    /// The account lists no time for the contact, so a change cannot be excluded.
    NoTime,
    /// The listed time has changed.
    Changed,
    /// The contact is due for the sweep.
    Sweep,
}

impl Reason {
    /// All reasons, in the order in which they are checked.
    pub const ALL: [Self; 7] =
        [Self::Full, Self::New, Self::Unfinished, Self::Gone, Self::NoTime, Self::Changed, Self::Sweep];

    /// Name in the decision, which is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::New => "new",
            Self::Unfinished => "unfinished",
            Self::Gone => "gone",
            Self::NoTime => "untold",
            Self::Changed => "changed",
            Self::Sweep => "sweep",
        }
    }
}

/// Settings of the rule.
#[derive(Clone, Copy, Debug)]
pub struct DueRule {
    /// Start of the run in microseconds since 1970.
    pub now: i64,
    /// Maximum time between two reads of a contact.
    pub sweep_every: Duration,
    /// True if all contacts are due.
    pub full: bool,
}

impl DueRule {
    /// The reason why a contact is due, if it is. `listed` is the time that the account lists for it.
    /// `is_there` is true for a run whose rows are still in the export.
    pub fn reason(
        &self,
        id: &str,
        listed: Option<&str>,
        known: Option<&StateRow>,
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
        let Some(time) = listed else { return Some(Reason::NoTime) };
        if known.latest_message_time.as_deref() != Some(time) {
            return Some(Reason::Changed);
        }
        self.is_swept(id, export.at).then_some(Reason::Sweep)
    }

    /// True if the contact's moment is between its last read and now.
    fn is_swept(&self, id: &str, last: i64) -> bool {
        let period = i64::try_from(self.sweep_every.as_micros()).unwrap_or(i64::MAX).max(1);
        if last > self.now {
            return true; // one of the two clocks was wrong
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

/// The due contacts of a list, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    contacts: usize,
    /// By contact: true if it is due. `None` if all are due.
    chosen: Option<Box<[bool]>>,
}

impl Due {
    /// All of this number of contacts.
    pub fn all(contacts: usize) -> Self {
        Self { contacts, chosen: None }
    }

    /// The contacts whose flag is true.
    pub fn of(chosen: impl Into<Box<[bool]>>) -> Self {
        let chosen = chosen.into();
        Self { contacts: chosen.len(), chosen: Some(chosen) }
    }

    /// True if the contact with this index is due.
    pub fn holds(&self, contact: usize) -> bool {
        contact < self.contacts && self.chosen.as_ref().is_none_or(|chosen| chosen[contact])
    }

    /// Number of due contacts.
    pub fn count(&self) -> usize {
        self.chosen.as_ref().map_or(self.contacts, |chosen| chosen.iter().filter(|due| **due).count())
    }
}
