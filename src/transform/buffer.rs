//! Results of contacts on the way to the files: rows, pieces, and facts about each contact.

use crate::id::ContactId;
use crate::output::PieceOrder;
use crate::spool::SpooledPage;
use crate::table::{Counts, Rows, Table, Totals, UnknownFields};

/// The end of a contact in a table.
#[derive(Clone, Copy, Debug)]
pub struct ContactEnd {
    /// Number of rows of the batch before it.
    pub rows: usize,
    /// Bytes of the contact's rows in the table, without pieces.
    pub bytes: usize,
    /// True if the contact has pieces in the table.
    pub has_pieces: bool,
}

/// An order for a table.
pub enum TableOrder {
    /// Rows, and the contacts that end in them.
    Rows(Rows, Vec<ContactEnd>),
    /// An order for a piece.
    Piece(PieceOrder),
    /// The end of a contact behind its last rows.
    End(ContactEnd),
}

/// A fact about a contact.
pub enum ContactOrder {
    /// All its pages are read: the raw archive takes them.
    Answers(ContactId, Vec<SpooledPage>),
    /// All its rows are flattened.
    Flattened(FlattenedContact),
}

/// A contact whose rows are flattened.
pub struct FlattenedContact {
    /// Index of the contact in the input.
    pub contact: usize,
    /// Totals of the exported messages.
    pub exported: Totals,
    /// True if only an earlier version accepted its responses.
    pub is_doubtful: bool,
    /// Counts of unknown fields. They are added up contact by contact, as the number of distinct names is
    /// bounded: so they do not depend on chunks.
    pub unknown: UnknownFields,
}

impl FlattenedContact {
    /// Approximate memory in bytes.
    pub fn memory(&self) -> usize {
        const NAME: usize = 64;
        let names = Table::ALL.into_iter().flat_map(|table| self.unknown.of(table));
        size_of::<ContactOrder>() + names.map(|(name, _)| name.len() + NAME).sum::<usize>()
    }
}

/// The results of a chunk that waits for its turn.
#[derive(Default)]
pub struct Buffer {
    /// Orders by table. Tables are independent of each other.
    pub tables: [Vec<TableOrder>; 5],
    pub contacts: Vec<ContactOrder>,
    pub counts: Counts,
    /// Bytes that the chunk holds, once it is finished.
    pub held: usize,
}
