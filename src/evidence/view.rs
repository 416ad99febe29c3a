//! The view of a contact's rows: what a package shows of them.
//!
//! All rows of a contact pass through here before anything of it is written. By then, all of them were seen once.

use arrow::array::RecordBatch;

use crate::table::Table;

/// Decides what a package shows.
pub(super) trait View {
    /// Sees rows of the contact whose turn it is.
    fn learn(&mut self, table: Table, rows: &RecordBatch);

    /// Returns rows as the package shows them. Columns and number of rows are the same.
    fn shown(&mut self, table: Table, rows: &RecordBatch) -> RecordBatch;

    /// Forgets the contact.
    fn end_contact(&mut self);
}

/// Shows rows as they are.
pub(super) struct AsExported;

impl View for AsExported {
    fn learn(&mut self, _: Table, _: &RecordBatch) {}

    fn shown(&mut self, _: Table, rows: &RecordBatch) -> RecordBatch {
        rows.clone()
    }

    fn end_contact(&mut self) {}
}
