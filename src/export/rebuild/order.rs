//! Checks that the lines of an archive do not contradict each other.
//!
//! All responses come first. Then each contact has one line, in the order of the input. In the archive of a run with
//! shards, each shard has such a part, and counts its contacts from 0.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::contact_read::{Outcome, Status};
use crate::id::ContactId;
use crate::output::{RawContact, RawLine};

/// Maximum length of an error text, in bytes.
const MAX_ERROR: usize = 1 << 20;

/// Checks lines in order. It takes 32 bytes per contact.
pub(super) struct LineOrder {
    /// By contact, a fingerprint of the ID in its responses; `None` if it has no responses.
    answered: Vec<Option<u64>>,
    /// Fingerprints of the contacts whose lines were read.
    ended: Vec<u128>,
    /// Number of contacts of earlier shards.
    first: usize,
    /// Input line of the last contact.
    input_line: u64,
    /// True if the lines of the input are in order.
    is_ordered: bool,
}

impl LineOrder {
    /// A check of an archive with this number of contacts.
    pub(super) fn new(contacts: usize, is_ordered: bool) -> Self {
        Self { answered: vec![None; contacts], ended: Vec::new(), first: 0, input_line: 0, is_ordered }
    }

    /// Begins the part of the next shard. Returns the index of its first contact.
    pub(super) fn begin_shard(&mut self) -> u32 {
        (self.first, self.input_line) = (self.ended.len(), 0);
        u32::try_from(self.first).unwrap_or(u32::MAX)
    }

    /// Checks the next line. The error describes what is wrong with it.
    pub(super) fn check(&mut self, line: &RawLine) -> Result<(), String> {
        match line {
            RawLine::Answer(answer, _) => self.answer(answer.contact, &answer.contact_id),
            RawLine::Contact(contact) => self.contact(contact),
        }
    }

    fn answer(&mut self, contact: u32, id: &str) -> Result<(), String> {
        if self.ended.len() > self.first {
            return Err(format!("a response of contact {contact} after the line of a contact"));
        }
        let Some(answered) = self.answered.get_mut(contact as usize) else {
            return Err(format!("a response of contact {contact}, which is not in the input"));
        };
        let fingerprint = xxh3_64(id.as_bytes());
        match answered.replace(fingerprint) {
            Some(before) if before != fingerprint => Err(format!("contact {contact} has two IDs")),
            _ => Ok(()),
        }
    }

    fn contact(&mut self, line: &RawContact) -> Result<(), String> {
        let (contact, id) = (line.contact, line.contact_id.as_str());
        let at = self.ended.len();
        let Some(answered) = self.answered.get(at).filter(|_| contact as usize == at) else {
            return Err(format!("contact {contact} is out of order"));
        };
        if !id.parse::<ContactId>().is_ok_and(|parsed| parsed.as_str() == id) {
            return Err(format!("contact {contact} has an invalid ID"));
        }
        if answered.is_some_and(|fingerprint| fingerprint != xxh3_64(id.as_bytes())) {
            return Err(format!("contact {contact} has two IDs"));
        }
        if answered.is_some() && line.outcome.status == Status::Unchanged {
            return Err(format!("contact {contact} was not read, but has responses"));
        }
        if (self.is_ordered && line.input_line < self.input_line) || !fits(line.input_line) {
            return Err(format!("contact {contact} has an invalid input line: {}", line.input_line));
        }
        check_outcome(&line.outcome).map_err(|what| format!("contact {contact} has {what}"))?;
        self.input_line = line.input_line;
        self.ended.push(xxh3_128(id.as_bytes()));
        Ok(())
    }

    /// Checks the end of the archive, which must have this number of contacts.
    pub(super) fn finish(&mut self, contacts: u64) -> Result<(), String> {
        if self.ended.len() as u64 != contacts {
            return Err(format!("it ends after {} of {contacts} contacts", self.ended.len()));
        }
        self.ended.sort_unstable();
        let doubled = self.ended.windows(2).filter(|pair| pair[0] == pair[1]).count();
        if doubled > 0 {
            return Err(format!("{doubled} contacts occur twice"));
        }
        Ok(())
    }
}

/// True if the number fits a column, since columns are signed.
fn fits(number: u64) -> bool {
    i64::try_from(number).is_ok()
}

fn check_outcome(outcome: &Outcome) -> Result<(), String> {
    let counts = [outcome.pages, outcome.requests, outcome.retries, outcome.rereads];
    if let Some(count) = counts.into_iter().find(|count| !fits(*count)) {
        return Err(format!("an invalid count: {count}"));
    }
    match &outcome.error {
        Some(error) if error.len() > MAX_ERROR => Err(format!("an error of {} bytes", error.len())),
        _ => Ok(()),
    }
}
