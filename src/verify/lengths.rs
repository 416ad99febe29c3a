//! The number of messages that each contact had in the previous run. Long histories can then start early, and
//! a run can be estimated.
//!
//! It is only a hint: errors of reading are ignored.

use super::quick_check::{Number, read_rows};
use crate::catalog;
use crate::contacts::{ContactIndex, ContactList};
use crate::output::manifest::Manifest;
use crate::store::Store;
use crate::table::Table;

/// Returns the number of messages of each contact in this run, in the order of the list; 0 if unknown. Empty
/// if nothing is known.
pub fn known(out: &Store, manifest: &Manifest, contacts: &ContactList) -> Vec<u32> {
    let index = ContactIndex::of(contacts);
    let mut lengths = Vec::new();
    let columns = ["contact_id", "messages"];
    // If reading fails, the rows read so far are used.
    drop(read_rows(out, manifest, Table::Coverage, &columns, &mut |row| {
        let messages = row.number(Number::Messages).and_then(|messages| u32::try_from(messages).ok());
        if let (Some(messages), Some(at)) = (messages, index.find(contacts, row.contact())) {
            lengths.resize(contacts.len(), 0);
            lengths[at] = messages;
        }
    }));
    lengths
}

/// Returns the manifest of the newest run, if it can be read.
pub fn newest(out: &Store) -> Option<Manifest> {
    let latest = catalog::latest(out).ok()??;
    Some(catalog::run(out, &latest.run_id).ok()??.manifest)
}
