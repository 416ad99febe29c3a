//! How long the contacts' histories were in the run before, so that the long ones are begun early enough, and that a plan
//! can be made of the next run.
//!
//! It is a hint and nothing rests on it: what cannot be read is not known.

use std::path::Path;

use super::glance::{Number, read_rows};
use crate::catalog;
use crate::contacts::{ContactIndex, ContactList};
use crate::output::manifest::Manifest;
use crate::table::Table;

/// Messages that each contact had in this run, in the order of the list; 0 where nothing is known. Empty where nothing is
/// known of any.
pub fn known(out: &Path, manifest: &Manifest, contacts: &ContactList) -> Vec<u32> {
    let index = ContactIndex::of(contacts);
    let mut lengths = Vec::new();
    let columns = ["contact_id", "messages"];
    // What cannot be read to its end is known as far as it was read.
    drop(read_rows(out, manifest, Table::Coverage, &columns, &mut |row, _| {
        let messages = row.number(Number::Messages).and_then(|messages| u32::try_from(messages).ok());
        if let (Some(messages), Some(at)) = (messages, index.find(contacts, row.contact())) {
            lengths.resize(contacts.len(), 0);
            lengths[at] = messages;
        }
    }));
    lengths
}

/// The manifest of the newest run, if it can be read.
pub fn newest(out: &Path) -> Option<Manifest> {
    let latest = catalog::latest(out).ok()??;
    Some(catalog::run(out, &latest.run_id).ok()??.manifest)
}
