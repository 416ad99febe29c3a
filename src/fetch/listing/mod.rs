//! The account's contacts, all of them, from a list that changes while it is read.
//!
//! The dashboard sorts contacts by latest activity: who writes jumps to the front, past the place where we read. To the
//! state machine of [`super::paging`] that is a history from which a message is removed and to which one is added: what
//! it pages are the *versions* of contacts, an ID with its `latest_message_time`. So [`pass`] reads the list once, page
//! joined to page and the end proved, and loses no contact that rested; and [`catch_up`] finds those that jumped, at the
//! front.
//!
//! That rests on the order. Where the pages show another one, the list is read whole again until that brings no contact
//! that was not known. What cannot be proved within the budget is said: see [`Listing::doubts`].
//!
//! ```text
//! list ─▶ pass ─▶ catch_up (by activity) ─▶ Listing
//!           ▲───── again (any other order)
//! ```

mod catch_up;
mod error;
mod pass;
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
use crate::table::read_time;

pub use error::ListingError;
use pass::{PassEnd, Ways};
use seen_contacts::SeenContacts;

/// Times that the whole list is read before it is given up as changing too much to be sure of.
const MOST_PASSES: u32 = 4;

/// The doubt about a list whose order does not tell where to look.
const OTHER_ORDER: &str = "contacts came and went in it, and it is not sorted by activity";

/// Which contacts to list.
#[derive(Clone, Debug)]
pub struct ListingPlan {
    /// Those that the service counts as such.
    pub filter: ListFilter,
    /// Only those in which the service finds this text.
    pub search: Option<String>,
    /// Contacts asked for at once, 1..=100.
    pub page_size: u32,
}

impl Default for ListingPlan {
    /// All of them.
    fn default() -> Self {
        Self { filter: ListFilter::All, search: None, page_size: 100 }
    }
}

/// The contacts of an account, each once.
#[derive(Debug, Default)]
pub struct Listing {
    /// As they were when they were last met, latest activity first, then by ID.
    pub contacts: Vec<ListedContact>,
    /// Why some may be missing; empty where it is proved that none is.
    pub doubts: Vec<String>,
}

/// The IDs of an account's contacts and their times, as a run needs them: a list may hold millions.
#[derive(Debug, Default)]
pub struct Roster {
    ids: Ids,
    times: Times,
    /// Why some may be missing; empty where it is proved that none is.
    pub doubts: Vec<String>,
}

impl Roster {
    /// Whether there is no contact.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The contacts in the order of their IDs, so that the same ones give the same rows in the same order every night, and
    /// their times.
    pub fn into_list(self) -> (ContactList, Times) {
        let (mut ids, mut times) = (Ids::default(), Times::default());
        for (place, at) in self.ids.sorted().into_iter().enumerate() {
            ids.push(&self.ids.id(at as usize));
            times.set(place, self.times.get(at as usize).as_deref());
        }
        (ContactList::of_account(ids, self.doubts), times)
    }

    /// The times of other contacts, as far as they are listed.
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

/// Reads the list of contacts, following the client's rules on retries, speed and tokens.
///
/// # Errors
/// When it cannot be read to its end.
pub async fn list(
    client: &Client,
    plan: &ListingPlan,
    observer: &SharedObserver,
) -> Result<Listing, ListingError> {
    let (seen, doubts) = read_all(client, plan, observer, SeenContacts::of_whole()).await?;
    Ok(Listing { contacts: seen.into_contacts(), doubts })
}

/// Reads all of the list in the same way, and keeps the IDs and the times.
///
/// # Errors
/// When it cannot be read to its end.
pub async fn roster(client: &Client, observer: &SharedObserver) -> Result<Roster, ListingError> {
    let (seen, doubts) =
        read_all(client, &ListingPlan::default(), observer, SeenContacts::of_times()).await?;
    let (ids, times) = seen.into_times();
    Ok(Roster { ids, times, doubts })
}

async fn read_all(
    client: &Client,
    plan: &ListingPlan,
    observer: &SharedObserver,
    mut seen: SeenContacts,
) -> Result<(SeenContacts, Vec<String>), ListingError> {
    let account = client.account().await?;
    let asker = ClientAsker { client, plan, account, observer };
    let doubt = read(&asker, plan.page_size, &mut seen).await?;
    if let Some(found) = seen.only_unnamed() {
        let what = format!("no listed contact has a `contact_id`; {found}");
        return Err(ListingError::NotAnAnswer { what });
    }
    let unnamed = seen.unnamed();
    let unnamed = (unnamed > 0)
        .then(|| format!("{unnamed} listed contacts have no ID that could be asked for, and are left out"));
    let doubts: Vec<String> = doubt.into_iter().chain(unnamed).collect();
    for reason in &doubts {
        observer.event(Event::ListingDoubtful { reason: reason.clone() });
    }
    Ok((seen, doubts))
}

/// When a contact was last active, in microseconds since 1970.
pub fn latest_activity(contact: &ListedContact) -> Option<i64> {
    contact.latest_message_time.as_deref().and_then(read_time)
}

/// Who answers for parts of the list.
trait Asker {
    /// The part at this offset, of at most so many contacts.
    async fn ask(&self, offset: u64, limit: u32, so_far: u64) -> Result<ListingPage, Failure>;
}

struct ClientAsker<'a> {
    client: &'a Client,
    plan: &'a ListingPlan,
    account: SecretString,
    observer: &'a SharedObserver,
}

impl Asker for ClientAsker<'_> {
    async fn ask(&self, offset: u64, limit: u32, so_far: u64) -> Result<ListingPage, Failure> {
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

/// Reads the list until nothing is missing; else says why something may be.
async fn read(
    asker: &impl Asker,
    page_size: u32,
    seen: &mut SeenContacts,
) -> Result<Option<String>, ListingError> {
    let mut ways = Ways::new(page_size);
    let mut doubt = String::new();
    for pass in 0..MOST_PASSES {
        let known = seen.len();
        match pass::read(asker, &mut ways, seen).await? {
            PassEnd::Unresolved(why) => doubt = why,
            PassEnd::Read if seen.is_by_activity() => match catch_up::read(asker, &mut ways, seen).await? {
                None => return Ok(None),
                Some(why) => doubt = why,
            },
            PassEnd::Read if pass > 0 && seen.len() == known => return Ok(None),
            PassEnd::Read => OTHER_ORDER.clone_into(&mut doubt),
        }
    }
    Ok(Some(format!(
        "the list of contacts kept changing while it was read ({doubt}): contacts may be missing"
    )))
}
