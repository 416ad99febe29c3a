//! Who was met in the list so far, each once.

use std::collections::HashSet;

use super::error::ListingError;
use super::latest_activity;
use crate::contacts::{ContactIndex, Ids};
use crate::fetch::paging::{Fingerprint, PageView};
use crate::record::listing::{Listed, ListedContact, ListingPage};
use crate::state::Times;

/// The most text that is kept of a list, in bytes: half of the memory promised. It is that of a million whole contacts, or
/// of seven million IDs, which take half of it.
const MOST_TEXT: usize = 256 << 20;
/// Times above this many bytes count as text. Others take a number each.
const USUAL_TIME: usize = 40;

/// What is kept of each contact beside its ID, by its place among the IDs.
#[derive(Debug)]
enum Kept {
    Whole(Vec<ListedContact>),
    Times(Times),
}

/// The contacts met so far.
#[derive(Debug)]
pub struct SeenContacts {
    ids: Ids,
    index: ContactIndex,
    kept: Kept,
    /// Things without an ID, by what they say.
    unnamed: HashSet<Box<str>>,
    /// Description of the first one that is not a contact.
    first_unnamed: Option<String>,
    /// The versions of contacts before which nothing is missing but what became active since they were read.
    trusted: HashSet<Fingerprint>,
    text: usize,
    /// Whether a part was not in the order of activity.
    has_other_order: bool,
    /// Whether any contact had a time.
    has_times: bool,
}

impl SeenContacts {
    /// Keeps all that is listed of each contact.
    pub fn of_whole() -> Self {
        Self::new(Kept::Whole(Vec::new()))
    }

    /// Keeps the IDs and the times, in 35 bytes for each contact with a UUID.
    pub fn of_times() -> Self {
        Self::new(Kept::Times(Times::default()))
    }

    fn new(kept: Kept) -> Self {
        Self {
            ids: Ids::default(),
            index: ContactIndex::default(),
            kept,
            unnamed: HashSet::new(),
            first_unnamed: None,
            trusted: HashSet::new(),
            text: 0,
            has_other_order: false,
            has_times: false,
        }
    }

    /// Takes in a part of the list, and says what paging sees of it. Of two versions of a contact the later read one stays.
    pub fn take_in(&mut self, page: ListingPage) -> Result<PageView, ListingError> {
        let sight = PageView::of_listing(&page);
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
        Ok(sight)
    }

    fn enter(&mut self, contact: ListedContact) {
        let (place, is_new) = self.index.place(&self.ids, &contact.contact_id);
        if is_new {
            self.ids.push(&contact.contact_id);
        }
        match &mut self.kept {
            Kept::Whole(contacts) => {
                self.text += contact.text_bytes();
                match contacts.get_mut(place) {
                    Some(known) => {
                        self.text = self.text.saturating_sub(known.text_bytes());
                        *known = contact;
                    }
                    None => contacts.push(contact),
                }
            }
            Kept::Times(times) => {
                let time = contact.latest_message_time.as_deref();
                let long = time.map(str::len).filter(|bytes| *bytes > USUAL_TIME).unwrap_or(0);
                self.text += long + if is_new { contact.contact_id.as_str().len() } else { 0 };
                times.set(place, time);
            }
        }
    }

    /// How many contacts were met.
    pub fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    /// How many things without an ID were met.
    pub fn unnamed(&self) -> usize {
        self.unnamed.len()
    }

    /// Description of what was found in place of contacts, if there was none.
    pub fn only_unnamed(&self) -> Option<&str> {
        self.first_unnamed.as_deref().filter(|_| self.ids.is_empty())
    }

    /// Whether every part was in the order of activity, latest first.
    pub fn is_by_activity(&self) -> bool {
        !self.has_other_order && (self.has_times || self.ids.is_empty())
    }

    /// The list is read to its end: before what was read, and behind it, nothing is missing but what became active since.
    pub fn end_pass(&mut self, read: HashSet<Fingerprint>) {
        self.trusted = read;
    }

    /// Whether the version was read when it is known what stood around it.
    pub fn was_read(&self, version: Fingerprint) -> bool {
        self.trusted.contains(&version)
    }

    /// The same holds of these.
    pub fn trust(&mut self, versions: HashSet<Fingerprint>) {
        self.trusted.extend(versions);
    }

    /// The contacts, latest activity first, then by ID; those without a time last. None where only times are kept.
    pub fn into_contacts(self) -> Vec<ListedContact> {
        let Kept::Whole(mut contacts) = self.kept else { return Vec::new() };
        contacts.sort_by_cached_key(|contact| {
            (std::cmp::Reverse(latest_activity(contact)), contact.contact_id.clone())
        });
        contacts
    }

    /// The IDs and their times, as they were met. No times where whole contacts are kept.
    pub fn into_times(self) -> (Ids, Times) {
        match self.kept {
            Kept::Times(times) => (self.ids, times),
            Kept::Whole(_) => (self.ids, Times::default()),
        }
    }
}
