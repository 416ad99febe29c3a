//! Opens Parquet files that may have been replaced, without giving memory to what they claim.
//!
//! A file of a few kilobytes can claim pages of gigabytes, or repeat one long value a million times. [`Input`] reads
//! the headers of the pages first, which takes no more memory than the footer has bytes, and refuses what cannot be
//! read within bounds. Batches get as few rows as their longest values require.
//!
//! Layer 1: knows files of flat columns, and nothing of tables.

mod chunk;
mod compact;
mod page;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{FooterTail, RowGroupMetaData};

use chunk::Extent;

/// The longest footer that is read. Metadata in memory takes up to 40 times as much. The program's own files have a few
/// kilobytes for each row group.
const MAX_FOOTER: usize = 4 << 20;
/// Bytes of pages that are open at once: one page and one dictionary of each column. A message of 64 MiB fits twice.
const MAX_PAGES: u64 = 160 << 20;
/// Bytes of values in a batch, unless a single row has more.
const MAX_BATCH: u64 = 64 << 20;
/// Rows in a batch at most.
const BATCH_ROWS: u64 = 1024;

/// A Parquet file whose footer is read.
pub struct Input {
    file: File,
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl Input {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// When the footer is longer than any that this program writes, is damaged, or cannot be read.
    pub fn open(mut file: File) -> Result<Self> {
        let tail = i64::try_from(FOOTER_SIZE).unwrap_or(i64::MAX);
        let mut footer = [0; FOOTER_SIZE];
        if file.metadata()?.len() < FOOTER_SIZE as u64 {
            return Err(refused("it is too short for a Parquet file"));
        }
        file.seek(SeekFrom::End(-tail))?;
        file.read_exact(&mut footer)?;
        if FooterTail::try_new(&footer)?.metadata_length() > MAX_FOOTER {
            return Err(refused(format!("its footer has more than {} MiB", MAX_FOOTER >> 20)));
        }
        // The columns' types are in the schema. A second one in Arrow's form could claim others.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file.try_clone()?, options)?;
        Ok(Self { file, builder })
    }

    /// Metadata and schema.
    pub fn footer(&self) -> &ParquetRecordBatchReaderBuilder<File> {
        &self.builder
    }

    /// Reads the rows, with the columns of these names, or all of them.
    ///
    /// # Errors
    /// When reading would take more memory than any file of this program, or the file is damaged or cannot be read.
    pub fn rows(self, columns: Option<&[&str]>) -> Result<ParquetRecordBatchReader> {
        let Self { file, builder } = self;
        let mask = match columns {
            Some(columns) => ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied()),
            None => ProjectionMask::all(),
        };
        let mut rows = BATCH_ROWS;
        for group in builder.metadata().row_groups() {
            rows = rows.min(batch_rows(&extents(&file, group, &mask)?));
        }
        let rows = usize::try_from(rows).unwrap_or(1);
        builder.with_projection(mask).with_batch_size(rows).build()
    }
}

/// The extents of the columns that are read of a row group.
fn extents(file: &File, group: &RowGroupMetaData, mask: &ProjectionMask) -> Result<Vec<Extent>> {
    if u32::try_from(group.num_rows()).is_err() {
        return Err(refused(format!("a row group claims {} rows", group.num_rows())));
    }
    let chunks = group.columns().iter().enumerate().filter(|(at, _)| mask.leaf_included(*at));
    let mut open = 0;
    chunks
        .map(|(_, chunk)| {
            let extent = chunk::extent(file, chunk)?;
            open += extent.page + extent.dictionary;
            if open > MAX_PAGES {
                let column = chunk.column_path().string();
                let what = format!("pages of more than {} MiB, up to column {column}", MAX_PAGES >> 20);
                return Err(refused(what));
            }
            Ok(extent)
        })
        .collect()
}

/// How many rows have values of at most [`MAX_BATCH`] bytes, or one.
fn batch_rows(extents: &[Extent]) -> u64 {
    let mut rows = BATCH_ROWS;
    while rows > 1 && extents.iter().map(|extent| extent.bytes_of(rows)).sum::<u64>() > MAX_BATCH {
        rows /= 2;
    }
    rows
}

fn refused(what: impl Into<String>) -> ParquetError {
    ParquetError::General(what.into())
}
