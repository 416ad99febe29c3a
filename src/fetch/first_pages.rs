//! Detects contacts that share the first page, although each was requested by its own ID.
//!
//! A response that names its contact is checked against the requested ID. If it names none, a cache or proxy
//! that ignores the query would return the same history for every contact. So eight bytes per such contact
//! hold a fingerprint of the first page with messages. Responses that name their contact need none.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::request::PageSummary;
use crate::contact_read::PageRequest;

/// Number of contacts with the same first page that raises the doubt.
const MIN_ALIKE: u64 = 3;

/// Fingerprints of first pages by contact index, 0 if there is none.
#[derive(Debug, Default)]
pub struct FirstPages(Mutex<Vec<u64>>);

impl FirstPages {
    /// Records a page of a contact, if it is the first page with messages.
    pub(super) fn record(&self, contact: u32, request: &PageRequest, summary: &PageSummary) {
        if let Some(print) = summary.anonymous.filter(|_| request.offset == 0) {
            self.put(contact, print);
        }
    }

    /// Returns the fingerprint of a contact.
    pub(super) fn of(&self, contact: u32) -> Option<u64> {
        self.lock().get(contact as usize).copied().filter(|print| *print > 0)
    }

    /// Returns the doubt, if several contacts share their first page.
    pub(super) fn doubt(&self) -> Option<String> {
        // A table of counts would take twice the memory of a sorted list.
        let mut prints: Vec<u64> = self.lock().iter().copied().filter(|print| *print > 0).collect();
        prints.sort_unstable();
        let runs = prints.chunk_by(|left, right| left == right).map(|run| run.len() as u64);
        let alike: u64 = runs.filter(|count| *count >= MIN_ALIKE).sum();
        (alike > 0).then(|| {
            format!(
                "{alike} contacts have the same messages on their first page as others: a cache or proxy may ignore the query"
            )
        })
    }

    /// Records the fingerprint of a contact's first page. Later fingerprints of the contact are ignored.
    pub fn put(&self, contact: u32, print: u64) {
        let mut prints = self.lock();
        let at = contact as usize;
        if prints.len() <= at {
            prints.resize(at + 1, 0);
        }
        if prints[at] == 0 {
            prints[at] = print;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::FirstPages;

    fn pages(prints: &[(u32, u64)]) -> FirstPages {
        let pages = FirstPages::default();
        for (contact, print) in prints {
            pages.put(*contact, *print);
        }
        pages
    }

    #[test]
    fn three_contacts_with_one_first_page_raise_a_doubt() {
        assert_eq!(pages(&[(0, 7), (5, 7), (5, 7), (9, 8)]).doubt(), None);
        let doubt = pages(&[(0, 7), (5, 7), (6, 7), (9, 8)]).doubt();
        assert!(doubt.is_some_and(|doubt| doubt.starts_with("3 contacts")));
    }
}
