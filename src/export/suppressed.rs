//! Erased contacts, which runs leave out unless they came back.

use super::{EraseJobError, ExportError};
use crate::catalog::{self, CatalogError};
use crate::contacts::ContactList;
use crate::digest::sha256;
use crate::erase::{self, EraseError};
use crate::event::{Event, SharedObserver};
use crate::layout::{ERASED, ERASED_SIGNATURE};
use crate::output::salted::HashedContacts;
use crate::state::Times;
use crate::store::{Kind, Store};

/// The contacts that a run leaves out.
#[derive(Clone)]
pub struct Suppressed {
    contacts: HashedContacts,
    /// Digest of all their hashes; `None` if there are none. A run with other ones has other contacts.
    pub digest: Option<String>,
}

/// Contacts of a run, and the times of their newest messages if the account was just listed.
pub struct Kept {
    pub contacts: ContactList,
    pub times: Option<Times>,
    /// Number of contacts that are left out.
    pub suppressed: u64,
}

impl Suppressed {
    /// Reads the erased contacts of an export, except those of erasures with these references.
    ///
    /// # Errors
    /// When the record of erasures is damaged or lost, or cannot be read.
    pub fn read(out: &Store, came_back: &[String]) -> Result<Self, ExportError> {
        let record = catalog::erasures(out).map_err(|error| EraseJobError::from(EraseError::from(error)))?;
        check_record(out)?;
        let mut record = record.unwrap_or_default();
        record.erasures.retain(|erasure| !came_back.contains(&erasure.reference));
        let contacts = record.suppressed();
        let hashes = contacts.hashes();
        let digest = (!hashes.is_empty()).then(|| sha256(hashes.concat()));
        Ok(Self { contacts, digest })
    }

    /// Leaves the erased contacts out, and reports their number. Only a shard may have no other contacts.
    ///
    /// # Errors
    /// When no contact is left.
    pub fn leave_out(
        &mut self,
        contacts: ContactList,
        times: Option<Times>,
        is_shard: bool,
        observer: &SharedObserver,
    ) -> Result<Kept, ExportError> {
        if self.digest.is_none() {
            return Ok(Kept { contacts, times, suppressed: 0 });
        }
        let mut kept = Vec::new();
        let left = contacts.retained(|at, id| {
            let is_kept = !self.contacts.contains(id);
            if is_kept {
                kept.push(at);
            }
            is_kept
        });
        let suppressed = (contacts.len() - left.len()) as u64;
        if suppressed == 0 {
            return Ok(Kept { contacts, times, suppressed });
        }
        if left.is_empty() && !is_shard {
            return Err(ExportError::AllErased { contacts: suppressed });
        }
        let message = match suppressed {
            1 => "1 contact is left out: it was erased from this export".to_owned(),
            count => format!("{count} contacts are left out: they were erased from this export"),
        };
        observer.event(Event::Note { message });
        let times = times.map(|listed| {
            let mut times = Times::default();
            for (place, at) in kept.iter().enumerate() {
                times.set(place, listed.get(*at).as_deref());
            }
            times
        });
        Ok(Kept { contacts: left, times, suppressed })
    }
}

/// Checks that the record of erasures explains the newest runs. Without it, a run would export erased contacts again.
fn check_record(out: &Store) -> Result<(), ExportError> {
    match catalog::run_without_record(out) {
        Ok(Some(run_id)) => {
            let path = out.join(ERASED);
            Err(EraseJobError::LostRecord { run_id: run_id.to_string(), path }.into())
        }
        Err(CatalogError::Storage(error)) => Err(error.into()),
        // Other steps of a run report damage, if it concerns them.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Lets this and later runs export contacts again that were erased with this reference.
///
/// # Errors
/// When no erasure has the reference, or the record cannot be read or written.
pub fn unsuppress(out: &Store, reference: &str, observer: &SharedObserver) -> Result<(), ExportError> {
    let is_signed = !matches!(out.kind(ERASED_SIGNATURE)?, Kind::Missing);
    let contacts = erase::unsuppress(out, reference).map_err(EraseJobError::from)?;
    let is_changed = matches!(contacts, erase::Unsuppressed::Now(_));
    let message = match contacts {
        erase::Unsuppressed::Unknown => {
            let (reference, path) = (reference.to_owned(), out.root().to_owned());
            return Err(EraseJobError::NoErasure { reference, path }.into());
        }
        erase::Unsuppressed::Before => format!("the contacts of {reference} are exported again"),
        erase::Unsuppressed::Now(1) => format!("1 contact of {reference} is exported again"),
        erase::Unsuppressed::Now(count) => format!("{count} contacts of {reference} are exported again"),
    };
    observer.event(Event::Note { message });
    if is_signed && is_changed {
        let message = "the record of erasures has changed, and its signature is removed: sign it again with erase --finish --sign KEY".to_owned();
        observer.event(Event::Note { message });
    }
    Ok(())
}
