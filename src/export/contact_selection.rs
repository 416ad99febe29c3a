//! Contacts of a run: those of a file or of the command line, or contacts of the account.
//!
//! A run requests the list of the account's contacts once, at its start, and keeps it in the work folder. A
//! resumed run has the same contacts in the same order, even if the account has changed. The order is that of
//! the IDs, so the same contacts give the same rows in the same order in every run.

use std::fmt;
use std::io::BufReader;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ExportError;
use super::work_folder::WorkFolder;
use crate::api::Client;
use crate::contacts::{self, ContactList, Ids};
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::fetch::listing::{self, ListingPlan};
use crate::state::Times;

#[derive(Debug)]
pub enum ContactSelection {
    /// The contacts of a contacts file, or of `--contact`.
    Listed(ContactList),
    /// Contacts that the account lists.
    Account(AccountSelection),
}

/// Contacts that the account lists.
#[derive(Debug)]
pub enum AccountSelection {
    /// Every contact.
    All,
    /// The contacts for which the service finds this text.
    Found(String),
}

/// The list of the account's contacts in the work folder.
#[derive(Serialize, Deserialize)]
struct SavedContactList<C> {
    /// SHA-256 of the IDs. It detects a file that was edited.
    sha256: String,
    doubts: Vec<String>,
    contacts: C,
}

/// Writes a list ID by ID.
struct WrittenIds<'a>(&'a ContactList);

impl Serialize for WrittenIds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|id| id.to_owned()))
    }
}

/// A list that was read ID by ID; `None` if an ID is invalid.
struct SavedIds(Option<Ids>);

impl<'de> Deserialize<'de> for SavedIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl<'de> Visitor<'de> for IdVisitor {
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
        deserializer.deserialize_seq(IdVisitor).map(Self)
    }
}

impl ContactSelection {
    /// The contacts. A new run lists the contacts of the account and saves the list; a resumed run reads the
    /// saved list.
    ///
    /// Times are returned if the list was just read from the API.
    pub async fn list(
        self,
        work: &WorkFolder,
        client: &Client,
        observer: &SharedObserver,
    ) -> Result<(ContactList, Option<Times>), ExportError> {
        let selection = match self {
            Self::Listed(list) => return Ok((list, None)),
            Self::Account(selection) => selection,
        };
        if let Some(list) = selection.saved(work)? {
            for reason in &list.doubts {
                observer.event(Event::ListingDoubtful { reason: reason.clone() });
            }
            return Ok((list, None));
        }
        let (list, times) = selection.read(client, observer).await?;
        let (sha256, doubts) = (list.sha256.clone(), list.doubts.clone());
        let saved = SavedContactList { sha256, doubts, contacts: WrittenIds(&list) };
        durable::replace_by(&work.list_file(), |file| Ok(serde_json::to_writer(file, &saved)?))?;
        Ok((list, Some(times)))
    }
}

impl AccountSelection {
    /// Name of the list, in place of a path.
    fn name(&self) -> &'static str {
        match self {
            Self::All => contacts::ALL,
            Self::Found(_) => contacts::FOUND,
        }
    }

    /// The contacts, sorted by ID, and their times.
    pub async fn read(
        &self,
        client: &Client,
        observer: &SharedObserver,
    ) -> Result<(ContactList, Times), ExportError> {
        let search = match self {
            Self::All => None,
            Self::Found(text) => Some(text.clone()),
        };
        let plan = ListingPlan { search, ..ListingPlan::default() };
        let roster = Box::pin(listing::roster(client, &plan, observer)).await?;
        match self {
            Self::All if roster.is_empty() => Err(ExportError::NoContacts),
            Self::Found(_) if roster.is_empty() => Err(ExportError::NothingFound),
            _ => Ok(tokio::task::block_in_place(|| roster.into_list(self.name()))),
        }
    }

    /// The list that the unfinished run saved at its start.
    fn saved(&self, work: &WorkFolder) -> Result<Option<ContactList>, ExportError> {
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
        let saved: SavedContactList<SavedIds> =
            serde_json::from_reader(file).map_err(|error| bad(error.to_string()))?;
        let ids = saved.contacts.0.ok_or_else(damaged)?;
        let list = ContactList::of_account(self.name(), ids, saved.doubts);
        if list.sha256 == saved.sha256 { Ok(Some(list)) } else { Err(damaged()) }
    }
}
