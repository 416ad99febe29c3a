//! Rows from the builders into the writers, in batches whose borders depend on the rows alone.

use std::path::Path;

use super::BuildError;
use crate::output::{OutputSpec, StagedFile, TableWriter};
use crate::table::{Builders, Stamp, Table, UnknownFields};

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

    /// After each row: hands over what has grown large.
    pub fn relieve(&mut self) -> Result<(), BuildError> {
        for table in [Table::Messages, Table::ChannelRecords, Table::Conversations] {
            if self.builders.bytes(table) >= MAX_PENDING {
                self.hand_over(table)?;
            }
        }
        Ok(())
    }

    /// After each contact: hands over what makes a batch, and lets files that have reached their size be closed.
    pub fn end_contact(&mut self) -> Result<(), BuildError> {
        for table in Table::ALL {
            if self.builders.bytes(table) >= self.writers[table as usize].batch_hint() {
                self.hand_over(table)?;
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
            self.hand_over(table)?;
        }
        let unknown_fields = self.builders.unknown_fields().clone();
        let mut files = Vec::new();
        for writer in self.writers {
            files.extend(writer.finish()?);
        }
        Ok(Finished { files, unknown_fields })
    }

    fn hand_over(&mut self, table: Table) -> Result<(), BuildError> {
        match self.builders.take(table) {
            Some(rows) => Ok(self.writers[table as usize].write(&rows)?),
            None => Ok(()),
        }
    }
}
