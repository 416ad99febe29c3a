//! Counts texts of other contacts that name an erased one: by its telephone number or an e-mail address, and errors of
//! earlier versions that name its ID.
//!
//! Such texts belong to the other contacts, and stay. Names are not searched: most of them are words of other texts too.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use arrow::array::RecordBatch;
use serde::Serialize;

use super::EraseError;
use super::search::{FoundRun, text};
use crate::catalog::{self, RunReader};
use crate::output::manifest::Manifest;
use crate::output::salted::HashedContacts;
use crate::published::{self, Wanted};
use crate::store::Store;
use crate::table::Table;

/// Minimum number of digits of a telephone number. Shorter ones occur in many other numbers.
const MIN_DIGITS: usize = 7;
/// Characters that may separate the digits of a telephone number.
const SEPARATORS: [char; 9] = [' ', '-', '.', '/', '(', ')', '+', '\u{a0}', '\u{2011}'];

/// Rows of other contacts that name an erased one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mentions {
    /// Rows of `messages`.
    pub messages: u64,
    /// Rows of `channel_records`.
    pub channel_records: u64,
    /// Rows of `coverage` whose error names the ID. Versions up to 0.1.0 wrote such errors.
    pub errors: u64,
}

impl Mentions {
    /// Number of rows.
    pub fn rows(self) -> u64 {
        self.messages + self.channel_records + self.errors
    }
}

/// Counts the mentions in all runs.
pub(super) fn count(
    out: &Store,
    found: &[FoundRun],
    contacts: &mut HashedContacts,
) -> Result<Mentions, EraseError> {
    let mut identifiers = Identifiers::default();
    for run in found {
        identifiers.read(out, &run.run.manifest, contacts)?;
    }
    let search = identifiers.search();
    let mut mentions = Mentions::default();
    let reader = RunReader::new(out)?;
    for run_id in catalog::run_ids_with_links(out)? {
        let Some(run) = reader.run(&run_id)? else { continue };
        let manifest = &run.manifest;
        mentions.errors += errors(out, manifest, contacts)?;
        let Some(search) = &search else { continue };
        mentions.messages += rows(out, manifest, Table::Messages, &["content"], search, contacts)?;
        let columns = ["text", "raw"];
        mentions.channel_records += rows(out, manifest, Table::ChannelRecords, &columns, search, contacts)?;
    }
    Ok(mentions)
}

/// Telephone numbers, by their digits, and e-mail addresses of the erased contacts.
#[derive(Default)]
struct Identifiers {
    numbers: BTreeSet<String>,
    addresses: BTreeSet<String>,
}

