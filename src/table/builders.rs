//! The five tables under construction. `transform` fills them with contacts and takes batches of rows from
//! them.

use crate::id::RunId;

use super::columns::TableBuilder;
use super::{Counts, Rows, Table, UnknownFields};

/// Values that are equal in all rows of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// ID of the run.
    pub run_id: RunId,
    /// Start of the run, in microseconds UTC.
    pub exported_at: i64,
}

/// Number of messages, and their first and last creation time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of messages counted.
    pub messages: u64,
    /// Earliest `created_at`, in microseconds UTC; `None` if no message has one.
    pub first: Option<i64>,
    /// Latest `created_at`, in microseconds UTC; `None` if no message has one.
    pub last: Option<i64>,
}

impl Totals {
    /// Counts a message that was created at this time.
    pub fn add(&mut self, created_at: Option<i64>) {
        self.messages += 1;
        if let Some(time) = created_at {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
    }
}

/// Pending rows of all tables, and counts of their content: values by column, and unknown fields.
///
/// Rows keep the order in which they are appended. The builders keep nothing else of the input.
#[derive(Debug)]
pub struct Builders {
    stamp: Stamp,
    tables: [TableBuilder; 5],
    counts: Counts,
    /// Buffer for the text whose hash is the ID of a record.
    hashed: Vec<u8>,
}

impl Builders {
    /// Creates tables without rows.
    pub fn new(stamp: &Stamp) -> Self {
        let tables = Table::ALL.map(TableBuilder::new);
        Self { stamp: stamp.clone(), tables, counts: Counts::default(), hashed: Vec::new() }
    }

    /// Returns the number of pending rows of a table.
    pub fn rows(&self, table: Table) -> usize {
        self.tables[table as usize].rows()
    }

    /// Returns the approximate size of a table's pending rows in bytes: the sum over all rows. Files may end
    /// where these sums say, so a row counts the same in any batch. Take the rows well before 2 GiB, the limit
    /// of text columns in a batch.
    pub fn bytes(&self, table: Table) -> usize {
        self.tables[table as usize].bytes()
    }

    /// Takes a table's pending rows as a batch; `None` if there are none.
    pub fn take(&mut self, table: Table) -> Option<Rows> {
        let rows = self.tables[table as usize].take(&self.stamp)?;
        self.counts.values.count(&rows);
        Some(rows)
    }

    #[cfg(feature = "internals")]
    /// Returns the counts of unknown fields since [`Builders::new`].
    pub fn unknown_fields(&self) -> &UnknownFields {
        &self.counts.unknown
    }

    /// Takes the counts of unknown fields and of the rows taken. The counters restart at zero.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Takes the counts of unknown fields. Their counter restarts at zero.
    pub fn take_unknown(&mut self) -> UnknownFields {
        std::mem::take(&mut self.counts.unknown)
    }

    /// Adds the counts of other builders.
    pub fn add_counts(&mut self, more: &Counts) {
        self.counts.merge(more);
    }

    pub(super) fn unknown(&mut self) -> &mut UnknownFields {
        &mut self.counts.unknown
    }

    pub(super) fn hashed(&mut self) -> &mut Vec<u8> {
        &mut self.hashed
    }

    pub(super) fn table(&mut self, table: Table) -> &mut TableBuilder {
        &mut self.tables[table as usize]
    }
}
