//! Rows from a thread's builders to the joiner, in batches.

use std::sync::Mutex;

use super::TransformError;
use super::buffer::{ContactEnd, ContactOrder, FlattenedContact, TableOrder};
use super::joiner::Joiner;
use super::outlet::Outlet;
use super::turns::Turns;
use crate::id::{Channel, ContactId};
use crate::output::PieceOrder;
use crate::record::Message;
use crate::spool::SpooledPage;
use crate::table::{Builders, ConversationColumns, Counts, Stamp, Table, Totals};

/// Tables with rows per message.
const PER_MESSAGE: [Table; 2] = [Table::Messages, Table::ChannelRecords];
/// Tables of which one contact can have many rows.
const LARGE: [Table; 3] = [Table::Messages, Table::ChannelRecords, Table::Conversations];

/// Destination of a message's rows.
#[derive(Clone, Copy)]
pub enum RowTarget {
    /// At the end of the table.
    Table,
    /// In the piece of this number, whose position is not known yet.
    Piece(u32),
}

/// The builders of one thread, and the way of their rows.
pub struct Tables<'a> {
    /// Builders of the rows at the end of each table.
    pub builders: Builders,
    /// Builders of the rows in pieces.
    piece: Builders,
    /// True if the format allows pieces.
    pub have_pieces: bool,
    turns: &'a Turns,
    joiner: &'a Mutex<Joiner>,
    batches: Batches<'a>,
}

/// The batches of the current chunk.
struct Batches<'a> {
    outlet: Outlet<'a>,
    /// Bytes of rows above which they are taken even inside a contact. Bounds memory.
    max_pending: usize,
    tables: [Pending; 5],
}

/// What is known of the pending rows of a table.
#[derive(Default)]
struct Pending {
    /// Contacts that end in the pending rows.
    ends: Vec<ContactEnd>,
    /// Bytes of these contacts.
    ended: usize,
    /// Bytes of the pending rows that belong to earlier contacts.
    before: usize,
    /// Bytes of the current contact that were taken.
    taken: usize,
    /// True if the current contact has pieces.
    has_pieces: bool,
}

impl<'a> Tables<'a> {
    /// Builders without rows, for a chunk.
    pub fn new(
        stamp: &Stamp,
        have_pieces: bool,
        (turns, joiner): (&'a Turns, &'a Mutex<Joiner>),
        chunk: usize,
    ) -> Self {
        let batches = Batches {
            outlet: Outlet::new(turns, joiner, chunk),
            max_pending: turns.batch_bytes(),
            tables: Default::default(),
        };
        let (builders, piece) = (Builders::new(stamp), Builders::new(stamp));
        Self { builders, piece, have_pieces, turns, joiner, batches }
    }

    /// True if it is the turn of the chunk.
    pub fn is_head(&mut self) -> Result<bool, TransformError> {
        self.batches.outlet.is_head()
    }

    /// Adds a message's rows. Takes the rows of large tables in between.
    pub fn message(
        &mut self,
        target: RowTarget,
        contact_id: &ContactId,
        conversation: &ConversationColumns,
        asked: Option<Channel>,
        message: &Message<'_>,
    ) -> Result<(), TransformError> {
        let Self { builders, piece, batches, .. } = self;
        let builders = match target {
            RowTarget::Table => builders,
            RowTarget::Piece(_) => piece,
        };
        builders.message(contact_id, conversation, asked, message, |builders| {
            batches.take_large(builders, target)
        })
    }

    /// Takes the rows of tables that have grown large. Call it after each row.
    pub fn flush_large(&mut self) -> Result<(), TransformError> {
        self.batches.take_large(&mut self.builders, RowTarget::Table)
    }

    /// Ends a piece after its last row and returns the counts of its values.
    pub fn end_piece(&mut self, number: u32) -> Result<Counts, TransformError> {
        for table in PER_MESSAGE {
            self.batches.take(&mut self.piece, table, RowTarget::Piece(number))?;
            self.batches.piece(table, PieceOrder::End(number), 0)?;
        }
        Ok(self.piece.take_counts())
    }

    /// Appends a piece to its tables. `counts` is the result of [`Self::end_piece`].
    pub fn put_piece(&mut self, number: u32, counts: &Counts) -> Result<(), TransformError> {
        for table in PER_MESSAGE {
            self.batches.take(&mut self.builders, table, RowTarget::Table)?;
            self.batches.piece(table, PieceOrder::Put(number), 0)?;
            self.batches.tables[table as usize].has_pieces = true;
        }
        self.builders.add_counts(counts);
        Ok(())
    }

