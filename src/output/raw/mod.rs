//! The raw archive: the API's responses as received, as lines of JSON. They are published with the tables.
//!
//! ```text
//! raw/part-<run_id>-00000.jsonl.zst     one line per response, by contact, in the order of the input;
//!                                       then one line per contact: its outcome
//! ```
//! [`mod@line`] defines the form of a line. [`RawWriter`] writes the files, [`RawReader`] reads and verifies
//! them. Each body is kept byte for byte, whatever it holds, so that `rebuild` can make the tables from it.

mod line;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use crate::contact_read::{Outcome, PageRequest};
use crate::id::Channel;

pub use reader::{RawError, RawReader};
pub(super) use writer::LEVEL;
pub use writer::RawWriter;

/// Name of the archive's folder, and of its files in the manifest.
pub use crate::layout::RAW;

/// One response of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// Index of the contact in the input, from 0. In a run with shards: among the contacts of the shard.
    pub contact: u32,
    /// ID of the contact.
    pub contact_id: String,
    /// Channel of the request, if it names one.
    pub channel: Option<Channel>,
    /// Request that the response answers.
    pub ask: PageRequest,
    /// Time of the first request, in microseconds since 1970.
    pub requested_at: Option<i64>,
    /// Time of the response, in microseconds since 1970.
    pub received_at: i64,
}

/// Outcome of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawContact {
    /// Index of the contact in the input, from 0. In a run with shards: among the contacts of the shard.
    pub contact: u32,
    /// ID of the contact.
    pub contact_id: String,
    /// Line of the input with its first occurrence.
    pub input_line: u64,
    /// Outcome of the contact.
    pub outcome: Outcome,
}

/// Content of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawLine {
    /// A response and its body.
    Answer(RawAnswer, Vec<u8>),
    /// Outcome of a contact.
    Contact(RawContact),
}

impl RawLine {
    /// Adds the number of contacts of earlier shards to the index of the contact.
    #[must_use]
    pub fn moved(mut self, by: u32) -> Self {
        let (Self::Answer(RawAnswer { contact, .. }, _) | Self::Contact(RawContact { contact, .. })) =
            &mut self;
        *contact = contact.saturating_add(by);
        self
    }
}
