//! The decision who is due, kept in the work folder until the run is published.
//!
//! It holds a row for each contact asked for, in their order, with what was known of it and what was listed; then those that
//! were known and are not asked for now, whose rows the next state keeps.

use std::path::Path;

use super::due::{Due, Reason, Rule};
use super::file::{self, Written};
use super::{Known, Row, StateError, Times};
use crate::contacts::ContactList;
use crate::durable;

/// What was decided of one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The contact.
    pub contact_id: Box<str>,
    /// Why it is due; none if it is not.
    pub due: Option<Reason>,
    /// Its `latest_message_time` as it is listed now.
    pub listed: Option<Box<str>>,
    /// What was known of it.
    pub known: Option<Row>,
}

/// By what it is decided who is due.
pub struct Decision<'a> {
    /// The rule.
    pub rule: Rule,
    /// The contacts asked for.
    pub contacts: &'a ContactList,
    /// What was known of them.
    pub known: &'a Known,
    /// The time with which the account lists each.
    pub listed: &'a Times,
    /// Whether the rows of a run are still in the export.
    pub is_there: Box<dyn Fn(&str) -> bool + 'a>,
    /// What the state holds for.
    pub scope: String,
}

impl Decision<'_> {
    /// Why each of the contacts is due; none for those that are not.
    pub fn reasons(&self) -> Vec<Option<Reason>> {
        let reason = |place| {
            let (listed, known) = (self.listed.get(place), self.known.row(self.contacts, place));
            self.rule.reason(&self.contacts.text_at(place), listed.as_deref(), known.as_ref(), &self.is_there)
        };
        (0..self.contacts.len()).map(reason).collect()
    }

    /// Decides, and writes the decision down at `path`, durably.
    ///
    /// # Errors
    /// When it cannot be written, or the rows of the other contacts cannot be read.
    pub fn make(&self, path: &Path) -> Result<(Vec<Option<Reason>>, Written), StateError> {
        let reasons = self.reasons();
        let staged = path.with_added_extension("tmp");
        let written = file::write(&staged, &self.scope, || {
            let asked_for = reasons.iter().enumerate().map(|(place, due)| {
                Ok(Decided {
                    contact_id: (*self.contacts.text_at(place)).into(),
                    due: *due,
                    listed: self.listed.get(place).map(Into::into),
                    known: self.known.row(self.contacts, place),
                })
            });
            let others = self.known.others()?.map(|row| {
                let known = row?;
                Ok(Decided {
                    contact_id: known.contact_id.clone(),
                    due: None,
                    listed: None,
                    known: Some(known),
                })
            });
            Ok(asked_for.chain(others))
        })?;
        durable::rename(&staged, path)?;
        durable::sync_dir(path.parent().unwrap_or(path))?;
        Ok((reasons, written))
    }
}

/// Reads who of so many contacts is due from a decision in the folder `base`.
///
/// # Errors
/// When it is none, or is one of fewer contacts.
pub fn due(base: &Path, relative: &Path, contacts: usize) -> Result<Due, StateError> {
    let mut chosen = Vec::with_capacity(contacts);
    for row in file::open::<Decided>(base, relative)?.take(contacts) {
        chosen.push(row?.due.is_some());
    }
    if chosen.len() == contacts {
        return Ok(Due::of(chosen));
    }
    let what = format!("it decides of {} contacts, and {contacts} are asked for", chosen.len());
    Err(StateError::Unreadable { path: base.join(relative), what })
}
