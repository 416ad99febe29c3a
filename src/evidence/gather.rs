//! Gathers the rows of one contact, and finds the message that each record is about.
//!
//! A channel reports a reaction or an edit as a record of its own, often under another message. Its message is
//! found by the channel's ID. Rows that do not fit into memory wait on disk. About 60 bytes per message and
//! record of the contact stay in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::datatypes::UInt32Type;
use xxhash_rust::xxh3::xxh3_128;

use super::row::text;
use crate::snapshot::{SnapshotError, Sorted, Sorter, with_key};
use crate::table::Table;

/// Key of the original order.
const ROW: &str = "__row";

/// The rows of a contact, as they come.
pub(super) struct Gathering {
    contacts: Vec<RecordBatch>,
    conversations: Rows,
    messages: Rows,
    records: Rows,
    lookup: Lookup,
}

/// The rows of a contact, in their order.
pub(super) struct Gathered {
    pub(super) contacts: Vec<RecordBatch>,
    pub(super) conversations: Ordered,
    pub(super) messages: Ordered,
    pub(super) records: Ordered,
    pub(super) lookup: Lookup,
}

/// The rows of one table.
struct Rows {
    sorter: Sorter,
    count: u32,
    table: Table,
}

impl Rows {
    fn new(temporary: &Path, table: Table) -> Self {
        Self { sorter: Sorter::new(temporary, &[ROW]), count: 0, table }
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<(), SnapshotError> {
        let next = self.count.saturating_add(number(batch.num_rows()));
        let numbers = UInt32Array::from_iter_values(self.count..next);
        self.count = next;
        self.sorter.push(with_key(batch, ROW, Arc::new(numbers)))
    }

    fn finish(self) -> Result<Ordered, SnapshotError> {
        Ok(Ordered { rows: self.sorter.finish()?, columns: self.table.columns().len(), count: self.count })
    }
}

impl Gathering {
    /// Starts a contact. Rows wait in temporary files of this folder.
    pub(super) fn new(temporary: &Path) -> Self {
        let rows = |table| Rows::new(temporary, table);
        Self {
            contacts: Vec::new(),
            conversations: rows(Table::Conversations),
            messages: rows(Table::Messages),
            records: rows(Table::ChannelRecords),
            lookup: Lookup::default(),
        }
    }

    /// Adds rows of the contact. Messages come before records.
    pub(super) fn push(&mut self, table: Table, batch: &RecordBatch) -> Result<(), SnapshotError> {
        match table {
            Table::Contacts => self.contacts.push(batch.clone()),
            Table::Conversations => self.conversations.push(batch)?,
            Table::Messages => {
                self.lookup.add_messages(self.messages.count, batch);
                self.messages.push(batch)?;
            }
            Table::ChannelRecords => {
                self.lookup.add_records(batch);
                self.records.push(batch)?;
            }
            Table::Coverage => {}
        }
        Ok(())
    }

    /// Ends the contact.
    pub(super) fn finish(self) -> Result<Gathered, SnapshotError> {
        Ok(Gathered {
            contacts: self.contacts,
            conversations: self.conversations.finish()?,
            messages: self.messages.finish()?,
            records: self.records.finish()?,
            lookup: self.lookup,
        })
    }
}

/// Iterator over the rows of a table, in their order.
pub(super) struct Ordered {
    rows: Sorted,
    columns: usize,
    /// Number of rows.
    pub(super) count: u32,
}

impl Iterator for Ordered {
    /// Rows, and the position of the first.
    type Item = Result<(RecordBatch, u32), SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = |batch: Result<RecordBatch, SnapshotError>| {
            let mut batch = batch?;
            let numbers = batch.remove_column(self.columns);
            let first = numbers.as_primitive::<UInt32Type>().values().first().copied();
            Ok((batch, first.unwrap_or_default()))
        };
        self.rows.next().map(read)
    }
}

/// Positions of a contact's messages, by their IDs and by those of the channels.
#[derive(Default)]
pub(super) struct Lookup {
    by_id: HashMap<u128, u32>,
    by_platform_id: HashMap<u128, u32>,
}

impl Lookup {
    fn add_messages(&mut self, first: u32, messages: &RecordBatch) {
        for row in 0..messages.num_rows() {
            let id = text(messages, "message_id", row).unwrap_or_default();
            let position = first.saturating_add(number(row));
            self.by_id.entry(xxh3_128(id.as_bytes())).or_insert(position);
        }
    }

    fn add_records(&mut self, records: &RecordBatch) {
        for row in 0..records.num_rows() {
            if let Some(id) = text(records, "platform_message_id", row)
                && let Some(position) = self.own(records, row)
            {
                self.by_platform_id.entry(xxh3_128(id.as_bytes())).or_insert(position);
            }
        }
    }

    /// Returns the position of a record's message.
    pub(super) fn own(&self, records: &RecordBatch, row: usize) -> Option<u32> {
        let id = text(records, "message_id", row)?;
        self.by_id.get(&xxh3_128(id.as_bytes())).copied()
    }

    /// Returns the position of the message that a record refers to.
    pub(super) fn related(&self, records: &RecordBatch, row: usize) -> Option<u32> {
        let id = text(records, "related_message_id", row)?;
        self.by_platform_id.get(&xxh3_128(id.as_bytes())).copied()
    }
}

/// Appends a column of positions.
pub(super) fn with_positions(
    batch: &RecordBatch,
    name: &str,
    position: impl FnMut(usize) -> Option<u32>,
) -> RecordBatch {
    let positions: UInt32Array = (0..batch.num_rows()).map(position).collect();
    with_key(batch, name, Arc::new(positions) as ArrayRef)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