    /// Discards the pieces that were not appended.
    pub fn drop_pieces(&mut self) -> Result<(), TransformError> {
        PER_MESSAGE.into_iter().try_for_each(|table| self.batches.piece(table, PieceOrder::DropAll, 0))
    }

    /// Reports that all pages of a contact are read.
    pub fn answers(&mut self, id: &ContactId, pages: &[SpooledPage]) -> Result<(), TransformError> {
        self.batches.outlet.contact(ContactOrder::Answers(id.clone(), pages.to_vec()))
    }

    /// Ends a contact after its last row.
    pub fn end_contact(
        &mut self,
        contact: usize,
        exported: Totals,
        is_doubtful: bool,
    ) -> Result<(), TransformError> {
        let bytes = self.end_rows()?;
        self.turns.flattened(bytes);
        let unknown = self.builders.take_unknown();
        let contact = FlattenedContact { contact, exported, is_doubtful, unknown };
        self.batches.outlet.contact(ContactOrder::Flattened(contact))
    }

    /// Ends the rows of a contact, and takes full batches. Returns the bytes of the contact's rows.
    pub fn end_rows(&mut self) -> Result<usize, TransformError> {
        Table::ALL
            .into_iter()
            .try_fold(0, |bytes, table| Ok(bytes + self.batches.end_contact(&mut self.builders, table)?))
    }

    /// Starts a chunk after the end of another.
    pub fn begin_chunk(&mut self, chunk: usize) {
        self.batches.outlet = Outlet::new(self.turns, self.joiner, chunk);
    }

    /// Ends the chunk: takes all rows.
    pub fn end_chunk(&mut self) -> Result<(), TransformError> {
        for table in Table::ALL {
            self.batches.take(&mut self.builders, table, RowTarget::Table)?;
        }
        self.batches.outlet.finish(self.builders.take_counts())
    }
}

impl Batches<'_> {
    /// Takes a table's pending rows.
    fn take(
        &mut self,
        builders: &mut Builders,
        table: Table,
        target: RowTarget,
    ) -> Result<(), TransformError> {
        let bytes = builders.bytes(table);
        let Some(rows) = builders.take(table) else { return Ok(()) };
        match target {
            RowTarget::Table => {
                let ends = self.tables[table as usize].take(bytes);
                self.outlet.table(table, TableOrder::Rows(rows, ends), bytes)
            }
            RowTarget::Piece(number) => self.piece(table, PieceOrder::Write(number, rows), bytes),
        }
    }

    /// Gives an order for a piece, with the bytes of its rows.
    fn piece(&mut self, table: Table, order: PieceOrder, bytes: usize) -> Result<(), TransformError> {
        self.outlet.table(table, TableOrder::Piece(order), bytes)
    }

    /// Takes the rows of the tables that have grown large.
    fn take_large(&mut self, builders: &mut Builders, target: RowTarget) -> Result<(), TransformError> {
        for table in LARGE {
            if builders.bytes(table) >= self.max_pending {
                self.take(builders, table, target)?;
            }
        }
        Ok(())
    }

    /// Ends a contact in a table. Returns the bytes of the contact's rows.
    fn end_contact(&mut self, builders: &mut Builders, table: Table) -> Result<usize, TransformError> {
        let pending = builders.bytes(table);
        let state = &mut self.tables[table as usize];
        let end = state.end(builders.rows(table), pending);
        if end.bytes == 0 && !end.has_pieces {
            return Ok(0);
        }
        if end.rows == 0 {
            self.outlet.table(table, TableOrder::End(end), 0)?;
            return Ok(end.bytes);
        }
        state.ends.push(end);
        state.ended += end.bytes;
        let ended = state.ended;
        if self.outlet.is_full(table, pending, ended)? {
            self.take(builders, table, RowTarget::Table)?;
        }
        Ok(end.bytes)
    }
}

impl Pending {
    /// Notes that all pending rows are taken. Returns the contacts that end in them.
    fn take(&mut self, bytes: usize) -> Vec<ContactEnd> {
        self.taken += bytes - self.before;
        (self.before, self.ended) = (0, 0);
        std::mem::take(&mut self.ends)
    }

    /// The end of the current contact, with this many pending rows and bytes. Starts the next contact.
    fn end(&mut self, rows: usize, bytes: usize) -> ContactEnd {
        let own = self.taken + bytes - self.before;
        let end = ContactEnd { rows, bytes: own, has_pieces: self.has_pieces };
        (self.taken, self.before, self.has_pieces) = (0, bytes, false);
        end
    }
}
