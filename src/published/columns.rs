//! Maps the columns of a file to the columns of its table.
//!
//! A file of an older version lacks columns, which become null. A file of a later version may have more,
//! which are not read. With the partition key `channel`, the column of this name is only in the path.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;

use super::{ReadError, Wanted};
use crate::output::manifest::{ColumnEntry, FileEntry, Manifest, TableEntry};
use crate::settings::PartitionKey;
use crate::table::{Column, Kind, Table};

/// Returns the table of a file; `None` for a raw archive.
pub fn table_of(file: &FileEntry) -> Option<Table> {
    Table::ALL.into_iter().find(|table| table.name() == file.table)
}

/// Returns the files of a table; those of one folder in the order of their rows.
pub fn files_of<'a>(manifest: &'a Manifest, table: &str) -> Vec<&'a FileEntry> {
    let mut files: Vec<_> = manifest.files.iter().filter(|file| file.table == table).collect();
    // Numbers have five digits or more.
    files.sort_by_key(|file| {
        let (folder, name) = file.path.split();
        (folder, name.len(), name)
    });
    files
}

/// Returns the columns of a file according to its manifest, without those that readers take from the path.
pub fn columns_of_file(manifest: &Manifest, file: &FileEntry, table: Table) -> Vec<ColumnEntry> {
    let mut columns = match manifest.tables.get(table.name()) {
        Some(entry) => entry.columns.clone(),
        None => TableEntry::new(table, 0).columns,
    };
    columns.retain(|column| !is_in_path(&column.name, file));
    columns
}

/// True if the values of this column are in the path of the file.
fn is_in_path(column: &str, file: &FileEntry) -> bool {
    column == PartitionKey::Channel.name() && file.partition.iter().any(|(key, _)| key == column)
}

/// Origin of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The column of the file with this index.
    File(usize),
    /// The path of the file.
    Path,
    /// None: the version that wrote the file did not have the column.
    Missing,
}

/// The columns of a file, and of the batches that are made from them.
pub(super) struct Columns {
    /// Columns of the file, in their order.
    pub(super) of_file: Vec<ColumnEntry>,
    table: Table,
    schema: SchemaRef,
    /// Origin of each column of the schema.
    origins: Vec<Origin>,
    /// The file's value of `channel`.
    channel: Option<String>,
}

impl Columns {
    /// Creates the mapping of one file to the wanted columns of its table.
    pub(super) fn new(
        path: &Path,
        manifest: &Manifest,
        file: &FileEntry,
        table: Table,
        wanted: Wanted,
    ) -> Result<Self, ReadError> {
        let of_file = columns_of_file(manifest, file, table);
        let (mut fields, mut origins) = (Vec::new(), Vec::new());
        for (column, field) in table.columns().iter().zip(table.arrow().fields()) {
            if !wanted.has(column.name) {
                continue;
            }
            let origin = match of_file.iter().position(|found| found.name == column.name) {
                Some(at) if of_file[at].kind != column.kind.name() => {
                    let what = format!("the manifest has another type for its column {}", column.name);
                    return Err(ReadError::damaged(path, what));
                }
                Some(at) => Origin::File(at),
                None if is_in_path(column.name, file) => Origin::Path,
                None => Origin::Missing,
            };
            fields.push(Arc::clone(field));
            origins.push(origin);
        }
        let channel = file.partition.iter().find(|(key, _)| key == PartitionKey::Channel.name());
        let channel = channel.and_then(|(_, value)| value.clone());
        Ok(Self { of_file, table, schema: Arc::new(Schema::new(fields)), origins, channel })
    }

    /// Returns the column of the table that a column of the file is read into; `None` if it is not read.
    pub(super) fn column(&self, at: usize) -> Option<&'static Column> {
        let is_read = self.origins.contains(&Origin::File(at));
        let name = self.of_file.get(at).filter(|_| is_read)?.name.as_str();
        self.table.columns().iter().find(|column| column.name == name)
    }

    /// Creates a batch of rows. `of_file` returns the values of a column of the file.
    pub(super) fn batch(
        &self,
        rows: usize,
        mut of_file: impl FnMut(usize) -> Result<ArrayRef, ArrowError>,
    ) -> Result<RecordBatch, ArrowError> {
        let arrays = self.origins.iter().zip(self.schema.fields()).map(|(origin, field)| match origin {
            Origin::File(at) => of_file(*at),
            Origin::Path => {
                let values = std::iter::repeat_n(self.channel.as_deref(), rows);
                Ok(Arc::new(values.collect::<StringArray>()) as ArrayRef)
            }
            Origin::Missing => Ok(new_null_array(field.data_type(), rows)),
        });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
    }
}

/// Returns the kind with this name in a manifest; `None` for a kind of a later version.
pub(super) fn kind_named(name: &str) -> Option<Kind> {
    [Kind::Str, Kind::Ts, Kind::Int, Kind::Bool, Kind::Json].into_iter().find(|kind| kind.name() == name)
}
