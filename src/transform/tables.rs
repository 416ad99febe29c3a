//! Rows from the builders to the writers, in batches whose borders depend on the rows alone.

use std::path::{Path, PathBuf};

use super::TransformError;
use crate::id::{Channel, ContactId};
use crate::output::{OutputSpec, PieceOrder, StagedFile, WriterThread};
use crate::record::Message;
use crate::table::{Builders, ConversationColumns, Counts, Stamp, Table};

/// Pending bytes of one table after which rows are handed over even inside a contact: bounds memory.
const MAX_PENDING: usize = 4 << 20;

/// The tables that have rows for each message.
const PER_MESSAGE: [Table; 2] = [Table::Messages, Table::ChannelRecords];

/// Where a message's rows go.
#[derive(Clone, Copy)]
pub enum RowTarget {
    /// Behind all others.
    Table,
    /// Into the piece of this number, which has no place yet.
    Piece(u32),
}

/// The builders and writers of all tables.
pub struct Tables {
    /// Where rows are pushed.
    pub builders: Builders,
    /// Where those of pieces are.
    piece: Builders,
    /// Whether messages can be written in pieces.
    pub have_pieces: bool,
    writers: Writers,
}

/// The writers' threads, each started with its table's first rows.
struct Writers {
    spec: OutputSpec,
    stage: PathBuf,
    threads: [Option<WriterThread>; 5],
}

/// All files, and what the builders have counted.
pub struct Finished {
    pub files: Vec<StagedFile>,
    pub counts: Counts,
}

impl Tables {
    pub fn new(stamp: &Stamp, spec: &OutputSpec, stage: &Path) -> Self {
        let writers = Writers { spec: spec.clone(), stage: stage.to_owned(), threads: [const { None }; 5] };
        let (builders, piece) = (Builders::new(stamp), Builders::new(stamp));
        Self { builders, piece, have_pieces: spec.has_pieces(), writers }
    }

    /// Pushes a message's rows, and hands over what has grown large in between.
    pub fn message(
        &mut self,
        whither: RowTarget,
        contact_id: &ContactId,
        conversation: &ConversationColumns,
        asked: Option<Channel>,
        message: &Message<'_>,
    ) -> Result<(), TransformError> {
        let Self { builders, piece, writers, .. } = self;
        let builders = match whither {
            RowTarget::Table => builders,
            RowTarget::Piece(_) => piece,
        };
        builders
            .message(contact_id, conversation, asked, message, |builders| writers.relieve(builders, whither))
    }

    /// After each row: hands over what has grown large.
    pub fn relieve(&mut self) -> Result<(), TransformError> {
        self.writers.relieve(&mut self.builders, RowTarget::Table)
    }

    /// After the last row of a piece; gives the counts of what it holds.
    pub fn end_piece(&mut self, number: u32) -> Result<Counts, TransformError> {
        for table in PER_MESSAGE {
            self.writers.take(&mut self.piece, table, RowTarget::Piece(number))?;
            self.writers.piece(table, PieceOrder::End(number))?;
        }
        Ok(self.piece.take_counts())
    }

    /// Puts a piece, with what [`Self::end_piece`] gave, behind all rows so far.
    pub fn put_piece(&mut self, number: u32, counts: &Counts) -> Result<(), TransformError> {
        for table in PER_MESSAGE {
            self.writers.take(&mut self.builders, table, RowTarget::Table)?;
            self.writers.piece(table, PieceOrder::Put(number))?;
        }
        self.builders.add_counts(counts);
        Ok(())
    }

    /// Forgets the pieces that were not put.
    pub fn drop_pieces(&mut self) -> Result<(), TransformError> {
        PER_MESSAGE.into_iter().try_for_each(|table| self.writers.piece(table, PieceOrder::DropAll))
    }

    /// After each contact: hands over what makes a batch, and lets files that have reached their size be closed.
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

    /// Closes all files.
    pub fn finish(mut self) -> Result<Finished, TransformError> {
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
        Ok(Finished { files, counts })
    }
}

impl Writers {
    /// Hands a table's pending rows to its writer.
    fn take(
        &mut self,
        builders: &mut Builders,
        table: Table,
        whither: RowTarget,
    ) -> Result<(), TransformError> {
        let Some(rows) = builders.take(table) else { return Ok(()) };
        let writer = &mut self.threads[table as usize];
        let writer = match writer {
            Some(writer) => writer,
            None => writer.insert(WriterThread::start(&self.spec, table, &self.stage)?),
        };
        match whither {
            RowTarget::Table => writer.write(rows)?,
            RowTarget::Piece(number) => writer.piece(PieceOrder::Write(number, rows))?,
        }
        Ok(())
    }

    /// A table that has had no rows has no pieces.
    fn piece(&mut self, table: Table, order: PieceOrder) -> Result<(), TransformError> {
        Ok(self.threads[table as usize].as_mut().map_or(Ok(()), |writer| writer.piece(order))?)
    }

    /// Hands over what has grown large.
    fn relieve(&mut self, builders: &mut Builders, whither: RowTarget) -> Result<(), TransformError> {
        for table in [Table::Messages, Table::ChannelRecords, Table::Conversations] {
            if builders.bytes(table) >= MAX_PENDING {
                self.take(builders, table, whither)?;
            }
        }
        Ok(())
    }
}
