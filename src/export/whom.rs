//! Whom a run exports: a file's contacts, or all of the account's.
//!
//! The list of all contacts is asked for once, when the run begins, and kept in the work folder: a run that goes on has the
//! same contacts in the same order, whoever has become active since. The order is that of their IDs, so that the same
//! contacts give the same rows in the same order every night.

use serde::{Deserialize, Serialize};

use super::ExportError;
use super::past::{Times, times_of};
use super::unfinished::Work;
use crate::api::Client;
use crate::contacts::ContactList;
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::fetch::listing::{self, ListingPlan};
use crate::id::ContactId;

/// Whom to export.
#[derive(Debug)]
pub enum Whom {
    /// These.
    Listed(ContactList),
    /// Every contact of the account.
    All,
}

/// The list as it lies in the work folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of the IDs, so that none is taken for another after the file was touched.
    sha256: String,
    doubts: Vec<String>,
    contacts: Vec<String>,
}

impl Whom {
    /// The contacts; those of the account as the unfinished run has them, else as they are now, and then kept. With their
    /// times, where the list was read for it.
    pub async fn list(
        self,
        work: &Work,
        client: &Client,
        observer: &SharedObserver,
    ) -> Result<(ContactList, Option<Times>), ExportError> {
        if let Self::Listed(list) = self {
            return Ok((list, None));
        }
        if let Some(list) = kept(work)? {
            for reason in &list.doubts {
                observer.event(Event::ListingDoubtful { reason: reason.clone() });
            }
            return Ok((list, None));
        }
        let (list, times) = all(client, observer).await?;
        let kept = Kept {
            sha256: list.sha256.clone(),
            doubts: list.doubts.clone(),
            contacts: list.iter().map(str::to_owned).collect(),
        };
        let text = serde_json::to_vec(&kept).map_err(|_| ExportError::Bug("the list cannot be written"))?;
        durable::replace(&work.list_file(), &text)?;
        Ok((list, Some(times)))
    }
}

/// Every contact of the account, by ID, and their times.
pub async fn all(client: &Client, observer: &SharedObserver) -> Result<(ContactList, Times), ExportError> {
    let listing = Box::pin(listing::list(client, &ListingPlan::default(), observer)).await?;
    if listing.contacts.is_empty() {
        return Err(ExportError::NoContacts);
    }
    let times = times_of(&listing.contacts);
    Ok((listing.into_list(), times))
}

/// The list that the unfinished run was begun with.
fn kept(work: &Work) -> Result<Option<ContactList>, ExportError> {
    let bad = |what: String| ExportError::BadWork { path: work.folder.clone(), what };
    let Some(text) = durable::read_if_there(&work.list_file())? else {
        return if work.has_answers() {
            Err(bad("its list of contacts is missing".to_owned()))
        } else {
            Ok(None)
        };
    };
    let damaged = || bad("its list of contacts is damaged".to_owned());
    let kept: Kept = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    let ids: Option<Vec<ContactId>> = kept.contacts.iter().map(|id| id.parse().ok()).collect();
    let list = ContactList::of_account(&ids.ok_or_else(damaged)?, kept.doubts);
    if list.sha256 == kept.sha256 { Ok(Some(list)) } else { Err(damaged()) }
}
