//! Notes: what the channels report about a message, from its records.

use std::path::Path;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::cite::Cites;
use super::gather::{Lookup, with_positions};
use super::row::{int, owned, position, text, time};
use crate::snapshot::{SnapshotError, Sorted, Sorter};
use crate::table::{Marks, marks};

/// Key: position of the message that the record is about.
const TARGET: &str = "__target";
/// Key: position of the message that the record refers to.
const RELATED: &str = "__related";
/// Key: bits.
const BITS: &str = "__bits";
const DELETION: u32 = 1;
const WITHDRAWAL: u32 = 2;
/// The record refers to a message that is not there.
const MISSING: u32 = 4;
/// Key: position of the record.
const RECORD: &str = "__record";
/// Maximum number of notes of a message. All records are in the tables.
const MAX_NOTES: usize = 1000;

/// A record, as far as a transcript shows it.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) event_type: String,
    pub(super) status: Option<String>,
    /// Time of the event, or else of the record.
    pub(super) at: Option<i64>,
    pub(super) message_type: Option<String>,
    pub(super) sender_id: Option<String>,
    pub(super) is_inbound: bool,
    pub(super) text: Option<String>,
    pub(super) template: Option<String>,
    pub(super) media: Option<Media>,
    pub(super) error: Option<String>,
    pub(super) about: About,
    pub(super) marks: Marks,
}

/// The message that a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The message that has the note.
    ThisMessage,
    /// Another message, with this cite number.
    Other(String),
    /// A message that is not in the package.
    Missing,
}

/// An attachment. It is not in the package.
#[derive(Clone, Debug)]
pub(super) struct Media {
    pub(super) id: Option<String>,
    pub(super) mime_type: Option<String>,
    pub(super) url: Option<String>,
}

/// The notes of one message.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) notes: Vec<Note>,
    /// Number of further records.
    pub(super) left_out: u64,
}

/// Collects the records of a contact.
pub(super) struct NoteSorter(Sorter);

impl NoteSorter {
    pub(super) fn new(temporary: &Path) -> Self {
        Self(Sorter::new(temporary, &[TARGET, RECORD]))
    }

    /// Adds records. `original` are the records as exported, and `shown` the same records as the package shows
    /// them. `first` is the position of the first. A record about another message is added to both.
    pub(super) fn push(
        &mut self,
        lookup: &Lookup,
        original: &RecordBatch,
        shown: &RecordBatch,
        first: u32,
    ) -> Result<(), SnapshotError> {
        let refers = |row| {
            matches!(text(original, "event_type", row), Some("reaction" | "edit" | "read" | "delivery"))
        };
        let (own, related) = (|row| lookup.own(original, row), |row| lookup.related(original, row));
        let other = |row| related(row).filter(|related| own(row) != Some(*related));
        let bits = |row| {
            let marks = marks(text(original, "raw", row).unwrap_or_default());
            let is_missing =
                text(original, "related_message_id", row).is_some() && related(row).is_none() && refers(row);
            let bit = |is_set, bit| if is_set { bit } else { 0 };
            Some(
                bit(marks.is_deletion, DELETION)
                    | bit(marks.is_withdrawal, WITHDRAWAL)
                    | bit(is_missing, MISSING),
            )
        };
        let record = |row| Some(first.saturating_add(u32::try_from(row).unwrap_or(u32::MAX)));
        let keyed = |target: &dyn Fn(usize) -> Option<u32>, related: &dyn Fn(usize) -> Option<u32>| {
            let batch = with_positions(shown, TARGET, target);
            let batch = with_positions(&batch, RELATED, related);
            let batch = with_positions(&batch, BITS, bits);
            with_positions(&batch, RECORD, record)
        };
        self.0.push(keyed(&own, &other))?;
        let is_copied: BooleanArray =
            (0..shown.num_rows()).map(|row| Some(refers(row) && other(row).is_some())).collect();
        if is_copied.true_count() == 0 {
            return Ok(());
        }
        let copies = keyed(&other, &|_| None);
        self.0.push(filter_record_batch(&copies, &is_copied).expect("a value for each row"))
    }

    /// Returns the records by their messages.
    pub(super) fn finish(self) -> Result<NotesByMessage, SnapshotError> {
        Ok(NotesByMessage { rows: self.0.finish()?, current: None, at: 0 })
    }
}

/// The notes of a contact, in the order of the messages.
pub(super) struct NotesByMessage {
    rows: Sorted,
    current: Option<RecordBatch>,
    at: usize,
}

impl NotesByMessage {
    /// Returns the notes of the message at this position. Positions are asked for in ascending order.
    pub(super) fn of(&mut self, message: u32, cites: Cites) -> Result<Notes, SnapshotError> {
        let mut found = Notes::default();
        loop {
            let Some(batch) = &self.current else {
                self.at = 0;
                self.current = self.rows.next().transpose()?;
                if self.current.is_none() {
                    return Ok(found);
                }
                continue;
            };
            if self.at == batch.num_rows() {
                self.current = None;
                continue;
            }
            if position(batch, TARGET, self.at) != Some(message) {
                return Ok(found);
            }
            if found.notes.len() < MAX_NOTES {
                found.notes.push(note(batch, self.at, cites));
            } else {
                found.left_out += 1;
            }
            self.at += 1;
        }
    }
}

fn note(batch: &RecordBatch, row: usize, cites: Cites) -> Note {
    let text_of = |column| owned(batch, column, row);
    let bits = position(batch, BITS, row).unwrap_or_default();
    let (id, url, mime_type) = (text_of("media_id"), text_of("media_url"), text_of("media_mime_type"));
    let has_media = id.is_some() || url.is_some() || mime_type.is_some();
    let code = int(batch, "error_code", row).map(|code| code.to_string());
    let error = [code, text_of("error_title"), text_of("error_details")];
    let error: Vec<String> = error.into_iter().flatten().collect();
    Note {
        event_type: text_of("event_type").unwrap_or_default(),
        status: text_of("status"),
        at: time(batch, "event_at", row).or_else(|| time(batch, "created_at", row)),
        message_type: text_of("message_type"),
        sender_id: text_of("sender_id"),
        is_inbound: text(batch, "direction", row) == Some("inbound"),
        text: text_of("text"),
        template: text_of("template_name"),
        media: has_media.then_some(Media { id, mime_type, url }),
        error: (!error.is_empty()).then(|| error.join(": ")),
        about: match position(batch, RELATED, row) {
            Some(related) => About::Other(cites.of(related)),
            None if bits & MISSING != 0 => About::Missing,
            None => About::ThisMessage,
        },
        marks: Marks { is_deletion: bits & DELETION != 0, is_withdrawal: bits & WITHDRAWAL != 0 },
    }
}
