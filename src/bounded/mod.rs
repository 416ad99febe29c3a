//! Reads Parquet files of unknown origin in bounded memory.
//!
//! A file of a few kilobytes can claim pages of gigabytes, or repeat one long value a million times.
//! [`Input`] first reads the page headers, which takes no more memory than the footer has bytes. It rejects
//! files that cannot be read within the bounds. Batches have fewer rows if values are long.
//!
//! Layer 1: supports flat columns only, independent of tables.

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

/// Maximum length of a footer. Its metadata takes up to 40 times as much memory. The program's own files have
/// a few kilobytes of footer per row group.
const MAX_FOOTER: usize = 4 << 20;
/// Maximum bytes of pages in memory at once: one page and one dictionary per column. Two messages of 64 MiB
/// fit.
const MAX_PAGES: u64 = 160 << 20;
/// Maximum bytes of values in a batch. Only a single row may exceed it.
const MAX_BATCH: u64 = 64 << 20;
/// Maximum number of rows in a batch.
const BATCH_ROWS: u64 = 1024;

/// A Parquet file whose footer has been read.
pub struct Input {
    file: File,
    builder: ParquetRecordBatchReaderBuilder<File>,
}

impl Input {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// If the footer is longer than in any file of this program, is damaged, or cannot be read.
    pub fn open(mut file: File) -> Result<Self> {
        let tail = i64::try_from(FOOTER_SIZE).unwrap_or(i64::MAX);
        let mut footer = [0; FOOTER_SIZE];
        if file.metadata()?.len() < FOOTER_SIZE as u64 {
            return Err(rejected("the file is too short for a Parquet file"));
        }
        file.seek(SeekFrom::End(-tail))?;
        file.read_exact(&mut footer)?;
        if FooterTail::try_new(&footer)?.metadata_length() > MAX_FOOTER {
            return Err(rejected(format!("the footer has more than {} MiB", MAX_FOOTER >> 20)));
        }
        // The Parquet schema gives the types of the columns. An embedded Arrow schema could claim others.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file.try_clone()?, options)?;
        Ok(Self { file, builder })
    }

    /// Returns the builder with metadata and schema.
    pub fn footer(&self) -> &ParquetRecordBatchReaderBuilder<File> {
        &self.builder
    }

    /// Reads the rows, either with the named columns or with all.
    ///
    /// # Errors
    /// If reading would take more memory than for any file of this program, or the file is damaged or cannot
    /// be read.
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

/// Returns the extents of the selected columns of a row group.
fn extents(file: &File, group: &RowGroupMetaData, mask: &ProjectionMask) -> Result<Vec<Extent>> {
    if u32::try_from(group.num_rows()).is_err() {
        return Err(rejected(format!("a row group claims {} rows", group.num_rows())));
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
                return Err(rejected(what));
            }
            Ok(extent)
        })
        .collect()
}

/// Returns the number of rows whose values have at most [`MAX_BATCH`] bytes, but at least 1.
fn batch_rows(extents: &[Extent]) -> u64 {
    let mut rows = BATCH_ROWS;
    while rows > 1 && extents.iter().map(|extent| extent.bytes_of(rows)).sum::<u64>() > MAX_BATCH {
        rows /= 2;
    }
    rows
}

fn rejected(what: impl Into<String>) -> ParquetError {
    ParquetError::General(what.into())
}
