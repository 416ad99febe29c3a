//! Counts over all files of a run, by fingerprints of IDs. They allow comparing tables with each other.

use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use super::rows::{Number, Row, Text};
use crate::output::manifest::FileEntry;
use crate::table::Totals;

/// Maximum number of messages or records held at once: 200 MiB of memory. Larger runs take more passes.
const ROWS_A_PASS: u64 = 4 << 20;
/// Memory of a conversation relative to a message.
const CONVERSATION_WEIGHT: u64 = 4;

/// Position of contacts that are not in `coverage`: they sort last.
const UNCOVERED: u32 = u32::MAX;

/// Counts of one contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContactCounts {
    /// Position of the contact in `coverage`.
    pub(super) position: u32,
    pub(super) coverage_rows: u32,
    pub(super) contacts_rows: u32,
    pub(super) conversations: u32,
    pub(super) messages: Totals,
}

impl Default for ContactCounts {
    fn default() -> Self {
        Self {
            position: UNCOVERED,
            coverage_rows: 0,
            contacts_rows: 0,
            conversations: 0,
            messages: Totals::default(),
        }
    }
}

/// Counts of all contacts.
#[derive(Default)]
pub(super) struct CountsByContact(HashMap<u128, ContactCounts>);

impl CountsByContact {
    /// Returns the counts of a row's contact.
    pub(super) fn of(&mut self, row: &Row) -> &mut ContactCounts {
        self.0.entry(xxh3_128(row.contact().as_bytes())).or_default()
    }

    /// Returns the position of the row's contact in `coverage`.
    pub(super) fn position(&self, row: &Row) -> u32 {
        self.0.get(&xxh3_128(row.contact().as_bytes())).map_or(UNCOVERED, |contact| contact.position)
    }

    /// Returns the number of contacts with rows, but without a row in `coverage`.
    pub(super) fn uncovered(&self) -> usize {
        self.0.values().filter(|contact| contact.coverage_rows == 0).count()
    }
}

/// Counts of one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConversationCounts {
    /// Position among all conversations.
    pub(super) position: i64,
    pub(super) messages: Totals,
}

/// A message: its fingerprint, and that of its time partition.
type SeenMessage = ([u64; 2], u64);

/// One pass over the files. It checks the conversations, messages and records whose fingerprints belong to
/// it.
pub(super) struct Pass {
    number: u128,
    passes: u128,
    pub(super) conversations: HashMap<u128, ConversationCounts>,
    messages: Vec<SeenMessage>,
    records: Vec<[u64; 2]>,
}

impl Pass {
    /// Returns the number of passes that these rows take.
    pub(super) fn count(conversations: u64, messages: u64, records: u64) -> u64 {
        let max = conversations.saturating_mul(CONVERSATION_WEIGHT).max(messages).max(records);
        max.div_ceil(ROWS_A_PASS).max(1)
    }

    /// Creates the pass with this number, from 0.
    pub(super) fn new(number: u64, passes: u64) -> Self {
        Self {
            number: number.into(),
            passes: passes.into(),
            conversations: HashMap::new(),
            messages: Vec::new(),
            records: Vec::new(),
        }
    }

    fn is_in_pass(&self, fingerprint: u128) -> bool {
        fingerprint % self.passes == self.number
    }

    /// Returns the fingerprint of the row's conversation, if it belongs to this pass.
    pub(super) fn conversation(&self, row: &Row) -> Option<u128> {
        let id = row.text(Text::ConversationId);
        let fingerprint = fingerprint([Some(row.contact()), id]);
        self.is_in_pass(fingerprint).then_some(fingerprint)
    }

    /// Adds a message if it belongs to this pass.
    pub(super) fn add_message(&mut self, row: &Row, time: u64) {
        let fingerprint = message(row);
        if self.is_in_pass(fingerprint) {
            self.messages.push((halves(fingerprint), time));
        }
    }

    /// Sorts the messages and returns the number of duplicates. Call it after all messages are added.
    pub(super) fn sort_messages(&mut self) -> usize {
        self.messages.sort_unstable();
        self.messages.windows(2).filter(|pair| pair[0].0 == pair[1].0).count()
    }

    /// Adds a record. Returns true if its message exists in the partition of the same time.
    pub(super) fn add_record(&mut self, row: &Row, time: u64) -> bool {
        let fingerprint = message(row);
        if !self.is_in_pass(fingerprint) {
            return true;
        }
        let id =
            self::fingerprint([Some(row.contact()), row.text(Text::MessageId), row.text(Text::RecordId)]);
        self.records.push(halves(id));
        self.messages.binary_search(&(halves(fingerprint), time)).is_ok()
    }

    /// Returns the number of duplicate records.
    pub(super) fn duplicate_records(&mut self) -> usize {
        self.records.sort_unstable();
        self.records.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }
}

/// Returns the fingerprint of the row's message.
pub(super) fn message(row: &Row) -> u128 {
    fingerprint([Some(row.contact()), row.text(Text::MessageId)])
}

/// Returns a fingerprint of texts. Null differs from every text, and the lengths keep texts apart.
fn fingerprint<const N: usize>(texts: [Option<&str>; N]) -> u128 {
    let mut hasher = Xxh3::new();
    for text in texts {
        let bytes = text.unwrap_or_default().as_bytes();
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(bytes);
    }
    hasher.digest128()
}

fn halves(fingerprint: u128) -> [u64; 2] {
    let low = u64::try_from(fingerprint & u128::from(u64::MAX)).unwrap_or_default();
    [u64::try_from(fingerprint >> 64).unwrap_or_default(), low]
}

/// Returns the fingerprint of a file's time partition. A record is in the same partition as its message.
pub(super) fn partition_time(file: &FileEntry) -> u64 {
    let text = format!("{:?}", super::file::time_keys(file).collect::<Vec<_>>());
    xxh3_64(text.as_bytes())
}

/// Returns the count and times that a row states.
pub(super) fn stated(row: &Row, count: Number) -> (Option<i64>, Option<i64>, Option<i64>) {
    (row.number(count), row.number(Number::FirstMessageAt), row.number(Number::LastMessageAt))
}

/// Returns the count and times of the messages found.
pub(super) fn counted(totals: &Totals) -> (Option<i64>, Option<i64>, Option<i64>) {
    (i64::try_from(totals.messages).ok(), totals.first, totals.last)
}
