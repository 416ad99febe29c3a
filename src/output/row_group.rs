//! Row groups: open ones, and encoded ones that are not in a file yet.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::blocks::Blocks;

/// An open group. It holds its rows as encoded pages.
pub(super) struct OpenGroup {
    schema: SchemaRef,
    columns: Vec<ArrowColumnWriter>,
    blocks: Blocks,
}

/// A group whose rows are encoded.
pub(super) struct ClosedGroup(Vec<ArrowColumnChunk>);

impl OpenGroup {
    /// Returns the open group, or opens one.
    pub(super) fn of<'a>(
        open: &'a mut Option<Self>,
        factory: &ArrowRowGroupWriterFactory,
        schema: &SchemaRef,
    ) -> Result<&'a mut Self, ParquetError> {
        match open {
            Some(group) => Ok(group),
            none => {
                // The number of the group matters for encryption only.
                let columns = factory.create_column_writers(0)?;
                Ok(none.insert(Self { schema: schema.clone(), columns, blocks: Blocks::default() }))
            }
        }
    }

    /// Appends rows to the group.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let Self { schema, columns, blocks } = self;
        blocks.push(batch, |block| encode(schema, columns, block))
    }

    /// Ends the group and encodes its last rows.
    pub(super) fn close(mut self) -> Result<ClosedGroup, ParquetError> {
        if let Some(rest) = self.blocks.rest()? {
            encode(&self.schema, &mut self.columns, &rest)?;
        }
        self.columns.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>().map(ClosedGroup)
    }
}

impl ClosedGroup {
    /// Appends the group to the file.
    pub(super) fn append_to<W: Write + Send>(
        self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        for column in self.0 {
            column.append_to_row_group(&mut group)?;
        }
        group.close()?;
        Ok(())
    }
}

fn encode(
    schema: &SchemaRef,
    columns: &mut [ArrowColumnWriter],
    block: &RecordBatch,
) -> Result<(), ParquetError> {
    let mut columns = columns.iter_mut();
    for (field, values) in schema.fields().iter().zip(block.columns()) {
        for (leaf, column) in compute_leaves(field, values)?.iter().zip(&mut columns) {
            column.write(leaf)?;
        }
    }
    Ok(())
}
