//! Contacts of a run: a file's contacts, or all of the account's.
//!
//! The list of all contacts is asked for once, when the run begins, and kept in the work folder: a run that goes on has the
//! same contacts in the same order, whoever has become active since. The order is that of their IDs, so that the same
//! contacts give the same rows in the same order every night.

use std::fmt;
use std::io::BufReader;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ExportError;
use super::work_folder::WorkFolder;
use crate::api::Client;
use crate::contacts::{ContactList, Ids};
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::fetch::listing;
use crate::state::Times;

/// Contacts to export.
#[derive(Debug)]
pub enum ContactSelection {
    /// These.
    Listed(ContactList),
    /// Every contact of the account.
    All,
}

/// The list as it lies in the work folder.
#[derive(Serialize, Deserialize)]
struct Kept<C> {
    /// Of the IDs, so that none is taken for another after the file was touched.
    sha256: String,
    doubts: Vec<String>,
    contacts: C,
}

/// A list that is written ID by ID.
struct Written<'a>(&'a ContactList);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|id| id.to_owned()))
    }
}

/// A list that is read ID by ID; none where one of them is not an ID.
struct Read(Option<Ids>);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OffsetUnit;
        impl<'de> Visitor<'de> for OffsetUnit {
            type Value = Option<Ids>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Self::Value, A::Error> {
                let mut ids = Some(Ids::default());
                while let Some(text) = texts.next_element::<String>()? {
                    match (&mut ids, text.parse()) {
                        (Some(ids), Ok(id)) => ids.push(&id),
                        _ => ids = None,
                    }
                }
                Ok(ids)
            }
        }
        deserializer.deserialize_seq(OffsetUnit).map(Self)
    }
}

impl ContactSelection {
    /// The contacts; those of the account as the unfinished run has them, else as they are now, and then kept. With their
    /// times, where the list was read for it.
    pub async fn list(
        self,
        work: &WorkFolder,
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
        let (sha256, doubts) = (list.sha256.clone(), list.doubts.clone());
        let kept = Kept { sha256, doubts, contacts: Written(&list) };
        durable::replace_by(&work.list_file(), |file| Ok(serde_json::to_writer(file, &kept)?))?;
        Ok((list, Some(times)))
    }
}

/// Every contact of the account, by ID, and their times.
pub async fn all(client: &Client, observer: &SharedObserver) -> Result<(ContactList, Times), ExportError> {
    let roster = Box::pin(listing::roster(client, observer)).await?;
    if roster.is_empty() {
        return Err(ExportError::NoContacts);
    }
    Ok(tokio::task::block_in_place(|| roster.into_list()))
}

/// The list that the unfinished run was begun with.
fn kept(work: &WorkFolder) -> Result<Option<ContactList>, ExportError> {
    let bad = |what: String| ExportError::BadWork { path: work.folder.clone(), what };
    let path = work.list_file();
    if !durable::is_regular_file(&path)? {
        return if work.has_answers() {
            Err(bad("its list of contacts is missing".to_owned()))
        } else {
            Ok(None)
        };
    }
    let damaged = || bad("its list of contacts is damaged".to_owned());
    let file = BufReader::new(durable::open_existing(&path)?);
    let kept: Kept<Read> = serde_json::from_reader(file).map_err(|error| bad(error.to_string()))?;
    let list = ContactList::of_account(kept.contacts.0.ok_or_else(damaged)?, kept.doubts);
    if list.sha256 == kept.sha256 { Ok(Some(list)) } else { Err(damaged()) }
}