impl Identifiers {
    fn read(
        &mut self,
        out: &Store,
        manifest: &Manifest,
        contacts: &mut HashedContacts,
    ) -> Result<(), EraseError> {
        let wanted = Wanted::Named(&["contact_id", "user_email_id", "phone_number", "extra"]);
        for file in published::files_of(manifest, Table::Contacts.name()) {
            for batch in published::batches(out, manifest, file, wanted)? {
                let batch = batch?;
                for row in 0..batch.num_rows() {
                    if contacts.contains(text(&batch, "contact_id", row).unwrap_or_default()) {
                        self.add(&batch, row);
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, batch: &RecordBatch, row: usize) {
        let number: String = text(batch, "phone_number", row)
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        if number.len() >= MIN_DIGITS {
            self.numbers.insert(number);
        }
        // The address of the account is in every contact.
        let account = text(batch, "user_email_id", row).unwrap_or_default().to_lowercase();
        let found = addresses(text(batch, "extra", row).unwrap_or_default());
        self.addresses.extend(found.into_iter().filter(|address| *address != account));
    }

    fn search(&self) -> Option<Search> {
        if self.numbers.is_empty() && self.addresses.is_empty() {
            return None;
        }
        let automaton = |texts: &BTreeSet<String>| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(texts)
                .ok()
                .filter(|_| !texts.is_empty())
        };
        Some(Search { numbers: automaton(&self.numbers), addresses: automaton(&self.addresses) })
    }
}

/// Returns the e-mail addresses in a text, in lower case.
fn addresses(text: &str) -> Vec<String> {
    let is_local = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
    text.match_indices('@')
        .filter_map(|(at, _)| {
            let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
            let local = before.rsplit(|c| !is_local(c)).next().filter(|local| !local.is_empty())?;
            let domain = after.split(|c| !is_domain(c)).next()?.trim_end_matches(['.', '-']);
            domain.contains('.').then(|| format!("{local}@{domain}").to_lowercase())
        })
        .collect()
}

/// Finds identifiers in texts.
struct Search {
    numbers: Option<AhoCorasick>,
    addresses: Option<AhoCorasick>,
}

impl Search {
    fn is_in(&self, text: &str) -> bool {
        self.addresses.as_ref().is_some_and(|addresses| addresses.is_match(text))
            || self.numbers.as_ref().is_some_and(|numbers| numbers.is_match(&digits(text)))
    }
}

/// Returns the text with the separators between digits removed.
fn digits(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut is_number = false;
    for c in text.chars() {
        if c.is_ascii_digit() {
            is_number = true;
            joined.push(c);
        } else if !(is_number && SEPARATORS.contains(&c)) {
            is_number = false;
            joined.push(' ');
        }
    }
    joined
}

/// Counts the rows of other contacts that hold an identifier in one of these columns.
fn rows(
    out: &Store,
    manifest: &Manifest,
    table: Table,
    columns: &[&str],
    search: &Search,
    contacts: &mut HashedContacts,
) -> Result<u64, EraseError> {
    let wanted: Vec<&str> = columns.iter().copied().chain(["contact_id"]).collect();
    let mut count = 0;
    for file in published::files_of(manifest, table.name()) {
        for batch in published::batches(out, manifest, file, Wanted::Named(&wanted))? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let mut texts = columns.iter().filter_map(|column| text(&batch, column, row));
                if texts.any(|text| search.is_in(text)) {
                    let id = text(&batch, "contact_id", row).unwrap_or_default();
                    count += u64::from(!contacts.contains(id));
                }
            }
        }
    }
    Ok(count)
}

/// Counts the rows of `coverage` of other contacts whose error names an erased one.
fn errors(out: &Store, manifest: &Manifest, contacts: &mut HashedContacts) -> Result<u64, EraseError> {
    let mut count = 0;
    for file in published::files_of(manifest, Table::Coverage.name()) {
        for batch in published::batches(out, manifest, file, Wanted::Named(&["contact_id", "error"]))? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let Some(named) = text(&batch, "error", row).and_then(named_contact) else { continue };
                let own = text(&batch, "contact_id", row).unwrap_or_default();
                count += u64::from(contacts.contains(named) && !contacts.contains(own));
            }
        }
    }
    Ok(count)
}

/// Returns the contact that an error names as the one to which an answer belongs.
fn named_contact(error: &str) -> Option<&str> {
    error.split_once("belongs to another contact (")?.1.split_once(')').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_with_separators_and_addresses_in_any_case() {
        let identifiers = Identifiers {
            numbers: ["4915112345678".to_owned()].into(),
            addresses: addresses(r#"{"email":"Ada.Love@Example.org","x":"a@b"}"#).into_iter().collect(),
        };
        assert_eq!(identifiers.addresses, ["ada.love@example.org".to_owned()].into());
        let search = identifiers.search().unwrap();
        for text in ["call +49 (151) 123-456.78!", "x4915112345678", "ask ADA.LOVE@example.org."] {
            assert!(search.is_in(text), "{text}");
        }
        for text in ["49 151 123 and 45678", "ada.love@example.com", "", "4915112345"] {
            assert!(!search.is_in(text), "{text}");
        }
    }
}
