//! What is counted for each contact, by the fingerprint of its ID.

use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::rows::Row;

/// Fingerprints of messages held at once: 128 MiB. More messages take more passes over their ids.
const MESSAGES_A_PASS: u64 = 8 << 20;

/// The counts of one contact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Contact {
    pub(super) coverage_rows: u32,
    pub(super) contacts_rows: u32,
    pub(super) message_count: i64,
    pub(super) messages: i64,
}

/// The counts of all contacts.
#[derive(Default)]
pub(super) struct Contacts(HashMap<u128, Contact>);

impl Contacts {
    /// The counts of a row's contact.
    pub(super) fn of(&mut self, row: &Row) -> &mut Contact {
        self.0.entry(xxh3_128(id(row).as_bytes())).or_default()
    }

    /// How many contacts have rows, and none in `coverage`.
    pub(super) fn uncovered(&self) -> usize {
        self.0.values().filter(|contact| contact.coverage_rows == 0).count()
    }
}

/// The ID of a row's contact; empty where it is null.
pub(super) fn id<'a>(row: &'a Row) -> &'a str {
    row.contact_id.as_deref().unwrap_or_default()
}

/// Finds message ids that a contact has twice, in as many passes as memory asks for.
pub(super) struct Messages {
    pass: u128,
    passes: u128,
    seen: Vec<u128>,
}

impl Messages {
    /// How many passes this many messages take.
    pub(super) fn passes(messages: u64) -> u64 {
        messages.div_ceil(MESSAGES_A_PASS).max(1)
    }

    /// The pass of this number, from 0.
    pub(super) fn new(pass: u64, passes: u64) -> Self {
        Self { pass: pass.into(), passes: passes.into(), seen: Vec::new() }
    }

    /// Takes a message, if it belongs to this pass.
    pub(super) fn add(&mut self, row: &Row) {
        let mut hasher = Xxh3::new();
        hasher.update(id(row).as_bytes());
        hasher.update(&[0x1f]);
        hasher.update(row.message_id.as_deref().unwrap_or_default().as_bytes());
        let fingerprint = hasher.digest128();
        if fingerprint % self.passes == self.pass {
            self.seen.push(fingerprint);
        }
    }

    /// How many messages are there once more than they should.
    pub(super) fn doubled(mut self) -> usize {
        self.seen.sort_unstable();
        self.seen.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }
}
