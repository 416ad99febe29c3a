//! Rows from the builders to the writers, in batches. The borders of batches depend on the rows alone.

use std::path::{Path, PathBuf};

use super::TransformError;
use crate::id::{Channel, ContactId};
use crate::output::{OutputSpec, PieceOrder, StagedFile, WriterThread};
use crate::record::Message;
use crate::table::{Builders, ConversationColumns, Counts, Stamp, Table};

/// Pending bytes of one table above which rows are flushed even inside a contact. Bounds memory.
const MAX_PENDING: usize = 4 << 20;

/// Tables with rows per message.
const PER_MESSAGE: [Table; 2] = [Table::Messages, Table::ChannelRecords];

/// Destination of a message's rows.
#[derive(Clone, Copy)]
pub enum RowTarget {
    /// At the end of the table.
    Table,
    /// In the piece of this number, whose position is not known yet.
    Piece(u32),
}

/// The builders and writers of all tables.
pub struct Tables {
    /// Builders of the rows at the end of each table.
    pub builders: Builders,
    /// Builders of the rows in pieces.
    piece: Builders,
    /// True if the format allows pieces.
    pub have_pieces: bool,
    writers: Writers,
}

/// The writers' threads. Each starts with the first rows of its table.
struct Writers {
    spec: OutputSpec,
    stage: PathBuf,
    threads: [Option<WriterThread>; 5],
}

/// All staged files of the tables, and the counts of the builders.
pub struct StagedTables {
    pub files: Vec<StagedFile>,
    pub counts: Counts,
}

impl Tables {
    pub fn new(stamp: &Stamp, spec: &OutputSpec, stage: &Path) -> Self {
        let writers = Writers { spec: spec.clone(), stage: stage.to_owned(), threads: [const { None }; 5] };
        let (builders, piece) = (Builders::new(stamp), Builders::new(stamp));
        Self { builders, piece, have_pieces: spec.has_pieces(), writers }
    }

    /// Adds a message's rows. Flushes large tables in between.
    pub fn message(
        &mut self,
        target: RowTarget,
        contact_id: &ContactId,
        conversation: &ConversationColumns,
        asked: Option<Channel>,
        message: &Message<'_>,
    ) -> Result<(), TransformError> {
        let Self { builders, piece, writers, .. } = self;
        let builders = match target {
            RowTarget::Table => builders,
            RowTarget::Piece(_) => piece,
        };
        builders.message(contact_id, conversation, asked, message, |builders| {
            writers.flush_large(builders, target)
        })
    }

    /// Flushes the tables that have grown large. Call it after each row.
    pub fn flush_large(&mut self) -> Result<(), TransformError> {
        self.writers.flush_large(&mut self.builders, RowTarget::Table)
    }

    /// Ends a piece after its last row and returns the counts of its values.
    pub fn end_piece(&mut self, number: u32) -> Result<Counts, TransformError> {
        for table in PER_MESSAGE {
            self.writers.take(&mut self.piece, table, RowTarget::Piece(number))?;
            self.writers.piece(table, PieceOrder::End(number))?;
        }
        Ok(self.piece.take_counts())
    }

    /// Appends a piece to its tables. `counts` is the result of [`Self::end_piece`].
    pub fn put_piece(&mut self, number: u32, counts: &Counts) -> Result<(), TransformError> {
        for table in PER_MESSAGE {
            self.writers.take(&mut self.builders, table, RowTarget::Table)?;
            self.writers.piece(table, PieceOrder::Put(number))?;
        }
        self.builders.add_counts(counts);
        Ok(())
    }

    /// Discards the pieces that were not appended.
    pub fn drop_pieces(&mut self) -> Result<(), TransformError> {
        PER_MESSAGE.into_iter().try_for_each(|table| self.writers.piece(table, PieceOrder::DropAll))
    }

    /// Flushes full batches, and lets writers close files of the target size. Call it after each contact.
    pub fn end_contact(&mut self) -> Result<(), TransformError> {
        for table in Table::ALL {
            if self.builders.bytes(table) >= self.writers.spec.batch_bytes() {
                self.writers.take(&mut self.builders, table, RowTarget::Table)?;
            }
            if self.builders.rows(table) == 0
                && let Some(writer) = &mut self.writers.threads[table as usize]
            {
                writer.end_contact()?;
            }
        }
        Ok(())
    }

    /// Flushes all rows and closes all files.
    pub fn finish(mut self) -> Result<StagedTables, TransformError> {
        for table in Table::ALL {
            self.writers.take(&mut self.builders, table, RowTarget::Table)?;
        }
        let counts = self.builders.take_counts();
        let mut writers: Vec<_> = self.writers.threads.into_iter().flatten().collect();
        for writer in &mut writers {
            writer.begin_finish()?;
        }
        let mut files = Vec::new();
        for writer in writers {
            files.extend(writer.finish()?);
        }
        Ok(StagedTables { files, counts })
    }
}

impl Writers {
    /// Sends a table's pending rows to its writer.
    fn take(
        &mut self,
        builders: &mut Builders,
        table: Table,
        target: RowTarget,
    ) -> Result<(), TransformError> {
        let Some(rows) = builders.take(table) else { return Ok(()) };
        let writer = &mut self.threads[table as usize];
        let writer = match writer {
            Some(writer) => writer,
            None => writer.insert(WriterThread::start(&self.spec, table, &self.stage)?),
        };
        match target {
            RowTarget::Table => writer.write(rows)?,
            RowTarget::Piece(number) => writer.piece(PieceOrder::Write(number, rows))?,
        }
        Ok(())
    }

    /// Sends an order about a piece. A table without rows has no pieces.
    fn piece(&mut self, table: Table, order: PieceOrder) -> Result<(), TransformError> {
        Ok(self.threads[table as usize].as_mut().map_or(Ok(()), |writer| writer.piece(order))?)
    }

    /// Flushes the tables that have grown large.
    fn flush_large(&mut self, builders: &mut Builders, target: RowTarget) -> Result<(), TransformError> {
        for table in [Table::Messages, Table::ChannelRecords, Table::Conversations] {
            if builders.bytes(table) >= MAX_PENDING {
                self.take(builders, table, target)?;
            }
        }
        Ok(())
    }
}
