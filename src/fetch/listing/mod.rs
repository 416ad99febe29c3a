//! Lists all contacts of an account, although the list changes while it is read.
//!
//! The service sorts contacts by latest activity. A contact with a new message moves to the front, past the
//! position that was just read. [`super::paging`] pages the *versions* of contacts: an ID with its
//! `latest_message_time`. To it, such a move is a removal and an insertion. So [`pass`] reads the list once,
//! with joined pages and a proved end, and loses no contact without activity. Then [`catch_up`] finds at the
//! front the contacts that moved.
//!
//! This relies on the order. If the pages show another order, the whole list is read again until that finds
//! no new contact. [`Listing::doubts`] reports what cannot be proved within the budget.
//!
//! ```text
//! list ─▶ pass ─▶ catch_up (by activity) ─▶ Listing
//!           ▲───── again (any other order)
//! ```

mod catch_up;
mod error;
#[cfg(test)]
mod model;
mod pass;
#[cfg(test)]
mod schedule;
mod seen_contacts;
#[cfg(test)]
mod tests;

use secrecy::SecretString;

use crate::api::{Client, Counters, Failure, ListingQuery};
use crate::contacts::{ContactIndex, ContactList, Ids};
use crate::event::{Event, SharedObserver};
use crate::record::listing::{ListedContact, ListingPage};
use crate::settings::ListFilter;
use crate::state::Times;
use crate::time::read_time;

pub use error::ListingError;
use pass::{ListBehavior, PassEnd};
use seen_contacts::SeenContacts;

/// Maximum number of times that the whole list is read before the result is reported as doubtful.
const MAX_PASSES: u32 = 4;

/// The doubt about a changing list that is not sorted by activity.
const OTHER_ORDER: &str = "contacts were added or removed, and the list is not sorted by activity";

/// Selection of contacts to list.
#[derive(Clone, Debug)]
pub struct ListingPlan {
    /// Filter that the service applies.
    pub filter: ListFilter,
    /// Text that the service searches for.
    pub search: Option<String>,
    /// Maximum number of contacts per request, 1..=100.
    pub page_size: u32,
}

impl Default for ListingPlan {
    fn default() -> Self {
        Self { filter: ListFilter::All, search: None, page_size: 100 }
    }
}

/// The contacts of an account, each once.
#[derive(Debug, Default)]
pub struct Listing {
    /// Latest read version of each contact, sorted by latest activity, then by ID.
    pub contacts: Vec<ListedContact>,
    /// Reasons why contacts may be missing. Empty if the list is proved complete.
    pub doubts: Vec<String>,
}

/// The IDs and times of an account's contacts. A run needs no more, and a list may hold millions.
#[derive(Debug, Default)]
pub struct Roster {
    ids: Ids,
    times: Times,
    /// Reasons why contacts may be missing. Empty if the list is proved complete.
    pub doubts: Vec<String>,
}

impl Roster {
    /// True if there is no contact.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns the contacts as the list with this name, sorted by ID so that every run gives the same order of
    /// rows, and their times.
    pub fn into_list(self, name: &str) -> (ContactList, Times) {
        let (mut ids, mut times) = (Ids::default(), Times::default());
        for (place, at) in self.ids.sorted().into_iter().enumerate() {
            ids.push(&self.ids.id(at as usize));
            times.set(place, self.times.get(at as usize).as_deref());
        }
        (ContactList::of_account(name, ids, self.doubts), times)
    }

    /// Returns the times of the given contacts, as far as they are listed.
    pub fn times_of(&self, contacts: &ContactList) -> Times {
        let index = ContactIndex::of(contacts);
        let mut times = Times::default();
        for (at, id) in self.ids.iter().enumerate() {
            if let Some(place) = index.find(contacts, &id) {
                times.set(place, self.times.get(at).as_deref());
            }
        }
        times
    }
}

