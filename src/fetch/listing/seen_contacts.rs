//! Collects the contacts of the list, each once.

use std::collections::HashSet;

use super::error::ListingError;
use super::latest_activity;
use crate::contacts::{ContactIndex, Ids};
use crate::fetch::paging::{Fingerprint, PageView};
use crate::record::listing::{Listed, ListedContact, ListingPage};
use crate::state::Times;

/// Maximum bytes of text kept for a list: half of the promised memory. It is enough for a million complete
/// contacts or seven million IDs. The index of the IDs takes the other half.
const MAX_TEXT_BYTES: usize = 256 << 20;
/// Longer times count as text. Others are stored as numbers.
const MAX_USUAL_TIME: usize = 40;

/// Data kept per contact besides its ID, indexed by the order of the IDs.
#[derive(Debug)]
enum KeptData {
    Whole(Vec<ListedContact>),
    Times(Times),
}

/// The contacts met so far.
#[derive(Debug)]
pub struct SeenContacts {
    ids: Ids,
    index: ContactIndex,
    kept: KeptData,
    /// Contents of entries without an ID.
    unnamed: HashSet<Box<str>>,
    /// Description of the first entry that is not a contact.
    first_unnamed: Option<String>,
    /// Versions of contacts before which nothing is missing, except contacts that became active since.
    trusted: HashSet<Fingerprint>,
    text: usize,
    /// True if some part was not sorted by activity.
    has_other_order: bool,
    /// True if some contact had a time.
    has_times: bool,
}

impl SeenContacts {
    /// Keeps every contact with all its listed fields.
    pub fn with_all_fields() -> Self {
        Self::new(KeptData::Whole(Vec::new()))
    }

    /// Keeps the IDs and times, in 35 bytes per contact with a UUID.
    pub fn with_times() -> Self {
        Self::new(KeptData::Times(Times::default()))
    }

    fn new(kept: KeptData) -> Self {
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

    /// Adds a part of the list and returns its view for paging. A later version of a contact replaces an
    /// earlier one.
    pub fn add(&mut self, page: ListingPage) -> Result<PageView, ListingError> {
        let view = PageView::of_listing(&page);
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
                    self.insert(*contact);
                }
            }
            if self.text > MAX_TEXT_BYTES {
                return Err(ListingError::TooLarge { megabytes: MAX_TEXT_BYTES >> 20 });
            }
        }
        Ok(view)
    }

    fn insert(&mut self, contact: ListedContact) {
        let (place, is_new) = self.index.find_or_reserve(&self.ids, &contact.contact_id);
        if is_new {
            self.ids.push(&contact.contact_id);
        }
        match &mut self.kept {
            KeptData::Whole(contacts) => {
                self.text += contact.text_bytes();
                match contacts.get_mut(place) {
                    Some(known) => {
                        self.text = self.text.saturating_sub(known.text_bytes());
                        *known = contact;
                    }
                    None => contacts.push(contact),
                }
            }
            KeptData::Times(times) => {
                let time = contact.latest_message_time.as_deref();
                let long = time.map(str::len).filter(|bytes| *bytes > MAX_USUAL_TIME).unwrap_or(0);
                self.text += long + if is_new { contact.contact_id.as_str().len() } else { 0 };
                times.set(place, time);
            }
        }
    }

    /// Number of contacts met.
    pub fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Number of distinct entries without an ID.
    pub fn unnamed(&self) -> usize {
        self.unnamed.len()
    }

    /// Returns the description of an entry without an ID, if the list has no contact.
    pub fn only_unnamed(&self) -> Option<&str> {
        self.first_unnamed.as_deref().filter(|_| self.ids.is_empty())
    }

    /// True if every part was sorted by activity, latest first.
    pub fn is_by_activity(&self) -> bool {
        !self.has_other_order && (self.has_times || self.ids.is_empty())
    }

    /// Ends a pass that has read these versions to the end of the list. Nothing is missing around them,
    /// except contacts that became active since.
    pub fn end_pass(&mut self, read: HashSet<Fingerprint>) {
        self.trusted = read;
    }

    /// True if nothing is missing around this version, except contacts that became active since.
    pub fn is_trusted(&self, version: Fingerprint) -> bool {
        self.trusted.contains(&version)
    }

    /// Marks more versions as read without a gap around them.
    pub fn trust(&mut self, versions: HashSet<Fingerprint>) {
        self.trusted.extend(versions);
    }

    /// Returns the contacts, latest activity first, then by ID, those without a time last. Empty if only
    /// times are kept.
    pub fn into_contacts(self) -> Vec<ListedContact> {
        let KeptData::Whole(mut contacts) = self.kept else { return Vec::new() };
        contacts.sort_by_cached_key(|contact| {
            (std::cmp::Reverse(latest_activity(contact)), contact.contact_id.clone())
        });
        contacts
    }

    /// Returns the IDs and times in the order in which they were met. The times are empty if whole contacts
    /// are kept.
    pub fn into_times(self) -> (Ids, Times) {
        match self.kept {
            KeptData::Times(times) => (self.ids, times),
            KeptData::Whole(_) => (self.ids, Times::default()),
        }
    }
}
