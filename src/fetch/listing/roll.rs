//! Who was met in the list so far, each once.

use std::collections::{HashMap, HashSet};

use super::error::ListingError;
use super::latest_activity;
use crate::fetch::paging::{Fingerprint, Sight};
use crate::record::listing::{Listed, ListedContact, ListingPage};

/// The most text that is kept of a list, in bytes: that of a million contacts, and the half of the memory promised.
const MOST_TEXT: usize = 256 << 20;

/// The contacts met so far.
#[derive(Debug, Default)]
pub struct Roll {
    contacts: Vec<ListedContact>,
    /// Where a contact stands in `contacts`, by its ID.
    places: HashMap<Fingerprint, usize>,
    /// Things without an ID, by what they say.
    unnamed: HashSet<Box<str>>,
    /// Description of the first one that is not a contact.
    first_unnamed: Option<String>,
    /// The versions of contacts before which nothing is missing but what became active since they were read.
    trusted: HashSet<Fingerprint>,
    /// Versions read in the pass under way.
    in_pass: HashSet<Fingerprint>,
    text: usize,
    /// Whether a part was not in the order of activity.
    has_other_order: bool,
    /// Whether any contact had a time.
    has_times: bool,
}

impl Roll {
    /// Takes in a part of the list, and says what paging sees of it. Of two versions of a contact the later read one stays.
    pub fn take_in(&mut self, page: ListingPage) -> Result<Sight, ListingError> {
        let sight = Sight::of_listing(&page);
        let mut before = None;
        for place in page.places {
            match place {
                Listed::Unnamed { digest, found } => {
                    self.first_unnamed.get_or_insert(found);
                    self.text += digest.len();
                    self.unnamed.insert(digest);
                }
                Listed::Contact(contact) => {
                    let at = latest_activity(&contact);
                    self.has_other_order |= at.zip(before).is_some_and(|(at, before)| at > before);
                    self.has_times |= at.is_some();
                    before = at.or(before);
                    self.enter(*contact);
                }
            }
            if self.text > MOST_TEXT {
                return Err(ListingError::TooLarge { megabytes: MOST_TEXT >> 20 });
            }
        }
        self.in_pass.extend(sight.messages());
        Ok(sight)
    }

    fn enter(&mut self, contact: ListedContact) {
        self.text += contact.text_bytes();
        let next = self.contacts.len();
        let place = *self.places.entry(Fingerprint::of(contact.contact_id.as_str())).or_insert(next);
        match self.contacts.get_mut(place) {
            Some(known) => {
                self.text = self.text.saturating_sub(known.text_bytes());
                *known = contact;
            }
            None => self.contacts.push(contact),
        }
    }

    /// How many contacts were met.
    pub fn len(&self) -> u64 {
        self.contacts.len() as u64
    }

    /// How many things without an ID were met.
    pub fn unnamed(&self) -> usize {
        self.unnamed.len()
    }

    /// Description of what was found in place of contacts, if there was none.
    pub fn only_unnamed(&self) -> Option<&str> {
        self.first_unnamed.as_deref().filter(|_| self.contacts.is_empty())
    }

    /// Whether every part was in the order of activity, latest first.
    pub fn is_by_activity(&self) -> bool {
        !self.has_other_order && (self.has_times || self.contacts.is_empty())
    }

    /// The list is read from its start.
    pub fn begin_pass(&mut self) {
        self.in_pass.clear();
    }

    /// It is read to its end: before what was read, and behind it, nothing is missing but what became active since.
    pub fn end_pass(&mut self) {
        self.trusted = std::mem::take(&mut self.in_pass);
    }

    /// Whether the version was read when it is known what stood around it.
    pub fn was_read(&self, version: Fingerprint) -> bool {
        self.trusted.contains(&version)
    }

    /// The same holds of these.
    pub fn trust(&mut self, versions: HashSet<Fingerprint>) {
        self.trusted.extend(versions);
    }

    /// The contacts, latest activity first, then by ID; those without a time last.
    pub fn into_contacts(self) -> Vec<ListedContact> {
        let mut contacts = self.contacts;
        contacts.sort_by_cached_key(|contact| {
            (std::cmp::Reverse(latest_activity(contact)), contact.contact_id.clone())
        });
        contacts
    }
}
