//! The decision who is due, kept in the work folder until the run is published.
//!
//! It holds a row for each contact asked for, in their order, with what was known of it and what was listed; then those that
//! were known and are not asked for now, whose rows the next state keeps.

use std::collections::HashMap;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::due::{Due, Listed, Reason, Rule};
use super::file::{self, Written};
use super::{Row, StateError};
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

/// The state of an earlier run.
#[derive(Debug, Default)]
pub struct Known {
    rows: Vec<Row>,
    places: HashMap<u128, usize>,
}

impl Known {
    /// Reads a state; none of it if it holds for another scope.
    ///
    /// # Errors
    /// When it is none, or cannot be read.
    pub fn read(path: &Path, scope: &str) -> Result<Option<Self>, StateError> {
        let reader = file::open::<Row>(path)?;
        if reader.scope != scope {
            return Ok(None);
        }
        let mut known = Self::default();
        for row in reader {
            known.add(row?);
        }
        Ok(Some(known))
    }

    pub(super) fn add(&mut self, row: Row) {
        self.places.insert(fingerprint(&row.contact_id), self.rows.len());
        self.rows.push(row);
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.places.get(&fingerprint(id)).copied()
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

fn fingerprint(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// By what it is decided who is due.
pub struct Decision<'a> {
    /// The rule.
    pub rule: Rule,
    /// What was known.
    pub known: &'a Known,
    /// What the account's list says of a contact.
    pub listed: Box<dyn Fn(&str) -> Listed<'a> + 'a>,
    /// Whether the rows of a run are still in the export.
    pub is_there: Box<dyn Fn(&str) -> bool + 'a>,
    /// What the state holds for.
    pub scope: String,
}

impl Decision<'_> {
    /// Why each of the contacts is due; none for those that are not.
    pub fn reasons<'b>(&self, contacts: impl Iterator<Item = &'b str>) -> Vec<Option<Reason>> {
        let reason = |id: &str| {
            let known = self.known.place(id).map(|place| &self.known.rows[place]);
            self.rule.reason(id, (self.listed)(id), known, &self.is_there)
        };
        contacts.map(reason).collect()
    }

    /// Decides, and writes the decision down at `path`, durably.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn make<'b, C>(
        &self,
        path: &Path,
        contacts: impl Fn() -> C,
    ) -> Result<(Vec<Option<Reason>>, Written), StateError>
    where
        C: Iterator<Item = &'b str>,
    {
        let reasons = self.reasons(contacts());
        let mut is_asked_for = vec![false; self.known.rows.len()];
        for place in contacts().filter_map(|id| self.known.place(id)) {
            is_asked_for[place] = true;
        }
        let staged = path.with_added_extension("tmp");
        let written = file::write(&staged, &self.scope, || {
            let asked_for = contacts().zip(&reasons).map(|(id, due)| Decided {
                contact_id: id.into(),
                due: *due,
                listed: (self.listed)(id).time().map(Into::into),
                known: self.known.place(id).map(|place| self.known.rows[place].clone()),
            });
            let others = self.known.rows.iter().zip(&is_asked_for).filter(|(_, asked)| !**asked);
            let others = others.map(|(row, _)| Decided {
                contact_id: row.contact_id.clone(),
                due: None,
                listed: None,
                known: Some(row.clone()),
            });
            Ok(asked_for.chain(others).map(Ok))
        })?;
        durable::rename(&staged, path)?;
        durable::sync_dir(path.parent().unwrap_or(path))?;
        Ok((reasons, written))
    }
}

/// Reads who of so many contacts is due from a decision.
///
/// # Errors
/// When it is none, or is one of fewer contacts.
pub fn due(path: &Path, contacts: usize) -> Result<Due, StateError> {
    let mut chosen = Vec::with_capacity(contacts);
    for row in file::open::<Decided>(path)?.take(contacts) {
        chosen.push(row?.due.is_some());
    }
    if chosen.len() == contacts {
        return Ok(Due::of(chosen));
    }
    let what = format!("it decides of {} contacts, and {contacts} are asked for", chosen.len());
    Err(StateError::Unreadable { path: path.to_owned(), what })
}
