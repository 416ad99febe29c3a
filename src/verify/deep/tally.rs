//! What is counted over all files of a run, by fingerprints of IDs: what tables are held against each other with.

use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use super::rows::{Number, Row, Text};
use crate::output::manifest::FileEntry;
use crate::table::Totals;

/// Messages, records or conversations held at once: 200 MiB of the largest. More of them take more passes over them.
const ROWS_A_PASS: u64 = 4 << 20;
/// What a conversation weighs in messages.
const CONVERSATION_WEIGHT: u64 = 4;

/// A contact that is not in `coverage` sorts after all others.
const UNCOVERED: u32 = u32::MAX;

/// The counts of one contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contact {
    /// Its place in `coverage`.
    pub(super) place: u32,
    pub(super) coverage_rows: u32,
    pub(super) contacts_rows: u32,
    pub(super) conversations: u32,
    pub(super) messages: Totals,
}

impl Default for Contact {
    fn default() -> Self {
        Self {
            place: UNCOVERED,
            coverage_rows: 0,
            contacts_rows: 0,
            conversations: 0,
            messages: Totals::default(),
        }
    }
}

/// The counts of all contacts.
#[derive(Default)]
pub(super) struct Contacts(HashMap<u128, Contact>);

impl Contacts {
    /// The counts of a row's contact.
    pub(super) fn of(&mut self, row: &Row) -> &mut Contact {
        self.0.entry(xxh3_128(row.contact().as_bytes())).or_default()
    }

    /// Where the row's contact stands in `coverage`.
    pub(super) fn place(&self, row: &Row) -> u32 {
        self.0.get(&xxh3_128(row.contact().as_bytes())).map_or(UNCOVERED, |contact| contact.place)
    }

    /// How many contacts have rows, and none in `coverage`.
    pub(super) fn uncovered(&self) -> usize {
        self.0.values().filter(|contact| contact.coverage_rows == 0).count()
    }
}

/// The counts of one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversation {
    /// Its place among all.
    pub(super) place: i64,
    pub(super) messages: Totals,
}

/// A message: its fingerprint, and that of its partition's time.
type Seen = ([u64; 2], u64);

/// What one pass looks at: the conversations, messages and records whose fingerprints fall to it.
pub(super) struct Pass {
    number: u128,
    passes: u128,
    pub(super) conversations: HashMap<u128, Conversation>,
    messages: Vec<Seen>,
    records: Vec<[u64; 2]>,
}

impl Pass {
    /// How many passes these rows take.
    pub(super) fn count(conversations: u64, messages: u64, records: u64) -> u64 {
        let most = conversations.saturating_mul(CONVERSATION_WEIGHT).max(messages).max(records);
        most.div_ceil(ROWS_A_PASS).max(1)
    }

    /// The pass of this number, from 0.
    pub(super) fn new(number: u64, passes: u64) -> Self {
        Self {
            number: number.into(),
            passes: passes.into(),
            conversations: HashMap::new(),
            messages: Vec::new(),
            records: Vec::new(),
        }
    }

    fn is_mine(&self, fingerprint: u128) -> bool {
        fingerprint % self.passes == self.number
    }

    /// The fingerprint of the row's conversation, if it falls to this pass.
    pub(super) fn conversation(&self, row: &Row) -> Option<u128> {
        let id = row.text(Text::ConversationId);
        let fingerprint = fingerprint([Some(row.contact()), id]);
        self.is_mine(fingerprint).then_some(fingerprint)
    }

    /// Takes a message.
    pub(super) fn add_message(&mut self, row: &Row, time: u64) {
        let fingerprint = message(row);
        if self.is_mine(fingerprint) {
            self.messages.push((halves(fingerprint), time));
        }
    }

    /// To be called when all messages are in: how many are there once more than they should.
    pub(super) fn sort_messages(&mut self) -> usize {
        self.messages.sort_unstable();
        self.messages.windows(2).filter(|pair| pair[0].0 == pair[1].0).count()
    }

    /// Takes a record; whether its message is there, in the partition of the same time.
    pub(super) fn add_record(&mut self, row: &Row, time: u64) -> bool {
        let fingerprint = message(row);
        if !self.is_mine(fingerprint) {
            return true;
        }
        let id =
            self::fingerprint([Some(row.contact()), row.text(Text::MessageId), row.text(Text::RecordId)]);
        self.records.push(halves(id));
        self.messages.binary_search(&(halves(fingerprint), time)).is_ok()
    }

    /// How many records are there once more than they should.
    pub(super) fn doubled_records(&mut self) -> usize {
        self.records.sort_unstable();
        self.records.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }
}

/// The fingerprint of the row's message.
pub(super) fn message(row: &Row) -> u128 {
    fingerprint([Some(row.contact()), row.text(Text::MessageId)])
}

/// Null differs from every text, and texts do not run into each other.
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

/// The fingerprint of the time in a file's partition: a record lies where its message does.
pub(super) fn partition_time(file: &FileEntry) -> u64 {
    let text = format!("{:?}", super::file::time_keys(file).collect::<Vec<_>>());
    xxh3_64(text.as_bytes())
}

/// The counts and times of a row that has them.
pub(super) fn said(row: &Row, count: Number) -> (Option<i64>, Option<i64>, Option<i64>) {
    (row.number(count), row.number(Number::FirstMessageAt), row.number(Number::LastMessageAt))
}

/// The same, counted.
pub(super) fn counted(totals: &Totals) -> (Option<i64>, Option<i64>, Option<i64>) {
    (i64::try_from(totals.messages).ok(), totals.first, totals.last)
}
