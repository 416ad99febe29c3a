//! The decision which contacts are due. The work folder keeps it until the run is published.
//!
//! It has one row per requested contact, in their order, with the previous state and the listed time. After
//! them come the known contacts that are not requested now. The next state keeps their rows.

use std::path::Path;

use super::due::{Due, DueRule, Reason};
use super::file::{self, WrittenFile};
use super::{Known, StateError, StateRow, Times};
use crate::contacts::ContactList;
use crate::durable;
use crate::store::Store;

/// A row of the decision: one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// ID of the contact.
    pub contact_id: Box<str>,
    /// Reason why the contact is due, if it is.
    pub due: Option<Reason>,
    /// Latest message time in the current list of the account.
    pub listed: Option<Box<str>>,
    /// Row of the contact in the previous state.
    pub known: Option<StateRow>,
}

/// Input of the decision.
pub struct Decision<'a> {
    /// Rule that decides per contact.
    pub rule: DueRule,
    /// Contacts that the run requests.
    pub contacts: &'a ContactList,
    /// Previous state of the contacts.
    pub known: &'a Known,
    /// Time that the account lists for each contact.
    pub listed: &'a Times,
    /// True for a run whose rows are still in the export.
    pub is_there: Box<dyn Fn(&str) -> bool + 'a>,
    /// Part of the account for which the state is valid.
    pub scope: String,
}

impl Decision<'_> {
    /// The reason why each contact is due; `None` if it is not.
    pub fn reasons(&self) -> Vec<Option<Reason>> {
        let reason = |place| {
            let (listed, known) = (self.listed.get(place), self.known.row(self.contacts, place));
            self.rule.reason(&self.contacts.text_at(place), listed.as_deref(), known.as_ref(), &self.is_there)
        };
        (0..self.contacts.len()).map(reason).collect()
    }

    /// Decides, and writes the decision to `path`. The file is durable.
    ///
    /// # Errors
    /// When the file cannot be written, or the rows of the other contacts cannot be read.
    pub fn make(&self, path: &Path) -> Result<(Vec<Option<Reason>>, WrittenFile), StateError> {
        let reasons = self.reasons();
        let staged = path.with_added_extension("tmp");
        let written = file::write(&staged, &self.scope, || {
            let asked_for = reasons.iter().enumerate().map(|(place, due)| {
                Ok(DecisionRow {
                    contact_id: (*self.contacts.text_at(place)).into(),
                    due: *due,
                    listed: self.listed.get(place).map(Into::into),
                    known: self.known.row(self.contacts, place),
                })
            });
            let others = self.known.others()?.map(|row| {
                let known = row?;
                Ok(DecisionRow {
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

/// Reads which of the first `contacts` contacts are due from a decision in the folder `base`.
///
/// # Errors
/// When the file is not a decision, or has fewer contacts.
pub fn due(base: &Store, relative: &Path, contacts: usize) -> Result<Due, StateError> {
    let mut chosen = Vec::with_capacity(contacts);
    for row in file::open::<DecisionRow>(base, relative)?.take(contacts) {
        chosen.push(row?.due.is_some());
    }
    if chosen.len() == contacts {
        return Ok(Due::of(chosen));
    }
    let what = format!("it has {} contacts, but {contacts} are requested", chosen.len());
    Err(StateError::Unreadable { path: base.join(relative), what })
}
