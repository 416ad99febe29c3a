//! Rows from the builders into the writers, in batches whose borders depend on the rows alone.

use std::path::Path;

use super::BuildError;
use crate::id::{Channel, ContactId};
use crate::output::{OutputSpec, StagedFile, TableWriter};
use crate::record::Message;
use crate::table::{Builders, ConversationColumns, Stamp, Table, UnknownFields};

/// Pending bytes of one table after which rows are handed over even inside a contact: bounds memory.
const MAX_PENDING: usize = 4 << 20;

/// The builders and writers of all tables.
pub struct Tables {
    /// Where rows are pushed.
    pub builders: Builders,
    writers: [TableWriter; 5],
}

/// All files, and what the builders have counted.
pub struct Finished {
    pub files: Vec<StagedFile>,
    pub unknown_fields: UnknownFields,
}

impl Tables {
    pub fn new(stamp: &Stamp, spec: &OutputSpec, stage: &Path) -> Self {
        Self {
            builders: Builders::new(stamp),
            writers: Table::ALL.map(|table| TableWriter::new(spec, table, stage)),
        }
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
        builders.message(contact_id, conversation, asked, message, |builders| relieve(builders, writers))
    }

    /// After each row: hands over what has grown large.
    pub fn relieve(&mut self) -> Result<(), BuildError> {
        relieve(&mut self.builders, &mut self.writers)
    }

    /// After each contact: hands over what makes a batch, and lets files that have reached their size be closed.
    pub fn end_contact(&mut self) -> Result<(), BuildError> {
        for table in Table::ALL {
            if self.builders.bytes(table) >= self.writers[table as usize].batch_hint() {
                hand_over(&mut self.builders, &mut self.writers, table)?;
            }
            if self.builders.rows(table) == 0 {
                self.writers[table as usize].end_contact()?;
            }
        }
        Ok(())
    }

    /// Closes all files.
    pub fn finish(mut self) -> Result<Finished, BuildError> {
        for table in Table::ALL {
            hand_over(&mut self.builders, &mut self.writers, table)?;
        }
        let unknown_fields = self.builders.unknown_fields().clone();
        let mut files = Vec::new();
        for writer in self.writers {
            files.extend(writer.finish()?);
        }
        Ok(Finished { files, unknown_fields })
    }
}

fn relieve(builders: &mut Builders, writers: &mut [TableWriter; 5]) -> Result<(), BuildError> {
    for table in [Table::Messages, Table::ChannelRecords, Table::Conversations] {
        if builders.bytes(table) >= MAX_PENDING {
            hand_over(builders, writers, table)?;
        }
    }
    Ok(())
}

fn hand_over(
    builders: &mut Builders,
    writers: &mut [TableWriter; 5],
    table: Table,
) -> Result<(), BuildError> {
    match builders.take(table) {
        Some(rows) => Ok(writers[table as usize].write(&rows)?),
        None => Ok(()),
    }
}
