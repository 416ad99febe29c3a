//! Figures of a run, counted from its events or read from its manifest.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::contact_read::Status;
use crate::event::Event;
use crate::output::manifest::Manifest;
use crate::table::Table;

/// Figures of a run, as metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Number of contacts per status.
    pub contacts: BTreeMap<&'static str, u64>,
    /// Number of published rows per table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Number of requests per HTTP status, without those of an interrupted attempt.
    pub requests: BTreeMap<String, u64>,
    pub retries: u64,
    /// Size of the published files.
    pub bytes_written: u64,
    /// Number of schema changes since earlier runs.
    pub schema_changes: u64,
}

/// Counter of a run's events.
#[derive(Debug, Default)]
pub struct Tally {
    counted: Mutex<Counted>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Counted {
    /// Status per hash of the contact ID. A contact that is read again counts once, with its last status.
    contacts: HashMap<u64, &'static str>,
    requests: BTreeMap<String, u64>,
    retries: u64,
}

impl Tally {
    pub fn event(&self, event: &Event) {
        match event {
            Event::ContactDone { contact, status, .. } => {
                let contact = self.hasher.hash_one(contact);
                self.lock().contacts.insert(contact, status);
            }
            Event::Totals { retries, by_status, .. } => {
                let mut counted = self.lock();
                counted.requests.clone_from(by_status);
                counted.retries = *retries;
            }
            _ => {}
        }
    }

    /// Returns the figures: from the manifest of a published run, otherwise from the events.
    pub fn figures(&self, published: Option<&Manifest>) -> Figures {
        let counted = self.lock();
        let mut contacts: BTreeMap<_, _> = Status::ALL.map(|status| (status.as_str(), 0)).into();
        let mut rows: BTreeMap<_, _> = Table::ALL.map(|table| (table.name(), 0)).into();
        if let Some(manifest) = published {
            let counts = &manifest.contacts;
            contacts.insert(Status::Exported.as_str(), counts.exported);
            contacts.insert(Status::Empty.as_str(), counts.empty);
            contacts.insert(Status::NotFound.as_str(), counts.not_found);
            contacts.insert(Status::Unresolved.as_str(), counts.unresolved);
            contacts.insert(Status::Failed.as_str(), counts.failed);
            contacts.insert(Status::Unchanged.as_str(), counts.unchanged);
            for (name, count) in &mut rows {
                *count = manifest.tables.get(*name).map_or(0, |table| table.rows);
            }
        } else {
            for status in counted.contacts.values() {
                *contacts.entry(*status).or_default() += 1;
            }
        }
        Figures {
            contacts,
            rows,
            requests: counted.requests.clone(),
            retries: counted.retries,
            schema_changes: published.map_or(0, |manifest| manifest.schema_changes.len() as u64),
            bytes_written: published.map_or(0, |manifest| manifest.files.iter().map(|file| file.bytes).sum()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_read_twice_counts_once_with_its_last_status() {
        let tally = Tally::default();
        for (contact, status) in [("a", "exported"), ("b", "exported"), ("a", "failed")] {
            let (contact, error) = (contact.to_owned(), None);
            tally.event(&Event::ContactDone { contact, status, messages: 1, error });
        }
        let figures = tally.figures(None);
        assert_eq!((figures.contacts["exported"], figures.contacts["failed"]), (1, 1));
        assert_eq!(figures.contacts["unresolved"], 0, "every status has a figure");
        assert_eq!(figures.rows.len(), Table::ALL.len());
    }
}
