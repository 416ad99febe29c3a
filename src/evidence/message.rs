//! A message of a transcript: its row, and what the channels report about it.

use arrow::array::RecordBatch;

use super::note::{Note, Notes};
use super::row::{owned, time};

/// The source that says that a message was deleted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deletion {
    /// A record of the channel.
    Reported { at: Option<i64> },
    /// A field of the message.
    Marked,
}

/// A message.
pub(super) struct Message {
    /// Cite number.
    pub(super) cite: String,
    pub(super) message_id: String,
    pub(super) conversation_id: Option<String>,
    pub(super) conversation_type: Option<String>,
    pub(super) conversation_status: Option<String>,
    pub(super) assigned_to: Option<String>,
    pub(super) role: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) created_at: Option<i64>,
    pub(super) content: Option<String>,
    pub(super) deletion: Option<Deletion>,
    pub(super) notes: Vec<Note>,
    /// Number of records that are left out of the transcript.
    pub(super) left_out: u64,
}

impl Message {
    /// Reads a row. `original_extra` is its column `extra` as exported.
    pub(super) fn read(
        batch: &RecordBatch,
        row: usize,
        original_extra: Option<&str>,
        cite: String,
        notes: Notes,
    ) -> Self {
        let reported = notes.notes.iter().find(|note| note.marks.is_deletion);
        let deletion = match reported {
            Some(note) => Some(Deletion::Reported { at: note.at }),
            None => original_extra.is_some_and(is_marked_deleted).then_some(Deletion::Marked),
        };
        Self {
            cite,
            message_id: owned(batch, "message_id", row).unwrap_or_default(),
            conversation_id: owned(batch, "conversation_id", row),
            conversation_type: owned(batch, "conversation_type", row),
            conversation_status: owned(batch, "conversation_status", row),
            assigned_to: owned(batch, "assigned_to", row),
            role: owned(batch, "role", row),
            channel: owned(batch, "channel", row),
            created_at: time(batch, "created_at", row),
            content: owned(batch, "content", row),
            deletion,
            notes: notes.notes,
            left_out: notes.left_out,
        }
    }

    /// True if the contact wrote the message. The role decides, or else the direction of a record.
    pub(super) fn is_inbound(&self) -> bool {
        match self.role.as_deref() {
            Some(role) => role == "user",
            None => self.notes.iter().any(|note| note.is_inbound),
        }
    }
}

/// True if the fields without a column say that the message was deleted.
fn is_marked_deleted(extra: &str) -> bool {
    let Ok(document) = crate::json::Document::parse(extra) else { return false };
    document.root().member("is_deleted").is_some_and(|value| matches!(value.raw(), "true" | "1" | "\"true\""))
}
