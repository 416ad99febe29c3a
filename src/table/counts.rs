//! Counts of the content of rows: values by column, and unknown fields.

use super::{Rows, Table, UnknownFields};

/// Counts of a set of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Fields without a column, or that did not fit theirs.
    pub unknown: UnknownFields,
    /// Number of values by column.
    pub values: ValueCounts,
}

impl Counts {
    /// Adds all counts of `more`.
    pub fn merge(&mut self, more: &Self) {
        self.unknown.merge(&more.unknown);
        self.values.merge(&more.values);
    }
}

/// Number of non-null values of each column, by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueCounts([Vec<u64>; 5]);

impl ValueCounts {
    /// Counts the values of a batch. Arrow keeps the number of nulls with each array, so this does not read
    /// the rows.
    pub(super) fn count(&mut self, rows: &Rows) {
        let columns = rows.batch.columns().iter();
        self.add(rows.table, columns.map(|column| (column.len() - column.null_count()) as u64));
    }

    /// Returns the nullable columns of a table with their numbers of values.
    pub fn of(&self, table: Table) -> impl Iterator<Item = (&'static str, u64)> {
        let counted = table.columns().iter().zip(&self.0[table as usize]);
        counted.filter(|(column, _)| column.nullable).map(|(column, count)| (column.name, *count))
    }

    fn merge(&mut self, more: &Self) {
        for table in Table::ALL {
            self.add(table, more.0[table as usize].iter().copied());
        }
    }

    fn add(&mut self, table: Table, counts: impl ExactSizeIterator<Item = u64>) {
        let sums = &mut self.0[table as usize];
        sums.resize(sums.len().max(counts.len()), 0);
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
}
