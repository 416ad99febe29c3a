//! Collects the contacts of the list, each once.

use std::collections::HashSet;

use super::error::ListingError;
use super::latest_activity;
use crate::contacts::{ContactIndex, Ids};
use crate::fetch::paging::PageView;
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

/// What paging and the catch-up see of a part of the list.
#[derive(Debug)]
pub struct Part {
    pub view: PageView,
    /// Times of the contacts, in the server's order.
    pub times: Vec<i64>,
}

impl Part {
    /// Returns the time of the contact in the middle. The first ones are no good measure: they may have a time
    /// in the future, or share theirs with contacts that become active next.
    pub fn middle_time(&self) -> Option<i64> {
        self.times.get(self.times.len().saturating_sub(1) / 2).copied()
    }
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
    /// Every contact without activity after this time is listed. `None` if no such time is known.
    complete_until: Option<i64>,
    text: usize,
    /// True if some part was not sorted by activity.
    has_other_order: bool,
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
            complete_until: None,
            text: 0,
            has_other_order: false,
        }
    }

    /// Adds a part of the list. A later version of a contact replaces an earlier one.
    pub fn add(&mut self, page: ListingPage) -> Result<Part, ListingError> {
        let view = PageView::of_listing(&page);
        let mut times: Vec<i64> = Vec::new();
        for place in page.places {
            match place {
                Listed::Unnamed { digest, found } => {
                    self.first_unnamed.get_or_insert(found);
                    self.text += digest.len();
                    self.unnamed.insert(digest);
                }
                Listed::Contact(contact) => {
                    if let Some(at) = latest_activity(&contact) {
                        self.has_other_order |= times.last().is_some_and(|before| at > *before);
                        times.push(at);
                    }
                    self.insert(*contact);
                }
            }
            if self.text > MAX_TEXT_BYTES {
                return Err(ListingError::TooLarge { megabytes: MAX_TEXT_BYTES >> 20 });
            }
        }
        Ok(Part { view, times })
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

    /// True if every part was sorted by activity, latest first, and the first part of the last pass had times.
    pub fn is_by_activity(&self) -> bool {
        !self.has_other_order && (self.complete_until.is_some() || self.ids.is_empty())
    }

    /// Records that every contact without activity after this time is listed.
    pub fn set_complete_until(&mut self, time: Option<i64>) {
        self.complete_until = time;
    }

    /// True if the part reaches a contact behind which none is missing.
    pub fn is_met_by(&self, part: &Part) -> bool {
        self.complete_until.is_some_and(|until| part.times.iter().any(|at| *at <= until))
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