/// Reads the list of contacts.
///
/// # Errors
/// If the list cannot be read to its end.
pub async fn list(
    client: &Client,
    plan: &ListingPlan,
    observer: &SharedObserver,
) -> Result<Listing, ListingError> {
    let (seen, doubts) = read_list(client, plan, observer, SeenContacts::with_all_fields()).await?;
    Ok(Listing { contacts: seen.into_contacts(), doubts })
}

/// Reads the list of contacts, but keeps only the IDs and times.
///
/// # Errors
/// If the list cannot be read to its end.
pub async fn roster(
    client: &Client,
    plan: &ListingPlan,
    observer: &SharedObserver,
) -> Result<Roster, ListingError> {
    let (seen, doubts) = read_list(client, plan, observer, SeenContacts::with_times()).await?;
    let (ids, times) = seen.into_times();
    Ok(Roster { ids, times, doubts })
}

async fn read_list(
    client: &Client,
    plan: &ListingPlan,
    observer: &SharedObserver,
    mut seen: SeenContacts,
) -> Result<(SeenContacts, Vec<String>), ListingError> {
    observer.event(Event::ListingBegan);
    let account = client.account().await?;
    let source = ClientSource { client, plan, account, observer };
    let doubt = read(&source, plan.page_size, &mut seen).await?;
    if let Some(found) = seen.only_unnamed() {
        let what = format!("no listed contact has a `contact_id`; {found}");
        return Err(ListingError::NotAnAnswer { what });
    }
    let unnamed = seen.unnamed();
    let unnamed =
        (unnamed > 0).then(|| format!("{unnamed} listed contacts have no valid ID and are left out"));
    let doubts: Vec<String> = doubt.into_iter().chain(unnamed).collect();
    for reason in &doubts {
        observer.event(Event::ListingDoubtful { reason: reason.clone() });
    }
    observer.event(Event::ListingEnded { contacts: seen.len() });
    Ok((seen, doubts))
}

/// Returns the time of a contact's latest activity, in microseconds since 1970.
pub fn latest_activity(contact: &ListedContact) -> Option<i64> {
    contact.latest_message_time.as_deref().and_then(read_time)
}

/// Source of the parts of a list.
trait ListSource {
    /// Requests the part at this offset with at most `limit` contacts.
    async fn request(&self, offset: u64, limit: u32, so_far: u64) -> Result<ListingPage, Failure>;
}

struct ClientSource<'a> {
    client: &'a Client,
    plan: &'a ListingPlan,
    account: SecretString,
    observer: &'a SharedObserver,
}

impl ListSource for ClientSource<'_> {
    async fn request(&self, offset: u64, limit: u32, so_far: u64) -> Result<ListingPage, Failure> {
        let query = ListingQuery {
            account: &self.account,
            search: self.plan.search.as_deref(),
            filter: self.plan.filter,
            offset,
            limit,
        };
        let page = self.client.listing(&query, &Counters::default()).await?;
        self.observer.event(Event::ListingRead { offset, contacts: page.places.len() as u64, so_far });
        Ok(page)
    }
}

/// Reads the list until nothing is missing. Otherwise returns the reason why contacts may be missing.
async fn read(
    source: &impl ListSource,
    page_size: u32,
    seen: &mut SeenContacts,
) -> Result<Option<String>, ListingError> {
    let mut behavior = ListBehavior::new(page_size);
    let mut doubt = String::new();
    for pass in 0..MAX_PASSES {
        let known = seen.len();
        match pass::read(source, &mut behavior, seen).await? {
            PassEnd::Unresolved(why) => doubt = why,
            PassEnd::Read if seen.is_by_activity() => {
                match catch_up::read(source, &mut behavior, seen).await? {
                    None => return Ok(None),
                    Some(why) => doubt = why,
                }
            }
            PassEnd::Read if pass > 0 && seen.len() == known => return Ok(None),
            PassEnd::Read => OTHER_ORDER.clone_into(&mut doubt),
        }
    }
    Ok(Some(format!(
        "the list of contacts kept changing while it was read ({doubt}): contacts may be missing"
    )))
}
