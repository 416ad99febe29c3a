//! The five tables under construction: what `build` fills with contacts and takes batches of rows from.

use crate::id::RunId;

use super::columns::TableBuilder;
use super::{Counts, Rows, Table, UnknownFields};

/// What is the same in all rows of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The run's id.
    pub run_id: RunId,
    /// When the run exported, in microseconds UTC.
    pub exported_at: i64,
}

/// How many messages there are, and when the first and the last of them were created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages.
    pub messages: u64,
    /// The earliest `created_at`, in microseconds UTC; none when no message has one.
    pub first: Option<i64>,
    /// The latest.
    pub last: Option<i64>,
}

impl Totals {
    /// Counts one message, created at this time.
    pub fn add(&mut self, created_at: Option<i64>) {
        self.messages += 1;
        if let Some(time) = created_at {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
    }
}

/// The pending rows of all tables, and counts of what they held: values by column, and fields that the tables do not know.
///
/// Rows stay in the order they are given. Nothing of the input is kept but what the columns hold.
#[derive(Debug)]
pub struct Builders {
    stamp: Stamp,
    tables: [TableBuilder; 5],
    counts: Counts,
}

impl Builders {
    /// Empty tables.
    pub fn new(stamp: &Stamp) -> Self {
        Self { stamp: stamp.clone(), tables: Table::ALL.map(TableBuilder::new), counts: Counts::default() }
    }

    /// How many rows of the table are pending.
    pub fn rows(&self, table: Table) -> usize {
        self.tables[table as usize].rows()
    }

    /// About how many bytes the table's pending rows take. Take them well before 2 GiB: a batch's text columns end there.
    pub fn bytes(&self, table: Table) -> usize {
        self.tables[table as usize].bytes()
    }

    /// The table's pending rows as a batch; none when no rows are pending.
    pub fn take(&mut self, table: Table) -> Option<Rows> {
        let rows = self.tables[table as usize].take(&self.stamp)?;
        self.counts.values.count(&rows);
        Some(rows)
    }

    #[cfg(feature = "internals")]
    /// The fields met that have no column or did not fit theirs, since [`Builders::new`].
    pub fn unknown_fields(&self) -> &UnknownFields {
        &self.counts.unknown
    }

    /// The counts of what was met and of the rows taken, which start again at zero.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Adds the counts of other builders.
    pub fn add_counts(&mut self, more: &Counts) {
        self.counts.merge(more);
    }

    pub(super) fn unknown(&mut self) -> &mut UnknownFields {
        &mut self.counts.unknown
    }

    pub(super) fn table(&mut self, table: Table) -> &mut TableBuilder {
        &mut self.tables[table as usize]
    }
}
