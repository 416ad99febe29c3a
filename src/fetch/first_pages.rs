//! Contacts whose first pages are alike, though each was asked for by its own ID.
//!
//! An answer that names its contact is checked against the ID asked for. Where answers name none, a cache or a proxy that
//! ignores the query would give every contact the same history. So a fingerprint of the first page with messages is kept
//! for each such contact: eight bytes, and nothing where answers name their contact.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::question::Seen;
use crate::history::Ask;

/// Contacts with the same first page that raise the doubt.
const ALIKE: u64 = 3;

/// The fingerprints of first pages, by contact; 0 where there is none.
#[derive(Debug, Default)]
pub struct FirstPages(Mutex<Vec<u64>>);

impl FirstPages {
    /// Restores the fingerprints of an earlier attempt.
    pub fn restored(earlier: &[(u32, u64)]) -> Self {
        let pages = Self::default();
        for (contact, print) in earlier {
            pages.put(*contact, *print);
        }
        pages
    }

    /// Records a page of a contact, if it is the first with messages.
    pub fn see(&self, contact: u32, ask: &Ask, seen: &Seen) {
        if let Some(print) = seen.anonymous.filter(|_| ask.offset == 0) {
            self.put(contact, print);
        }
    }

    /// The fingerprint of a contact.
    pub fn of(&self, contact: u32) -> Option<u64> {
        self.lock().get(contact as usize).copied().filter(|print| *print > 0)
    }

    /// The doubt, where several contacts have the same first page.
    pub fn doubt(&self) -> Option<String> {
        let mut counts: HashMap<u64, u64> = HashMap::new();
        for print in self.lock().iter().filter(|print| **print > 0) {
            *counts.entry(*print).or_default() += 1;
        }
        let alike: u64 = counts.into_values().filter(|count| *count >= ALIKE).sum();
        (alike > 0).then(|| {
            format!(
                "{alike} contacts have the same messages on their first page as others: something between here and the API may ignore the query"
            )
        })
    }

    fn put(&self, contact: u32, print: u64) {
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

    #[test]
    fn three_contacts_with_one_first_page_raise_the_doubt() {
        assert_eq!(FirstPages::restored(&[(0, 7), (5, 7), (5, 7), (9, 8)]).doubt(), None);
        let doubt = FirstPages::restored(&[(0, 7), (5, 7), (6, 7), (9, 8)]).doubt();
        assert!(doubt.is_some_and(|doubt| doubt.starts_with("3 contacts")));
    }
}
