//! The tables of a package, as CSV for spreadsheets and as JSONL for programs.

mod csv;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::bag::{Bag, BagFile};
use crate::durable::{OnPath, StorageError};
use crate::output::write_lines;
use crate::table::{Column, Kind, Table};

pub(super) use csv::{CsvFile, cell};

/// The column of cite numbers.
const CITE: Column = Column {
    name: "cite",
    kind: Kind::Str,
    nullable: true,
    meaning: "Cite number of the message in this package.",
    example: "M0000123",
};

/// The open files of one table.
pub(super) struct TableFiles {
    columns: Vec<Column>,
    csv: CsvFile,
    lines: BagFile,
}

impl TableFiles {
    pub(super) fn create(bag: &Bag, table: Table) -> Result<Self, StorageError> {
        let has_cite = matches!(table, Table::Messages | Table::ChannelRecords);
        let columns: Vec<Column> =
            has_cite.then_some(CITE).into_iter().chain(table.columns().iter().copied()).collect();
        // The names of the files fit those of the contents page.
        let name = if table == Table::ChannelRecords { "records" } else { table.name() };
        let header = columns.iter().map(|column| column.name.to_owned()).collect();
        Ok(Self {
            csv: CsvFile::create(bag, &format!("data/csv/{name}"), header)?,
            lines: bag.create(format!("data/json/{}.jsonl", table.name()))?,
            columns,
        })
    }

    /// Appends rows, with the cite numbers of their messages if the table has them.
    pub(super) fn write(
        &mut self,
        bag: &mut Bag,
        batch: &RecordBatch,
        cites: Option<StringArray>,
    ) -> Result<(), StorageError> {
        let with_cites = cites.map(|cites| with_first(batch, cites));
        let batch = with_cites.as_ref().unwrap_or(batch);
        let written = write_lines(&self.columns, batch, &mut self.lines);
        written.on("write", self.lines.path())?;
        for row in 0..batch.num_rows() {
            let cells = self.columns.iter().zip(batch.columns());
            let cells = cells.map(|(column, values)| cell(column.kind, values, row));
            self.csv.write(bag, cells)?;
        }
        Ok(())
    }

    /// Closes the files.
    pub(super) fn finish(self, bag: &mut Bag) -> Result<(), StorageError> {
        self.csv.finish(bag)?;
        bag.close(self.lines).map(drop)
    }
}

/// Puts the cite numbers before the columns.
fn with_first(batch: &RecordBatch, cites: StringArray) -> RecordBatch {
    let field = Arc::new(Field::new(CITE.name, DataType::Utf8, true));
    let fields: Vec<_> = [field].into_iter().chain(batch.schema().fields().iter().cloned()).collect();
    let cites: ArrayRef = Arc::new(cites);
    let columns = [cites].into_iter().chain(batch.columns().iter().cloned()).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a cite number for each row")
}
