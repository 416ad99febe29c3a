//! Rows from the builders to the writers, in batches whose borders depend on the rows alone.

use std::path::{Path, PathBuf};

use super::BuildError;
use crate::id::{Channel, ContactId};
use crate::output::{OutputSpec, StagedFile, WriterThread};
use crate::record::Message;
use crate::table::{Builders, ConversationColumns, Stamp, Table, UnknownFields};

/// Pending bytes of one table after which rows are handed over even inside a contact: bounds memory.
const MAX_PENDING: usize = 4 << 20;

/// The builders and writers of all tables.
pub struct Tables {
    /// Where rows are pushed.
    pub builders: Builders,
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
    pub unknown_fields: UnknownFields,
}

impl Tables {
    pub fn new(stamp: &Stamp, spec: &OutputSpec, stage: &Path) -> Self {
        let writers = Writers { spec: spec.clone(), stage: stage.to_owned(), threads: [const { None }; 5] };
        Self { builders: Builders::new(stamp), writers }
    }

    /// Pushes a message's rows, and hands over what has grown large in between.
    pub fn message(
        &mut self,
        contact_id: &ContactId,
        conversation: &ConversationColumns,
        asked: Option<Channel>,
        message: &Message<'_>,
    ) -> Result<(), BuildError> {
        let Self { builders, writers } = self;
        builders.message(contact_id, conversation, asked, message, |builders| writers.relieve(builders))
    }

    /// After each row: hands over what has grown large.
    pub fn relieve(&mut self) -> Result<(), BuildError> {
        self.writers.relieve(&mut self.builders)
    }

    /// After each contact: hands over what makes a batch, and lets files that have reached their size be closed.
    pub fn end_contact(&mut self) -> Result<(), BuildError> {
        for table in Table::ALL {
            if self.builders.bytes(table) >= self.writers.spec.batch_bytes() {
                self.writers.take(&mut self.builders, table)?;
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
    pub fn finish(mut self) -> Result<Finished, BuildError> {
        for table in Table::ALL {
            self.writers.take(&mut self.builders, table)?;
        }
        let unknown_fields = self.builders.unknown_fields().clone();
        let mut writers: Vec<_> = self.writers.threads.into_iter().flatten().collect();
        for writer in &mut writers {
            writer.begin_finish()?;
        }
        let mut files = Vec::new();
        for writer in writers {
            files.extend(writer.finish()?);
        }
        Ok(Finished { files, unknown_fields })
    }
}

impl Writers {
    /// Hands a table's pending rows to its writer.
    fn take(&mut self, builders: &mut Builders, table: Table) -> Result<(), BuildError> {
        let Some(rows) = builders.take(table) else { return Ok(()) };
        let writer = &mut self.threads[table as usize];
        let writer = match writer {
            Some(writer) => writer,
            None => writer.insert(WriterThread::start(&self.spec, table, &self.stage)?),
        };
        Ok(writer.write(rows)?)
    }

    /// Hands over what has grown large.
    fn relieve(&mut self, builders: &mut Builders) -> Result<(), BuildError> {
        for table in [Table::Messages, Table::ChannelRecords, Table::Conversations] {
            if builders.bytes(table) >= MAX_PENDING {
                self.take(builders, table)?;
            }
        }
        Ok(())
    }
}
