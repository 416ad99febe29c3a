//! The raw archive: the API's answers as received, as lines of JSON that are published with the tables.
//!
//! ```text
//! raw/part-<run_id>-00000.jsonl.zst     one line an answer, contact by contact in the order of the input;
//!                                       behind the last answer one line a contact: how it ended
//! ```
//! [`mod@line`] is the form of a line, [`RawWriter`] makes the files, [`RawReader`] reads them back and proves them on the
//! way. Whatever the answers hold, each body can be had again byte for byte, so that the tables can be made again.

mod line;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use crate::contact_read::{Outcome, PageRequest};
use crate::id::Channel;

pub use reader::{RawError, RawReader};
pub use writer::RawWriter;

/// The name of the archive's folder, and of its files in the manifest.
pub const RAW: &str = "raw";

/// One answer of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// Its contact's place in the input, from 0.
    pub contact: u32,
    /// Its contact.
    pub contact_id: String,
    /// The channel asked for.
    pub channel: Option<Channel>,
    /// What was asked.
    pub ask: PageRequest,
    /// When it was first asked for, in microseconds since 1970.
    pub requested_at: Option<i64>,
    /// When the answer was there.
    pub received_at: i64,
}

/// How a contact ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawContact {
    /// Its place in the input, from 0.
    pub contact: u32,
    /// Its ID.
    pub contact_id: String,
    /// The line of the input on which it first stands.
    pub input_line: u64,
    /// Its last word.
    pub outcome: Outcome,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawLine {
    /// An answer and its body.
    Answer(RawAnswer, Vec<u8>),
    /// How a contact ended.
    Contact(RawContact),
}
