//! Reads the rows of a Parquet file.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::ReadError;
use super::columns::{Columns, kind_named};
use crate::bounded::Input;

/// The batches of a file.
pub(super) struct ParquetBatches {
    rows: ParquetRecordBatchReader,
    columns: Columns,
}

impl ParquetBatches {
    /// Reads the footer, and compares its columns with those of the manifest.
    pub(super) fn new(file: File, path: &Path, columns: Columns) -> Result<Self, ReadError> {
        let failed = |error| ReadError::of_parquet(path, error);
        let input = Input::open(file).map_err(failed)?;
        compare(input.footer().schema(), &columns).map_err(|what| ReadError::damaged(path, what))?;
        let read = (0..columns.of_file.len()).filter(|at| columns.column(*at).is_some());
        let names: Vec<_> = read.map(|at| columns.of_file[at].name.as_str()).collect();
        let rows = input.rows(Some(&names)).map_err(failed)?;
        Ok(Self { rows, columns })
    }

    /// Reads the next batch.
    pub(super) fn read(&mut self, path: &Path) -> Result<Option<RecordBatch>, ReadError> {
        let Some(read) = self.rows.next() else { return Ok(None) };
        let batch = read.and_then(|read| {
            self.columns.batch(read.num_rows(), |at| {
                let name = &self.columns.of_file[at].name;
                let column = read.column_by_name(name).cloned();
                column.ok_or_else(|| ArrowError::SchemaError(format!("the column {name} is missing")))
            })
        });
        batch.map(Some).map_err(|error| ReadError::of_arrow(path, error))
    }
}

/// Compares the columns of the file with those of the manifest.
fn compare(schema: &SchemaRef, columns: &Columns) -> Result<(), String> {
    let columns = &columns.of_file;
    if schema.fields().len() != columns.len() {
        return Err(format!("{} columns, expected {}", schema.fields().len(), columns.len()));
    }
    for (field, column) in schema.fields().iter().zip(columns) {
        // A later version may have other kinds.
        let kind = kind_named(&column.kind);
        if *field.name() != column.name || kind.is_some_and(|kind| kind.arrow() != *field.data_type()) {
            let (name, found) = (&column.name, field.data_type());
            return Err(format!(
                "the column {} ({found}) is in place of {name} ({})",
                field.name(),
                column.kind
            ));
        }
    }
    Ok(())
}
