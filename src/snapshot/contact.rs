//! Passes on the rows of one contact.
//!
//! If a run is partitioned by time or channel, the rows of a contact come from many files. They are then sorted
//! again, as a run sorts them: messages by conversation, time, order and ID; records by message, array and
//! index.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, TimestampMicrosecondArray, UInt32Array};

use super::choice::text;
use super::messages::{MessageTimes, created_at};
use super::receiver::Receiver;
use super::rows::{ContactRows, Places, RunTable};
use super::sort::{Sorted, Sorter, with_key};
use super::{Reading, SnapshotError};
use crate::id::Channel;
use crate::output::manifest::Manifest;
use crate::table::Table;

/// Name of the key that orders a contact's messages by conversation.
const CONVERSATION: &str = "__conversation";
/// Name of the key that orders a contact's records by message.
const MESSAGE: &str = "__message";
/// Name of the key that orders a message's records by array.
const ARRAY: &str = "__array";

/// The tables of a run, to be read contact by contact.
pub(super) struct RunTables<'a> {
    contacts: ContactRows<'a>,
    conversations: ContactRows<'a>,
    messages: ContactRows<'a>,
    records: ContactRows<'a>,
    temporary: PathBuf,
    /// True if the messages, or the records, of a contact must be sorted again.
    is_scattered: [bool; 2],
    /// True if the records need the times of their messages.
    needs_times: bool,
    times: MessageTimes,
}

/// Numbers of rows of one contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) contacts: u64,
    pub(super) messages: u64,
}

impl<'a> RunTables<'a> {
    pub(super) fn new(
        out: &'a crate::store::Store,
        manifest: &'a Manifest,
        places: &'a Places<'a>,
        reading: Reading,
    ) -> Result<Self, SnapshotError> {
        let table = |table| RunTable { out, manifest, table };
        let rows = |of| table(of).rows(places, reading.temporary);
        let is_scattered = [Table::Messages, Table::ChannelRecords].map(|of| table(of).is_scattered());
        Ok(Self {
            contacts: rows(Table::Contacts)?,
            conversations: rows(Table::Conversations)?,
            messages: rows(Table::Messages)?,
            records: rows(Table::ChannelRecords)?,
            temporary: reading.temporary.to_owned(),
            is_scattered,
            needs_times: reading.needs_times,
            times: MessageTimes::default(),
        })
    }

    /// Passes on the rows of the contact with this place.
    pub(super) fn pass_on<R: Receiver>(&mut self, place: u32, receiver: &mut R) -> Result<Found, R::Error> {
        let mut found = Found::default();
        while let Some(batch) = self.contacts.next_of(place)? {
            found.contacts += batch.num_rows() as u64;
            receiver.rows(Table::Contacts, batch, None)?;
        }
        let mut conversations = Conversations::default();
        while let Some(batch) = self.conversations.next_of(place)? {
            if self.is_scattered[0] {
                conversations.add(&batch);
            }
            receiver.rows(Table::Conversations, batch, None)?;
        }
        self.times.clear();
        let mut messages = self.messages(place, &conversations)?;
        while let Some(batch) = messages.next(&mut self.messages, place)? {
            found.messages += batch.num_rows() as u64;
            if self.needs_times || self.is_scattered[1] {
                self.times.add(&batch);
            }
            let times = created_at(&batch).cloned();
            receiver.rows(Table::Messages, batch, times)?;
        }
        let mut records = self.records(place)?;
        while let Some(batch) = records.next(&mut self.records, place)? {
            let times = if self.needs_times {
                self.times.times_of(&batch)
            } else {
                TimestampMicrosecondArray::new_null(batch.num_rows()).with_timezone("UTC")
            };
            receiver.rows(Table::ChannelRecords, batch, Some(times))?;
        }
        Ok(found)
    }

    /// Returns the messages of a contact in their order.
    fn messages(&mut self, place: u32, conversations: &Conversations) -> Result<Ordered, SnapshotError> {
        if !self.is_scattered[0] {
            return Ok(Ordered::AsRead);
        }
        let mut sorter =
            Sorter::new(&self.temporary, &[CONVERSATION, "created_at", "message_order", "message_id"]);
        while let Some(batch) = self.messages.next_of(place)? {
            let key = conversations.positions_of(&batch);
            sorter.push(with_key(&batch, CONVERSATION, Arc::new(key)))?;
        }
        Ok(Ordered::Sorted { rows: sorter.finish()?, columns: Table::Messages.columns().len() })
    }

    /// Returns the records of a contact in their order.
    fn records(&mut self, place: u32) -> Result<Ordered, SnapshotError> {
        if !self.is_scattered[1] {
            return Ok(Ordered::AsRead);
        }
        let mut sorter = Sorter::new(&self.temporary, &[MESSAGE, ARRAY, "record_index"]);
        while let Some(batch) = self.records.next_of(place)? {
            let positions = self.times.positions_of(&batch);
            let with_message = with_key(&batch, MESSAGE, Arc::new(positions));
            sorter.push(with_key(&with_message, ARRAY, Arc::new(arrays(&batch))))?;
        }
        Ok(Ordered::Sorted { rows: sorter.finish()?, columns: Table::ChannelRecords.columns().len() })
    }

    /// Checks that all rows of the run's contacts are read.
    pub(super) fn finish(self) -> Result<(), SnapshotError> {
        [self.contacts, self.conversations, self.messages, self.records]
            .into_iter()
            .try_for_each(ContactRows::finish)
    }
}

/// The rows of a contact in their order.
enum Ordered {
    /// The files have this order.
    AsRead,
    /// The rows, with the keys after these columns.
    Sorted { rows: Sorted, columns: usize },
}

impl Ordered {
    fn next(&mut self, read: &mut ContactRows, place: u32) -> Result<Option<RecordBatch>, SnapshotError> {
        match self {
            Self::AsRead => read.next_of(place),
            Self::Sorted { rows, columns } => {
                let Some(mut batch) = rows.next().transpose()? else { return Ok(None) };
                while batch.num_columns() > *columns {
                    batch.remove_column(*columns);
                }
                Ok(Some(batch))
            }
        }
    }
}

/// Positions of a contact's conversations.
#[derive(Default)]
struct Conversations(HashMap<String, u32>);

impl Conversations {
    fn add(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
            let id = text(batch, "conversation_id", row).unwrap_or_default();
            self.0.entry(id.to_owned()).or_insert(next);
        }
    }

    /// Returns the position of each message's conversation. It is null, and so last, for those without.
    fn positions_of(&self, messages: &RecordBatch) -> UInt32Array {
        let position = |row| self.0.get(text(messages, "conversation_id", row)?).copied();
        (0..messages.num_rows()).map(position).collect()
    }
}

/// Returns the position of each record's array.
fn arrays(records: &RecordBatch) -> UInt32Array {
    let position = |row| {
        let channel = text(records, "channel", row)?;
        let array = Channel::ALL.iter().position(|known| known.as_str() == channel)?;
        u32::try_from(array).ok()
    };
    (0..records.num_rows()).map(position).collect()
}
